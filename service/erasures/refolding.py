"""After an erasure the folds are what they would be had the erased facts never been: to the last row, as of a rebuild.

Only the raw components that erased facts touched are folded anew, from what is left of theirs, block by block as it was
appended, in a store in memory; then their rows change places. A hub that no erased fact names is what it was: it became
one by facts that are all of one raw component, its home. Where that is folded anew it becomes one there again;
elsewhere it is one from the start, for what came before that is at its home.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.engine import Connection

from identity.erasures import Graves
from identity.hubs import PersonTally
from identity.identifiers import Identifier
from identity.judgements import Judgement, Word
from service.profiles.people import People
from service.store import fact_blocks, facts, nodes
from service.store.facts import Fact, FactKind
from service.store.nodes import Hub, Node
from service.store.scratch import scratch


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What is to be folded anew: the nodes of these components and hubs, from these facts.

    `homed` are hubs at home there, which facts elsewhere name as well; `hubs` others that the facts name. `lost` are
    the seqs of those erased.
    """

    components: frozenset[int]
    members: tuple[Node, ...] = field(repr=False)
    facts: tuple[Fact, ...] = field(repr=False)
    homed: tuple[Node, ...] = field(repr=False)
    hubs: tuple[Node, ...] = field(repr=False)
    lost: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidAt:
    """A word, its place in the facts log, and when it came to be known."""

    seq: int
    at: datetime
    word: Word = field(repr=False)


def reached(
    conn: Connection,
    people: People,
    named: Collection[Identifier],
    lost: Collection[int],
    judged: Iterable[Identifier],
) -> Reached:
    """Give what is to be folded anew where facts that name `named` go, and words on `judged` change."""
    touched = nodes.find(conn, sorted({*named, *judged}))
    recounted = {node.node: node for node in touched.values() if node.hub and node.identifier in named}
    by_hubs = _names(people, facts.of_nodes(conn, list(recounted)))
    components = _components([*touched.values(), *nodes.find(conn, sorted(by_hubs)).values()])
    homed: dict[int, Node] = {}
    at_home: dict[int, Fact] = {}
    while True:
        members = {**{n.node: n for n in nodes.of_components(conn, sorted(components))}, **recounted}
        kept = {**at_home, **{fact.seq: fact for fact in facts.left_of_nodes(conn, list(members), lost)}}
        beside = nodes.find(conn, sorted(_names(people, kept.values()))).values()
        hubs = {n.node: n for n in beside if n.node not in members and n.node not in homed}
        open_ = _components(node for node in hubs.values() if node.hub is Hub.NO)
        found = {} if open_ else {n.node: n for n in hubs.values() if _home(conn, people, n) & components}
        if not (open_ or found):
            break
        components |= open_
        homed |= found
        at_home |= {fact.seq: fact for hub in found.values() for fact in _nobodys(conn, people, hub)}
    return Reached(
        components=frozenset(components),
        members=tuple(members.values()),
        facts=tuple(kept.values()),
        homed=tuple(homed.values()),
        hubs=tuple(hubs.values()),
        lost=frozenset(lost),
    )


def _home(conn: Connection, people: People, hub: Node) -> set[int]:
    """Give the raw component that made a hub one: that of the first fact that names it beside one that is none."""
    if hub.component is not None:
        return {hub.component}
    for fact in facts.first_of_node(conn, hub.node):
        beside = nodes.find(conn, sorted(people.observe(facts.message(fact)).identifiers))
        found = _components(node for node in beside.values() if node.hub is Hub.NO)
        if found:
            return found
    return set()


def _nobodys(conn: Connection, people: People, hub: Node) -> Iterable[Fact]:
    """Give the facts that name nobody but hubs, of the time until this one became shared by too many."""
    tally = PersonTally(people.rules)
    for fact in facts.first_of_node(conn, hub.node):
        observation = people.observe(facts.message(fact))
        beside = nodes.find(conn, sorted(observation.identifiers)).values()
        if all(node.hub is not Hub.NO for node in beside):
            yield fact
        tally.add(observation)
        if hub.identifier in tally.hubs().shared:
            return


def refold(conn: Connection, people: People, graves: Graves, found: Reached, said: Sequence[SaidAt]) -> frozenset[int]:
    """Put the folds of what was reached in the place of the former ones; give the raw components that they make.

    `said` are the words of the log as they count from now on.
    """
    by_seq = {fact.seq: fact for fact in found.facts}
    words = {each.seq: each for each in _concerning(found, said)}
    blocks = fact_blocks.blocks_of(conn, [*by_seq, *words])
    with scratch(found.facts) as apart:
        nodes.put(apart, found.hubs)
        folding = people.apart()
        folding.start_over(apart, buried=graves)
        for block in blocks:
            taken = [(seq, facts.message(by_seq[seq])) for seq in block.seqs if seq in by_seq]
            if taken:
                folding.take(apart, taken)
            for seq in block.seqs:
                if seq in words:
                    folding.take_word(apart, words[seq].word, words[seq].at)
        made = nodes.rows(apart, besides=[hub.node for hub in found.hubs])
    replaced = [node.node for node in (*found.members, *found.homed)]
    nodes.replace(conn, replaced, {*by_seq, *found.lost}, made)
    return made.components


def said_so_far(conn: Connection, read: Callable[[Fact], Word]) -> list[SaidAt]:
    """Give the words of the log, by their places."""
    return [
        SaidAt(seq=fact.seq, at=fact.received_at, word=read(fact)) for fact in facts.of_kind(conn, FactKind.JUDGEMENT)
    ]


def _components(some: Iterable[Node]) -> set[int]:
    return {node.component for node in some if node.component is not None}


def _names(people: People, some: Iterable[Fact]) -> set[Identifier]:
    return {identifier for fact in some for identifier in people.observe(facts.message(fact)).identifiers}


def _concerning(found: Reached, said: Sequence[SaidAt]) -> list[SaidAt]:
    """Give the words that may move anybody reached, by way of others too, and what was undone of them."""
    near = {node.identifier for node in (*found.members, *found.homed)}
    judgements = [each for each in said if isinstance(each.word, Judgement)]
    names: set[str] = set()
    grown = True
    while grown:
        close = [
            each.word
            for each in judgements
            if isinstance(each.word, Judgement)
            and each.word.id not in names
            and not near.isdisjoint(each.word.identifiers)
        ]
        near.update(*(word.identifiers for word in close))
        names.update(word.id for word in close)
        grown = bool(close)
    return [
        each for each in said if (each.word.id if isinstance(each.word, Judgement) else each.word.judgement) in names
    ]
