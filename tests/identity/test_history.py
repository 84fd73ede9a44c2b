"""As of a moment survives what came later: merges, hubs, judgements, late facts."""

from dataclasses import replace

from identity.judgements import Undo, judged
from identity.observations import Observation
from identity.rules import LinkingRules
from tests.identity.living import Living
from tests.identity.sketch import at, cannot, name, seen


def together(lives: Living, hour: int, *names: str) -> set[frozenset[str]]:
    """Give the profiles that hold some identifiers as of an hour."""
    asked = list(map(name, names))
    groups = lives.said_as_of(asked, at(hour)).profiles.values()
    return {frozenset(map(str, group)) for group in groups if not group.isdisjoint(asked)}


def received(observation: Observation, hour: int) -> Observation:
    """Let an observation be known only from an hour on."""
    return replace(observation, received_at=at(hour))


def test_a_late_merge_is_not_told_of_before_it_was_known() -> None:
    """A login of ten that came at fourteen joins nothing as of twelve, and does as of fourteen."""
    lives = Living(LinkingRules())
    lives.ingest(
        [
            seen("1", 9, "device_id:tab", "anonymous_id:web"),
            received(seen("2", 10, "user_id:ada", "device_id:tab"), 14),
        ]
    )
    assert together(lives, 12, "device_id:tab") == {frozenset({"device_id:tab", "anonymous_id:web"})}
    assert together(lives, 14, "device_id:tab") == {frozenset({"device_id:tab", "anonymous_id:web", "user_id:ada"})}
    assert lives.said_as_of([name("user_id:ada")], at(12)).profiles == {}


def test_a_hub_of_today_was_a_persons_phone_then() -> None:
    """Before the third person, the phone and what was seen with it belonged together."""
    lives = Living(replace(LinkingRules(), hub_limit=2))
    lives.ingest(
        [
            seen("1", 9, "user_id:u1", "phone:box"),
            seen("2", 10, "phone:box", "device_id:tab"),
            seen("3", 11, "user_id:u2", "phone:box"),
            seen("4", 12, "user_id:u3", "phone:box"),
        ]
    )
    assert together(lives, 13, "device_id:tab") == {frozenset({"device_id:tab"})}
    assert together(lives, 10, "device_id:tab") == {frozenset({"device_id:tab", "phone:box", "user_id:u1"})}


def test_a_judgement_holds_from_when_it_was_made_until_it_is_undone() -> None:
    """As of the hours before, between and after."""
    lives = Living(LinkingRules())
    lives.ingest([seen("1", 9, "user_id:ada", "device_id:tab")])
    word = judged(cannot("a:1", "b:2").kind, name("user_id:ada"), name("device_id:tab"), at=at(11), name="j1")
    assert lives.say(word)
    assert lives.say(Undo(judgement="j1", at=at(13)))
    counts = [len(together(lives, hour, "user_id:ada", "device_id:tab")) for hour in (10, 11, 12, 13)]
    assert counts == [1, 2, 2, 1]
