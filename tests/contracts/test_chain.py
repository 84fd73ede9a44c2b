"""Both logs hang on one chain: whatever is appended is in it once, and whatever is changed shows."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, update

from service.folds.verify import Verified, verify
from service.profiles.people import People
from service.store import chain, decisions, facts
from service.store.chain import BlockKind, ranges_of
from service.store.database import Database
from service.store.facts import FactKind
from service.store.schema import blocks, decision_log, meta, nodes
from service.store.schema import facts as facts_table
from service.wiring import Homing
from tests.contracts.test_decisions import entry
from tests.contracts.test_facts import message


@given(st.sets(st.integers(1, 300)))
def test_ranges_give_back_their_seqs(seqs: set[int]) -> None:
    """However many gaps; ranges that touch would be one."""
    ranges = ranges_of(sorted(seqs))
    assert [seq for first, last in ranges for seq in range(first, last + 1)] == sorted(seqs)
    assert all(later[0] > earlier[1] + 1 for earlier, later in pairwise(ranges))


def written(database: Database) -> None:
    """Write four blocks: three of facts, one of decisions."""
    for number in range(3):
        with database.transaction() as conn:
            facts.append(conn, FactKind.MESSAGE, [message(10 * number), message(10 * number + 1)])
            chain.touch(conn, {number})
    with database.transaction() as conn:
        decisions.append(conn, entry("d1"))
        decisions.append(conn, entry("d2"))


def looked_at(database: Database) -> Verified:
    """Verify the chain and the logs."""
    with database.transaction(reads=True) as conn:
        return verify(conn)


def test_what_was_written_is_whole(database: Database) -> None:
    """Blocks are numbered from 1 without gaps and know what they touched; an empty store is whole too."""
    assert looked_at(database).whole
    written(database)
    found = looked_at(database)
    assert (found.whole, found.facts, found.entries, found.blocks) == (True, 6, 2, 4)
    with database.transaction(reads=True) as conn:
        told = [(each.block, each.kind, each.touched) for each in chain.scan(conn)]
    assert told == [(n + 1, BlockKind.FACTS, (n,)) for n in range(3)] + [(4, BlockKind.DECISIONS, ())]


def test_a_transaction_undone_leaves_no_block(database: Database) -> None:
    """Neither its rows nor its block remain, and the next one takes its number."""

    def undone() -> None:
        with database.transaction() as conn:
            facts.append(conn, FactKind.MESSAGE, [message(1)])
            raise RuntimeError("undo")

    with pytest.raises(RuntimeError):
        undone()
    written(database)
    assert looked_at(database).blocks == 4


CHANGES: dict[str, tuple[Callable[[Connection], object], str, int | None]] = {
    "body": (lambda c: c.execute(update(facts_table).where(facts_table.c.seq == 3).values(body=b"{}")), "facts", 3),
    "time": (lambda c: c.execute(update(facts_table).where(facts_table.c.seq == 3).values(at=7)), "facts", 3),
    "name": (lambda c: c.execute(update(facts_table).where(facts_table.c.seq == 3).values(name=None)), "facts", 3),
    "salt": (lambda c: c.execute(update(facts_table).where(facts_table.c.seq == 3).values(salt=b"x")), "facts", 3),
    "row": (lambda c: c.execute(delete(facts_table).where(facts_table.c.seq == 3)), "facts", 3),
    "entry": (
        lambda c: c.execute(update(decision_log).where(decision_log.c.seq == 1).values(key="other")),
        "decision_log",
        1,
    ),
    "block": (lambda c: c.execute(delete(blocks).where(blocks.c.block == 2)), "blocks", 2),
    "kind": (lambda c: c.execute(update(blocks).where(blocks.c.block == 2).values(kind="run")), "blocks", 2),
    "touched": (lambda c: c.execute(update(blocks).where(blocks.c.block == 2).values(touched="[9]")), "blocks", 2),
    "no ranges": (lambda c: c.execute(update(blocks).where(blocks.c.block == 2).values(ranges="[")), "blocks", 2),
    "many": (
        lambda c: c.execute(update(blocks).where(blocks.c.block == 2).values(ranges=f"[[1,{2**62}]]")),
        "blocks",
        2,
    ),
    "beyond": (
        lambda c: c.execute(update(blocks).where(blocks.c.block == 2).values(ranges=f"[[{2**63},{2**63}]]")),
        "blocks",
        2,
    ),
    "end": (lambda c: c.execute(delete(blocks).where(blocks.c.block == 4)), "blocks", None),
    "head": (lambda c: c.execute(update(meta).where(meta.c.name == "head").values(value="4:00")), "blocks", None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_is_changed_is_found(database: Database, name: str) -> None:
    """The fault names the table and the row, where a row can be told."""
    written(database)
    change, table, row = CHANGES[name]
    with database.transaction() as conn:
        change(conn)
    found = looked_at(database)
    assert not found.whole
    assert (table, row) in {(fault.table, fault.row) for fault in found.faults}


def test_a_row_slipped_in_is_found(database: Database) -> None:
    """It is in no block."""
    written(database)
    with database.transaction() as conn:
        seqs = [each.seq for each in facts.append(conn, FactKind.MESSAGE, [message(99)])]
        chain.drop(conn)
    assert seqs
    assert [fault.table for fault in looked_at(database).faults] == ["facts"]


def test_folds_that_do_not_follow_are_found(homing: Homing) -> None:
    """A profile id changed by hand is no longer what the facts make it."""

    def checked() -> Verified:
        people = People(homing.rules, homing.secret.derive("profiles"))
        with homing.database.transaction(reads=True) as conn:
            return verify(conn, people)

    def take(conn: Connection) -> None:
        entered = facts.append(conn, FactKind.MESSAGE, [message(1), message(2)])
        homing.people.take(conn, [(each.seq, message(n)) for n, each in enumerate(entered, 1)])

    homing.writer.submit(take).result(10)
    assert checked().whole
    homing.writer.submit(lambda conn: conn.execute(update(nodes).values(profile_id="other"))).result(10)
    assert [(fault.table, fault.row) for fault in checked().faults] == [("nodes", 1)]
