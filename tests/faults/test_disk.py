"""The disk keeps what was synced, and of the rest anything or nothing; SQLite's own promises hold on it."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.faults import shim
from tests.faults.disk import AlienChangeError, Disk, put_back

CUTS = range(40)

Files = dict[str, bytes]


def said(folder: Path, script: str, cut_at: int | None = None, fault: str = "") -> tuple[Disk, list[str]]:
    """Run a script in a folder under the shim; give the disk played back, and what the script printed."""
    notes, control = folder.with_name("notes"), folder.with_name("fault")
    control.write_text(fault)
    disk = Disk(folder, notes)
    given = {**os.environ, **shim.environment(folder, notes, cut_at=cut_at, fault=control)}
    command = [sys.executable, "-S", "-c", f"import os\nCREATE = os.O_CREAT | os.O_WRONLY\n{script}"]
    ran = subprocess.run(command, cwd=folder, env=given, capture_output=True, check=False, timeout=60)  # noqa: S603 - the tests' own
    assert ran.returncode in ({0} if cut_at is None else {0, -signal.SIGKILL}), ran.stderr.decode()
    disk.play()
    return disk, ran.stdout.decode().split()


def left(folder: Path, script: str, fault: str = "") -> list[Files]:
    """Give the files that each of many cuts after the same run leaves."""
    disk, _ = said(folder, script, fault=fault)
    return [{name: file.content for name, file in disk.cut(Random(seed)).files.items()} for seed in CUTS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with one old file in it."""
    made = tmp_path / "disk"
    made.mkdir()
    (made / "old").write_bytes(b"old" * 1_000)
    return made


def test_what_was_synced_is_kept_by_every_cut(folder: Path) -> None:
    """Bytes after their file's sync, a name after its folder's."""
    script = "f = os.open('new', CREATE); os.write(f, b'new'); os.fsync(f); os.fsync(os.open('.', os.O_RDONLY))"
    assert left(folder, script) == [{"old": b"old" * 1_000, "new": b"new"} for _ in CUTS]


def test_bytes_not_synced_may_survive_or_not_in_any_part(folder: Path) -> None:
    """Of eight sectors written over, some cuts keep none, some all, some a part, and each sector is whole or old."""
    script = "f = os.open('old', os.O_WRONLY); os.pwrite(f, b'x' * 2_560, 0)"
    found = [files["old"] for files in left(folder, script)]
    old = b"old" * 1_000
    assert {old, b"x" * 2_560 + old[2_560:]} < set(found)
    for content in found:
        for at in range(0, 2_560, 512):
            assert content[at : at + 512] in {old[at : at + 512], b"x" * 512}


def test_names_not_synced_may_survive_or_not(folder: Path) -> None:
    """A file made, synced itself but not in its folder; one deleted; one renamed."""
    made = left(folder, "f = os.open('new', CREATE); os.write(f, b'new'); os.fsync(f)")
    assert {files.get("new") for files in made} == {None, b"new"}


def test_a_deleted_file_may_be_back(folder: Path) -> None:
    """Until its folder is synced."""
    assert {"old" in files for files in left(folder, "os.unlink('old')")} == {True, False}


def test_a_renamed_file_is_there_under_one_name(folder: Path) -> None:
    """The old one or the new one, never both, never none."""
    assert {tuple(files) for files in left(folder, "os.rename('old', 'new')")} == {("old",), ("new",)}


def test_what_a_failed_sync_lost_no_later_sync_saves(folder: Path) -> None:
    """A second sync succeeds; what the first was to keep may be gone nevertheless, what came after it is not."""
    script = """
f = os.open('old', os.O_WRONLY)
os.pwrite(f, b'x' * 512, 0)
try:
    os.fsync(f)
except OSError as error:
    assert error.errno == 5
os.truncate('../fault', 0)
os.pwrite(f, b'y' * 512, 512)
os.fsync(f)
"""
    found = [files["old"] for files in left(folder, script, "5 s 1")]
    assert {content[:512] for content in found} == {(b"old" * 1_000)[:512], b"x" * 512}
    assert {content[512:1_024] for content in found} == {b"y" * 512}


def test_a_cut_within_a_write_leaves_half_of_it_at_most(folder: Path) -> None:
    """The process is killed at the change asked for; what it said before is all it was sure of."""
    script = "f = os.open('old', os.O_WRONLY); print('sure', flush=True); os.write(f, b'x' * 1_024); print('never')"
    disk, told = said(folder, script, cut_at=1)
    assert told == ["sure"]
    found = {disk.cut(Random(seed)).files["old"].content[:1_024] for seed in CUTS}
    assert found == {(b"old" * 1_000)[:1_024], b"x" * 512 + (b"old" * 1_000)[512:1_024]}


def test_a_change_past_the_notes_is_refused(folder: Path) -> None:
    """Better no proof than a wrong one."""
    with pytest.raises(AlienChangeError, match="mmap"):
        said(folder, "import mmap; mmap.mmap(os.open('old', os.O_RDWR), 512)[0:1] = b'x'")


COMMITS = """
import sqlite3
c = sqlite3.connect('t.db', isolation_level=None)
c.execute('PRAGMA synchronous = {level}')
c.execute('PRAGMA journal_mode = WAL')
c.execute('PRAGMA wal_autocheckpoint = 15')
c.execute('CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, body BLOB)')
first = c.execute('SELECT coalesce(max(n), 0) FROM t').fetchone()[0] + 1
for n in range(first, first + 12):
    c.execute('INSERT INTO t VALUES (?, ?)', (n, bytes(1500)))
    print(n, flush=True)
os._exit(0)
"""


def committed_and_lost(tmp_path: Path, level: str, cuts: int, fault: str = "") -> int:
    """Cut the power of the same SQLite store again and again; give how many commits were lost after they returned."""
    folder = tmp_path / "disk"
    folder.mkdir()
    chance = Random(20251122)
    gone = 0
    for _ in range(cuts):
        disk, told = said(folder, COMMITS.format(level=level), chance.randint(1, 120), fault)
        put_back(folder, disk.cut(chance).files)
        with sqlite3.connect(folder / "t.db") as store:
            assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            made = store.execute("SELECT count(*) FROM sqlite_master WHERE name = 't'").fetchone() == (1,)
            there = {row[0] for row in store.execute("SELECT n FROM t")} if made else set()
        store.close()
        gone += len({int(n) for n in told} - there)
    return gone


def test_sqlite_with_full_syncs_loses_no_commit(tmp_path: Path) -> None:
    """SQLite's promise holds on this disk, checkpoints and the log's restarts included."""
    assert committed_and_lost(tmp_path, "FULL", 6) == 0


def test_sqlite_with_normal_syncs_loses_commits(tmp_path: Path) -> None:
    """The control: what SQLite does not promise is not kept, so the disk is one that forgets."""
    assert committed_and_lost(tmp_path, "NORMAL", 10) > 0
