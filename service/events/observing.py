"""A message becomes the observation that it is under the rules."""

from functools import lru_cache, partial

from identity.identifiers import NamespaceClass
from identity.normalize import clean
from identity.observations import Observation, Trust
from identity.rules import LinkingRules
from service.events.event_identifiers import RawIdentifier, identifier_text
from service.events.messages import PROVEN, Message

MAX_NAMES = 1 << 15
"""How many different sets of raw identifiers are kept at hand."""


class Observer:
    """Reads messages under one set of rules; a device sends the same names again and again, and they are read once."""

    def __init__(self, rules: LinkingRules) -> None:
        self._rules = rules
        self._clean = lru_cache(maxsize=MAX_NAMES)(partial(clean, rules=rules))

    def observe(self, message: Message) -> Observation:
        """Give the observation that a message is."""
        raw = message.identifiers if message.trust is not Trust.VERIFIED else self._proven(message)
        identifiers, _ = self._clean(raw)
        return Observation(
            id=message.message_id,
            at=message.at,
            identifiers=identifiers,
            trust=message.trust,
            source=message.source,
            received_at=message.received_at,
        )

    def _proven(self, message: Message) -> tuple[RawIdentifier, ...]:
        """Leave out whom a signed token does not vouch for: other persons, contacts and browsers named beside it.

        The devices of its event stay: it was sent from one.
        """
        context = message.content.get("context")
        homing = context.get("homing") if isinstance(context, dict) else None
        if not isinstance(homing, dict) or PROVEN not in homing:
            return message.identifiers
        subject = {"user_id": message.content["userId"], "anonymous_id": message.content["anonymousId"]}
        return tuple(
            (name, value)
            for name, value in message.identifiers
            if self._rules.namespace(name).kind is NamespaceClass.DEVICE
            or (name in homing[PROVEN] and value == identifier_text(subject.get(name, value)))
        )
