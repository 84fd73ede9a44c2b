"""A round's weight looks back alone, and evens out what a learning policy's propensities do to the variance."""

import numpy as np
import pytest

from channel_selector.evidence.stabilising import SHORTEST, stabilising_weights
from tests.channel_selector.evidence.small_logs import Row, draw, log


def test_one_law_throughout_needs_no_weights() -> None:
    """All are alike."""
    random = np.random.default_rng(1)
    rows = [Row([0.25, 0.75], [0.5, 0.5], int(random.random() < 0.75), 0.0) for _ in range(300)]
    h = stabilising_weights(log(rows))
    assert h == pytest.approx(h[0])


@pytest.mark.parametrize("told", [True, False])
def test_a_weight_knows_only_the_rounds_before(told: bool) -> None:
    """With other rounds from the hundredth on, the first hundred weights stay."""
    random = np.random.default_rng(2)
    before = draw(random, 100)
    one = stabilising_weights(log([*before, *draw(random, 100)], told=told))
    other = stabilising_weights(log([*before, *draw(random, 60)], told=told))
    assert one[:100].tolist() == other[:100].tolist()


def test_where_propensities_fall_weights_fall_with_their_root() -> None:
    """From 1/2 to 1/50 of always drawing the judged action: the terms' variance is 25 times, the weight a fifth."""
    rows = [Row([0.5, 0.5], [1.0, 0.0], 0, 0.0)] * 500 + [Row([0.02, 0.98], [1.0, 0.0], 1, 0.0)] * 500
    h = stabilising_weights(log(rows))
    assert h[0] / h[-1] == pytest.approx(5.0)
    assert h[500] == h[499]
    assert h[500 + SHORTEST * 2] == pytest.approx(h[-1])
