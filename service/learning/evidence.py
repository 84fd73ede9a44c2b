"""What the logs say of everybody's messages; only profiles that something has happened to are read again.

Belongs to the learner, which reads moments of the store beside whoever writes, and keeps nobody waiting.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain as each_of
from typing import NamedTuple

from sqlalchemy.engine import Connection

from channel_selector.decisions import Send
from channel_selector.model.learning import Reported
from channel_selector.model.organic import Withheld
from identity.profiles import ProfileId
from service.customers.standing import standing
from service.learning.attribution import ORDER
from service.learning.withheld import Unsent, unsent
from service.profiles import finding
from service.profiles.people import People
from service.store import chain, decisions, meta, nodes
from service.store.chain import Block, BlockKind
from service.store.watch import Watch
from service.wiring import Homing

PROFILES_A_MOMENT = 50
"""Profiles read as of one moment: some tenths of a second, for so long the store keeps what others replace."""


NOTHING_UNSENT = Unsent((), ())


class Evidence:
    """What is learned from: everybody's sends, what came of them, and what the holdout was not sent."""

    def __init__(self) -> None:
        self.sends: dict[str, Send] = {}
        self.outcomes: set[Reported] = set()
        self.withheld: dict[str, Withheld] = {}
        self._orders: dict[str, str] = {}

    def take(self, sends: Iterable[Send], outcomes: Iterable[Reported]) -> None:
        """Take in sends and outcomes; the same again changes nothing, and an order of two profiles counts for one."""
        self.sends |= {send.decision_id: send for send in sends}
        for decision_id, outcome in outcomes:
            is_order = outcome.id is not None and outcome.id.startswith(ORDER)
            if not is_order or self._orders.setdefault(str(outcome.id), decision_id) == decision_id:
                self.outcomes.add((decision_id, outcome))

    def take_withheld(self, messages: Iterable[Withheld]) -> None:
        """Take in what the holdout was not sent."""
        self.withheld |= {message.decision_id: message for message in messages}


class _Read(NamedTuple):
    """What was read of the profile that an id leads to, and the raw component that it is in; None for nobody's."""

    component: int | None
    sends: tuple[Send, ...] = ()
    outcomes: tuple[Reported, ...] = ()
    unsent: Unsent = NOTHING_UNSENT

    def is_about(self, decision_ids: AbstractSet[str]) -> bool:
        """Tell whether any of these decisions is among it."""
        withheld = (each.decision_id for each in self.unsent.messages)
        return not decision_ids.isdisjoint(each_of((each.decision_id for each in self.sends), withheld))


class Reading:
    """Keeps what was read of everybody whom a decision was ever made for, in step with the store at each `catch_up`."""

    def __init__(self, homing: Homing) -> None:
        self._homing = homing
        self._read: dict[ProfileId, _Read] = {}
        self._position: int | None = None
        self._epoch: str | None = None

    def catch_up(self) -> int:
        """Read whatever has changed since the last time; give the newest block that is read."""
        with self._homing.database.transaction(reads=True) as conn:
            position, stale = self._look(conn)
        for start in range(0, len(stale), PROFILES_A_MOMENT):
            with self._homing.database.transaction(reads=True) as conn:
                self._read |= dict(self._reads(conn, stale[start : start + PROFILES_A_MOMENT]))
        self._position = position
        return position

    def evidence(self) -> Evidence:
        """Give all that is read."""
        evidence = Evidence()
        for _, read in sorted(self._read.items()):
            evidence.take(read.sends, read.outcomes)
            evidence.take_withheld(read.unsent.messages)
            evidence.take((), read.unsent.outcomes)
        return evidence

    def _look(self, conn: Connection) -> tuple[int, Sequence[ProfileId]]:
        """Give the newest block, and the ids, of all that decisions were made for, that are to be read for it."""
        position, epoch = chain.head(conn).block, meta.get(conn, meta.EPOCH)
        if self._position is None or epoch != self._epoch or position < self._position:
            self._read.clear()
        else:
            self._forget(conn, list(chain.scan(conn, self._position)))
        self._epoch = epoch
        return position, [known_as for known_as in decisions.profile_ids(conn) if known_as not in self._read]

    def _forget(self, conn: Connection, blocks: Sequence[Block]) -> None:
        """Drop whatever these blocks may have changed: all that was read of the components that they are about."""
        decided = _decided(conn, blocks)
        holders = {row.profile_id for row in decisions.by_ids(conn, sorted(decided)).values()}
        components = {component for block in blocks for component in block.touched}
        for known_as, read in self._read.items():
            if read.component is not None and (known_as in holders or read.is_about(decided)):
                components.add(read.component)
        # What led to nobody may lead to somebody again where too many shared it, and some of them were erased.
        nobodys = any(block.kind is BlockKind.ERASURES for block in blocks)
        for known_as, read in list(self._read.items()):
            if nobodys if read.component is None else read.component in components:
                del self._read[known_as]

    def _reads(self, conn: Connection, profile_ids: Iterable[ProfileId]) -> Iterator[tuple[ProfileId, _Read]]:
        """Read profiles, each as it stands at this moment."""
        # With nothing at hand, and under whichever rules are in force.
        people, settings = People(self._homing.wanted, self._homing.people.key, Watch()), self._homing.settings
        people.begin(conn)
        rules = self._homing.reading.under(people.rules)
        for known_as in profile_ids:
            view, node = finding.view(conn, people, known_as), nodes.founder_of(conn, known_as)
            if view is None or node is None:
                yield known_as, _Read(component=None)
                continue
            known = standing(conn, view, rules, settings)
            kept_back = unsent(conn, known, settings)
            yield known_as, _Read(node.component, known.sends, known.outcomes, kept_back)


def _decided(conn: Connection, blocks: Iterable[Block]) -> set[str]:
    """Give the decisions that were made, or of which something came, in these blocks."""
    seqs = [seq for block in blocks if block.kind is BlockKind.DECISIONS for seq in block.seqs()]
    logged = decisions.read(conn, seqs)
    return {each.entry.decision_id for each in logged if each.entry.decision_id is not None}
