"""Values get numbers in the order of first sight, whatever their hashes."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.frames.arrow import series, texts
from identity.frames.interning import ALL_BITS, Interner, Named
from tests.strategies import examples

SEEDS = np.array([3, 5], np.uint64)
VALUES = st.lists(st.tuples(st.integers(0, 1), st.text(max_size=30)), max_size=60)


@pytest.mark.parametrize("bits", [ALL_BITS, 0, 1 << 63, 0xFF])
@examples(60)
@given(rows=VALUES, cut=st.integers(0, 60))
def test_equal_values_have_one_number(bits: int, rows: list[tuple[int, str]], cut: int) -> None:
    """In one go or in two, with hashes that tell all apart, few, or none."""
    interner, known = Interner(bits), dict[tuple[int, str], int]()
    for some in (rows[:cut], rows[cut:]):
        names = np.array([name for name, _ in some], np.int32)
        values = texts(pl.Series([value for _, value in some], dtype=pl.String))
        found = interner.intern(Named.of(values, names, SEEDS))
        assert found.tolist() == [known.setdefault(row, len(known)) for row in some]
    assert [(int(interner.names[n]), interner.text(n)) for n in range(interner.count)] == list(known)


@examples(60)
@given(st.lists(st.none() | st.text(max_size=40), max_size=40), st.integers(0, 10))
def test_text_crosses_unharmed(values: list[str | None], skipped: int) -> None:
    """There and back, inline or not, from the middle of a column."""
    column = pl.Series("v", values, dtype=pl.String).slice(skipped)
    where = texts(column)
    encoded = [b"" if value is None else value.encode() for value in column]
    assert where.lengths.tolist() == [len(each) for each in encoded]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in encoded])]).astype(np.int64)
    back = series("v", offsets, data)
    del data, offsets
    assert back.to_list() == ["" if value is None else value for value in column]


def test_a_column_of_numbers_is_no_text() -> None:
    """Whoever asks is told."""
    with pytest.raises(TypeError, match="Int64"):
        texts(pl.Series([1]))
