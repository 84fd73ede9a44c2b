"""Rows on their way to observations: numbers of what was written, and what those numbers stand for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from identity.frames.interning import Ids


@dataclass(slots=True, kw_only=True)
class Rows:
    """Rows of a table as they came in: numbers of `fields` values each; `keys` None: each row is an observation.

    `at` and `trust` are None where the table has no such column. `bad` has the number of a row's reason, 0: none.
    """

    keys: Ids | None
    fields: tuple[Ids, ...]
    at: npt.NDArray[np.int64] | None
    trust: npt.NDArray[np.int8] | None
    bad: npt.NDArray[np.uint8]

    def arrays(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Give what there is, by name."""
        columns = {"keys": self.keys, "at": self.at, "trust": self.trust, "bad": self.bad}
        columns |= {f"field {number}": array for number, array in enumerate(self.fields)}
        yield from ((name, array) for name, array in columns.items() if array is not None)

    @property
    def size(self) -> int:
        """The memory they take, in bytes."""
        return sum(array.nbytes for _, array in self.arrays())


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What each entry stands for (NOBODY: for nothing), and the number of the reason why not.

    `plain`: each stands for itself.
    """

    stands: Ids
    reasons: npt.NDArray[np.uint8]
    plain: bool

    @classmethod
    def of(cls, stands: Ids, reasons: npt.NDArray[np.uint8]) -> "Settled":
        """Look whether they are plain."""
        itself = np.arange(len(stands), dtype=stands.dtype)
        return cls(stands=stands, reasons=reasons, plain=bool((stands == itself).all()) and not reasons.any())


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Of each row of a table its observation (None: each row is one), and why each of its values does not count."""

    keys: Ids | None
    reasons: tuple[npt.NDArray[np.uint8], ...]
