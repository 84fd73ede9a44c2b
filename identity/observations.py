"""What was seen: identifiers together in one event, when, by whom, and how far it is trusted."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from identity.identifiers import Identifier


class Trust(IntEnum):
    """How far a sighting is believed; higher beats lower."""

    PROBABLE = 0
    """Inferred from behaviour."""
    ASSERTED = 1
    """Said by a client that anyone can run: a public browser key."""
    SERVER = 2
    """Said by the shop's own server: a secret key."""
    VERIFIED = 3
    """Proven by a signed identity token."""

    @classmethod
    def parse(cls, text: str) -> "Trust":
        """Read a trust by its lower-case name; ValueError tells what is allowed."""
        try:
            return cls[text.upper()]
        except KeyError:
            raise ValueError(f"trust {text!r} is not one of {', '.join(t.name.lower() for t in cls)}") from None


class ReplayKey(NamedTuple):
    """The place of an observation in the canonical replay: no two distinct observations share one."""

    at: datetime
    id: str
    source: str
    trust: Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Identifiers seen together in one event.

    `at` is the event time (aware, already corrected and clamped to receipt); `id` the message id, unique for its
    source and trust. `identifiers` are normalised, distinct and at most `LinkingRules.identifiers_per_observation`.
    `received_at` is when it came to be known (None: at its event time) and decides `as of` alone.
    """

    id: str
    at: datetime
    identifiers: tuple[Identifier, ...]
    trust: Trust = Trust.SERVER
    source: str = ""
    received_at: datetime | None = None
    key: ReplayKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep the replay key at hand: observations are sorted far more often than made."""
        object.__setattr__(self, "key", ReplayKey(self.at, self.id, self.source, self.trust))

    @property
    def known_at(self) -> datetime:
        """The moment from which on this observation is known."""
        return self.at if self.received_at is None else self.received_at
