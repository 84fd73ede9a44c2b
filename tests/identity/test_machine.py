"""Ingest, judge, undo, split, erase, rebuild, in any order: the folds are always R of the log, and the oracle's too.

2,000 steps here; `make test-long` takes 100,000.
"""

from datetime import datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from identity.identifiers import Identifier, NamespaceClass
from identity.judgements import Judgement, JudgementKind, Undo, judged, split
from identity.observations import Observation, ReplayKey
from identity.rules import LinkingRules
from tests.identity.compare import named as known_as
from tests.identity.compare import without_reasons
from tests.identity.living import Living
from tests.identity.telling import differing
from tests.strategies import HOURS, START, identifiers, linking_rules, moments, observations

NOW = START + timedelta(hours=HOURS)
BURIED = frozenset({NamespaceClass.PERSON, NamespaceClass.CONTACT})


class Machine(RuleBasedStateMachine):
    """A deployment under random operations, in which times of receipt only go forward."""

    ORACLE_EACH: ClassVar[int] = 5
    """After how many steps the oracle, who is slow, is asked as well."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.number = 0
        self.said_at = START
        self.lives = Living(LinkingRules())

    @initialize(rules=linking_rules())
    def begin(self, rules: LinkingRules) -> None:
        """Choose the rules."""
        self.lives = Living(rules)

    @rule(batch=observations(most=4))
    def ingest(self, batch: tuple[Observation, ...]) -> None:
        """Take in a batch, of which some may be known already."""
        known = {o.key: o for o in self.lives.observations}
        self.lives.ingest([o for o in batch if known.get(o.key, o) == o])
        self.check()

    @rule(observation=observations(least=1, most=1))
    def ingest_anew(self, observation: tuple[Observation, ...]) -> None:
        """Take in one after the other, each with an id of its own."""
        self.number += 1
        one = observation[0]
        new = Observation(
            id=f"n{self.number}",
            at=one.at,
            identifiers=one.identifiers,
            trust=one.trust,
            received_at=one.received_at,
        )
        self.lives.ingest([new])
        self.check()

    @rule(kind=st.sampled_from(JudgementKind), ends=st.tuples(identifiers(), identifiers()), at=moments(HOURS + 2))
    def judge(self, kind: JudgementKind, ends: tuple[Identifier, Identifier], at: datetime) -> None:
        """Judge a pair."""
        self.say(judged(kind, *ends, at=self.later(at), name=self.next_id()))

    @rule(side=st.frozensets(identifiers(), min_size=1, max_size=3), at=moments(HOURS + 2))
    def split(self, side: frozenset[Identifier], at: datetime) -> None:
        """Split some identifiers from the rest of their profiles; that holds at once, unless newer words say else."""
        profiles = list(self.lives.said().profiles.values())
        word = split(side, profiles, at=self.later(at), name=self.next_id())
        if word is not None:
            self.say(word)

    @rule(data=st.data(), at=moments(HOURS + 2))
    def undo(self, data: st.DataObject, at: datetime) -> None:
        """Undo a judgement."""
        ids = sorted(w.id for w in self.lives.words if isinstance(w, Judgement))
        if ids:
            self.say(Undo(judgement=data.draw(st.sampled_from(ids)), at=self.later(at)))

    @rule(given=st.frozensets(identifiers(), min_size=1, max_size=2), at=moments(HOURS + 2))
    def erase(self, given: frozenset[Identifier], at: datetime) -> None:
        """Erase somebody; what goes is what the oracle says must, and nothing forbidden is left."""
        expected = must_go(self.lives, given)
        gone = self.lives.erase(given, at=max([at, *(o.at for o in self.lives.observations)]))
        assert (gone.buried, {o.key for o in gone.observations}) == expected
        named = {i for o in self.lives.observations for i in o.identifiers}
        assert gone.buried.isdisjoint(named | {i for group in self.lives.said().profiles.values() for i in group})
        self.check()

    @rule()
    def rebuild(self) -> None:
        """Fold the log anew."""
        before = self.lives.said()
        self.lives.rebuild()
        assert differing(self.lives.said(), before) == []

    @rule(asked=identifiers(), moment=moments(HOURS + 2))
    def look_back(self, asked: Identifier, moment: datetime) -> None:
        """As of a moment, one identifier's profile is what R of all facts known then says."""
        now = self.lives.resolution(as_of=moment)
        expected = {p.profile_id: frozenset(p.identifiers) for p in now.profiles if asked in p.identifiers}
        said = self.lives.said_as_of([asked], moment)
        assert {known: group for known, group in said.profiles.items() if asked in group} == expected
        spans = {(s.start, s.end, known_as(s.owner)) for s in now.intervals if s.identifier == asked}
        assert {span[1:] for span in said.owners if span[0] == asked} == spans

    def say(self, word: Judgement | Undo) -> None:
        """Say a word, and hold what comes of it against its trial."""
        self.lives.say(word)
        self.check()

    def later(self, at: datetime) -> datetime:
        """Date a word, no earlier than those said before: what was known at a moment can hold together."""
        self.said_at = max(self.said_at, at)
        return self.said_at

    def next_id(self) -> str:
        """Give a new judgement its id."""
        self.number += 1
        return f"j{self.number:06}"

    def check(self) -> None:
        """Hold the folds against R; now and then against the oracle."""
        self.steps += 1
        said = self.lives.said()
        assert differing(said, self.lives.defined()) == []
        if self.steps % self.ORACLE_EACH == 0:
            self.ask_oracle()

    def ask_oracle(self) -> None:
        """Hold the folds against the oracle."""
        assert differing(without_reasons(self.lives.said()), self.lives.told_by_oracle()) == []

    def teardown(self) -> None:
        """At the end the oracle has the last word."""
        self.ask_oracle()


def must_go(lives: Living, given: frozenset[Identifier]) -> tuple[frozenset[Identifier], set[ReplayKey]]:
    """Give, by the oracle's answer alone, what is buried and which observations go with an erasure."""
    answer = lives.plain()
    named = given - answer.shared.keys()
    profiles = {name: group for name, group in answer.profiles.items() if group & named}
    members = named.union(*profiles.values())
    buried = frozenset(i for i in members if lives.rules.kind(i) in BURIED)
    gone = {o.key for o in lives.observations if buried.intersection(o.identifiers)}
    nobodys = {o.key for o in lives.observations if profiles and members.issuperset(o.identifiers)}
    for key, owner in answer.attribution.items():
        if owner in profiles or (owner is None and key in nobodys):
            gone.add(key)
    return buried, gone


def run(steps: int, examples: int) -> None:
    """Run the machine so often, so many steps each time."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            print_blob=True,
            suppress_health_check=checks,
        ),
    )


def test_two_thousand_steps() -> None:
    """Whatever happens in whatever order, the folds are R of the log."""
    run(steps=40, examples=50)


@pytest.mark.long
def test_a_hundred_thousand_steps() -> None:
    """The same, fifty times as often."""
    run(steps=50, examples=2_000)
