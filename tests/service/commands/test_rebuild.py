"""`homing rebuild` tells what it made again."""

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
