"""No sliding window ever holds more than its cap, however sends are planned."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.eligibility.caps import Caps, FrequencyCap, PastSend
from tests.channel_selector.strategies import NOW

attempts = st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["email", "sms"])), max_size=25)


@given(attempts, st.integers(0, 4), st.integers(1, 60))
def test_sends_let_through_one_by_one_never_break_a_cap(wanted: list[tuple[int, str]], limit: int, hours: int) -> None:
    """Whatever is asked for in whatever order, each window of the cap's length holds at most `limit` sends."""
    caps = (
        FrequencyCap(limit=limit, window=timedelta(hours=hours)),
        FrequencyCap(limit=1, window=timedelta(hours=hours), channel="sms"),
    )
    sent: list[PastSend] = []
    for hour, channel in wanted:
        at = NOW + timedelta(hours=hour)
        if Caps(caps, sent).allow(channel, at):
            sent.append(PastSend(at=at, channel=channel))
    for cap in caps:
        times = [send.at for send in sent if cap.channel in (None, send.channel)]
        assert all(sum(end - cap.window < at <= end for at in times) <= cap.limit for end in times)


def test_a_window_is_half_open() -> None:
    """One a day: exactly a day later there is room again, a second before there is not."""
    caps = Caps([FrequencyCap(limit=1, window=timedelta(days=1))], [PastSend(at=NOW, channel="email")])
    assert caps.allow("email", NOW + timedelta(days=1))
    assert not caps.allow("email", NOW + timedelta(days=1, seconds=-1))
    assert not caps.allow("email", NOW - timedelta(hours=1)), "a planned send counts as well"


def test_a_channel_cap_leaves_other_channels_alone() -> None:
    """A cap on text messages does not hold back e-mail."""
    caps = Caps([FrequencyCap(limit=0, window=timedelta(days=1), channel="sms")], [])
    assert caps.allow("email", NOW)
    assert not caps.allow("sms", NOW)


@pytest.mark.parametrize(("limit", "days"), [(-1, 1), (1, 0), (1, 367)])
def test_caps_out_of_range_are_refused(limit: int, days: int) -> None:
    """A cap has a limit of zero or more and a window of up to 366 days."""
    with pytest.raises(ValueError, match="cap"):
        FrequencyCap(limit=limit, window=timedelta(days=days))
