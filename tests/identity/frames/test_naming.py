"""Compiled names are the names that `profile_id` gives."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from identity.frames.naming import profile_ids, spelled
from identity.identifiers import Identifier
from identity.profiles import ProfileRef, profile_id
from tests.strategies import examples

ROOT = Path(__file__).parents[3]
MANY = """
import numpy as np
from identity.frames.naming import DIGITS, profile_ids
from identity.identifiers import Identifier
from identity.profiles import ProfileRef, profile_id

values = [f"{number:0200}" for number in range(100_000)]
of, entries = np.zeros(len(values), np.int32), np.arange(len(values), dtype=np.int32)
offsets, data = np.arange(0, 200 * len(values) + 1, 200), np.frombuffer("".join(values).encode(), np.uint8)
told = profile_ids([b"user_id"], of, entries, np.zeros_like(of), offsets, data, b"").tobytes().hex()
known = "".join(profile_id(ProfileRef(Identifier("user_id", value), 0), b"") for value in values)
print(sum(told[n : n + DIGITS] != known[n : n + DIGITS] for n in range(0, len(told), DIGITS)))
"""

FOUNDERS = st.tuples(
    st.integers(0, 1), st.text(max_size=8) | st.integers(110, 260).map(lambda n: "x" * n), st.integers(0, 1_000)
)
NAMES = ("user_id", "n" * 64)


@examples(60)
@given(st.lists(FOUNDERS, max_size=9), st.binary(max_size=64))
def test_names_are_alike(founders: list[tuple[int, str, int]], key: bytes) -> None:
    """With any key, for values that end before, at and after a block's end."""
    values = [value.encode() for _, value, _ in founders]
    digests = profile_ids(
        [name.encode() for name in NAMES],
        np.array([name for name, _, _ in founders], np.int32),
        np.arange(len(founders), dtype=np.int32),
        np.array([generation for _, _, generation in founders], np.int32),
        np.concatenate([[0], np.cumsum([len(value) for value in values])]).astype(np.int64),
        np.frombuffer(b"".join(values), np.uint8),
        key,
    )
    known = [
        profile_id(ProfileRef(Identifier(NAMES[name], value), generation), key) for name, value, generation in founders
    ]
    assert digests.tobytes().hex() == "".join(known)
    some = np.arange(len(known), dtype=np.int32)[::-2]
    assert spelled(digests, some).tobytes().decode() == "".join(known[number] for number in some)


def test_each_processor_hashes_in_room_of_its_own() -> None:
    """Even where both take memory from one heap (MALLOC_ARENA_MAX of glibc), which gives at once what is let go."""
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", MANY]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr
