"""A few named texts about the store itself: the secret's fingerprint, the rules' digest, the last proven write."""

from sqlalchemy.engine import Connection

from service.store.statements import Statement

SECRET_FINGERPRINT = "secret_fingerprint"  # noqa: S105 - the name of a row, no secret
RULES_DIGEST = "rules_digest"
PROVEN_WRITE = "proven_write"
EPOCH = "epoch"
"""Counts the times that all folds were made again: whoever keeps some of them at hand reads them anew."""

LEARNER_SHIFT = "learner_shift"
"""What held the last run of the learner back, in words; empty: nothing did."""

FOLDS = "folds"
STALE, MADE = "stale", "made"
"""The folds are to be made again before anything is read of them."""

_GET = Statement("SELECT value FROM meta WHERE name = ?")
_PUT = Statement("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")


def get(conn: Connection, name: str) -> str | None:
    """Give the text kept under `name`."""
    value: str | None = _GET(conn, name).scalar()
    return value


def put(conn: Connection, name: str, value: str) -> None:
    """Keep a text under `name`, in place of an earlier one."""
    _PUT(conn, name, value)
