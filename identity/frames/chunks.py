"""What was seen together, in numbers: a chunk holds some observations, each with its entries, its time and its trust.

Within an observation entries are distinct. Times are microseconds since 1970, never later than the moment of the run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from identity.frames.interning import Ids
from identity.observations import Trust

Starts = npt.NDArray[np.int64]
UNDATED = np.iinfo(np.int64).max
"""The time of what does not say when it was; it was not before anything that does."""
UNTRUSTED = 127
"""The trust of rows that say none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Observations: entries[starts[i]:starts[i + 1]] are what observation `i` saw.

    `written` has the same before normal values took the place of what was written, and with evidence: None where
    nothing differs. `keys` numbers the observations' own names; None for links, which have none. `at` and `said` (the
    trust, UNTRUSTED where no row of it says any) are None where there is no such column. `told` are the times as they
    were written: None where none was later than the run, to which `at` is clamped.
    """

    starts: Starts
    entries: Ids
    at: Starts | None
    said: npt.NDArray[np.int8] | None
    keys: Ids | None
    written: tuple[Starts, Ids] | None
    told: Starts | None = None

    @property
    def trust(self) -> npt.NDArray[np.int8] | None:
        """How far each observation is trusted: server where it says nothing."""
        return None if self.said is None else np.where(self.said == UNTRUSTED, np.int8(Trust.SERVER), self.said)

    def __len__(self) -> int:
        """Count the observations."""
        return len(self.starts) - 1

    def arrays(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Give what there is, by name; `of` makes a chunk of it again."""
        before = (None, None) if self.written is None else self.written
        columns: dict[str, npt.NDArray[Any] | None] = {"starts": self.starts, "entries": self.entries}
        columns |= {"at": self.at, "said": self.said, "keys": self.keys, "told": self.told}
        columns |= {"written starts": before[0], "written entries": before[1]}
        yield from ((name, array) for name, array in columns.items() if array is not None)

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "Chunk":
        """Make a chunk of its arrays."""
        written = "written starts" in arrays
        return cls(
            starts=arrays["starts"],
            entries=arrays["entries"],
            at=arrays.get("at"),
            said=arrays.get("said"),
            keys=arrays.get("keys"),
            told=arrays.get("told"),
            written=(arrays["written starts"], arrays["written entries"]) if written else None,
        )


@njit(cache=True)
def paired(left: Ids, right: Ids, starts: Starts, entries: Ids) -> int:
    """Lay pairs out as observations; an entry seen with itself is seen once, one that is nobody is not seen."""
    count = 0
    for row in range(len(left)):
        starts[row] = count
        if left[row] >= 0:
            entries[count] = left[row]
            count += 1
        if right[row] >= 0 and right[row] != left[row]:
            entries[count] = right[row]
            count += 1
    starts[len(left)] = count
    return count


@njit(cache=True)
def grouped(keys: Ids, entries: Ids, starts: Starts, placed: Ids) -> None:
    """Sort rows by their observation, keeping their order: a counting sort. `starts` has one more than there are."""
    for row in range(len(keys)):
        starts[keys[row] + 1] += 1
    for key in range(len(starts) - 1):
        starts[key + 1] += starts[key]
    fill = starts[:-1].copy()
    for row in range(len(keys)):
        placed[fill[keys[row]]] = entries[row]
        fill[keys[row]] += 1


@njit(cache=True)
def distinct(starts: Starts, entries: Ids) -> int:
    """Leave each entry of an observation once, sorted by number, in place; give how many are left in all."""
    count = 0
    begin = starts[0]
    for each in range(len(starts) - 1):
        end = starts[each + 1]
        some = entries[begin:end]
        some.sort()
        starts[each] = count
        for place in range(len(some)):
            entry = some[place]
            if entry >= 0 and (place == 0 or entry != some[place - 1]):
                entries[count] = entry
                count += 1
        begin = end
    starts[len(starts) - 1] = count
    return count


@njit(cache=True)
def least(keys: Ids, values: npt.NDArray[np.int64], least_of: npt.NDArray[np.int64]) -> None:
    """Keep the least value of each observation."""
    for row in range(len(keys)):
        if values[row] < least_of[keys[row]]:
            least_of[keys[row]] = values[row]


def trust_of(chunk: Chunk, place: int) -> Trust:
    """Give an observation's trust."""
    said = UNTRUSTED if chunk.said is None else int(chunk.said[place])
    return Trust.SERVER if said == UNTRUSTED else Trust(said)
