"""`homing rebuild` tells what it made again."""

import orjson
import pytest

from tests.service.commands.program import Program
from tests.service.commands.test_profile import WONJUN


def test_it_tells_what_came_of_it(program: Program) -> None:
    """Counts as JSON and in words; an empty store is no fault."""
    assert program.json("rebuild") == {"facts": 0, "identifiers": 0, "profiles": 0, "entries": 0}
    program.run("import", str(program.write("events.ndjson", [WONJUN])))
    assert program.json("rebuild") == {"facts": 1, "identifiers": 4, "profiles": 1, "entries": 0}
    result = program.run("rebuild")
    assert result.stdout == "1 facts and 0 log entries gave 4 identifiers in 1 profiles\n"
    assert "folding" in result.stderr


def test_changed_rules_come_into_force_by_a_rebuild(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another region numbers read otherwise: the former rules answer, the doctor tells, the rebuild changes it."""
    local = {"type": "identify", "messageId": "m1", "userId": "wonjun-kim", "traits": {"phone": "010-1234-5678"}}
    program.run("import", str(program.write("events.ndjson", [local])))
    asked = ("profile", "show", "--namespace", "phone", "--value", "+821012345678")
    program.refused(*asked, expect=1)

    monkeypatch.setenv("HOMING_DEFAULT_REGION", "KR")
    program.refused(*asked, expect=1)
    assert rules_are_well(program, expect=1) is False

    assert program.json("rebuild")["identifiers"] == 2
    assert program.json(*asked)["is_person"] is True
    assert rules_are_well(program, expect=0) is True

    monkeypatch.delenv("HOMING_DEFAULT_REGION")
    assert program.json(*asked)["is_person"] is True
    assert rules_are_well(program, expect=1) is False


def test_a_rebuild_makes_a_store_as_well(program: Program) -> None:
    """One that was never opened before has today's rules from then on."""
    program.run("rebuild")
    assert rules_are_well(program, expect=0) is True


def rules_are_well(program: Program, *, expect: int) -> bool:
    """Ask the doctor about the rules."""
    told = orjson.loads(program.run("doctor", "--json", expect=expect).stdout)
    return next(bool(one["well"]) for one in told["findings"] if one["name"] == "rules")
