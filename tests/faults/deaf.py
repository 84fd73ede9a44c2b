"""A server that hears nothing of what other processes write: what the proofs must find out."""

from collections.abc import Callable

from service import wiring
from service.store.watch import News, Watch


def hear_nothing() -> None:
    """Make this process believe what it has at hand, whatever others write."""
    vars(wiring)["Watch"] = Deaf


class Deaf(Watch):
    """Notes what others have written, and tells nobody."""

    def listen(self, listener: Callable[[News], None]) -> None:
        """Forget who wanted to know."""
