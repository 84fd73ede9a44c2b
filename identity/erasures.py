"""What was erased stays erased: tombstones, and which facts they forbid (DESIGN 4, "Erasure").

A tombstone is a keyed hash: it tells that a value was erased to whoever shows that value again, and to nobody else.
A fact that carries a tombstoned value is dropped whole if it is dated no later than the erasure, and at any time if it
is asserted or probable; a later server or verified one starts a new profile, with a new id. An erasure holds as of
every moment.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from identity.identifiers import Identifier
from identity.observations import Observation, Trust

Tombstone = bytes
"""16 bytes that stand for an identifier, once the identifier itself may be known no more."""


def tombstone(identifier: Identifier, key: bytes) -> Tombstone:
    """Hash an identifier with the deployment's key (at most 64 bytes)."""
    text = "\0".join(identifier).encode()
    return hashlib.blake2b(text, digest_size=16, key=key, person=b"homing.tombstone").digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """An entry of the log: whom an erasure covered, as tombstones of their person and contact identifiers."""

    id: str
    at: datetime
    tombstones: frozenset[Tombstone]


class Grave(NamedTuple):
    """When a value was last erased, and how often it was."""

    at: datetime
    erasures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Graves:
    """All tombstones: `find` gives the grave of one, or None. A store answers from its table."""

    find: Callable[[Tombstone], Grave | None] | None = None
    key: bytes = field(default=b"", repr=False)

    def of(self, identifier: Identifier) -> Grave | None:
        """Give an identifier's grave, if it was ever erased."""
        return None if self.find is None else self.find(tombstone(identifier, self.key))

    def drops(self, observation: Observation) -> bool:
        """Tell whether an observation must not be believed, because of what was erased."""
        if self.find is None:
            return False
        graves = [grave for i in observation.identifiers if (grave := self.of(i)) is not None]
        asserted = observation.trust < Trust.SERVER
        return any(asserted or observation.at <= grave.at for grave in graves)

    def generation(self, identifier: Identifier) -> int:
        """Give the generation that a founder starts with: each erasure ended one."""
        grave = self.of(identifier)
        return 0 if grave is None else grave.erasures


NO_GRAVES = Graves()


def graves(erasures: Iterable[Erasure], key: bytes) -> Graves:
    """Dig the graves of some erasures, all made with this key."""
    dug: dict[Tombstone, Grave] = {}
    for erasure in {e.id: e for e in erasures}.values():
        for stone in erasure.tombstones:
            known = dug.get(stone)
            dug[stone] = Grave(erasure.at, 1) if known is None else Grave(max(known.at, erasure.at), known.erasures + 1)
    return Graves(find=dug.get, key=key) if dug else NO_GRAVES
