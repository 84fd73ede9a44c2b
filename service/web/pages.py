"""A list is read a page at a time; its cursor names the last entry shown, so that new entries never shift a page."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

from service.errors import ApiError

T = TypeVar("T")

LIMIT = 50
MOST = 500

_CURSOR = re.compile(r"-?[0-9]{1,18}(?:\.-?[0-9]{1,18})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some entries, and the cursor to go on with (None: there are no more)."""

    entries: Sequence[T]
    next_cursor: str | None


def page(entries: Sequence[T], place: Callable[[T], tuple[int, ...]], cursor: str | None, limit: int) -> Page[T]:
    """Give the next `limit` entries, from high to low place, after the one the cursor names.

    Places are distinct, of one or two whole numbers. ApiError 422 for what is no cursor of such a list.
    """
    after = None if cursor is None else read_cursor(cursor)
    rest = sorted((entry for entry in entries if after is None or place(entry) < after), key=place, reverse=True)
    shown = rest[:limit]
    more = len(rest) > limit
    return Page(entries=shown, next_cursor=".".join(map(str, place(shown[-1]))) if more else None)


def read_cursor(cursor: str) -> tuple[int, ...]:
    """Give the place that a cursor names; ApiError 422 for what is none."""
    if not _CURSOR.fullmatch(cursor):
        message = "cursor: give back `next_cursor` of the page before as it was, or leave it out"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_cursor", message)
    return tuple(map(int, cursor.split(".")))
