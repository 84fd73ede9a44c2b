"""For contestants that link numbers: polars numbers the values, and writes what came of them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.uint32]


def number(links: Path) -> tuple[pl.Series, Numbers, Numbers]:
    """Give the distinct values, and each link's two by number."""
    frame = pl.read_parquet(links, columns=["left", "right"])
    nodes = pl.concat([frame["left"], frame["right"]]).unique().to_frame("value").with_row_index("number")
    found = [
        frame.select(value=side).join(nodes, on="value", how="left", maintain_order="left")["number"].to_numpy()
        for side in ("left", "right")
    ]
    return nodes["value"], found[0], found[1]


def write(values: pl.Series, components: npt.NDArray[np.int64], out: Path) -> None:
    """Write each value with its component."""
    pl.DataFrame({"value": values, "component": components}).write_parquet(out)
