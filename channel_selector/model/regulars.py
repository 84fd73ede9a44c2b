"""Customers kept at hand give the same as folded anew: nothing is kept that a later outcome or hour could change."""

from datetime import datetime, timedelta
from typing import NamedTuple

from channel_selector.decisions import Send
from channel_selector.history import History
from channel_selector.model.learning import Reported, customer_effects
from channel_selector.model.population import Population
from channel_selector.model.tallies import NO_EFFECTS, CustomerEffects
from channel_selector.settings import SelectorSettings


class _Told(NamedTuple):
    """What the log holds of a customer."""

    sends: tuple[Send, ...]
    outcomes: tuple[Reported, ...]


class _Folded(NamedTuple):
    """A fold of it, when it was made, and whether any later hour would give the same."""

    effects: CustomerEffects
    at: datetime
    settled: bool


class Regulars:
    """Folds customers of a log under one population. Tell it whenever the log has changed."""

    def __init__(self, history: History, population: Population, settings: SelectorSettings) -> None:
        self._history = history
        self._population = population
        self._settings = settings
        self._told: dict[str, _Told] = {}
        self._folded: dict[str, _Folded] = {}

    def forget(self, subject: str) -> None:
        """Fold this customer anew when asked: the log tells something else now."""
        self._told.pop(subject, None)
        self._folded.pop(subject, None)

    def learned(self, population: Population) -> None:
        """Go on under another population; the log has not changed."""
        self._population = population
        self._folded.clear()

    def effects(self, subject: str, now: datetime) -> CustomerEffects:
        """Give what `learning.customer_effects` gives of the customer's part of the log."""
        if not self._history.knows(subject):
            return NO_EFFECTS
        kept = self._folded.get(subject)
        if kept is not None and (kept.at == now or (kept.settled and now > kept.at)):
            return kept.effects
        told = self._told.get(subject)
        if told is None:
            told = _Told(tuple(self._history.sends(subject)), tuple(self._history.outcomes(subject)))
            self._told[subject] = told
        if not told.sends:
            return NO_EFFECTS
        found = customer_effects(*told, population=self._population, settings=self._settings, now=now)
        # What is forgotten by age is another with every hour.
        settled = self._settings.half_life is None and _settled(told, now, self._settings.attribution_window)
        self._folded[subject] = _Folded(found, now, settled)
        return found


def _settled(told: _Told, now: datetime, window: timedelta) -> bool:
    """Tell whether every window is closed, of messages and of reactions, from which on purchases are waited for."""
    return all(send.send_at + window <= now for send in told.sends) and all(
        said.at + window <= now for _, said in told.outcomes
    )
