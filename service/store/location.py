"""A store's address is a URL; today it names a SQLite file."""

from pathlib import Path

_SQLITE = "sqlite:///"

ALLOWED = (
    "sqlite:///FILE, or sqlite:////FILE for an absolute path "
    "(not :memory:, it would forget; postgresql:// comes in a later release as homing[postgres])"
)


def sqlite_path(url: str) -> Path:
    """Give the file of a `sqlite:///` URL; ValueError for any other."""
    path = url.removeprefix(_SQLITE)
    if not url.startswith(_SQLITE) or path in {"", ":memory:"} or "?" in path or "\0" in path:
        raise ValueError(f"use {ALLOWED}")
    return Path(path)
