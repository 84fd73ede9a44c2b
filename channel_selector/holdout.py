"""A subject's assignment is a stable hash of the subject: the same today, tomorrow and on every machine."""

from enum import StrEnum
from hashlib import blake2b

from channel_selector.settings import SelectorSettings


class Assignment(StrEnum):
    """Who decides for a subject: the learned policy, nobody (nothing is sent), or business as usual."""

    LEARNED = "learned"
    HOLDOUT = "holdout"
    BAU = "bau"


def stable_uniform(*parts: str | int) -> float:
    """Give a number in [0, 1) that depends on the parts alone (BLAKE2b; parts are kept apart by their lengths)."""
    encoded = [str(part).encode("utf-8", "surrogatepass") for part in parts]
    told = b"".join([len(part).to_bytes(8, "big") + part for part in encoded])
    # 53 bits fit a double exactly, so that the largest stays below 1
    return (int.from_bytes(blake2b(told, digest_size=8).digest(), "big") >> 11) * 2.0**-53


def assign(subject: str, settings: SelectorSettings) -> Assignment:
    """Give the subject's assignment; the holdout lies below business as usual, the rest is learned."""
    if settings.holdout == 0.0 and settings.bau == 0.0:
        return Assignment.LEARNED
    place = stable_uniform("holdout", settings.salt, subject)
    if place < settings.holdout:
        return Assignment.HOLDOUT
    return Assignment.BAU if place < settings.holdout + settings.bau else Assignment.LEARNED
