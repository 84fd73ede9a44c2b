"""What other rules would make of a store: the log is folded under them in a store of its own, and compared.

The store looked at is only read, as of one moment. Both sides are gone through by groups of raw components that share
identifiers, so that no more than one group is in memory beside the caches; but hubs, and with them what a component is,
depend on all facts: none can be checked before all are folded.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import Connection

from identity.changes import Created, ProfileChange, Snapshot, changes
from identity.component import Component
from identity.identifiers import Identifier
from identity.profiles import ProfileRef
from identity.replaying.clusters import Cluster
from identity.rules import LinkingRules
from service.folds.rebuild import rebuild
from service.profiles.people import People
from service.store import copying, nodes
from service.store.database import open_database
from service.store.nodes import Hub
from service.store.schema import blocks, facts

Progress = Callable[[int], None]

GROWN = 2
"""A largest profile that grows to more than so many times its size is warned of…"""
SMALL = 10
"""…unless it holds no more identifiers than this."""


@dataclass(slots=True, kw_only=True)
class Side:
    """Who is who under one set of rules, in numbers.

    `sizes` counts the profiles by the power of two that their identifiers reach (1, 2, 4 … at least), `several` those
    that hold more than one person, `full` those at the rules' cap. `refused` counts links not made, by reason.
    """

    identifiers: int = 0
    profiles: int = 0
    persons: int = 0
    largest: int = 0
    several: int = 0
    full: int = 0
    sizes: Counter[int] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    shared: int = 0
    flooded: int = 0

    def add(self, components: Iterable[Component], rules: LinkingRules) -> None:
        """Count some components."""
        for component in components:
            self.refused.update(str(each.reason) for each in component.replay.refused.values())
            for _, cluster in component.replay.profiles():
                self._count(cluster, rules)

    def _count(self, cluster: Cluster, rules: LinkingRules) -> None:
        size = len(cluster.members)
        persons = [i for i in cluster.members if rules.kind(i) == "person"]
        self.identifiers += size
        self.profiles += 1
        self.persons += bool(persons)
        self.largest = max(self.largest, size)
        self.several += len(persons) > 1
        self.full += cluster.size >= rules.profile_cap
        self.sizes[1 << (size.bit_length() - 1)] += 1


@dataclass(slots=True, kw_only=True)
class Checked:
    """What would change: `changes` by kind, `moved` identifiers, and what becomes of the profile ids of before.

    An id is `kept`, `redirected` to the profile that takes its founder in, or `gone` with its founder.
    """

    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)
    changes: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    kept: int = 0
    redirected: int = 0
    gone: int = 0
    fresh: int = 0

    @property
    def warnings(self) -> list[str]:
        """What looks like several people in one profile."""
        before, after = self.before, self.after
        found: list[str] = []
        if after.largest > max(GROWN * before.largest, SMALL):
            found.append(f"the largest profile grows from {before.largest:,} to {after.largest:,} identifiers")
        if after.several > before.several:
            found.append(f"profiles of more than one person: {after.several:,} (now {before.several:,})")
        if after.full > before.full:
            found.append(f"profiles at the cap: {after.full:,} (now {before.full:,})")
        return found


Told = Callable[[ProfileChange, dict[ProfileRef, tuple[Identifier, ...]]], None]
"""Hears of each change; with it come the members of the profiles that were not there before."""


def check(conn: Connection, before: People, after: People, tell: Told, progress: Progress = lambda _: None) -> Checked:
    """Compare who is who in a store with what other rules would make of it.

    `conn` sees one moment of the store, `before` goes by the rules in force, `after` by the others. `progress` hears of
    the rows copied, folded and compared. Takes the disk's room for a second facts log.
    """
    with _folded(conn, after, progress) as other:
        checked = Checked()
        for olds, news in _groups(conn, other, progress):
            _compare(checked, before.components(conn, olds), after.components(other, news), tell)
        for side, where in ((checked.before, conn), (checked.after, other)):
            known = nodes.hubs(where)
            side.shared, side.flooded = known.get(Hub.SHARED, 0), known.get(Hub.FLOODED, 0)
        return checked


def to_check(conn: Connection) -> int:
    """Tell how much there is to copy, fold and compare."""
    return 2 * copying.count(conn, (facts,)) + copying.count(conn, (blocks,)) + sum(1 for _ in nodes.components(conn))


@contextmanager
def _folded(conn: Connection, people: People, progress: Progress) -> Iterator[Connection]:
    """Fold the facts of a store under other rules, in a store of its own that is gone afterwards."""
    with TemporaryDirectory(prefix="homing-rules-") as folder:
        scratch = open_database(f"sqlite:///{Path(folder) / 'scratch.db'}")
        try:
            with scratch.transaction() as other:
                copying.copy(conn, other, (facts, blocks), progress)
                rebuild(other, people, progress)
                yield other
        finally:
            scratch.close()


_Group = tuple[Sequence[int], Sequence[int]]
"""Raw components of before and of after, by number, that share no identifier with any others."""


def _groups(conn: Connection, other: Connection, progress: Progress) -> Iterator[_Group]:
    """Give all groups, each once."""
    ahead: set[int] = set()
    for number in nodes.components(conn):
        progress(1)
        if number in ahead:
            ahead.discard(number)
            continue
        olds, news = _group(conn, other, number)
        ahead.update(old for old in olds if old > number)
        yield sorted(olds), sorted(news)
    for number in nodes.components(other):
        members = [node.identifier for node in nodes.of_components(other, [number])]
        if not _components(conn, members):
            yield (), (number,)


def _group(conn: Connection, other: Connection, number: int) -> tuple[set[int], set[int]]:
    """Give what hangs together with a component of before."""
    olds, news = {number}, set[int]()
    fresh = {number}
    while fresh:
        reached = _components(other, [node.identifier for node in nodes.of_components(conn, sorted(fresh))]) - news
        news |= reached
        fresh = _components(conn, [node.identifier for node in nodes.of_components(other, sorted(reached))]) - olds
        olds |= fresh
    return olds, news


def _components(conn: Connection, identifiers: Sequence[Identifier]) -> set[int]:
    """Give the components that hold any of these."""
    return {node.component for node in nodes.find(conn, identifiers).values() if node.component is not None}


def _compare(checked: Checked, before: Sequence[Component], after: Sequence[Component], tell: Told) -> None:
    """Count one group in, and tell of its changes."""
    for side, components in ((checked.before, before), (checked.after, after)):
        for component in components:
            side.add([component], component.rules)
    was, now = Snapshot.of_components(before), Snapshot.of_components(after)
    old, new = {*was.profiles.values()}, {*now.profiles.values()}
    checked.moved += sum(now.profiles.get(i) != ref for i, ref in was.profiles.items())
    checked.kept += len(old & new)
    checked.fresh += len(new - old)
    redirected = sum(ref.founder in now.profiles for ref in old - new)
    checked.redirected += redirected
    checked.gone += len(old - new) - redirected
    found = changes(was, now)
    checked.changes.update(type(change).__name__ for change in found)
    for change in found:
        created = {}
        if isinstance(change, Created):
            created[change.profile] = tuple(sorted(i for i, ref in now.profiles.items() if ref == change.profile))
        tell(change, created)
