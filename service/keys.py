"""Whoever calls shows a key; a key says where its facts come from, how far they are trusted, and what it may do.

A revoked key is refused within a second, in this process and any other.
"""

import asyncio
import base64
import binascii
import hashlib
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus

from sqlalchemy.engine import Connection
from starlette.requests import Request

from identity.observations import Trust
from service.errors import ApiError, HomingError
from service.store import keys as rows
from service.store.writer import Writer

PREFIX = "homing_"
"""Begins every key, so that a secret scanner knows one when it sees one."""

NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,255}")
"""What keys, and the sources of facts, are called: a source is part of what a fact is known by."""
NAMED = "1 to 255 characters, none of them control characters"

FRESH_SECONDS = 1.0
"""How long a known key is believed without looking again."""

AHEAD_SECONDS = 0.5
"""From when on a known key has the ring look again, beside what it is used for."""

MISS_SECONDS = 0.05
"""An unknown key makes the ring look again, no sooner than this after the last look: a new key works at once, and a
flood of wrong ones costs little."""


class Scope(StrEnum):
    """What a key may do."""

    INGEST = "ingest"
    DECIDE = "decide"
    ADDRESS = "address"
    OUTCOME = "outcome"
    READ = "read"
    READ_PII = "read_pii"
    JUDGE = "judge"
    ERASE = "erase"
    ADMIN = "admin"


class KeyRefused(HomingError):  # noqa: N818 - what happened to the key
    """A key of that kind is never made; the message says which is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: the key's id, the source and trust of what it says, and what it may do."""

    key_id: str
    source: str
    trust: Trust
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Tell whether the key has that scope."""
        return scope in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key just made; its text is shown once and never again."""

    text: str
    caller: Caller

    def __repr__(self) -> str:
        """Hide the text."""
        return f"NewKey({self.caller.key_id})"


def digest(text: str) -> bytes:
    """Give what a key is kept and found as."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def create(
    conn: Connection,
    *,
    name: str,
    scopes: Collection[Scope],
    trust: Trust,
    at: datetime,
    source: str | None = None,
    text: str | None = None,
) -> NewKey:
    """Make a key; `source` is the name of what it sends (the key's name if None), `text` is drawn if None.

    Raises KeyRefused for no scopes, a trust no key can have, an asserted (public) key with more than `ingest`, or a
    name or source that no store can keep.
    """
    source = name if source is None else source
    _check(scopes, trust, (name, source))
    text = PREFIX + secrets.token_urlsafe(32) if text is None else text
    found = digest(text)
    caller = Caller(
        key_id=f"key_{found.hex()[:12]}",
        source=source,
        trust=trust,
        scopes=frozenset(scopes),
    )
    rows.put(
        conn,
        rows.KeyRow(
            id=caller.key_id,
            digest=found,
            name=name,
            source=caller.source,
            trust=trust,
            scopes=" ".join(sorted(caller.scopes)),
            created_at=at,
        ),
    )
    return NewKey(text=text, caller=caller)


def caller_of(row: rows.KeyRow) -> Caller:
    """Read a kept key."""
    return Caller(
        key_id=row.id, source=row.source, trust=row.trust, scopes=frozenset(Scope(name) for name in row.scopes.split())
    )


class KeyRing:
    """The live keys, read through the writer and believed for a second; `elapsed` counts seconds."""

    def __init__(self, writer: Writer, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._writer = writer
        self._elapsed = elapsed
        self._callers: Mapping[bytes, Caller] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._ahead: asyncio.Task[None] | None = None

    async def find(self, text: str) -> Caller | None:
        """Give who a key belongs to; None if unknown or revoked."""
        wanted, asked = digest(text), self._elapsed()
        if (caller := self._fresh(wanted)) is not None:
            self._read_ahead()
            return caller
        async with self._reading:
            if (caller := self._fresh(wanted)) is None and self._read_at < asked:
                if wanted not in self._callers:
                    await asyncio.sleep(max(0.0, MISS_SECONDS - self._age()))
                await self._read()
        return self._callers.get(wanted)

    def _fresh(self, wanted: bytes) -> Caller | None:
        return self._callers.get(wanted) if self._age() < FRESH_SECONDS else None

    def _age(self) -> float:
        return self._elapsed() - self._read_at

    def _read_ahead(self) -> None:
        """Look again before a look is needed: whoever comes then need not wait for it behind other work."""
        if self._age() >= AHEAD_SECONDS and not self._reading.locked() and (self._ahead is None or self._ahead.done()):
            self._ahead = asyncio.create_task(self._read_in_turn())

    async def _read_in_turn(self) -> None:
        # What fails here fails again, and is told, once somebody has to wait for it.
        async with self._reading:
            with suppress(Exception):
                await self._read()

    async def _read(self) -> None:
        # The moment before the reading counts: a key revoked while it runs is refused within a second all the same.
        begun = self._elapsed()
        kept = await self._writer.run(rows.every)
        self._callers = {row.digest: caller_of(row) for row in kept if row.revoked_at is None}
        self._read_at = begun


async def authenticate(ring: KeyRing, text: str | None, scope: Scope) -> Caller:
    """Give the caller of a key that has `scope`; ApiError 401 without a live key, 403 without the scope."""
    caller = None if not text else await ring.find(text)
    if caller is None:
        raise ApiError(
            HTTPStatus.UNAUTHORIZED,
            "unauthorized",
            "show a live key: `Authorization: Bearer KEY`, `X-API-Key: KEY`, or Basic with the key as user name",
        )
    if not caller.may(scope):
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", f"this key lacks the scope {scope}")
    return caller


def shown_key(request: Request) -> str | None:
    """Give the key in a request's headers: Bearer, Basic (as user name) or X-API-Key; None if there is none."""
    scheme, _, credentials = request.headers.get("authorization", "").strip().partition(" ")
    read = _SCHEMES.get(scheme.lower())
    shown = None if read is None else read(credentials.strip())
    return shown or request.headers.get("x-api-key")


def require(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
    """Make the dependency that lets only keys with `scope` pass: `caller: Annotated[Caller, Depends(require(…))]`."""

    async def dependency(request: Request) -> Caller:
        ring: KeyRing = request.app.state.homing.keys
        return await authenticate(ring, shown_key(request), scope)

    return dependency


def _check(scopes: Collection[Scope], trust: Trust, names: Collection[str]) -> None:
    if not all(map(NAME.fullmatch, names)):
        raise KeyRefused(f"a key's name and source are of {NAMED}")
    if not scopes:
        raise KeyRefused(f"a key needs a scope: {', '.join(Scope)}")
    if trust not in {Trust.ASSERTED, Trust.SERVER}:
        raise KeyRefused(
            f"trust {trust.name.lower()}: a key's trust is asserted (public, in a browser) or server (secret); "
            "verified comes from a signed identity token"
        )
    if trust is Trust.ASSERTED and set(scopes) != {Scope.INGEST}:
        raise KeyRefused("a key of trust asserted is public and has the scope ingest alone; give --trust server")


def _bearer(credentials: str) -> str | None:
    return credentials or None


def _basic(credentials: str) -> str | None:
    try:
        user, _, _ = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return user or None


_SCHEMES: Mapping[str, Callable[[str], str | None]] = {"bearer": _bearer, "basic": _basic}
