"""What an iterator gives is made in a thread of its own, a little ahead of whoever takes it."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")

AHEAD = 2
"""Items that wait at most."""

_END = object()


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Give the same items in the same order; what making one raises is raised where it is taken.

    Whoever stops before the end closes the generator; the thread then makes at most the item under way.
    """
    waiting: queue.Queue[object] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def put(item: object) -> None:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def make() -> None:
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    return
            put(_END)
        except BaseException as error:  # noqa: BLE001 - raised again where it is taken
            put(_Failed(error))

    maker = threading.Thread(target=make, name="homing-ahead", daemon=True)
    maker.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Failed):
                raise item.error
            yield item  # type: ignore[misc]  # all else that waits is a T
    finally:
        stopped.set()
        maker.join()


class _Failed:
    """What making an item raised."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
