"""What is made ahead comes in order, with its faults, and stops when nobody takes it any more."""

from collections.abc import Iterator

import pytest

from service.resolving.ahead import ahead


def test_items_come_in_order() -> None:
    """All of them, also where there are none."""
    assert list(ahead(iter(range(20)))) == list(range(20))
    assert list(ahead(iter(()))) == []


def test_a_fault_is_raised_where_it_is_taken() -> None:
    """After what came before it."""

    def failing() -> Iterator[int]:
        yield 1
        raise OSError("full")

    items = ahead(failing())
    assert next(items) == 1
    with pytest.raises(OSError, match="full"):
        next(items)


def test_whoever_stops_early_ends_it() -> None:
    """An endless source is left a few items on."""
    made: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            made.append(len(made))
            yield made[-1]

    items = ahead(endless())
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]  # it is a generator
    assert len(made) < 10
