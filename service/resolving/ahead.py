"""What an iterator gives is made in a thread of its own, a little ahead of whoever takes it."""

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

AHEAD = 2
"""Items that wait at most."""
_LOOK = 0.1
"""Seconds after which whoever waits looks whether it is over."""

_END = object()


@contextmanager
def ahead(items: Iterator[T]) -> Iterator[Iterator[T]]:
    """Give the same items in the same order; what making one raises is raised where it is taken.

    Once the context is left, however that comes, the thread has ended, after the item under way: a thread that an error
    left behind would be broken off within polars when the program ends, and say so on stderr.
    """
    waiting: queue.Queue[object] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def put(item: object) -> None:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=_LOOK)
            except queue.Full:
                continue
            return

    def make() -> None:
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    break
            put(_END)
        except BaseException as error:  # noqa: BLE001 - raised again where it is taken
            put(_Failed(error))
        finally:
            if isinstance(items, Generator):
                items.close()

    maker = threading.Thread(target=make, name="homing-ahead")
    maker.start()
    try:
        yield _taken(waiting, stopped)
    finally:
        stopped.set()
        maker.join()


def _taken(waiting: "queue.Queue[object]", stopped: threading.Event) -> Iterator[T]:
    """Give what waits, until it ends or is stopped."""
    while not stopped.is_set():
        try:
            item = waiting.get(timeout=_LOOK)
        except queue.Empty:
            continue
        if item is _END:
            return
        if isinstance(item, _Failed):
            raise item.error
        yield item  # type: ignore[misc]  # all else that waits is a T


class _Failed:
    """What making an item raised."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
