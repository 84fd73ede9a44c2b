"""A send time is an instant whose wall clock, in the customer's own zone, lies inside its slot and outside quiet hours.

Slots are half-open intervals of local minutes. A local day is cut into stretches of constant UTC offset, so that a slot
in a spring gap does not exist, one across it is shorter, and one that an autumn overlap repeats is offered once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from channel_selector.validation import EPOCH, require_integer, utc

MINUTES_OF_DAY = 24 * 60
DAY = timedelta(days=1)
HORIZON = timedelta(days=31)
"""Send times are looked for no further ahead than this, whatever the deadline."""
FIRST_YEAR, LAST_YEAR = 1971, 9000
"""Instants outside these years have no send times: arithmetic on them could leave the calendar."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SendSlot:
    """Half-open interval [start, end) of the local day, in minutes from local midnight; 0 ≤ start < end ≤ 1440."""

    start: int
    end: int

    def __post_init__(self) -> None:
        require_integer("slot start", self.start, low=0, high=MINUTES_OF_DAY - 1)
        require_integer("slot end", self.end, low=self.start + 1, high=MINUTES_OF_DAY)

    @classmethod
    def hours(cls, start: int, end: int) -> "SendSlot":
        """Give the slot between two full hours, 0 to 24."""
        return cls(start=start * 60, end=end * 60)


DAYPART_SLOTS = tuple(SendSlot.hours(hour, hour + 3) for hour in range(0, 24, 3))
"""0–3, 3–6, … 18–21, 21–24: the day as learning sees it (`arms.daypart`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Minutes of the local day in which nothing is sent: [start, end), over midnight where start > end."""

    start: int
    end: int

    def __post_init__(self) -> None:
        require_integer("quiet hours start", self.start, low=0, high=MINUTES_OF_DAY - 1)
        require_integer("quiet hours end", self.end, low=0, high=MINUTES_OF_DAY)
        if self.start == self.end:
            raise ValueError("quiet hours start and end must differ")

    def forbids(self, local: datetime) -> bool:
        """Tell whether the wall clock of `local` lies within."""
        minute = local.hour * 60 + local.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def outside(self, slot: SendSlot) -> tuple[tuple[int, int], ...]:
        """Give the parts of a slot that are not quiet, in order."""
        allowed = ((0, self.start), (self.end, MINUTES_OF_DAY)) if self.start < self.end else ((self.end, self.start),)
        cut = ((max(slot.start, start), min(slot.end, end)) for start, end in allowed)
        return tuple((start, end) for start, end in cut if start < end)


KOREAN_NIGHT = QuietHours(start=21 * 60, end=8 * 60)
"""No advertising from 21:00 to 08:00 local time without a separate consent (Korea, network act)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTime:
    """An instant (UTC) inside its slot, and what the customer's wall clock and calendar say (weekday 0: Monday)."""

    send_at: datetime
    local_hour: int
    weekday: int
    slot: SendSlot


def parse_timezone(name: str) -> ZoneInfo:
    """Give the IANA zone of this name; ValueError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise ValueError("the time zone is not in the IANA database; an example: Asia/Seoul") from None


def send_times(
    slots: Sequence[SendSlot],
    *,
    not_before: datetime,
    deadline: datetime,
    tz: tzinfo,
    quiet: QuietHours | None = None,
) -> tuple[SendTime, ...]:
    """List the first sendable instant of each slot of each local day in [not_before, deadline), earliest first.

    A slot already begun sends at `not_before`. What quiet hours cut off the front of a slot moves its instant to their
    end; a slot they cover has none. No time left before the deadline: (). At most `HORIZON` is looked ahead.
    """
    start, end = utc("not_before", not_before), utc("deadline", deadline)
    if start >= end or not FIRST_YEAR <= start.year <= LAST_YEAR:
        return ()
    end = min(end, start + HORIZON)
    kept, day = tuple(slots), datetime.combine(start.date(), time(), UTC)
    first: dict[tuple[date, SendSlot], SendTime] = {}
    while day < end:
        for local_day, opens, closes, offset in _openings(kept, quiet, tz, day):
            if opens.send_at < end and start < closes:
                late = opens if opens.send_at >= start else _at(start, offset, opens.slot)
                first.setdefault((local_day, opens.slot), late)
        day += DAY
    return tuple(sorted(first.values(), key=lambda when: (when.send_at, when.slot)))


class _Opening(NamedTuple):
    """A part of a slot within one UTC day: the local day it is of, its first instant, its end, the UTC offset then."""

    local_day: date
    opens: SendTime
    closes: datetime
    offset: timedelta


@lru_cache(maxsize=4_096)
def _openings(
    slots: tuple[SendSlot, ...], quiet: QuietHours | None, tz: tzinfo, midnight: datetime
) -> tuple[_Opening, ...]:
    """Give what of some slots lies in the UTC day that begins at `midnight`, by time; customers of a zone share it."""
    parts = [(slot, part) for slot in slots for part in _sendable(slot, quiet)]
    found: list[_Opening] = []
    for begins, ends, offset in _stretches(midnight, midnight + DAY, tz):
        for day in _days(begins + offset, ends + offset):
            local_midnight = datetime.combine(day, time(), UTC) - offset
            for slot, (opens, closes) in parts:
                at = max(begins, local_midnight + timedelta(minutes=opens))
                until = min(ends, local_midnight + timedelta(minutes=closes))
                if at < until:
                    found.append(_Opening(day, _at(at, offset, slot), until, offset))
    return tuple(found)


def _sendable(slot: SendSlot, quiet: QuietHours | None) -> tuple[tuple[int, int], ...]:
    return ((slot.start, slot.end),) if quiet is None else quiet.outside(slot)


def _at(at: datetime, offset: timedelta, slot: SendSlot) -> SendTime:
    wall = at + offset
    return SendTime(send_at=at, local_hour=wall.hour, weekday=wall.weekday(), slot=slot)


def _days(begins: datetime, ends: datetime) -> Iterator[date]:
    """Dates the wall clock shows in [begins, ends)."""
    day = begins.date()
    while datetime.combine(day, time(), UTC) < ends:
        yield day
        day += DAY


def _stretches(start: datetime, end: datetime, tz: tzinfo) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Cut [start, end) where the zone's UTC offset changes (at most one change a day, on a full second)."""
    while start < end:
        stop = min(start + DAY, end)
        offset = _offset(start, tz)
        if _offset(stop, tz) != offset:
            stop = min(stop, _change(start, stop, tz))
        yield start, stop, offset
        start = stop


def _change(start: datetime, stop: datetime, tz: tzinfo) -> datetime:
    """First instant after `start` with the offset of `stop`, by bisection."""
    offset = _offset(start, tz)
    low, high = int((start - EPOCH).total_seconds()), -int((EPOCH - stop).total_seconds() // 1)
    while high - low > 1:
        middle = (low + high) // 2
        same = _offset(EPOCH + timedelta(seconds=middle), tz) == offset
        low, high = (middle, high) if same else (low, middle)
    return EPOCH + timedelta(seconds=high)


def _offset(at: datetime, tz: tzinfo) -> timedelta:
    offset = at.astimezone(tz).utcoffset()
    if offset is None:
        raise ValueError("the time zone gives no UTC offset")
    return offset
