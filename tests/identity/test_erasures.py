"""What was erased does not come back: tombstones, what goes, and what a later login starts."""

from dataclasses import replace
from datetime import timedelta

from identity.covering import covered
from identity.erasures import Erasure, Grave, Graves, graves, tombstone
from identity.hubs import Hubs
from identity.identifiers import Identifier
from identity.judgements import Judgement
from identity.observations import Observation, Trust
from identity.profiles import ProfileRef
from identity.rules import AfterLogout, LinkingRules
from tests.identity.compare import KEY, hashed
from tests.identity.living import Living
from tests.identity.sketch import at, cannot, name, seen

ADA = name("user_id:ada")


def living(*facts: Observation, rules: LinkingRules = LinkingRules()) -> Living:  # noqa: B008 # frozen
    """Give a deployment that has seen these."""
    lives = Living(rules)
    lives.ingest(facts)
    return lives


def profiles(lives: Living) -> set[frozenset[str]]:
    """Give today's profiles as text, after holding them against R and the oracle."""
    assert lives.said() == lives.defined()
    assert {frozenset(group) for group in lives.plain().profiles.values()} == set(lives.said().profiles.values())
    return {frozenset(map(str, group)) for group in lives.said().profiles.values()}


def test_a_tombstone_tells_nothing_without_the_key() -> None:
    """The same value under another key, or another value, has another tombstone; it is for ever the same."""
    stones = {tombstone(ADA, KEY), tombstone(ADA, b"other"), tombstone(name("user_id:adb"), KEY)}
    assert len(stones) == 3
    assert tombstone(ADA, b"k" * 32).hex() == "5c6a52bd1887261fe300da6a9bc1216a"


def test_graves_count_erasures_and_keep_the_last() -> None:
    """The same erasure twice is one; another is one more."""
    stone = tombstone(ADA, KEY)
    first = Erasure(id="1", at=at(10), tombstones=frozenset({stone}))
    second = Erasure(id="2", at=at(9), tombstones=frozenset({stone}))
    assert graves([first, first, second], KEY).of(ADA) == Grave(at(10), 2)
    assert graves([], KEY).of(ADA) is None
    assert not Graves().drops(seen("1", 9, "user_id:ada"))


def test_a_profile_goes_with_all_that_its_devices_did() -> None:
    """Logins, contacts and what the person's devices did while naming nobody are gone; others are untouched."""
    lives = living(
        seen("1", 9, "device_id:tab"),
        seen("2", 10, "user_id:ada", "device_id:tab", "email:ada@example.com"),
        seen("3", 11, "device_id:tab", "anonymous_id:web"),
        seen("4", 11, "user_id:ben", "device_id:phone"),
    )
    gone = lives.erase([name("email:ada@example.com")], at(12))
    assert [o.id for o in gone.observations] == ["1", "2", "3"]
    assert gone.profiles == (ProfileRef(ADA, 0),)
    assert gone.buried == {ADA, name("email:ada@example.com")}
    assert profiles(lives) == {frozenset({"user_id:ben", "device_id:phone"})}


def test_a_shared_device_keeps_what_the_others_did() -> None:
    """What Ben did on the tablet stays Ben's, and its history before belongs to him now, not to nobody."""
    lives = living(
        seen("1", 9, "user_id:ada", "device_id:tab"),
        seen("2", 10, "user_id:ben", "device_id:tab"),
        seen("3", 11, "device_id:tab"),
    )
    assert [o.id for o in lives.erase([ADA], at(12)).observations] == ["1"]
    assert profiles(lives) == {frozenset({"user_id:ben", "device_id:tab"})}
    assert set(lives.said().attribution.values()) == {hashed(ProfileRef(name("user_id:ben"), 0))}


def test_what_was_nobodys_on_the_persons_devices_goes_too() -> None:
    """After a logout events are nobody's; with the last login erased they would be the device's own history."""
    rules = replace(LinkingRules(), after_logout=AfterLogout.ANONYMOUS)
    lives = living(seen("1", 9, "user_id:ada", "device_id:tab"), seen("2", 10, "device_id:tab"), rules=rules)
    assert lives.said().attribution[lives.observations[1].key] is None
    lives.erase([ADA], at(12))
    assert profiles(lives) == set()


def test_late_facts_of_an_erased_person_are_dropped() -> None:
    """Dated before, or asserted at whatever time, they are dropped whole, so that their companions are not linked."""
    lives = living(seen("1", 9, "user_id:ada", "device_id:tab"))
    lives.erase([ADA], at(12))
    lives.ingest(
        [
            seen("2", 12, "user_id:ada", "device_id:tab"),
            seen("3", 14, "user_id:ada", "device_id:tab", trust=Trust.ASSERTED),
            seen("4", 14, "user_id:ada", "device_id:tab", trust=Trust.PROBABLE),
        ]
    )
    assert profiles(lives) == set()


def test_a_later_login_starts_without_history() -> None:
    """A server's word after the erasure makes a profile, of another id than the one erased."""
    lives = living(seen("1", 9, "user_id:ada", "device_id:tab"))
    before = set(lives.said().profiles)
    lives.erase([ADA], at(12))
    lives.ingest([seen("2", 13, "user_id:ada", "device_id:phone"), seen("3", 13, "device_id:tab")])
    assert profiles(lives) == {frozenset({"user_id:ada", "device_id:phone"}), frozenset({"device_id:tab"})}
    assert before.isdisjoint(lives.said().profiles)
    assert hashed(ProfileRef(ADA, 1)) in lives.said().profiles


def test_somebody_never_seen_can_be_erased_beforehand() -> None:
    """The tombstone of a name not seen yet drops what is imported of it later."""
    lives = living()
    gone = lives.erase([ADA, name("device_id:tab")], at(12))
    assert gone.buried == {ADA}
    lives.ingest([seen("1", 9, "user_id:ada", "device_id:tab")])
    assert lives.observations == []


def test_a_hub_is_nobodys_name() -> None:
    """A phone that too many share is not erased with one of them, nor when it is asked for by itself."""
    rules = replace(LinkingRules(), hub_limit=1)
    lives = living(*(seen(str(n), 9 + n, f"user_id:u{n}", "phone:box") for n in range(3)), rules=rules)
    assert lives.erase([name("phone:box")], at(15)).tombstones == frozenset()
    assert len(profiles(lives)) == 3


def test_a_hub_may_be_none_without_the_erased() -> None:
    """Counted anew, a phone of two is one's again, and joins what it had been parted from."""
    rules = replace(LinkingRules(), hub_limit=1)
    facts = [
        seen("1", 9, "user_id:ada", "phone:box"),
        seen("2", 10, "user_id:ben", "phone:box"),
        seen("3", 11, "phone:box", "device_id:tab"),
        seen("4", 12, "phone:box"),
    ]
    lives = living(*facts, rules=rules)
    assert frozenset({"device_id:tab"}) in profiles(lives)
    lives.erase([ADA], at(13))
    assert profiles(lives) == {frozenset({"user_id:ben", "phone:box", "device_id:tab"})}


def test_a_hub_left_alone_is_its_own_profile() -> None:
    """A phone whose persons are all erased is a contact without anybody."""
    rules = replace(LinkingRules(), hub_limit=1)
    lives = living(
        seen("1", 9, "user_id:ada", "phone:box"),
        seen("2", 10, "user_id:ben", "phone:box"),
        seen("4", 12, "phone:box"),
        rules=rules,
    )
    lives.erase([ADA, name("user_id:ben")], at(13))
    assert profiles(lives) == {frozenset({"phone:box"})}


def test_what_judgements_said_of_the_erased_is_gone() -> None:
    """A split keeps what it says of others; a judgement of the erased alone is no more."""
    split = Judgement(
        kind=cannot("a:1", "b:2").kind,
        left=frozenset({ADA}),
        right=frozenset({name("user_id:ben"), name("device_id:tab")}),
    )
    assert split.without({ADA}) is None
    left = split.without({name("user_id:ben")})
    assert left is not None
    assert left.right == {name("device_id:tab")}


def test_an_erasure_holds_as_of_every_moment() -> None:
    """Asked how things stood before the erasure, the erased are not told of."""
    lives = living(seen("1", 9, "user_id:ada", "device_id:tab"), seen("2", 9, "user_id:ben"))
    lives.erase([ADA], at(12))
    assert [p.person for p in lives.resolution(as_of=at(10)).profiles] == [name("user_id:ben")]
    assert lives.as_of([ADA], at(10)) == []


def test_covering_nothing_is_nothing() -> None:
    """Somebody with devices alone leaves no tombstones; nobody leaves nothing."""
    rules = LinkingRules()
    nothing = covered([], [], Hubs(), rules, KEY)
    assert (nothing.profiles, nothing.observations, nothing.tombstones) == ((), (), frozenset())
    lives = living(seen("1", 9, "device_id:tab"))
    gone = lives.erase([Identifier("device_id", "tab")], at(9) + timedelta(hours=1))
    assert (gone.tombstones, [o.id for o in gone.observations]) == (frozenset(), ["1"])
    assert profiles(lives) == set()
