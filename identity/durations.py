"""How long, as people write it in settings and rules: `30d`, `12h`, `15m`, `10s`, or a number of seconds."""

import re
from datetime import timedelta

_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_duration(value: object) -> timedelta:
    """Read a time of nothing or more; ValueError for anything else, also for one that no timedelta can hold."""
    try:
        span = _parsed(value)
    except OverflowError as error:
        raise ValueError("longer than 2,700,000 years") from error
    if span < timedelta(0):
        raise ValueError("less than nothing")
    return span


def _parsed(value: object) -> timedelta:
    """Read text with its unit, or seconds (true and false are no numbers)."""
    if isinstance(value, str):
        match = _WRITTEN.fullmatch(value.strip())
        if match is None:
            raise ValueError("not a number with a unit s, m, h or d")
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("neither text nor a number")  # noqa: TRY004 - whoever calls has one way to refuse
    return timedelta(seconds=value)
