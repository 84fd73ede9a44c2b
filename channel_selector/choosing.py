"""Decisions are a pure function of population, settings, seed and requests: each is the same alone or among others."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from channel_selector.batches import Batch, Request, build
from channel_selector.decisions import Decision
from channel_selector.eligibility.context import Context
from channel_selector.eligibility.options import DeliveryOption
from channel_selector.holdout import Assignment, Uniform, assign
from channel_selector.model.population import Population
from channel_selector.model.posteriors import PopulationPosterior
from channel_selector.model.tallies import NO_TALLY
from channel_selector.policies import BusinessAsUsual, Greedy, Learned, Policy, Propensities
from channel_selector.reasons import Evidence, ReasonCode
from channel_selector.records import maker
from channel_selector.settings import SelectorSettings
from channel_selector.shares import NewChannels
from channel_selector.spreading import Spread, in_threads
from channel_selector.validation import EPOCH, utc
from channel_selector.weighing import BEST, EXPLORING, Estimates, Weighing, estimate

MODEL = "tastes-3"
"""Name and number of the model; another formula, constant or grid has another number."""
PORTION = 128
"""Requests that are laid out, and worked out, at a time."""

NO_EVIDENCE = Evidence(NO_TALLY, NO_TALLY)
_made = maker(Decision)


class Rule(NamedTuple):
    """Who decides, by which policy under which settings, when, and whether by a draw."""

    assignment: Assignment
    policy_version: str
    at: datetime
    explore: bool


class Choice(NamedTuple):
    """What is known of one request's options, in their order, and what was drawn of them.

    `picked`: the index (−1: nothing), the row of the population, and why (`weighing.BEST`). `told`: propensity,
    conversion probability, value and the interval's ends.
    """

    probabilities: tuple[float, ...]
    nothing: float
    conversions: tuple[float, ...]
    picked: Sequence[int]
    told: Sequence[float]


NOT_DRAWN = Choice((), 1.0, (), (-1, 0, EXPLORING), (1.0, 0.0, 0.0, 0.0, 0.0))
"""Nothing was drawn, and nothing is sent."""


class Chooser:
    """Decides under one population snapshot; make one per snapshot, it keeps what it works out (not for two threads).

    Subjects in the holdout are sent nothing, those on business as usual what it says, both with propensity 1; without
    options nothing is sent (propensity 1, probabilities ()). With `explore` false the learned policy gives its best
    option and every propensity is None. ValueError where population and settings differ in the attribution window.
    """

    def __init__(self, population: Population, settings: SelectorSettings, seed: int) -> None:
        if population.engaged_delays.window != settings.attribution_window:
            raise ValueError("the population was learned with another attribution_window; learn it again with this one")
        self.population = population
        self.settings = settings
        self.seed = seed
        self.model_version = f"{MODEL}:{population.version}"
        self._posterior = PopulationPosterior(population)
        self._settings_version = settings.version
        self._places = Uniform("draw", seed)
        self._bau = BusinessAsUsual(channels=settings.bau_channels)
        self._greedy = Greedy(do_not_send=settings.do_not_send)
        new = NewChannels.of(population, settings)
        self._learned = Learned(floor=settings.floor, do_not_send=settings.do_not_send, new=new)

    def decide(
        self, requests: Sequence[Request], *, now: datetime, explore: bool = True, spread: Spread | None = None
    ) -> list[Decision]:
        """Decide on each request, in order; `now` (aware) is kept as the decisions' time and used for nothing else.

        Probabilities are worked out portion by portion in what `spread` is; whatever it is, they are the same. None:
        in threads where there is more than one portion.
        O(cells × points) for each request, a cell being what options alike to the model share (`batches.CellKey`).
        """
        now = utc("now", now)
        if spread is None:
            spread = in_threads if len(requests) > PORTION else map
        decided: dict[int, Decision] = {}
        groups: dict[Assignment, list[int]] = {}
        for index, request in enumerate(requests):
            assignment = assign(request.context.subject, self.settings)
            if assignment is Assignment.HOLDOUT or not request.options:
                decided[index] = self._unsent(request, assignment, now, explore=explore)
            else:
                groups.setdefault(assignment, []).append(index)
        for assignment, indices in groups.items():
            group = [requests[index] for index in indices]
            made = self._decide(group, assignment, now, explore=explore, spread=spread)
            decided.update(zip(indices, made, strict=True))
        return [decided[index] for index in range(len(requests))]

    def probabilities(self, requests: Sequence[Request], policy: Policy) -> tuple[Batch, Estimates, Propensities]:
        """Give π of every option of every request under a policy, without a draw; each request must have options."""
        batch, weigh = self._laid_out(requests, policy)
        estimates = weigh()
        return batch, estimates, policy.propensities(batch, estimates)

    def policy(self, assignment: Assignment, *, explore: bool) -> Policy:
        """Give the policy that decides for an assignment."""
        if assignment is Assignment.BAU:
            return self._bau
        return self._learned if explore else self._greedy

    def _decide(
        self, requests: Sequence[Request], assignment: Assignment, now: datetime, *, explore: bool, spread: Spread
    ) -> Iterator[Decision]:
        """Decide on requests that have options.

        What `spread` does, perhaps in threads, reads arrays that were made before it and that nobody changes.
        """
        policy = self.policy(assignment, explore=explore)
        rule = self._rule(assignment, policy.version, now, explore=explore)
        portions = [requests[first : first + PORTION] for first in range(0, len(requests), PORTION)]
        batches: deque[Batch] = deque()

        def laid_out() -> Iterator[Weighing]:
            for portion in portions:
                batch, weigh = self._laid_out(portion, policy)
                batches.append(batch)
                yield weigh

        for estimates in spread(_weighed, laid_out()):
            batch = batches.popleft()
            law = policy.propensities(batch, estimates)
            for request, choice in zip(batch.requests, self._choices(batch, estimates, law), strict=True):
                usual = assignment is Assignment.BAU
                code = ReasonCode.BUSINESS_AS_USUAL if usual else _code(choice, request)
                evidence = batch.evidence[choice.picked[1]]
                yield self._decision(request, choice, code, evidence, rule)

    def _laid_out(self, requests: Sequence[Request], policy: Policy) -> tuple[Batch, Weighing]:
        batch = build(requests, self._posterior, self.settings)
        return batch, estimate(batch, self._posterior, self.settings, shares=policy.asks_for_shares)

    def _choices(self, batch: Batch, estimates: Estimates, law: Propensities) -> Iterator[Choice]:
        """Draw for each request, and cut the arrays of a batch into its requests."""
        from channel_selector.compiled import drawing  # noqa: PLC0415 - loads numba: see there

        places = np.array([self._places.of(request.decision_id) for request in batch.requests])
        cells = batch.option_starts, batch.option_cell, batch.cells[0]
        picked, told, converting = drawing.choose(*law, *cells, estimates.found, places, self.settings.do_not_send)
        probabilities, conversions = law.options.tolist(), converting.tolist()
        spans = pairwise(batch.option_starts.tolist())
        for (first, last), *rest in zip(spans, law.nothing.tolist(), picked.tolist(), told.tolist(), strict=True):
            yield Choice(tuple(probabilities[first:last]), rest[0], tuple(conversions[first:last]), rest[1], rest[2])

    def _unsent(self, request: Request, assignment: Assignment, now: datetime, *, explore: bool) -> Decision:
        held = assignment is Assignment.HOLDOUT
        code = ReasonCode.HOLDOUT if held else ReasonCode.NO_OPTIONS
        version = "holdout-1" if held else self.policy(assignment, explore=explore).version
        choice = NOT_DRAWN._replace(probabilities=(0.0,) * len(request.options))
        rule = self._rule(assignment, version, now, explore=explore)
        return self._decision(request, choice, code, NO_EVIDENCE, rule)

    def _rule(self, assignment: Assignment, version: str, now: datetime, *, explore: bool) -> Rule:
        return Rule(assignment, f"{version}:{self._settings_version}", now, explore)

    def _decision(self, request: Request, choice: Choice, code: ReasonCode, evidence: Evidence, rule: Rule) -> Decision:
        index, sent = choice.picked[0], choice.picked[0] >= 0
        propensity, conversion, value, lowest, highest = choice.told
        # In the order of Decision's fields; `test_records` holds each to its name.
        return _made(
            request.decision_id,
            request.context.subject,
            request.options[index].option_id if sent else None,
            propensity if rule.explore else None,
            choice.probabilities,
            choice.nothing,
            value,
            rule.assignment,
            rule.policy_version,
            self.model_version,
            self.seed,
            rule.at,
            index if sent else None,
            conversion if sent else None,
            choice.conversions,
            (lowest, highest) if sent else None,
            code,
            evidence.arm if sent else NO_TALLY,
            request.effects,
            request.context,
            tuple(request.options),
            evidence.channel if sent else NO_TALLY,
        )


def load_compiled() -> None:
    """Decide once on nothing of importance, so that no decision in earnest waits for compiled code to be read.

    A tenth of a second beside loading numba where it was compiled before, some ten seconds where it was not.
    """
    settings = SelectorSettings(do_not_send=True)
    ways = [
        DeliveryOption(
            option_id=name, channel=name, device_kind="", endpoint_id=name, send_at=EPOCH, local_hour=0, weekday=0
        )
        for name in ("email", "sms")
    ]
    request = Request(decision_id="", context=Context(subject="nobody"), options=ways)
    Chooser(Population.empty(settings.attribution_window), settings, 0).decide([request], now=EPOCH)


def recompute(decision: Decision, population: Population, settings: SelectorSettings) -> tuple[float, ...]:
    """Compute a logged decision's probabilities again from the snapshot and the settings that it names.

    ValueError where `population` or `settings` are others than the decision's, or the model has changed since.
    """
    chooser = Chooser(population, settings, decision.seed)
    law, _, version = decision.policy_version.partition(":")
    if (decision.model_version, version) != (chooser.model_version, settings.version):
        raise ValueError("the decision was made under another population, model or settings; give those that it names")
    if decision.assignment is Assignment.HOLDOUT or not decision.options:
        return (0.0,) * len(decision.options)
    policy = chooser.policy(decision.assignment, explore=decision.propensity is not None)
    if policy.version != law:
        raise ValueError(f"the decision was made by the policy {law}, which this version does not have")
    request = Request(
        decision_id=decision.decision_id, context=decision.context, options=decision.options, effects=decision.effects
    )
    return tuple(chooser.probabilities([request], policy)[2].options.tolist())


def _weighed(weigh: Weighing) -> Estimates:
    return weigh()


def _code(choice: Choice, request: Request) -> ReasonCode:
    why = choice.picked[2]
    if why != BEST:
        return ReasonCode.EXPLORING if why == EXPLORING else ReasonCode.DO_NOT_SEND
    return ReasonCode.BEST_EXPECTED_VALUE if request.effects.arms else ReasonCode.POPULATION_BEST
