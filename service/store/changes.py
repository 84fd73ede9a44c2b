"""What happened to profile ids, in the order of the chain: the same on every replica, and after a rebuild.

A fold of the facts log. What came before an erasure, the erasure included, is kept when folds are made again, for the
facts that tell of it are destroyed; so is what came under former rules: who follows along has read it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete
from sqlalchemy.engine import Connection

from service.store import chain, facts, meta
from service.store.chain import BlockKind
from service.store.schema import changes
from service.store.statements import Statement, listed
from service.store.times import from_micros, to_micros

_COLUMNS = "position, changes.kind, profile_id, other, at, blocks.kind AS cause"
_FROM = f"SELECT {_COLUMNS} FROM changes JOIN blocks ON blocks.block = position / {chain.PLACES} "  # noqa: S608 - ours
_AFTER = Statement(_FROM + "WHERE position > ? ORDER BY position LIMIT ?")
_OF_PROFILES = Statement(_FROM + "WHERE profile_id IN texts(?) OR other IN texts(?) ORDER BY position")
_LAST_ERASURE = Statement("SELECT coalesce(max(block), 0) FROM blocks WHERE kind = 'erasures'")


class ChangeKind(StrEnum):
    """What happened to a profile, and who the other one is then."""

    MERGED = "merged"
    """The id that leads to this profile from now on."""
    SPLIT = "split"
    """A profile that was not there before, or not for a time, and is founded on one of its identifiers."""
    RULES = "rules"
    """None, of no profile: other linking rules came into force, and any id may lead elsewhere from now on."""
    RETIRED = "retired"
    """None: nothing that is known names whom the id was founded on, and it answers no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of one profile; `at` is when the newest of the facts that brought it about came to be known."""

    kind: ChangeKind
    profile_id: str
    other: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldChange:
    """A change at its place in the feed, and what kind of entries brought it about."""

    position: int
    change: Change
    cause: BlockKind


_IN_ORDER = (ChangeKind.MERGED, ChangeKind.SPLIT, ChangeKind.RETIRED)


def merger(profile_id: str, absorbed: str, at: datetime) -> Change:
    """Give the change that a profile took another one in."""
    return Change(kind=ChangeKind.MERGED, profile_id=profile_id, other=absorbed, at=at)


def together(some: Iterable[Change], at: datetime) -> list[Change]:
    """Give the changes of one block in the order in which they are told, as of one moment."""
    ordered = sorted(some, key=lambda each: (_IN_ORDER.index(each.kind), each.profile_id, each.other or ""))
    return [replace(each, at=at) for each in ordered]


def note(conn: Connection, some: Iterable[Change]) -> None:
    """Note what the entries just appended changed."""
    chain.change(conn, list(map(_kept, some)))


def put(conn: Connection, block: int, some: Iterable[Change]) -> None:
    """Keep what a block changed, while folds are made again."""
    chain.put_changes(conn, block, list(map(_kept, some)))


def after(conn: Connection, position: int, limit: int) -> list[ToldChange]:
    """Give the next changes behind a position, in order."""
    return [_told(row) for row in _AFTER(conn, position, limit)]


def of_profiles(conn: Connection, profile_ids: Sequence[str]) -> list[ToldChange]:
    """Give the changes that name any of these ids, in order."""
    ids = listed(profile_ids)
    return [_told(row) for row in _OF_PROFILES(conn, ids, ids)]


def other_rules(conn: Connection) -> None:
    """Tell, behind all that was told so far, that other rules have come into force."""
    block = chain.head(conn).block
    newest = facts.read(conn, [facts.last_seq(conn)])
    if newest and meta.get(conn, meta.RULES_SINCE) != str(block):
        change = Change(kind=ChangeKind.RULES, profile_id="", other=None, at=newest[0].received_at)
        chain.put_changes(conn, block, [_kept(change)], first=chain.PLACES - 1)
    meta.put(conn, meta.RULES_SINCE, str(block))


def clear(conn: Connection) -> int:
    """Throw away what can be told again from the logs; give the block up to which what is kept must stay as it is."""
    kept = max(int(_LAST_ERASURE(conn).scalar_one()), int(meta.get(conn, meta.RULES_SINCE) or 0))
    conn.execute(delete(changes).where(changes.c.position >= (kept + 1) * chain.PLACES))
    return kept


def _kept(change: Change) -> chain.Changed:
    return str(change.kind), change.profile_id, change.other, to_micros(change.at)


def _told(row: Any) -> ToldChange:
    change = Change(kind=ChangeKind(row.kind), profile_id=row.profile_id, other=row.other, at=from_micros(row.at))
    return ToldChange(position=row.position, change=change, cause=BlockKind(row.cause))
