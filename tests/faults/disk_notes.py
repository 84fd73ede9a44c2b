"""What the shim (shim.c) notes of a process's changes to its disk: in a file, a head each, then its bytes."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

_HEAD = struct.Struct("=IIQQ")


class Kind(IntEnum):
    """What a note tells of; the numbers are shim.c's."""

    OPEN = 1
    WRITE = 2
    TRUNCATE = 3
    SYNC = 4
    SYNCED = 5
    SYNC_FAILED = 6
    UNLINK = 7
    RENAME = 8
    LINK = 9
    ALIEN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One change or sync; `number` is an offset, a length or which sync it is, `data` bytes written or names."""

    kind: Kind
    inode: int
    number: int
    data: bytes = field(repr=False)

    @property
    def names(self) -> list[str]:
        """The names it tells of, one or two."""
        return [name.decode() for name in self.data.split(b"\0")[:-1]]


def read_notes(path: Path) -> Iterator[Note]:
    """Give the notes in order; the last may have been cut off with the process, and is no note then."""
    content = path.read_bytes() if path.exists() else b""
    at = 0
    while at + _HEAD.size <= len(content):
        kind, size, inode, number = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        if at + size > len(content):
            return
        yield Note(kind=Kind(kind), inode=inode, number=number, data=content[at : at + size])
        at += size
