"""When a person is about: how many of the person's events on a device fell into each hour of the local day."""

from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from service.customers.event_context import Told, zone
from service.customers.names import Names
from service.events.messages import Message

HOURS = 24


class Activity:
    """Folds one person's messages, given in order of time.

    Only events that name a device or a browser count: a server's nightly job is no sign of life.
    """

    def __init__(self) -> None:
        self.timezone: ZoneInfo | None = None
        self._counts = [0] * HOURS
        self._unplaced: list[datetime] = []

    def take(self, message: Message, names: Names, told: Told) -> None:
        """Count one event in the zone that it names; keep its zone, the latest, as the person's."""
        own = zone(told.timezone) if told.timezone else None
        if own is not None:
            self.timezone = own
        if names.device is None:
            return
        if own is None:
            self._unplaced.append(message.at)
        else:
            self._count(self._counts, message.at, own)

    def counts(self, default: tzinfo = UTC) -> tuple[int, ...]:
        """Give 24 counts; events that name no zone are counted in the person's, else in the one given."""
        counts = list(self._counts)
        for at in self._unplaced:
            self._count(counts, at, self.timezone or default)
        return tuple(counts)

    @staticmethod
    def _count(counts: list[int], at: datetime, local: tzinfo) -> None:
        """Count a moment in its local hour; one at the edge of the calendar has none."""
        with suppress(OverflowError):
            counts[at.astimezone(local).hour] += 1
