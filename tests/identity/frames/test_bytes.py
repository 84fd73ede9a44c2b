"""Texts by address are what their bytes are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from identity.frames.bytes import less
from tests.strategies import examples

WORDS = st.text("ab\u00e9", max_size=20).map(str.encode)


@examples(200)
@given(WORDS, WORDS, WORDS)
def test_texts_come_in_the_order_of_their_bytes(begin: bytes, one: bytes, other: bytes) -> None:
    """Also where they begin alike, and where one is the other's beginning."""
    left, right = np.frombuffer(begin + one, np.uint8), np.frombuffer(begin + other, np.uint8)
    told = less(left.ctypes.data, len(left), right.ctypes.data, len(right))
    assert told == (begin + one < begin + other)
