"""Send times lie in their slots and outside quiet hours by the customer's own clock, across every change of clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.eligibility.slots import (
    DAYPART_SLOTS,
    KOREAN_NIGHT,
    QuietHours,
    SendSlot,
    parse_timezone,
    send_times,
)

BERLIN, SEOUL, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York")
ZONES = ("Europe/Berlin", "Asia/Seoul", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")

minutes = st.integers(0, 1439)
slots = st.builds(lambda a, b: SendSlot(start=min(a, b), end=max(a, b) + 1), minutes, minutes)
quiets = st.none() | st.builds(lambda a, b: QuietHours(start=a, end=b if b != a else (a + 1) % 1440), minutes, minutes)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # bounds


@given(st.lists(slots, min_size=1, max_size=4), quiets, instants, st.integers(0, 72 * 60), st.sampled_from(ZONES))
def test_every_send_time_keeps_slot_quiet_hours_and_window(
    given_slots: list[SendSlot], quiet: QuietHours | None, start: datetime, length: int, zone: str
) -> None:
    """Each send time is in its slot, not quiet, in [not_before, deadline), in order, and tells its own local clock."""
    tz, deadline = ZoneInfo(zone), start + timedelta(minutes=length)
    times = send_times(given_slots, not_before=start, deadline=deadline, tz=tz, quiet=quiet)
    assert [when.send_at for when in times] == sorted(when.send_at for when in times)
    for when in times:
        local = when.send_at.astimezone(tz)
        assert start <= when.send_at < deadline
        assert when.slot.start <= local.hour * 60 + local.minute < when.slot.end
        assert quiet is None or not quiet.forbids(local)
        assert (when.local_hour, when.weekday) == (local.hour, local.weekday())


@given(slots, quiets, instants, st.integers(1, 30 * 60), st.sampled_from(ZONES))
def test_a_slot_is_offered_at_its_first_sendable_minute(
    slot: SendSlot, quiet: QuietHours | None, start: datetime, length: int, zone: str
) -> None:
    """Walking minute by minute over the window finds the same first send time, or none."""
    tz, start = ZoneInfo(zone), start.replace(second=0, microsecond=0)
    walked = (start + timedelta(minutes=minute) for minute in range(length))
    allowed = (at for at in walked if _sendable(at.astimezone(tz), slot, quiet))
    times = send_times([slot], not_before=start, deadline=start + timedelta(minutes=length), tz=tz, quiet=quiet)
    assert (times[0].send_at if times else None) == next(allowed, None)


def _sendable(local: datetime, slot: SendSlot, quiet: QuietHours | None) -> bool:
    inside = slot.start <= local.hour * 60 + local.minute < slot.end
    return inside and (quiet is None or not quiet.forbids(local))


def test_a_slot_already_begun_sends_now() -> None:
    """At 19:37 the slot 18–21 sends at 19:37, and tomorrow's at 18:00."""
    now = datetime(2026, 11, 16, 19, 37, tzinfo=SEOUL)
    times = send_times([SendSlot.hours(18, 21)], not_before=now, deadline=now + timedelta(days=1), tz=SEOUL)
    assert [when.send_at for when in times] == [now, datetime(2026, 11, 17, 18, tzinfo=SEOUL)]
    assert times[0].local_hour == 19


def test_a_slot_in_a_spring_gap_does_not_exist() -> None:
    """On 29 March 2026 Berlin has no 02:00–03:00; a slot that lasts past it starts at 03:00."""
    start, end = datetime(2026, 3, 29, 0, tzinfo=BERLIN), datetime(2026, 3, 29, 12, tzinfo=BERLIN)
    gone = SendSlot.hours(2, 3)
    assert send_times([gone], not_before=start, deadline=end, tz=BERLIN) == ()
    times = send_times([SendSlot.hours(2, 5)], not_before=start, deadline=end, tz=BERLIN)
    assert [when.send_at for when in times] == [datetime(2026, 3, 29, 1, tzinfo=UTC)]
    assert times[0].local_hour == 3


def test_a_slot_in_an_autumn_overlap_is_offered_once() -> None:
    """On 1 November 2026 New York has 01:00–02:00 twice; the slot is offered at the first."""
    start, end = datetime(2026, 11, 1, 0, tzinfo=NEW_YORK), datetime(2026, 11, 1, 12, tzinfo=NEW_YORK)
    times = send_times([SendSlot.hours(1, 2)], not_before=start, deadline=end, tz=NEW_YORK)
    assert [when.send_at for when in times] == [datetime(2026, 11, 1, 5, tzinfo=UTC)]


def test_after_a_change_of_clocks_evening_is_still_evening() -> None:
    """18:00 in Berlin is 17:00 UTC the day before the spring change and 16:00 UTC the day after."""
    start = datetime(2026, 3, 28, 0, tzinfo=BERLIN)
    times = send_times([SendSlot.hours(18, 21)], not_before=start, deadline=start + timedelta(days=3), tz=BERLIN)
    assert [when.send_at.hour for when in times] == [17, 16, 16]


def test_the_korean_night_cuts_and_covers_slots() -> None:
    """21:00–08:00 leaves nothing of 21–24 and 0–6, and 6–9 from 08:00."""
    start = datetime(2026, 11, 16, 20, 30, tzinfo=SEOUL)
    deadline = start + timedelta(hours=13)
    times = send_times(DAYPART_SLOTS, not_before=start, deadline=deadline, tz=SEOUL, quiet=KOREAN_NIGHT)
    local = [when.send_at.astimezone(SEOUL).strftime("%H:%M") for when in times]
    assert local == ["20:30", "08:00", "09:00"]


@pytest.mark.parametrize(
    "start",
    [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(9000, 12, 31, tzinfo=UTC)],
)
def test_the_ends_of_the_calendar_raise_nothing(start: datetime) -> None:
    """Instants at the calendar's ends give few or no send times, and no exception."""
    far = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert len(send_times(DAYPART_SLOTS, not_before=start, deadline=far, tz=SEOUL)) <= 32 * 8


def test_a_far_deadline_is_looked_at_for_a_month_only() -> None:
    """A deadline in the year 9999 gives 31 days of slots."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    times = send_times(DAYPART_SLOTS, not_before=now, deadline=datetime(9999, 1, 1, tzinfo=UTC), tz=UTC)
    assert len(times) == 31 * 8


def test_zones_are_known_by_their_iana_names() -> None:
    """A known name gives the zone; anything else is refused in words, whatever it looks like."""
    assert parse_timezone("Asia/Seoul") == SEOUL
    for name in ("", "Mars/Olympus", "../../etc/passwd", "Asia", "a\0b", "\ud800", "/etc/localtime"):
        with pytest.raises(ValueError, match="IANA"):
            parse_timezone(name)


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5), (0, 1441), (1440, 1441)])
def test_slots_out_of_the_day_are_refused(start: int, end: int) -> None:
    """A slot lies within one local day and is not empty."""
    with pytest.raises(ValueError, match="slot"):
        SendSlot(start=start, end=end)


def test_naive_times_are_refused() -> None:
    """A time without its zone is no instant."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  # what the test is about
    with pytest.raises(ValueError, match="time zone"):
        send_times(DAYPART_SLOTS, not_before=naive, deadline=naive, tz=UTC)
