"""A ruling is put into the words of the contract: flat, always complete, with the chosen endpoint's address alone."""

from datetime import UTC, datetime
from typing import Any

from channel_selector.eligibility.endpoints import EndpointStatus
from channel_selector.eligibility.options import (
    ALREADY_PURCHASED,
    CHANNEL_NOT_REQUESTED,
    DEADLINE_PASSED,
    ENDPOINT_STATUS,
    FREQUENCY_CAP,
    LONG_UNSEEN,
    NO_CONSENT,
    NO_ELIGIBLE_OPTION,
    NO_ENDPOINT,
    QUIET_HOURS_PAST_DEADLINE,
    SUPPRESSED,
    UNVERIFIED_ENDPOINT,
)
from channel_selector.holdout import Assignment
from service.customers import MESSENGERS
from service.decisions.rulings import FALLBACK_ENDPOINT, Ruling

ADDRESSES = frozenset({"email", "phone", "push_token", *MESSENGERS})
"""Namespaces whose values are addresses."""

SEND, HOLD, SUPPRESS = "send", "hold", "suppress"
ALTERNATIVES = 5

HELD = {
    ALREADY_PURCHASED: "Held back: this person has bought since, on whichever device.",
    SUPPRESSED: "Never sent: this person opted out or was erased.",
    NO_CONSENT: "Held back: there is no consent to write to this person by any of these channels.",
    NO_ENDPOINT: "Held back: no way to reach this person is known.",
    FREQUENCY_CAP: "Held back: this person has been sent as much as is allowed for now.",
    QUIET_HOURS_PAST_DEADLINE: "Held back: quiet hours last until after the deadline.",
    DEADLINE_PASSED: "Held back: there is no time left before the deadline.",
    ENDPOINT_STATUS[EndpointStatus.BOUNCED]: "Held back: nothing arrives any more where this was to be sent.",
    ENDPOINT_STATUS[
        EndpointStatus.EXPIRED
    ]: "Held back: the app or browser that this was to be sent to is not registered any more.",
    LONG_UNSEEN: "Held back: where this was to be sent has not been seen for so long that nothing arrives there.",
    UNVERIFIED_ENDPOINT: "Held back: nobody trusted has tied these addresses to this person.",
    CHANNEL_NOT_REQUESTED: "Held back: this person can be reached, but by none of the channels asked for.",
    NO_ELIGIBLE_OPTION: "Held back: every way to reach this person is ruled out; `excluded` tells why.",
}


def recommendation(
    ruling: Ruling, now: datetime, *, returned: tuple[str, ...] = (), may_address: bool = False
) -> dict[str, Any]:
    """Give the flat answer of CONTRACT 3 as JSON knows it; times are texts in UTC."""
    decision, standing = ruling.decision, ruling.standing
    customer = None if standing is None else standing.reach.customer
    # Addresses are for whoever may have them; a caller's own names for people are for every caller.
    known_by = [name for name in returned if may_address or name not in ADDRESSES]
    action = _action(ruling)
    sent = decision.option if action == SEND else None
    endpoint = ruling.endpoint if action == SEND else None
    return {
        "decision_id": decision.decision_id,
        "profile_id": None if customer is None else customer.profile_id,
        "user_id": None if customer is None else next(iter(customer.values("user_id")), None),
        "recipient_ids": {} if customer is None else {name: list(customer.values(name)) for name in known_by},
        "action": action,
        "channel": None if sent is None else sent.channel,
        "device_id": None if endpoint is None else endpoint.device_id,
        "endpoint_id": None if endpoint is None else endpoint.endpoint_id,
        "address": endpoint.address if endpoint is not None and may_address else None,
        "variant": None if sent is None else sent.variant,
        "send_at": None if sent is None else _instant(sent.send_at),
        "send_at_unix": None if sent is None else int(sent.send_at.timestamp()),
        "send_in_seconds": None if sent is None else max(0, int((sent.send_at - now).total_seconds())),
        "timezone": ruling.timezone,
        "expires_at": _instant(ruling.expires_at),
        "fallback": ruling.fallback,
        "holdout": decision.assignment is Assignment.HOLDOUT,
        "conversion_probability": None if sent is None else decision.conversion_probability,
        "expected_value": None if sent is None else decision.expected_value,
        "interval": None if sent is None else decision.interval,
        "propensity": decision.propensity,
        "policy_version": decision.policy_version,
        "model_version": decision.model_version,
        "identity_confidence": None if customer is None else customer.confidence,
        "reason_code": decision.reason_code.value if ruling.held is None else ruling.held,
        "reason": decision.reason if ruling.held is None else HELD.get(ruling.held, decision.reason),
        "alternatives": _alternatives(ruling) if action == SEND else [],
        "excluded": [{"channel": each.channel, "reason_code": each.reason_code} for each in ruling.excluded],
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _action(ruling: Ruling) -> str:
    if ruling.held is None:
        return SEND
    return SUPPRESS if ruling.held == SUPPRESSED else HOLD


def _alternatives(ruling: Ruling) -> list[dict[str, Any]]:
    """Give the best option of each endpoint not chosen, the likeliest to convert first."""
    decision, chosen = ruling.decision, ruling.decision.option
    if not decision.conversion_probabilities:
        return []
    best: dict[str, tuple[float, datetime, int]] = {}
    for place, (conversion, option) in enumerate(zip(decision.conversion_probabilities, decision.options, strict=True)):
        rank = -conversion, option.send_at, place
        before = best.get(option.endpoint_id)
        if before is None or rank < before:
            best[option.endpoint_id] = rank
    if chosen is not None:
        best.pop(chosen.endpoint_id, None)
    return [_alternative(ruling, place) for _, _, place in sorted(best.values())[:ALTERNATIVES]]


def _alternative(ruling: Ruling, place: int) -> dict[str, Any]:
    """Tell of the option at that place."""
    decision, option = ruling.decision, ruling.decision.options[place]
    endpoints = () if ruling.standing is None else ruling.standing.reach.endpoints
    known = option.endpoint_id if not option.endpoint_id.startswith(FALLBACK_ENDPOINT) else None
    return {
        "channel": option.channel,
        "device_id": next((e.device_id for e in endpoints if e.endpoint_id == known), None),
        "send_at": _instant(option.send_at),
        "conversion_probability": decision.conversion_probabilities[place],
        "propensity": None if decision.propensity is None else decision.probabilities[place],
    }
