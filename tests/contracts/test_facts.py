"""The facts log: what goes in comes out as it was, once."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from identity.identifiers import Identifier
from identity.observations import Trust
from service.events.messages import Message
from service.store import facts, nodes
from service.store.database import Database
from service.store.facts import Entered, FactKind
from service.store.nodes import Node
from tests.service.harness import NOON


def message(number: int, *, source: str = "shop", trust: Trust = Trust.SERVER) -> Message:
    """Make the message of that number."""
    body = b'{"type":"track","userId":"u%d"}' % number
    return Message(
        message_id=f"m{number}",
        type="track",
        name="Product Viewed",
        source=source,
        trust=trust,
        at=NOON + timedelta(microseconds=number),
        received_at=NOON + timedelta(hours=1),
        identifiers=(("user_id", f"u{number}"),),
        body=body,
        digest=sha256(body).digest(),
    )


def test_a_message_comes_back_as_it_was(database: Database) -> None:
    """Every field survives the log, microseconds included."""
    with database.transaction() as conn:
        ((seq, *_),) = facts.append(conn, FactKind.MESSAGE, [message(7)])
        (fact,) = facts.read(conn, [seq])
    assert fact.seq == 1
    assert fact.kind is FactKind.MESSAGE
    assert facts.message(fact) == message(7)


def test_a_message_enters_once_by_source_and_trust(database: Database) -> None:
    """Again it is told where it is and under which digest; from another source or at another trust it is another."""
    with database.transaction() as conn:
        (first,) = facts.append(conn, FactKind.MESSAGE, [message(1)])
        assert first == Entered(1, message(1).digest, fresh=True)
        again, fresh = facts.append(conn, FactKind.MESSAGE, [replace(message(2), message_id="m1"), message(3)])
        assert again == Entered(1, message(1).digest, fresh=False)
        assert fresh.fresh
        others = [message(1, trust=Trust.ASSERTED), message(1, source="web")]
        assert all(each.fresh for each in facts.append(conn, FactKind.MESSAGE, others))
        assert len(list(facts.scan(conn))) == 4


def test_a_scan_gives_every_fact_once_in_order(database: Database) -> None:
    """Pages join without a gap or a repetition, from anywhere in the log, of one kind alone if asked."""
    with database.transaction() as conn:
        facts.append(conn, FactKind.MESSAGE, [message(n) for n in range(2_001)])
        ((last, *_),) = facts.append(conn, FactKind.JUDGEMENT, [message(5_000)])
        assert [fact.seq for fact in facts.scan(conn)] == list(range(1, 2_003))
        assert [fact.seq for fact in facts.scan(conn, after=1_999)] == [2_000, 2_001, 2_002]
        assert [fact.seq for fact in facts.of_kind(conn, FactKind.JUDGEMENT)] == [last]
        assert facts.last_seq(conn) == last


def test_an_empty_log(database: Database) -> None:
    """Nothing is found where nothing is, and nothing is appended for nothing."""
    with database.transaction() as conn:
        assert facts.append(conn, FactKind.MESSAGE, []) == []
        assert facts.last_seq(conn) == 0
        assert facts.read(conn, [1]) == []
        assert list(facts.scan(conn)) == []


def test_facts_are_found_by_the_nodes_seen_in_them(database: Database) -> None:
    """A fact seen by several of the nodes comes once, in the order of the log."""
    with database.transaction() as conn:
        seqs = [each.seq for each in facts.append(conn, FactKind.MESSAGE, [message(n) for n in range(3)])]
        nodes.put(
            conn,
            [Node(node=n, identifier=Identifier("email", f"{n}@x.y"), component=1, profile_id=None) for n in (1, 2)],
        )
        nodes.saw(conn, [(1, seqs[2]), (1, seqs[0]), (2, seqs[0])])
        assert [fact.seq for fact in facts.of_nodes(conn, [1, 2])] == [seqs[0], seqs[2]]
        assert facts.of_nodes(conn, []) == []
