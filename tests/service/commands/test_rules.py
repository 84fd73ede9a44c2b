"""`homing rules simulate` runs written cases, without a store."""

import orjson
import pytest

from identity.cases import simulate
from tests.service.commands.program import Program

CASE = {
    "rules": {"hub_limit": 2, "namespaces": {"crm": {"class": "person", "priority": 1, "limit": 1}}},
    "observations": [
        {"id": "1", "at": "2026-01-01T00:00:00Z", "identifiers": ["crm:Tom", "anonymous_id:111"]},
        {"id": "2", "at": "2026-01-01T00:01:00Z", "identifiers": ["crm:Summer", "anonymous_id:111"]},
        {"id": "3", "at": "2026-01-01T00:02:00Z", "identifiers": ["crm:null", "email:tom@example.com"]},
        *(
            {"id": f"h{n}", "at": "2026-01-01T00:03:00Z", "identifiers": [f"crm:{n}x", "email:all@example.com"]}
            for n in range(3)
        ),
    ],
}


def test_a_case_is_answered_as_the_core_answers_it(program: Program) -> None:
    """CONTRACT 5 as JSON; no store is made."""
    (program.folder / "homing.db").unlink()
    path = program.folder / "case.json"
    path.write_bytes(orjson.dumps(CASE))
    assert program.json("rules", "simulate", str(path)) == orjson.loads(orjson.dumps(simulate(CASE)))
    assert not (program.folder / "homing.db").exists()


def test_people_get_sentences(program: Program) -> None:
    """Profiles, refused links, hubs, owners, what was rejected."""
    path = program.folder / "case.json"
    path.write_bytes(orjson.dumps(CASE))
    shown = program.run("rules", "simulate", str(path)).stdout
    assert "anonymous_id:111, crm:Summer" in shown
    assert "not linked: " in shown
    assert "shared by too many: email:all@example.com" in shown
    assert "rejected: crm:null (junk)" in shown
    assert " to now" in shown


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "holds no case"),
        (b'{"observation": []}', "observation: not a part of a case"),
        (b'{"observations": [{"id": "1"}]}', "observations[0]"),
        (b'{"rules": {"preset": "mystery"}}', "preset: 'mystery' is not allowed"),
        (b'{"rules": {"namespaces": {"crm": {"limit": "many"}}}}', "namespaces.crm.limit"),
    ],
)
def test_what_is_no_case_is_told_with_its_place(program: Program, content: bytes | None, says: str) -> None:
    """Exit 2 and one line, naming the file and the place in it."""
    path = program.folder / "case.json"
    if content is not None:
        path.write_bytes(content)
    said = program.refused("rules", "simulate", str(path), expect=2)
    assert says in said
    assert "case.json" in said
