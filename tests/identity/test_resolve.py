"""R as the engine computes it is R as the oracle spells it out."""

from datetime import datetime
from random import Random

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from identity.errors import ContradictionError
from identity.judgements import Judgement
from identity.resolve import Resolution, resolve
from tests.identity.compare import KEY, Said, by_engine, by_oracle, consistent
from tests.identity.oracle import contradictory, oracle
from tests.strategies import HOURS, World, judgements, moments, worlds

MOMENTS = st.none() | moments(HOURS + 2)


def engine(world: World, as_of: datetime | None = None) -> Resolution:
    """Resolve a world, without the judgements that contradict those before them."""
    return resolve(world.observations, world.rules, consistent(world.judgements), key=KEY, as_of=as_of)


def told(world: World) -> None:
    """Print a world with the values that its identifiers hide."""
    note(f"rules {world.rules}")
    for o in sorted(world.observations, key=lambda o: o.key):
        note(f"{o.at:%H} {o.id} {o.source or '-'} {o.trust.name} {' '.join(map(str, o.identifiers))} {o.received_at}")
    for j in consistent(world.judgements):
        note(f"{j.kind} {j.left} {j.right} {j.at}")


def differing(left: Said, right: Said) -> list[str]:
    """Name the parts in which two answers differ, and print both."""
    parts = [part for part in Said.__dataclass_fields__ if getattr(left, part) != getattr(right, part)]
    for part in parts:
        note(f"{part}: {_readable(getattr(left, part))}\n  not {_readable(getattr(right, part))}")
    return parts


def _readable(value: object) -> str:
    """Show identifiers with their values: a counterexample of invented names may."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_readable(k)}: {_readable(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple | frozenset) and type(value) in {tuple, frozenset}:
        return "(" + ", ".join(sorted(map(_readable, value))) + ")"
    return str(value)[:24]


@settings(max_examples=300)
@given(worlds(), MOMENTS)
def test_engine_is_the_oracle(world: World, as_of: datetime | None) -> None:
    """Partition, ids, redirects, refusals, attribution, owners and hubs are the oracle's, as of any moment."""
    told(world)
    answer = oracle(world.observations, world.rules, consistent(world.judgements), as_of)
    assert differing(by_engine(engine(world, as_of)), by_oracle(answer)) == []


@settings(max_examples=100)
@given(worlds(most=7))
def test_reasons_of_refusal_are_true(world: World) -> None:
    """Each refusal names a limit that the link would really have broken."""
    told(world)
    said = {
        "namespace_limit": "limit",
        "profile_cap": "profile_cap",
        "cannot_link": "cannot_link",
        "persons_need_trust": "asserted",
    }
    broken = oracle(world.observations, world.rules, consistent(world.judgements)).refused
    for refused in engine(world).refused:
        assert said[refused.reason] in broken[refused.left, refused.right].reasons


@settings(max_examples=100)
@given(worlds(), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(world: World, random: Random) -> None:
    """The same facts, shuffled and some of them repeated, give the same answer to the last id."""
    told(world)
    again = [*world.observations, *random.choices(world.observations, k=3)]
    random.shuffle(again)
    shuffled = World(rules=world.rules, observations=tuple(again), judgements=world.judgements)
    assert engine(shuffled) == engine(world)


@settings(max_examples=100)
@given(worlds())
def test_a_profile_keeps_every_limit(world: World) -> None:
    """No profile holds more values of a namespace than its limit, must-linked ones (seen or not) counting once."""
    told(world)
    rules, kept = world.rules, consistent(world.judgements)
    if any(j.kind == "must_link" for j in kept):
        return
    for profile in engine(world).profiles:
        assert len(profile.identifiers) <= rules.profile_cap
        for name in {i.namespace for i in profile.identifiers}:
            limit = rules.namespace(name).limit
            assert limit is None or sum(i.namespace == name for i in profile.identifiers) <= limit


@settings(max_examples=100)
@given(worlds(), judgements(most=5))
def test_contradictions_are_refused(world: World, judged: tuple[Judgement, ...]) -> None:
    """Judgements that cannot all hold are an error, and only they."""
    if contradictory(judged):
        with pytest.raises(ContradictionError):
            resolve(world.observations, world.rules, judged)
    else:
        resolve(world.observations, world.rules, judged)
