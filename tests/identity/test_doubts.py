"""What the facts cannot tell of shared devices is said, and of nobody else's."""

from identity.doubts import Doubt, DoubtKind, doubts
from identity.observations import Observation
from identity.profiles import ProfileRef
from identity.rules import LinkingRules
from tests.identity.living import Living
from tests.identity.sketch import name, seen

TAB = name("device_id:tab")
TWO = (seen("1", 9, "user_id:ada", "device_id:tab"), seen("2", 11, "user_id:ben", "device_id:tab"))


def of(person: str, *facts: Observation) -> list[Doubt]:
    """Give the doubts of a person's profile."""
    lives = Living(LinkingRules())
    lives.ingest(facts)
    ref = ProfileRef(name(person), 0)
    (component,) = lives.shelf.find([name(person)])
    return doubts(component, ref)


def test_events_of_a_shared_device_may_be_anybodys() -> None:
    """Between Ada's login and Ben's the tablet's events are Ada's by the rules alone."""
    facts = [*TWO, seen("3", 10, "device_id:tab"), seen("4", 12, "device_id:tab"), seen("5", 13, "device_id:tab")]
    kind = DoubtKind.SHARED_DEVICE
    assert of("user_id:ada", *facts) == [Doubt(kind=kind, device=TAB, persons=2, observations=1)]
    assert of("user_id:ben", *facts) == [Doubt(kind=kind, device=TAB, persons=2, observations=2)]


def test_a_login_without_its_person_is_doubtful() -> None:
    """An e-mail typed on a shared tablet belongs to whom it was last seen with, which need not be who typed it."""
    facts = [
        *TWO,
        seen("3", 8, "user_id:ada", "email:a@example.com"),
        seen("4", 12, "email:a@example.com", "device_id:tab"),
    ]
    (doubt,) = of("user_id:ada", *facts)
    assert (doubt.kind, doubt.device, doubt.observations) == (DoubtKind.LOGIN_WITHOUT_PERSON, TAB, 1)


def test_a_device_of_one_leaves_no_doubt() -> None:
    """However often it names nobody."""
    assert of("user_id:ada", TWO[0], seen("3", 10, "device_id:tab")) == []
