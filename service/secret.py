"""A deployment has one secret for its life: profile ids and pseudonyms derive from it, and the store knows it again.

It comes from `HOMING_SECRET`, or from `homing.secret` (mode 0600) beside the SQLite file, made at first use; never by
itself for PostgreSQL, whose replicas share it. A store that was made with a secret is never opened with another one,
nor with a fresh one.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import Connection

from service.durable import sync
from service.errors import SecretError
from service.store import chain, meta

FILE_NAME = "homing.secret"
MIN_LENGTH = 32
"""Characters; what `openssl rand -hex 16` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """The deployment's secret and, for messages, where it came from."""

    value: bytes = field(repr=False)
    origin: str
    fresh: Path | None = None
    """Where it is yet to be kept (None: it is)."""

    def derive(self, purpose: str) -> bytes:
        """Give the 32-byte key for one purpose: knowing it tells nothing of the secret or of other keys."""
        return hmac.digest(self.value, b"homing:" + purpose.encode(), hashlib.sha256)

    @property
    def fingerprint(self) -> str:
        """What the store keeps to know the secret again; it does not give the secret away."""
        return self.derive("fingerprint").hex()[:32]


def secret_path(store: Path) -> Path:
    """Give the place of the secret's file: beside the store's."""
    return store.absolute().parent / FILE_NAME


def settle(conn: Connection, store: Path | None, given: str | None) -> Secret:
    """Give the secret that belongs to this store; at first use make it and let the store remember it.

    `store` is SQLite's file (None: a server's database), `given` is `HOMING_SECRET`. Raises SecretError where the store
    was made with another secret, or where it was made with one and none is there, or where one is too short.
    """
    kept = meta.get(conn, meta.SECRET_FINGERPRINT)
    secret = _found(store, given, kept)
    if kept is None:
        meta.put(conn, meta.SECRET_FINGERPRINT, secret.fingerprint)
    elif not hmac.compare_digest(kept, secret.fingerprint):
        there = "HOMING_SECRET" if store is None else f"{secret_path(store)} or HOMING_SECRET"
        raise SecretError(
            f"{store or 'the database'} was made with another secret than the one in {secret.origin}; "
            f"put the right one into {there}"
        )
    return secret


def known(conn: Connection, store: Path | None, given: str | None) -> Secret | None:
    """Give the secret that this store was made with, None before its first use; else like `settle`. Changes nothing.

    Raises SecretError, too, where the store has forgotten which secret that was: the next start would take any.
    """
    if meta.get(conn, meta.SECRET_FINGERPRINT) is not None:
        return settle(conn, store, given)
    if chain.head(conn).block:
        raise SecretError(f"{store or 'the database'} has lost the fingerprint of its secret; go back to a backup")
    return None


def _found(store: Path | None, given: str | None, kept: str | None) -> Secret:
    if given is not None:
        return _secret(given, "HOMING_SECRET")
    if store is None:
        raise SecretError(
            "replicas on PostgreSQL share one secret, which is never made by itself; "
            "set HOMING_SECRET, for example to what `openssl rand -hex 32` gives"
        )
    return _from_file(secret_path(store), kept, store)


def for_output(output: Path, store: Path | None, given: str | None) -> Secret:
    """Give the secret for files that no store holds: `HOMING_SECRET`, the store's, or one beside the output.

    Where there is none it is made, and is kept by `keep` alone: what comes to nothing leaves no secret behind.
    """
    if given is not None:
        return _secret(given, "HOMING_SECRET")
    path = secret_path(output)
    found = None if store is None else _read(secret_path(store))
    found = _read(path) if found is None else found
    return Secret(value=_new().encode(), origin=str(path), fresh=path) if found is None else found


def keep(secret: Secret) -> None:
    """Keep a fresh secret for other runs. SecretError where that cannot be, or where another is there by now."""
    if secret.fresh is None:
        return
    _make(secret.fresh, secret.value.decode())
    kept = _read(secret.fresh)
    if kept is None or kept.value != secret.value:
        raise SecretError(f"{secret.fresh} was made by another run meanwhile; run this one again, to go by it")


def _from_file(path: Path, kept: str | None, store: Path) -> Secret:
    found = _read(path)
    if found is not None:
        return found
    if kept is not None:
        raise SecretError(
            f"{store} was made with a secret that is missing; put it back into {path} or set HOMING_SECRET"
        )
    _make(path, _new())
    made = _read(path)
    if made is None:
        raise SecretError(f"{path} vanished while it was being made; try again")
    return made


def _read(path: Path) -> Secret | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"{path} cannot be read ({type(error).__name__}); make it readable for this user") from error
    return _secret(text, str(path))


def _secret(text: str, origin: str) -> Secret:
    value = text.strip().encode()
    if len(value) < MIN_LENGTH:
        raise SecretError(f"{origin} holds {len(value)} characters; at least {MIN_LENGTH} random ones are needed")
    return Secret(value=value, origin=origin)


def _new() -> str:
    return secrets.token_hex(32)


def _make(path: Path, text: str) -> None:
    """Put a new secret at `path` unless there is one by then: whole, never half-written, whoever else tries."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text + "\n")
        sync(draft)
        with contextlib.suppress(FileExistsError):
            # A link, unlike a rename, never replaces: the first of several processes wins, the others read its secret.
            os.link(draft, path)
        sync(path)
    except OSError as error:
        raise SecretError(f"{path} cannot be made ({error.strerror}); make its folder writable") from error
    finally:
        draft.unlink(missing_ok=True)
