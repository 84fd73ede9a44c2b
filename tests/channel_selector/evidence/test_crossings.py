"""A crossing is found wherever it lies, on either side, also where the function jumps or has no end."""

from math import inf, pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.evidence.crossings import crossing


@given(st.floats(1e-6, 1e3), st.floats(1e-3, 1e3), st.sampled_from([-1.0, 1.0]), st.sampled_from([1, 3, 9]))
def test_powers_cross_where_they_do(place: float, step: float, side: float, power: int) -> None:
    """To a ten-thousandth of the step, however far off the guess was."""
    found = crossing(lambda v: (abs(v) / place) ** power - 1.0, 0.0, step, side * 1e9)
    assert found == pytest.approx(side * place, abs=1e-4 * step + 1e-9 * place)


def test_where_it_does_not_cross_the_limit_is_the_end() -> None:
    """Both ways."""
    assert crossing(lambda _: -1.0, 0.0, 1.0, 7.0) == 7.0
    assert crossing(lambda _: -1.0, 0.0, 1.0, -7.0) == -7.0


def test_an_infinite_excess_is_bisected() -> None:
    """A value that cannot be is outside; no number comes of it that is not finite."""
    assert crossing(lambda v: inf if v >= pi else -1.0, 0.0, 1.0, 100.0) == pytest.approx(pi, abs=1e-4)
    assert crossing(lambda v: inf if v >= 2.0 else sin(v) - 0.5, 0.0, 0.1, 2.0) == pytest.approx(pi / 6, abs=1e-5)
