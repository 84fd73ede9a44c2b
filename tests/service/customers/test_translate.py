"""Endpoints are the addresses a profile holds; only those that somebody trusted tied to the person can be sent to."""

from typing import Any

import pytest

from channel_selector.eligibility.endpoints import Endpoint, EndpointStatus
from identity.observations import Trust
from identity.rules import AssertedEndpoints
from service.customers import Customer
from service.customers.translate import endpoint_id, endpoints
from tests.service.customers.world import PHONE_UA, RULES, TABLET_UA, World, device, hour, with_linking

KEY = RULES.endpoint_key


def by_address(found: Customer, **options: Any) -> dict[str, Endpoint]:
    """Give a customer's endpoints by address."""
    return {each.address: each for each in endpoints(found, RULES, **options)}


def test_every_namespace_has_its_channel_and_the_one_seen_last_comes_first() -> None:
    """Push by what the device is, e-mail, SMS and messenger by namespace; user and device ids are no addresses."""
    world = World()
    world.track(1, userId="u1", context={**device("p", token="t-app"), "userAgent": PHONE_UA})
    world.track(2, userId="u1", context={**device("b", "web", token="t-web"), "userAgent": TABLET_UA})
    world.identify(3, userId="u1", traits={"email": "U@Example.com"})
    world.identify(4, userId="u1", traits={"phone": "+82 10-1234-5678"})
    world.track(5, userId="u1", context={"externalIds": [{"type": "kakao_id", "id": "k1"}]})
    found = endpoints(world.customer("user_id", "u1"), RULES)
    assert [(each.channel, each.address, each.device_id, each.device_kind) for each in found] == [
        ("messenger", "k1", None, ""),
        ("sms", "+821012345678", None, ""),
        ("email", "u@example.com", None, ""),
        ("web_push", "t-web", "b", "tablet"),
        ("app_push", "t-app", "p", "phone"),
    ]
    assert all(each.deliverable and each.status is EndpointStatus.ACTIVE for each in found)
    assert [each.last_seen for each in found] == [hour(5), hour(4), hour(3), hour(2), hour(1)]


def test_an_endpoint_id_is_lasting_and_reveals_nothing() -> None:
    """It depends on channel, address and key alone."""
    one = endpoint_id("email", "a@example.com", KEY)
    assert one == endpoint_id("email", "a@example.com", KEY)
    others = {
        endpoint_id("sms", "a@example.com", KEY),
        endpoint_id("email", "b@example.com", KEY),
        endpoint_id("email", "a@example.com", b"another key"),
    }
    assert len(others | {one}) == 4
    assert "example" not in one


def test_only_the_newest_token_of_a_device_is_live() -> None:
    """A token that came later, from whomever, replaces the older ones of the same device and channel."""
    world = World()
    world.track(1, userId="u1", context=device("p", token="old"))
    world.track(2, userId="u1", context=device("p", token="new"))
    world.track(1, userId="u1", context=device("q", token="elsewhere"))
    found = by_address(world.customer("user_id", "u1"))
    assert {address: each.status.value for address, each in found.items()} == {
        "old": "expired",
        "new": "active",
        "elsewhere": "active",
    }
    world.track(3, userId="u1", context=device("p", token="old"))
    assert by_address(world.customer("user_id", "u1"))["new"].status is EndpointStatus.EXPIRED


def test_a_token_that_another_person_put_on_the_device_replaces_mine() -> None:
    """The phone was sold: what it receives is no longer for its former owner."""
    world = World()
    world.track(1, userId="u1", anonymousId="a1", context={"externalIds": [{"type": "push_token", "id": "mine"}]})
    world.track(1.5, userId="u1", context=device("p", token="mine"))
    world.track(2, userId="u2", context=device("p", token="theirs"))
    mine = world.customer("push_token", "mine")
    assert mine.tokens[0].live is False


@pytest.mark.parametrize("trust", [Trust.SERVER, Trust.VERIFIED])
def test_a_trusted_observation_with_the_person_makes_an_address_deliverable(trust: Trust) -> None:
    """Said by a public key alone an e-mail is not sent to; once the server says so it is."""
    world = World()
    world.identify(1, userId="u1", trust=Trust.ASSERTED, traits={"email": "a@example.com"})
    endpoint = by_address(world.customer("user_id", "u1"))["a@example.com"]
    assert (endpoint.deliverable, endpoint.reason) == (False, "unverified_endpoint")
    world.identify(2, userId="u1", trust=trust, traits={"email": "a@example.com"})
    endpoint = by_address(world.customer("user_id", "u1"))["a@example.com"]
    assert (endpoint.deliverable, endpoint.reason) == (True, None)


def test_a_trusted_observation_without_the_person_proves_nothing() -> None:
    """The server saw the address with a browser; only a public key says that the browser is this person's."""
    world = World()
    world.identify(1, anonymousId="a1", traits={"email": "victim@example.com"})
    world.track(2, userId="attacker", anonymousId="a1", trust=Trust.ASSERTED)
    found = world.customer("user_id", "attacker")
    assert not by_address(found)["victim@example.com"].deliverable


def test_a_guest_can_be_written_to_where_the_server_knows_the_address() -> None:
    """A profile without person: the server's word on the address is enough, a public key's is not."""
    world = World()
    world.identify(1, anonymousId="a1", traits={"email": "guest@example.com"})
    world.identify(2, anonymousId="a2", trust=Trust.ASSERTED, traits={"email": "claimed@example.com"})
    assert by_address(world.customer("anonymous_id", "a1"))["guest@example.com"].deliverable
    assert not by_address(world.customer("anonymous_id", "a2"))["claimed@example.com"].deliverable


def test_a_public_token_counts_on_a_device_that_one_person_alone_claimed() -> None:
    """`asserted_endpoints = own_device`; a second person on the device ends it; `deny` never allows it."""
    world = World()
    world.track(1, userId="u1", trust=Trust.ASSERTED, context=device("p", token="t"))
    found = world.customer("user_id", "u1")
    assert by_address(found)["t"].deliverable
    strict = with_linking(asserted_endpoints=AssertedEndpoints.DENY)
    assert not endpoints(found, strict)[0].deliverable
    world.track(0, userId="u2", trust=Trust.ASSERTED, context=device("p"))
    assert not by_address(world.customer("push_token", "t"))["t"].deliverable


def test_a_public_claim_by_contact_alone_gives_no_token() -> None:
    """Whoever knows somebody's e-mail could otherwise put an own phone beside it."""
    world = World()
    world.identify(1, userId="u1", traits={"email": "victim@example.com"})
    claim = {"traits": {"email": "victim@example.com"}, "context": device("evil", token="evil-token")}
    world.identify(2, trust=Trust.ASSERTED, **claim)
    found = world.customer("user_id", "u1")
    endpoint = by_address(found).get("evil-token")
    assert endpoint is not None
    assert (endpoint.deliverable, endpoint.reason) == (False, "unverified_endpoint")


def test_a_visitors_token_is_the_visitors_own() -> None:
    """Nobody ever logged in on the browser: its token is deliverable for the browser's own profile."""
    world = World()
    world.track(1, anonymousId="a1", trust=Trust.ASSERTED, context=device("b", "web", token="t"))
    assert by_address(world.customer("anonymous_id", "a1"))["t"].deliverable


def test_a_hub_is_no_endpoint() -> None:
    """An address that too many persons share is in no profile."""
    rules = with_linking(hub_limit=2)
    world = World(rules)
    for number in range(3):
        world.identify(number, userId=f"u{number}", traits={"email": "shop@example.com"})
    assert endpoints(world.customer("user_id", "u0"), rules) == ()


def test_a_bounced_address_says_so() -> None:
    """The provider's word precedes a token's age."""
    world = World()
    world.identify(1, userId="u1", traits={"email": "a@example.com"})
    world.track(1, userId="u1", context=device("p", token="old"))
    world.track(2, userId="u1", context=device("p", token="new"))
    dead = {endpoint_id("email", "a@example.com", KEY), endpoint_id("app_push", "old", KEY)}
    found = by_address(world.customer("user_id", "u1"), bounced=dead)
    assert {address: each.status.value for address, each in found.items()} == {
        "a@example.com": "bounced",
        "old": "bounced",
        "new": "active",
    }


@pytest.mark.parametrize(
    ("context", "channel"),
    [
        ({"device": {"id": "d", "token": "t", "type": "android"}}, "app_push"),
        ({"device": {"id": "d", "token": "t", "type": "Browser"}}, "web_push"),
        ({"device": {"id": "d", "token": "t"}, "userAgent": TABLET_UA}, "web_push"),
        ({"device": {"id": "d", "token": "t"}, "userAgent": TABLET_UA, "app": {"name": "Shop"}}, "app_push"),
        ({"device": {"id": "d", "token": "t"}, "userAgent": "Shop/3 CFNetwork/1494"}, "app_push"),
        ({"device": {"id": "d", "token": "t"}}, "app_push"),
        ({"externalIds": [{"type": "ios.push_token", "id": "t"}]}, "app_push"),
    ],
)
def test_a_tokens_channel_is_what_its_client_says(context: dict[str, Any], channel: str) -> None:
    """The SDK's own word first, then whether a browser sent it; of nothing said, an app."""
    world = World()
    world.track(1, userId="u1", context=context)
    assert [each.channel for each in endpoints(world.customer("user_id", "u1"), RULES)] == [channel]


def test_a_server_that_repeats_a_token_does_not_move_it() -> None:
    """What is not said this time stays as the device itself said it."""
    world = World()
    world.track(1, userId="u1", context={**device("b", "web", token="t"), "userAgent": TABLET_UA})
    world.track(2, userId="u1", context={"externalIds": [{"type": "push_token", "id": "t"}]})
    (endpoint,) = endpoints(world.customer("user_id", "u1"), RULES)
    assert (endpoint.channel, endpoint.device_id, endpoint.device_kind) == ("web_push", "b", "tablet")
