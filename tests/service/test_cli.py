"""The command line: it answers at once, exits 0, 1 or 2, and a failure is one line that says what to do."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from service.cli import COMMANDS, cli
from service.web.serving import AT_ONCE_SECONDS, address, bind

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-c", "from service.cli import main; main()"]


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every command in an empty folder, with no settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HOMING_")]:
        monkeypatch.delenv(name)


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, list(arguments), prog_name="homing", catch_exceptions=False)


def test_help_names_every_command() -> None:
    """`homing --help` lists them all with their lines."""
    result = run("--help")
    assert result.exit_code == 0
    for name, entry in COMMANDS.items():
        assert name in result.stdout
        assert entry.help in result.stdout


@pytest.mark.parametrize("group", [(), ("profile",), ("keys",)])
def test_a_group_alone_shows_its_help(group: tuple[str, ...]) -> None:
    """Named without a command it shows what there is, line by line, and exits 2."""
    result = run(*group)
    assert result.exit_code == 2
    assert result.stderr.strip() == run(*group, "--help").stdout.strip()


@pytest.mark.parametrize(
    "command",
    [
        ("abandonments",),
        ("profile", "show", "--id", "anybody"),
        ("profile", "export", "--id", "anybody", "--json"),
        ("profile", "join", "user_id:ada", "user_id:bob", "--reason", "the same desk"),
        ("recommend", "--namespace", "user_id", "--value", "ada", "--message-id", "m1"),
        ("rebuild",),
    ],
)
def test_a_mistyped_store_is_not_made(command: tuple[str, ...], tmp_path: Path) -> None:
    """What asks of a store that is not there is told so, and leaves none behind."""
    result = run("--db", "sqlite:///mistyped.db", *command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "homing: mistyped.db: there is no store; look at --db\n"
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_use_is_told_in_sentences() -> None:
    """What is wrong ends before what to look at begins."""
    assert run("recommend").stderr.endswith("question's JSON. See `homing recommend --help`.\n")


def test_output_without_room_is_one_line() -> None:
    """Where what is printed finds no room, that is said, and the exit code is 1."""
    program = (
        "import errno, io, sys\n"
        "class Full(io.StringIO):\n"
        "    def write(self, text):\n"
        "        raise OSError(errno.ENOSPC, 'No space left on device')\n"
        "sys.stdout = Full()\n"
        "from service.cli import main\n"
        "main()\n"
    )
    told = subprocess.run(  # noqa: S603 - this test's own program
        [sys.executable, "-c", program, "config", "show"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert told.returncode == 1
    assert told.stderr == (
        "homing: the output cannot be written (No space left on device); make room, or send it elsewhere\n"
    )


def test_help_imports_nothing_it_does_not_need() -> None:
    """Neither commands nor the web framework nor the store are imported: that is what makes it answer at once."""
    watched = ["fastapi", "sqlalchemy", "uvicorn", "numpy", "polars", "phonenumbers", "service.commands"]
    program = (
        "import sys\nfrom service.cli import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('IMPORTED', [name for name in {watched} if name in sys.modules])"
    )
    told = subprocess.run(  # noqa: S603 - this test's own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    ).stdout
    assert told.splitlines()[-1] == "IMPORTED []"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there(name: str) -> None:
    """Each line's module and attribute exist and are a command, and its help works."""
    module, _, attribute = COMMANDS[name].target.partition(":")
    assert isinstance(getattr(import_module(module), attribute), click.Command)
    assert run(name, "--help").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing"], "No such command 'nothing'"),
        (["serve", "--prot", "1"], "--prot"),
        (["serve", "--port", "x"], "'x' is not a valid integer"),
        (["serve", "--port", "70000"], "port = 70000 (--port) is not allowed; use a whole number"),
        (["serve", "--workers", "2"], "SQLite has one writer"),
        (["--db", "mysql://u:hunter2@h/d", "keys", "list"], "postgresql://USER"),
        (["keys", "list", "--db", "sqlite:///:memory:"], "sqlite:///FILE"),
        (["keys", "create"], "--scope"),
        (["keys", "create", "--scope", "ingest,fly"], "'fly' is no scope; there are ingest, decide"),
        (["keys", "create", "--scope", "read", "--trust", "asserted"], "ingest alone"),
        (["keys", "create", "--scope", "read", "--trust", "verified"], "--trust"),
        (["config", "show", "--config", "missing.toml"], "missing.toml cannot be read"),
    ],
)
def test_wrong_usage_is_2_in_one_line(arguments: list[str], told: str) -> None:
    """The line names what was given and what is allowed, and nothing goes to stdout."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.startswith("homing: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert "hunter2" not in result.stderr


def test_a_failure_is_1_in_one_line() -> None:
    """A store that cannot be opened is told with what to do."""
    result = run("keys", "create", "--scope", "read", "--db", "sqlite:///nowhere/homing.db")
    assert result.exit_code == 1
    assert result.stderr == (
        "homing: nowhere/homing.db: the store cannot be opened; its folder must exist and be writable\n"
    )


def test_a_wrong_setting_in_a_file_is_told_by_name() -> None:
    """A command that needs settings names the one that cannot be."""
    Path("homing.toml").write_text("prot = 1")
    result = run("keys", "list")
    assert result.exit_code == 2
    assert "prot (homing.toml) is no setting; did you mean port?" in result.stderr


def test_keys_are_made_shown_once_listed_and_revoked() -> None:
    """The contract's JSON, and no text of a key after its making."""
    made = json.loads(run("keys", "create", "--scope", "ingest,read", "--scope", "decide", "--json").stdout)
    assert made["scopes"] == ["decide", "ingest", "read"]
    assert made["trust"] == "server"
    assert {"id", "key", "scopes", "trust"} <= set(made)
    public = run("keys", "create", "--scope", "ingest", "--trust", "asserted", "--name", "web")
    assert public.stdout.strip().startswith("homing_")
    listed = run("keys", "list", "--json").stdout
    assert made["key"] not in listed
    assert [(one["name"], one["trust"], one["revoked_at"]) for one in json.loads(listed)] == [
        ("key", "server", None),
        ("web", "asserted", None),
    ]
    assert run("keys", "revoke", made["id"]).exit_code == 0
    assert json.loads(run("keys", "list", "--json").stdout)[0]["revoked_at"] is not None
    assert "revoked" in run("keys", "list").stdout
    unknown = run("keys", "revoke", "key_none")
    assert (unknown.exit_code, unknown.stderr) == (
        1,
        "homing: there is no key key_none; `homing keys list` shows the ids\n",
    )


def test_the_store_may_be_named_before_or_after_the_command() -> None:
    """`--db` works in both places; after the command it counts more."""
    run("--db", "sqlite:///a.db", "keys", "create", "--scope", "read")
    run("--db", "sqlite:///a.db", "keys", "create", "--scope", "read", "--db", "sqlite:///b.db")
    assert Path("a.db").exists()
    assert Path("b.db").exists()
    assert len(json.loads(run("keys", "list", "--db", "sqlite:///a.db", "--json").stdout)) == 1


def test_config_show_tells_values_and_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """File, environment and flag are told apart; secrets are hidden, in both forms."""
    Path("homing.toml").write_text('timezone = "Asia/Seoul"')
    monkeypatch.setenv("HOMING_SECRET", "hush" * 10)
    monkeypatch.setenv("HOMING_PORT", "8081")
    told = json.loads(run("config", "show", "--json", "--db", "sqlite:///other.db").stdout)
    assert told["timezone"] == {"value": "Asia/Seoul", "source": "homing.toml"}
    assert told["port"] == {"value": 8081, "source": "environment"}
    assert told["db"] == {"value": "sqlite:///other.db", "source": "--db"}
    assert told["host"]["source"] == "default"
    text = run("config", "show").stdout
    assert "Asia/Seoul" in text
    assert "hush" not in text + json.dumps(told)


def test_migrate_says_what_it_did() -> None:
    """A new store goes from nothing to this schema; the second time there is nothing to do."""
    assert json.loads(run("migrate", "--json").stdout) == {"from": None, "to": "0005"}
    assert json.loads(run("migrate", "--json").stdout) == {"from": "0005", "to": "0005"}
    assert "already" in run("migrate").stdout


def test_openapi_prints_the_document() -> None:
    """It needs no store, and makes none."""
    document = json.loads(run("openapi", "--json").stdout)
    assert document["info"]["title"] == "Homing"
    assert "/readyz" in document["paths"]
    assert not Path("homing.db").exists()


def findings(*arguments: str) -> tuple[int, dict[str, tuple[bool, str]]]:
    """Run the doctor; give its exit code and what it found, by name."""
    result = run("doctor", "--json", *arguments)
    told = json.loads(result.stdout)
    assert told["well"] is (result.exit_code == 0)
    return result.exit_code, {one["name"]: (one["well"], one["detail"]) for one in told["findings"]}


def test_the_doctor_finds_a_sound_store_well() -> None:
    """Every check passes, and the text form says the same."""
    run("keys", "create", "--scope", "read")
    code, found = findings()
    assert code == 0
    of_all = {"schema", "secret", "rules", "folds", "chain", "learning", "counts", "clock"}
    assert set(found) == of_all | {"integrity", "write-ahead log", "disk"}
    assert "1 keys" in found["counts"][1]
    assert "TROUBLE" not in run("doctor").stdout


def test_the_doctor_makes_no_store() -> None:
    """Where there is none it says so and exits 1."""
    code, found = findings()
    assert code == 1
    assert "is not there" in found["store"][1]
    assert list(Path().iterdir()) == []


def test_the_doctor_sees_trouble() -> None:
    """A secret that others can read, a newer schema and a file that is no store are told as such."""
    with served() as _:
        pass
    Path("homing.secret").chmod(0o644)
    code, found = findings()
    assert (code, found["secret"][0]) == (1, False)
    assert "chmod 600" in found["secret"][1]
    Path("homing.secret").unlink()
    assert "missing" in findings()[1]["secret"][1]
    with closing(sqlite3.connect("homing.db")) as conn, conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    assert findings()[1]["schema"][0] is False
    Path("homing.db").write_bytes(b"not a database at all" * 100)
    code, found = findings()
    assert code == 1
    assert "no SQLite database" in found["store"][1]


@contextmanager
def served(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `homing serve` on a free port; give the process and its address once it says that it listens."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(  # noqa: S603 - the program under test
        [*PROGRAM, "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Homing listens on http://127.0.0.1:"), process.communicate(timeout=10)
        yield process, line.split()[-1]
    finally:
        process.terminate()
        process.communicate(timeout=30)


def status(url: str) -> int:
    """Give the status of a GET."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - a server of this test
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_serve_answers_and_stops_with_0_on_sigterm() -> None:
    """It prints its address, is ready, ends gracefully and leaves the store folded back."""
    with served() as (process, url):
        assert status(f"{url}/readyz") == 200
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "everything acknowledged is in the store" in errors
        assert "Traceback" not in errors
    assert not Path("homing.db-wal").exists()
    assert Path("homing.secret").exists()


def test_serve_is_red_while_it_drains() -> None:
    """After SIGTERM it goes on answering for the drain, but says that it is not ready; a second one ends the drain."""
    Path("homing.toml").write_text('drain = "300s"')
    with served() as (process, url):
        assert status(f"{url}/readyz") == 200
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 60
        while (told := status(f"{url}/readyz")) == 200 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert told == 503
        assert status(f"{url}/livez") == 200
        time.sleep(AT_ONCE_SECONDS)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_a_taken_port_is_said_before_anything_is_made() -> None:
    """The line names the port and the way out; no store was touched."""
    with closing(bind("127.0.0.1", 0)) as taken:
        port = address(taken).rpartition(":")[2]
        result = run("serve", "--port", port)
    assert result.exit_code == 1
    assert result.stderr == (
        f"homing: port {port} on 127.0.0.1 is taken by another program; give another with --port (0: any free one)\n"
    )
    assert list(Path().iterdir()) == []


def test_an_address_of_another_machine_is_said() -> None:
    """A host that is not this machine's is named."""
    result = run("serve", "--host", "192.0.2.7", "--port", "0")
    assert result.exit_code == 1
    assert "192.0.2.7:0 cannot be served on" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_missing_secret_is_said_and_nothing_is_served() -> None:
    """A store whose secret was lost does not start."""
    with served() as _:
        pass
    Path("homing.secret").unlink()
    result = run("serve", "--port", "0")
    assert result.exit_code == 1
    assert "made with a secret that is missing" in result.stderr
