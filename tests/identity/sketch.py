"""Short ways to write facts in tests."""

from datetime import UTC, datetime

from identity.identifiers import Identifier
from identity.judgements import Judgement, JudgementKind, judged
from identity.observations import Observation, Trust


def at(hour: int) -> datetime:
    """Give a full hour of the tests' day."""
    return datetime(2026, 3, 1, hour, tzinfo=UTC)


def name(text: str) -> Identifier:
    """Read `namespace:value`, already normalised."""
    namespace, _, value = text.partition(":")
    return Identifier(namespace, value)


def seen(number: str, hour: int, *names: str, trust: Trust = Trust.SERVER) -> Observation:
    """Make an observation of identifiers written `namespace:value`."""
    return Observation(id=number, at=at(hour), identifiers=tuple(map(name, names)), trust=trust)


def must(left: str, right: str) -> Judgement:
    """Hold two identifiers together."""
    return judged(JudgementKind.MUST_LINK, name(left), name(right))


def cannot(left: str, right: str) -> Judgement:
    """Hold two identifiers apart."""
    return judged(JudgementKind.CANNOT_LINK, name(left), name(right))
