"""`homing profile show` shows what the route shows."""

import pytest

from tests.service.commands.program import Program

WONJUN = {
    "type": "identify",
    "messageId": "m1",
    "userId": "wonjun-kim",
    "timestamp": "2026-01-01T00:00:00Z",
    "traits": {"email": "wonjun@example.com"},
    "context": {"device": {"id": "phone-19f", "type": "ios", "token": "token-1"}, "timezone": "Asia/Seoul"},
}


@pytest.fixture
def known(program: Program) -> Program:
    """Give the program over a store that knows Wonjun."""
    program.run("import", str(program.write("events.ndjson", [WONJUN])))
    return program


def test_a_profile_is_found_by_what_it_holds_and_by_its_id(known: Program) -> None:
    """Both give the same, masked unless asked for whole."""
    found = known.json("profile", "show", "--namespace", "email", "--value", "Wonjun@example.com")
    assert found["is_person"] is True
    assert found["identifiers"][0]["class"] == "person"
    assert {each["value"] for each in found["identifiers"]} == {"wo…", "ph…", "t…"}
    assert known.json("profile", "show", "--id", found["profile_id"]) == found
    whole = known.json("profile", "show", "--id", found["profile_id"], "--pii")
    assert whole["traits"] == {"email": "wonjun@example.com"}


def test_people_get_a_table(known: Program) -> None:
    """Identifiers, devices and endpoints, a line each; nothing whole without --pii."""
    shown = known.run("profile", "show", "--namespace", "user_id", "--value", "wonjun-kim").stdout
    for part in ("person", "user_id", "Asia/Seoul", "device_id", "endpoint", "app_push"):
        assert part in shown
    assert "wonjun" not in shown
    assert (
        "wonjun-kim" in known.run("profile", "show", "--namespace", "user_id", "--value", "wonjun-kim", "--pii").stdout
    )


def test_nobody_is_told(known: Program) -> None:
    """Exit 1, and what was asked for is not repeated."""
    for asked in (["--namespace", "user_id", "--value", "nobody"], ["--id", "nobody"]):
        said = known.refused("profile", "show", *asked, expect=1)
        assert "no such profile" in said
        assert "nobody" not in said


@pytest.mark.parametrize("asked", [[], ["--namespace", "email"], ["--value", "x"], ["--id", "a", "--namespace", "b"]])
def test_one_way_of_naming_is_needed(program: Program, asked: list[str]) -> None:
    """Exit 2, with the two ways there are."""
    assert "--namespace NAME with --value VALUE" in program.refused("profile", "show", *asked, expect=2)
