"""A context is finite and on an aware clock when it is made, and activity is a bounded prior."""

import math
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import Context
from channel_selector.eligibility.context import leans
from tests.channel_selector.strategies import NOW, contexts


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


@given(st.lists(st.integers(0, 10**6), min_size=24, max_size=24))
def test_leans_follow_the_activity_and_compare_hours_alone(activity: list[int]) -> None:
    """The busiest part of the day leans most; over the day they come to nothing, so that nobody is readier as such."""
    found = leans(activity)
    parts = [sum(activity[start : start + 3]) for start in range(0, 24, 3)]
    assert found[parts.index(max(parts))] == max(found)
    assert sum(found) == pytest.approx(0.0, abs=1e-9)
    assert max(map(abs, found)) < 16.0


def test_no_activity_leans_nowhere() -> None:
    """Nothing known, nothing counted, the same all day: zeros."""
    for activity in (None, [0] * 24, [7] * 24):
        assert leans(activity) == pytest.approx((0.0,) * 8)
