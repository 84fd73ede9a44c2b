"""A subject's assignment is a stable hash of the subject: the same today, tomorrow and on every machine."""

from enum import StrEnum
from hashlib import blake2b

from channel_selector.settings import SelectorSettings


class Assignment(StrEnum):
    """Who decides for a subject: the learned policy, nobody (nothing is sent), or business as usual."""

    LEARNED = "learned"
    HOLDOUT = "holdout"
    BAU = "bau"


class Uniform:
    """Numbers in [0, 1) that depend on the parts given here and the last one alone (BLAKE2b, parts kept apart)."""

    def __init__(self, *parts: str | int) -> None:
        self._begun = blake2b(b"".join(map(_told, parts)), digest_size=8)

    def of(self, part: str | int) -> float:
        """Give the number of a last part."""
        told = self._begun.copy()
        told.update(_told(part))
        # 53 bits fit a double exactly, so that the largest stays below 1
        return (int.from_bytes(told.digest(), "big") >> 11) * 2.0**-53


def _told(part: str | int) -> bytes:
    """Give a part as bytes that no two parts together can be mistaken for."""
    encoded = str(part).encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(8, "big") + encoded


def stable_uniform(*parts: str | int) -> float:
    """Give a number in [0, 1) that depends on the parts, one at least, alone."""
    return Uniform(*parts[:-1]).of(parts[-1])


def assign(subject: str, settings: SelectorSettings) -> Assignment:
    """Give the subject's assignment; the holdout lies below business as usual, the rest is learned."""
    if settings.holdout == 0.0 and settings.bau == 0.0:
        return Assignment.LEARNED
    place = stable_uniform("holdout", settings.salt, subject)
    if place < settings.holdout:
        return Assignment.HOLDOUT
    return Assignment.BAU if place < settings.holdout + settings.bau else Assignment.LEARNED
