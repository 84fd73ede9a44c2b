"""Only young objects are looked through for cycles: what the caches hold is free of them, and is by far the most.

Python's own settings walk everything whenever it has grown by a quarter. That was 40 % of the time an event took, in
pauses of half a second with 45,000 events in the caches (see DECISIONS, "Speed").
"""

import gc

YOUNG = 1_000
"""New objects before they are looked through: some tenths of a millisecond's work, for all wait meanwhile…"""

OLDER = 0
"""…and every other time those that survived the last, once more. What requests leave behind holds no cycles, so that
next to nothing is missed by looking no longer."""

OLDEST = 10_000
"""Everything only after so many of those times, 20 million objects: should a cycle ever grow old, it goes then."""


def look_at_the_young() -> None:
    """Set this process's collector so; what lives by now, the program itself, is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDEST)
