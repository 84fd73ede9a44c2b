"""Every contestant gets the same events, each once, oldest first."""

from datetime import UTC, datetime
from pathlib import Path

import orjson

from benchmarks.traffic import Event, batches, observations, read_events, write_events
from identity.observations import Trust
from identity.rules import LinkingRules
from service.sample_shop import generate

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_events_come_back_as_they_were_left(tmp_path: Path) -> None:
    """Nothing is lost between the processes."""
    shop = generate(NOW, people=3)

    told = write_events(tmp_path, shop)

    assert [(event.trust, event.raw) for event in read_events(tmp_path)] == [(m.trust, m.raw) for m in shop.messages]
    assert told == f"{len(shop.messages):,} events of the sample shop"


def test_batches_are_of_one_key_and_in_order() -> None:
    """Full ones come as soon as they are full, the rest last."""
    events = [Event(trust=Trust.SERVER if n % 3 == 0 else Trust.ASSERTED, raw={"n": n}) for n in range(10)]

    found = list(batches(events, 3))

    assert [(batch.trust, [event["n"] for event in batch.events]) for batch in found] == [
        (Trust.ASSERTED, [1, 2, 4]),
        (Trust.SERVER, [0, 3, 6]),
        (Trust.ASSERTED, [5, 7, 8]),
        (Trust.SERVER, [9]),
    ]
    assert orjson.loads(found[-1].body) == {"batch": [{"n": 9}]}


def test_every_event_of_the_shop_is_observed(tmp_path: Path) -> None:
    """None is refused: refusals would be fast."""
    write_events(tmp_path, generate(NOW, people=3))
    events = read_events(tmp_path)

    assert [seen.trust for seen in observations(events, LinkingRules())] == [event.trust for event in events]
