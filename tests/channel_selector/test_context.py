"""A context is finite and on an aware clock when it is made, and activity is a bounded prior."""

import math
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import Context
from channel_selector.context import activity_tilt
from tests.channel_selector.strategies import NOW, contexts

EVEN = np.full(8, 1 / 8)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"subject": ""}, "subject"),
        ({"features": {"x": math.nan}}, "feature x"),
        ({"features": {"x": math.inf}}, "feature x"),
        ({"features": {"x": 2**63 * 10**300}}, "feature x"),
        ({"features": {"x": [1]}}, "feature x"),
        ({"margin": math.nan}, "margin"),
        ({"margin": -0.1}, "margin"),
        ({"cart_value": math.inf}, "cart_value"),
        ({"cart_value": True}, "cart_value"),
        ({"activity": [1] * 23}, "activity"),
        ({"activity": [math.nan] * 24}, "activity"),
        ({"activity": [-1] * 24}, "activity"),
        ({"abandoned_at": datetime(2026, 1, 1)}, "abandoned_at"),  # noqa: DTZ001  # what the test is about
        ({"recent_sends": [datetime(2026, 1, 1)]}, "recent send"),  # noqa: DTZ001  # what the test is about
    ],
)
def test_contexts_out_of_range_are_refused(change: dict[str, Any], named: str) -> None:
    """Whatever is not finite, in range or aware is refused by name."""
    with pytest.raises(ValueError, match=named):
        Context(**({"subject": "u"} | change))


@given(contexts)
def test_contexts_survive_json(context: Context) -> None:
    """What is written is read back equal."""
    assert Context.from_json(context.to_json()) == context


def test_contexts_keep_free_features_and_instants() -> None:
    """Texts, truths and nothing pass as features; instants are read back."""
    context = Context(
        subject="u", features={"a": "x", "b": True, "c": None, "d": 1.5}, recent_sends=[NOW], abandoned_at=NOW
    )
    assert Context.from_json(context.to_json()) == context


@pytest.mark.parametrize(
    ("cart_value", "margin", "gain"),
    [(None, None, 7.0), (None, 3.0, 3.0), (100.0, 0.2, 20.0), (100.0, None, 700.0), (0.0, 0.2, 0.0), (100.0, 0.0, 0.0)],
)
def test_a_conversion_brings_margin_times_cart_value(
    cart_value: float | None, margin: float | None, gain: float
) -> None:
    """Without a cart value the margin alone, without a margin the setting's; zero is a number, not a default."""
    assert Context(subject="u", cart_value=cart_value, margin=margin).gain(7.0) == gain


@given(st.lists(st.integers(0, 10**6), min_size=24, max_size=24), st.floats(0, 1))
def test_activity_tilts_by_a_factor_of_three_at_most(activity: list[int], weight: float) -> None:
    """The busiest part of the day has the highest factor; all stay within [1/3, 3]."""
    tilt = activity_tilt(activity, weight, EVEN)
    parts = np.reshape(activity, (8, 3)).sum(axis=1)
    assert tilt.min() >= 1 / 3
    assert tilt.max() <= 3.0
    assert tilt[parts.argmax()] == tilt.max()


def test_no_activity_and_no_weight_tilt_nothing() -> None:
    """Nothing known, nothing counted or the prior switched off: ones."""
    for tilt in (
        activity_tilt(None, 0.5, EVEN),
        activity_tilt([0] * 24, 0.5, EVEN),
        activity_tilt(range(24), 0.0, EVEN),
    ):
        assert tilt == pytest.approx(np.ones(8))


@given(st.lists(st.integers(0, 30), min_size=24, max_size=24), st.lists(st.integers(1, 99), min_size=8, max_size=8))
def test_activity_compares_hours_and_does_not_raise_the_day(activity: list[int], sends: list[int]) -> None:
    """Over the hours that messages are sent at the mean factor is 1, but for what the bounds cut off."""
    day = np.array(sends) / sum(sends)
    raw = np.sqrt(np.reshape(activity, (8, 3)).sum(axis=1) + 2.0)
    free = raw / (day @ raw)
    if free.min() >= 1 / 3 and free.max() <= 3.0:
        assert day @ activity_tilt(activity, 0.5, day) == pytest.approx(1.0)


def test_someone_active_by_day_is_not_thought_readier_by_day() -> None:
    """Where messages go out by day only, even activity over that day tilts nothing: nights do not lift it."""
    day = np.array([0.0, 0.0, 0.25, 0.25, 0.25, 0.25, 0.0, 0.0])
    tilt = activity_tilt([0] * 6 + [40] * 12 + [0] * 6, 0.5, day)
    assert tilt[2:6] == pytest.approx(np.ones(4))
    assert tilt[0] == 1 / 3
