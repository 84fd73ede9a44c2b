"""What a contest is decided by: who takes part, what was seen of them, and what the rules say.

Arrays of records, for compiled code counts the references to each array that a function is given.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from identity.frames.chunks import Starts
from identity.frames.interning import Ids

Records = npt.NDArray[np.void]
Counts = npt.NDArray[np.int32]

MEMBER = np.dtype(
    [("priority", np.int32), ("limited", np.int32), ("tier", np.int8), ("person", np.bool_), ("contact", np.bool_)],
    align=True,
)
"""What the rules say of an identifier; `limited` numbers its namespace among those that have a limit, else -1."""


class Members(NamedTuple):
    """The identifiers of contested components, those of one after those of another, in the order of their text.

    Members starts[c] to starts[c + 1] are those of component `c`; `each` are of MEMBER, `limits` by their `limited`.
    """

    starts: Starts
    each: Records
    limits: Starts


class Sightings(NamedTuple):
    """What was seen, by component and in the order of the replay: seen[starts[i]:starts[i + 1]] are members by number.

    Sightings begins[c] to begins[c + 1] are those of component `c`.
    """

    begins: Starts
    starts: Starts
    seen: Ids
    at: Starts
    trust: npt.NDArray[np.int8]


class Policy(NamedTuple):
    """What of the rules limits profiles and orders links."""

    cap: int
    first: bool
    asserted_first: bool
