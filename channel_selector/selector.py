"""A Selector is its settings, its seed and its log: population and customers are folds of the log and nothing more.

It holds the whole log in memory. A service with a store uses the same pieces on its own log: `fit_population` makes a
snapshot, `customer_effects` folds one customer's part of the log, and `Chooser.decide` decides on both.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

from channel_selector import savefile
from channel_selector.batches import Request
from channel_selector.choosing import Chooser
from channel_selector.decisions import Decision
from channel_selector.eligibility.context import Context
from channel_selector.eligibility.options import DeliveryOption
from channel_selector.errors import CorruptFileError
from channel_selector.history import History
from channel_selector.model.learning import Reported, fit_population
from channel_selector.model.population import Population
from channel_selector.model.regulars import Regulars
from channel_selector.model.tallies import CustomerEffects
from channel_selector.outcomes import Outcome
from channel_selector.records import maker
from channel_selector.settings import SelectorSettings
from channel_selector.spreading import Spread
from channel_selector.validation import to_microseconds, utc

_asked = maker(Request)


class Selector:
    """Chooses channel, device and hour for each customer, and learns from what came of it.

    A customer's own history counts from the moment it is recorded; the population's from the next `learn`. Equal seeds,
    settings and calls give equal decisions.
    """

    def __init__(self, settings: SelectorSettings | None = None, *, seed: int = 0) -> None:
        self.settings = SelectorSettings() if settings is None else settings
        self.seed = seed
        self._history = History()
        self._drawn = 0
        self._chooser = Chooser(Population.empty(self.settings.attribution_window), self.settings, seed)
        self._regulars = Regulars(self._history, self._chooser.population, self.settings)

    @property
    def population(self) -> Population:
        """What all customers together have taught, as of the last `learn`."""
        return self._chooser.population

    def choose(
        self,
        context: Context,
        options: Sequence[DeliveryOption],
        *,
        now: datetime,
        explore: bool = True,
        decision_id: str | None = None,
    ) -> Decision:
        """Decide on one message and remember the decision; `choose_many` of one.

        `options` are taken as eligible. `explore` false asks for the best option: propensity None, never learned from.
        `decision_id` must be new, else ValueError; None makes one from the seed, the subject, `now` and how many
        decisions there were before.
        """
        ids = None if decision_id is None else [decision_id]
        return self.choose_many([context], [options], now=now, explore=explore, decision_ids=ids)[0]

    def choose_many(
        self,
        contexts: Sequence[Context],
        options_each: Sequence[Sequence[DeliveryOption]],
        *,
        now: datetime,
        explore: bool = True,
        decision_ids: Sequence[str] | None = None,
        spread: Spread | None = None,
    ) -> list[Decision]:
        """Decide on many messages under one model, in order; ValueError where lists differ in length or an id is known.

        Two processors are kept busy where there are more than some hundred; with `spread=map` one is. The decisions are
        the same.
        """
        now = utc("now", now)
        if len(contexts) != len(options_each) or (decision_ids is not None and len(decision_ids) != len(contexts)):
            raise ValueError("contexts, options_each and decision_ids must be equally long")
        if decision_ids is not None and not self._history.are_new(decision_ids):
            raise ValueError("decision_id must be new: one that was given has a decision, or is given twice")
        if decision_ids is None:
            decision_ids = self._new_ids(contexts, now)
        effects = [self._regulars.effects(context.subject, now) for context in contexts]
        requests = list(map(_asked, decision_ids, contexts, options_each, effects))
        decisions = self._chooser.decide(requests, now=now, explore=explore, spread=spread)
        for decision in decisions:
            self._add_decision(decision)
        return decisions

    def effects(self, subject: str, *, now: datetime) -> CustomerEffects:
        """Give a customer's own tallies as known at `now`."""
        return self._regulars.effects(subject, utc("now", now))

    def record(self, decision: Decision | str, outcome: Outcome) -> None:
        """Take in what came of a decision, given whole or by its id.

        Told twice it counts once; told before its decision it waits. Each decision has one effect of each kind.
        """
        if isinstance(decision, Decision):
            self._add_decision(decision)
            decision = decision.decision_id
        self._add_outcome(decision, outcome)

    def learn(self, *, now: datetime) -> Population:
        """Fold the whole log into the population as known at `now`; later decisions rest on it."""
        population = fit_population(
            self._history.sends(),
            self._history.outcomes(),
            settings=self.settings,
            now=now,
            position=len(self._history),
            withheld=self._history.withheld(),
        )
        self._renew(population)
        return population

    def replay(self, decisions: Iterable[Decision], outcomes: Iterable[Reported]) -> None:
        """Take in decisions and (decision id, outcome) pairs of another log; what is known already changes nothing.

        An empty selector that replays a log and learns at the same instant stands where the log's own selector stands,
        bit for bit.
        """
        for decision in decisions:
            self._add_decision(decision)
        for decision_id, outcome in outcomes:
            self._add_outcome(decision_id, outcome)

    def merge(self, into: str, absorbed: str) -> None:
        """Make one customer of two: all that `absorbed` was sent counts for `into`; choose for `into` from now on."""
        self._move([decision.decision_id for decision in self._history.held(absorbed)], into)

    def split(self, subject: str, *, into: str, endpoint_ids: Iterable[str]) -> None:
        """Make two customers of one: what was sent to these endpoints counts for `into` from now on."""
        moving = frozenset(endpoint_ids)
        held = self._history.held(subject)
        chosen = ((decision.decision_id, decision.option) for decision in held)
        self._move([name for name, option in chosen if option and option.endpoint_id in moving], into)

    def forget(self, subject: str) -> None:
        """Forget a customer: decisions, outcomes, and their part in the population, as if they had never been."""
        self._history.drop(subject)
        self._regulars.forget(subject)
        if self.population.at is not None:
            self.learn(now=self.population.at)

    def decisions(self) -> list[Decision]:
        """Give the log's decisions, by id."""
        return self._history.decisions()

    def outcomes(self) -> list[Reported]:
        """Give the log's outcomes with their decisions' ids, in a fixed order."""
        return list(self._history.outcomes())

    def save(self, path: Path | str) -> None:
        """Write everything to one JSON file with a checksum; equal selectors write equal bytes."""
        body: dict[str, Any] = {
            "settings": self.settings.to_json(),
            "seed": self.seed,
            "drawn": self._drawn,
            "population": self.population.to_json(),
            "decisions": [decision.to_json() for decision in self._history.decisions()],
            "outcomes": [[decision_id, outcome.to_json()] for decision_id, outcome in self._history.outcomes()],
            "moved": self._history.moved(),
        }
        savefile.write(Path(path), body)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read what `save` wrote; CorruptFileError where it is damaged, foreign or of another version."""
        body = savefile.read(Path(path))
        try:
            return cls._restored(body)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise CorruptFileError("the file's content is not a selector's; restore it from a copy") from error

    @classmethod
    def _restored(cls, body: dict[str, Any]) -> Self:
        selector = cls(SelectorSettings.from_json(body["settings"]), seed=body["seed"])
        selector._drawn = body["drawn"]
        selector._renew(Population.from_json(body["population"]))
        decisions = (Decision.from_json(data) for data in body["decisions"])
        selector.replay(decisions, ((name, Outcome.from_json(data)) for name, data in body["outcomes"]))
        for decision_id, subject in body["moved"].items():
            selector._move([decision_id], subject)
        return selector

    def _renew(self, population: Population) -> None:
        self._chooser = Chooser(population, self.settings, self.seed)
        self._regulars.learned(population)

    def _add_decision(self, decision: Decision) -> None:
        self._history.add_decision(decision)
        self._regulars.forget(decision.subject)

    def _add_outcome(self, decision_id: str, outcome: Outcome) -> None:
        self._history.add_outcome(decision_id, outcome)
        holder = self._history.holder(decision_id)
        if holder is not None:
            self._regulars.forget(holder)

    def _move(self, decision_ids: Sequence[str], subject: str) -> None:
        for holder in {self._history.holder(decision_id) for decision_id in decision_ids} - {None}:
            self._regulars.forget(str(holder))
        self._history.move(decision_ids, subject)
        self._regulars.forget(subject)

    def _new_ids(self, contexts: Sequence[Context], now: datetime) -> list[str]:
        """Make ids from the seed, each subject, the moment and how many were made before."""
        first, self._drawn = self._drawn, self._drawn + len(contexts)
        seed, at = str(self.seed), str(to_microseconds(now))
        parts = ("\0".join((seed, each.subject, at, str(place))) for place, each in enumerate(contexts, first))
        return [blake2b(part.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest() for part in parts]
