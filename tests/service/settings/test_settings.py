"""Settings: the last one given counts, each knows where it came from, and what cannot be is refused by name."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channel_selector.eligibility.caps import FrequencyCap
from channel_selector.eligibility.slots import KOREAN_NIGHT, QuietHours
from channel_selector.settings import Activation
from service.errors import SettingsError
from service.settings.setting_kinds import CategoryConsent
from service.settings.settings import Configuration, Settings, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the place of a settings file, empty so far."""
    path = tmp_path / "homing.toml"
    path.touch()
    return path


def read(file: Path, text: str = "", *, environment: Mapping[str, str] | None = None, **flags: Any) -> Configuration:
    """Read settings with this text in the file."""
    file.write_text(text)
    return load(flags=flags, environment=environment or {}, config=str(file))


def test_the_defaults_are_the_records_own(file: Path) -> None:
    """With nothing given, every setting is at its default and says so."""
    configuration = read(file)
    assert configuration.settings == Settings()
    assert {one.source for one in configuration.shown} == {"default"}
    assert configuration.settings.db == "sqlite:///homing.db"
    assert configuration.settings.attribution_window == timedelta(days=7)


def test_flags_beat_the_environment_beats_the_file(file: Path) -> None:
    """Each layer covers the one below it, setting by setting."""
    environment = {"HOMING_PORT": "2", "HOMING_HOST": "::1"}
    configuration = read(file, 'port = 1\nhost = "0.0.0.0"\ntimezone = "Asia/Seoul"', environment=environment, port=3)
    settings = configuration.settings
    assert (settings.port, settings.host, settings.timezone.key) == (3, "::1", "Asia/Seoul")
    sources = [configuration.source(key) for key in ("port", "host", "timezone", "drain")]
    assert sources == ["--port", "environment", str(file), "default"]


def test_every_section_is_read(file: Path) -> None:
    """What a file can say arrives as the records of the domain."""
    settings = read(
        file,
        """
        quiet_hours = "korea"
        caps = [{ limit = 3, per = "7d" }, { limit = 1, per = "1d", channel = "sms" }]
        activation = "reported"
        costs.sms = 20
        unseen.email = "400d"
        [consent]
        unknown.email = "allow"
        unknown.sms = "deny"
        [consent.categories]
        Advertising = { channel = "email" }
        Service = { purpose = "transactional" }
        [abandonment]
        wait = "90m"
        [selector]
        floor = 0.1
        do_not_send = true
        half_life = "180d"
        new_channel_share = 0.1
        new_channel_messages = 500
        lifetime_value = 40000
        largest_shift = "none"
        """,
    ).settings
    assert settings.quiet_hours == KOREAN_NIGHT
    assert settings.caps == (
        FrequencyCap(limit=3, window=timedelta(days=7)),
        FrequencyCap(limit=1, window=timedelta(days=1), channel="sms"),
    )
    assert settings.consent.unknown == {"email": True, "sms": False}
    assert settings.consent.categories == {
        "Advertising": CategoryConsent(channel="email", purpose="marketing"),
        "Service": CategoryConsent(channel=None, purpose="transactional"),
    }
    assert settings.abandonment.wait == timedelta(minutes=90)
    assert settings.selection().floor == 0.1
    assert settings.activation is settings.selection().activation is Activation.REPORTED
    assert settings.eligibility().costs == {"sms": 20.0}
    assert settings.eligibility().unseen == {"email": timedelta(days=400)}
    selection = settings.selection()
    assert (selection.half_life, selection.new_channel_share) == (timedelta(days=180), 0.1)
    assert (selection.new_channel_messages, selection.lifetime_value) == (500, 40_000.0)
    assert settings.selector.largest_shift is None
    assert settings.eligibility().unknown_consent == {"email": True, "sms": False}


def test_the_environment_reaches_into_sections_and_joins_tables(file: Path) -> None:
    """Two underscores part a path; names of the user's own join those of the file."""
    settings = read(
        file,
        'consent.unknown.email = "allow"',
        environment={
            "HOMING_CONSENT__UNKNOWN__SMS": "deny",
            "HOMING_SELECTOR__FLOOR": "0.2",
            "HOMING_CAPS": '[{ limit = 1, per = "1d" }]',
            "HOMING_ASSERTED_ORDERS": "true",
        },
    ).settings
    assert settings.consent.unknown == {"email": True, "sms": False}
    assert settings.selector.floor == 0.2
    assert settings.asserted_orders is True
    assert len(settings.caps) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port = 'x'", "port = 'x'"),
        ("port = 70000", "port = 70000 .* a whole number from 0"),
        ("port = true", "port = True"),
        ("host = ''", "host = ''"),
        ("timezone = 'Mars/Olympus'", "timezone = 'Mars/Olympus' .* IANA"),
        ("default_region = 'Korea'", "default_region = 'Korea' .* two capital letters"),
        ("attribution_window = '0d'", "attribution_window = '0d' .* more than nothing"),
        ("attribution_window = 'soon'", "attribution_window = 'soon'"),
        ("attribution_window = '100d'", "attribution_window must be"),
        ("attribution_window = nan", "attribution_window = nan"),
        ("activation = 'maybe'", "activation = 'maybe' .* assumed or reported"),
        ("asserted_orders = 1", "asserted_orders = 1 .* true or false"),
        ("quiet_hours = '25:00-08:00'", "quiet_hours"),
        ("quiet_hours = '21:00-24:30'", "quiet_hours"),
        ("caps = [{ limit = 1 }]", "caps"),
        ("caps = [{ limit = '1', per = '1d' }]", "caps"),
        ("caps = [{ limit = 1, per = '1d', chanel = 'sms' }]", "caps"),
        ("consent.unknown.email = 'yes'", "consent.unknown.email = 'yes' .* allow or deny"),
        ("consent.categories.Ads = { chanel = 'sms' }", "consent.categories.Ads"),
        ("consent.unknown = 'allow'", "consent.unknown .* is no setting"),
        ("selector.floor = 1.5", "selector.floor = 1.5 .* from 0 to 1"),
        ("selector.flor = 0.1", "selector.flor .* did you mean selector.floor"),
        ("prot = 1", "prot .* did you mean port"),
        ("costs.sms = -1", "costs.sms = -1"),
        ("costs.sms = inf", "costs.sms = inf"),
        ("selector.half_life = '1h'", "from a day to ten years"),
        ("selector.new_channel_share = 0.6", "from 0 to 0.5"),
        ("selector.new_channel_messages = 0.5", "whole number from 1 up"),
        ("selector.largest_shift = 1", "a factor above 1"),
        ("rules = 3", "rules = 3 .* a path to a rules file, or a table"),
        ("db = 'mysql://u:hunter2@h/d'", "postgresql://USER"),
        ("secret = 'in a file'", "HOMING_SECRET"),
        ("port = ", "is no TOML"),
    ],
)
def test_what_cannot_be_is_refused_by_name(file: Path, text: str, told: str) -> None:
    """The message names the setting, what was given and what is allowed, and no password."""
    with pytest.raises(SettingsError, match=told) as refused:
        read(file, text)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HOMING_PROT", "1", "HOMING_PROT .* did you mean port"),
        ("HOMING_PORT", "tcp://10.0.0.1:80", "HOMING_PORT = 'tcp://10.0.0.1:80' .*environment"),
        ("HOMING_CONSENT", "allow", "HOMING_CONSENT .* is no setting"),
    ],
)
def test_the_environment_is_checked_too(file: Path, name: str, value: str, told: str) -> None:
    """A mistyped variable is an error, not silence."""
    with pytest.raises(SettingsError, match=told):
        read(file, environment={name: value})


def test_secrets_are_hidden_wherever_settings_are_shown(file: Path) -> None:
    """Neither `config show` nor a repr gives a secret away."""
    configuration = read(file, environment={"HOMING_SECRET": "hush" * 10})
    shown = {one.key: one.value for one in configuration.shown}
    assert shown["secret"] == "(hidden)"
    assert configuration.settings.secret == "hush" * 10
    assert "hush" not in repr(configuration)


def test_a_secret_unset_is_shown_as_unset(file: Path) -> None:
    """Nothing is hidden where nothing is."""
    assert {one.key: one.value for one in read(file).shown}["secret"] is None


def test_a_rules_path_is_meant_from_its_file(file: Path) -> None:
    """A path in the file counts from the file; one in the environment from where the command runs."""
    assert read(file, "rules = 'r.toml'").settings.rules == str(file.parent / "r.toml")
    assert read(file, environment={"HOMING_RULES": "r.toml"}).settings.rules == "r.toml"
    assert read(file, "rules.hub_limit = 5").settings.rules == {"hub_limit": 5}


def test_the_files_name_may_come_from_the_environment(tmp_path: Path) -> None:
    """HOMING_CONFIG names the file; one that is named and missing is an error."""
    path = tmp_path / "other.toml"
    with pytest.raises(SettingsError, match="cannot be read"):
        load(flags={}, environment={"HOMING_CONFIG": str(path)})
    path.write_text("port = 5")
    assert load(flags={}, environment={"HOMING_CONFIG": str(path)}).settings.port == 5


def test_a_file_where_the_command_runs_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`homing.toml` counts if it is there, and is not missed if it is not."""
    monkeypatch.chdir(tmp_path)
    assert load(flags={}, environment={}).settings.port == 8080
    Path("homing.toml").write_text("port = 6")
    assert load(flags={}, environment={}).settings.port == 6


def test_quiet_hours_as_text(file: Path) -> None:
    """Hours over midnight, none, and a day's end are all read."""
    assert read(file, "quiet_hours = '22:30-07:00'").settings.quiet_hours == QuietHours(start=1_350, end=420)
    assert read(file, "quiet_hours = '00:00-24:00'").settings.quiet_hours == QuietHours(start=0, end=1_440)
    assert read(file, "quiet_hours = 'none'").settings.quiet_hours is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("'30s'", 30), ("'15m'", 900), ("'1.5h'", 5_400), ("'2d'", 172_800), ("45", 45), ("0.5", 0.5)]
)
def test_durations(file: Path, text: str, seconds: float) -> None:
    """Spans are read with their unit, or as seconds."""
    assert read(file, f"abandonment.wait = {text}").settings.abandonment.wait == timedelta(seconds=seconds)
