"""A table of any length goes into the store a block at a time, past the resolver wherever what comes of it is known.

That is so for raw components that nothing in the store touches, in which nothing is contested and no hub is about: how
they grow `identity.frames.growing` tells. All others take the way of any message, beside them in the same blocks. After
each commit the store is what the blocks so far make of it; `homing verify` and `rebuild` find no difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from sqlalchemy import select
from sqlalchemy.engine import Connection

from identity.frames.chunks import Chunk, Starts
from identity.frames.components import Bools, Seen, contested
from identity.frames.crowds import find_hubs
from identity.frames.growing import Grown, Growth
from identity.frames.interning import Ids
from identity.frames.naming import DIGITS, profile_ids
from identity.frames.vocabulary import NameRules
from service.events.messages import Message
from service.imports.items import Item
from service.imports.observations import Table
from service.store import chain, changes, facts, locks, nodes
from service.store.facts import Entered, FactKind
from service.store.nodes import NAMES_A_FACT, Node
from service.store.schema import nodes as node_table
from service.wiring import Homing

BLOCK = 10_000
"""Facts of one block, and so of one commit."""
_LOOK = 20_000
"""Identifiers looked up in the store at once."""


class Plan(NamedTuple):
    """Where the chain ended when it was made, how components grow, and entries in the order they found alone."""

    head: int
    growth: Growth
    founding: Ids


def plan(conn: Connection, homing: Homing, table: Table) -> Plan | None:
    """Look which components may be folded past the resolver; None where people judged or erased. A job."""
    if any(facts.of_kind(conn, kind) for kind in (FactKind.JUDGEMENT, FactKind.ERASURE, FactKind.ERASED)):
        return None
    entries, spaces = table.intake.vocabulary.entries, table.intake.names.rules()
    chunk = Chunk(starts=table.starts, entries=table.entries, at=table.at, said=table.trust, keys=None, written=None)
    seen = Seen.nothing(np.zeros(len(entries.names), np.uint8))
    seen.add(chunk)
    seen.flatten()
    _, crowds = find_hubs([chunk], entries.names, spaces, homing.rules.hub_limit)
    apart = np.array([crowd.entry for crowd in crowds], np.int32)
    known = np.flatnonzero(_known(conn, table, seen.times > 0)).astype(np.int32)
    hard = contested(seen, entries.names, spaces, homing.rules, np.concatenate([apart, known]))[seen.parent]
    starts, ordered = _in_order(table, spaces)
    growth = Growth.nothing(starts, ordered, hard, _founding(table, seen, spaces), NAMES_A_FACT)
    return Plan(chain.head(conn).block, growth, _founding_alone(table, spaces))


@dataclass(slots=True)
class Block:
    """A job: appends some facts and folds them. Gives None, and changes nothing, where others have written."""

    homing: Homing
    table: Table
    plan: Plan
    head: int
    begin: int
    items: Sequence[Item]
    _tried: bool = False

    def __call__(self, conn: Connection) -> list[Entered] | None:
        """Run once; run again after a commit whose answer was lost, it leaves the rest to the usual way."""
        locks.hold_alone(conn)
        if self._tried or chain.head(conn).block != self.head:
            return None
        self._tried = True
        people, growth = self.homing.people, self.plan.growth
        people.begin(conn)
        found = [(place, i.found) for place, i in enumerate(self.items) if isinstance(i.found, Message)]
        entered = facts.append(conn, FactKind.MESSAGE, [message for _, message in found])
        hard = growth.hard_facts(self.begin, self.begin + len(self.items))
        fresh = [
            (place, message, each.seq) for (place, message), each in zip(found, entered, strict=True) if each.fresh
        ]
        seqs = np.full(len(self.items), -1, np.int64)
        for place, _, seq in fresh:
            seqs[place] = seq
        told = people.take(conn, [(seq, message) for place, message, seq in fresh if hard[place]])
        merged = self._fold(conn, seqs, hard)
        if told or merged:
            at = max(message.received_at for _, message, _ in fresh)
            changes.note(conn, changes.together([*told, *(changes.merger(*ids, at) for ids in merged)], at))
        return entered

    def _fold(self, conn: Connection, seqs: Starts, hard: Bools) -> list[tuple[str, str]]:
        """Write what the block makes of the components that are not hard; give which profiles took in which others."""
        growth, begin = self.plan.growth, self.begin
        grown = growth.block(begin, seqs)
        visits, merged = self._visits(grown, seqs, hard), _merged(growth.head[grown.changed], grown.former)
        ids = self._profile_ids(
            np.unique(np.concatenate([growth.head[grown.changed], grown.founders, visits, merged.ravel()]))
        )
        nodes.put(conn, self._nodes(grown, ids))
        easy = np.flatnonzero(~hard & (seqs >= 0))
        filed = growth.node[growth.entries[growth.starts[begin + easy]]] if len(easy) else easy
        nodes.saw(conn, list(zip(filed.tolist(), seqs[easy].tolist(), strict=True)))
        issued = [*grown.founders.tolist(), *visits.tolist()]
        nodes.issue(conn, [(ids[entry], int(growth.node[entry])) for entry in issued])
        chain.touch(conn, grown.touched)
        return [(ids[now], ids[was]) for now, was in merged.tolist()]

    def _visits(self, grown: Grown, seqs: Starts, hard: Bools) -> Ids:
        """Give who would found an observation alone, is new, and is in another's profile at the block's end.

        As of a moment within the block the profile goes by that id (`People.take`).
        """
        growth, founding = self.plan.growth, self.plan.founding
        starts = growth.starts[self.begin : self.begin + len(seqs) + 1]
        named = growth.entries[starts[0] : starts[-1]]
        of = np.repeat(np.arange(len(seqs)), np.diff(starts))
        order = np.lexsort((founding[named], of))
        firsts = named[order][np.flatnonzero(np.diff(of, prepend=-1))]
        easy = (~hard & (seqs >= 0))[np.unique(of)]
        new = grown.changed[grown.former < 0]
        visits: Ids = np.intersect1d(firsts[easy], new)
        absorbed: Ids = visits[growth.head[visits] != visits]
        return absorbed

    def _nodes(self, grown: Grown, ids: Mapping[int, str]) -> list[Node]:
        growth, identifier = self.plan.growth, self.table.intake.vocabulary.identifier
        return [
            Node(
                node=int(growth.node[entry]),
                identifier=identifier(entry),
                component=int(growth.number[entry]),
                profile_id=ids[int(growth.head[entry])],
            )
            for entry in grown.changed.tolist()
        ]

    def _profile_ids(self, founders: Ids) -> dict[int, str]:
        """Name the profiles of some founders."""
        entries = self.table.intake.vocabulary.entries
        called = [("" if each.name is None else each.name).encode() for each in self.table.intake.names.known]
        key = self.homing.secret.derive("profiles")
        none = np.zeros(len(founders), np.int32)
        told = profile_ids(called, entries.names, founders, none, entries.offsets, entries.data, key).tobytes().hex()
        return {entry: told[n * DIGITS : (n + 1) * DIGITS] for n, entry in enumerate(founders.tolist())}


def blocks(homing: Homing, table: Table) -> Iterator[tuple[list[Item], list[Entered] | None]]:
    """Take a table in; give its observations as they come, with where their messages are in the log by now.

    None: they are not there yet, and are to go the usual way, as are all that come after them.
    """
    made = homing.writer.submit(lambda conn: plan(conn, homing, table)).result() if len(table) else None
    head = -1 if made is None else made.head
    for begin in range(0, len(table), BLOCK):
        items = list(table.items(begin, min(begin + BLOCK, len(table))))
        entered = None
        if made is not None:
            job = Block(homing, table, made, head, begin, items)
            entered = homing.writer.submit(job).result()
        if entered is None:
            made = None
        else:
            head += any(each.fresh for each in entered)
        yield items, entered


def _known(conn: Connection, table: Table, seen: Bools) -> Bools:
    """Mark the entries that the store has seen."""
    known = np.zeros(len(seen), np.bool_)
    if conn.execute(select(node_table.c.node).limit(1)).first() is None:
        return known
    identifier = table.intake.vocabulary.identifier
    used = np.flatnonzero(seen)
    for begin in range(0, len(used), _LOOK):
        some = {identifier(entry): entry for entry in used[begin : begin + _LOOK].tolist()}
        known[[some[each] for each in nodes.find(conn, list(some))]] = True
    return known


def _in_order(table: Table, spaces: NameRules) -> tuple[Starts, Ids]:
    """Put what each observation sees in the order in which identifiers count: by priority, value, namespace."""
    names = table.intake.vocabulary.entries.names
    frame = pl.DataFrame({"p": spaces.priority[names], "v": table.intake.vocabulary.values(), "n": spaces.rank[names]})
    order = frame.select(pl.arg_sort_by("p", "v", "n")).to_series().to_numpy()
    rank = np.empty(len(names), np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    of = np.repeat(np.arange(len(table)), np.diff(table.starts))
    entries = table.entries[: table.starts[-1]]
    return table.starts, entries[np.lexsort((rank[entries], of))]


def _merged(heads: Ids, former: Ids) -> Ids:
    """Give founders and those whose profiles they took in, a row each, each once."""
    pairs: Ids = np.unique(np.stack([heads, former], axis=1)[(former >= 0) & (former != heads)], axis=0)
    return pairs


def _founding_alone(table: Table, spaces: NameRules) -> Ids:
    """Rank entries as founders of what is seen but once (`identity.replaying.founding`)."""
    names = table.intake.vocabulary.entries.names
    return _ranked(table, {"t": spaces.tier[names], "p": spaces.priority[names], "n": spaces.rank[names]})


def _founding(table: Table, seen: Seen, spaces: NameRules) -> Ids:
    """Rank entries as founders: by class, first sighting, priority, namespace, value."""
    names = table.intake.vocabulary.entries.names
    by = {"t": spaces.tier[names], "f": seen.first, "p": spaces.priority[names], "n": spaces.rank[names]}
    return _ranked(table, by)


def _ranked(table: Table, by: Mapping[str, Any]) -> Ids:
    """Rank entries by some columns, then by value."""
    frame = pl.DataFrame({**by, "v": table.intake.vocabulary.values()})
    order = frame.select(pl.arg_sort_by(*frame.columns)).to_series().to_numpy()
    rank = np.empty(len(frame), np.int32)
    rank[order] = np.arange(len(frame), dtype=np.int32)
    return rank
