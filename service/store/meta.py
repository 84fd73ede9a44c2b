"""A few named texts about the store itself: the chain's head, the secret's fingerprint, the rules' digest and so on."""

from sqlalchemy.engine import Connection

from service.store.statements import Statement

SECRET_FINGERPRINT = "secret_fingerprint"  # noqa: S105 - the name of a row, no secret
RULES_DIGEST = "rules_digest"
RULES = "rules"
"""The rules that the folds in force were made under, as a table (see identity.written_rules)."""

RULES_SINCE = "rules_since"
"""The newest block when they came into force beside a running server; up to it others went by other rules."""

NEXT_RULES = "next_rules"
"""The rules that the folds to come are made under, and how far they are (see service.folds.rules_to_come)."""

PROVEN_WRITE = "proven_write"
EPOCH = "epoch"
"""Counts the times that all folds were made again: whoever keeps some of them at hand reads them anew."""

LEARNER_SHIFT = "learner_shift"
"""What held the last run of the learner back, in words; empty: nothing did."""

FOLDS = "folds"
STALE, MADE = "stale", "made"
"""Of the folds: `STALE`, they are to be made again before anything is read of them."""

SCRUB = "scrub"
WANTED, DONE = "wanted", "done"
"""Whether the store's files may still hold what was destroyed, and somebody is to take it out of them."""

_GET = Statement("SELECT value FROM meta WHERE name = ?")
_DROP = Statement("DELETE FROM meta WHERE name = ?")
_PUT = Statement("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")


def get(conn: Connection, name: str) -> str | None:
    """Give the text kept under `name`."""
    value: str | None = _GET(conn, name).scalar()
    return value


def put(conn: Connection, name: str, value: str) -> None:
    """Keep a text under `name`, in place of an earlier one."""
    _PUT(conn, name, value)


def drop(conn: Connection, name: str) -> None:
    """Keep nothing under `name`."""
    _DROP(conn, name)
