"""What a store holds, told without regard to the order in which it came: every entry of the logs, and who is who."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from service.clock import FixedClock
from service.profiles import finding
from service.settings.settings import load
from service.store import decisions, facts
from service.store.decisions import EntryKind
from service.wiring import Homing, open_homing
from tests.faults.programs import PATIENCE
from tests.faults.traffic import NOW, decision_name, fact_name, outcome_name
from tests.service.harness import SECRET


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """`counts`: how often each thing is in the logs, by name. `decided`: the decisions of each message.

    `digest` covers the profiles: their ids, their identifiers, who owned their devices when, whose each fact is.
    """

    counts: Counter[str] = field(repr=False)
    decided: dict[str, list[str]] = field(repr=False)
    digest: str


@contextmanager
def opened(db: str) -> Iterator[Homing]:
    """Open a store in this process for the length of the block."""
    settings = load(flags={"db": db}, environment={"HOMING_SECRET": SECRET}, config=None).settings
    homing = open_homing(settings, FixedClock(NOW))
    try:
        yield homing
    finally:
        homing.close()


def holdings(homing: Homing) -> Holdings:
    """Read a store that nobody else is using."""
    return homing.writer.submit(lambda conn: read(homing, conn)).result(PATIENCE)


def read(homing: Homing, conn: Connection) -> Holdings:
    """Read a store within a transaction."""
    counts = Counter(fact_name(fact.source, fact.trust, fact.message_id) for fact in facts.scan(conn))
    for logged in decisions.scan(conn):
        if logged.entry.kind is EntryKind.OUTCOME:
            counts[outcome_name(str(logged.entry.decision_id))] += 1
    decided = defaultdict(list)
    for message_id, decision_id in conn.execute(text("SELECT message_id, decision_id FROM decisions")):
        decided[message_id].append(decision_id)
        counts[decision_name(message_id, decision_id)] += 1
    return Holdings(counts=counts, decided=dict(decided), digest=_digest(homing, conn))


def _digest(homing: Homing, conn: Connection) -> str:
    ids = conn.execute(text("SELECT DISTINCT profile_id FROM nodes WHERE profile_id IS NOT NULL")).scalars().all()
    homing.people.forget()
    whole = "\n".join(repr(_profile(homing, conn, profile_id)) for profile_id in sorted(ids))
    return blake2b(whole.encode(), digest_size=16).hexdigest()


def _profile(homing: Homing, conn: Connection, profile_id: str) -> Any:
    # A damaged store may hold ids that are nobody's or another's: it has another digest then.
    view = finding.view(conn, homing.people, profile_id)
    if view is None:
        return profile_id, None
    intervals = sorted(map(str, view.intervals))
    owners = sorted((fact_name(f.message.source, f.message.trust, f.message.message_id), f.owner) for f in view.facts)
    rows = conn.execute(text("SELECT namespace, value, hub FROM nodes WHERE profile_id = :id"), {"id": profile_id})
    stored = sorted(map(tuple, rows))
    return profile_id, view.profile.profile_id, stored, [tuple(i) for i in view.profile.identifiers], intervals, owners
