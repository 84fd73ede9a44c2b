"""What a shop's clients send, in requests of a few events; the same seed gives the same traffic.

Some events come twice, some requests too, in any order; every sender has a key of its own. Between the events stand
questions where a message goes, and what came of it is told as soon as the answer is there.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

import orjson

from identity.observations import Trust
from service.keys import Scope
from service.sample_shop import ShopMessage, generate

NOW = datetime(2025, 6, 18, 12, 0, tzinfo=UTC)
"""The shop's last moment: long ago, so that no event lies in any server's future."""

PEOPLE = 4
"""A shop's customers, apart from Wonjun; they make some six hundred events."""

BATCH = 5
REPEATED = 0.1
"""So many of the events stand in a second request, and so many of the requests come twice."""

ASKED = 0.08
"""So many questions come to one request of events; they are dearer."""

ASKERS = 5

BY_TWO = 10
"""So many events come from two senders."""

Raw = dict[str, Any]


class Sender(StrEnum):
    """Who sends: each has a key of its own, with a source and a trust."""

    WEB = "web"
    SHOP = "shop"
    CASH_DESK = "cash_desk"
    MAILER = "mailer"


TRUST: Mapping[Sender, Trust] = {
    Sender.WEB: Trust.ASSERTED,
    Sender.SHOP: Trust.SERVER,
    Sender.CASH_DESK: Trust.SERVER,
    Sender.MAILER: Trust.SERVER,
}
SCOPES: Mapping[Sender, frozenset[Scope]] = {
    Sender.WEB: frozenset({Scope.INGEST}),
    Sender.SHOP: frozenset({Scope.INGEST}),
    Sender.CASH_DESK: frozenset({Scope.INGEST}),
    Sender.MAILER: frozenset({Scope.DECIDE, Scope.OUTCOME, Scope.READ, Scope.READ_PII}),
}


class Kind(StrEnum):
    """What a request is."""

    EVENTS = "events"
    QUESTION = "question"
    OUTCOME = "outcome"


PATHS: Mapping[Kind, str] = {
    Kind.EVENTS: "/v1/batch",
    Kind.QUESTION: "/v1/recommendations",
    Kind.OUTCOME: "/v1/outcomes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event and who sends it."""

    sender: Sender
    raw: Raw = field(repr=False)

    @property
    def name(self) -> str:
        """What the store knows it by."""
        return fact_name(str(self.sender), TRUST[self.sender], self.raw["messageId"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; `names` are what it puts into the store; a question's is its message id, until it is answered."""

    sender: Sender
    kind: Kind
    body: bytes = field(repr=False)
    names: tuple[str, ...] = field(repr=False)


def fact_name(source: str, trust: Trust, message_id: str) -> str:
    """Name a fact as the log knows it."""
    return f"fact/{source}/{int(trust)}/{message_id}"


def decision_name(message_id: str, decision_id: str) -> str:
    """Name a message's decision."""
    return f"decision/{message_id}/{decision_id}"


def outcome_name(decision_id: str) -> str:
    """Name what came of a decision."""
    return f"outcome/{decision_id}"


@cache
def events(seed: int, people: int = PEOPLE) -> tuple[Event, ...]:
    """Give a shop's events, oldest first, and logins of those who will be asked about."""
    chance = random.Random(seed)
    shop = [Event(sender=_sender(each, chance), raw=each.raw) for each in generate(NOW, seed, people).messages]
    # The same message id from another source is another fact.
    by_two = [Event(sender=Sender.CASH_DESK, raw=each.raw) for each in shop if each.sender is Sender.SHOP][:BY_TWO]
    return (*logins(), *shop, *by_two)


def logins() -> tuple[Event, ...]:
    """Give the logins of people who do nothing else: where a message to them goes does not depend on the order."""
    return tuple(Event(sender=Sender.SHOP, raw=_login(number)) for number in range(ASKERS))


def batches(some: Sequence[Event], chance: random.Random, size: int = BATCH) -> list[Request]:
    """Put events into requests of one sender each, some of them twice, in any order."""
    sent = [*some, *chance.sample(some, int(len(some) * REPEATED))]
    chance.shuffle(sent)
    made = [request for sender in Sender for request in _of_one(sender, sent, size)]
    made += chance.sample(made, int(len(made) * REPEATED))
    chance.shuffle(made)
    return made


def questions(count: int, first: int = 0) -> list[Request]:
    """Give so many questions, each of a message of its own; they are numbered from `first`."""
    return [_question(number) for number in range(first, first + count)]


def outcome(decision_id: str) -> Request:
    """Give what is told of a decision: that its message was opened by a click."""
    body = {"decision_id": decision_id, "type": "clicked", "id": f"outcome-of-{decision_id}"}
    names = (outcome_name(decision_id),)
    return Request(sender=Sender.MAILER, kind=Kind.OUTCOME, body=orjson.dumps(body), names=names)


def mixed(
    seed: int, chance: random.Random, *, some: Sequence[Event] | None = None, first_question: int = 0
) -> list[Request]:
    """Give a shop's traffic: its batches, with questions among them, some of which are asked again.

    `some` are the events if not all of the shop's are sent.
    """
    sent = batches(events(seed) if some is None else some, chance)
    asked = questions(max(1, int(len(sent) * ASKED)), first_question)
    asked += chance.sample(asked, int(len(asked) * REPEATED))
    for question in asked:
        sent.insert(chance.randrange(len(sent) + 1), question)
    return sent


def _of_one(sender: Sender, sent: Iterable[Event], size: int) -> Iterator[Request]:
    own = [event for event in sent if event.sender is sender]
    for start in range(0, len(own), size):
        yield request_of(sender, own[start : start + size])


def request_of(sender: Sender, some: Sequence[Event]) -> Request:
    """Put events of one sender into a request."""
    body = orjson.dumps({"batch": [event.raw for event in some]})
    return Request(sender=sender, kind=Kind.EVENTS, body=body, names=tuple(event.name for event in some))


def _sender(message: ShopMessage, chance: random.Random) -> Sender:
    if message.trust is Trust.ASSERTED:
        return Sender.WEB
    return chance.choice((Sender.SHOP, Sender.CASH_DESK))


def _login(number: int) -> Raw:
    phone = {"id": f"asked-phone-{number}", "type": "ios", "token": f"asked-token-{number}"}
    return {
        "type": "identify",
        "messageId": f"asked-login-{number}",
        "userId": f"asked-{number}",
        "timestamp": (NOW - timedelta(days=9, minutes=number)).isoformat(),
        "context": {"device": phone, "timezone": "Asia/Seoul"},
    }


def _question(number: int) -> Request:
    recipient = {"namespace": "user_id", "value": f"asked-{number % ASKERS}"}
    message_id = f"asked-cart-{number}"
    body = orjson.dumps({"recipient": recipient, "message": {"id": message_id}})
    return Request(sender=Sender.MAILER, kind=Kind.QUESTION, body=body, names=(message_id,))
