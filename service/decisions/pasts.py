"""What was sent to some endpoints, and what came of it, is kept at hand; it is what reading it again would give.

The store's folds tell of each decision and outcome that this process puts into them (`decisions.follow`); of what other
processes wrote, and of what was rolled back, whoever owns this is told by the watch, and forgets everything.
"""

from bisect import insort
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from channel_selector.model.learning import Reported
from channel_selector.outcomes import Outcome, OutcomeKind
from service.store import decisions
from service.store.decisions import DecisionRow, OutcomeRow
from service.store.times import EPOCH

MAX_ROWS = 200_000
"""How many decisions are kept at hand together, each with what came of it: less than half a kilobyte each."""
_END = datetime.max.replace(tzinfo=UTC)
_Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Past:
    """Decisions that send to some endpoints, by send time, and what was reported of them, by time."""

    sent: tuple[DecisionRow, ...] = ()
    came: tuple[Reported, ...] = ()

    @property
    def weight(self) -> int:
        """What it counts for: an endpoint without a past takes room, too."""
        return 1 + len(self.sent)


def read(conn: Connection, names: Collection[str], until: datetime | None = None) -> Past:
    """Read what was sent to some endpoints and what was reported of it, up to a moment."""
    end = _END if until is None else until
    sent = decisions.to_endpoints(conn, sorted(names), EPOCH, end) if names else []
    found = decisions.outcomes_of(conn, [row.decision_id for row in sent]) if sent else []
    came = ((row.decision_id, Outcome(kind=OutcomeKind(row.kind), at=row.at)) for row in found if row.at <= end)
    return Past(tuple(sent), tuple(came))


class Pasts:
    """Keeps the pasts asked for last. Belongs to the writer's thread."""

    def __init__(self, max_rows: int = MAX_ROWS) -> None:
        self._max_rows = max_rows
        self.forget()

    def forget(self) -> None:
        """Drop everything."""
        self._kept: OrderedDict[_Names, Past] = OrderedDict()
        self._concerned: dict[str, set[_Names]] = {}
        self.weight = 0
        """How much is at hand: never more than `max_rows` between calls."""

    def of(self, conn: Connection, names: Iterable[str]) -> Past:
        """Give what `read` gives; from now on the connection's folds tell of what they take in."""
        decisions.follow(conn, self)
        asked = frozenset(names)
        past = self._kept.get(asked)
        if past is None:
            past = read(conn, asked)
            self._keep(asked, past)
            while self.weight > self._max_rows:
                self._drop(next(iter(self._kept)))
        else:
            self._kept.move_to_end(asked)
        return past

    def decided(self, row: DecisionRow) -> None:
        """Take a decision in. Its id is new, and nobody could guess it: nothing was told of it yet."""
        for names in self._concerned.get(row.endpoint_id or "", set()).copy():
            past = self._kept[names]
            sent = list(past.sent)
            insort(sent, row, key=_place)
            self._kept[names] = Past(tuple(sent), past.came)
            self.weight += 1
            self._concerned.setdefault(row.decision_id, set()).add(names)

    def came(self, row: OutcomeRow) -> None:
        """Take note that there is more to read of a decision."""
        for names in self._concerned.get(row.decision_id, set()).copy():
            self._drop(names)

    def _keep(self, names: _Names, past: Past) -> None:
        self._kept[names] = past
        self.weight += past.weight
        for concerned in _concerned(names, past):
            self._concerned.setdefault(concerned, set()).add(names)

    def _drop(self, names: _Names) -> Past:
        past = self._kept.pop(names)
        self.weight -= past.weight
        for concerned in _concerned(names, past):
            kept = self._concerned[concerned]
            kept.discard(names)
            if not kept:
                del self._concerned[concerned]
        return past


def _concerned(names: _Names, past: Past) -> Iterable[str]:
    """Give the endpoints and decisions that a past is about."""
    yield from names
    for row in past.sent:
        yield row.decision_id


def _place(row: DecisionRow) -> tuple[datetime, int]:
    return (_END if row.send_at is None else row.send_at), row.seq
