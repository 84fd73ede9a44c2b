"""Input that nobody sends in good faith is answered with a reason, and others' profiles stay as they are."""

from dataclasses import replace
from datetime import UTC, datetime

from identity.judgements import Undo, Word
from identity.normalize import clean
from identity.observations import Observation, Trust
from identity.rules import LinkingRules
from tests.identity.compare import hashed
from tests.identity.living import Living
from tests.identity.sketch import cannot, must, name, seen

ADA = seen("0", 8, "user_id:ada", "device_id:hers", "email:ada@example.org")


def untouched(lives: Living) -> bool:
    """Tell whether Ada is still who she was."""
    return frozenset(ADA.identifiers) in set(lives.said().profiles.values())


def test_a_circle_of_aliases_is_one_profile() -> None:
    """One name after the other, and back to the first, any number of times."""
    lives = Living(LinkingRules())
    ring = [f"anonymous_id:{n}" for n in range(5)]
    turns = [seen(f"{turn}{n}", 9, ring[n], ring[(n + 1) % 5]) for turn in range(3) for n in range(5)]
    lives.ingest([ADA, *turns])
    assert frozenset(map(name, ring)) in set(lives.said().profiles.values())
    assert untouched(lives)
    assert lives.said() == lives.defined()


def test_a_link_to_oneself_is_none() -> None:
    """The same name twice is one; a must-link of one with itself says nothing, a cannot-link contradicts itself."""
    identifiers, rejected = clean([("user_id", "zed"), ("user_id", " zed ")], LinkingRules())
    assert (identifiers, rejected) == ((name("user_id:zed"),), ())
    lives = Living(LinkingRules())
    lives.ingest([ADA])
    assert lives.say(must("user_id:ada", "user_id:ada"))
    assert not lives.say(cannot("user_id:ada", "user_id:ada"))
    assert untouched(lives)


def test_ten_thousand_identifiers_count_as_twenty() -> None:
    """First by priority, then by value; each of the others is rejected with its reason."""
    raw = [("anonymous_id", f"w{n:05}") for n in range(9_999)]
    identifiers, rejected = clean([*raw, ("user_id", "zed")], LinkingRules())
    assert identifiers == (name("user_id:zed"), *(name(f"anonymous_id:w{n:05}") for n in range(19)))
    assert [r.reason for r in rejected] == ["too_many_identifiers"] * 9_980


def test_times_far_off_are_times() -> None:
    """1970 and 2099 are replayed in their order, before and after everybody else's."""
    lives = Living(LinkingRules())
    zed = seen("2", 10, "user_id:zed", "device_id:his")
    old = Observation(id="old", at=datetime(1970, 1, 1, tzinfo=UTC), identifiers=zed.identifiers)
    far = Observation(id="far", at=datetime(2099, 12, 31, tzinfo=UTC), identifiers=zed.identifiers)
    lives.ingest([ADA, far, zed, old])
    assert untouched(lives)
    assert lives.said() == lives.defined()
    assert [key.id for key in sorted(lives.said().attribution)] == ["old", "0", "2", "far"]


def test_a_device_that_a_thousand_claim_is_nobodys() -> None:
    """It is shared after the twentieth; each claimant keeps an own profile."""
    lives = Living(LinkingRules())
    lives.ingest([ADA])
    lives.ingest([seen(str(n + 1), 9, f"user_id:u{n}", "device_id:till") for n in range(1_000)])
    assert lives.said().shared.keys() == {name("device_id:till")}
    assert len(lives.said().profiles) == 1_001
    assert untouched(lives)


def test_without_hubs_a_device_that_a_thousand_claim_is_the_lasts() -> None:
    """Vendors' presets know no hubs: it goes from hand to hand, and nobody is joined with anybody."""
    lives = Living(replace(LinkingRules(), hub_limit=None))
    lives.ingest([ADA, *(seen(f"{n:04}", 9, f"user_id:u{n}", "device_id:till") for n in range(1_000))])
    assert len(lives.said().profiles) == 1_001
    assert frozenset({name("user_id:u999"), name("device_id:till")}) in set(lives.said().profiles.values())
    assert untouched(lives)


def test_a_flood_of_claims_from_a_public_key_joins_nobody() -> None:
    """A thousand asserted claims on Ada's device leave her profile hers."""
    lives = Living(LinkingRules())
    flood = [seen(f"f{n}", 9, f"user_id:u{n}", "device_id:hers", trust=Trust.ASSERTED) for n in range(1_000)]
    lives.ingest([ADA, *flood])
    assert untouched(lives)
    assert lives.said().shared == {}


def test_an_undo_of_an_undo_is_nothing() -> None:
    """Only judgements can be undone; twice undone is undone."""
    lives = Living(LinkingRules())
    lives.ingest([ADA])
    word = replace(cannot("user_id:ada", "device_id:hers"), id="j")
    before = lives.said()
    words: list[Word] = [word, Undo(judgement="j"), Undo(judgement="j")]
    assert all(map(lives.say, words))
    assert lives.said() == before
    assert len(set(map(hashed, (p.ref for p in lives.resolution().profiles)))) == 1
