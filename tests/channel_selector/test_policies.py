"""Every policy keeps the contract of a policy: a probability for each option, summing to 1 for each request."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import Context, DeliveryOption, SelectorSettings
from channel_selector.batches import Request
from channel_selector.choosing import Chooser
from channel_selector.model.population import Population
from channel_selector.policies import BusinessAsUsual, Greedy, Learned, Policy, Uniform
from tests.channel_selector.strategies import option, options

SETTINGS = SelectorSettings()
POLICIES: tuple[Policy, ...] = (
    Learned(floor=0.05, do_not_send=False),
    Learned(floor=0.05, do_not_send=True),
    Uniform(),
    Greedy(do_not_send=False),
    Greedy(do_not_send=True),
    BusinessAsUsual(channels=("email",)),
)


@given(st.sampled_from(POLICIES), st.lists(st.lists(options, min_size=1, max_size=6), min_size=1, max_size=4))
def test_every_policy_gives_a_law(policy: Policy, each: list[list[DeliveryOption]]) -> None:
    """Probabilities are in [0, 1] and sum to 1 with not sending; equal calls give equal answers."""
    chooser = Chooser(Population.empty(SETTINGS.attribution_window), SETTINGS, 0)
    requests = [Request(decision_id=str(n), context=Context(subject="u"), options=own) for n, own in enumerate(each)]
    law = chooser.probabilities(requests, policy)[2]
    first = 0
    for index, own in enumerate(each):
        part = law.options[first : first + len(own)]
        first += len(own)
        assert part.min() >= 0.0
        assert part.sum() + law.nothing[index] == pytest.approx(1.0, abs=1e-9)
    again = chooser.probabilities(requests, policy)[2]
    assert np.array_equal(again.options, law.options)


def test_uniform_is_uniform() -> None:
    """Four options have a quarter each."""
    chooser = Chooser(Population.empty(SETTINGS.attribution_window), SETTINGS, 0)
    request = Request(decision_id="d", context=Context(subject="u"), options=[option(str(n)) for n in range(4)])
    assert chooser.probabilities([request], Uniform())[2].options.tolist() == [0.25] * 4


def test_versions_tell_policies_apart() -> None:
    """Each law has its own name and number."""
    assert len({policy.version for policy in POLICIES}) == 4
