"""Cells of whatever type become the text that a person would write."""

import polars as pl
import pytest

from identity.frames import columns
from identity.frames.faults import FrameError


@pytest.mark.parametrize(
    ("cells", "written"),
    [
        (pl.Series([12.0, 1.5, None, float("nan"), 2.0**60]), ["12", "1.5", None, "nan", "1.152921504606847e+18"]),
        (pl.Series([12.0, None]), ["12", None]),
        (pl.Series([1, None]), ["1", None]),
        (pl.Series(["a"], dtype=pl.Categorical), ["a"]),
        (pl.Series([None]), [None]),
    ],
    ids=["floats", "whole", "numbers", "categories", "nothing"],
)
def test_cells_become_text(cells: pl.Series, written: list[str | None]) -> None:
    """Whole numbers in digits, also where a table made floats of them."""
    assert columns.text(cells, "").to_list() == written


def test_what_is_no_cell_names_file_and_column() -> None:
    """Lists are no values, and no times."""
    with pytest.raises(FrameError, match=r"^f: the column c holds List"):
        columns.text(pl.Series("c", [[1]]), "f")
    with pytest.raises(FrameError, match=r"^f: the column c holds List\(Int64\); it must hold times"):
        columns.moments(pl.Series("c", [[1]]), "f")


def test_a_time_after_the_last_year_cannot_be_read() -> None:
    """Nor one before the first."""
    read = columns.moments(pl.Series([10.0**15, -(10.0**15), 0.0]), "")
    assert read.read.tolist() == [False, False, True]
