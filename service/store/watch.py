"""What this process keeps at hand is never older than the transaction it is used in.

Every transaction begins with one look at the chain's head; what other processes have appended since the last look
names the components that are to be read again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from service.errors import SchemaError
from service.store import chain, meta, migrate
from service.store.chain import BlockKind, Head, Sealed
from service.store.statements import Statement

MANY_BLOCKS = 5_000
"""With more blocks to catch up on, everything is read again."""

_LOOK = Statement(
    "SELECT name, value FROM meta WHERE name IN ('head', 'epoch') "
    "UNION ALL SELECT 'schema', version_num FROM alembic_version"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What others have changed: `everything`, or some components; whether a learner has run, a person judged or erased.

    `decided`: they have added decisions, or outcomes.

    After an erasure nothing may stay at hand, neither what it changed nor what it left as it was.
    """

    everything: bool
    components: frozenset[int]
    learned: bool
    judged: bool
    erased: bool = False
    decided: bool = False


class Watch:
    """Looks at what others have written, and tells those who keep something at hand."""

    def __init__(self) -> None:
        self._seen: int | None = None
        self._epoch: str | None = None
        self._listeners: list[Callable[[News], None]] = []

    def listen(self, listener: Callable[[News], None]) -> None:
        """Tell this one, too."""
        self._listeners.append(listener)

    def look(self, conn: Connection) -> None:
        """Catch up, and tell what is new. Raises SchemaError where a newer Homing has taken the store over."""
        told: dict[str, str] = {row.name: row.value for row in _LOOK(conn)}
        if told["schema"] != migrate.HEAD:
            raise SchemaError(f"the store went to schema {told['schema']}; restart this process with that version")
        head, epoch = Head.parse(told.get("head")), told.get(meta.EPOCH)
        if self._seen is None:
            news = None
        elif epoch != self._epoch or not self._seen <= head.block <= self._seen + MANY_BLOCKS:
            news = News(everything=True, components=frozenset(), learned=True, judged=True, erased=True)
        elif head.block > self._seen:
            news = _news(chain.scan(conn, self._seen))
        else:
            news = None
        self._seen, self._epoch = head.block, epoch
        if news is not None:
            self._tell(news)

    def sealed(self, sealed: Sealed | None) -> None:
        """Know one's own blocks, committed now; nobody else's, should some have come between."""
        if sealed is not None and sealed.before.block == self._seen:
            self._seen = sealed.after.block

    def distrust(self) -> None:
        """Have everything read again: what is at hand was undone."""
        self._tell(News(everything=True, components=frozenset(), learned=True, judged=True))

    def _tell(self, news: News) -> None:
        for listener in self._listeners:
            listener(news)


def _news(blocks: Iterable[chain.Block]) -> News:
    components: set[int] = set()
    kinds: set[BlockKind] = set()
    for block in blocks:
        components.update(block.touched)
        kinds.add(block.kind)
    return News(
        everything=False,
        components=frozenset(components),
        learned=BlockKind.RUN in kinds,
        judged=BlockKind.WORDS in kinds,
        erased=BlockKind.ERASURES in kinds,
        decided=BlockKind.DECISIONS in kinds,
    )
