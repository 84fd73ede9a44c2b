"""The policy that is judged: what it would have drawn in each round of a log, given the actions open to it there.

Actions are named as the log names them. A saved selector reads an action's name as `channel/device kind/hour`, such as
`app_push/phone/18` or `email//9` (local hour 0–23), and who the round was about from the columns subject, segment,
cart_value, margin and at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np

from channel_selector import Context, DeliveryOption, Selector
from channel_selector.batches import Request
from channel_selector.choosing import Chooser
from channel_selector.errors import SelectorError
from channel_selector.evidence.rounds import Floats, Ints
from channel_selector.validation import EPOCH, from_microseconds
from service.errors import EvidenceError
from service.evidence.columns import Flags, Table

UNIFORM, ALWAYS = "uniform", "always:"
ALLOWED = "use uniform, always:ACTION, or the path of a saved selector"


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """The actions open in each round: names of all actions, and the menus' entries, their starts and sizes by round."""

    names: tuple[str, ...]
    actions: Ints
    starts: Ints
    sizes: Ints


class Candidate(Protocol):
    """A policy to judge."""

    def decides(self, choices: Open) -> Flags:
        """Give the rounds in which it has a say, (n,)."""
        ...

    def probabilities(self, choices: Open, table: Table) -> Floats:
        """Give the probability of every entry, (m,); they sum to 1 for each round."""
        ...


class EvenShares:
    """Every open action alike."""

    def decides(self, choices: Open) -> Flags:
        """In every round."""
        return np.ones(len(choices.sizes), dtype=np.bool_)

    def probabilities(self, choices: Open, table: Table) -> Floats:  # noqa: ARG002 - Candidate's signature
        """Give 1 / n to each of n actions."""
        return np.repeat(1.0 / choices.sizes, choices.sizes)


@dataclass(frozen=True, slots=True)
class Always:
    """One action, in the rounds where it is open."""

    action: str

    def decides(self, choices: Open) -> Flags:
        """Where the action is open; EvidenceError where it never is."""
        if self.action not in choices.names:
            there = ", ".join(choices.names[:20]) + (", …" if len(choices.names) > 20 else "")
            raise EvidenceError(f"the log has no action {self.action}; it has {there}")
        decides: Flags = np.add.reduceat(self._is(choices), choices.starts) > 0.0
        return decides

    def probabilities(self, choices: Open, table: Table) -> Floats:  # noqa: ARG002 - Candidate's signature
        """Give 1 to the action."""
        return self._is(choices)

    def _is(self, choices: Open) -> Floats:
        chosen: Floats = (choices.actions == choices.names.index(self.action)).astype(np.float64)
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A selector as it was saved, nobody held out; it learns nothing from the log.

    `as_of`: the last moment that it knows of; what it knew of a subject then is what it knows in every round.
    """

    selector: Selector
    chooser: Chooser
    as_of: datetime

    @classmethod
    def load(cls, path: Path) -> "Saved":
        """Read a saved selector; EvidenceError where it is none, or damaged."""
        try:
            selector = Selector.load(path)
        except (SelectorError, OSError) as error:
            raise EvidenceError(f"{path}: {error}") from error
        # What is judged is the policy, not who is spared it.
        everybody = replace(selector.settings, holdout=0.0, bau=0.0)
        chooser = Chooser(selector.population, everybody, selector.seed)
        return cls(selector=selector, chooser=chooser, as_of=_last_moment(selector))

    def decides(self, choices: Open) -> Flags:
        """In every round."""
        return np.ones(len(choices.sizes), dtype=np.bool_)

    def probabilities(self, choices: Open, table: Table) -> Floats:
        """Ask for the law of each round, with the options at the round's own time."""
        parts = [_parts(name) for name in choices.names]
        contexts, times = _contexts(table), _times(table, self.selector)
        requests: list[Request] = []
        for row, (start, size) in enumerate(zip(choices.starts.tolist(), choices.sizes.tolist(), strict=True)):
            own = choices.actions[start : start + size].tolist()
            options = [_option(choices.names[action], parts[action], times[row]) for action in own]
            requests.append(self._request(contexts[row], options, row))
        decisions = self.chooser.decide(requests, now=self.as_of)
        if any(decision.no_send_probability > 0.0 for decision in decisions):
            raise EvidenceError(
                "the saved selector may send nothing (do_not_send), which is no action of the log; save it without"
            )
        return np.array([probability for decision in decisions for probability in decision.probabilities])

    def _request(self, context: Context, options: Sequence[DeliveryOption], row: int) -> Request:
        effects = self.selector.effects(context.subject, now=self.as_of)
        return Request(decision_id=f"round-{row}", context=context, options=options, effects=effects)


def names_one(text: str) -> bool:
    """Tell whether `--policy` names a policy, or a file that may hold one."""
    return text == UNIFORM or text.startswith(ALWAYS) or Path(text).is_file()


def candidate(text: str) -> Candidate:
    """Give the policy that `--policy` names; EvidenceError where a file holds none."""
    if text == UNIFORM:
        return EvenShares()
    if text.startswith(ALWAYS):
        return Always(text.removeprefix(ALWAYS))
    return Saved.load(Path(text))


def _last_moment(selector: Selector) -> datetime:
    """Give the last moment that a selector knows of, the first of all for one that knows nothing."""
    decided = (decision.at for decision in selector.decisions())
    told = (outcome.at for _, outcome in selector.outcomes())
    learned = [] if selector.population.at is None else [selector.population.at]
    return max((*decided, *told, *learned), default=EPOCH)


def _parts(name: str) -> tuple[str, str, int]:
    channel, _, rest = name.partition("/")
    kind, slash, hour = rest.partition("/")
    if not channel or not slash or not hour.isdecimal() or int(hour) > 23:
        raise EvidenceError(
            f"a saved selector cannot read the action {name}; name actions channel/device kind/hour, "
            "such as app_push/phone/18 or email//9"
        )
    return channel, kind, int(hour)


def _option(name: str, parts: tuple[str, str, int], now: datetime) -> DeliveryOption:
    channel, kind, hour = parts
    return DeliveryOption(
        option_id=name,
        channel=channel,
        device_kind=kind,
        endpoint_id=f"{channel}/{kind}",
        send_at=now,
        local_hour=hour,
        weekday=now.weekday(),
    )


def _times(table: Table, selector: Selector) -> list[datetime]:
    """Give each round's time; without the column `at`, when the selector last learned."""
    if "at" in table:
        return [from_microseconds(at) for at in table.instants("at").tolist()]
    if selector.population.at is None:
        raise EvidenceError(f"{table.path} lacks the column at, and the saved selector never learned; give at")
    return [selector.population.at] * len(table)


def _contexts(table: Table) -> list[Context]:
    """Give who each round was about; rounds without a subject are about people never seen."""

    def texts(name: str) -> list[str | None]:
        return table.frame[name].cast(str).to_list() if name in table else [None] * len(table)

    def amounts(name: str) -> list[float | None]:
        if name not in table:
            return [None] * len(table)
        return list(table.numbers(name, "from 0 to 1e15", lambda values: values >= 0.0).tolist())

    rows = zip(texts("subject"), texts("segment"), amounts("cart_value"), amounts("margin"), strict=True)
    return [
        Context(subject=subject or f"round-{row}", segment=segment, cart_value=value, margin=margin)
        for row, (subject, segment, value, margin) in enumerate(rows)
    ]
