"""Who is who, in numbers, and how it is told: tables of profiles, of refusals, and hubs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from identity.frames.arrow import series
from identity.frames.chunks import UNDATED
from identity.frames.components import Seen, tally
from identity.frames.crowds import Crowd
from identity.frames.fought import REASONS, Fought
from identity.frames.intake import Input
from identity.frames.interning import Ids
from identity.frames.naming import DIGITS, spelled
from identity.frames.vocabulary import Vocabulary
from identity.identifiers import Identifier

SLICE = 1 << 17
"""Identifiers of one part of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedIdentifier:
    """A hub: what it is, with how many persons it was seen, and whether servers say so or public keys alone."""

    identifier: Identifier
    persons: int
    shared: bool


@dataclass(slots=True, kw_only=True)
class Answer:
    """Who is who, in numbers.

    `profile_of` numbers each entry's profile, -1 for entries in none; `digests` are the profiles' ids, end to end,
    `founders` the entries they are founded on, `generations` how often those had ceased to found before.
    """

    vocabulary: Vocabulary
    input: Input
    seen: Seen
    profile_of: Ids
    founders: Ids
    generations: Ids
    digests: npt.NDArray[np.uint8]
    crowds: list[Crowd]
    fought: Fought
    contested: int

    @property
    def observations(self) -> int:
        """How many observations there were."""
        return self.input.observations

    @property
    def component_of(self) -> Ids:
        """The root of each entry's component: all that links ever joined."""
        return self.seen.parent

    def hubs(self) -> tuple[SharedIdentifier, ...]:
        """Give the hubs, by what they are called."""
        found = [
            SharedIdentifier(identifier=self.vocabulary.identifier(c.entry), persons=c.persons, shared=c.shared)
            for c in self.crowds
        ]
        return tuple(sorted(found, key=lambda hub: hub.identifier))

    def sizes(self) -> dict[int, int]:
        """Count the profiles by their sizes."""
        held = np.zeros(len(self.founders), np.int32)
        tally(self.profile_of, self.profile_of >= 0, held)
        counts = np.bincount(held[held > 0])
        return {size: int(count) for size, count in enumerate(counts) if count}

    def refused_links(self) -> pl.DataFrame:
        """Give the links refused, sorted."""
        reasons = pl.Series([str(reason) for reason in REASONS], dtype=pl.String)
        return pl.DataFrame(
            {
                "left": self.vocabulary.written(self.fought.left),
                "right": self.vocabulary.written(self.fought.right),
                "reason": reasons.gather(self.fought.reasons.astype(np.uint32)),
            }
        ).sort("left", "right")

    def profiles(self) -> pl.DataFrame:
        """Give all identifiers with their profiles."""
        return pl.concat(list(self.parts()))

    def parts(self, size: int = SLICE) -> Iterator[pl.DataFrame]:
        """Give the identifiers with their profiles, some at a time; one part without rows if there are none."""
        names = pl.Series("namespace", [each.name for each in self.vocabulary.names.known], dtype=pl.String)
        for begin in range(0, max(len(self.profile_of), 1), size):
            end = min(begin + size, len(self.profile_of))
            yield self._part(begin, end, names)

    def _part(self, begin: int, end: int, names: pl.Series) -> pl.DataFrame:
        """Give the rows of some entries."""
        entries = self.vocabulary.entries
        offsets = entries.offsets[begin : end + 1]
        first = offsets[0] if len(offsets) else 0
        last = offsets[-1] if len(offsets) else 0
        held = self.profile_of[begin:end] >= 0
        some = slice(None) if held.all() else held  # what is whole need not be copied
        profile = self.profile_of[begin:end][some]
        places = np.arange(0, DIGITS * (len(profile) + 1), DIGITS, dtype=np.int64)
        values = series("value", offsets - first, entries.data[first:last])
        return pl.DataFrame(
            [
                names.gather(entries.names[begin:end][some]),
                values if held.all() else values.gather(np.flatnonzero(held)),
                series("profile_id", places, spelled(self.digests, profile)),
                pl.Series("observations", self.seen.times[begin:end][some]),
                _seen("first_seen", self.seen.first[begin:end][some]),
                _seen("last_seen", self.seen.last[begin:end][some]),
            ]
        )


def _seen(name: str, at: npt.NDArray[np.int64]) -> pl.Series:
    """Write times; null for what was never dated."""
    low = np.iinfo(np.int64).min
    column = pl.Series(name, at)
    if (at == UNDATED).any() or (at == low).any():
        column = pl.select(pl.when((column != UNDATED) & (column != low)).then(column).alias(name))[name]
    return column.cast(pl.Datetime("us", "UTC"))
