"""An analyst works from the command line alone: why, what if, split, undo."""

from typing import Any

import orjson
import pytest

from tests.service.commands.program import Program

PHONE, TABLET, USER = "device_id:phone-19f", "device_id:tablet-7c1", "user_id:wonjun-kim"
SPLIT = ("profile", "split", "--identifier", TABLET)
WHY = ("profile", "explain", "--from", PHONE, "--to", TABLET)


def seen(number: int, device: str) -> dict[str, Any]:
    """Give an event of Wonjun's on a device."""
    return {
        "type": "track",
        "event": "Seen",
        "messageId": f"m{number}",
        "userId": "wonjun-kim",
        "timestamp": f"2026-01-01T00:0{number}:00Z",
        "context": {"device": {"id": device}},
    }


@pytest.fixture
def known(program: Program) -> Program:
    """Give the program over a store in which one person has a phone and a tablet."""
    rows = [*(seen(number, "phone-19f") for number in range(3)), seen(3, "tablet-7c1")]
    program.run("import", str(program.write("events.ndjson", rows)))
    return program


def profile(program: Program, name: str) -> str:
    """Give the id of the profile that holds an identifier."""
    namespace, _, value = name.partition(":")
    found: str = program.json("profile", "show", "--namespace", namespace, "--value", value)["profile_id"]
    return found


def test_an_analyst_finds_why_parts_and_undoes(known: Program) -> None:
    """Why two devices share a profile; what a split changes; split; still so after a rebuild; undone; as before."""
    together = profile(known, PHONE)
    assert profile(known, TABLET) == together
    why = known.run(*WHY, "--pii").stdout
    assert f"{PHONE} and {TABLET} are in one profile." in why
    assert f"{PHONE} was seen with {USER} 3 times (server), last 2026-01-01 00:02Z." in why
    assert f"{USER} was seen with {TABLET} once (server), last 2026-01-01 00:03Z." in why
    assert f"The weakest cut is {TABLET}–{USER}: were that wrong (probability 0.25)," in why

    tried = known.run(*SPLIT, "--dry-run", "--pii").stdout
    assert "nothing is changed" in tried
    assert f"{together} is split: a part of it becomes " in tried
    assert profile(known, TABLET) == together

    said = known.json(*SPLIT, "--reason", "the family's tablet")
    alone = profile(known, TABLET)
    assert alone != together == profile(known, PHONE)
    assert f"{alone} is a new profile: {TABLET}." in tried

    known.run("rebuild")
    assert (profile(known, PHONE), profile(known, TABLET)) == (together, alone)
    assert "A judgement keeps" in known.run(*WHY).stdout
    (listed,) = known.json("profile", "judgements", "--pii")["judgements"]
    assert (listed["judgement_id"], listed["reason"]) == (said["judgement_id"], "the family's tablet")

    known.run("profile", "undo", said["judgement_id"], "--dry-run")
    assert profile(known, TABLET) == alone
    assert "counts no more" in known.run("profile", "undo", said["judgement_id"]).stdout
    assert profile(known, TABLET) == profile(known, PHONE) == together
    known.run("verify")


def test_two_are_joined_or_kept_apart_for_ever(known: Program) -> None:
    """A join takes another login in; --never says the contrary, of what was never seen, too."""
    other = {**seen(5, "phone-20a"), "userId": "wonjun-at-work"}
    known.run("import", str(known.write("more.ndjson", [other])))
    one, absorbed = profile(known, USER), profile(known, "user_id:wonjun-at-work")
    shown = known.run("profile", "join", USER, "user_id:wonjun-at-work").stdout
    assert f"{one} takes {absorbed} in." in shown
    assert profile(known, "device_id:phone-20a") == one
    assert (
        "were judged to belong together (jdg_"
        in known.run("profile", "explain", "--from", USER, "--to", "user_id:wonjun-at-work").stdout
    )
    told = known.json("profile", "join", USER, "email:haneul@example.com", "--never")
    assert (told["changes"], told["dry_run"]) == ([], False)
    assert [each["kind"] for each in known.json("profile", "judgements")["judgements"]] == ["must_link", "cannot_link"]
    listed = known.run("profile", "judgements").stdout
    assert "joins user_id:wo… with user_id:wo…." in listed
    assert "keeps user_id:wo… apart from email:ha…." in listed


def test_a_graph_is_written(known: Program) -> None:
    """Node-link JSON, GraphML, to a file or not; masked unless asked for whole."""
    asked = ("profile", "graph", "--namespace", "user_id", "--value", "wonjun-kim")
    drawn = known.json(*asked)
    assert len(drawn["nodes"]) == 3
    assert "wonjun" not in str(drawn)
    assert "wonjun-kim" in known.run(*asked, "--pii").stdout
    assert known.run(*asked, "--format", "graphml", "--out", str(known.folder / "w.graphml")).stdout == ""
    assert "<graphml" in (known.folder / "w.graphml").read_text(encoding="utf-8")
    assert orjson.loads(known.run(*asked, "--format", "json").stdout) == drawn
    assert "exclude each other" in known.refused(*asked, "--format", "graphml", "--json", expect=2)
    assert "cannot be written" in known.refused(*asked, "--out", str(known.folder / "no" / "w.json"), expect=1)


def test_values_are_masked_unless_asked_for(known: Program) -> None:
    """In explanations, changes and lists."""
    for asked in (WHY, (*SPLIT, "--reason", "wonjun-kim asked"), WHY, ("profile", "judgements")):
        shown = known.run(*asked).stdout
        assert not [value for value in ("wonjun", "phone-19f", "tablet-7c1") if value in shown]


@pytest.mark.parametrize(
    ("asked", "exit_code", "says"),
    [
        (("explain", "--from", PHONE), 2, "--to"),
        (("explain", "--from", PHONE, "--to", "tablet-7c1"), 2, "write namespace:value"),
        (("split",), 2, "--identifier"),
        (("split", "--identifier", "user_id:nobody"), 1, "nothing to part"),
        (("join", PHONE, PHONE), 1, "against itself"),
        (("join", PHONE), 2, "NAMESPACE:VALUE"),
        (("undo", "jdg_never"), 1, "no judgement of that id is in force"),
        (("graph",), 2, "--namespace NAME with --value VALUE"),
        (("graph", "--id", "nobody"), 1, "no such profile"),
    ],
)
def test_what_cannot_be_is_told(known: Program, asked: tuple[str, ...], exit_code: int, says: str) -> None:
    """One line, exit 2 for a wrong use, 1 for what is not there."""
    assert says in known.refused("profile", *asked, expect=exit_code)


def test_why_two_are_apart_is_told(known: Program) -> None:
    """A link refused by a limit, and one never seen."""
    known.run("import", str(known.write("more.ndjson", [{**seen(6, "tablet-7c1"), "userId": "haneul"}])))
    shown = known.run(*WHY).stdout
    assert "are not in one profile" in shown
    assert "the link is refused, for a profile would hold more of one kind than the rules allow" in shown
    assert "was never seen" in known.run("profile", "explain", "--from", PHONE, "--to", "user_id:nobody").stdout
    assert "named twice" in known.run("profile", "explain", "--from", PHONE, "--to", PHONE).stdout
