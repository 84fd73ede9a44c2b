"""What differs between two resolutions, in the words of the feed."""

from hypothesis import given

from identity.changes import Created, Merged, OwnerChanged, ProfileChange, Retired, Shifted, Snapshot, Split, changes
from identity.observations import Observation
from identity.profiles import ProfileRef
from identity.resolve import resolve
from identity.rules import LinkingRules
from tests.identity.compare import consistent
from tests.identity.living import Living
from tests.identity.sketch import at, cannot, must, name, seen
from tests.identity.telling import tell
from tests.strategies import World, examples, worlds


def snapshot(*facts: Observation) -> Snapshot:
    """Take one of facts under the default rules."""
    return Snapshot.of_resolution(resolve(facts, LinkingRules()))


def ref(founder: str, generation: int = 0) -> ProfileRef:
    """Name a profile."""
    return ProfileRef(name(founder), generation)


TAB = seen("1", 9, "device_id:tab", "anonymous_id:web")
LOGIN = seen("2", 10, "user_id:ada", "device_id:tab")


def test_nothing_differs_from_itself() -> None:
    """No change, no words."""
    assert changes(snapshot(TAB, LOGIN), snapshot(TAB, LOGIN)) == []


def test_a_first_login_takes_over_the_devices_profile() -> None:
    """The person's profile is created, and absorbs the device's; nobody else owns the tablet for that."""
    assert changes(snapshot(TAB), snapshot(TAB, LOGIN)) == [
        Created(profile=ref("user_id:ada")),
        Merged(survivor=ref("user_id:ada"), absorbed=(ref("device_id:tab"),)),
    ]


def test_a_tablet_that_moves_is_shifted_and_changes_owner() -> None:
    """From ten on it is Ben's; both persons stay who they were."""
    ben = seen("3", 11, "user_id:ben")
    after = snapshot(LOGIN, ben, seen("4", 12, "user_id:ben", "device_id:tab"))
    assert changes(snapshot(LOGIN, ben), after) == [
        Shifted(identifiers=(name("device_id:tab"),), origin=ref("user_id:ada"), to=ref("user_id:ben")),
        OwnerChanged(
            identifier=name("device_id:tab"),
            start=at(12),
            end=None,
            before=ref("user_id:ada"),
            after=ref("user_id:ben"),
        ),
    ]


def test_a_merge_and_its_undoing_are_each_others_mirror() -> None:
    """Joined, one absorbs the other; parted, the other is there again."""
    lives = Living(LinkingRules())
    lives.ingest([seen("1", 9, "user_id:ada"), seen("2", 10, "email:a@example.com")])
    trial = lives.resolver.trial(must("user_id:ada", "email:a@example.com"))
    assert trial.before is not None
    assert trial.after is not None
    before, after = Snapshot.of_components([trial.before]), Snapshot.of_components([trial.after])
    mail = ref("email:a@example.com")
    assert changes(before, after) == [Merged(survivor=ref("user_id:ada"), absorbed=(mail,))]
    assert changes(after, before) == [Created(profile=mail), Split(profile=ref("user_id:ada"), into=(mail,))]
    assert lives.said() == lives.defined()


def test_a_split_gives_what_becomes_of_both_sides() -> None:
    """The browser parted from the person is a profile of its own, and owns itself."""
    lives = Living(LinkingRules())
    lives.ingest([seen("1", 9, "user_id:ada", "anonymous_id:web")])
    trial = lives.resolver.trial(cannot("user_id:ada", "anonymous_id:web"))
    assert trial.before is not None
    assert trial.after is not None
    found = changes(Snapshot.of_components([trial.before]), Snapshot.of_components([trial.after]))
    web = ref("anonymous_id:web")
    assert Created(profile=web) in found
    assert Split(profile=ref("user_id:ada"), into=(web,)) in found


def test_what_nothing_names_any_more_is_retired() -> None:
    """After an erasure there is no heir."""
    assert changes(snapshot(LOGIN), snapshot()) == [Retired(profile=ref("user_id:ada"))]
    assert changes(snapshot(), snapshot(LOGIN)) == [Created(profile=ref("user_id:ada"))]


@examples(100)
@given(worlds(), worlds())
def test_changes_lead_from_before_to_after(world: World, other: World) -> None:
    """Live profiles before, with those created and without those absorbed or retired, are the live ones after."""
    tell(world.rules, world.observations)
    before = Snapshot.of_resolution(resolve(world.observations, world.rules, consistent(world.judgements)))
    after = Snapshot.of_resolution(resolve(other.observations, world.rules, consistent(other.judgements)))
    found = changes(before, after)
    lost = {r for c in found if isinstance(c, Merged) for r in c.absorbed}
    lost |= {c.profile for c in found if isinstance(c, Retired)}
    made = {c.profile for c in found if isinstance(c, Created)}
    assert (set(before.profiles.values()) - lost) | made == set(after.profiles.values())
    assert all(_true(change, before, after) for change in found)


def _true(change: ProfileChange, before: Snapshot, after: Snapshot) -> bool:
    """Tell whether what a change says of identifiers is so."""
    match change:
        case Shifted(identifiers=some, origin=origin, to=to):
            return all((before.profiles[i], after.profiles[i]) == (origin, to) for i in some)
        case Split(profile=profile, into=into):
            return all(
                any(after.profiles.get(i) == to for i, r in before.profiles.items() if r == profile) for to in into
            )
        case Merged(survivor=survivor, absorbed=absorbed):
            return all(after.profiles[old.founder] == survivor for old in absorbed)
        case OwnerChanged(before=was, after=now):
            return was != now
    return True


def test_owners_are_told_by_spans() -> None:
    """A claim in the middle takes the tablet for its hours alone."""
    facts = [seen("1", 9, "user_id:ada", "device_id:tab"), seen("3", 14, "user_id:ada", "device_id:tab")]
    found = changes(
        snapshot(*facts, seen("0", 8, "user_id:ben")),
        snapshot(*facts, seen("0", 8, "user_id:ben"), seen("2", 11, "user_id:ben", "device_id:tab")),
    )
    spans = [(c.start, c.end) for c in found if isinstance(c, OwnerChanged)]
    assert spans == [(at(11), at(14))]
