"""A log of sends and outcomes in memory; what it holds does not depend on the order in which it was told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from channel_selector.decisions import Decision, Send
from channel_selector.model.learning import Reported
from channel_selector.model.organic import Withheld, withheld
from channel_selector.outcomes import Outcome


class History:
    """Decisions by id, outcomes by decision id (also of decisions not known yet), and whose each decision is today."""

    def __init__(self) -> None:
        self._decisions: dict[str, Decision] = {}
        self._outcomes: dict[str, set[Outcome]] = {}
        self._moved: dict[str, str] = {}
        self._held: dict[str, set[str]] = {}
        self._sends: dict[str, Send | None] = {}

    def add_decision(self, decision: Decision) -> None:
        """Take a decision in; one whose id is known changes nothing."""
        if decision.decision_id not in self._decisions:
            self._decisions[decision.decision_id] = decision
            self._held.setdefault(decision.subject, set()).add(decision.decision_id)

    def are_new(self, decision_ids: Sequence[str]) -> bool:
        """Tell whether none of these ids has a decision, and none stands twice among them."""
        return len(set(decision_ids)) == len(decision_ids) and self._decisions.keys().isdisjoint(decision_ids)

    def add_outcome(self, decision_id: str, outcome: Outcome) -> None:
        """Take an outcome in, whether or not its decision is known yet; an equal one changes nothing."""
        self._outcomes.setdefault(decision_id, set()).add(outcome)

    def move(self, decision_ids: Iterable[str], subject: str) -> None:
        """Make these decisions another subject's."""
        for decision_id in list(decision_ids):
            self._held[self._moved.get(decision_id, self._decisions[decision_id].subject)].discard(decision_id)
            self._held.setdefault(subject, set()).add(decision_id)
            self._moved[decision_id] = subject
            if self._decisions[decision_id].subject == subject:
                del self._moved[decision_id]

    def drop(self, subject: str) -> None:
        """Forget a subject's decisions and what came of them."""
        for decision_id in self._held.pop(subject, set()):
            del self._decisions[decision_id]
            self._sends.pop(decision_id, None)
            self._outcomes.pop(decision_id, None)
            self._moved.pop(decision_id, None)

    def knows(self, subject: str) -> bool:
        """Tell whether a subject has any decision."""
        return bool(self._held.get(subject))

    def held(self, subject: str) -> list[Decision]:
        """Give a subject's decisions, by id."""
        return [self._decisions[decision_id] for decision_id in sorted(self._held.get(subject, ()))]

    def decisions(self) -> list[Decision]:
        """Give all decisions, by id."""
        return [self._decisions[decision_id] for decision_id in sorted(self._decisions)]

    def moved(self) -> dict[str, str]:
        """Give the decisions that are another subject's today, and whose."""
        return {decision_id: self._moved[decision_id] for decision_id in sorted(self._moved)}

    def sends(self, subject: str | None = None) -> Iterator[Send]:
        """Give what learning needs of a subject's decisions (None: of all)."""
        for decision in self.decisions() if subject is None else self.held(subject):
            name = decision.decision_id
            if name not in self._sends:
                self._sends[name] = decision.send
            send = self._sends[name]
            if send is not None:
                holder = self._moved.get(send.decision_id)
                yield send if holder is None else replace(send, subject=holder)

    def withheld(self) -> Iterator[Withheld]:
        """Give the messages that the holdout was not sent."""
        return (found for decision in self.decisions() if (found := withheld(decision)) is not None)

    def outcomes(self, subject: str | None = None) -> Iterator[Reported]:
        """Give the outcomes of a subject's decisions (None: all, also of decisions not known), in a fixed order."""
        known = self._outcomes if subject is None else self._held.get(subject, ())
        for decision_id in sorted(known):
            for outcome in sorted(self._outcomes.get(decision_id, ()), key=_order):
                yield decision_id, outcome

    def __len__(self) -> int:
        """Count the decisions and outcomes."""
        return len(self._decisions) + sum(map(len, self._outcomes.values()))

    def holder(self, decision_id: str) -> str | None:
        """Give whose a decision is today; None for one that is not known."""
        decision = self._decisions.get(decision_id)
        return None if decision is None else self._moved.get(decision_id, decision.subject)


def _order(outcome: Outcome) -> tuple[datetime, str, str, float]:
    return outcome.at, outcome.kind, outcome.id or "", outcome.value
