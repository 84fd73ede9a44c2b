"""A message becomes the observation that it is under the rules."""

from functools import lru_cache, partial

from identity.normalize import clean
from identity.observations import Observation
from identity.rules import LinkingRules
from service.messages import Message

MAX_NAMES = 1 << 15
"""How many different sets of raw identifiers are kept at hand."""


class Observer:
    """Reads messages under one set of rules; a device sends the same names again and again, and they are read once."""

    def __init__(self, rules: LinkingRules) -> None:
        self._clean = lru_cache(maxsize=MAX_NAMES)(partial(clean, rules=rules))

    def observe(self, message: Message) -> Observation:
        """Give the observation that a message is."""
        identifiers, _ = self._clean(message.identifiers)
        return Observation(
            id=message.message_id,
            at=message.at,
            identifiers=identifiers,
            trust=message.trust,
            source=message.source,
            received_at=message.received_at,
        )
