"""What is read from a file: facts, each with the line it came from, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from identity.observations import Trust
from service.events.event_time import read_time
from service.events.messages import Message, Rejection, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A row read; `line` counts from 1, `done` is the share of the file read by then, 0 to 1."""

    line: int
    found: Message | Rejection
    done: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whose word imported facts are, how far it is trusted, and the moment of the import."""

    source: str
    trust: Trust
    now: datetime


def imported(raw: object, origin: Origin) -> Message | Rejection:
    """Read an event that was recorded earlier.

    It was received when it says so (`receivedAt`), else when it says it was sent; its time is corrected against that,
    never against today. One that says neither is taken at its word: known from the moment it tells (DESIGN 4.8).
    """
    told = raw if isinstance(raw, Mapping) else {}
    receipt = next((at for key in ("receivedAt", "sentAt") if (at := read_time(told.get(key))) is not None), None)
    received_at = origin.now if receipt is None else min(receipt, origin.now)
    found = parse(raw, route_type=None, source=origin.source, trust=origin.trust, received_at=received_at, sent_at=None)
    if isinstance(found, Rejection) or receipt is not None:
        return found
    return replace(found, received_at=found.at)


def observed(raw: Mapping[str, Any], origin: Origin, trust: Trust) -> Message | Rejection:
    """Read an event made of an observation, at a trust of its own."""
    return imported(raw, replace(origin, trust=trust))
