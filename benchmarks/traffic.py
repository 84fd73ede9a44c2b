"""The sample shop's events on disk: made once, read by every contestant, so that all have the same bytes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from identity.observations import Observation, Trust
from identity.rules import LinkingRules
from service.events.messages import Message, parse
from service.events.observing import Observer
from service.sample_shop import SampleShop

BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as a client sends it, and the trust of the key it is sent with."""

    trust: Trust
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Events of one key, oldest first."""

    trust: Trust
    events: tuple[dict[str, Any], ...]

    @property
    def body(self) -> bytes:
        """The request's body."""
        return orjson.dumps({"batch": self.events})


def write_events(folder: Path, shop: SampleShop) -> str:
    """Leave a shop's events in the folder, oldest first; give a line that tells how many they are."""
    lines = [orjson.dumps({"trust": int(each.trust), "raw": each.raw}) for each in shop.messages]
    (folder / "events.ndjson").write_bytes(b"\n".join(lines))
    return f"{len(lines):,} events of the sample shop"


def read_events(folder: Path) -> list[Event]:
    """Give the events that were left."""
    rows = map(orjson.loads, (folder / "events.ndjson").read_bytes().splitlines())
    return [Event(trust=Trust(row["trust"]), raw=row["raw"]) for row in rows]


def batches(events: Iterable[Event], size: int = BATCH) -> Iterator[Batch]:
    """Fill a batch for each key as the events come, and give it when it is full; those not full come last."""
    filling: dict[Trust, list[dict[str, Any]]] = {}
    for event in events:
        batch = filling.setdefault(event.trust, [])
        batch.append(event.raw)
        if len(batch) == size:
            yield Batch(trust=event.trust, events=tuple(filling.pop(event.trust)))
    for trust, rest in filling.items():
        yield Batch(trust=trust, events=tuple(rest))


def observations(events: Sequence[Event], rules: LinkingRules) -> list[Observation]:
    """Give what the events observe, as the service reads them."""
    now, observer = datetime.now(UTC), Observer(rules)
    read = (
        parse(each.raw, route_type=None, source="shop", trust=each.trust, received_at=now, sent_at=None)
        for each in events
    )
    return [observer.observe(message) for message in read if isinstance(message, Message)]
