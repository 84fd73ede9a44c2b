"""What Hypothesis draws: small worlds in which everything that DESIGN 4 speaks of meets often.

Few persons, few devices and few moments, so that conflicts, equal times, hubs and late messages are the rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from identity.identifiers import Identifier, Namespace, NamespaceClass
from identity.judgements import Judgement, JudgementKind, judged
from identity.observations import Observation, Trust
from identity.rules import PRESETS, AfterLogout, Conflict, DeviceOwner, Founder, LinkingRules


def examples(count: int) -> settings:
    """Ask for so many examples, however long each takes on a busy machine; a failure prints how to repeat it."""
    return settings(max_examples=count, deadline=None, print_blob=True)


START = datetime(2026, 3, 1, 10, tzinfo=UTC)
HOURS = 6
"""Observations fall on this many different hours."""

VALUES: Mapping[str, str] = MappingProxyType(
    {"user_id": "abc", "login": "lm", "email": "ef", "phone": "p", "device_id": "xy", "anonymous_id": "uvw"}
)
"""The few values of each namespace that worlds are drawn from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The rules and the facts that R is a function of."""

    rules: LinkingRules
    observations: tuple[Observation, ...]
    judgements: tuple[Judgement, ...]


def moments(hours: int = HOURS) -> SearchStrategy[datetime]:
    """Draw one of a few full hours."""
    return st.integers(0, hours - 1).map(lambda n: START + timedelta(hours=n))


def identifiers() -> SearchStrategy[Identifier]:
    """Draw one of the few identifiers."""
    return st.sampled_from([Identifier(name, value) for name, values in VALUES.items() for value in values])


@st.composite
def namespaces(draw: DrawFn, *, ttl: bool = True) -> Mapping[str, Namespace]:
    """Draw small namespaces: one or two of persons, limits of one, two or none, now and then a ttl."""
    limits = st.sampled_from([None, None, 1, 2])
    spans = st.sampled_from([None, None, None, timedelta(hours=1), timedelta(hours=3)]) if ttl else st.none()
    kinds = {
        "user_id": (NamespaceClass.PERSON, 1),
        "login": (NamespaceClass.PERSON, draw(st.sampled_from([1, 2, 4]))),
        "email": (NamespaceClass.CONTACT, 2),
        "phone": (NamespaceClass.CONTACT, draw(st.sampled_from([2, 3]))),
        "device_id": (NamespaceClass.DEVICE, 3),
        "anonymous_id": (NamespaceClass.BROWSER, draw(st.sampled_from([3, 4]))),
    }
    first = draw(st.sampled_from([1, 1, 1, 2, None]))
    return MappingProxyType(
        {
            name: Namespace(
                name=name,
                kind=kind,
                priority=priority,
                limit=first if name == "user_id" else draw(limits),
                ttl=draw(spans),
            )
            for name, (kind, priority) in kinds.items()
        }
    )


@st.composite
def linking_rules(draw: DrawFn, *, ttl: bool = True) -> LinkingRules:
    """Draw a preset, as it is or with namespaces, limits and policies of its own."""
    rules = draw(st.sampled_from(list(PRESETS.values())))
    if draw(st.booleans()):
        return replace(rules, hub_limit=draw(st.sampled_from([None, 1, 2])))
    return replace(
        rules,
        namespaces=draw(namespaces(ttl=ttl)),
        hub_limit=draw(st.sampled_from([None, None, 1, 2])),
        profile_cap=draw(st.sampled_from([1_000, 1_000, 2, 3, 4])),
        conflict=draw(st.sampled_from(Conflict)),
        asserted_contacts=draw(st.sampled_from(Conflict)),
        device_owner=draw(st.sampled_from(DeviceOwner)),
        after_logout=draw(st.sampled_from([AfterLogout.OWNER, AfterLogout.OWNER, AfterLogout.ANONYMOUS])),
        founder=draw(st.sampled_from([Founder.PERSON, Founder.PERSON, Founder.ANY])),
    )


@st.composite
def observations(
    draw: DrawFn, *, least: int = 1, most: int = 9, among: SearchStrategy[Identifier] | None = None
) -> tuple[Observation, ...]:
    """Draw observations of one to four identifiers in no order of time; some came to be known late."""
    drawn = identifiers() if among is None else among
    keys = st.tuples(st.integers(0, 99), st.sampled_from(["", "web"]), st.sampled_from(_TRUSTS))
    return tuple(
        Observation(
            id=f"{number:02}",
            at=(at := draw(moments())),
            identifiers=tuple(sorted(draw(st.sets(drawn, min_size=1, max_size=4)))),
            trust=trust,
            source=source,
            received_at=draw(st.sampled_from([None, None, at + timedelta(hours=2), START + timedelta(hours=HOURS)])),
        )
        for number, source, trust in draw(st.lists(keys, min_size=least, max_size=most, unique=True))
    )


_TRUSTS = [Trust.SERVER, Trust.SERVER, Trust.ASSERTED, Trust.ASSERTED, Trust.VERIFIED, Trust.PROBABLE]


@st.composite
def judgements(draw: DrawFn, *, most: int = 3) -> tuple[Judgement, ...]:
    """Draw judgements from oldest to newest; together they may contradict one another."""
    times = sorted(draw(st.lists(moments(HOURS + 2), max_size=most)))
    drawn = []
    for at in times:
        left, right = draw(st.tuples(identifiers(), identifiers()).filter(lambda ends: ends[0] != ends[1]))
        drawn.append(judged(draw(st.sampled_from(JudgementKind)), left, right, at=at))
    return tuple(drawn)


@st.composite
def worlds(draw: DrawFn, *, ttl: bool = True, most: int = 9) -> World:
    """Draw rules and facts; half of the worlds know no judgement."""
    judged = draw(st.booleans())
    return World(
        rules=draw(linking_rules(ttl=ttl)),
        observations=draw(observations(most=most)),
        judgements=draw(judgements()) if judged else (),
    )


@st.composite
def busy_worlds(draw: DrawFn) -> World:
    """Draw a world of few identifiers seen again and again, so that most observations change no profile."""
    few = draw(st.lists(identifiers(), min_size=4, max_size=5, unique=True))
    return World(
        rules=draw(linking_rules()),
        observations=draw(observations(least=8, most=16, among=st.sampled_from(few))),
        judgements=(),
    )
