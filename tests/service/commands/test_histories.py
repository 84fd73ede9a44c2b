"""An analyst reads from the command line what happened: to one profile, to all, and as of an earlier moment."""

import pytest

from tests.service.commands.program import Program
from tests.service.commands.test_judging import TABLET, USER, profile, seen


@pytest.fixture
def known(program: Program) -> Program:
    """Give the program over a store in which a tablet was nobody's at first, and is a person's now."""
    alone = {**seen(1, "tablet-7c1"), "userId": None}
    program.run("import", str(program.write("first.ndjson", [alone])))
    program.run("import", str(program.write("later.ndjson", [seen(3, "tablet-7c1"), seen(4, "phone-19f")])))
    return program


def test_a_history_is_told(known: Program) -> None:
    """Who held the tablet, the merger, each event and why it is whose; masked, and a page at a time."""
    asked = ("profile", "history", "--namespace", "user_id", "--value", "wonjun-kim")
    shown = known.run(*asked, "--pii").stdout
    mine = profile(known, USER)
    assert shown.startswith(f"{mine}  answers for 1 other id\n")
    assert f"{TABLET} at all times is its own" in shown
    assert f"Seen of {TABLET} (server) is its own: its device was first claimed so later" in shown
    assert f"Seen of {USER}, {TABLET} (server) is its own: it names that person" in shown
    assert "(events)" in shown
    assert "wonjun" not in known.run(*asked).stdout
    page = known.json(*asked, "--limit", "2")
    assert f"--cursor {page['next_cursor']}" in known.run(*asked, "--limit", "2").stdout
    rest = known.json(*asked, "--cursor", page["next_cursor"])
    assert [*page["entries"], *rest["entries"]] == known.json("profile", "history", "--id", mine)["entries"]
    split = known.json("profile", "split", "--identifier", TABLET)
    known.run("profile", "undo", split["judgement_id"])
    shown = known.run(*asked).stdout
    assert "undone: jdg_" in shown
    assert "was split: a part of it became" in shown


def test_changes_are_followed(known: Program) -> None:
    """The merger, then from where that ended."""
    shown = known.run("profile", "changes").stdout
    assert f"{profile(known, USER)} took " in shown
    after = known.json("profile", "changes")["after"]
    assert f"That is all; go on with --after {after}" in shown
    known.run("profile", "split", "--identifier", TABLET)
    (change,) = known.json("profile", "changes", "--after", after)["changes"]
    assert (change["change"], change["because"]) == ("split", "judgement")
    before = known.run("profile", "changes").stdout
    known.run("rebuild")
    assert known.run("profile", "changes").stdout == before
    known.run("verify")


def test_a_profile_is_shown_as_of_a_moment(known: Program) -> None:
    """Before the login the tablet was its own; its id leads to the person today."""
    asked = ("profile", "show", "--namespace", "device_id", "--value", "tablet-7c1")
    shown = known.run(*asked, "--as-of", "2026-01-01T00:02:00Z").stdout
    assert "nobody known by name" in shown
    assert f"as of 2026-01-01 00:02:00Z; today part of {profile(known, USER)}" in shown
    assert "today the same id" in known.run(*asked, "--as-of", "2026-01-02").stdout
    then = known.json(*asked, "--as-of", "2026-01-01T00:02:00Z")["profile_id"]
    drawn = known.json("profile", "graph", "--id", then, "--as-of", "2026-01-01T00:02:00Z")
    assert len(drawn["nodes"]) == 1
    why = ("profile", "explain", "--from", TABLET, "--to", USER, "--as-of")
    assert "not in one profile" in known.run(*why, "2026-01-01T00:02:00Z").stdout
    assert "are in one profile" in known.run(*why, "2026-01-01T00:05:00Z").stdout
    assert "nothing was known" in known.refused(*asked, "--as-of", "2025-01-01", expect=1)
    assert "ISO 8601" in known.refused(*asked, "--as-of", "yesterday", expect=2)


@pytest.mark.parametrize(
    ("asked", "exit_code", "says"),
    [
        (("history",), 2, "--namespace NAME with --value VALUE"),
        (("history", "--id", "nobody"), 1, "no such profile"),
        (("history", "--id", "nobody", "--limit", "0"), 2, "--limit"),
        (("changes", "--after", "x"), 1, "of an earlier answer"),
        (("changes", "--limit", "501"), 2, "--limit"),
    ],
)
def test_what_cannot_be_is_told(known: Program, asked: tuple[str, ...], exit_code: int, says: str) -> None:
    """One line, exit 2 for a wrong use, 1 for what is not there."""
    assert says in known.refused("profile", *asked, expect=exit_code)
