"""A round's prediction knows earlier rounds alone, and is the ridge regression that it says it is."""

import numpy as np
import pytest

from channel_selector.evidence.reward_models import (
    FARTHEST,
    PENALTY,
    Encoder,
    RewardModel,
    forward_blocks,
    predict_forward,
)
from channel_selector.evidence.rounds import Contexts, Floats, Ints, Rounds
from tests.channel_selector.evidence.small_logs import draw, floats, log


def contexts(numbers: Floats, labels: Ints) -> Contexts:
    """Make contexts of one number and one label."""
    return Contexts(numbers=numbers[:, None], labels=labels[:, None])


def simulated(random: np.random.Generator, count: int) -> Rounds:
    """Draw a log with contexts."""
    known = contexts(random.normal(3.0, 2.0, count), random.integers(0, 3, count))
    return log(draw(random, count), contexts=known)


def test_blocks_grow_and_leave_no_round_out() -> None:
    """0–64, then by halves; the last ends with the log."""
    assert list(forward_blocks(200)) == [(0, 64), (64, 96), (96, 144), (144, 200)]
    assert list(forward_blocks(1)) == [(0, 1)]


def test_predictions_do_not_know_what_comes() -> None:
    """With all rewards from a block's start on turned round, the predictions up to its end stay the same."""
    rounds = simulated(np.random.default_rng(1), 200)
    assert rounds.menus is not None
    before = predict_forward(rounds, rounds.menus).q
    turned = np.where(np.arange(200) >= 96, 1.0 - rounds.rewards, rounds.rewards)
    other = Rounds(
        rewards=turned,
        propensities=rounds.propensities,
        candidate=rounds.candidate,
        contexts=rounds.contexts,
        menus=rounds.menus,
    )
    after = predict_forward(other, rounds.menus).q
    entry = int(rounds.menus.starts[144])
    assert after[:entry].tolist() == before[:entry].tolist()
    assert after[entry:].tolist() != before[entry:].tolist()
    assert not before[: rounds.menus.starts[64]].any()


def test_it_is_the_ridge_regression_of_what_the_common_part_leaves() -> None:
    """By normal equations with the penalty written as rows of data, least squares gives the same."""
    random = np.random.default_rng(2)
    count = 300
    known = contexts(random.normal(0.0, 1.0, count), random.integers(0, 2, count))
    actions, rewards = random.integers(0, 2, count), random.normal(0.0, 1.0, count)
    model = RewardModel.fitted(known, actions, rewards, count=2)
    features = Encoder.fitted(known).features(known)

    def ridge(design: Floats, target: Floats) -> Floats:
        size = design.shape[1]
        stacked = np.vstack([design, np.sqrt(PENALTY) * np.eye(size)])
        solved: Floats = np.linalg.lstsq(stacked, np.append(target, np.zeros(size)), rcond=None)[0]
        return solved

    common = ridge(features, rewards - rewards.mean())
    for action in range(2):
        own = actions == action
        design = np.hstack([np.ones((own.sum(), 1)), features[own]])
        effect = ridge(design, rewards[own] - rewards.mean() - features[own] @ common)
        expected = rewards.mean() + features @ common + effect[0] + features @ effect[1:]
        found = model.predict(known, np.arange(count), np.full(count, action))
        assert found == pytest.approx(expected.clip(rewards.min(), rewards.max()), abs=1e-9)


def test_it_learns_what_there_is_to_learn() -> None:
    """Ten thousand rounds of two actions and two labels: rates of 0.1 to 0.7 are found within 0.05."""
    random = np.random.default_rng(3)
    rates = np.array([[0.1, 0.7], [0.4, 0.2]])
    labels, actions = random.integers(0, 2, 10_000), random.integers(0, 2, 10_000)
    rewards = (random.random(10_000) < rates[actions, labels]).astype(np.float64)
    model = RewardModel.fitted(contexts(np.zeros(10_000), labels), actions, rewards, count=2)
    asked = contexts(np.zeros(2), np.arange(2))
    for action in range(2):
        assert model.predict(asked, np.arange(2), np.full(2, action)) == pytest.approx(rates[action], abs=0.05)


def test_what_is_unknown_is_average() -> None:
    """A missing number, a label never seen and one that is rare leave the mean; extreme numbers are held back."""
    random = np.random.default_rng(4)
    numbers = np.append(random.normal(0.0, 1.0, 99), np.nan)
    labels = np.append(np.repeat([0, 1], [50, 49]), 7)
    encoder = Encoder.fitted(contexts(numbers, labels))
    features = encoder.features(contexts(floats(np.nan, 1e9), np.array([-1, 5])))
    assert features[0, 0] == 0.0
    assert features[1, 0] == FARTHEST
    assert features.shape[1] == 3
    assert features[:, 1:] == pytest.approx(np.tile([-0.5, -0.49], (2, 1)))


def test_a_log_without_contexts_or_spread_is_predicted_too() -> None:
    """Numbers that never vary and no labels: each action's mean, drawn to the common one."""
    rounds = log(draw(np.random.default_rng(5), 300), contexts=contexts(np.full(300, 2.0), np.full(300, -1)))
    assert rounds.menus is not None
    found = predict_forward(rounds, rounds.menus).q
    assert np.isfinite(found).all()
    assert (found >= 0.0).all()
    assert (found <= 1.0).all()
