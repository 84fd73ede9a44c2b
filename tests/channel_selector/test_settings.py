"""Settings are in range, and equal ones have equal versions."""

import math
from datetime import timedelta
from typing import Any

import pytest

from channel_selector import SelectorSettings


@pytest.mark.parametrize(
    "change",
    [
        {"floor": math.nan},
        {"floor": -0.1},
        {"floor": 1.1},
        {"holdout": 0.6, "bau": 0.6},
        {"margin": math.inf},
        {"attribution_window": timedelta(0)},
        {"attribution_window": timedelta(days=91)},
        {"activation": "guessed"},
        {"customer_exploration": 2.0},
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, Any]) -> None:
    """A broken setting is refused when made, by name."""
    with pytest.raises(ValueError, match="|".join(change) if "activation" not in change else "guessed"):
        SelectorSettings(**change)


def test_versions_follow_the_content() -> None:
    """Equal settings have one version, any change another; JSON keeps all of it."""
    made = SelectorSettings(floor=0.1, holdout=0.05, salt="x")
    assert SelectorSettings.from_json(made.to_json()) == made
    assert SelectorSettings.from_json(made.to_json()).version == made.version
    assert made.version != SelectorSettings(floor=0.1, holdout=0.05).version
