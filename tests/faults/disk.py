"""A disk keeps what was synced; of what was not, any subset of sectors may survive a cut, and any of the names.

The disk starts as the folder is, all of it kept. What a process does to the folder under the shim is noted; played
back, the notes say what is kept for certain and what hangs in the air, and `cut` gives the files as such a disk would
have them. More is allowed to go wrong here than on most real disks: sectors are written in any order, names need
a sync of their folder, and a sync that failed has lost what it was to save.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.faults.disk_notes import Kind, Note, read_notes

SECTOR = 512
"""Bytes that survive together or not at all; SQLite's own assumption about disks."""

_LOG, _INDEX = "-wal", "-shm"
"""SQLite's write-ahead log, and its index: shared memory with a name, which may hold anything after a cut."""


class AlienChangeError(Exception):
    """A watched file was changed in a way that the notes do not tell: what the disk would hold is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A file that survived."""

    content: bytes = field(repr=False)
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What a power cut leaves: the files, and how many sectors and names were in the air and survived."""

    files: Mapping[str, Left] = field(repr=False)
    sectors: int
    sectors_survived: int
    names: int
    names_survived: int


@dataclass(slots=True, kw_only=True)
class _Change:
    """Bytes written at an offset, or a new length (`data` None), not yet synced; `lost`: a failed sync dropped it."""

    at: int
    offset: int
    data: bytes | None
    lost: bool = False

    @property
    def end(self) -> int:
        return self.offset + (0 if self.data is None else len(self.data))

    def outside(self, start: int, end: int) -> "Iterator[_Change]":
        """Give what of the written bytes is not in start ≤ offset < end."""
        assert self.data is not None
        for left, right in ((self.offset, min(self.end, start)), (max(self.offset, end), self.end)):
            if left < right:
                part = self.data[left - self.offset : right - self.offset]
                yield _Change(at=self.at, offset=left, data=part, lost=self.lost)

    def sectors(self) -> Iterator[tuple[int, int, bytes]]:
        """Give the written bytes in pieces of one sector each: sector, offset, bytes."""
        assert self.data is not None
        offset = self.offset
        while offset < self.end:
            until = min(self.end, (offset // SECTOR + 1) * SECTOR)
            yield offset // SECTOR, offset, self.data[offset - self.offset : until - self.offset]
            offset = until


class _File:
    """A file's content as kept, and its changes in the air."""

    def __init__(self, kept: bytes = b"", mode: int = 0o600) -> None:
        self.mode = mode
        self._kept = bytearray(kept)
        self._air: list[_Change] = []

    def change(self, at: int, offset: int, data: bytes | None) -> None:
        self._air.append(_Change(at=at, offset=offset, data=data))

    def synced(self, begun: int) -> None:
        """Keep what was changed before the sync began, but for what an earlier one lost."""
        covered = [each for each in self._air if each.at < begun and not each.lost]
        self._air = [each for each in self._air if each.at >= begun or each.lost]
        for change in covered:
            _apply(self._kept, change.offset, change.data)
            self._overtake(change)

    def sync_failed(self, begun: int) -> None:
        """Lose what the sync was to keep: it may be on the disk or not, and no later sync will see to it."""
        for change in self._air:
            if change.at < begun:
                change.lost = True

    def cut(self, survival: float, chance: Random) -> tuple[bytes, int, int]:
        """Give what is left after a cut, the sectors in the air and how many of them survived (their last bytes)."""
        pieces = Counter(sector for change in self._writes() for sector, _, _ in change.sectors())
        left = {sector: _survivors(count, survival, chance) for sector, count in sorted(pieces.items())}
        survived = sum(left[sector] == count for sector, count in pieces.items())
        lengths = _survivors(sum(change.data is None for change in self._air), survival, chance)
        content = bytearray(self._kept)
        for change in self._air:
            if change.data is None:
                lengths -= 1
                if lengths >= 0:
                    _apply(content, change.offset, None)
                continue
            for sector, offset, data in change.sectors():
                left[sector] -= 1
                if left[sector] >= 0:
                    _apply(content, offset, data)
        if chance.random() < survival / 2:  # a length may be on the disk before the bytes it makes room for
            content.extend(bytes(max(0, max((each.end for each in self._writes()), default=0) - len(content))))
        return bytes(content), len(pieces), survived

    def _writes(self) -> list[_Change]:
        return [change for change in self._air if change.data is not None]

    def _overtake(self, kept: _Change) -> None:
        """Drop from lost changes what a later one, now kept, has written over."""
        air: list[_Change] = []
        for change in self._air:
            if not change.lost or change.at > kept.at:
                air.append(change)
            elif kept.data is not None and change.data is not None:
                air.extend(change.outside(kept.offset, kept.end))
            elif change.data is not None:
                air.extend(change.outside(kept.offset, max(kept.offset, change.end)))
        self._air = air


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    end = offset + (0 if data is None else len(data))
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if data is None:
        del content[offset:]
    else:
        content[offset:end] = data


def _survivors(count: int, survival: float, chance: Random) -> int:
    """Say how many of a sector's `count` writes reached the disk: all with probability `survival`, else any number."""
    if survival in {0.0, 1.0} or count == 0:
        return count * int(survival)
    return count if chance.random() < survival else chance.randint(0, count - 1)


def put_back(folder: Path, files: Mapping[str, Left]) -> None:
    """Leave nothing in a folder but these files."""
    for path in folder.iterdir():
        path.unlink()
    for name, left in files.items():
        path = folder / name
        path.write_bytes(left.content)
        path.chmod(left.mode)


Names = Mapping[str, _File | None]
"""What a change of names makes of each: the file it means from then on, None for none."""


class Disk:
    """The disk under `folder`, which no other folder is in; `notes` is what the shim writes."""

    def __init__(self, folder: Path, notes: Path) -> None:
        notes.unlink(missing_ok=True)
        self._folder = folder
        self._notes = notes
        self._kept: dict[str, _File] = {}
        self._files: dict[int, _File] = {}
        for path in sorted(folder.iterdir()):
            if not path.name.endswith(_INDEX):
                found = path.stat()
                self._kept[path.name] = _File(path.read_bytes(), found.st_mode & 0o777)
                self._files[found.st_ino] = self._kept[path.name]
        self._names = dict(self._kept)
        self._air: list[tuple[int, Names]] = []
        self._begun: dict[int, int] = {}

    def play(self) -> None:
        """Play all that was noted; AlienChangeError where something cannot be followed. Once only."""
        for at, note in enumerate(read_notes(self._notes)):
            self._play(at, note)

    def cut(self, chance: Random) -> Cut:
        """Give what a cut at the end of the notes leaves: by lot nothing of what is in the air, all, or some of it."""
        survival = chance.choice((0.0, 1.0, chance.random(), chance.random()))
        names, lucky = self._names_left(survival, chance)
        files: dict[str, Left] = {}
        sectors = survived = 0
        for name, file in sorted(names.items()):
            content, air, left = file.cut(survival, chance)
            sectors, survived = sectors + air, survived + left
            files[name] = Left(content=content, mode=file.mode)
            if name.endswith(_LOG) and chance.random() < 0.5:
                files[name.removesuffix(_LOG) + _INDEX] = Left(content=chance.randbytes(32_768), mode=file.mode)
        return Cut(files=files, sectors=sectors, sectors_survived=survived, names=len(self._air), names_survived=lucky)

    def _names_left(self, survival: float, chance: Random) -> tuple[dict[str, _File], int]:
        names = dict(self._kept)
        lucky = [change for _, change in self._air if _survivors(1, survival, chance) == 1]
        for change in lucky:
            _rename(names, change)
        return names, len(lucky)

    # --- the notes ------------------------------------------------------------------------------------------------

    def _play(self, at: int, note: Note) -> None:
        match note.kind:
            case Kind.OPEN:
                self._opened(at, note)
            case Kind.WRITE:
                self._file(note).change(at, note.number, note.data)
            case Kind.TRUNCATE:
                self._file(note).change(at, note.number, None)
            case Kind.SYNC:
                self._begun[note.number] = at
            case Kind.SYNCED | Kind.SYNC_FAILED:
                self._sync_ended(note)
            case Kind.ALIEN:
                raise AlienChangeError(f"{note.names[0]}: the shim cannot follow this; teach it to")
            case _:
                self._renamed(at, note)

    def _opened(self, at: int, note: Note) -> None:
        name = note.names[0]
        file = self._names.get(name)
        if file is None or self._files.get(note.inode) is not file:
            # A new file; its inode may have been another's before.
            file = self._files[note.inode] = _File(mode=self._mode(name))
            self._name(at, {name: file})
        if note.number:
            file.change(at, 0, None)

    def _sync_ended(self, note: Note) -> None:
        begun = self._begun.pop(note.number)
        if note.names == [""]:
            covered = [names for at, names in self._air if at < begun]
            if note.kind is Kind.SYNCED:
                self._air = [each for each in self._air if each[0] >= begun]
                for names in covered:
                    _rename(self._kept, names)
        elif note.kind is Kind.SYNCED:
            self._file(note).synced(begun)
        else:
            self._file(note).sync_failed(begun)

    def _renamed(self, at: int, note: Note) -> None:
        first, *second = note.names
        file = self._names.get(first)
        if not second:
            self._name(at, {first: None})
        elif note.kind is Kind.LINK:
            self._name(at, {second[0]: file})
        else:
            self._name(at, {first: None, second[0]: file})

    def _name(self, at: int, names: Names) -> None:
        if any(os.sep in name for name in names):
            raise AlienChangeError(f"{sorted(names)}: a disk here has one folder; keep the files in it")
        _rename(self._names, names)
        self._air.append((at, names))

    def _file(self, note: Note) -> _File:
        try:
            return self._files[note.inode]
        except KeyError:
            raise AlienChangeError(f"{note.kind.name} on a file that was made outside the notes") from None

    def _mode(self, name: str) -> int:
        path = self._folder / name
        return path.stat().st_mode & 0o777 if path.exists() else 0o600


def _rename(kept: dict[str, _File], names: Names) -> None:
    for name, file in names.items():
        if file is None:
            kept.pop(name, None)
        else:
            kept[name] = file
