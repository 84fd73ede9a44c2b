"""The sample shop goes into a store the way a real shop's past would: its events as facts, its messages as decisions.

Loading again adds only what is new: messages are known by their ids, decisions and outcomes by theirs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from channel_selector.decisions import Decision
from channel_selector.eligibility.context import Context
from channel_selector.eligibility.options import DeliveryOption, option_id
from channel_selector.holdout import Assignment
from channel_selector.model.tallies import NO_EFFECTS, NO_TALLY
from channel_selector.outcomes import Outcome, OutcomeKind
from channel_selector.policies import Uniform
from channel_selector.reasons import ReasonCode
from identity.identifiers import Identifier
from identity.normalize import normalize
from service.customers.translate import endpoint_id
from service.decisions.asks import Ask
from service.decisions.deciding import HELD_FOR
from service.decisions.recipients import MEMBER
from service.decisions.rulings import Ruling, log
from service.events.ingest import Receipt, ingest
from service.events.messages import Message, Rejection, parse
from service.learning.outcomes import record_outcomes, report
from service.sample_shop import PastMessage, SampleShop
from service.sample_shop.records import PastAddress, ShopMessage
from service.store import decisions, nodes
from service.wiring import Homing

SOURCE = "sample-shop"
MODEL = "none"
"""The former policy drew evenly and estimated nothing."""
STEP = 1_000

T = TypeVar("T")

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """How much of a shop was new to the store."""

    messages: int
    decisions: int


def load(homing: Homing, shop: SampleShop, progress: Progress = lambda _: None) -> Loaded:
    """Load a shop; `progress` is told of each thousand done. Waits for the writer."""
    now = homing.clock.now()
    taken = sent = 0
    for part in _steps(_messages(shop, now)):
        receipts = homing.writer.submit(lambda conn, part=part: ingest(conn, homing.people, part)).result()  # type: ignore[misc]  # part is bound now
        taken += sum(receipt is Receipt.ACCEPTED for receipt in receipts)
        progress(len(part))
    for past in _steps(shop.past):
        sent += homing.writer.submit(lambda conn, past=past: _send(conn, homing, past, now)).result()  # type: ignore[misc]  # past is bound now
        progress(len(past))
    return Loaded(messages=taken, decisions=sent)


def _steps(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), STEP):
        yield rows[start : start + STEP]


def _messages(shop: SampleShop, now: datetime) -> list[Message]:
    """Read the shop's events: each happened when it says, and all are received now, as an import's are."""
    return [_message(each, now) for each in shop.messages]


def _message(told: ShopMessage, now: datetime) -> Message:
    message = parse(told.raw, route_type=None, source=SOURCE, trust=told.trust, received_at=now, sent_at=None)
    if isinstance(message, Rejection):
        raise ValueError(f"the sample shop made an event that is none: {message.code}")  # noqa: TRY004 - its content is
    return message


def _send(conn: Connection, homing: Homing, past: Sequence[PastMessage], now: datetime) -> int:
    """Log past messages as the decisions they were, and what came of them; give how many were new."""
    named = {each: normalize(*each.subject, homing.rules) for each in past}
    found = nodes.find(conn, [i for i in named.values() if isinstance(i, Identifier)])
    new = 0
    for each, subject in named.items():
        node = found.get(subject) if isinstance(subject, Identifier) else None
        if node is None or node.profile_id is None or decisions.find(conn, each.decision_id) is not None:
            continue
        _decide(conn, homing, each, node.profile_id)
        new += 1
    reports = [
        report(
            each.decision_id,
            Outcome(kind=OutcomeKind(outcome.kind), at=outcome.at, value=outcome.value),
            SOURCE,
        )
        for each in past
        for outcome in each.outcomes
    ]
    record_outcomes(conn, reports, now)
    return new


def _decide(conn: Connection, homing: Homing, past: PastMessage, profile_id: str) -> None:
    """Log one past message: an even draw over its addresses at its hours."""
    key = homing.customer_rules.endpoint_key
    options = tuple(_option(homing, address, at, past, key) for address in past.reach for at in past.hours)
    chosen = next(
        place
        for place, option in enumerate(options)
        if option.send_at == past.sent_at and option.endpoint_id == _endpoint(homing, past.address, key)
    )
    decision = Decision(
        decision_id=past.decision_id,
        subject=profile_id,
        option_id=options[chosen].option_id,
        propensity=past.propensity,
        probabilities=(past.propensity,) * len(options),
        no_send_probability=0.0,
        expected_value=0.0,
        # `bau` is a fixed order of channels, at propensity 1. What was drawn evenly is told apart by policy_version.
        assignment=Assignment.LEARNED,
        policy_version=Uniform().version,
        model_version=MODEL,
        seed=0,
        at=past.abandoned_at,
        chosen=chosen,
        conversion_probability=None,
        conversion_probabilities=(),
        interval=None,
        reason_code=ReasonCode.EXPLORING,
        evidence=NO_TALLY,
        effects=NO_EFFECTS,
        context=Context(subject=profile_id, segment=MEMBER, cart_value=past.cart_value),
        options=options,
    )
    ruling = Ruling(
        decision=decision,
        message_id=past.message_id,
        held=None,
        fallback=False,
        excluded=(),
        endpoint=None,
        expires_at=past.abandoned_at + HELD_FOR,
        timezone=past.timezone,
        standing=None,
    )
    ask = Ask(message_id=past.message_id, cart_id=past.cart_id, currency=past.currency, abandoned_at=past.abandoned_at)
    log(conn, [(ruling, ask)], past.abandoned_at)


def _option(homing: Homing, address: PastAddress, at: datetime, past: PastMessage, key: bytes) -> DeliveryOption:
    local = at.astimezone(ZoneInfo(past.timezone))
    endpoint = _endpoint(homing, address, key)
    return DeliveryOption(
        option_id=option_id(endpoint, at),
        channel=address.channel,
        device_kind=address.device_kind,
        endpoint_id=endpoint,
        send_at=at,
        local_hour=local.hour,
        weekday=local.weekday(),
    )


def _endpoint(homing: Homing, address: PastAddress, key: bytes) -> str:
    """Name an address as the profile's endpoint is named."""
    identifier = normalize(*address.endpoint, homing.rules)
    value = identifier.value if isinstance(identifier, Identifier) else address.endpoint[1]
    return endpoint_id(address.channel, value, key)
