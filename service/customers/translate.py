"""A profile's identifiers become endpoints, deliverable only where somebody trusted tied the address to the person.

Shared identifiers (hubs) are in no profile and therefore never an endpoint.
"""

from collections.abc import Collection, Iterable, Iterator
from hashlib import blake2b

from channel_selector.eligibility.endpoints import EMAIL, MESSENGER, SMS, Endpoint, EndpointStatus
from channel_selector.eligibility.options import UNVERIFIED_ENDPOINT
from identity.identifiers import Identifier
from identity.rules import AssertedEndpoints
from service.customers import Customer, CustomerRules, PushToken

_CONTACTS = {"email": EMAIL, "phone": SMS}


def endpoints(customer: Customer, rules: CustomerRules, bounced: Collection[str] = frozenset()) -> tuple[Endpoint, ...]:
    """Give the places a customer can be reached at, the one seen last first.

    `bounced` are the endpoint ids whose provider said that nothing arrives there any more. A push token is reached in
    the app or in the browser that it was last seen in; one that a newer token of the same device replaced is expired.
    """
    found = [*_pushes(customer, rules, bounced), *_contacts(customer, rules, bounced)]
    return tuple(sorted(found, key=lambda endpoint: (_age(endpoint), endpoint.channel, endpoint.endpoint_id)))


def contact_endpoints(identifiers: Iterable[Identifier], rules: CustomerRules) -> list[str]:
    """Give the names of the endpoints that some contacts are, whoever's; others are none."""
    channels = _CONTACTS | dict.fromkeys(rules.messengers, MESSENGER)
    return [
        endpoint_id(channels[identifier.namespace], identifier.value, rules.endpoint_key)
        for identifier in identifiers
        if identifier.namespace in channels
    ]


def endpoint_id(channel: str, address: str, key: bytes) -> str:
    """Name a channel and an address by 32 hexadecimal digits that tell neither to whoever lacks the key."""
    text = f"{channel}\0{address}".encode()
    return blake2b(text, digest_size=16, key=key, person=b"homing.endpoint").hexdigest()


def _pushes(customer: Customer, rules: CustomerRules, bounced: Collection[str]) -> Iterator[Endpoint]:
    kinds = {device.identifier: device.kind for device in customer.devices}
    for token in customer.tokens:
        known = customer.identifiers[token.identifier]
        name = endpoint_id(token.channel, token.identifier.value, rules.endpoint_key)
        deliverable = known.vouched or _trusted_by_device(token, rules)
        yield Endpoint(
            endpoint_id=name,
            channel=token.channel,
            address=token.identifier.value,
            device_id=None if token.device is None else token.device.value,
            device_kind="" if token.device is None else kinds.get(token.device, ""),
            status=_status(bounced=name in bounced, expired=not token.live),
            deliverable=deliverable,
            reason=None if deliverable else UNVERIFIED_ENDPOINT,
            last_seen=known.last_seen,
        )


def _contacts(customer: Customer, rules: CustomerRules, bounced: Collection[str]) -> Iterator[Endpoint]:
    channels = _CONTACTS | dict.fromkeys(rules.messengers, MESSENGER)
    for identifier, known in customer.identifiers.items():
        channel = channels.get(identifier.namespace)
        if channel is None:
            continue
        name = endpoint_id(channel, identifier.value, rules.endpoint_key)
        yield Endpoint(
            endpoint_id=name,
            channel=channel,
            address=identifier.value,
            status=_status(bounced=name in bounced, expired=False),
            deliverable=known.vouched,
            reason=None if known.vouched else UNVERIFIED_ENDPOINT,
            last_seen=known.last_seen,
        )


def _trusted_by_device(token: PushToken, rules: CustomerRules) -> bool:
    """Tell whether a token that only public keys spoke of may be used: where nobody else ever claimed its device."""
    return rules.linking.asserted_endpoints is AssertedEndpoints.OWN_DEVICE and token.own


def _status(*, bounced: bool, expired: bool) -> EndpointStatus:
    if bounced:
        return EndpointStatus.BOUNCED
    return EndpointStatus.EXPIRED if expired else EndpointStatus.ACTIVE


def _age(endpoint: Endpoint) -> float:
    return 0.0 if endpoint.last_seen is None else -endpoint.last_seen.timestamp()
