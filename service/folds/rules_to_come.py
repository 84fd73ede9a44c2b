"""Other rules come into force at once and whole: until their folds are made from the logs, the former ones answer.

The folds to come are made beside those in force, some blocks of the chain in a job, and each job writes down how far
they are: a process that dies loses one job's work, and whoever comes next goes on from there. Once nothing is left to
fold, the same transaction puts them in force. They are then, to the last bit, what `homing rebuild` would make.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import orjson
from sqlalchemy.engine import Connection

from identity.rules import LinkingRules
from service.folds import rules_digest
from service.folds.rules_digest import rules_digest as digest_of
from service.judgements.words import read_word
from service.profiles.people import People
from service.store import chain, changes, facts, faults, locks, meta, next_folds, nodes, purges
from service.store.chain import FACT_BLOCKS, Block, BlockKind
from service.store.statements import folding_next
from service.store.watch import News, Watch

JOB_SECONDS = 0.025
"""A job folds blocks for this long, so that others need not wait."""

LAST_BLOCKS = 20
"""With so few blocks left, the rest is folded in the transaction that switches, or a busy store might never end it."""

_PAGE = 20
_MAKER = locks.name_key("rules to come")
"""Held by whichever process makes the folds to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """How far the folds to come are: `block` of the `head` blocks that the chain had then.

    `done`: they are in force. `waits`: another process is at it.
    """

    digest: str
    block: int
    head: int
    done: bool = False
    waits: bool = False

    @property
    def share(self) -> float:
        """The share of the logs that is folded, from 0 to 1."""
        return self.block / self.head if self.head else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What the store keeps of the folds to come; `begun` is the newest block when they were."""

    digest: str
    rules: str = field(repr=False)
    begun: int
    block: int


def want(conn: Connection, rules: LinkingRules) -> bool:
    """Have folds made under these rules; False, and no effect, where they are in force. A job of the writer.

    Those under way for the same rules go on; those for others are let go of.
    """
    digest = digest_of(rules)
    if meta.get(conn, meta.RULES_DIGEST) == digest:
        return False
    kept = _kept(conn)
    if kept is None or kept.digest != digest:
        _begin(conn, digest, rules_digest.write(rules))
    return True


def start_over(conn: Connection) -> None:
    """Let what is made of the folds to come be made from the first block: an erasure leaves nothing of it valid."""
    kept = _kept(conn)
    if kept is not None:
        _begin(conn, kept.digest, kept.rules)


def give_up(conn: Connection) -> bool:
    """Let go of folds under way, if there are any; tell whether there were."""
    if _kept(conn) is None:
        return False
    next_folds.drop(conn)
    meta.drop(conn, meta.NEXT_RULES)
    return True


def settle(conn: Connection) -> None:
    """Let go of folds under way for the rules that are in force by now."""
    kept = _kept(conn)
    if kept is not None and kept.digest == meta.get(conn, meta.RULES_DIGEST):
        give_up(conn)


def progress(conn: Connection) -> Folded | None:
    """Tell how far the folds to come are; None where none are made."""
    kept = _kept(conn)
    return None if kept is None else _told(conn, kept)


class RulesToCome:
    """Makes the folds to come, whatever the rules that are wanted. Belongs to the writer's thread.

    `key` makes profile ids; `watch` hears of the switch, for all that is at hand is of the former rules then.
    """

    def __init__(
        self,
        key: bytes,
        watch: Watch,
        *,
        last: int = LAST_BLOCKS,
        elapsed: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._key = key
        self._last = last
        self._watch = watch
        self._elapsed = elapsed
        self._people: People | None = None
        self._at: _Kept | None = None
        self.last: Folded | None = None
        """How far the folds to come were when it was last looked; None where none were made."""
        watch.listen(self.renew)

    def renew(self, news: News) -> None:
        """Drop what is at hand if it was undone; other processes' facts are folded in when their turn comes."""
        if news.everything:
            self._people = self._at = None

    def look(self, conn: Connection) -> None:
        """Look how far the folds to come are, whoever makes them."""
        self.last = progress(conn)

    def step(self, conn: Connection) -> Folded | None:
        """Fold some more, or put all in force; tell how far it is, None where nothing is wanted.

        Nothing is done while another process is at it.
        """
        found = self._step(conn)
        self.last = None if found is None or found.done else found
        return found

    def _step(self, conn: Connection) -> Folded | None:
        kept = _kept(conn)
        if kept is None:
            return None
        if not locks.try_once(conn, _MAKER):
            return replace(_told(conn, kept), waits=True)
        kept = self._fold(conn, kept, self._elapsed() + JOB_SECONDS)
        faults.reach("mid_next_folds")
        if kept.block + self._last < chain.head(conn).block:
            return _told(conn, kept)
        return self._switch(conn, kept)

    def _fold(self, conn: Connection, kept: _Kept, until: float) -> _Kept:
        """Fold blocks until a moment, at least one; write down how far it came."""
        for block in chain.scan(conn, kept.block, _PAGE):
            if block.kind is BlockKind.ERASURES and block.block > kept.begun:
                kept = _begin(conn, kept.digest, kept.rules)
                break
            self._take(conn, kept, block)
            kept = self._at = replace(kept, block=block.block)
            if self._elapsed() > until:
                break
        _keep(conn, kept)
        return kept

    def _take(self, conn: Connection, kept: _Kept, block: Block) -> None:
        if block.kind in FACT_BLOCKS:
            with folding_next(conn):
                doomed = purges.planned(conn, purges.FACTS)
                self._people_of(conn, kept).take_facts(conn, facts.read(conn, block.seqs()), without=doomed)

    def _people_of(self, conn: Connection, kept: _Kept) -> People:
        """Give the profiles to come, at hand or as the store has them after the blocks folded."""
        if self._people is None or self._at != kept:
            said = [seq for block in chain.of_kind(conn, BlockKind.WORDS, kept.block) for seq in block.seqs()]
            self._people = People(rules_digest.read(kept.rules), self._key)
            self._people.start_over(conn, map(read_word, facts.read(conn, said)))
        return self._people

    def _switch(self, conn: Connection, kept: _Kept) -> Folded:
        """Fold what has come in meanwhile, and put the folds in force. Raises locks.Taken: it begins empty-handed."""
        if locks.held(conn):
            raise locks.Taken(())
        locks.hold_alone(conn)
        # What this transaction has appended so far belongs to both: the former folds have it already.
        chain.seal(conn)
        kept = self._fold(conn, kept, float("inf"))
        if kept.block < chain.head(conn).block:
            return _told(conn, kept)
        nodes.keep_ids(conn, unless_to_come=True)
        next_folds.put_in_force(conn)
        nodes.drop_reissued(conn)
        rules_digest.remember(conn, rules_digest.read(kept.rules))
        meta.drop(conn, meta.NEXT_RULES)
        changes.other_rules(conn)
        meta.put(conn, meta.EPOCH, str(int(meta.get(conn, meta.EPOCH) or 0) + 1))
        self._watch.distrust()
        faults.reach("after_switch")
        return Folded(digest=kept.digest, block=kept.block, head=kept.block, done=True)


def _begin(conn: Connection, digest: str, rules: str) -> _Kept:
    """Begin at the first block, with empty tables."""
    next_folds.make(conn, int(meta.get(conn, meta.EPOCH) or 0) + 1)
    kept = _Kept(digest=digest, rules=rules, begun=chain.head(conn).block, block=0)
    _keep(conn, kept)
    return kept


def _kept(conn: Connection) -> _Kept | None:
    written = meta.get(conn, meta.NEXT_RULES)
    return None if written is None else _Kept(**orjson.loads(written))


def _keep(conn: Connection, kept: _Kept) -> None:
    told = {"digest": kept.digest, "rules": kept.rules, "begun": kept.begun, "block": kept.block}
    meta.put(conn, meta.NEXT_RULES, orjson.dumps(told).decode())


def _told(conn: Connection, kept: _Kept) -> Folded:
    return Folded(digest=kept.digest, block=kept.block, head=chain.head(conn).block)
