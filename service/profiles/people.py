"""Live identity: who is who in the store, in step with its facts, and what is known of one profile.

`take` folds accepted messages in, in the order of their seq; reading never changes anything.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from weakref import WeakKeyDictionary

from sqlalchemy.engine import Connection

from identity.component import Component
from identity.erasures import Graves, Tombstone, graves, tombstone
from identity.identifiers import Identifier
from identity.incremental import Incremental, Trial
from identity.judgements import Judgement, JudgementKind, Undo, Word
from identity.normalize import normalize
from identity.observations import Observation
from identity.profiles import ProfileId, ProfileRef, profile_id
from identity.replaying.founding import founding
from identity.replaying.replay import Sighting
from identity.replaying.state import Moved
from identity.rules import LinkingRules
from service.events.messages import Message
from service.folds import rules_digest
from service.judgements.words import read_erasure, read_parts, read_word
from service.profiles.filed import FiledFacts, Filing
from service.profiles.profile_view import Face
from service.profiles.shelf import StoreShelf
from service.profiles.turnover import Turnover, followed, led_elsewhere
from service.store import chain, changes, facts, locks, nodes
from service.store.changes import Change
from service.store.facts import Fact, FactKind
from service.store.watch import News, Watch

MAX_IDS = 100_000
"""How many profile ids are kept at hand: hashing one costs 5 µs, and a view needs some of the same for each fact."""

MAX_NAMES = 1 << 15
"""How many names that were asked for are kept at hand as they were read."""


class People:
    """The profiles of one store under one set of rules. Belongs to the writer's thread.

    With a `watch` the rules are those that the store is folded under, whoever puts others in force.
    """

    def __init__(self, rules: LinkingRules, key: bytes, watch: Watch | None = None) -> None:
        self.key = key
        self.id_of = lru_cache(maxsize=MAX_IDS)(partial(profile_id, key=key))
        self.filing = Filing(self.id_of)
        self.faces: WeakKeyDictionary[FiledFacts, dict[ProfileRef, Face]] = WeakKeyDictionary()
        self._watch = watch
        self._under(rules)

    def _under(self, rules: LinkingRules) -> None:
        """Go by these rules from now on, with nothing at hand."""
        self.rules = rules
        self.read = lru_cache(maxsize=MAX_NAMES)(partial(normalize, rules=rules))
        self.shelf = StoreShelf(rules, self._component, self._watch)
        self.filing.forget()
        self._at_hand: Incremental | None = None
        self._buried: dict[Tombstone, str] = {}
        self._parting: frozenset[str] | None = None

    def forget(self) -> None:
        """Drop what is at hand: it was rolled back, or another process has written."""
        self.shelf.forget()
        self.filing.forget()
        self._at_hand = None
        self._parting = None

    def purge(self) -> None:
        """Drop what is at hand and every name that was ever read: somebody was erased."""
        self.forget()
        self.read.cache_clear()
        self.shelf.forget_names()
        self.id_of.cache_clear()

    def renew(self, news: News) -> None:
        """Drop what others have changed."""
        if news.erased:
            self.purge()
        elif news.everything or news.judged:
            self.forget()
        else:
            self.shelf.forget_some(news.components)

    def begin(self, conn: Connection) -> None:
        """Work on this connection from now on, with all that people said."""
        if self._at_hand is None and self._watch is not None:
            rules = rules_digest.in_force(conn, self.rules)
            if rules is not None and rules is not self.rules:
                self._under(rules)
        self.shelf.begin(conn)
        if self._at_hand is None:
            words = [read_word(fact) for fact in facts.of_kind(conn, FactKind.JUDGEMENT)]
            self._at_hand = Incremental(self.rules, self.shelf, words, self._graves(conn))

    def start_over(self, conn: Connection, words: Iterable[Word] = (), buried: Graves | None = None) -> None:
        """Begin with nothing at hand but what was erased, which holds for all time: the folds are made again.

        With `words`, go on with it where these are what was folded of all that people said.
        """
        self.forget()
        self.shelf.begin(conn)
        graves_of = self._graves(conn) if buried is None else buried
        self._at_hand = Incremental(self.rules, self.shelf, words, graves_of)

    def apart(self) -> "People":
        """Give people under the same rules, with nothing at hand, for another store."""
        return People(self.rules, self.key)

    @property
    def incremental(self) -> Incremental:
        """What is folded so far. RuntimeError before `begin`."""
        if self._at_hand is None:
            raise RuntimeError("begin() comes first")
        return self._at_hand

    def _component(self, sightings: Iterable[Sighting]) -> Component:
        return self.incremental.component(sightings)

    def _graves(self, conn: Connection) -> Graves:
        erasures = [read_erasure(fact) for fact in facts.of_kind(conn, FactKind.ERASURE)]
        self._buried = {stone: erasure.id for erasure in erasures for stone in erasure.tombstones}
        return graves(erasures, self.key)

    # --- facts in ---

    def hold_named(self, conn: Connection, messages: Iterable[Message]) -> None:
        """Keep other processes off whoever these messages are about, until the transaction ends."""
        self.begin(conn)
        if locks.needed(conn):
            self.hold(conn, dict.fromkeys(i for m in messages for i in self.shelf.observe(m).identifiers))

    def hold(self, conn: Connection, identifiers: Collection[Identifier]) -> None:
        """Hold some identifiers; what others have said or changed meanwhile is read again.

        Raises locks.Taken, too, where other rules came into force meanwhile: under those they may be others.
        """
        before = self.rules
        self.shelf.hold(identifiers)
        self.begin(conn)
        if self.rules is not before:
            raise locks.Taken(())

    def take(self, conn: Connection, accepted: Sequence[tuple[int, Message]]) -> list[Change]:
        """Fold accepted messages, each with its seq, into the profiles; give what that changed of them."""
        self.begin(conn)
        observed = [(seq, message, self.shelf.observe(message)) for seq, message in accepted]
        self.shelf.nodes.expect((seq, observation) for seq, _, observation in observed)
        self.shelf.nodes.look_up(i for _, _, observation in observed for i in observation.identifiers)
        self._write(self.incremental.add_many(observation for _, _, observation in observed))
        for seq, message, observation in observed:
            self.shelf.file(seq, observation, message)
            self._issue_first(observation)
        named = (i for _, _, observation in observed for i in observation.identifiers)
        return self._changed(conn, named, max((m.received_at for _, m in accepted), default=None))

    def take_facts(
        self, conn: Connection, appended: Sequence[Fact], without: Container[int] = frozenset()
    ) -> list[Change]:
        """Fold in what was appended together, of whatever kind it is, but those seqs; give what that changed."""
        told = (fact for fact in appended if fact.kind is FactKind.MESSAGE and fact.seq not in without)
        changed = self.take(conn, [(fact.seq, facts.message(fact)) for fact in told])
        for fact in appended:
            if fact.kind is FactKind.JUDGEMENT:
                changed += self.take_word(conn, read_word(fact), fact.received_at)
        return changed

    def _issue_first(self, observation: Observation) -> None:
        """Issue the id that an observation would have alone, though others of its batch have joined its profile.

        As of a moment between them, the profile goes by it.
        """
        first = founding(observation.identifiers, self.rules) if observation.identifiers else None
        component = self.shelf.component_of(first) if first is not None and self.shelf.nodes.is_new(first) else None
        if first is not None and component is not None and component.replay.ref(first).founder != first:
            self.shelf.issue(self.id_of(ProfileRef(first, self.incremental.graves.generation(first))), first)

    def observe(self, message: Message) -> Observation:
        """Give the observation that a message is under the rules."""
        return self.shelf.observe(message)

    # --- what was erased ---

    def graves(self, conn: Connection) -> Graves:
        """Give what was erased."""
        self.begin(conn)
        return self.incremental.graves

    def erasure_of(self, identifier: Identifier) -> str | None:
        """Give the erasure that covered an identifier last; None where none ever did."""
        return self._buried.get(tombstone(identifier, self.key))

    def alone(self, conn: Connection) -> None:
        """Keep every other writer out until the end of the transaction, and know what they have written.

        Raises locks.Taken where the transaction has done anything else yet: it is then begun again for this alone.
        """
        if chain.pending(conn) or locks.held(conn):
            raise locks.Taken(())
        locks.hold_alone(conn)
        self.shelf.look(conn)
        self.begin(conn)

    # --- what people said ---

    def judge(self, conn: Connection, word: Word, message: Message) -> None:
        """Log a judgement or an undo, `message` being its entry, and fold it in.

        Raises ContradictionError if it cannot hold with the others; the transaction is to be undone then.
        """
        self.begin(conn)
        self.hold(conn, sorted(self._concerned(word)))
        facts.append(conn, FactKind.JUDGEMENT, [message])
        changes.note(conn, self.take_word(conn, word, message.received_at))

    def take_word(self, conn: Connection, word: Word, at: datetime) -> list[Change]:
        """Fold a judgement or an undo of that moment in; give what that changed."""
        self.begin(conn)
        incremental, concerned, self._parting = self.incremental, self._concerned(word), None
        self._write(incremental.judge(word) if isinstance(word, Judgement) else incremental.undo(word))
        return self._changed(conn, sorted(concerned), at)

    def trial(self, conn: Connection, word: Word) -> Trial:
        """Give what a judgement or an undo would change; raises ContradictionError as `judge` does."""
        self.begin(conn)
        self.hold(conn, sorted(self._concerned(word)))
        return self.incremental.trial(word)

    def words(self, conn: Connection) -> Sequence[Word]:
        """Give the judgements and undos said so far."""
        self.begin(conn)
        return self.incremental.words

    def parting(self, conn: Connection) -> frozenset[str]:
        """Give the ids of judgements by which a profile was split."""
        if self._parting is None:
            said = facts.of_kind(conn, FactKind.JUDGEMENT)
            self._parting = frozenset(fact.message_id for fact in said if read_parts(fact))
        return self._parting

    def profiles_of(self, conn: Connection, identifiers: Iterable[Identifier]) -> list[frozenset[Identifier]]:
        """Give the members of the profiles that hold any of these today."""
        self.begin(conn)
        named = list(identifiers)
        self.hold(conn, named)
        found = [(c, i) for i in named if (c := self.shelf.component_of(i)) is not None]
        return list(dict.fromkeys(frozenset(c.replay.cluster(i).members) for c, i in found))

    def _concerned(self, word: Word) -> set[Identifier]:
        """Give whom a word may move: all it names, and all that must be with those."""
        words = self.incremental.words
        undone = [w for w in words if isinstance(word, Undo) and isinstance(w, Judgement) and w.id == word.judgement]
        named = {i for w in (*undone, word) if isinstance(w, Judgement) for i in w.identifiers}
        linked = [w for w in words if isinstance(w, Judgement) and w.kind is JudgementKind.MUST_LINK]
        grown = -1
        while grown != len(named):
            grown = len(named)
            named.update(i for w in linked if not named.isdisjoint(w.identifiers) for i in w.identifiers)
        return named

    def _write(self, moved: Moved) -> None:
        """Write where identifiers moved to, and the ids that this brought up."""
        by_ref: dict[ProfileRef | None, list[Identifier]] = {}
        for identifier, ref in moved.items():
            by_ref.setdefault(ref, []).append(identifier)
        for ref, identifiers in by_ref.items():
            if ref is None:
                self.shelf.nodes.profile_ids(identifiers, None)
                continue
            known_as = self.id_of(ref)
            self.shelf.nodes.profile_ids(identifiers, known_as)
            self.shelf.issue(known_as, ref.founder)

    def _changed(self, conn: Connection, named: Iterable[Identifier], at: datetime | None) -> list[Change]:
        """Write what is not written yet; tell what it changes of ids that were there before. `named` are concerned."""
        former, replayed = self.shelf.nodes.left(), self.shelf.replayed(named)
        self.shelf.flush()
        moved = {identifier: was for identifier, was in former.items() if was is not None}
        founded = nodes.issued_on(conn, self.shelf.nodes.numbers(moved)) if moved else {}
        given_up = followed(founded, moved, self.shelf.component_of, self.id_of)
        for old, component in replayed:
            given_up |= led_elsewhere(old, component, self.id_of)
        if at is None or not (moved or given_up):
            return []
        founders = nodes.founders_of(conn, {*given_up, *moved.values()})
        return Turnover(former, given_up, founders, self.shelf.component_of, self.id_of).changes(at)

    def turned(self, conn: Connection, former: Mapping[Identifier, ProfileId | None], at: datetime) -> list[Change]:
        """Tell what happened to profiles of which these identifiers were, now that their folds were made anew."""
        self.begin(conn)
        founders = nodes.founders_of(conn, {was for was in former.values() if was is not None})
        return Turnover(former, {}, founders, self.shelf.component_of, self.id_of).changes(at)

    # --- raw components ---

    def component_of(self, conn: Connection, identifier: Identifier) -> Component | None:
        """Give the raw component that holds an identifier, not to be changed; None if none does."""
        self.begin(conn)
        self.hold(conn, [identifier])
        return self.shelf.component_of(identifier)

    def components(self, conn: Connection, numbers: Iterable[int]) -> list[Component]:
        """Give raw components by number, for a look at all of them; other processes are not kept off."""
        self.begin(conn)
        return [self.shelf.numbered(number) for number in numbers]
