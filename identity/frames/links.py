"""Why profiles are what they are: every pair seen together, how often, and whether it is linked."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from identity.frames.answer import Answer
from identity.frames.chunks import UNDATED, Chunk, Starts
from identity.frames.components import Bools
from identity.frames.interning import Ids
from identity.observations import Trust

_TRUSTS = pl.Series([trust.name.lower() for trust in Trust], dtype=pl.String)


def links(answer: Answer) -> Iterator[pl.DataFrame]:
    """Give one row a pair: left, right (`namespace:value`), observations, first_seen, last_seen, trust, linked, reason.

    Pairs with a hub are left out. `trust` is the highest the pair was seen at; `reason` tells why it is refused, null
    where it is not. A pair may be linked through others though it was itself refused or forgotten. O(n log n).
    """
    seen = [_pairs(chunk, answer.profile_of >= 0) for chunk in answer.input.chunks]
    frame = pl.concat(seen) if seen else _frame(*(np.zeros(0, np.int64) for _ in range(4)))
    grouped = frame.group_by("left", "right").agg(
        pl.len().cast(pl.Int32).alias("observations"),
        pl.col("at").filter(pl.col("at") != UNDATED).min().alias("first_seen"),
        pl.col("at").filter(pl.col("at") != UNDATED).max().alias("last_seen"),
        pl.col("trust").max(),
    )
    profile = pl.Series(answer.profile_of)
    told = grouped.select(
        answer.vocabulary.written(grouped["left"].to_numpy()).alias("one"),
        answer.vocabulary.written(grouped["right"].to_numpy()).alias("other"),
        "observations",
        *(pl.col(name).cast(pl.Datetime("us", "UTC")) for name in ("first_seen", "last_seen")),
        _TRUSTS.gather(grouped["trust"]).alias("trust"),
        (profile.gather(grouped["left"]) == profile.gather(grouped["right"])).alias("linked"),
    ).select(
        pl.min_horizontal("one", "other").alias("left"),
        pl.max_horizontal("one", "other").alias("right"),
        *("observations", "first_seen", "last_seen", "trust", "linked"),
    )
    yield told.join(answer.refused_links(), on=["left", "right"], how="left").sort("left", "right")


def _pairs(chunk: Chunk, held: Bools) -> pl.DataFrame:
    """Give the pairs that observations saw together."""
    count = _together(chunk.starts, chunk.entries, held, *(np.zeros(0, np.int64) for _ in range(3)))
    left, right, of = (np.empty(count, np.int64) for _ in range(3))
    _together(chunk.starts, chunk.entries, held, left, right, of)
    at = np.full(count, UNDATED, np.int64) if chunk.at is None else chunk.at[of]
    trust = chunk.trust
    return _frame(
        left, right, at, np.full(count, int(Trust.SERVER), np.int64) if trust is None else trust[of].astype(np.int64)
    )


def _frame(left: Starts, right: Starts, at: Starts, trust: npt.NDArray[np.int64]) -> pl.DataFrame:
    return pl.DataFrame({"left": left, "right": right, "at": at, "trust": trust})


@njit(cache=True)
def _together(starts: Starts, entries: Ids, held: Bools, left: Starts, right: Starts, of: Starts) -> int:
    """Write down the pairs, and count them; without room only count."""
    count = 0
    for each in range(len(starts) - 1):
        for one in range(starts[each], starts[each + 1]):
            for other in range(one + 1, starts[each + 1]):
                if held[entries[one]] and held[entries[other]]:
                    if len(left):
                        left[count] = min(entries[one], entries[other])
                        right[count] = max(entries[one], entries[other])
                        of[count] = each
                    count += 1
    return count
