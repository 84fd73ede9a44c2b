"""Each event belongs to one profile, and what an owner's interval says is what the events in it say."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from hypothesis import given

from identity.identifiers import Identifier, NamespaceClass
from identity.observations import Observation, Trust
from identity.profiles import ProfileRef
from identity.resolve import Resolution, resolve
from identity.rules import DeviceOwner, LinkingRules
from tests.identity.compare import KEY, consistent, named
from tests.identity.sketch import at, name, seen
from tests.identity.telling import tell
from tests.strategies import World, examples, worlds

DEVICES = frozenset({NamespaceClass.DEVICE, NamespaceClass.BROWSER})
Span = tuple[datetime | None, datetime | None, ProfileRef | None]


def spans(resolution: Resolution, device: Identifier) -> list[Span]:
    """Give a device's intervals."""
    return [(i.start, i.end, i.owner) for i in resolution.intervals if i.identifier == device]


def owner_at(resolution: Resolution, device: Identifier, moment: datetime) -> ProfileRef | None:
    """Give the one owner of a device at a moment."""
    [owner] = [
        owner
        for start, end, owner in spans(resolution, device)
        if (start is None or start <= moment) and (end is None or moment < end)
    ]
    return owner


@examples(200)
@given(worlds())
def test_intervals_cover_time_once(world: World) -> None:
    """Every device and browser in a profile is somebody's or nobody's at each moment; neighbours differ."""
    tell(world.rules, world.observations)
    answer = resolve(world.observations, world.rules, consistent(world.judgements), key=KEY)
    held = {i for p in answer.profiles for i in p.identifiers if world.rules.kind(i) in DEVICES}
    assert {span.identifier for span in answer.intervals} == held
    for device in held:
        turns = spans(answer, device)
        assert (turns[0][0], turns[-1][1]) == (None, None)
        for (_, end, before), (start, _, after) in pairwise(turns):
            assert end == start is not None
            assert before != after


@examples(200)
@given(worlds())
def test_a_devices_own_events_belong_to_its_owner(world: World) -> None:
    """An event that names one claimed device alone belongs to who owns it then, if no claim happens that instant."""
    tell(world.rules, world.observations)
    answer = resolve(world.observations, world.rules, consistent(world.judgements), key=KEY)
    for event in world.observations:
        [*rest, device] = event.identifiers
        others = [o for o in world.observations if device in o.identifiers and o is not event]
        if rest or world.rules.kind(device) not in DEVICES or not _claimed(device, others, world.rules, answer):
            continue
        if all(o.at != event.at for o in others):
            assert answer.attribution[event.key] == named(owner_at(answer, device, event.at))


def _claimed(device: Identifier, others: Iterable[Observation], rules: LinkingRules, answer: Resolution) -> bool:
    """Tell whether a device in a profile was seen with persons or contacts by somebody whose word counts."""
    claims = (NamespaceClass.PERSON, NamespaceClass.CONTACT)
    named_with = [i for o in others if o.trust >= Trust.SERVER for i in o.identifiers if rules.kind(i) in claims]
    in_profile = {i for p in answer.profiles for i in p.identifiers}
    return device in in_profile and any(i in in_profile for i in named_with)


@examples(150)
@given(worlds())
def test_an_event_with_a_login_is_that_logins(world: World) -> None:
    """Whatever the policy, an event with a person belongs to the profile of its first person."""
    tell(world.rules, world.observations)
    answer = resolve(world.observations, world.rules, consistent(world.judgements), key=KEY)
    home = {i: p.profile_id for p in answer.profiles for i in p.identifiers}
    for event in world.observations:
        persons = [i for i in event.identifiers if world.rules.kind(i) is NamespaceClass.PERSON]
        if persons:
            assert answer.attribution[event.key] == home[min(persons, key=world.rules.rank)]


TABLET = [
    seen("1", 10, "user_id:ada", "device_id:tab"),
    seen("2", 11, "device_id:tab"),
    seen("3", 12, "user_id:ben", "device_id:tab"),
    seen("4", 13, "device_id:tab"),
]


def test_history_does_not_move_when_somebody_else_logs_in() -> None:
    """Under the default policy a later login changes no earlier event's owner; under newest_login it does."""
    later = seen("5", 14, "user_id:cem", "device_id:tab")
    before, after = resolve(TABLET, LinkingRules()), resolve([*TABLET, later], LinkingRules())
    assert all(after.attribution[key] == owner for key, owner in before.attribution.items())
    newest = replace(LinkingRules(), device_owner=DeviceOwner.NEWEST_LOGIN)
    moved = resolve([*TABLET, later], newest).attribution
    assert moved[TABLET[1].key] == moved[later.key]


def test_claims_at_one_instant_leave_no_empty_interval() -> None:
    """Of two first claims at one time the first in the replay owns all before, the second all from then on."""
    both = [seen("1", 10, "user_id:ada", "device_id:tab"), seen("2", 10, "user_id:ben", "device_id:tab")]
    ada, ben = ProfileRef(name("user_id:ada"), 0), ProfileRef(name("user_id:ben"), 0)
    assert spans(resolve(both, LinkingRules()), name("device_id:tab")) == [(None, at(10), ada), (at(10), None, ben)]


def test_a_claim_between_others_at_one_instant_owns_nothing() -> None:
    """A claim superseded in the same instant leaves no interval, and equal neighbours around it are one."""
    facts = [
        seen("1", 9, "user_id:ada", "device_id:tab"),
        seen("2", 10, "user_id:ben", "device_id:tab"),
        seen("3", 10, "user_id:ada", "device_id:tab"),
    ]
    answer = resolve(facts, LinkingRules())
    assert spans(answer, name("device_id:tab")) == [(None, None, ProfileRef(name("user_id:ada"), 0))]


def test_a_merged_owner_owns_both_intervals() -> None:
    """Owners are today's profiles: two logins that turn out to be one person make one interval."""
    rules = replace(
        LinkingRules(),
        namespaces={
            **LinkingRules().namespaces,
            "login": replace(LinkingRules().namespaces["user_id"], name="login", limit=None),
        },
    )
    facts = [
        seen("1", 10, "login:work", "device_id:tab"),
        seen("2", 11, "login:home", "device_id:tab"),
        seen("3", 12, "login:home", "login:work"),
    ]
    assert len(spans(resolve(facts, rules), name("device_id:tab"))) == 1
