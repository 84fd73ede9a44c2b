"""What a store must hold in the end: that of one process which took in the same events and was never disturbed."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from service.events.ingest import ingest
from service.events.messages import Message, parse
from service.wiring import Homing
from tests.faults.holdings import Holdings, holdings, opened
from tests.faults.programs import PATIENCE
from tests.faults.traffic import NOW, TRUST, Event, events


@cache
def undisturbed(seed: int) -> Holdings:
    """Give what a store holds of a seed's events, all taken in at once."""
    return undisturbed_of(events(seed))


def undisturbed_of(some: Sequence[Event]) -> Holdings:
    """Give what a store holds of events, all taken in at once."""
    with TemporaryDirectory() as folder, opened(f"sqlite:///{Path(folder) / 'homing.db'}") as homing:
        take(homing, some)
        return holdings(homing)


def take(homing: Homing, some: Sequence[Event]) -> None:
    """Take events in within this process, in their order."""
    messages = [_parsed(event) for event in some]
    homing.writer.submit(lambda conn: ingest(conn, homing.people, messages)).result(PATIENCE)


def _parsed(event: Event) -> Message:
    message = parse(
        event.raw,
        route_type=None,
        source=str(event.sender),
        trust=TRUST[event.sender],
        received_at=NOW,
        sent_at=None,
    )
    assert isinstance(message, Message), message
    return message
