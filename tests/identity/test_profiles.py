"""Ids last: founders and generations, what an id given up leads to, and the hash that hides them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from identity.observations import Observation
from identity.profiles import ProfileRef, profile_id
from identity.resolve import Resolution, resolve
from identity.rules import LinkingRules
from tests.identity.compare import KEY, hashed
from tests.identity.sketch import at, cannot, must, name, seen

FORGETFUL = replace(
    LinkingRules(),
    namespaces={
        **LinkingRules().namespaces,
        "anonymous_id": replace(LinkingRules().namespaces["anonymous_id"], ttl=timedelta(hours=1)),
    },
)


def resolved(*facts: Observation, rules: LinkingRules = LinkingRules()) -> Resolution:  # noqa: B008 # frozen
    """Resolve under the tests' key."""
    return resolve(facts, rules, key=KEY)


def refs(resolution: Resolution) -> set[tuple[str, int]]:
    """Give the founders of today's profiles with their generations."""
    return {(str(p.founder), p.ref.generation) for p in resolution.profiles}


def ref(founder: str, generation: int = 0) -> str:
    """Give the id of a founder's profile."""
    return hashed(ProfileRef(name(founder), generation))


def test_a_person_takes_over_a_devices_profile() -> None:
    """The device's own profile is absorbed, and its id leads to the person's."""
    answer = resolved(seen("1", 9, "device_id:tab"), seen("2", 10, "user_id:ada", "device_id:tab"))
    assert refs(answer) == {("user_id:ada", 0)}
    assert answer.redirects == {ref("device_id:tab"): ref("user_id:ada")}


def test_redirects_lead_to_who_lives_today() -> None:
    """An id absorbed by one that was itself absorbed leads to the last."""
    answer = resolved(
        seen("1", 8, "device_id:tab"),
        seen("2", 9, "device_id:phone"),
        seen("3", 10, "device_id:tab", "device_id:phone"),
        seen("4", 11, "user_id:ada", "device_id:phone"),
    )
    assert answer.redirects == {ref("device_id:phone"): ref("user_id:ada"), ref("device_id:tab"): ref("user_id:ada")}


def test_a_founder_that_founds_again_has_a_new_id() -> None:
    """A cookie that was absorbed, forgotten and seen alone again is another profile than it was."""
    facts = [
        seen("1", 9, "anonymous_id:web"),
        seen("2", 10, "user_id:ada", "anonymous_id:web"),
        seen("3", 13, "anonymous_id:web"),
    ]
    answer = resolved(*facts, rules=FORGETFUL)
    assert refs(answer) == {("user_id:ada", 0), ("anonymous_id:web", 1)}
    assert answer.redirects == {ref("anonymous_id:web"): ref("user_id:ada")}
    more = [seen("4", 14, "user_id:ben", "anonymous_id:web"), seen("5", 17, "anonymous_id:web")]
    again = resolved(*facts, *more, rules=FORGETFUL)
    assert refs(again) == {("user_id:ada", 0), ("user_id:ben", 0), ("anonymous_id:web", 2)}
    assert again.redirects == {
        ref("anonymous_id:web"): ref("user_id:ada"),
        ref("anonymous_id:web", 1): ref("user_id:ben"),
    }


def test_a_profile_that_loses_a_device_keeps_its_id() -> None:
    """The tablet moves to another person; both persons are who they were."""
    answer = resolved(
        seen("1", 9, "user_id:ada", "device_id:tab"),
        seen("2", 10, "user_id:ben"),
        seen("3", 11, "user_id:ben", "device_id:tab"),
    )
    assert refs(answer) == {("user_id:ada", 0), ("user_id:ben", 0)}
    assert answer.redirects == {}


def test_an_earlier_person_found_late_founds_the_profile() -> None:
    """Of two logins that a judgement holds to be one person the earlier-seen founds; the other's id leads to it."""
    facts = [seen("1", 9, "user_id:ben"), seen("2", 10, "user_id:ada"), seen("3", 11, "user_id:ada", "device_id:tab")]
    answer = resolve(facts, LinkingRules(), [must("user_id:ada", "user_id:ben")], key=KEY)
    assert refs(answer) == {("user_id:ben", 0)}
    split = resolve(facts, LinkingRules(), [cannot("user_id:ada", "user_id:ben")], key=KEY)
    assert refs(split) == {("user_id:ada", 0), ("user_id:ben", 0)}
    assert split.redirects == {}


def test_a_profile_says_whether_it_is_a_person() -> None:
    """A profile with a person-class identifier is a person; of several the one that ranks first is named."""
    answer = resolved(seen("1", 9, "user_id:ada", "device_id:tab"), seen("2", 10, "email:guest@example.com"))
    assert {(str(p.person), p.is_person) for p in answer.profiles} == {("user_id:ada", True), ("None", False)}


def test_no_facts_are_nobody() -> None:
    """Nothing seen, nothing said."""
    answer = resolved()
    assert answer.profiles == ()
    assert answer.attribution == {}
    assert resolve([seen("1", 12, "user_id:ada")], LinkingRules(), as_of=at(11)).profiles == ()


@pytest.mark.parametrize("other", [b"", b"another deployment", KEY + b"2"])
def test_ids_of_two_deployments_are_unrelated(other: bytes) -> None:
    """The same founder under another key has another id."""
    ada = ProfileRef(name("user_id:ada"), 0)
    assert profile_id(ada, other) != profile_id(ada, KEY)
    assert len(profile_id(ada, other)) == 32


def test_an_id_is_for_ever() -> None:
    """The hash of a founder never changes from one version of Homing to the next."""
    assert profile_id(ProfileRef(name("user_id:ada"), 0), b"k" * 32) == "34b883802e3136499bff2f6078bc487b"
    assert profile_id(ProfileRef(name("user_id:ada"), 1), b"k" * 32) == "d0523ba16b266c685f3084242c73ebff"
