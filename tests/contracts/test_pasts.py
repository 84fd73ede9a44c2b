"""What one process keeps at hand of past messages is what another has written of them by then, on either store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from channel_selector.outcomes import Outcome, OutcomeKind
from identity.observations import Trust
from service.clock import FixedClock
from service.decisions.asks import Ask
from service.decisions.rulings import Ruling
from service.events.ingest import ingest
from service.events.messages import Message, parse
from service.learning.outcomes import record_outcomes, report
from service.wiring import Homing
from tests.service.harness import NOON, deployment


@pytest.fixture
def both(store: str, tmp_path: Path, clock: FixedClock) -> Iterator[tuple[Homing, Homing]]:
    """Give two processes' deployments over one store."""
    made = deployment(tmp_path, clock, url=store), deployment(tmp_path, clock, url=store)
    yield made
    for each in made:
        each.close()


def decide(homing: Homing, message_id: str) -> Ruling:
    """Decide on a message to Ada."""
    ask = Ask(recipient=(("user_id", "ada"),), message_id=message_id, kind="news")
    return homing.writer.submit(lambda conn: homing.decider.decide(conn, ask, homing.clock.now())).result(30)


def test_what_another_decided_and_was_told_counts_at_once(both: tuple[Homing, Homing]) -> None:
    """Taking turns, each knows every message before, and that one to the person's phone never arrived."""
    one, other = both
    device = {"id": "phone", "type": "ios", "token": "token"}
    raw = {"type": "track", "event": "Seen", "userId": "ada", "messageId": "m", "context": {"device": device}}
    event = parse(raw, route_type=None, source="shop", trust=Trust.SERVER, received_at=NOON, sent_at=None)
    assert isinstance(event, Message)
    one.writer.submit(lambda conn: ingest(conn, one.people, [event])).result(30)

    made = [decide(both[number % 2], f"m{number}") for number in range(5)]
    assert [len(ruling.decision.context.recent_sends) for ruling in made] == [0, 1, 2, 3, 4]
    assert all(ruling.held is None for ruling in made)

    told = report(made[0].decision.decision_id, Outcome(kind=OutcomeKind.BOUNCED, at=NOON), "shop")
    other.writer.submit(lambda conn: record_outcomes(conn, [told], NOON)).result(30)

    assert decide(one, "m5").held == "endpoint_bounced"
