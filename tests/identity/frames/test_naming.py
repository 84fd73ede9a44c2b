"""Compiled names are the names that `profile_id` gives."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from identity.frames.naming import DIGITS, profile_ids
from identity.identifiers import Identifier
from identity.profiles import ProfileRef, profile_id
from tests.strategies import examples

FOUNDERS = st.tuples(
    st.integers(0, 1), st.text(max_size=8) | st.integers(110, 260).map(lambda n: "x" * n), st.integers(0, 1_000)
)
NAMES = ("user_id", "n" * 64)


@examples(60)
@given(st.lists(FOUNDERS, max_size=9), st.binary(max_size=64))
def test_names_are_alike(founders: list[tuple[int, str, int]], key: bytes) -> None:
    """With any key, for values that end before, at and after a block's end."""
    values = [value.encode() for _, value, _ in founders]
    digits = profile_ids(
        [name.encode() for name in NAMES],
        np.array([name for name, _, _ in founders], np.int32),
        np.arange(len(founders), dtype=np.int32),
        np.array([generation for _, _, generation in founders], np.int32),
        np.concatenate([[0], np.cumsum([len(value) for value in values])]).astype(np.int64),
        np.frombuffer(b"".join(values), np.uint8),
        key,
    )
    told = digits.tobytes().decode()
    assert [told[n : n + DIGITS] for n in range(0, len(told), DIGITS)] == [
        profile_id(ProfileRef(Identifier(NAMES[name], value), generation), key) for name, value, generation in founders
    ]
