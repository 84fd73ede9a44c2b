"""What people and devices are called: a namespace and a normalised value.

An `Identifier` is always normalised (see `normalize`): two of them name the same thing exactly if they are equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class NamespaceClass(StrEnum):
    """What an identifier of a namespace stands for."""

    PERSON = "person"
    CONTACT = "contact"
    DEVICE = "device"
    BROWSER = "browser"
    EVIDENCE = "evidence"
    """Never linked (an IP address): it only weighs for probable links."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A kind of identifier.

    `priority` counts from 1, the most telling. `limit` is how many values of it one profile may hold (None: any
    number). `ttl`: an identifier unseen for longer than this drops its older links when it is seen again.
    """

    name: str
    kind: NamespaceClass
    priority: int
    limit: int | None = None
    ttl: timedelta | None = None


ALSO_CALLED: Mapping[str, str] = MappingProxyType(
    {
        "userId": "user_id",
        "anonymousId": "anonymous_id",
        "ios.id": "device_id",
        "ios.idfa": "idfa",
        "ios.push_token": "push_token",
        "android.id": "device_id",
        "android.idfa": "gaid",
        "android.push_token": "push_token",
    }
)
"""Segment's names of external ids (Unify, "default externalIDs") where ours differ; any other is a namespace itself."""


class Identifier(NamedTuple):
    """A namespace and a normalised value; ordered by both as text, by code point.

    A named tuple, because sets and dictionaries of millions of these are the engine's hot path. Its repr hides the
    value: identifiers are personal data and must not reach a log by way of a traceback.
    """

    namespace: str
    value: str

    def __str__(self) -> str:
        """Give `namespace:value`, the form of files and cases."""
        return f"{self.namespace}:{self.value}"

    def __repr__(self) -> str:
        """Name the kind, hide the value."""
        return f"Identifier({self.namespace!r}, …)"
