"""What is made ahead comes in order, with its faults, and stops when nobody takes it any more."""

import threading
from collections.abc import Iterator

import pytest

from service.resolving.ahead import ahead


def makers() -> list[str]:
    """Name the threads that still make something."""
    return [thread.name for thread in threading.enumerate() if thread.name == "homing-ahead"]


@pytest.mark.parametrize("count", [0, 1, 20])
def test_items_come_in_order(count: int) -> None:
    """All of them, also where there are none."""
    with ahead(iter(range(count))) as items:
        assert list(items) == list(range(count))
    assert not makers()


def test_a_fault_is_raised_where_it_is_taken() -> None:
    """After what came before it."""

    def failing() -> Iterator[int]:
        yield 1
        raise OSError("full")

    with ahead(failing()) as items:
        assert next(items) == 1
        with pytest.raises(OSError, match="full"):
            next(items)


def test_whoever_stops_early_ends_it() -> None:
    """An endless source is left a few items on, and told; nothing comes any more."""
    made: list[int] = []

    def endless() -> Iterator[int]:
        try:
            while True:
                made.append(len(made))
                yield made[-1]
        finally:
            made.append(-1)

    with ahead(endless()) as items:
        assert next(items) == 0
    assert len(made) < 10
    assert made[-1] == -1
    assert list(items) == []


def test_an_error_between_items_leaves_no_thread() -> None:
    """Though its traceback still holds whatever was at hand."""

    def spill() -> None:
        with ahead(iter(range(1_000))) as items:
            for _ in items:
                raise OSError("disk")

    with pytest.raises(OSError, match="disk") as error:
        spill()
    assert error.tb is not None
    assert not makers()
