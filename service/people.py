"""Live identity: who is who in the store, in step with its facts, and what is known of one profile.

`take` folds accepted messages in, in the order of their seq; reading never changes anything.
"""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from weakref import WeakKeyDictionary

from sqlalchemy.engine import Connection

from identity.component import Component
from identity.covering import Covered, covered
from identity.erasures import Graves, Tombstone, graves, tombstone
from identity.explain import Explanation, explain, seen_beside
from identity.founding import founding
from identity.history import History
from identity.identifiers import Identifier, NamespaceClass
from identity.incremental import Incremental, Trial
from identity.judgements import Judgement, JudgementKind, Undo, Word, in_force
from identity.normalize import normalize
from identity.observations import Observation
from identity.ownership import deciding
from identity.profiles import Profile, ProfileId, ProfileRef, profile_id
from identity.replay import Moved, Sighting
from identity.rules import LinkingRules
from service import rules_digest
from service.filed import FiledFacts, Filing
from service.messages import Message
from service.profile_view import Face, Glance, Parted, ProfileView, face_of, view_of
from service.reading import Known, Reader
from service.shelf import StoreShelf
from service.store import chain, changes, facts, locks, nodes
from service.store.changes import Change
from service.store.facts import Fact, FactKind
from service.store.watch import News, Watch
from service.turnover import Turnover, current, followed, led_elsewhere
from service.words import read_erasure, read_parts, read_word

MAX_IDS = 100_000
"""How many profile ids are kept at hand: hashing one costs 5 µs, and a view needs some of the same for each fact."""

MAX_NAMES = 1 << 15
"""How many names that were asked for are kept at hand as they were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What an erasure covers: facts by seq, with their types, and all ids that its profiles were ever known by."""

    covered: Covered
    types: Mapping[int, str]
    profile_ids: tuple[ProfileId, ...]

    @property
    def seqs(self) -> Collection[int]:
        """The facts, by seq."""
        return self.types.keys()


class People:
    """The profiles of one store under one set of rules. Belongs to the writer's thread.

    With a `watch` the rules are those that the store is folded under, whoever puts others in force.
    """

    def __init__(self, rules: LinkingRules, key: bytes, watch: Watch | None = None) -> None:
        self.key = key
        self._id = lru_cache(maxsize=MAX_IDS)(partial(profile_id, key=key))
        self._filing = Filing(self._id)
        self._faces: WeakKeyDictionary[FiledFacts, dict[ProfileRef, Face]] = WeakKeyDictionary()
        self._watch = watch
        self._under(rules)

    def _under(self, rules: LinkingRules) -> None:
        """Go by these rules from now on, with nothing at hand."""
        self.rules = rules
        self._read = lru_cache(maxsize=MAX_NAMES)(partial(normalize, rules=rules))
        self._shelf = StoreShelf(rules, self._component, self._watch)
        self._filing.forget()
        self._at_hand: Incremental | None = None
        self._buried: dict[Tombstone, str] = {}
        self._parting: frozenset[str] | None = None

    def forget(self) -> None:
        """Drop what is at hand: it was rolled back, or another process has written."""
        self._shelf.forget()
        self._filing.forget()
        self._at_hand = None
        self._parting = None

    def purge(self) -> None:
        """Drop what is at hand and every name that was ever read: somebody was erased."""
        self.forget()
        self._read.cache_clear()
        self._shelf.forget_names()
        self._id.cache_clear()

    def renew(self, news: News) -> None:
        """Drop what others have changed."""
        if news.erased:
            self.purge()
        elif news.everything or news.judged:
            self.forget()
        else:
            self._shelf.forget_some(news.components)

    def begin(self, conn: Connection) -> None:
        """Work on this connection from now on, with all that people said."""
        if self._at_hand is None and self._watch is not None:
            rules = rules_digest.in_force(conn, self.rules)
            if rules is not None and rules is not self.rules:
                self._under(rules)
        self._shelf.begin(conn)
        if self._at_hand is None:
            words = [read_word(fact) for fact in facts.of_kind(conn, FactKind.JUDGEMENT)]
            self._at_hand = Incremental(self.rules, self._shelf, words, self._graves(conn))

    def start_over(self, conn: Connection, words: Iterable[Word] = (), buried: Graves | None = None) -> None:
        """Begin with nothing at hand but what was erased, which holds for all time: the folds are made again.

        With `words`, go on with it where these are what was folded of all that people said.
        """
        self.forget()
        self._shelf.begin(conn)
        graves_of = self._graves(conn) if buried is None else buried
        self._at_hand = Incremental(self.rules, self._shelf, words, graves_of)

    def apart(self) -> "People":
        """Give people under the same rules, with nothing at hand, for another store."""
        return People(self.rules, self.key)

    @property
    def _incremental(self) -> Incremental:
        if self._at_hand is None:
            raise RuntimeError("begin() comes first")
        return self._at_hand

    def _component(self, sightings: Iterable[Sighting]) -> Component:
        return self._incremental.component(sightings)

    def _graves(self, conn: Connection) -> Graves:
        erasures = [read_erasure(fact) for fact in facts.of_kind(conn, FactKind.ERASURE)]
        self._buried = {stone: erasure.id for erasure in erasures for stone in erasure.tombstones}
        return graves(erasures, self.key)

    # --- facts in ---

    def hold(self, conn: Connection, messages: Iterable[Message]) -> None:
        """Keep other processes off whoever these messages are about, until the transaction ends."""
        self.begin(conn)
        if locks.needed(conn):
            self._hold(conn, dict.fromkeys(i for m in messages for i in self._shelf.observe(m).identifiers))

    def _hold(self, conn: Connection, identifiers: Collection[Identifier]) -> None:
        """Hold some identifiers; what others have said or changed meanwhile is read again.

        Raises locks.Taken, too, where other rules came into force meanwhile: under those they may be others.
        """
        before = self.rules
        self._shelf.hold(identifiers)
        self.begin(conn)
        if self.rules is not before:
            raise locks.Taken(())

    def take(self, conn: Connection, accepted: Sequence[tuple[int, Message]]) -> list[Change]:
        """Fold accepted messages, each with its seq, into the profiles; give what that changed of them."""
        self.begin(conn)
        observed = [(seq, message, self._shelf.observe(message)) for seq, message in accepted]
        self._shelf.number((seq, observation) for seq, _, observation in observed)
        self._shelf.look_up(i for _, _, observation in observed for i in observation.identifiers)
        self._write(self._incremental.add_many(observation for _, _, observation in observed))
        for seq, message, observation in observed:
            self._shelf.file(seq, observation, message)
            self._issue_first(observation)
        named = (i for _, _, observation in observed for i in observation.identifiers)
        return self._changed(conn, named, max((m.received_at for _, m in accepted), default=None))

    def _issue_first(self, observation: Observation) -> None:
        """Issue the id that an observation would have alone, though others of its batch have joined its profile.

        As of a moment between them, the profile goes by it.
        """
        first = founding(observation.identifiers, self.rules) if observation.identifiers else None
        component = self._shelf.component_of(first) if first is not None and self._shelf.is_new(first) else None
        if first is not None and component is not None and component.replay.ref(first).founder != first:
            self._shelf.issue(self._id(ProfileRef(first, self._incremental.graves.generation(first))), first)

    # --- what was erased ---

    def observe(self, message: Message) -> Observation:
        """Give the observation that a message is under the rules."""
        return self._shelf.observe(message)

    def kept_out_by(self, conn: Connection, messages: Sequence[Message]) -> list[str | None]:
        """Give, for each message, the erasure that forbids to believe it; None for those that none forbids."""
        self.begin(conn)
        buried = self._incremental.graves
        if buried.find is None:
            return [None] * len(messages)
        observed = [self._shelf.observe(message) for message in messages]
        return [self._erasure_of(each.identifiers) if buried.drops(each) else None for each in observed]

    def graves(self, conn: Connection) -> Graves:
        """Give what was erased."""
        self.begin(conn)
        return self._incremental.graves

    def erased(self, conn: Connection, ask: Sequence[tuple[str, str]], wanted: ProfileId | None) -> bool:
        """Tell whether somebody was erased who is meant by raw names, or by a profile's id, and has not come back."""
        self.begin(conn)
        if self._incremental.graves.find is None:
            return False
        if wanted is not None and tombstone(profile_name(wanted), self.key) in self._buried:
            return nodes.founder_of(conn, wanted) is None
        read = [i for i in (self._read(*raw) for raw in ask) if isinstance(i, Identifier)]
        gone = [i for i in read if self._incremental.graves.of(i) is not None]
        return any(self._shelf.component_of(i) is None for i in gone)

    def erasures_of(self, conn: Connection, identifiers: Iterable[Identifier]) -> list[str | None]:
        """Give the erasure that each of these was covered by last, None for those never erased."""
        self.begin(conn)
        return [self._buried.get(tombstone(i, self.key)) for i in identifiers]

    def covered(self, conn: Connection, given: Collection[Identifier]) -> Coverage:
        """Give what an erasure of these identifiers would cover, and by which ids its profiles were ever known."""
        self.begin(conn)
        self._hold(conn, sorted(given))
        found = self._shelf.find(sorted(given))
        gone = covered(given, found, self._shelf.hubs(given), self.rules, self.key)
        lost = {observation.key for observation in gone.observations}
        types = {
            seq: message.type
            for c in found
            for seq, (message, observation) in self._shelf.history(c).items()
            if observation.key in lost
        }
        return Coverage(covered=gone, types=types, profile_ids=tuple(self._ids_of(conn, found, gone.profiles)))

    def alone(self, conn: Connection) -> None:
        """Keep every other writer out until the end of the transaction, and know what they have written.

        Raises locks.Taken where the transaction has done anything else yet: it is then begun again for this alone.
        """
        if chain.pending(conn) or locks.held(conn):
            raise locks.Taken(())
        locks.hold_alone(conn)
        self._shelf.look(conn)
        self.begin(conn)

    def _erasure_of(self, identifiers: Iterable[Identifier]) -> str:
        """Give the erasure that one of these was covered by last."""
        return next(name for i in identifiers if (name := self._buried.get(tombstone(i, self.key))) is not None)

    def _ids_of(
        self, conn: Connection, found: Sequence[Component], refs: Collection[ProfileRef]
    ) -> Iterable[ProfileId]:
        """Give all ids ever issued that stand for some profiles today."""
        numbers = {number for c in found if (number := self._shelf.number_of(c)) is not None}
        by_founder = {i: c for c in found for i in c.known}
        for known_as, founder in nodes.issued_of(conn, sorted(numbers)):
            component = by_founder.get(founder.identifier)
            if component is not None and current(component, founder.identifier, known_as, self._id) in refs:
                yield known_as

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

    # --- what people said ---

    def judge(self, conn: Connection, word: Word, message: Message) -> None:
        """Log a judgement or an undo, `message` being its entry, and fold it in.

        Raises ContradictionError if it cannot hold with the others; the transaction is to be undone then.
        """
        self.begin(conn)
        self._hold(conn, sorted(self._concerned(word)))
        facts.append(conn, FactKind.JUDGEMENT, [message])
        changes.note(conn, self.take_word(conn, word, message.received_at))

    def take_word(self, conn: Connection, word: Word, at: datetime) -> list[Change]:
        """Fold a judgement or an undo of that moment in; give what that changed."""
        self.begin(conn)
        incremental, concerned, self._parting = self._incremental, self._concerned(word), None
        self._write(incremental.judge(word) if isinstance(word, Judgement) else incremental.undo(word))
        return self._changed(conn, sorted(concerned), at)

    def trial(self, conn: Connection, word: Word) -> Trial:
        """Give what a judgement or an undo would change; raises ContradictionError as `judge` does."""
        self.begin(conn)
        self._hold(conn, sorted(self._concerned(word)))
        return self._incremental.trial(word)

    def words(self, conn: Connection) -> Sequence[Word]:
        """Give the judgements and undos said so far."""
        self.begin(conn)
        return self._incremental.words

    def profiles_of(self, conn: Connection, identifiers: Iterable[Identifier]) -> list[frozenset[Identifier]]:
        """Give the members of the profiles that hold any of these today."""
        self.begin(conn)
        named = list(identifiers)
        self._hold(conn, named)
        found = [(c, i) for i in named if (c := self._shelf.component_of(i)) is not None]
        return list(dict.fromkeys(frozenset(c.replay.cluster(i).members) for c, i in found))

    def _concerned(self, word: Word) -> set[Identifier]:
        """Give whom a word may move: all it names, and all that must be with those."""
        words = self._incremental.words
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
                self._shelf.profile_ids(identifiers, None)
                continue
            known_as = self._id(ref)
            self._shelf.profile_ids(identifiers, known_as)
            self._shelf.issue(known_as, ref.founder)

    def _changed(self, conn: Connection, named: Iterable[Identifier], at: datetime | None) -> list[Change]:
        """Write what is not written yet; tell what it changes of ids that were there before. `named` are concerned."""
        former, replayed = self._shelf.left(), self._shelf.replayed(named)
        self._shelf.flush()
        moved = {identifier: was for identifier, was in former.items() if was is not None}
        founded = nodes.issued_on(conn, self._shelf.numbers(moved)) if moved else {}
        given_up = followed(founded, moved, self._shelf.component_of, self._id)
        for old, component in replayed:
            given_up |= led_elsewhere(old, component, self._id)
        if at is None or not (moved or given_up):
            return []
        founders = nodes.founders_of(conn, {*given_up, *moved.values()})
        return Turnover(former, given_up, founders, self._shelf.component_of, self._id).changes(at)

    def turned(self, conn: Connection, former: Mapping[Identifier, ProfileId | None], at: datetime) -> list[Change]:
        """Tell what happened to profiles of which these identifiers were, now that their folds were made anew."""
        self.begin(conn)
        founders = nodes.founders_of(conn, {was for was in former.values() if was is not None})
        return Turnover(former, {}, founders, self._shelf.component_of, self._id).changes(at)

    # --- why ---

    def id_of(self, ref: ProfileRef) -> ProfileId:
        """Give a profile's id."""
        return self._id(ref)

    def explain(self, conn: Connection, left: Identifier, right: Identifier) -> Explanation:
        """Tell why two identifiers are in one profile, or why not."""
        self.begin(conn)
        self._hold(conn, [left, right])
        found = self._shelf.find([left, right])
        hubs = self._shelf.hubs(seen_beside([left, right], found))
        return explain(left, right, found, in_force(self._incremental.words), hubs)

    def component_of(self, conn: Connection, identifier: Identifier) -> Component | None:
        """Give the raw component that holds an identifier, not to be changed; None if none does."""
        self.begin(conn)
        self._hold(conn, [identifier])
        return self._shelf.component_of(identifier)

    def known_by(self, conn: Connection, identifiers: Iterable[Identifier], moment: datetime) -> Known:
        """Give what was known at a moment that bears on some identifiers."""
        self.begin(conn)
        incremental, reader = self._incremental, Reader(self._shelf, partial(self._hold, conn))
        history = History(
            rules=self.rules,
            shelf=reader,
            naming=reader.naming,
            words=incremental.words,
            graves=incremental.graves,
        )
        shelf = history.past(identifiers, moment)
        return Known(shelf=shelf, judgements=tuple(in_force(incremental.words, moment)), messages=reader.messages)

    def components(self, conn: Connection, numbers: Iterable[int]) -> list[Component]:
        """Give raw components by number, for a look at all of them; other processes are not kept off."""
        self.begin(conn)
        return [self._shelf.numbered(number) for number in numbers]

    # --- who is who ---

    def view(self, conn: Connection, wanted: ProfileId) -> ProfileView | None:
        """Give the profile an id stands for today: itself, the survivor, or whoever holds its founder; None if none."""
        self.begin(conn)
        node = nodes.founder_of(conn, wanted)
        if node is not None:
            self._hold(conn, [node.identifier])
        component = None if node is None else self._shelf.component_of(node.identifier)
        if node is None or component is None:
            return None
        ref = current(component, node.identifier, wanted, self._id)
        return self._view(conn, component, ref, wanted)

    def who(self, conn: Connection, recipient: Sequence[tuple[str, str]], at: datetime) -> Glance | None:
        """Give whose an event with these raw identifiers would be at a moment; None for people never seen.

        A device belongs to who held it then, a contact to the person it was last seen with before. Where the person
        named first was never seen, another person's device or contact beside it does not make it that one.
        """
        self.begin(conn)
        read = [i for i in (self._read(*raw) for raw in recipient) if isinstance(i, Identifier)]
        named = sorted(read, key=self.rules.rank)
        self._hold(conn, named)
        known = [i for i in named if self._shelf.component_of(i) is not None]
        if not known:
            return None
        persons = [i for i in named if self.rules.kind(i) is NamespaceClass.PERSON]
        component = self._shelf.component_of(known[0])
        assert component is not None  # noqa: S101 - it is of a known one
        together = [i for i in known if i in component.known]
        person = component.replay.person(deciding(together, self.rules))
        ref = component.owners().at(together, at, person)
        seen = None if ref is None else self._glance(conn, component, ref)
        another = seen is not None and seen.profile.is_person and bool(persons) and persons[0] not in known
        return None if another else seen

    def profile_of(self, conn: Connection, namespace: str, value: str) -> ProfileView | None:
        """Give the profile that holds an identifier today; None if it was never seen or is a hub."""
        self.begin(conn)
        identifier = self._read(namespace, value)
        if not isinstance(identifier, Identifier):
            return None
        self._hold(conn, [identifier])
        component = self._shelf.component_of(identifier)
        if component is None:
            return None
        return self._view(conn, component, component.replay.ref(identifier), None)

    def _view(self, conn: Connection, component: Component, ref: ProfileRef, asked: ProfileId | None) -> ProfileView:
        filed = self._filing.file(component, self._shelf.history(component))
        view = view_of(component, ref, asked, filed=filed, hubs=self._shelf.hubs, id_of=self._id)
        return replace(view, parted=self._parted(conn, view.profile))

    def _glance(self, conn: Connection, component: Component, ref: ProfileRef) -> Glance:
        filed = self._filing.file(component, self._shelf.history(component))
        faces = self._faces.setdefault(filed, {})
        if ref not in faces:
            faces[ref] = face_of(component, ref, self._id)
        profile, absorbed = faces[ref]
        return Glance(profile=profile, absorbed=absorbed, filed=filed, parted=self._parted(conn, profile))

    def _parted(self, conn: Connection, profile: Profile) -> tuple[Parted, ...]:
        return tuple(self.parted(conn, profile.identifiers, in_force(self._incremental.words)))

    def parted(
        self, conn: Connection, members: Collection[Identifier], words: Collection[Judgement]
    ) -> Iterator[Parted]:
        """Give whom these judgements parted from these."""
        if words and self._parting is None:
            said = facts.of_kind(conn, FactKind.JUDGEMENT)
            self._parting = frozenset(fact.message_id for fact in said if read_parts(fact))
        for word in words if self._parting else ():
            if self._parting and word.id in self._parting:
                for mine, theirs in ((word.left, word.right), (word.right, word.left)):
                    if not mine.isdisjoint(members):
                        yield Parted(others=theirs.difference(members), at=word.at)


def profile_name(known_as: ProfileId) -> Identifier:
    """Give the name that a tombstone of a profile's id is made of: no event can carry it."""
    return Identifier("homing:profile", known_as)
