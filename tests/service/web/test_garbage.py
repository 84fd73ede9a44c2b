"""The process's collector looks at young objects; what a cache keeps is not walked for every few more of it."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from service.web import garbage


class _Link:
    """One end of a cycle."""

    other: "_Link"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the tests' own process as it was."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_what_grows_is_not_walked_as_a_whole() -> None:
    """Half a million kept objects cost no full collection."""
    garbage.look_at_the_young()
    before = gc.get_stats()[2]["collections"]

    kept = [[number] for number in range(500_000)]

    assert gc.get_stats()[2]["collections"] == before
    assert len(kept) == 500_000


def test_young_cycles_are_found() -> None:
    """Nothing that is dropped while young stays."""
    garbage.look_at_the_young()
    left, right = _Link(), _Link()
    left.other, right.other = right, left
    gone = weakref.ref(left)
    del left, right

    kept = [[number] for number in range(2 * garbage.YOUNG)]

    assert gone() is None
    assert len(kept) == 2 * garbage.YOUNG
