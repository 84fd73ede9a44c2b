"""Seeded worlds by the thousand: the wide net beside Hypothesis, whose fine one draws fewer and smaller worlds.

The same seed always gives the same world; a test that fails names it.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random
from types import MappingProxyType

from identity.identifiers import Identifier, Namespace, NamespaceClass
from identity.judgements import Judgement, JudgementKind, judged
from identity.observations import Observation, Trust
from identity.rules import PRESETS, AfterLogout, Conflict, DeviceOwner, Founder, LinkingRules
from tests.strategies import HOURS, START, VALUES, World

NAMES = [Identifier(name, value) for name, values in VALUES.items() for value in values]
TRUSTS = [Trust.SERVER, Trust.SERVER, Trust.ASSERTED, Trust.ASSERTED, Trust.VERIFIED, Trust.PROBABLE]


def crowded_world(seed: int) -> World:
    """Make a world of up to sixteen observations of a handful of identifiers, and of up to three judgements."""
    random = Random(seed)
    pool = random.sample(NAMES, random.randint(4, len(NAMES)))
    count = random.randint(1, 16)
    keys = {(random.randint(0, 40), random.choice(["", "web"]), random.choice(TRUSTS)) for _ in range(count)}
    observations = [_observation(random, pool, *key) for key in sorted(keys)]
    random.shuffle(observations)
    return World(
        rules=_rules(random),
        observations=tuple(observations),
        judgements=tuple(_judgement(random, pool) for _ in range(random.choice([0, 0, 1, 2, 3]))),
    )


def _observation(random: Random, pool: list[Identifier], number: int, source: str, trust: Trust) -> Observation:
    """Make an observation of one to four of the pool."""
    at = START + timedelta(minutes=random.choice([30, 60]) * random.randrange(HOURS))
    return Observation(
        id=f"{number:02}",
        at=at,
        identifiers=tuple(sorted(random.sample(pool, random.choice([1, 2, 2, 2, 3, 3, 4])))),
        trust=trust,
        source=source,
        received_at=random.choice([None, at + timedelta(hours=2)]),
    )


def _judgement(random: Random, pool: list[Identifier]) -> Judgement:
    """Make a judgement, dated or not."""
    left, right = random.sample(pool, 2)
    at = random.choice([None, START + timedelta(hours=random.randrange(HOURS))])
    return judged(random.choice(list(JudgementKind)), left, right, at=at)


def _rules(random: Random) -> LinkingRules:
    """Make rules: a preset, or everything by lot."""
    rules = random.choice(list(PRESETS.values()))
    if random.random() < 0.3:
        return replace(rules, hub_limit=random.choice([None, 1, 2]))
    return replace(
        rules,
        namespaces=_namespaces(random),
        hub_limit=random.choice([None, None, 1, 2]),
        profile_cap=random.choice([1_000, 1_000, 2, 3, 4]),
        conflict=random.choice(list(Conflict)),
        asserted_contacts=random.choice(list(Conflict)),
        device_owner=random.choice(list(DeviceOwner)),
        after_logout=random.choice([AfterLogout.OWNER, AfterLogout.OWNER, AfterLogout.ANONYMOUS]),
        founder=random.choice([Founder.PERSON, Founder.PERSON, Founder.ANY]),
    )


def _namespaces(random: Random) -> Mapping[str, Namespace]:
    """Make namespaces with priorities, limits and times to live by lot."""
    kinds = {
        "user_id": (NamespaceClass.PERSON, 1),
        "login": (NamespaceClass.PERSON, random.choice([1, 2, 4])),
        "email": (NamespaceClass.CONTACT, 2),
        "phone": (NamespaceClass.CONTACT, random.choice([2, 3])),
        "device_id": (NamespaceClass.DEVICE, 3),
        "anonymous_id": (NamespaceClass.BROWSER, random.choice([3, 4])),
    }
    spans = [None] * 6 + [timedelta(hours=1), timedelta(hours=3)]
    limits = {name: random.choice([None, None, 1, 2]) for name in kinds} | {
        "user_id": random.choice([1, 1, 1, 2, None])
    }
    return MappingProxyType(
        {
            name: Namespace(name=name, kind=kind, priority=rank, limit=limits[name], ttl=random.choice(spans))
            for name, (kind, rank) in kinds.items()
        }
    )
