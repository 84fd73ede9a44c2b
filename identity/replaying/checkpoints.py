"""States of a replay kept on its way, so that what comes late replays what came after it and not the whole.

Whatever is kept, the replay from there gives what one from the first sighting would. Of older states few stay, ever
further apart, for most of what is late is late by little.
"""

from collections.abc import Callable
from typing import NamedTuple

from identity.replaying.replay import Replay

LEAST = 64
"""How many sightings lie between two states, at least."""
SHARE = 256
"""They are a share of so many apart in larger components: copying them costs each sighting a few steps at most."""
GROWTH = 4
"""How many times as far behind the last sighting as the next newer one a state may be, of those that stay."""


class Checkpoint(NamedTuple):
    """The state after the first `taken` sightings of a component, `replayed` of which are attributed."""

    taken: int
    replayed: int
    replay: Replay


class Checkpoints:
    """The states kept of one component's replay, oldest first."""

    def __init__(self) -> None:
        self._kept: list[Checkpoint] = []

    def clear(self) -> None:
        """Keep none: what came before them is another than it was."""
        self._kept.clear()

    @property
    def newest(self) -> Checkpoint | None:
        """The newest state kept."""
        return self._kept[-1] if self._kept else None

    def drop_from(self, first: int) -> None:
        """Keep no state that the sighting of that place, or a later one, has part in."""
        while self._kept and self._kept[-1].taken > first:
            self._kept.pop()

    def mark(self, taken: int, replayed: int, replay: Replay) -> None:
        """Keep the state after so many sightings, if the last one kept is far enough behind."""
        apart = max(LEAST, taken // SHARE)
        if taken - (self._kept[-1].taken if self._kept else 0) < apart:
            return
        self._kept.append(Checkpoint(taken, replayed, replay.copy()))
        self._thin_out(taken, apart)

    def _thin_out(self, taken: int, apart: int) -> None:
        """Let go of states without which no way back is more than some times as long as need be."""
        staying = [self._kept[-1]]
        for state, older in zip(self._kept[-2:0:-1], self._kept[-3::-1], strict=True):
            if taken - older.taken > max(2 * apart, GROWTH * (taken - staying[-1].taken)):
                staying.append(state)
        oldest = self._kept[:1] if len(self._kept) > 1 else []
        self._kept = [*oldest, *reversed(staying)]

    def amend(self, amended: Callable[[Checkpoint], Checkpoint]) -> None:
        """Let each state be another: others, of other identifiers, have part in it now."""
        self._kept = [amended(each) for each in self._kept]
