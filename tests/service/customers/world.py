"""A small world: events as clients send them, resolved by R, seen as one profile's customer."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from channel_selector.eligibility.endpoints import Consent, ConsentState
from identity.identifiers import Identifier
from identity.observations import Trust
from identity.profiles import Profile
from identity.resolve import resolve
from identity.rules import LinkingRules
from service.customers import Customer, CustomerRules, customer
from service.customers.consents import consent_message
from service.events.messages import Message, parse
from service.events.observing import Observer
from service.profiles.filed import SeenFact

START = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)
"""A Monday."""

RULES = CustomerRules(linking=LinkingRules(), endpoint_key=b"a key of the tests")

PHONE_UA = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)
TABLET_UA = (
    "Mozilla/5.0 (Linux; Android 14; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


def hour(number: float) -> datetime:
    """Give the moment that many hours after the start."""
    return START + timedelta(hours=number)


class World:
    """Events come in at hours of the world's own; `customer` sees one of its profiles."""

    def __init__(self, rules: CustomerRules = RULES) -> None:
        self.rules = rules
        self.messages: list[Message] = []

    def track(self, at: float, event: str = "Seen", *, trust: Trust = Trust.SERVER, **fields: Any) -> None:
        """Take a track."""
        self.take(at, {"type": "track", "event": event, **fields}, trust)

    def identify(self, at: float, *, trust: Trust = Trust.SERVER, **fields: Any) -> None:
        """Take an identify."""
        self.take(at, {"type": "identify", **fields}, trust)

    def take(self, at: float, raw: Mapping[str, Any], trust: Trust = Trust.SERVER, source: str = "shop") -> None:
        """Take an event as JSON gives it."""
        named = {"messageId": f"m{len(self.messages):04}", "timestamp": hour(at).isoformat(), **raw}
        message = parse(
            named, route_type=None, source=source, trust=trust, received_at=START + timedelta(days=365), sent_at=None
        )
        assert isinstance(message, Message)
        self.messages.append(message)

    def consent(self, at: float, state: ConsentState, channel: str | None = "email", **identifiers: str) -> None:
        """Take what `PUT /v1/consents` leaves."""
        word = Consent(channel=channel, purpose="marketing", state=state, at=hour(at), source="call centre")
        self.messages.append(
            consent_message(
                identifiers=identifiers.items(),
                consent=word,
                message_id=None,
                dated=True,
                source="shop",
                trust=Trust.SERVER,
                received_at=hour(10_000),
            )
        )

    def customer(self, namespace: str, value: str) -> Customer:
        """Give the customer whose profile holds an identifier."""
        profile, facts = self.seen(namespace, value)
        return customer(profile, facts, self.rules)

    def seen(self, namespace: str, value: str) -> tuple[Profile, list[SeenFact]]:
        """Give the profile that holds an identifier, and everybody's facts."""
        observer = Observer(self.rules.linking)
        observed = [(message, observer.observe(message)) for message in self.messages]
        resolution = resolve([observation for _, observation in observed], self.rules.linking)
        wanted = Identifier(namespace, value)
        profile = next(profile for profile in resolution.profiles if wanted in profile.identifiers)
        return profile, [
            SeenFact(seq=seq, message=message, observation=seen, owner=resolution.attribution[seen.key])
            for seq, (message, seen) in enumerate(sorted(observed, key=lambda pair: pair[1].key), 1)
        ]


def device(name: str, kind: str = "ios", token: str | None = None, **context: Any) -> dict[str, Any]:
    """Give the context of an event on a device."""
    return {"device": {"id": name, "type": kind, **({} if token is None else {"token": token})}, **context}


def with_linking(**changes: Any) -> CustomerRules:
    """Give the tests' rules with other linking rules."""
    return replace(RULES, linking=replace(RULES.linking, **changes))
