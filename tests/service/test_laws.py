"""Laws of the service that no import tells: the logs only grow, and names are of what there is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store import faults
from service.store.migrate import HEAD

SERVICE = Path(__file__).parents[2] / "service"
OWNERS = {"facts": "store/facts.py", "decision_log": "store/decisions.py", "blocks": "store/chain.py"}
"""The append-only tables, and the one file that may change a row of each: for an erasure."""
SOURCES = [path for path in sorted(SERVICE.rglob("*.py")) if "migrations" not in path.parts]
_WRITES = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)", re.IGNORECASE)


def writes(source: str) -> Iterator[tuple[str, str]]:
    """Give what a program writes to tables: the verb and the table, of statements as text and of SQLAlchemy's."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from ((verb.upper().partition(" ")[0], table) for verb, table in _WRITES.findall(node.value))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            table = ast.unparse(node.args[0]).rpartition(".")[2]
            if node.func.id in {"insert", "update", "delete"}:
                yield node.func.id.upper(), table


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(SERVICE).as_posix())
def test_only_its_own_file_changes_a_log(source: Path) -> None:
    """Whoever else writes appends; and nobody deletes from it: an erasure leaves a row's digest."""
    where = source.relative_to(SERVICE).as_posix()
    found = [(verb, table) for verb, table in writes(source.read_text(encoding="utf-8")) if table in OWNERS]
    assert all(verb == "INSERT" or (verb == "UPDATE" and OWNERS[table] == where) for verb, table in found), found


def test_every_log_is_appended_to_by_its_own_file() -> None:
    """So that the law is about something."""
    for table, owner in OWNERS.items():
        assert ("INSERT", table) in set(writes((SERVICE / owner).read_text(encoding="utf-8")))


@pytest.mark.parametrize("text", ["delete(facts)", "update(schema.blocks)", '"delete from decision_log where 1"'])
def test_a_breach_is_seen(text: str) -> None:
    """However it is written."""
    ((verb, table),) = writes(f"conn.execute({text})")
    assert verb in {"DELETE", "UPDATE"}
    assert table in OWNERS


def test_every_point_to_end_at_is_named() -> None:
    """A proof that names one which is not there would show nothing."""
    texts = (path.read_text(encoding="utf-8") for path in SERVICE.rglob("*.py"))
    assert {point for text in texts for point in re.findall(r'faults\.reach\("(\w+)"\)', text)} == set(faults.POINTS)


def test_the_schema_is_that_of_the_newest_migration() -> None:
    """What a store is brought up to is what there is."""
    versions = SERVICE / "store" / "migrations" / "versions"
    assert max(path.name.partition("_")[0] for path in versions.glob("0*.py")) == HEAD
