"""What a person decided: these two belong together, or never.

A judgement beats any link's weight and survives replay; of two on the same pair the newer counts; all that count hold
together, or the one that breaks them is refused.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from identity.errors import ContradictionError
from identity.identifiers import Identifier

Pair = tuple[Identifier, Identifier]
"""Two identifiers, the lesser first."""


def pair(left: Identifier, right: Identifier) -> Pair:
    """Put two identifiers in order."""
    return (left, right) if left <= right else (right, left)


class JudgementKind(StrEnum):
    """Which way a judgement goes."""

    MUST_LINK = "must_link"
    CANNOT_LINK = "cannot_link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """An analyst's word on a pair of identifiers; `at` is when it came to be known (None: always)."""

    kind: JudgementKind
    left: Identifier
    right: Identifier
    at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """The judgements that count, ready for the replay.

    `groups` maps each must-linked identifier to all that must be with it, itself included (transitively, also through
    identifiers never seen); `barred` maps an identifier to those it must never share a profile with.
    """

    groups: Mapping[Identifier, frozenset[Identifier]] = field(default_factory=dict)
    barred: Mapping[Identifier, frozenset[Identifier]] = field(default_factory=dict)

    def group(self, identifier: Identifier) -> frozenset[Identifier]:
        """Give all that must be with an identifier, itself included."""
        return self.groups.get(identifier) or frozenset((identifier,))


def settle(judgements: Iterable[Judgement]) -> Verdicts:
    """Fold judgements, oldest first, into what counts. Raises ContradictionError if they cannot all hold."""
    newest: dict[Pair, JudgementKind] = {}
    for judgement in judgements:
        newest[pair(judgement.left, judgement.right)] = judgement.kind
    groups = _closure(p for p, kind in newest.items() if kind is JudgementKind.MUST_LINK)
    barred: dict[Identifier, set[Identifier]] = {}
    for (left, right), kind in newest.items():
        if kind is JudgementKind.CANNOT_LINK:
            if left == right or right in groups.get(left, ()):
                raise ContradictionError("a cannot-link stands between identifiers that other judgements link")
            _bar(barred, groups.get(left, {left}), groups.get(right, {right}))
    return Verdicts(groups=groups, barred={key: frozenset(others) for key, others in barred.items()})


def _bar(
    barred: dict[Identifier, set[Identifier]], left: AbstractSet[Identifier], right: AbstractSet[Identifier]
) -> None:
    """Keep all that must be with one identifier from all that must be with another."""
    for one in left:
        barred.setdefault(one, set()).update(right)
    for other in right:
        barred.setdefault(other, set()).update(left)


def in_order(judgements: Iterable[Judgement], as_of: datetime | None = None) -> list[Judgement]:
    """Sort by time, keeping the given order of equals; those without time come first. Leave out the unknown then."""
    known = [j for j in judgements if as_of is None or j.at is None or j.at <= as_of]
    return sorted(known, key=lambda j: (j.at is not None, j.at.timestamp() if j.at is not None else 0.0))


def _closure(pairs: Iterable[Pair]) -> dict[Identifier, frozenset[Identifier]]:
    """Give the transitive closure of must-links; judgements are few, so sets are merged as they are."""
    groups: dict[Identifier, set[Identifier]] = {}
    for left, right in pairs:
        merged = groups.get(left, {left}) | groups.get(right, {right})
        groups.update(dict.fromkeys(merged, merged))
    return {key: frozenset(group) for key, group in groups.items()}
