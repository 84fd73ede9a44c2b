"""Spread over threads, what is done comes back in order, and never far ahead of what is taken."""

from collections.abc import Iterator

import pytest

from channel_selector.spreading import AHEAD, in_threads


@pytest.mark.parametrize("many", [0, 1, AHEAD - 1, AHEAD, AHEAD + 1, 50])
def test_what_comes_of_each_comes_in_order(many: int) -> None:
    """As `map` gives it."""
    assert list(in_threads(str, range(many))) == list(map(str, range(many)))


def test_no_more_is_begun_than_is_ahead() -> None:
    """What has no end can be gone through, and what is ahead is bounded."""
    begun: list[int] = []

    def endless() -> Iterator[int]:
        number = 0
        while True:
            begun.append(number)
            yield number
            number += 1

    doubled = in_threads(lambda number: 2 * number, endless())
    for taken in range(20):
        assert next(doubled) == 2 * taken
        assert len(begun) == taken + AHEAD
    doubled.close()


def test_an_error_comes_where_its_turn_is() -> None:
    """What was done before it is given first."""
    done = in_threads(lambda number: 1 // (3 - number), range(6))
    assert [next(done) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(done)
