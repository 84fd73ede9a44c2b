"""The shop's calendar: everything is laid out around one Sunday, and `now` only decides how much of it has happened.

The Sunday is the latest whose 15:00 in Seoul has come. Moments are whole milliseconds since 1970, UTC.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

SEOUL = "Asia/Seoul"
ZONES = (SEOUL, "Asia/Tokyo", "Asia/Singapore", "America/Los_Angeles", "Europe/Berlin")
"""Zones of whole hours, so that local hours begin with those of UTC."""

HISTORY_DAYS = 42
DAYS = HISTORY_DAYS + 8
"""Six weeks before the Sunday, itself, and the week until the next one."""

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000

FIRST_HOUR, LAST_HOUR = 8, 20
"""The hours in which a message may begin: Korea's night rule leaves out 21:00–08:00."""

SUNDAY = 6

Longs = NDArray[np.int64]


def anchor_of(now: datetime) -> datetime:
    """Give the latest Sunday 15:00 in Seoul that is not after `now`."""
    local = now.astimezone(ZoneInfo(SEOUL))
    sunday = local.date() - timedelta(days=(local.weekday() - SUNDAY) % 7)
    anchor = datetime(sunday.year, sunday.month, sunday.day, 15, tzinfo=ZoneInfo(SEOUL))
    return anchor if anchor <= local else anchor - timedelta(days=7)


def milliseconds(moment: datetime) -> int:
    """Count the moment's milliseconds since 1970, rounded down."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def moment(at: int) -> datetime:
    """Give the moment that many milliseconds after 1970, in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)


class Calendar:
    """Local times of all zones within the shop's weeks; a zone is known by its place in ZONES.

    Day 0 is six weeks before the Sunday, and begins at midnight on each zone's own clocks.
    """

    def __init__(self, anchor: datetime) -> None:
        sunday = datetime(anchor.year, anchor.month, anchor.day, tzinfo=UTC)
        self._midnight = milliseconds(sunday - timedelta(days=HISTORY_DAYS))
        self._first = self._midnight - 2 * DAY
        hours = [moment(self._first + hour * HOUR) for hour in range((DAYS + 4) * 24)]
        self._offsets = np.array([[_offset(hour, ZoneInfo(zone)) for hour in hours] for zone in ZONES])

    def utc(self, zone: Longs, day: Longs, at: Longs) -> Longs:
        """Turn milliseconds after a local midnight into a moment; one that a clock change skips falls just after it."""
        local = self._midnight + day * DAY + at
        guess = local - self._offset_at(zone, local)
        found: Longs = local - self._offset_at(zone, guess)
        return found

    def local_hour(self, zone: Longs, at: Longs) -> Longs:
        """Give the hour, 0–23, on the zone's clocks."""
        hour: Longs = (at + self._offset_at(zone, at)) % DAY // HOUR
        return hour

    def weekday(self, zone: int, at: int) -> int:
        """Give the local weekday, Monday 0; 1970 began on a Thursday."""
        local = at + int(self._offset_at(np.array(zone), np.array(at)))
        return (local // DAY + 3) % 7

    def _offset_at(self, zone: Longs, at: Longs) -> Longs:
        hour = np.clip((at - self._first) // HOUR, 0, self._offsets.shape[1] - 1)
        offsets: Longs = self._offsets[zone, hour]
        return offsets


@lru_cache(maxsize=4)
def calendar_of(anchor: datetime) -> Calendar:
    """Give the calendar around a Sunday: the same one while the week lasts."""
    return Calendar(anchor)


def _offset(at: datetime, zone: ZoneInfo) -> int:
    offset = at.astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) * SECOND
