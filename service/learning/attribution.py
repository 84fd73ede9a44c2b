"""What became of a profile's messages as its own facts tell it: a pure fold, the same in any order and repetition.

An order counts once, and so does an event that names the decision; what is refunded or merged later is folded again.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from channel_selector.model.learning import Reported
from channel_selector.outcomes import Outcome, OutcomeKind, was_sent
from identity.observations import Trust
from service.carts.commerce import plain_name
from service.carts.orders import Order
from service.events.event_identifiers import identifier_text
from service.events.messages import Message

_MEDIA = ("email", "push notification", "web push notification", "sms", "message", "in app message")
_HAPPENINGS: Mapping[str, OutcomeKind] = {
    "sent": OutcomeKind.SENT,
    "delivered": OutcomeKind.DELIVERED,
    "received": OutcomeKind.DELIVERED,
    "opened": OutcomeKind.OPENED,
    "tapped": OutcomeKind.CLICKED,
    "clicked": OutcomeKind.CLICKED,
    "link clicked": OutcomeKind.CLICKED,
    "bounced": OutcomeKind.BOUNCED,
    "marked as spam": OutcomeKind.COMPLAINED,
    "unsubscribed": OutcomeKind.UNSUBSCRIBED,
}
EVENTS: Mapping[str, OutcomeKind] = {
    **{f"{medium} {happening}": kind for medium in _MEDIA for happening, kind in _HAPPENINGS.items()},
    "unsubscribed": OutcomeKind.UNSUBSCRIBED,
    "deep link opened": OutcomeKind.CLICKED,
    "deep link clicked": OutcomeKind.CLICKED,
}
"""Segment's names (Spec: Email, Mobile, Native Mobile Push), and what they tell of the decision they name.

Order Completed is not among them: `order_outcomes` counts orders, once each and less what was given back.
"""

ORDER = "order:"
"""How the ids of outcomes begin that orders are."""

VISITS = frozenset({"page", "screen"})
"""Events of these types that name a decision: its message was followed to there."""

TOLD_BY_ANYONE = frozenset({OutcomeKind.DELIVERED, OutcomeKind.OPENED, OutcomeKind.CLICKED, OutcomeKind.UNSUBSCRIBED})
"""What public keys may tell: it happens in the recipient's hand, and only who got the message knows its decision's id.

Bounces, complaints and sending happen elsewhere: their word takes endpoints and sends away, and needs a secret key.
"""

_FOREVER = datetime.max.replace(tzinfo=UTC)


class Sent(Protocol):
    """A decision and when it sends (None: never): a `Send`, a `DecisionRow`."""

    @property
    def decision_id(self) -> str:
        """The decision."""
        ...

    @property
    def send_at(self) -> datetime | None:
        """When its message goes out."""
        ...


S = TypeVar("S", bound=Sent)


def sent(decided: Iterable[S], outcomes: Iterable[Reported], *, reported: bool) -> tuple[S, ...]:
    """Keep the decisions whose messages went out: not denied and, where `reported` asks for it, reported sent."""
    told: dict[str, list[Outcome]] = {}
    for decision_id, outcome in outcomes:
        told.setdefault(decision_id, []).append(outcome)
    return tuple(
        each
        for each in decided
        if each.send_at is not None and was_sent(told.get(each.decision_id, ()), reported=reported, now=_FOREVER)
    )


def order_outcomes(
    orders: Iterable[Order], sends: Iterable[Sent], window: timedelta, *, asserted_orders: bool
) -> tuple[Reported, ...]:
    """Give the conversions that a profile's orders are, each for one of its sends at most.

    An order belongs to the decision it names, if that is among the sends, else to the last one sent no later than the
    order and no more than `window` before it. Refunded orders are none; those told by public keys alone count only
    with `asserted_orders`. The outcome's id is `order:` and the order's. O((n + m) log m) for n orders, m sends.
    """
    line = sorted((send.send_at, send.decision_id) for send in sends if send.send_at is not None)
    named = {decision_id for _, decision_id in line}
    found: list[Reported] = []
    for order in orders:
        if order.refunded or (order.trust < Trust.SERVER and not asserted_orders):
            continue
        decision_id = order.decision_id if order.decision_id in named else _last(line, order.at, window)
        if decision_id is not None:
            found.append((decision_id, _conversion(order)))
    return tuple(found)


def told_outcomes(messages: Iterable[Message]) -> tuple[Reported, ...]:
    """Give what events tell that name a decision in `properties.decision_id`; see EVENTS, VISITS, TOLD_BY_ANYONE."""
    return tuple(told for message in messages if (told := told_outcome(message)) is not None)


def told_outcome(message: Message) -> Reported | None:
    """Give what one event tells of the decision that it names, None if it names none or may not tell."""
    properties = message.content.get("properties")
    if not isinstance(properties, dict) or "decision_id" not in properties:
        return None
    kind = _kind(message)
    if kind is None or (message.trust < Trust.SERVER and kind not in TOLD_BY_ANYONE):
        return None
    decision_id = (identifier_text(properties["decision_id"]) or "").strip()
    if not decision_id:
        return None
    return decision_id, Outcome(kind=kind, at=message.at, id=f"event:{message.message_id}")


def _last(line: list[tuple[datetime, str]], at: datetime, window: timedelta) -> str | None:
    """Find the last of the sends in line at or before a moment; of one instant, the greatest id."""
    place = bisect_right(line, at, key=lambda each: each[0])
    if place == 0:
        return None
    send_at, decision_id = line[place - 1]
    return decision_id if at - send_at <= window else None


def _conversion(order: Order) -> Outcome:
    value = 0.0 if order.value is None else order.value
    return Outcome(kind=OutcomeKind.CONVERTED, at=order.at, value=value, id=f"{ORDER}{order.order_id}")


def _kind(message: Message) -> OutcomeKind | None:
    """Tell what an event would say of a decision, if it named one."""
    if message.type in VISITS:
        return OutcomeKind.CLICKED
    if message.type != "track" or message.name is None:
        return None
    return EVENTS.get(plain_name(message.name))
