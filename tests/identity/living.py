"""A small deployment in memory: the log beside the shelf, as a store keeps it, and in the oracle's plain words.

Every operation goes through the engine's public calls; the log alone is what R is asked of.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from identity.component import Component
from identity.covering import Covered, covered
from identity.erasures import Erasure, graves
from identity.errors import ContradictionError
from identity.history import History
from identity.identifiers import Identifier
from identity.incremental import Incremental
from identity.judgements import Undo, Word
from identity.observations import Observation
from identity.ports import MemoryShelf
from identity.resolve import Resolution, resolve
from identity.rules import LinkingRules
from tests.identity.compare import KEY, Said, by_components, by_engine, by_oracle, by_shelf, without_company
from tests.identity.oracle import Answer, Buried, forbidden, oracle


class Living:
    """Facts as they arrive, and what the incremental resolver makes of them."""

    def __init__(self, rules: LinkingRules) -> None:
        self.rules = rules
        self.shelf = MemoryShelf()
        self.resolver = Incremental(rules, self.shelf)
        self.observations: list[Observation] = []
        self.words: list[Word] = []
        self.erasures: list[Erasure] = []
        self.buried: list[Buried] = []

    # --- facts in ---

    def ingest(self, observations: Sequence[Observation]) -> None:
        """Log and fold those that are new and that no erasure forbids."""
        known = {o.key for o in self.observations}
        new = {o.key: o for o in observations if o.key not in known}
        drops = self.resolver.graves.drops
        assert [drops(o) for o in new.values()] == [forbidden(o, self.buried) for o in new.values()]
        believed = [o for o in new.values() if not drops(o)]
        self.resolver.add_many(believed)
        self.observations += believed

    def say(self, word: Word) -> bool:
        """Log and fold a word; False if it contradicts the others, and then nothing has changed."""
        before = self.said()
        try:
            self.resolver.undo(word) if isinstance(word, Undo) else self.resolver.judge(word)
        except ContradictionError:
            assert self.said() == before
            return False
        self.words.append(word)
        return True

    def erase(self, given: Iterable[Identifier], at: datetime) -> Covered:
        """Tombstones first, then the purge of the log, then the folds."""
        named = frozenset(given)
        gone = covered(named, self.shelf.find(sorted(named)), self.shelf.hubs(named), self.rules, KEY)
        self.erasures.append(Erasure(id=f"e{len(self.erasures)}", at=at, tombstones=gone.tombstones))
        self.buried.append(Buried(at, gone.buried))
        now = graves(self.erasures, KEY)
        lost = {o.key for o in gone.observations}
        self.observations = [o for o in self.observations if o.key not in lost]
        left = [w if isinstance(w, Undo) else w.without(gone.buried) for w in self.words]
        self.words = [w for w in left if w is not None]
        self.resolver.erase(self.shelf, gone.observations, now, self.words, self.naming)
        return gone

    def naming(self, identifiers: Iterable[Identifier]) -> list[Observation]:
        """Give what the log has that names any of these."""
        some = frozenset(identifiers)
        return [o for o in self.observations if not some.isdisjoint(o.identifiers)]

    def rebuild(self) -> None:
        """Throw the folds away and make them again from the log."""
        self.shelf = MemoryShelf()
        self.resolver = Incremental(self.rules, self.shelf, self.words, graves(self.erasures, KEY))
        self.resolver.add_many(self.observations)

    # --- answers ---

    def said(self) -> Said:
        """Say what is on the shelf."""
        return by_shelf(self.shelf, self.observations)

    def resolution(self, as_of: datetime | None = None) -> Resolution:
        """Ask R of the log."""
        return resolve(self.observations, self.rules, self.words, erasures=self.erasures, key=KEY, as_of=as_of)

    def defined(self) -> Said:
        """Say what R makes of the log."""
        return without_company(by_engine(self.resolution()))

    def plain(self, as_of: datetime | None = None) -> Answer:
        """Ask the oracle of the log."""
        return oracle(self.observations, self.rules, self.words, as_of, self.buried)

    def told_by_oracle(self) -> Said:
        """Say what the oracle makes of the log."""
        return without_company(by_oracle(self.plain()))

    def as_of(self, identifiers: Iterable[Identifier], moment: datetime) -> list[Component]:
        """Ask for the components of some identifiers by what was known at a moment."""
        history = History(
            rules=self.rules, shelf=self.shelf, naming=self.naming, words=self.words, graves=self.resolver.graves
        )
        return history.as_of(identifiers, moment)

    def said_as_of(self, identifiers: Iterable[Identifier], moment: datetime) -> Said:
        """Say what these components hold."""
        return by_components(self.as_of(identifiers, moment), (), ())
