"""What comes late replays what came after it, from a state kept on the way, and gives what R gives."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from identity import component
from identity.identifiers import Identifier
from identity.judgements import Verdicts
from identity.observations import Observation, Trust
from identity.replaying import checkpoints
from identity.replaying.checkpoints import Checkpoints
from identity.replaying.replay import Replay
from identity.rules import LinkingRules
from tests.identity.crowd import crowded_world
from tests.identity.living import Living
from tests.identity.sketch import seen
from tests.identity.telling import differing
from tests.strategies import START


@pytest.fixture
def _close(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a state after every sighting or two, as components of thousands keep one after every hundred."""
    monkeypatch.setattr(checkpoints, "LEAST", 1)
    monkeypatch.setattr(component, "_AMENDED", 2)


@pytest.mark.usefixtures("_close")
@pytest.mark.parametrize("start", range(0, 300, 100))
def test_what_comes_late_by_batches_leaves_what_resolve_gives(start: int) -> None:
    """Over seeded worlds, in batches, some late, words and erasures between; a failure names the seed."""
    for seed in range(start, start + 100):
        _live(seed)


@pytest.mark.long
@pytest.mark.usefixtures("_close")
def test_what_comes_late_by_batches_leaves_what_resolve_gives_by_the_thousand() -> None:
    """The same over 10,000 seeds."""
    for seed in range(10_000):
        _live(seed)


def _live(seed: int) -> None:
    """Let a crowded world happen, out of order, and hold each batch against R."""
    random, world = Random(seed), crowded_world(seed)
    lives, ahead = Living(world.rules), _jumbled(random, sorted(world.observations, key=lambda o: o.key))
    words = list(world.judgements)
    for batch in _batches(random, ahead):
        lives.ingest(batch)
        if words and random.random() < 0.3:
            lives.say(words.pop())
        if lives.observations and random.random() < 0.05:
            lives.erase([random.choice(batch).identifiers[0]], max(o.at for o in lives.observations))
        assert differing(lives.said(), lives.defined()) == [], f"seed {seed}"


def _jumbled(random: Random, ordered: list[Observation]) -> list[Observation]:
    """Let some be late by a little, and some by much."""
    places = [n + random.choice([0, 0, 0, 2, 3, 12]) + random.random() for n in range(len(ordered))]
    return [observation for _, observation in sorted(zip(places, ordered, strict=True), key=lambda each: each[0])]


def _batches(random: Random, ahead: list[Observation]) -> Iterator[list[Observation]]:
    """Cut observations into batches of one to three."""
    while ahead:
        size = random.randint(1, 3)
        yield ahead[:size]
        ahead = ahead[size:]


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_late_by_little_leaves_what_resolve_gives(seed: int) -> None:
    """Five hundred logins of one person, from browsers seen before or not, under a cap of thirty, at true distances."""
    random = Random(seed)
    rules = replace(LinkingRules(), profile_cap=30)
    storm = [_login(random, number) for number in range(500)]
    lives = Living(rules)
    for place in range(0, 500, 25):
        batch = storm[place : place + 25]
        random.shuffle(batch)
        lives.ingest(batch[:20])
        lives.ingest(batch[20:])
    assert differing(lives.said(), lives.defined()) == []


def _login(random: Random, number: int) -> Observation:
    """Make a person's login, or a browser's page view."""
    browser = Identifier("anonymous_id", f"w{number if random.random() < 0.7 else random.randrange(500)}")
    names = (browser,) if random.random() < 0.3 else (browser, Identifier("user_id", "one"))
    trust = random.choice([Trust.SERVER, Trust.ASSERTED])
    return Observation(id=f"{number:04}", at=START + timedelta(seconds=number), identifiers=names, trust=trust)


def test_states_thin_out_with_their_distance() -> None:
    """However many sightings there were, the newest state is near, and the others are few and ever further behind."""
    kept, replay = Checkpoints(), Replay(LinkingRules(), Verdicts())
    for taken in range(1, 20_001):
        kept.mark(taken, taken, replay)
    distances = []
    while (state := kept.newest) is not None:
        distances.append(20_000 - state.taken)
        kept.drop_from(state.taken - 1)
    apart = 20_000 // checkpoints.SHARE
    assert len(distances) < 10
    assert distances[0] <= apart
    for nearer, farther in pairwise(distances[:-1]):
        assert farther <= max(3 * apart, (checkpoints.GROWTH + 1) * nearer)


def test_what_is_kept_is_not_what_goes_on() -> None:
    """Neither a state nor the replay it was copied from changes with the other."""
    lives = Living(LinkingRules())
    lives.ingest([seen("1", 10, "user_id:ada", "device_id:tab"), seen("2", 11, "user_id:ada", "anonymous_id:w")])
    (whole,) = lives.shelf.components()
    copied = whole.replay.copy()
    before = {ref: frozenset(c.members) for ref, c in copied.profiles()}
    was = whole.refs()
    lives.ingest([seen("3", 12, "user_id:ada", "anonymous_id:x"), seen("4", 13, "user_id:ben", "device_id:tab")])
    assert {ref: frozenset(c.members) for ref, c in copied.profiles()} == before
    after = whole.refs()
    expected = {i: ref for i, ref in after.items() if i not in was or was[i] != ref}
    assert whole.replay.differs(copied) == expected
    assert Identifier("anonymous_id", "x") in expected
