"""Tallies added up at every level that shares learning: channel, arm or medium, segment of these."""

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from channel_selector.eligibility.arms import Arm
from channel_selector.model.tallies import NO_TALLY, Cell, Cells, Tally, total

Key = TypeVar("Key", bound=Hashable)

Counts = tuple[float, ...]
"""Conversions and their exposure by level: channel, medium, segment of it: 6 numbers."""
LEVELS = 3


class Pools:
    """The tallies of some cells, and what they come to at each level."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._segment_media = _pool(cells, lambda cell: (cell[0], cell[1].medium))
        self._arms = _pool(cells, lambda cell: cell[1])
        self._media = _pool(cells, lambda cell: cell[1].medium)
        self._channels = _pool(cells, lambda cell: cell[1].channel)

    def arm(self, arm: Arm) -> Tally:
        """Give what all messages of an arm came to."""
        return self._arms.get(arm, NO_TALLY)

    def channel(self, channel: str) -> Tally:
        """Give what all messages of a channel came to."""
        return self._channels.get(channel, NO_TALLY)

    def counts(self, segment: str | None, arm: Arm) -> Counts:
        """Give what a segment's belief about P(buys | reacted) rests on, level by level."""
        return (
            *_converted(self.channel(arm.channel)),
            *_converted(self._media.get(arm.medium, NO_TALLY)),
            *_converted(self._segment_media.get((segment, arm.medium), NO_TALLY)),
        )


def _converted(tally: Tally) -> tuple[float, float]:
    return tally.conversions, tally.converted_exposure


def _pool(cells: Cells, key_of: Callable[[Cell], Key]) -> Mapping[Key, Tally]:
    """Add up the tallies of cells that have the same key."""
    groups: dict[Key, list[Tally]] = {}
    for cell, tally in cells.items():
        groups.setdefault(key_of(cell), []).append(tally)
    return {key: tallies[0] if len(tallies) == 1 else total(tallies) for key, tallies in groups.items()}
