"""The decision log takes a key once; its folds are found by message, endpoint and decision."""

from datetime import datetime, timedelta

from sqlalchemy import select

from service.store import chain, decisions, idempotency, models
from service.store.database import Database
from service.store.decisions import DecisionRow, Entry, EntryKind, OutcomeRow
from service.store.idempotency import Answer
from service.store.models import Snapshot
from service.store.schema import models as table
from tests.service.harness import NOON

HOUR = timedelta(hours=1)


def entry(key: str, kind: EntryKind = EntryKind.DECISION) -> Entry:
    """Make an entry under a key."""
    return Entry(kind=kind, decision_id=key, key=key, at=NOON, received_at=NOON + HOUR, body=b'{"option":"x"}')


def row(
    name: str, *, seq: int, profile: str = "p1", endpoint: str | None = "e1", send_at: datetime | None = NOON
) -> DecisionRow:
    """Make what a decision is found by."""
    return DecisionRow(
        decision_id=name,
        seq=seq,
        profile_id=profile,
        message_id="cart-1",
        endpoint_id=endpoint,
        send_at=send_at,
        expires_at=NOON + 24 * HOUR,
    )


def test_an_entry_comes_back_as_it_was(database: Database) -> None:
    """Every field survives the log."""
    with database.transaction() as conn:
        seq = decisions.append(conn, entry("d1"))
        assert seq == 1
        kept = decisions.by_key(conn, "d1")
        assert kept is not None
        assert kept.entry == entry("d1")
        assert decisions.read(conn, [1]) == [kept]
        assert decisions.by_key(conn, "d2") is None
        assert decisions.by_keys(conn, ["d2", "d1", "d1"]) == {"d1": kept}
        assert decisions.by_keys(conn, []) == {}


def test_a_key_enters_once(database: Database) -> None:
    """The second entry under a key has no effect and says so."""
    with database.transaction() as conn:
        assert decisions.append(conn, entry("d1")) == 1
        assert decisions.append(conn, entry("d1", EntryKind.OUTCOME)) is None
        second = decisions.append(conn, entry("d2"))
        assert [(logged.seq, logged.entry.key) for logged in decisions.scan(conn)] == [(1, "d1"), (second, "d2")]
        assert decisions.last_seq(conn) == second


def test_entries_are_appended_together(database: Database) -> None:
    """In their order; one whose key is in the log already is left out, and says so."""
    with database.transaction() as conn:
        decisions.append(conn, entry("d1"))
        first, known, last = decisions.append_all(conn, [entry("d2"), entry("d1"), entry("d3")])
        assert known is None
        assert [(logged.seq, logged.entry) for logged in decisions.scan(conn, after=1)] == [
            (first, entry("d2")),
            (last, entry("d3")),
        ]
        assert decisions.append_all(conn, []) == []
    with database.transaction() as conn:
        assert [list(block.seqs()) for block in chain.scan(conn)] == [[1, first, last]]


def test_a_scan_joins_its_pages(database: Database) -> None:
    """More entries than a page holds come once each, in order."""
    with database.transaction() as conn:
        for number in range(1_050):
            decisions.append(conn, entry(f"d{number}"))
        assert [logged.seq for logged in decisions.scan(conn, after=40)] == list(range(41, 1_051))


def test_decisions_are_found_by_message_newest_first(database: Database) -> None:
    """A survivor's and an absorbed profile's decisions on one message are found together."""
    with database.transaction() as conn:
        for number, profile in enumerate(["p1", "p2", "p3"], 1):
            decisions.put_decision(conn, row(f"d{number}", seq=number, profile=profile))
        found = decisions.on_messages(conn, ["p1", "p2"], ["cart-1"])
        assert [one.decision_id for one in found] == ["d2", "d1"]
        assert found[1] == row("d1", seq=1)
        assert decisions.find(conn, "d3") == row("d3", seq=3, profile="p3")
        assert decisions.find(conn, "d4") is None
        assert decisions.by_ids(conn, ["d4", "d3"]) == {"d3": row("d3", seq=3, profile="p3")}


def test_the_sends_to_endpoints_are_a_half_open_interval(database: Database) -> None:
    """A send at the interval's end is outside; holding decisions, without endpoint, are never among them."""
    with database.transaction() as conn:
        for number, at in enumerate([NOON, NOON + HOUR, NOON + 2 * HOUR], 1):
            decisions.put_decision(conn, row(f"d{number}", seq=number, send_at=at))
        decisions.put_decision(conn, row("held", seq=4, endpoint=None, send_at=None))
        found = decisions.to_endpoints(conn, ["e1"], NOON, NOON + 2 * HOUR)
    assert [one.decision_id for one in found] == ["d1", "d2"]


def test_decisions_are_found_by_their_profiles(database: Database) -> None:
    """Those made for any of these ids, and no others."""
    with database.transaction() as conn:
        for place, name in enumerate(("d1", "d2", "d3"), start=1):
            decisions.put_decision(conn, row(name, seq=place, profile=f"p{place}"))
        assert [one.decision_id for one in decisions.of_profiles(conn, ["p1", "p3"])] == ["d1", "d3"]


def test_outcomes_are_in_order_of_time(database: Database) -> None:
    """Outcomes come by their own time, then by the log; one without a decision is kept too."""
    with database.transaction() as conn:
        for seq, at in ((1, NOON + HOUR), (2, NOON), (3, NOON)):
            decisions.put_outcome(conn, OutcomeRow(seq=seq, decision_id="d1", kind="clicked", at=at))
        found = decisions.outcomes_of(conn, ["d1", "d2"])
    assert [one.seq for one in found] == [2, 3, 1]
    assert found[0].at == NOON


def test_the_folds_can_be_thrown_away(database: Database) -> None:
    """Clearing empties the folds and leaves the log."""
    with database.transaction() as conn:
        decisions.append(conn, entry("d1"))
        decisions.put_decision(conn, row("d1", seq=1))
        decisions.put_outcome(conn, OutcomeRow(seq=2, decision_id="d1", kind="clicked", at=NOON))
        models.save(conn, Snapshot(run=1, position=1, at=NOON, body=b"m"))
        decisions.clear_folds(conn)
        assert decisions.find(conn, "d1") is None
        assert decisions.outcomes_of(conn, ["d1"]) == []
        assert models.newest(conn) is None
        assert decisions.last_seq(conn) == 1


def test_the_newest_model_counts(database: Database) -> None:
    """Older snapshots than the last two are let go."""
    with database.transaction() as conn:
        assert models.newest(conn) is None
        for run in (1, 2, 3):
            models.save(conn, Snapshot(run=run, position=run * 10, at=NOON, body=b"m%d" % run))
        assert models.newest(conn) == Snapshot(run=3, position=30, at=NOON, body=b"m3")
        assert conn.execute(select(table.c.run).order_by(table.c.run)).scalars().all() == [2, 3]


def test_an_idempotency_key_is_of_one_api_key(database: Database) -> None:
    """Another API key may use the same text; old answers can be forgotten."""
    answer = Answer(digest=b"d", status=200, body=b"{}")
    with database.transaction() as conn:
        idempotency.keep(conn, "key_1", "retry-1", answer, NOON)
        assert idempotency.find(conn, "key_1", "retry-1") == answer
        assert idempotency.find(conn, "key_2", "retry-1") is None
        assert idempotency.forget(conn, NOON) == 0
        assert idempotency.forget(conn, NOON + HOUR) == 1
        assert idempotency.find(conn, "key_1", "retry-1") is None
