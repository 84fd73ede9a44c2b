"""Links of invented people, from a seed: mean four identifiers a profile, a tail to a hundred, a few super-nodes.

A contested profile is two of them that share a device: one limit, one link too many.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from polars.io.plugins import register_io_source

NAME = "links.parquet"
SEED = 20261121
EDGES_A_PROFILE = 4
TAIL = 0.002
SUPER_NODES = 4
"""Devices that each hundredth of all people were seen with, at most a thousand: hubs."""
SCHEMA = pl.Schema([("left", pl.String()), ("right", pl.String()), ("observed_at", pl.Datetime("us", "UTC"))])
ROW_GROUP = 2**18
PART = 2**22
"""Rows worked on at once: all of a hundred million take more memory than they are resolved in."""
_FIRST, _YEAR = 1_735_689_600, 31_536_000

Numbers = npt.NDArray[np.int64]


def write_links(folder: Path, edges: int, contested: float) -> str:
    """Leave that many links in the folder, in no order; give a line that tells what they are."""
    random = np.random.default_rng(SEED)
    profiles = max(edges // EDGES_A_PROFILE, 1)
    size = np.minimum(random.geometric(1 / 3, profiles) + 1, 100)
    tail = random.random(profiles) < TAIL
    size[tail] = random.integers(20, 101, int(tail.sum()))
    begins = np.concatenate([[0], np.cumsum(size)])
    of = np.repeat(np.arange(profiles), size)
    place = np.arange(begins[-1]) - begins[of]
    child = np.flatnonzero(place > 0)
    parent = begins[of[child]] + (random.random(len(child)) * place[child]).astype(np.int64)
    left, right = _joined(random, begins, child, parent, edges, contested)
    order = random.permutation(len(left))[:edges]
    values = _values(np.where(place == 0, 0, random.integers(1, 4, len(of))))
    seconds = _FIRST + random.integers(0, _YEAR, len(order))
    rows = _in_parts(values, left[order], right[order], seconds)
    register_io_source(lambda *_: rows, schema=SCHEMA).sink_parquet(folder / NAME, row_group_size=ROW_GROUP)
    return f"{len(order):,} links of {profiles:,} profiles, {contested:.0%} contested"


def _in_parts(values: pl.Series, left: Numbers, right: Numbers, seconds: Numbers) -> Iterator[pl.DataFrame]:
    """Spell links out."""
    for first in range(0, len(seconds), PART):
        part = slice(first, first + PART)
        yield pl.DataFrame(
            {
                "left": values.gather(left[part]),
                "right": values.gather(right[part]),
                "observed_at": pl.Series(seconds[part] * 1_000_000).cast(pl.Datetime("us", "UTC")),
            },
            schema=SCHEMA,
        )


def _joined(  # noqa: PLR0917 - all of them numbers of one graph
    random: np.random.Generator, begins: Numbers, child: Numbers, parent: Numbers, edges: int, contested: float
) -> tuple[Numbers, Numbers]:
    """Add super-nodes, contested devices, and repetitions until there are as many links as asked for."""
    profiles = len(begins) - 1
    first = random.choice(profiles - 1, int(profiles * contested / 2), replace=False)
    hub = begins[random.integers(0, profiles, SUPER_NODES)] + 1
    crowd = random.integers(0, profiles, (SUPER_NODES, min(1_000, profiles // 100)))
    more_left = np.concatenate([begins[first] + 1, np.repeat(hub, crowd.shape[1])])
    more_right = np.concatenate([begins[first + 1], begins[crowd.ravel()]])
    again = random.integers(0, len(child), max(edges - len(child) - len(more_left), 0))
    kept = max(edges - len(more_left), 0)
    left = np.concatenate([more_left, np.concatenate([child, child[again]])[:kept]])
    right = np.concatenate([more_right, np.concatenate([parent, parent[again]])[:kept]])
    return left, right


def _values(kind: Numbers) -> pl.Series:
    """Write identifiers: a login, mail addresses, device ids and cookies."""
    return pl.concat([_written(kind[first : first + PART], first) for first in range(0, len(kind), PART)])


def _written(kind: Numbers, first: int) -> pl.Series:
    """Write some of them, numbered from `first` on."""
    number = np.arange(first, first + len(kind), dtype=np.uint64)
    frame = pl.DataFrame({"kind": kind, "i": number, "hash": number * np.uint64(0x9E3779B97F4A7C15)})
    written = (
        pl.when(pl.col("kind") == 0)
        .then(pl.format("user_id:u{}", "i"))
        .when(pl.col("kind") == 1)
        .then(pl.format("email:person{}@mail{}.example.org", "i", pl.col("i") % 50))
        .when(pl.col("kind") == 2)
        .then(pl.format("device_id:{}", "hash"))
        .otherwise(pl.format("anonymous_id:{}-{}", "hash", "i"))
    )
    return frame.select(value=written)["value"]
