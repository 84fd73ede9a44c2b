"""The sample shop's past is in the store as a real shop's would be, and a second loading adds only what is new."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from channel_selector.holdout import Assignment
from channel_selector.outcomes import OutcomeKind
from service.clock import FixedClock
from service.customers.standing import Standing, standing
from service.decisions.rulings import Logged, logged
from service.learning.learner import learn
from service.profiles import finding
from service.sample_shop import PastMessage, SampleShop, generate
from service.sample_shop.shop_loading import Loaded, load
from service.store import decisions, facts
from service.store.decisions import EntryKind
from service.wiring import Homing
from tests.service.harness import deployment

WEDNESDAY = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)
PEOPLE = 8


@pytest.fixture
def clock() -> FixedClock:
    """Stand in the middle of the shop's week."""
    return FixedClock(WEDNESDAY)


@pytest.fixture
def demo(tmp_path: Path, clock: FixedClock) -> Iterator[Homing]:
    """Open an empty store with the demo's time zone."""
    homing = deployment(tmp_path, clock, {"HOMING_TIMEZONE": "Asia/Seoul", "HOMING_DEFAULT_REGION": "KR"})
    yield homing
    homing.close()


def shop_at(now: datetime) -> SampleShop:
    """Make the shop as it stands at a moment."""
    return generate(now, people=PEOPLE)


def sizes(homing: Homing) -> tuple[int, int]:
    """Count both logs."""
    return homing.writer.submit(lambda conn: (facts.last_seq(conn), decisions.last_seq(conn))).result(10)


def made(homing: Homing) -> dict[str, Logged]:
    """Give the decisions in the log."""

    def read(conn: Connection) -> dict[str, Logged]:
        found = (each for each in decisions.scan(conn) if each.entry.kind is EntryKind.DECISION)
        return {each.entry.decision_id or "": logged(each) for each in found}

    return homing.writer.submit(read).result(10)


def standing_of(homing: Homing, user: str) -> Standing:
    """Read what is known of a customer."""

    def read(conn: Connection) -> Standing:
        view = finding.profile_of(conn, homing.people, "user_id", user)
        assert view is not None
        return standing(conn, view, homing.customer_rules, homing.settings)

    return homing.writer.submit(read).result(10)


def wonjuns(shop: SampleShop) -> list[PastMessage]:
    """Give what was sent to Wonjun."""
    return [past for past in shop.past if past.subject == ("user_id", "wonjun")]


def test_loading_again_adds_nothing(demo: Homing) -> None:
    """The first loading takes all there is, the second nothing, in either log."""
    shop = shop_at(WEDNESDAY)
    heard: list[int] = []
    first = load(demo, shop, heard.append)
    assert first.decisions == len(shop.past)
    assert first.messages == len({message.raw["messageId"] for message in shop.messages}) > 300
    assert sum(heard) == len(shop.messages) + len(shop.past)
    before = sizes(demo)
    assert load(demo, shop_at(WEDNESDAY)) == Loaded(messages=0, decisions=0)
    assert sizes(demo) == before
    assert learn(demo) is not None
    load(demo, shop_at(WEDNESDAY))
    assert learn(demo) is None


def test_a_later_loading_adds_what_has_happened_since(demo: Homing, clock: FixedClock) -> None:
    """Loading on Wednesday and on Friday ends like loading on Friday alone."""
    early = load(demo, shop_at(WEDNESDAY))
    clock.set(WEDNESDAY + timedelta(days=2))
    late = shop_at(clock.now())
    more = load(demo, late)
    assert early.decisions + more.decisions == len(late.past)
    assert early.messages + more.messages == len({message.raw["messageId"] for message in late.messages})
    assert more.messages > 0


def test_past_messages_are_decisions_with_their_true_propensities(demo: Homing) -> None:
    """Drawn evenly over the options that there were, of which the one sent is there, and belongs to its person."""
    shop = shop_at(WEDNESDAY)
    load(demo, shop)
    found = made(demo)
    assert set(found) == {past.decision_id for past in shop.past}
    for past in shop.past:
        decision = found[past.decision_id].decision
        option = decision.option
        assert option is not None
        assert decision.propensity == past.propensity == 1 / len(decision.options)
        assert len(decision.options) == past.option_count
        assert set(decision.probabilities) == {past.propensity}
        assert (option.channel, option.device_kind, option.send_at) == (past.channel, past.device_kind, past.sent_at)
        assert (option.local_hour, option.weekday) == (past.local_hour, past.weekday)
        assert found[past.decision_id].message_id == past.message_id
        assert (decision.policy_version, decision.assignment) == ("uniform-1", Assignment.LEARNED)
        assert decision.reason.startswith("Tried to learn more. ")


def test_an_event_that_is_none_is_a_fault_of_the_shop(demo: Homing) -> None:
    """What the collector would reject is never left out in silence."""
    shop = shop_at(WEDNESDAY)
    wrong = replace(shop.messages[0], raw={**shop.messages[0].raw, "type": "shout"})
    with pytest.raises(ValueError, match="invalid_type"):
        load(demo, replace(shop, messages=[wrong]))
    assert sizes(demo) == (0, 0)


def test_the_past_counts_for_the_customer(demo: Homing) -> None:
    """Wonjun's messages went to the endpoints that his profile has, and what came of them is known."""
    shop = shop_at(WEDNESDAY)
    load(demo, shop)
    past = wonjuns(shop)
    known = standing_of(demo, "wonjun")
    assert {send.decision_id for send in known.sends} == {each.decision_id for each in past}
    assert {send.subject for send in known.sends} == {known.view.profile.profile_id}
    endpoints = {endpoint.endpoint_id for endpoint in known.reach.endpoints}
    assert {send.endpoint_id for send in known.sends} <= endpoints
    bought = {name for name, outcome in known.outcomes if outcome.kind is OutcomeKind.CONVERTED}
    assert bought == {each.decision_id for each in past if any(o.kind == "converted" for o in each.outcomes)}
    told = Counter(outcome.kind.value for name, outcome in known.outcomes if outcome.kind is OutcomeKind.CLICKED)
    assert told["clicked"] >= sum(any(o.kind == "clicked" for o in each.outcomes) for each in past)


def test_the_population_is_the_shop_s(demo: Homing) -> None:
    """Every past message to an address that its person still has is a trial of the model."""
    shop = shop_at(WEDNESDAY)
    load(demo, shop)
    population = learn(demo)
    assert population is not None
    kept = sum(holder(demo, *past.endpoint) == holder(demo, *past.subject) for past in shop.past)
    # A shared device, and its push token with it, is the person's who logged in there last.
    assert len(shop.past) - 3 < kept <= len(shop.past)
    assert sum(tally.sends for tally in population.tallies.values()) == kept


def holder(homing: Homing, namespace: str, value: str) -> str | None:
    """Give the profile that an identifier is in."""

    def read(conn: Connection) -> str | None:
        view = finding.profile_of(conn, homing.people, namespace, value)
        return None if view is None else view.profile.profile_id

    return homing.writer.submit(read).result(10)
