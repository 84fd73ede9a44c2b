"""Identifiers joined link by link, as long as every tree keeps the limits.

What the limits forbid stays forbidden: trees only grow, so two that may not be joined may not be joined later either.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from identity.identifiers import Identifier, NamespaceClass
from identity.judgements import Pair, Verdicts
from identity.observations import Trust
from identity.rules import LinkingRules


class RefusalReason(StrEnum):
    """Why a link is not made."""

    NAMESPACE_LIMIT = "namespace_limit"
    PROFILE_CAP = "profile_cap"
    CANNOT_LINK = "cannot_link"
    PERSONS_NEED_TRUST = "persons_need_trust"


class Reasons(NamedTuple):
    """Why two trees may not be joined by a link of a server's trust or more, and by one of less."""

    trusted: RefusalReason | None
    asserted: RefusalReason | None

    def of(self, trust: Trust) -> RefusalReason:
        """Give the reason why a link of this trust was refused. ValueError if it was not."""
        reason = self.trusted if trust >= Trust.SERVER else self.asserted
        if reason is None:
            raise ValueError("not refused")
        return reason


class Terms:
    """What every profile must keep: the rules' limits and the judgements; must-linked identifiers count as one."""

    def __init__(self, rules: LinkingRules, verdicts: Verdicts) -> None:
        self.rules = rules
        self.verdicts = verdicts

    @cached_property
    def limits(self) -> dict[str, int]:
        """The namespaces that have a limit."""
        return {name: n.limit for name, n in self.rules.namespaces.items() if n.limit is not None}

    @cached_property
    def _persons(self) -> frozenset[str]:
        return frozenset(name for name, n in self.rules.namespaces.items() if n.kind is NamespaceClass.PERSON)

    def is_person(self, identifier: Identifier) -> bool:
        """Tell whether an identifier names a person; a namespace that no rule names is a contact."""
        return identifier.namespace in self._persons

    def counted(self, members: Iterable[Identifier]) -> tuple[dict[str, int], int]:
        """Count the distinct values of each limited namespace, and all: those of one must-linked group as one."""
        counts: dict[str, int] = {}
        groups = self.verdicts.groups
        seen: set[object] = set()
        size = 0
        for identifier in members:
            one: object = groups.get(identifier, identifier) if groups else identifier
            size += one not in seen
            seen.add(one)
            name = identifier.namespace
            if name in self.limits and (name, one) not in seen:
                counts[name] = counts.get(name, 0) + 1
                seen.add((name, one))
        return counts, size


class _Tree:
    """Identifiers joined so far."""

    __slots__ = ("counts", "members", "person", "size")

    def __init__(self, members: list[Identifier], counts: dict[str, int], person: bool) -> None:
        self.members = members
        self.counts = counts
        self.person = person
        self.size = 1


class Forest:
    """The trees of some identifiers: at first each alone, or with those that must be with it."""

    def __init__(self, terms: Terms, members: Iterable[Identifier]) -> None:
        self._terms = terms
        self._cap = terms.rules.profile_cap
        self._trees: dict[Identifier, _Tree] = {}
        groups, limits = terms.verdicts.groups, terms.limits
        for identifier in members:
            if not groups or identifier not in groups:
                name = identifier.namespace
                counts = {name: 1} if name in limits else {}
                self._trees[identifier] = _Tree([identifier], counts, terms.is_person(identifier))
        if groups:
            self._plant_groups(members)

    def grow(self, links: Iterable[tuple[Pair, Trust]], most: int | None = None) -> dict[Pair, Reasons]:
        """Join the ends of each link in turn, unless that breaks a limit; give those that do, with the reasons.

        `most` ends it where more than so many do.
        """
        trees = self._trees
        broken: dict[Pair, Reasons] = {}
        for pair, trust in links:
            a, b = trees[pair[0]], trees[pair[1]]
            if a is not b:
                if self._breaks(a, b, trust) is None:
                    self._join(a, b)
                    continue
                broken[pair] = self.reasons(pair)
                if most is not None and len(broken) > most:
                    break
        return broken

    def reasons(self, pair: Pair) -> Reasons:
        """Give the reasons why a trusted and why an asserted link may not join these two now."""
        a, b = self._trees[pair[0]], self._trees[pair[1]]
        return Reasons(self._breaks(a, b, Trust.SERVER), self._breaks(a, b, Trust.ASSERTED))

    def trees(self) -> list[list[Identifier]]:
        """Give the members of each tree."""
        return [tree.members for tree in {id(tree): tree for tree in self._trees.values()}.values()]

    def _join(self, a: _Tree, b: _Tree) -> None:
        """Let the larger of two trees take in the other."""
        if len(a.members) < len(b.members):
            a, b = b, a
        for name, count in b.counts.items():
            a.counts[name] = a.counts.get(name, 0) + count
        a.members += b.members
        a.size += b.size
        a.person = a.person or b.person
        self._trees.update(dict.fromkeys(b.members, a))

    def _plant_groups(self, members: Iterable[Identifier]) -> None:
        """Let must-linked identifiers begin as one tree, counted once."""
        groups, limits = self._terms.verdicts.groups, self._terms.limits
        together: dict[frozenset[Identifier], list[Identifier]] = {}
        for identifier in members:
            if identifier in groups:
                together.setdefault(groups[identifier], []).append(identifier)
        for group in together.values():
            counts = dict.fromkeys((i.namespace for i in group if i.namespace in limits), 1)
            tree = _Tree(group, counts, any(map(self._terms.is_person, group)))
            self._trees.update(dict.fromkeys(group, tree))

    def _breaks(self, a: _Tree, b: _Tree, trust: Trust) -> RefusalReason | None:
        """Give the reason why two trees may not become one, or None."""
        if self._terms.verdicts.barred and self._barred(a, b):
            return RefusalReason.CANNOT_LINK
        if a.person and b.person and trust < Trust.SERVER:
            return RefusalReason.PERSONS_NEED_TRUST
        limits = self._terms.limits
        for name, count in b.counts.items():
            if a.counts.get(name, 0) + count > limits[name]:
                return RefusalReason.NAMESPACE_LIMIT
        return RefusalReason.PROFILE_CAP if a.size + b.size > self._cap else None

    def _barred(self, a: _Tree, b: _Tree) -> bool:
        """Tell whether a cannot-link stands between two trees."""
        barred = self._terms.verdicts.barred
        few, many = (a, b) if len(a.members) < len(b.members) else (b, a)
        return any(self._trees.get(other) is many for i in few.members for other in barred.get(i, ()))
