"""Durations are read as they are written, and anything else is refused in one way."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.durations import read_duration


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("30d", timedelta(days=30)),
        (" 12 h ", timedelta(hours=12)),
        ("1.5m", timedelta(seconds=90)),
        ("0s", timedelta(0)),
        (90, timedelta(seconds=90)),
        (0.5, timedelta(milliseconds=500)),
    ],
)
def test_times_as_people_write_them(written: Any, read: timedelta) -> None:
    """Text has a unit, with or without space; a number is seconds."""
    assert read_duration(written) == read


@pytest.mark.parametrize(
    "written",
    [
        *("", "30", "d", "-1d", "1e3s", "1h30m", "30D", "٣d", "99999999999999d", "9" * 400 + "s"),
        *(-1, -0.5, 10**400, float("nan"), float("inf"), True, None, [30], b"30d"),
    ],
)
def test_anything_else_is_a_value_error(written: Any) -> None:
    """Other units, signs, types and lengths have one error, so that settings and rules have one way to refuse."""
    with pytest.raises(ValueError, match=r".+"):
        read_duration(written)


@given(st.integers(0, 10**8), st.sampled_from([("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]))
def test_a_unit_is_so_many_seconds(number: int, unit: tuple[str, int]) -> None:
    """What is written with a unit equals its seconds."""
    assert read_duration(f"{number}{unit[0]}") == read_duration(number * unit[1])
