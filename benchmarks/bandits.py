"""Bandits without shared learning between options: Beta Thompson sampling, and MABWiser's LinTS."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from mabwiser.mab import MAB, LearningPolicy

from benchmarks.selecting import FLOOR
from channel_selector.eligibility.arms import DAYPARTS
from channel_selector.simulate.figures import SEGMENTS
from channel_selector.simulate.play import Choice, Offer, Told, draw
from channel_selector.simulate.players import mixed, sure
from channel_selector.simulate.shop import Floats, Ints, Shop

PRIOR_CLICKS, PRIOR_MESSAGES = 1.0, 14.0
"""A Beta prior worth one click in fourteen messages: 7 %."""


class BetaPlayer:
    """Thompson sampling with a Beta for each option of each group of customers; clicks are the reward."""

    def __init__(self, group: Ints, seed: int) -> None:
        self.name = "beta"
        self._group = group
        self._random = np.random.default_rng([seed, 21])
        self._sent: dict[int, Ints] = {}
        self._clicks: Floats | None = None

    def choose(self, offer: Offer, random: Floats) -> Choice:
        """Draw every option's rate, and take the highest."""
        if self._clicks is None:
            self._clicks = np.zeros((int(self._group.max()) + 1, offer.reached.shape[1]))
            self._silent = np.zeros_like(self._clicks)
        a = PRIOR_CLICKS + self._clicks[self._group]
        b = PRIOR_MESSAGES - PRIOR_CLICKS + self._silent[self._group]
        law = mixed(sure(self._random.beta(a, b), offer), offer, FLOOR)
        self._sent[offer.turn] = draw(law, random)
        return Choice(self._sent[offer.turn], law)

    def hear(self, told: Sequence[Told], now: datetime) -> None:  # noqa: ARG002 - Player's signature
        """Count."""
        if self._clicks is None:
            return
        clicked = {(each.turn, each.customer) for each in told if each.kind == "clicked"}
        for turn, chosen in self._sent.items():
            reacted = np.array([(turn, customer) in clicked for customer in range(len(chosen))])
            np.add.at(self._clicks, (self._group, chosen), reacted)
            np.add.at(self._silent, (self._group, chosen), ~reacted)
        self._sent.clear()


class LinearPlayer:
    """MABWiser's LinTS: a ridge regression for each option on segment and activity, drawn from its posterior."""

    def __init__(self, shop: Shop) -> None:
        self.name = "LinTS"
        events = shop.activity.reshape(shop.customers, DAYPARTS, -1).sum(axis=2) + 1.0
        share = events / events.sum(axis=1, keepdims=True)
        self._features = np.hstack([np.eye(len(SEGMENTS))[shop.segment], np.log(share / (1.0 - share))])
        self._arms = list(range(len(shop.place)))
        self._mab = MAB(self._arms, LearningPolicy.LinTS(alpha=0.1, l2_lambda=1.0), seed=shop.settings.seed)
        self._sent: dict[int, Ints] = {}
        self._fitted = False

    def choose(self, offer: Offer, random: Floats) -> Choice:
        """Draw every option's expectation, and take the highest; before anything is known, any."""
        if self._fitted:
            drawn = self._mab.predict_expectations(self._features)
            scores = np.array([[each[arm] for arm in self._arms] for each in drawn])
            law = mixed(sure(scores, offer), offer, FLOOR)
        else:
            law = mixed(np.zeros(offer.reached.shape), offer, 1.0)
        self._sent[offer.turn] = draw(law, random)
        return Choice(self._sent[offer.turn], law)

    def hear(self, told: Sequence[Told], now: datetime) -> None:  # noqa: ARG002 - Player's signature
        """Fit on."""
        clicked = {(each.turn, each.customer) for each in told if each.kind == "clicked"}
        for turn, chosen in self._sent.items():
            rewards = [float((turn, customer) in clicked) for customer in range(len(chosen))]
            fit = self._mab.partial_fit if self._fitted else self._mab.fit
            fit(chosen.tolist(), rewards, self._features)
            self._fitted = True
        self._sent.clear()
