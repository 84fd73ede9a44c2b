"""Changes of profiles are put into the words of the contract; what befell one profile at once is told as one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from itertools import groupby

from sqlalchemy.engine import Connection

from service.errors import ApiError
from service.schemas.changes import ChangeShown, ChangesShown
from service.store import changes
from service.store.chain import PLACES, BlockKind
from service.store.changes import ChangeKind, ToldChange

_POSITION = re.compile(r"[0-9]{1,18}")
_BECAUSE: Mapping[BlockKind, str] = {
    BlockKind.FACTS: "events",
    BlockKind.WORDS: "judgement",
    BlockKind.ERASURES: "erasure",
}


def feed(conn: Connection, after: str | None, limit: int) -> ChangesShown:
    """Give the next changes behind a position (None: from the beginning); 422 for what is no position."""
    start = _position(after)
    found = changes.after(conn, start, limit + 1)
    shown, more = found[:limit], len(found) > limit
    end = str(shown[-1].position if shown else start)
    return ChangesShown(changes=list(told(shown)), after=end, next_cursor=end if more else None)


def told(some: Iterable[ToldChange]) -> Iterator[ChangeShown]:
    """Tell changes, given in their order."""
    for (_, kind, profile_id), together in groupby(some, _befell):
        rows = list(together)
        others = [row.change.other for row in rows if row.change.other is not None]
        yield ChangeShown(
            position=str(rows[-1].position),
            change=kind.value,
            profile_id=profile_id or None,
            absorbed=others if kind is ChangeKind.MERGED else [],
            into=others if kind is ChangeKind.SPLIT else [],
            because="rules" if kind is ChangeKind.RULES else _BECAUSE[rows[0].cause],  # type: ignore[arg-type]  # the words of the table
            at=rows[0].change.at,
        )


def _befell(row: ToldChange) -> tuple[int, ChangeKind, str]:
    return row.position // PLACES, row.change.kind, row.change.profile_id


def _position(text: str | None) -> int:
    if text is None:
        return 0
    if not _POSITION.fullmatch(text):
        message = "after, cursor: give back `after` or `next_cursor` of an earlier answer as it was, or leave it out"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_cursor", message)
    return int(text)
