"""Texts by address are what their bytes are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from identity.frames.bytes import Bytes, less
from tests.strategies import examples

WORDS = st.text("ab\u00e9", max_size=20).map(str.encode)


@njit
def before(one: Bytes, other: Bytes) -> bool:
    """Compare two arrays."""
    return bool(less(one.ctypes.data, len(one), other.ctypes.data, len(other)))


@examples(200)
@given(WORDS, WORDS, WORDS)
def test_texts_come_in_the_order_of_their_bytes(begin: bytes, one: bytes, other: bytes) -> None:
    """Also where they begin alike, and where one is the other's beginning."""
    left, right = begin + one, begin + other
    assert before(np.frombuffer(left, np.uint8), np.frombuffer(right, np.uint8)) == (left < right)
