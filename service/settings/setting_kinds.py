"""A kind of setting knows what it allows, in words, and reads exactly that; anything else is a ValueError."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from channel_selector.eligibility.caps import FrequencyCap
from channel_selector.eligibility.slots import KOREAN_NIGHT, QuietHours, parse_timezone
from channel_selector.settings import MOST_FOR_NEW, Activation
from identity.durations import read_duration
from service.events.token_keys import TokenKey, read_token_key
from service.store.location import ALLOWED, sqlite_path

T = TypeVar("T")

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """`allowed` completes "use …"; `read` takes a value as TOML has it. `literal`: text may be TOML itself (8080)."""

    allowed: str
    read: Callable[[object], T]
    literal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryConsent:
    """What one of Segment's consent categories stands for; `channel` None: every channel."""

    channel: str | None
    purpose: str


def _check(holds: bool) -> None:
    if not holds:
        raise ValueError


def _text(value: object) -> str:
    _check(isinstance(value, str) and bool(value.strip()))
    return str(value)


def _address(value: object) -> str:
    url = _text(value)
    sqlite_path(url)
    return url


def _flag(value: object) -> bool:
    _check(isinstance(value, bool))
    return bool(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError  # noqa: TRY004 - readers have one way to refuse
    return float(value)


def _port(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError  # noqa: TRY004 - readers have one way to refuse
    _check(0 <= value <= 65_535)
    return value


def _share(value: object) -> float:
    number = _number(value)
    _check(0.0 <= number <= 1.0)
    return number


def _amount(value: object) -> float:
    number = _number(value)
    _check(0.0 <= number <= 1e15)
    return number


def _duration(value: object) -> timedelta:
    span = read_duration(value)
    _check(span <= timedelta(days=3_660))
    return span


def _span(value: object) -> timedelta:
    span = _duration(value)
    _check(span > timedelta(0))
    return span


def _half_life(value: object) -> timedelta | None:
    if value == _NONE:
        return None
    span = _duration(value)
    _check(span >= timedelta(days=1))
    return span


def _new_share(value: object) -> float:
    number = _number(value)
    _check(0.0 <= number <= MOST_FOR_NEW)
    return number


def _messages(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError  # noqa: TRY004 - readers have one way to refuse
    _check(1 <= value <= 10**9)
    return value


def _shift(value: object) -> float | None:
    if value == _NONE:
        return None
    number = _number(value)
    _check(1.0 < number <= 1e6)
    return number


def _region(value: object) -> str:
    text = _text(value)
    _check(re.fullmatch(r"[A-Z]{2}", text) is not None)
    return text


def _quiet_hours(value: object) -> QuietHours | None:
    text = _text(value)
    if text == _NONE:
        return None
    if text == "korea":
        return KOREAN_NIGHT
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError
    from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
    return QuietHours(start=from_hour * 60 + from_minute, end=to_hour * 60 + to_minute)


def _caps(value: object) -> tuple[FrequencyCap, ...]:
    if not isinstance(value, list):
        raise ValueError  # noqa: TRY004 - readers have one way to refuse
    return tuple(map(_cap, value))


def _cap(value: object) -> FrequencyCap:
    row = _row(value, {"limit", "per"}, {"channel"})
    channel = row.get("channel")
    return FrequencyCap(
        limit=row["limit"], window=_duration(row["per"]), channel=None if channel is None else _text(channel)
    )


def _category(value: object) -> CategoryConsent:
    row = _row(value, set(), {"channel", "purpose"})
    channel = row.get("channel")
    return CategoryConsent(
        channel=None if channel is None else _text(channel), purpose=_text(row.get("purpose", "marketing"))
    )


def _row(value: object, needed: set[str], possible: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 - readers have one way to refuse
    _check(needed <= value.keys() <= needed | possible)
    return value


def _path_or_table(value: object) -> str | dict[str, Any]:
    return value if isinstance(value, dict) else _text(value)


def _permission(value: object) -> bool:
    _check(value in ("allow", "deny"))
    return value == "allow"


TEXT = Kind(allowed="some text", read=_text, literal=False)
ADDRESS = Kind(allowed=ALLOWED, read=_address, literal=False)
FLAG = Kind(allowed="true or false", read=_flag)
PORT = Kind(allowed="a whole number from 0 (any free port) to 65535", read=_port)
SHARE = Kind(allowed="a number from 0 to 1", read=_share)
AMOUNT = Kind(allowed="a number from 0 up", read=_amount)
DURATION = Kind(allowed="a time such as 30s, 15m, 1h, 7d, or seconds as a number, up to ten years", read=_duration)
SPAN = Kind(allowed="a time of more than nothing such as 15m, 1h, 7d, up to ten years", read=_span)
HALF_LIFE = Kind(allowed="a time from a day to ten years such as 90d, or none", read=_half_life)
NEW_SHARE = Kind(allowed=f"a number from 0 to {MOST_FOR_NEW}", read=_new_share)
MESSAGES = Kind(allowed="a whole number from 1 up", read=_messages)
SHIFT = Kind(allowed="a factor above 1 such as 3, or none", read=_shift)
TIMEZONE: Kind[ZoneInfo] = Kind(
    allowed="a name of the IANA time zone database such as Asia/Seoul",
    read=lambda value: parse_timezone(_text(value)),
    literal=False,
)
REGION = Kind(allowed="a country's two capital letters such as KR", read=_region, literal=False)
QUIET_HOURS = Kind(allowed="local hours such as 21:00-08:00, or korea, or none", read=_quiet_hours, literal=False)
CAPS = Kind(allowed='a list such as [{ limit = 3, per = "7d", channel = "sms" }]; channel may be left out', read=_caps)
CATEGORY = Kind(allowed='a table such as { channel = "email", purpose = "marketing" }', read=_category)
PERMISSION = Kind(allowed="allow or deny", read=_permission, literal=False)
TOKEN_KEY: Kind[TokenKey] = Kind(
    allowed='{ algorithm = "HS256", secret = "…" } with 32 bytes or more, or '
    '{ algorithm = "EdDSA", public_key = "…" }, an Ed25519 key as PEM or in base64',
    read=read_token_key,
)
RULES = Kind(allowed="a path to a rules file, or a table of rules", read=_path_or_table)
ACTIVATION = Kind(allowed=" or ".join(Activation), read=lambda value: Activation(_text(value)), literal=False)
