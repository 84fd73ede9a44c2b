"""A few named texts about the store itself: the secret's fingerprint, the rules' digest, the last proven write."""

from sqlalchemy.engine import Connection

SECRET_FINGERPRINT = "secret_fingerprint"  # noqa: S105 - the name of a row, no secret
RULES_DIGEST = "rules_digest"
PROVEN_WRITE = "proven_write"


def get(conn: Connection, name: str) -> str | None:
    """Give the text kept under `name`."""
    value: str | None = conn.exec_driver_sql("SELECT value FROM meta WHERE name = ?", (name,)).scalar()
    return value


def put(conn: Connection, name: str, value: str) -> None:
    """Keep a text under `name`, in place of an earlier one."""
    conn.exec_driver_sql(
        "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
