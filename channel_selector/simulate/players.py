"""The policies that come with the simulation: chance, the best there is, what shops do, and the learned one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from channel_selector.eligibility.arms import DAYPARTS
from channel_selector.outcomes import Outcome, OutcomeKind
from channel_selector.selector import Selector
from channel_selector.settings import SelectorSettings
from channel_selector.simulate.figures import PLACES
from channel_selector.simulate.play import Choice, Offer, Told, draw
from channel_selector.simulate.shop import Floats, Ints

SMOOTHED = 1.0
"""Messages and half reactions that the vendors' rule gives every place before it has seen any."""
HALF_YEAR = timedelta(days=182)
JUST_BEFORE = timedelta(seconds=1)


def mixed(best: Floats, offer: Offer, floor: float) -> Floats:
    """Give (1 − ε) best + ε uniform."""
    even = offer.reached / offer.reached.sum(axis=1, keepdims=True)
    result: Floats = (1.0 - floor) * best + floor * even
    return result


def sure(scores: Floats, offer: Offer) -> Floats:
    """Give probability 1 to each customer's highest score, the first of equals."""
    best = np.where(offer.reached, scores, -np.inf).argmax(axis=1)
    result: Floats = np.eye(scores.shape[1])[best]
    return result


class RandomPlayer:
    """Every option alike."""

    name = "random"

    def choose(self, offer: Offer, random: Floats) -> Choice:
        """Give each option the same probability."""
        law = mixed(np.zeros(offer.reached.shape), offer, 1.0)
        return Choice(draw(law, random), law)

    def hear(self, told: Sequence[Told], now: datetime) -> None:
        """Learn nothing."""


class OraclePlayer:
    """The option that truly sells best."""

    name = "oracle"

    def choose(self, offer: Offer, random: Floats) -> Choice:
        """Look at the truth."""
        law = sure(offer.value, offer)
        return Choice(draw(law, random), law)

    def hear(self, told: Sequence[Told], now: datetime) -> None:
        """Learn nothing."""


class FixedPlayer:
    """One order of places and hours for everybody, the best in hindsight: true values, averaged over those reached."""

    name = "best fixed"

    def choose(self, offer: Offer, random: Floats) -> Choice:
        """Take the first of the order that each customer has."""
        value = offer.value
        mean = np.where(offer.reached, value, 0.0).sum(axis=0) / np.maximum(offer.reached.sum(axis=0), 1)
        law = sure(np.broadcast_to(mean, value.shape), offer)
        return Choice(draw(law, random), law)

    def hear(self, told: Sequence[Told], now: datetime) -> None:
        """Learn nothing."""


class VendorPlayer:
    """What tools call intelligent: the place of the highest engagement ratio of six months, at the most active hour.

    Channels are picked by the customer's own ratio of reactions to messages (Braze's intelligent channel), the hour by
    the customer's activity (intelligent timing).
    """

    name = "vendors' rule"

    def __init__(self, floor: float) -> None:
        self._floor = floor
        self._sent: Floats = np.zeros((0, 0))
        self._reacted: Floats = np.zeros((0, 0))
        self._chosen: dict[int, tuple[datetime, Ints]] = {}
        self._clicked: dict[int, list[int]] = {}

    def choose(self, offer: Offer, random: Floats) -> Choice:
        """Give the best place by ratio, ties by everybody's ratio, at the most active hour."""
        if not len(self._sent):
            self._sent = np.zeros((offer.shop.customers, len(PLACES)))
            self._reacted = self._sent.copy()
        for turn in [turn for turn, (at, _) in self._chosen.items() if at < offer.now - HALF_YEAR]:
            self._take_off(turn)
        usual = (self._reacted.sum(axis=0) + 0.5) / (self._sent.sum(axis=0) + SMOOTHED)
        ratio = (self._reacted + usual * SMOOTHED) / (self._sent + SMOOTHED)
        parts = offer.shop.activity.reshape(offer.shop.customers, DAYPARTS, -1).sum(axis=2)
        active = parts / np.maximum(parts.sum(axis=1, keepdims=True), 1)
        scores = ratio[:, offer.shop.place] + 1e-6 * active[:, offer.shop.part]
        law = mixed(sure(scores, offer), offer, self._floor)
        chosen = draw(law, random)
        self._chosen[offer.turn], self._clicked[offer.turn] = (offer.now, chosen), []
        self._sent[np.arange(len(chosen)), chosen // DAYPARTS] += 1.0
        return Choice(chosen, law)

    def hear(self, told: Sequence[Told], now: datetime) -> None:  # noqa: ARG002 - Player's signature
        """Count reactions, also late ones, to messages that count still."""
        for each in told:
            if each.kind == "clicked" and each.turn in self._chosen:
                place = self._chosen[each.turn][1][each.customer] // DAYPARTS
                self._reacted[each.customer, place] += 1.0
                self._clicked[each.turn].append(each.customer)

    def _take_off(self, turn: int) -> None:
        """Count a round's messages, and what came of them, no more."""
        places = self._chosen.pop(turn)[1] // DAYPARTS
        clicked = np.array(self._clicked.pop(turn), dtype=np.int64)
        self._sent[np.arange(len(places)), places] -= 1.0
        np.subtract.at(self._reacted, (clicked, places[clicked]), 1.0)


class LearnedPlayer:
    """Homing's own: the façade as anybody uses it."""

    name = "homing"

    def __init__(self, settings: SelectorSettings, seed: int) -> None:
        self.selector = Selector(settings, seed=seed)
        self._sent: dict[tuple[int, int], tuple[str, datetime]] = {}

    def choose(self, offer: Offer, random: Floats) -> Choice:  # noqa: ARG002 - it draws by itself
        """Ask the selector; it draws by its own seed."""
        decisions = self.selector.choose_many(offer.contexts, offer.options, now=offer.now)
        law, chosen = np.zeros(offer.reached.shape), np.zeros(len(decisions), dtype=np.int64)
        law[offer.reached] = [probability for decision in decisions for probability in decision.probabilities]
        for customer, decision in enumerate(decisions):
            option = decision.option
            if option is None:
                raise ValueError("the simulated shop sends to everybody: settings with a holdout have no place in it")
            chosen[customer] = int(option.option_id)
            self._sent[offer.turn, customer] = decision.decision_id, option.send_at
        return Choice(chosen, law)

    def hear(self, told: Sequence[Told], now: datetime) -> None:
        """Record what became known, and learn."""
        for each in told:
            decision_id, send_at = self._sent[each.turn, each.customer]
            at = send_at + timedelta(hours=each.hours)
            self.selector.record(decision_id, Outcome(kind=OutcomeKind(each.kind), at=at))
        if self._sent:
            self.selector.learn(now=now - JUST_BEFORE)
