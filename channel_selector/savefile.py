"""A saved file is read back whole or not at all: versioned JSON with a checksum, never pickle.

The one it takes the place of stays beside it as the last good one, if it was good.
"""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

from channel_selector.errors import CorruptFileError

FORMAT = "homing.selector"
VERSION = 1


def write(path: Path, body: dict[str, Any]) -> None:
    """Write the body beside the path, then put it in its place at once; what was there is kept as `last_good`."""
    text = _canonical(body)
    whole = _canonical({"format": FORMAT, "version": VERSION, "checksum": _checksum(text), "body": body})
    draft = path.with_name(path.name + ".new")
    draft.write_text(whole, encoding="utf-8")
    _keep(path)
    draft.replace(path)


def last_good(path: Path) -> Path:
    """Name the file that stood in the path's place before, and could be read then."""
    return path.with_name(path.name + ".last")


def _keep(path: Path) -> None:
    """Keep what is to be replaced, unless it is damaged: then the one kept before is better."""
    try:
        read(path)
    except (OSError, CorruptFileError):
        return
    kept = path.with_name(path.name + ".keep")
    kept.write_bytes(path.read_bytes())
    kept.replace(last_good(path))


def read(path: Path) -> dict[str, Any]:
    """Give the body; CorruptFileError where the file is no selector, damaged or of another version."""
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise CorruptFileError("the file is not JSON; it is damaged or not a saved selector") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT or not isinstance(whole.get("body"), dict):
        raise CorruptFileError("the file is not a saved selector")
    if whole.get("version") != VERSION:
        raise CorruptFileError(f"the file has another version than {VERSION}; load it with the release that wrote it")
    body: dict[str, Any] = whole["body"]
    if whole.get("checksum") != _checksum(_canonical(body)):
        raise CorruptFileError("the file's checksum does not match; restore it from a copy")
    return body


def _canonical(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _checksum(text: str) -> str:
    return blake2b(text.encode("ascii"), digest_size=16).hexdigest()
