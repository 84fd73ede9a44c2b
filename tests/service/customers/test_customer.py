"""A customer is what the facts of its own profile amount to, and of others' only what they tell of its devices."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.observations import Trust
from service.carts.cart import CartState
from tests.service.customers.world import PHONE_UA, TABLET_UA, World, device, hour


def test_traits_are_the_last_word_of_the_highest_trust() -> None:
    """A public key never overwrites what the server said, and null takes a trait back."""
    world = World()
    world.identify(1, userId="u1", traits={"plan": "gold", "city": "Seoul", "old": 1})
    world.identify(2, userId="u1", traits={"plan": "silver", "old": None})
    world.identify(3, userId="u1", trust=Trust.ASSERTED, traits={"plan": "hacked", "shoe": 42})
    world.track(4, userId="u1", context={"traits": {"city": "Busan"}})
    world.take(5, {"type": "group", "userId": "u1", "groupId": "g", "traits": {"plan": "the company's"}})
    found = world.customer("user_id", "u1").traits
    assert {name: trait.value for name, trait in found.items()} == {"plan": "silver", "city": "Busan", "shoe": 42}
    assert (found["plan"].source, found["plan"].words, found["shoe"].trust) == ("shop", 3, Trust.ASSERTED)


def test_another_persons_facts_on_a_shared_tablet_are_not_the_customers() -> None:
    """History does not move: what was done while somebody else held the tablet stays with that person."""
    world = World()
    world.track(1, userId="mother", context=device("tab", "web"))
    world.track(2, "Product Added", context=device("tab", "web"), properties={"product_id": "p1", "price": 5})
    world.track(3, userId="child", context=device("tab", "web"))
    world.track(4, "Product Added", context=device("tab", "web"), properties={"product_id": "p2", "price": 7})
    assert [cart.value for cart in world.customer("user_id", "mother").carts(hour(9))] == [5]
    assert [cart.value for cart in world.customer("user_id", "child").carts(hour(9))] == [7]


def test_carts_and_orders_come_from_all_devices_of_the_person() -> None:
    """A cart left on the tablet is closed by the order on the phone."""
    world = World()
    world.track(0, userId="u1", anonymousId="a1")
    world.track(1, "Product Added", anonymousId="a1", properties={"cart_id": "c", "product_id": "p", "price": 5})
    assert [cart.state for cart in world.customer("user_id", "u1").carts(hour(3))] == [CartState.ABANDONED]
    world.track(4, "Order Completed", userId="u1", properties={"order_id": "o", "value": 5}, context=device("phone"))
    found = world.customer("user_id", "u1")
    assert [cart.state for cart in found.carts(hour(5))] == [CartState.RECOVERED]
    assert [order.order_id for order in found.orders] == ["o"]


def test_activity_counts_local_hours_of_events_on_devices_alone() -> None:
    """Each event counts in its own zone; one without zone in the person's; a server's own events not at all."""
    world = World()
    world.track(0, userId="u1", context={**device("d1"), "timezone": "Asia/Seoul"})  # 9 in Seoul
    world.track(1, userId="u1", context={**device("d1"), "timezone": "Europe/Berlin"})  # 2 in Berlin
    world.track(2, userId="u1", context={**device("d1"), "timezone": "Atlantis/Capital"})  # 3 in Berlin
    world.track(3, userId="u1")
    found = world.customer("user_id", "u1")
    assert {place: count for place, count in enumerate(found.activity) if count} == {2: 1, 3: 1, 9: 1}
    assert found.timezone is not None
    assert found.timezone.key == "Europe/Berlin"


def test_without_any_zone_the_deployments_counts_and_none_is_claimed() -> None:
    """Nothing is known of the person's zone, and nothing is said of it."""
    world = World()
    world.track(5, anonymousId="a1")
    found = world.customer("anonymous_id", "a1")
    assert found.timezone is None
    assert found.activity[5] == sum(found.activity) == 1


def test_identifiers_tell_how_well_they_are_known() -> None:
    """Count, first and last sighting over all facts, highest trust and who said so."""
    world = World()
    world.take(1, {"type": "track", "event": "x", "userId": "u1", "anonymousId": "a1"}, Trust.ASSERTED, "web")
    world.take(2, {"type": "identify", "userId": "u1", "traits": {"email": "U1@Example.com"}}, Trust.SERVER, "crm")
    world.take(3, {"type": "track", "event": "x", "userId": "u1", "anonymousId": "a1"}, Trust.ASSERTED, "web")
    world.take(3, {"type": "identify", "userId": "u1"}, Trust.SERVER, "till")
    found = world.customer("user_id", "u1")
    known = {name.namespace: each for name, each in found.identifiers.items()}
    assert list(known) == ["user_id", "email", "anonymous_id"]
    user = known["user_id"]
    assert (user.trust, user.source, user.observations) == (Trust.SERVER, "till", 4)
    assert (user.first_seen, user.last_seen) == (hour(1), hour(3))
    assert (known["anonymous_id"].trust, known["anonymous_id"].vouched) == (Trust.ASSERTED, False)
    assert known["email"].vouched
    assert found.values("email") == ("u1@example.com",)
    assert (found.first_seen, found.last_seen) == (hour(1), hour(3))


def test_devices_show_what_their_latest_events_say() -> None:
    """Silence changes nothing; a browser without device id is a device of its own; the one seen last comes first."""
    world = World()
    world.track(1, userId="u1", context={**device("p1"), "userAgent": PHONE_UA, "app": {"name": "Shop"}})
    world.track(2, userId="u1", context={"device": {"id": "p1"}, "timezone": "Asia/Seoul", "os": "not a table"})
    world.track(3, userId="u1", anonymousId="a1", context={"userAgent": TABLET_UA})
    first, second = world.customer("user_id", "u1").devices
    assert (first.device_id, first.kind, first.identifier.namespace) == ("a1", "tablet", "anonymous_id")
    assert (second.device_id, second.kind, second.type, second.app, second.system) == ("p1", "phone", "ios", "Shop", "")
    assert (second.timezone, second.first_seen, second.last_seen) == ("Asia/Seoul", hour(1), hour(2))


def test_confidence_is_the_share_of_sightings_that_agree_smoothed() -> None:
    """Three of four logins on the customer's tablet are the customer's: (3 + 1) / (4 + 2)."""
    world = World()
    world.track(0, userId="other", context=device("tab"))
    for at in (1, 2, 3):
        world.track(at, userId="u1", context=device("tab"))
    assert world.customer("user_id", "u1").confidence == pytest.approx(4 / 6)
    alone = World()
    alone.track(1, userId="solo")
    assert alone.customer("user_id", "solo").confidence == 1.0


def test_a_repr_tells_nothing_personal() -> None:
    """A traceback that shows a customer shows no identifier."""
    world = World()
    world.identify(
        1, userId="secret-name", traits={"email": "secret@example.com"}, context=device("secret-d", token="secret-t")
    )
    assert "secret" not in repr(world.customer("user_id", "secret-name"))


@given(st.permutations(range(6)))
def test_the_order_of_arrival_never_matters(order: list[int]) -> None:
    """The same events give the same customer, whatever came in first."""
    world = World()
    context = {**device("d1", token="t1"), "consent": {"categoryPreferences": {"marketing_email": True}}}
    world.identify(1, userId="u1", traits={"plan": "gold"}, context=context)
    world.identify(1, userId="u1", traits={"plan": "silver"}, trust=Trust.ASSERTED)
    world.identify(1, userId="u1", traits={"plan": "bronze"})
    world.track(2, anonymousId="a1", userId="u1", context={"timezone": "Asia/Seoul"})
    world.track(3, "Product Added", anonymousId="a1", properties={"product_id": "p", "price": 3})
    world.track(4, anonymousId="a1", context=device("d1", token="t2"))
    in_order = world.customer("user_id", "u1")
    shuffled = World()
    shuffled.messages = [world.messages[place] for place in order]
    again = shuffled.customer("user_id", "u1")
    assert again == in_order
    assert again.carts(hour(9)) == in_order.carts(hour(9))
    assert again.traits == in_order.traits
    assert again.traits["plan"].value == "bronze"


def test_a_contact_that_only_judgements_speak_of_has_no_dates() -> None:
    """A customer without facts is empty, not an error."""
    world = World()
    world.track(1, userId="u1")
    known = world.customer("user_id", "u1")
    empty = type(known)(
        profile=known.profile,
        identifiers={},
        trait_rules=known.trait_rules,
        statements=(),
        devices=(),
        tokens=(),
        timezone=None,
        activity=(0,) * 24,
        confidence=1.0,
        messages=(),
    )
    assert (empty.first_seen, empty.last_seen, empty.orders, empty.consents) == (None, None, (), ())
    assert empty.carts(hour(1) + timedelta(days=1)) == ()
