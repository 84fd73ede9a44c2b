"""One value for each trait of a person, out of all that was said: by policy, with where it came from.

A null is how a client takes a trait back: it silences all that was said of it before, at its trust or less.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from identity.observations import Trust
from identity.rules import Survivorship, TraitRules


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitWord:
    """That somebody's trait has a value: said when, by which message, of which source, and how far it is trusted.

    `value` is what JSON knows; null takes the trait back. Words of one time are ordered by message id, source, trust.
    """

    name: str
    value: Any = field(repr=False)
    at: datetime
    message: str
    source: str
    trust: Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """The value that counts, the word it is from, by which policy, and how many words say it of all there are."""

    name: str
    value: Any = field(repr=False)
    at: datetime
    message: str
    source: str
    trust: Trust
    policy: Survivorship
    agreeing: int
    words: int


def survivors(words: Iterable[TraitWord], rules: TraitRules) -> dict[str, Trait]:
    """Give each trait's value by its policy, in the order of the names; one taken back is not there. O(n log n)."""
    by_name: dict[str, list[TraitWord]] = {}
    for word in sorted(words, key=_order):
        by_name.setdefault(word.name, []).append(word)
    found = {name: _survivor(said, rules.policy(name)) for name, said in sorted(by_name.items())}
    return {name: trait for name, trait in found.items() if trait is not None}


def _order(word: TraitWord) -> tuple[datetime, str, str, Trust]:
    """Order words by time; equal times by what names the message."""
    return (word.at, word.message, word.source, word.trust)


def _survivor(said: Sequence[TraitWord], policy: Survivorship) -> Trait | None:
    """Choose among the words on one trait, oldest first."""
    standing = _not_taken_back(said)
    if not standing:
        return None
    word = _POLICIES[policy](standing)
    agreeing = sum(_same(other) == _same(word) for other in standing)
    return Trait(
        name=word.name,
        value=word.value,
        at=word.at,
        message=word.message,
        source=word.source,
        trust=word.trust,
        policy=policy,
        agreeing=agreeing,
        words=len(standing),
    )


def _not_taken_back(said: Iterable[TraitWord]) -> list[TraitWord]:
    """Leave out what a later null of no lower trust takes back."""
    standing: list[TraitWord] = []
    for word in said:
        if word.value is None:
            standing = [other for other in standing if other.trust > word.trust]
        else:
            standing.append(word)
    return standing


def _same(word: TraitWord) -> str:
    """Write a value so that equal ones are equal, whatever they are made of."""
    return json.dumps(word.value, sort_keys=True)


def _newest(standing: Sequence[TraitWord]) -> TraitWord:
    """Take the last word, whoever said it."""
    return standing[-1]


def _oldest(standing: Sequence[TraitWord]) -> TraitWord:
    """Take the first word, whoever said it."""
    return standing[0]


def _most_trusted(standing: Sequence[TraitWord]) -> TraitWord:
    """Take the last word of the highest trust."""
    highest = max(word.trust for word in standing)
    return next(word for word in reversed(standing) if word.trust == highest)


def _most_frequent(standing: Sequence[TraitWord]) -> TraitWord:
    """Take the value said most often, and of equally frequent ones the one said last; its last word."""
    counted = Counter(map(_same, standing))
    most = max(counted.values())
    return next(word for word in reversed(standing) if counted[_same(word)] == most)


_POLICIES: Mapping[Survivorship, Callable[[Sequence[TraitWord]], TraitWord]] = {
    Survivorship.NEWEST: _newest,
    Survivorship.OLDEST: _oldest,
    Survivorship.MOST_TRUSTED: _most_trusted,
    Survivorship.MOST_FREQUENT: _most_frequent,
}
