"""`homing rules check` tells what other rules would change; `homing rules apply` brings them into force."""

from itertools import pairwise
from typing import Any

import orjson
import pytest

from tests.service.commands.program import Program

PERSONS = 4


def login(number: int, person: int, device: str) -> dict[str, Any]:
    """Give a login of some person on a device."""
    return {
        "type": "identify",
        "messageId": f"m{number}",
        "userId": f"person-{person}",
        "timestamp": f"2026-01-01T00:{number:02}:00Z",
        "context": {"device": {"id": device}},
    }


@pytest.fixture
def known(program: Program) -> Program:
    """Give the program over a store in which four persons have a phone each, and took turns at a kiosk."""
    rows = [login(n, n % PERSONS, f"phone-of-{n % PERSONS}") for n in range(2 * PERSONS)]
    rows += [login(20 + n, n, "kiosk-in-the-shop") for n in range(PERSONS)]
    program.run("import", str(program.write("events.ndjson", rows)))
    return program


def rules(program: Program, text: str, name: str = "rules.toml") -> str:
    """Write a rules file."""
    path = program.folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_no_limit_collapses_and_is_warned_of(known: Program) -> None:
    """Everybody would be one; how many merge, what becomes of their ids, and that it looks like a collapse."""
    told = known.json("rules", "check", rules(known, "[namespaces.user_id]\nlimit = 0\n"))
    assert (told["before"]["profiles"], told["after"]["profiles"]) == (PERSONS, 1)
    assert told["changes"] == {"merged": 1}
    assert told["profile_ids"] == {"kept": 1, "redirected": PERSONS - 1, "gone": 0, "new": 0}
    assert told["before"]["refused"] == {"namespace_limit": 2 * (PERSONS - 1) - (PERSONS - 1)}
    assert told["after"]["refused"] == {}
    assert (told["after"]["largest"], told["after"]["several"]) == (2 * PERSONS + 1, 1)
    assert told["after"]["sizes"] == {"8": 1}
    assert told["warnings"] == ["profiles of more than one person: 1 (now 0)"]
    assert len(next(each for each in told["samples"] if each["change"] == "merged")["absorbed"]) == PERSONS - 1


def test_a_hub_takes_a_device_from_its_owner(known: Program) -> None:
    """A kiosk that four share links nobody under a lower limit: it leaves its profile, and values stay masked."""
    out = known.folder / "all.ndjson"
    told = known.json("rules", "check", rules(known, "hub_limit = 2\n"), "--out", str(out))
    assert (told["before"]["shared"], told["after"]["shared"]) == (0, 1)
    assert told["identifiers_moved"] == 1
    assert told["profile_ids"] == {"kept": PERSONS, "redirected": 0, "gone": 0, "new": 0}
    assert [orjson.loads(line) for line in out.read_bytes().splitlines()] == told["samples"]


def test_splits_and_owners_are_told_masked_unless_they_may_be_seen(known: Program) -> None:
    """One device a profile: each phone is parted from its person, who used the kiosk later."""
    limit = rules(known, 'device_owner = "newest_login"\n[namespaces.device_id]\nlimit = 1\n')
    told = known.json("rules", "check", limit)
    assert told["changes"]["split"] == told["changes"]["created"] == PERSONS
    created = next(each for each in told["samples"] if each["change"] == "created")
    assert created["identifiers"] == ["device_id:ph…"]
    assert "owner_changed" in told["changes"]
    shown = known.run("rules", "check", limit, "--pii").stdout
    assert "Tried out only; nothing is changed." in shown
    assert "device_id:phone-of-" in shown
    assert "device_id:phone-of-" not in known.run("rules", "check", limit).stdout


def test_the_same_rules_change_nothing(known: Program) -> None:
    """And nothing is written anywhere: not into the store, which may be served meanwhile."""
    before = (known.folder / "homing.db").read_bytes()
    told = known.json("rules", "check", rules(known, ""))
    assert (told["changes"], told["identifiers_moved"], told["warnings"], told["samples"]) == ({}, 0, [], [])
    assert told["before"] == told["after"]
    assert (known.folder / "homing.db").read_bytes() == before


def test_what_check_tells_is_what_apply_does(known: Program) -> None:
    """Profiles are then as many as was told; the settings' other rules are named; again, nothing is to be done."""
    limit = rules(known, "hub_limit = 2\n[namespaces.device_id]\nlimit = 1\n")
    told = known.json("rules", "check", limit)
    applied = known.run("rules", "apply", limit, "--json")
    assert orjson.loads(applied.stdout)["changed"]
    assert "The settings still name others" in applied.stderr
    assert known.json("rules", "check", limit)["before"] == told["after"]
    assert known.json("rules", "apply", limit) == {"changed": False, "blocks": None}
    assert "in force already" in known.run("rules", "apply", limit).stdout
    assert known.json("verify")["whole"]
    assert "the store is folded under" in known.run("doctor", expect=1).stdout
    assert known.json("rules", "apply")["changed"]
    known.run("doctor")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hub_limt = 2", "hub_limt: 2 is not allowed; use one of preset, after_logout"),
        ("[namespaces.email]\nlimits = 1", "namespaces.email.limits: 1 is not allowed; use one of class, priority"),
        (
            "[namespaces.device_id]\npriority = 1\n[namespaces.user_id]\npriority = 2",
            "namespaces.device_id.priority: 1",
        ),
        ("profile_cap = 5\n[namespaces.email]\nlimit = 9", "namespaces.email.limit: 9 is not allowed; use at most"),
        ("profile_cap = 1", "profile_cap: 1 is not allowed; use a whole number from 2 to 100000"),
        ('preset = "mystery"', "preset: 'mystery' is not allowed; use default, segment"),
        ("hub_limit = ", "is no TOML"),
        (None, "cannot be read"),
    ],
)
@pytest.mark.parametrize("command", ["check", "apply"])
def test_bad_rules_are_told_with_their_place(program: Program, command: str, text: str | None, says: str) -> None:
    """Exit 2 and one line: the file, the key's path, and what is allowed."""
    path = str(program.folder / "none.toml") if text is None else rules(program, text)
    assert says in program.refused("rules", command, path, expect=2)


def test_samples_are_of_each_kind_and_few(program: Program) -> None:
    """Ten of a kind are shown, and how to have all of them is said; a file holds every one."""
    rows = [login(n, n // 2, f"device-{n}") for n in range(30)]
    program.run("import", str(program.write("events.ndjson", rows)))
    limit = rules(program, "[namespaces.device_id]\nlimit = 1\n")
    told = program.json("rules", "check", limit, "--out", str(program.folder / "all"))
    assert told["changes"]["split"] == 15
    assert sum(each["change"] == "split" for each in told["samples"]) == 10
    kinds = [orjson.loads(line)["change"] for line in (program.folder / "all").read_bytes().splitlines()]
    assert kinds.count("split") == 15
    assert sum(one != next_ for one, next_ in pairwise(kinds)) > 0
    assert "--out FILE writes all of them" in program.run("rules", "check", limit).stdout
    assert "cannot be written" in program.refused("rules", "check", limit, "--out", "/no/such/folder/x", expect=2)
