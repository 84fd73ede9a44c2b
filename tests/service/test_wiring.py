"""Wiring: everything is put together once, over one store, and comes apart without losing anything."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from service.clock import FixedClock
from service.errors import SecretError, SettingsError, StoreError
from service.settings.settings import Settings
from service.store import meta
from service.wiring import Homing, linking_rules, open_homing
from tests.service.harness import SECRET, deployment


def test_what_is_acknowledged_is_there_at_the_next_opening(tmp_path: Path, clock: FixedClock) -> None:
    """A deployment closed and opened again holds what its jobs have written."""
    first = deployment(tmp_path, clock)
    first.writer.submit(lambda conn: meta.put(conn, "a", "b")).result(10)
    first.close()
    second = deployment(tmp_path, clock)
    assert second.writer.submit(lambda conn: meta.get(conn, "a")).result(10) == "b"
    second.close()


def test_closing_finishes_what_waits(tmp_path: Path, clock: FixedClock) -> None:
    """Jobs accepted before the close are committed, and the write-ahead log is folded back into the file."""
    homing = deployment(tmp_path, clock)
    for number in range(50):
        homing.writer.submit(partial(meta.put, name=f"n{number}", value="v"))
    homing.close()
    assert not (tmp_path / "homing.db-wal").exists()
    with closing(sqlite3.connect(tmp_path / "homing.db")) as conn:
        assert conn.execute("SELECT count(*) FROM meta WHERE name LIKE 'n%'").fetchone() == (50,)


def test_another_secret_is_refused(tmp_path: Path, clock: FixedClock) -> None:
    """A store does not open under a secret that is not its own."""
    deployment(tmp_path, clock).close()
    with pytest.raises(SecretError, match="another secret"):
        deployment(tmp_path, clock, {"HOMING_SECRET": SECRET[::-1]})


def test_the_parts_share_rules_settings_and_clock(homing: Homing, clock: FixedClock) -> None:
    """One set of rules and one clock serve all parts, and the secret does not show."""
    assert homing.clock is clock
    assert homing.people.rules is homing.rules
    assert SECRET not in repr(homing)


def test_rules_come_from_a_table(clock: FixedClock) -> None:
    """Rules in the settings are rules; the deployment's region reads phone numbers unless the rules say otherwise."""
    rules = linking_rules(Settings(rules={"hub_limit": 7}, default_region="KR"))
    assert (rules.hub_limit, rules.default_region) == (7, "KR")
    assert linking_rules(Settings(rules={"default_region": "JP"}, default_region="KR")).default_region == "JP"


def test_rules_come_from_a_file(tmp_path: Path) -> None:
    """A path is read as TOML; what it says wrong is told with its path."""
    path = tmp_path / "rules.toml"
    path.write_text('preset = "adobe"')
    assert linking_rules(Settings(rules=str(path))) == linking_rules(Settings(rules={"preset": "adobe"}))
    for text, told in [("hub_limit = 'x'", "rules.toml: hub_limit"), ("= 1", "is no TOML")]:
        path.write_text(text)
        with pytest.raises(SettingsError, match=told):
            linking_rules(Settings(rules=str(path)))
    with pytest.raises(SettingsError, match="cannot be read"):
        linking_rules(Settings(rules=str(tmp_path / "missing.toml")))


def test_wrong_rules_open_no_store(tmp_path: Path) -> None:
    """What is wrong in the settings is told before anything is made."""
    with pytest.raises(SettingsError, match=r"rules\.hub_limit"):
        open_homing(Settings(db=f"sqlite:///{tmp_path / 'homing.db'}", rules={"hub_limit": "x"}))
    assert list(tmp_path.iterdir()) == []


def test_a_closed_deployment_takes_nothing(tmp_path: Path, clock: FixedClock) -> None:
    """After the close a job is refused in words."""
    homing = deployment(tmp_path, clock)
    homing.close()
    with pytest.raises(StoreError, match="stopping"):
        homing.writer.submit(lambda conn: meta.get(conn, "a"))
