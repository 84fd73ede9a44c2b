"""Profiles: today's clusters, each with an id that never comes to mean another person."""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from identity.identifiers import Identifier

ProfileId = str
"""32 hexadecimal digits."""


class ProfileRef(NamedTuple):
    """What a ProfileId stands for: its founder, and how often that founder had ceased to found its profile before."""

    founder: Identifier
    generation: int


def profile_id(ref: ProfileRef, key: bytes) -> ProfileId:
    """Hash a founder and its generation with the deployment's key (at most 64 bytes)."""
    text = "\0".join((*ref.founder, str(ref.generation))).encode()
    return hashlib.blake2b(text, digest_size=16, key=key, person=b"homing.profile").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One person, as far as is known: the identifiers linked today, sorted. `person`: a person-class one, if any."""

    profile_id: ProfileId
    ref: ProfileRef
    identifiers: tuple[Identifier, ...]
    person: Identifier | None

    @property
    def founder(self) -> Identifier:
        """The identifier the profile's id is founded on."""
        return self.ref.founder

    @property
    def is_person(self) -> bool:
        """Whether the profile holds a person-class identifier."""
        return self.person is not None
