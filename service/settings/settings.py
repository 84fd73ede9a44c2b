"""What a deployment is set to: frozen, read once at the edge, every value with the place it came from.

`homing.toml` < `HOMING_…` environment < flags. A setting that is unknown, of the wrong type or impossible stops the
program with its name, what was given and what is allowed.
"""
# ruff: noqa: RUF009 - the calls in the records below make `dataclasses.field`s, which is what that rule asks for

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from channel_selector.eligibility.caps import FrequencyCap
from channel_selector.eligibility.options import EligibilityRules
from channel_selector.eligibility.slots import QuietHours
from channel_selector.settings import Activation, SelectorSettings
from service.carts.cart import CartSettings
from service.errors import SettingsError, discreet
from service.events.token_keys import TokenKey
from service.settings import setting_kinds as kinds
from service.settings.setting_kinds import CategoryConsent, Kind
from service.settings.setting_sources import (
    CONFIG_VARIABLE,
    FILE_NAME,
    Given,
    Key,
    KeyPath,
    Keys,
    from_environment,
    from_file,
    from_flags,
)

DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spec:
    """What a field's metadata says of the setting it holds: its kind, and its default as a file would give it."""

    kind: Kind[Any]
    given: Any
    names: int = 0
    hidden: bool = False


def _setting(kind: Kind[Any], given: Any, *, hidden: bool = False) -> Any:
    """Declare a setting with its default as a file would give it (None: not set)."""
    spec = _Spec(kind=kind, given=given, hidden=hidden)
    return field(
        default_factory=lambda: None if given is None else kind.read(given),
        repr=not hidden,
        metadata={"spec": spec},
    )


def _table(kind: Kind[Any], *, hidden: bool = False) -> Any:
    """Declare a table with names of the user's own, empty by default."""
    spec = _Spec(kind=kind, given={}, names=1, hidden=hidden)
    return field(default_factory=dict, repr=not hidden, metadata={"spec": spec})


def _section(section: type) -> Any:
    """Declare a table of settings."""
    return field(default_factory=section, metadata={"section": section})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentSettings:
    """`unknown`: whether a channel may be used for marketing by who never said; `categories`: of Segment's spec."""

    unknown: Mapping[str, bool] = _table(kinds.PERMISSION)
    categories: Mapping[str, CategoryConsent] = _table(kinds.CATEGORY)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonmentSettings:
    """A cart idle for `wait` is abandoned, and lost for good `expiry` after that."""

    wait: timedelta = _setting(kinds.SPAN, "1h")
    expiry: timedelta = _setting(kinds.SPAN, "7d")

    def carts(self) -> CartSettings:
        """Give them as the carts' fold takes them."""
        return CartSettings(wait=self.wait, keep=self.expiry)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """Whom signed identity tokens are made for, and the keys they are signed with, by their names (`kid`)."""

    audience: str = _setting(kinds.TEXT, "homing")
    keys: Mapping[str, TokenKey] = _table(kinds.TOKEN_KEY, hidden=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorSection:
    """How the selector explores and whom it leaves out: see `channel_selector.settings.SelectorSettings`.

    `largest_shift`: how far a rate may move from one run of the learner to the next, as a factor; None: any distance.
    """

    floor: float = _setting(kinds.SHARE, 0.05)
    holdout: float = _setting(kinds.SHARE, 0.0)
    bau: float = _setting(kinds.SHARE, 0.0)
    do_not_send: bool = _setting(kinds.FLAG, given=False)
    margin: float = _setting(kinds.AMOUNT, 1.0)
    half_life: timedelta | None = _setting(kinds.HALF_LIFE, "none")
    new_channel_share: float = _setting(kinds.NEW_SHARE, 0.0)
    new_channel_messages: int = _setting(kinds.MESSAGES, 1_000)
    lifetime_value: float = _setting(kinds.AMOUNT, 0.0)
    largest_shift: float | None = _setting(kinds.SHIFT, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Times are in the customer's own zone where they are hours, spans where they are durations.

    `secret`: HOMING_SECRET, None to use the file beside the store. `rules`: a path, or the rules themselves, for
    `identity.load_rules`. `timezone` and `default_region` stand in where a person's are not known. `access_log`:
    whether each request is logged. `drain`: how long `/readyz` is red before the service stops taking requests.
    `activation` tells whether a decision counts as sent at its send time (assumed) or once reported. `costs`: one
    send's, by channel. `unseen`: how long after it was last seen an endpoint is used, by channel.
    """

    db: str = _setting(kinds.ADDRESS, "sqlite:///homing.db")
    host: str = _setting(kinds.TEXT, "127.0.0.1")
    port: int = _setting(kinds.PORT, 8080)
    access_log: bool = _setting(kinds.FLAG, given=True)
    drain: timedelta = _setting(kinds.DURATION, "0s")
    secret: str | None = _setting(kinds.TEXT, None, hidden=True)
    rules: str | Mapping[str, Any] = _setting(kinds.RULES, {})
    timezone: ZoneInfo = _setting(kinds.TIMEZONE, "UTC")
    default_region: str | None = _setting(kinds.REGION, None)
    attribution_window: timedelta = _setting(kinds.SPAN, "7d")
    activation: Activation = _setting(kinds.ACTIVATION, "assumed")
    asserted_orders: bool = _setting(kinds.FLAG, given=False)
    quiet_hours: QuietHours | None = _setting(kinds.QUIET_HOURS, "none")
    caps: tuple[FrequencyCap, ...] = _setting(kinds.CAPS, [])
    costs: Mapping[str, float] = _table(kinds.AMOUNT)
    unseen: Mapping[str, timedelta] = _table(kinds.SPAN)
    consent: ConsentSettings = _section(ConsentSettings)
    abandonment: AbandonmentSettings = _section(AbandonmentSettings)
    tokens: TokenSettings = _section(TokenSettings)
    selector: SelectorSection = _section(SelectorSection)

    def eligibility(self) -> EligibilityRules:
        """Give what the deployment allows, for `channel_selector.eligibility.options.eligible`."""
        return EligibilityRules(
            quiet=self.quiet_hours,
            caps=self.caps,
            unknown_consent=self.consent.unknown,
            costs=self.costs,
            unseen=self.unseen,
        )

    def selection(self) -> SelectorSettings:
        """Give what the policy is told."""
        return SelectorSettings(
            floor=self.selector.floor,
            attribution_window=self.attribution_window,
            holdout=self.selector.holdout,
            bau=self.selector.bau,
            do_not_send=self.selector.do_not_send,
            margin=self.selector.margin,
            half_life=self.selector.half_life,
            new_channel_share=self.selector.new_channel_share,
            new_channel_messages=self.selector.new_channel_messages,
            lifetime_value=self.selector.lifetime_value,
            activation=self.activation,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSetting:
    """A setting as `homing config show` tells it; a hidden value is only told to be there."""

    key: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The settings together with where each came from."""

    settings: Settings
    shown: tuple[ShownSetting, ...]

    def source(self, key: str) -> str:
        """Tell where a setting's value came from."""
        return next(one.source for one in self.shown if one.key == key)


def load(*, flags: Mapping[str, Any], environment: Mapping[str, str], config: str | None = None) -> Configuration:
    """Read all settings. `config` names the file (else `HOMING_CONFIG`, else `homing.toml` if it is there).

    Raises SettingsError for what cannot be, naming the setting, what was given and what is allowed.
    """
    keys = Keys(tuple(_keys(Settings)))
    named = environment.get(CONFIG_VARIABLE) if config is None else config
    path = Path(FILE_NAME) if named is None else Path(named)
    given: dict[KeyPath, Given] = {}
    if named is not None or path.exists():
        given |= from_file(keys, path)
    given |= from_environment(keys, environment)
    given |= from_flags(keys, flags)
    settings: Settings = _build(Settings, (), given)
    try:
        settings.selection()
    except ValueError as error:
        raise SettingsError(f"these settings do not go together: {error}") from error
    return Configuration(settings=settings, shown=tuple(_show(given)))


def _keys(record: type, path: KeyPath = ()) -> list[Key]:
    keys: list[Key] = []
    for one in fields(record):
        here = (*path, one.name)
        if "section" in one.metadata:
            keys.extend(_keys(one.metadata["section"], here))
        else:
            spec: _Spec = one.metadata["spec"]
            keys.append(Key(path=here, kind=spec.kind, names=spec.names, hidden=spec.hidden))
    return keys


def _build(record: type[Any], path: KeyPath, given: Mapping[KeyPath, Given]) -> Any:
    values: dict[str, Any] = {}
    for one in fields(record):
        here = (*path, one.name)
        if "section" in one.metadata:
            values[one.name] = _build(one.metadata["section"], here, given)
        elif one.metadata["spec"].names:
            values[one.name] = _named(here, given)
        elif here in given:
            values[one.name] = given[here].value
    return record(**values)


def _named(path: KeyPath, given: Mapping[KeyPath, Given]) -> dict[str, Any]:
    return {key[-1]: one.value for key, one in given.items() if key[:-1] == path}


def _show(given: Mapping[KeyPath, Given]) -> list[ShownSetting]:
    everything = {**_defaults(), **given}
    return [
        ShownSetting(key=".".join(path), value=_shown(one), source=one.source)
        for path, one in sorted(everything.items())
    ]


def _shown(one: Given) -> Any:
    if one.hidden and one.given is not None:
        return "(hidden)"
    return discreet(one.given) if isinstance(one.given, str) else one.given


@cache
def _defaults() -> dict[KeyPath, Given]:
    return dict(_default_of(Settings, ()))


def _default_of(record: type, path: KeyPath) -> list[tuple[KeyPath, Given]]:
    found: list[tuple[KeyPath, Given]] = []
    for one in fields(record):
        here = (*path, one.name)
        if "section" in one.metadata:
            found.extend(_default_of(one.metadata["section"], here))
        elif not one.metadata["spec"].names:
            spec: _Spec = one.metadata["spec"]
            found.append((here, Given(given=spec.given, value=None, source=DEFAULT, hidden=spec.hidden)))
    return found
