"""A store's address is a URL: it names a SQLite file, or a PostgreSQL database."""

from pathlib import Path

_SQLITE = "sqlite:///"
_POSTGRESQL = ("postgresql://", "postgres://")

ALLOWED = (
    "sqlite:///FILE, sqlite:////FILE for an absolute path (not :memory:, it would forget), "
    "or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
)


def sqlite_path(url: str) -> Path | None:
    """Give the file of a `sqlite:///` URL, None for PostgreSQL's; ValueError for any other."""
    if url.startswith(_POSTGRESQL) and "\0" not in url:
        return None
    path = url.removeprefix(_SQLITE)
    if not url.startswith(_SQLITE) or path in {"", ":memory:"} or "?" in path or "\0" in path:
        raise ValueError(f"use {ALLOWED}")
    return Path(path)
