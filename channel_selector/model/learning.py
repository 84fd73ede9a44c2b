"""Posteriors are an idempotent fold of sends and outcomes: told twice or in any order, the same comes out.

Each send has at most one engagement and one conversion, the first within its window. What comes after the window is
logged and not learned; what comes before its decision waits in the log; a window still open is weighed by its age and
never counted as a failure. Sends are folded in the order (time of what came of them, decision id).

Where a channel's clicks are tracked, that is, where the log holds one of any of its messages, a purchase that no click
went before belongs to the organic baseline: it is counted as bought and is neither an engagement nor a conversion.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from math import exp, fsum
from typing import NamedTuple

from channel_selector.decisions import Send
from channel_selector.model import organic
from channel_selector.model.delays import Delays, estimated
from channel_selector.model.fatigue import Departures, Fatigue, level
from channel_selector.model.fitting import Observed, fit_reactions
from channel_selector.model.forgetting import remembered
from channel_selector.model.organic import Bought, Organic, Withheld, bought_anyway
from channel_selector.model.population import Population
from channel_selector.model.reactions import Reactions
from channel_selector.model.tallies import NO_EFFECTS, Cell, Cells, CustomerEffects, Spot, Tally
from channel_selector.outcomes import Outcome, effects_of, reacts, was_sent
from channel_selector.settings import Activation, SelectorSettings
from channel_selector.validation import utc

Reported = tuple[str, Outcome]
"""A decision's id and an outcome reported of it."""


class Trial(NamedTuple):
    """A send that has happened, its age now, and how long after it what it led to came (None: not yet).

    `bought`: a purchase followed, whatever led there. `left`: somebody unsubscribed or complained. `weight`: how much
    of it is not forgotten.
    """

    send: Send
    age: timedelta
    engaged_after: timedelta | None
    converted_after: timedelta | None
    bought: bool
    left: bool
    weight: float


class Counted(NamedTuple):
    """A trial, and what it is exposed to: reactions, more on a better occasion than the plainest; purchases."""

    trial: Trial
    engaged: float
    converted: float


class Beliefs(NamedTuple):
    """What trials are counted under: how late what comes of messages comes, and how they are reacted to."""

    engaged: Delays
    converted: Delays
    reactions: Reactions

    def counted(self, trial: Trial) -> Counted:
        """Tell what a trial is exposed to; to purchases only if there was a reaction."""
        channel, age = trial.send.channel, trial.age.total_seconds()
        occasion = self.reactions.occasion(trial.send.occasion)
        engaged = trial.weight * self.engaged.share(channel, age) * exp(occasion)
        if trial.engaged_after is None:
            return Counted(trial, engaged, 0.0)
        since = (trial.age - trial.engaged_after).total_seconds()
        return Counted(trial, engaged, trial.weight * self.converted.share(channel, since))


def tracked_channels(sends: Iterable[Send], outcomes: Iterable[Reported], *, now: datetime) -> frozenset[str]:
    """Give the channels whose clicks the log tells of: those of which it holds one, of any time up to `now`."""
    channels = {send.decision_id: send.channel for send in sends}
    told = ((channels.get(name), outcome) for name, outcome in outcomes if outcome.at <= now)
    return frozenset(channel for channel, outcome in told if channel is not None and reacts(outcome.kind, channel))


def trials(
    sends: Iterable[Send],
    outcomes: Iterable[Reported],
    *,
    tracked: Collection[str],
    settings: SelectorSettings,
    now: datetime,
) -> list[Trial]:
    """Join sends and what came of them, as known at `now`: those not sent, or not by now, are left out."""
    reported = _by_decision(outcomes)
    unique = {send.decision_id: send for send in sends if send.send_at <= now}
    joined = (
        _trial(send, reported.get(send.decision_id, ()), settings, now, tracked=send.channel in tracked)
        for send in unique.values()
    )
    return sorted((trial for trial in joined if trial is not None), key=_fold_order)


def fit_population(
    sends: Iterable[Send],
    outcomes: Iterable[Reported],
    *,
    settings: SelectorSettings,
    now: datetime,
    position: int = 0,
    withheld: Iterable[Withheld] = (),
) -> Population:
    """Fold the whole log, up to `position` in its own numbers, into the population as known at `now`.

    `withheld`: the messages that the holdout was not sent; what was bought after them is among the outcomes.
    """
    now, window = utc("now", now), settings.attribution_window
    sends, outcomes = list(sends), list(outcomes)
    tracked = tracked_channels(sends, outcomes, now=now)
    joined = trials(sends, outcomes, tracked=tracked, settings=settings, now=now)
    engaged = estimated(window, _reacted(joined))
    converted = estimated(window, _bought(joined))
    observed = [_observed(trial, engaged) for trial in sorted(joined, key=_sending_order)]
    reactions = fit_reactions(observed, activity_weight=settings.activity_weight)
    beliefs = Beliefs(engaged, converted, reactions)
    return Population(
        position=position,
        at=now,
        tallies=_cells(map(beliefs.counted, joined)),
        engaged_delays=engaged,
        converted_delays=converted,
        tracked=tracked,
        reactions=reactions,
        organic=Organic(
            bought_anyway(withheld, _by_decision(outcomes), settings=settings, now=now), _unclicked(joined, window)
        ),
        fatigue=_fatigue(joined, engaged),
    )


def customer_effects(
    sends: Iterable[Send],
    outcomes: Iterable[Reported],
    *,
    population: Population,
    settings: SelectorSettings,
    now: datetime,
) -> CustomerEffects:
    """Fold one customer's sends and their outcomes; `population` is not changed.

    It gives the delays, the channels tracked beside those that the customer's own log shows to be, and the moment it
    was learned at: `taught` is what was known then. Pass the sends of all the subjects that are this customer today:
    after a merge those of both, after a split those to the endpoints kept.
    """
    now, sends, outcomes = utc("now", now), list(sends), list(outcomes)
    if not sends:
        return NO_EFFECTS
    beliefs = Beliefs(population.engaged_delays, population.converted_delays, population.reactions)
    tracked = population.tracked | tracked_channels(sends, outcomes, now=now)
    joined = trials(sends, outcomes, tracked=tracked, settings=settings, now=now)
    counted = [beliefs.counted(trial) for trial in joined]
    groups: dict[Spot, list[Counted]] = {}
    for each in counted:
        groups.setdefault(Spot(each.trial.send.arm, each.trial.send.endpoint_id), []).append(each)
    spots = {spot: _tally(members) for spot, members in groups.items()}
    if population.at is None:
        return CustomerEffects(spots)
    settled = _settled(counted, outcomes, tracked - population.tracked, settings, now=now, before=population.at)
    known = {each.trial.send.decision_id for each in settled}
    rest = [send for send in sends if send.decision_id not in known]
    if not rest:
        return CustomerEffects(spots, _cells(settled))
    again = trials(rest, outcomes, tracked=population.tracked, settings=settings, now=population.at)
    return CustomerEffects(spots, _cells([*settled, *map(beliefs.counted, again)]))


def _settled(
    counted: Iterable[Counted],
    outcomes: Iterable[Reported],
    newly: Collection[str],
    settings: SelectorSettings,
    *,
    now: datetime,
    before: datetime,
) -> list[Counted]:
    """Give those that count the same now and then: windows closed, nothing told in between, not of channels `newly`.

    A purchase is waited for from the reaction on, for as long again.
    """
    if settings.half_life is not None:
        return []
    since, late = max(now - before, timedelta(0)), {name for name, said in outcomes if said.at > min(now, before)}
    return [
        each
        for each in counted
        if each.trial.age - since - (each.trial.engaged_after or timedelta(0)) >= settings.attribution_window
        and each.trial.send.decision_id not in late
        and each.trial.send.channel not in newly
    ]


def _by_decision(outcomes: Iterable[Reported]) -> dict[str, list[Outcome]]:
    reported: dict[str, list[Outcome]] = {}
    for decision_id, outcome in outcomes:
        reported.setdefault(decision_id, []).append(outcome)
    return reported


def _unclicked(joined: Iterable[Trial], window: timedelta) -> dict[str, Bought]:
    """Count messages whose window is over, and after how many somebody bought without the click that is asked for."""
    groups: dict[str, list[Bought]] = {}
    for trial in joined:
        if trial.age >= window:
            alone = trial.bought and trial.converted_after is None
            groups.setdefault(trial.send.channel, []).append(Bought(trial.weight, trial.weight if alone else 0.0))
    return {channel: organic.total(parts) for channel, parts in groups.items()}


def _fatigue(joined: Iterable[Trial], engaged: Delays) -> Fatigue:
    """Count who left over which messages; people leave as soon, or as late, as they react."""
    groups: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for trial in joined:
        seen = trial.weight if trial.left else trial.weight * _share(engaged, trial)
        cell = trial.send.channel, level(trial.send.recent)
        groups.setdefault(cell, []).append((seen, trial.weight if trial.left else 0.0))
    return Fatigue({cell: Departures(*map(fsum, zip(*parts, strict=True))) for cell, parts in groups.items()})


def _trial(
    send: Send, outcomes: Sequence[Outcome], settings: SelectorSettings, now: datetime, *, tracked: bool
) -> Trial | None:
    if not was_sent(outcomes, reported=settings.activation is Activation.REPORTED, now=now):
        return None
    came = effects_of(
        outcomes,
        channel=send.channel,
        tracked=tracked,
        send_at=send.send_at,
        window=settings.attribution_window,
        now=now,
    )
    return Trial(
        send=send,
        age=now - send.send_at,
        engaged_after=None if came.engaged_at is None else came.engaged_at - send.send_at,
        converted_after=None if came.converted_at is None else came.converted_at - send.send_at,
        bought=came.bought,
        left=came.left,
        weight=remembered(now - send.send_at, settings.half_life),
    )


def _fold_order(trial: Trial) -> tuple[datetime, str]:
    latest = trial.converted_after or trial.engaged_after or timedelta(0)
    return trial.send.send_at + latest, trial.send.decision_id


def _reacted(joined: Iterable[Trial]) -> Iterator[tuple[str, timedelta, timedelta]]:
    """Give of each reaction how long after the message it came, and the message's age."""
    for trial in joined:
        if trial.engaged_after is not None:
            yield trial.send.channel, trial.engaged_after, trial.age


def _bought(joined: Iterable[Trial]) -> Iterator[tuple[str, timedelta, timedelta]]:
    """Give of each conversion how long after the reaction it came, and how long ago that was."""
    for trial in joined:
        if trial.engaged_after is not None and trial.converted_after is not None:
            yield trial.send.channel, trial.converted_after - trial.engaged_after, trial.age - trial.engaged_after


def _sending_order(trial: Trial) -> tuple[datetime, str]:
    return trial.send.send_at, trial.send.decision_id


def _observed(trial: Trial, engaged: Delays) -> Observed:
    return Observed(
        subject=trial.send.subject,
        segment=trial.send.segment,
        arm=trial.send.arm,
        endpoint_id=trial.send.endpoint_id,
        occasion=trial.send.occasion,
        reacted=trial.engaged_after is not None,
        exposure=_share(engaged, trial),
        weight=trial.weight,
    )


def _cells(counted: Iterable[Counted]) -> Cells:
    groups: dict[Cell, list[Counted]] = {}
    for each in counted:
        groups.setdefault((each.trial.send.segment, each.trial.send.arm), []).append(each)
    return {cell: _tally(members) for cell, members in groups.items()}


def _tally(members: Sequence[Counted]) -> Tally:
    reacted = [each.trial for each in members if each.trial.engaged_after is not None]
    if not reacted:  # as after most messages: what counts reactions is nought
        return Tally(
            sends=len(members),
            engaged_exposure=fsum([each.engaged for each in members]),
            bought=sum([each.trial.bought for each in members]),
        )
    bought_of_reacted = [trial for trial in reacted if trial.converted_after is not None]
    return Tally(
        sends=len(members),
        engaged=len(reacted),
        converted=len(bought_of_reacted),
        engaged_exposure=fsum([each.engaged for each in members]),
        converted_exposure=fsum([each.converted for each in members]),
        bought=sum([each.trial.bought for each in members]),
        engaged_faded=fsum([1.0 - trial.weight for trial in reacted]),
        converted_faded=fsum([1.0 - trial.weight for trial in bought_of_reacted]),
    )


def _share(delays: Delays, trial: Trial) -> float:
    return delays.share(trial.send.channel, trial.age.total_seconds())
