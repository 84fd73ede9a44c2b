"""Where the work is done changes nothing of what comes of it: one thing is done to each of many, in order.

What the selector spreads is compiled and holds no lock of Python's, so that threads of one process do it side by side.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

THREADS = 2
"""A third of a decision is Python's own, in the caller's thread: a third thread would wait for it."""
AHEAD = 8
"""How many are worked on or done before the first of them is taken: what is ahead is held in memory."""


class Spread(Protocol):
    """Does one thing to each of many, in order: `map`, `in_threads`, or a `ThreadPoolExecutor`'s `map`."""

    def __call__(self, do: Callable[[T], R], each: Iterable[T], /) -> Iterable[R]:
        """Give what comes of each; `each` is gone through in the caller's thread, `do` may run in any."""
        ...


def in_threads(do: Callable[[T], R], each: Iterable[T], /) -> Generator[R, None, None]:
    """Do it in two threads, a few ahead of what is taken; what one raises is raised where its turn comes."""
    begun: deque[Future[R]] = deque()
    with ThreadPoolExecutor(THREADS) as pool:
        for one in each:
            begun.append(pool.submit(do, one))
            if len(begun) == AHEAD:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
