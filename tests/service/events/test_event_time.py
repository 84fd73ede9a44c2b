"""An event is dated by its client's word, corrected where the client's clock is plainly wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.events.event_time import SKEW, event_time, read_time

RECEIVED = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def dated(event: dict[str, Any], sent_at: datetime | None = None) -> datetime | None:
    """Date an event received at RECEIVED."""
    return event_time(event, sent_at=sent_at, received_at=RECEIVED)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-21T19:29:03.640Z", datetime(2026, 11, 21, 19, 29, 3, 640_000, UTC)),
        ("2026-11-21T19:29:03.640+00:00", datetime(2026, 11, 21, 19, 29, 3, 640_000, UTC)),
        ("2026-11-21T19:29:07.783419+00:00", datetime(2026, 11, 21, 19, 29, 7, 783_419, UTC)),
        ("2026-11-21T19:29:07.783419512Z", datetime(2026, 11, 21, 19, 29, 7, 783_419, UTC)),
        ("2026-11-21T19:29:03z", datetime(2026, 11, 21, 19, 29, 3, tzinfo=UTC)),
        ("2026-11-22T04:29:03+09:00", datetime(2026, 11, 21, 19, 29, 3, tzinfo=UTC)),
        ("2026-11-22T04:29:03+0900", datetime(2026, 11, 21, 19, 29, 3, tzinfo=UTC)),
        ("20261121T192903Z", datetime(2026, 11, 21, 19, 29, 3, tzinfo=UTC)),
        ("2026-11-21 19:29:03", datetime(2026, 11, 21, 19, 29, 3, tzinfo=UTC)),
        (" 2026-11-21 ", datetime(2026, 11, 21, tzinfo=UTC)),
        ("20261121", datetime(2026, 11, 21, tzinfo=UTC)),
        (1_795_289_343_640, datetime(2026, 11, 21, 19, 29, 3, 640_000, UTC)),
        ("1795289343640", datetime(2026, 11, 21, 19, 29, 3, 640_000, UTC)),
        (1_795_289_343, datetime(2026, 11, 21, 19, 29, 3, tzinfo=UTC)),
        (1_795_289_343.5, datetime(2026, 11, 21, 19, 29, 3, 500_000, UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1_000, datetime(1969, 12, 31, 23, 43, 20, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_moments_as_clients_write_them(written: object, moment: datetime) -> None:
    """ISO 8601 in its common shapes, seconds and milliseconds; without an offset it is UTC."""
    read = read_time(written)
    assert read == moment
    assert read is not None
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        *("yesterday", "", "21/11/2026", "2026-13-01", "2026-11-21T25:00:00Z", "0001-01-01T00:00:00+14:00"),
        *("1" * 400, "٢", True, False, None, [], {}, 1e300, -1e300, 2**64, float("inf"), float("nan")),
    ],
    ids=repr,
)
def test_what_is_no_moment(written: object) -> None:
    """Words, impossible dates, flags and numbers beyond the calendar are not read."""
    assert read_time(written) is None


@given(st.text() | st.integers() | st.floats())
def test_nothing_raises(written: object) -> None:
    """Whatever stands there is a moment in UTC or none."""
    read = read_time(written)
    assert read is None or read.tzinfo is UTC
    at = dated({"timestamp": written, "sentAt": written})
    assert at is None or at <= RECEIVED


@given(st.datetimes(timezones=st.timezones()))
def test_what_python_writes_is_read_back(moment: datetime) -> None:
    """`isoformat` round-trips, to the microsecond, wherever UTC's calendar reaches."""
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError:
        in_utc = None
    assert read_time(moment.isoformat()) == in_utc


def test_a_past_moment_is_kept() -> None:
    """Yesterday's event, delivered today by a right clock, stays yesterday's; so does one of 1970."""
    assert dated({"timestamp": "2026-11-20T12:00:00Z"}, RECEIVED) == RECEIVED - timedelta(days=1)
    assert dated({"timestamp": "1970-01-01T00:00:00Z"}, RECEIVED) == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_future_moment_is_clamped_to_receipt() -> None:
    """Nothing has happened that was received before it did."""
    assert dated({"timestamp": "2099-01-01T00:00:00Z"}, RECEIVED) == RECEIVED
    assert dated({"timestamp": 4_070_908_800_000}) == RECEIVED


@pytest.mark.parametrize("minutes", [-60 * 24 * 400, -6, 6, 60, 60 * 24 * 400])
def test_a_wrong_clock_is_corrected(minutes: int) -> None:
    """The client's clock is off by as much as its sentAt is; the event was ten minutes before sending."""
    sent = RECEIVED + minutes * MINUTE
    event = {"timestamp": (sent - 10 * MINUTE).isoformat()}
    assert dated(event, sent) == RECEIVED - 10 * MINUTE


def test_a_clock_set_to_1970_is_corrected() -> None:
    """A device that has just been started counts from the epoch."""
    event = {"timestamp": "1970-01-01T00:00:30Z", "sentAt": "1970-01-01T00:01:30Z"}
    assert dated(event) == RECEIVED - MINUTE


@pytest.mark.parametrize("skew", [timedelta(), SKEW, -SKEW])
def test_a_clock_nearly_right_is_believed(skew: timedelta) -> None:
    """Up to five minutes, delay and skew cannot be told apart."""
    at = RECEIVED - timedelta(minutes=30)
    assert dated({"timestamp": at.isoformat()}, RECEIVED + skew) == at


def test_an_event_kept_offline_is_not_moved() -> None:
    """Queued for days and sent by a right clock: no skew, whatever the delay."""
    at = RECEIVED - timedelta(days=3)
    assert dated({"timestamp": at.isoformat(), "sentAt": RECEIVED.isoformat()}) == at


def test_the_events_own_sending_precedes_its_requests() -> None:
    """RudderStack's Node client says for each event when it was sent."""
    event = {"originalTimestamp": "2026-11-21T10:55:00Z", "sentAt": "2026-11-21T11:00:00Z"}
    assert dated(event, RECEIVED) == RECEIVED - 5 * MINUTE


def test_which_moment_counts() -> None:
    """`timestamp`, else `originalTimestamp`, else the sending, else the receipt."""
    both = {"timestamp": "2026-11-01T12:00:00Z", "originalTimestamp": "2026-11-21T11:59:00Z"}
    assert dated(both, RECEIVED) == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert dated({**both, "timestamp": None}, RECEIVED) == RECEIVED - MINUTE
    assert dated({**both, "timestamp": ""}, RECEIVED) == RECEIVED - MINUTE
    assert dated({}, RECEIVED - 2 * MINUTE) == RECEIVED - 2 * MINUTE
    assert dated({}, RECEIVED - timedelta(hours=2)) == RECEIVED
    assert dated({}) == RECEIVED
    assert dated({"sentAt": "rubbish"}) == RECEIVED


def test_a_claim_that_cannot_be_read_is_no_date() -> None:
    """It is not replaced by a guess: the caller refuses the event."""
    assert dated({"timestamp": "yesterday"}, RECEIVED) is None
    assert dated({"timestamp": {}, "originalTimestamp": "2026-11-21T11:59:00Z"}, RECEIVED) is None
