"""The secret: made once, known again, and never quietly replaced."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service import secret
from service.errors import SecretError
from service.secret import Secret
from service.store import meta
from service.store.database import Database, open_database

GIVEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Give an empty store."""
    return open_database(f"sqlite:///{tmp_path / 'homing.db'}")


def settle(database: Database, given: str | None = None) -> Secret:
    """Settle the secret of a store, in a transaction of its own."""
    with database.transaction() as conn:
        return secret.settle(conn, database.path, given)


def test_it_is_made_at_first_use_beside_the_store(database: Database, tmp_path: Path) -> None:
    """The file is for its owner alone, whole, and the same secret comes from it again."""
    made = settle(database)
    path = tmp_path / secret.FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made.value == path.read_text().strip().encode()
    assert len(made.value) == 64
    assert settle(database) == made
    assert [one.name for one in tmp_path.iterdir() if "secret" in one.name] == [secret.FILE_NAME]


def test_two_stores_have_two_secrets(tmp_path: Path) -> None:
    """Secrets are random."""
    values = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        values.append(settle(open_database(f"sqlite:///{tmp_path / name / 'homing.db'}")).value)
    assert values[0] != values[1]


def test_the_environments_secret_makes_no_file(database: Database, tmp_path: Path) -> None:
    """A secret given is used as it is, surrounding space aside."""
    assert settle(database, f" {GIVEN}\n").value == GIVEN.encode()
    assert not (tmp_path / secret.FILE_NAME).exists()


def test_a_missing_secret_of_an_existing_store_is_refused(database: Database, tmp_path: Path) -> None:
    """A store that was made with a secret does not get a new one."""
    settle(database)
    (tmp_path / secret.FILE_NAME).unlink()
    with pytest.raises(SecretError, match=r"missing; put it back into .*homing.secret or set HOMING_SECRET"):
        settle(database)
    assert not (tmp_path / secret.FILE_NAME).exists()


def test_another_secret_is_refused_without_showing_it(database: Database) -> None:
    """A mismatch names the places, never the values."""
    settle(database, GIVEN)
    other = GIVEN[::-1]
    with pytest.raises(SecretError, match="another secret than the one in HOMING_SECRET") as refused:
        settle(database, other)
    assert other not in str(refused.value)
    assert settle(database, GIVEN).value == GIVEN.encode()


@pytest.mark.parametrize("text", ["", "short", " " * 40])
def test_a_short_secret_is_refused(database: Database, text: str) -> None:
    """What can be guessed is no secret."""
    with pytest.raises(SecretError, match="at least 32"):
        settle(database, text)


def test_an_emptied_file_is_refused(database: Database, tmp_path: Path) -> None:
    """A damaged file is not taken for a secret, nor written over."""
    (tmp_path / secret.FILE_NAME).write_text("")
    with pytest.raises(SecretError, match="holds 0 characters"):
        settle(database)


def test_the_store_keeps_a_fingerprint_alone(database: Database) -> None:
    """What the store remembers does not contain the secret."""
    made = settle(database)
    with database.transaction(reads=True) as conn:
        kept = meta.get(conn, meta.SECRET_FINGERPRINT)
    assert kept == made.fingerprint
    assert made.value.decode() not in kept
    assert made.value.hex() not in kept


def test_keys_for_different_purposes_differ(database: Database) -> None:
    """Each purpose has a key of its own, the same every time."""
    made = settle(database)
    assert made.derive("profiles") == made.derive("profiles")
    assert len({made.derive("profiles"), made.derive("pseudonyms"), made.value}) == 3
    assert len(made.derive("profiles")) == 32


def test_a_repr_hides_it(database: Database) -> None:
    """A secret does not reach a log by way of its repr."""
    made = settle(database)
    assert made.value.decode() not in repr(made)


def test_racing_threads_agree(database: Database) -> None:
    """Of many that make the secret at once, one wins and all have its secret."""
    path = secret.secret_path(database.path)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: secret._make(path, f"{n:064}"), range(64)))
    assert len(path.read_text().strip()) == 64
    assert sorted(one.name for one in path.parent.iterdir() if "secret" in one.name) == [secret.FILE_NAME]


_PROCESS = """
import sys
from service import secret
from service.store.database import open_database

database = open_database(sys.argv[1])
with database.transaction() as conn:
    print(secret.settle(conn, database.path, None).value.decode())
"""


def test_racing_processes_agree(tmp_path: Path) -> None:
    """Processes that start on nothing at the same time end with one store and one secret."""
    command = [sys.executable, "-c", _PROCESS, f"sqlite:///{tmp_path / 'homing.db'}"]
    root = Path(__file__).parents[2]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)  # noqa: S603 - this file's own program
        for _ in range(3)
    ]
    told = {process.communicate(timeout=60)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    assert told == {(tmp_path / secret.FILE_NAME).read_text().strip()}


def test_a_secret_for_an_output_is_kept_when_asked(tmp_path: Path) -> None:
    """Not before; then it is the one that the next run has."""
    made = secret.for_output(tmp_path / "out.csv", None, None)
    assert not list(tmp_path.iterdir())
    secret.keep(made)
    found = secret.for_output(tmp_path / "other.csv", None, None)
    assert (found.value, found.fresh) == (made.value, None)
    secret.keep(found)
    assert [path.name for path in tmp_path.iterdir()] == [secret.FILE_NAME]


def test_a_secret_that_another_run_kept_first_counts(tmp_path: Path) -> None:
    """The later run must not give ids that nobody could ever give again."""
    first, second = (secret.for_output(tmp_path / "out.csv", None, None) for _ in range(2))
    secret.keep(first)
    with pytest.raises(SecretError, match="run this one again"):
        secret.keep(second)
    assert secret.for_output(tmp_path / "out.csv", None, None).value == first.value
