"""`homing` as a test runs it."""

import gzip
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson
from click.testing import CliRunner, Result
from sqlalchemy.engine import Connection

from service.cli import cli
from service.store.database import open_database

T = TypeVar("T")


@dataclass(frozen=True)
class Program:
    """The program and the folder that it runs in; its store is `homing.db` there."""

    folder: Path

    def run(self, *arguments: str, expect: int = 0) -> Result:
        """Run a command, which must exit as expected."""
        result = CliRunner().invoke(cli, list(arguments), prog_name="homing", catch_exceptions=False)
        assert result.exit_code == expect, result.output
        return result

    def json(self, *arguments: str, expect: int = 0) -> Any:
        """Run a command with `--json` and give what it prints."""
        return orjson.loads(self.run(*arguments, "--json", expect=expect).stdout)

    def refused(self, *arguments: str, expect: int) -> str:
        """Run a command that fails, and give its one line."""
        result = self.run(*arguments, expect=expect)
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        return result.stderr

    def read(self, job: Callable[[Connection], T]) -> T:
        """Read the store."""
        database = open_database(f"sqlite:///{self.folder}/homing.db")
        try:
            with database.transaction(reads=True) as conn:
                return job(conn)
        finally:
            database.close()

    def change(self, statement: str) -> None:
        """Change the store behind the program's back."""
        with closing(sqlite3.connect(self.folder / "homing.db")) as conn, conn:
            conn.execute(statement)

    def write(self, name: str, rows: Iterable[object]) -> Path:
        """Write a file of lines: JSON, unless they are bytes or text."""
        path = self.folder / name
        content = b"".join(_line(row) for row in rows)
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    def rejects(self, name: str) -> list[Any]:
        """Read what of a file was rejected."""
        text = (self.folder / f"{name}.rejects.ndjson").read_bytes()
        return [orjson.loads(line) for line in text.splitlines()]


def _line(row: object) -> bytes:
    if isinstance(row, bytes):
        return row + b"\n"
    return row.encode() + b"\n" if isinstance(row, str) else orjson.dumps(row) + b"\n"
