"""What a person decided: these belong together, or never.

A judgement beats any link's weight and survives replay; of two on the same pair the newer counts, and one undone counts
no more, so that what it overruled counts again. All that count hold together, or the word that breaks them is refused.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from identity.errors import ContradictionError
from identity.identifiers import Identifier

Pair = tuple[Identifier, Identifier]
"""Two identifiers, the lesser first."""

_BEGINNING = datetime.min.replace(tzinfo=UTC)


def pair(left: Identifier, right: Identifier) -> Pair:
    """Put two identifiers in order."""
    return (left, right) if left <= right else (right, left)


class JudgementKind(StrEnum):
    """Which way a judgement goes."""

    MUST_LINK = "must_link"
    CANNOT_LINK = "cannot_link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """An analyst's word on every pair of an identifier of `left` and one of `right`.

    `at` is when it came to be known (None: always); `id`, unique in the log, names it for an undo and orders words of
    one moment. A split is a cannot-link with one side to the left and the rest to the right.
    """

    kind: JudgementKind
    left: frozenset[Identifier]
    right: frozenset[Identifier]
    at: datetime | None = None
    id: str = ""
    reason: str = field(default="", repr=False)

    @property
    def identifiers(self) -> frozenset[Identifier]:
        """All that it speaks of."""
        return self.left | self.right

    def without(self, gone: AbstractSet[Identifier]) -> "Judgement | None":
        """Give what is left of it once some identifiers are erased; None if nothing is."""
        left, right = self.left - gone, self.right - gone
        return replace(self, left=left, right=right) if left and right else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """An analyst's word that a judgement counts no more."""

    judgement: str
    at: datetime | None = None


Word = Judgement | Undo
"""An entry of the log that a person made."""


def judged(
    kind: JudgementKind, left: Identifier, right: Identifier, *, at: datetime | None = None, name: str = ""
) -> Judgement:
    """Make a judgement on one pair."""
    return Judgement(kind=kind, left=frozenset({left}), right=frozenset({right}), at=at, id=name)


def split(
    named: AbstractSet[Identifier],
    profiles: Iterable[AbstractSet[Identifier]],
    *,
    at: datetime | None = None,
    name: str = "",
    reason: str = "",
) -> Judgement | None:
    """Part the identifiers named from all others of the profiles that hold them, as they are today.

    None where there is nothing to part: none of them is in a profile, or they are all of it.
    """
    held = [members for members in profiles if not named.isdisjoint(members)]
    whole = frozenset[Identifier]().union(*held)
    left, right = whole & named, whole - named
    if not left or not right:
        return None
    return Judgement(kind=JudgementKind.CANNOT_LINK, left=left, right=right, at=at, id=name, reason=reason)


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


def in_force(words: Iterable[Word], as_of: datetime | None = None) -> list[Judgement]:
    """Give the judgements that count at a moment (None: all said so far), oldest first.

    Left out are those unknown then and those undone by then. Words without time were always known and come first; of
    one moment the id decides, and the given order of equal ones.
    """
    known = [w for w in words if as_of is None or w.at is None or w.at <= as_of]
    undone = {w.judgement for w in known if isinstance(w, Undo)}
    standing = [w for w in known if isinstance(w, Judgement) and w.id not in undone]
    return sorted(standing, key=lambda j: (_BEGINNING if j.at is None else j.at, j.id))


def settle(judgements: Iterable[Judgement]) -> Verdicts:
    """Fold judgements, oldest first, into what counts. Raises ContradictionError if they cannot all hold."""
    musts, apart = _newest(judgements)
    groups = _closure(musts)
    barred: dict[Identifier, frozenset[Identifier]] = {}
    for one, others in apart.items():
        lifted = frozenset(others).union(*(groups[o] for o in others if o in groups)) if groups else frozenset(others)
        mine = groups.get(one, frozenset((one,)))
        if not mine.isdisjoint(lifted):
            raise ContradictionError("a cannot-link stands between identifiers that other judgements link")
        for identifier in mine:
            barred[identifier] = barred.get(identifier, frozenset()) | lifted
    return Verdicts(groups=groups, barred={one: others for one, others in barred.items() if others})


def _newest(judgements: Iterable[Judgement]) -> tuple[set[Pair], dict[Identifier, set[Identifier]]]:
    """Give the pairs that must be together, and whom each identifier must be apart from, by the newest word on each."""
    musts: set[Pair] = set()
    apart: dict[Identifier, set[Identifier]] = {}
    for judgement in judgements:
        for mine, theirs in ((judgement.left, judgement.right), (judgement.right, judgement.left)):
            for one in mine:
                others = apart.setdefault(one, set())
                (others.update if judgement.kind is JudgementKind.CANNOT_LINK else others.difference_update)(theirs)
        if judgement.kind is JudgementKind.MUST_LINK:
            musts.update(pair(one, other) for one in judgement.left for other in judgement.right)
        else:
            musts = {p for p in musts if p[1] not in apart.get(p[0], ())}
    return musts, apart


def _closure(pairs: Iterable[Pair]) -> dict[Identifier, frozenset[Identifier]]:
    """Give the transitive closure of must-links; judgements are few, so sets are merged as they are."""
    groups: dict[Identifier, set[Identifier]] = {}
    for left, right in pairs:
        merged = groups.get(left, {left}) | groups.get(right, {right})
        groups.update(dict.fromkeys(merged, merged))
    frozen = {id(group): frozenset(group) for group in groups.values()}
    return {key: frozen[id(group)] for key, group in groups.items()}
