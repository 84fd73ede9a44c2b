"""A reason is one plain sentence that is true of the counts it names, and a code for programs.

Purchases are counted as the log tells them: those that followed a message, clicked or not.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from channel_selector.eligibility.arms import Arm, daypart_text
from channel_selector.eligibility.endpoints import APP_PUSH, EMAIL, IN_APP, MESSENGER, SMS, WEB_PUSH
from channel_selector.model.tallies import NO_TALLY, CustomerEffects, Tally
from channel_selector.outcomes import TAP_IS_OPEN

MESSAGES_BY = {
    APP_PUSH: "app pushes",
    WEB_PUSH: "web pushes",
    EMAIL: "e-mails",
    SMS: "text messages",
    MESSENGER: "messenger messages",
    IN_APP: "in-app messages",
}


class ReasonCode(StrEnum):
    """Why a decision is what it is."""

    BEST_EXPECTED_VALUE = "best_expected_value"
    POPULATION_BEST = "population_best"
    EXPLORING = "exploring"
    DO_NOT_SEND = "do_not_send"
    NO_OPTIONS = "no_options"
    HOLDOUT = "holdout"
    BUSINESS_AS_USUAL = "business_as_usual"


UNSENT = {
    ReasonCode.DO_NOT_SEND: "No message is worth more than sending none.",
    ReasonCode.NO_OPTIONS: "There is no way left to send this message.",
    ReasonCode.HOLDOUT: "This customer is in the holdout and is sent nothing, to measure what messages add.",
    ReasonCode.BUSINESS_AS_USUAL: "The fixed order of channels decides for this customer.",
    ReasonCode.EXPLORING: "Sends nothing this time, to learn what messages add.",
}


class Evidence(NamedTuple):
    """What all customers' messages came to: those of the arm chosen, and all by its channel."""

    arm: Tally
    channel: Tally


def sentence(code: ReasonCode, arm: Arm | None, effects: CustomerEffects, population: Evidence) -> str:
    """Say why, from the customer's counts if there are any, else the population's of this arm, else of its channel."""
    if arm is None or code not in LEADS:
        return UNSENT[code]
    return LEADS[code](_evidence(arm, effects, population))


def _as_it_is(evidence: str) -> str:
    return evidence


def _to_learn(evidence: str) -> str:
    return f"Tried to learn more. {evidence}"


LEADS: dict[ReasonCode, Callable[[str], str]] = {
    ReasonCode.BEST_EXPECTED_VALUE: _as_it_is,
    ReasonCode.POPULATION_BEST: _as_it_is,
    ReasonCode.EXPLORING: _to_learn,
}


def _evidence(arm: Arm, effects: CustomerEffects, population: Evidence) -> str:
    own = effects.arms.get(arm, NO_TALLY)
    if own.converted:
        return _purchases(arm, own, effects)
    if own.engaged:
        verb = "Opened" if arm.channel in TAP_IS_OPEN else "Clicked"
        return f"{verb} {own.engaged} of {own.sends} {_messages(arm)}, {daypart_text(arm.daypart)}."
    lead = f"No reaction yet to {own.sends} of these; " if own.sends else "Not tried yet with this customer; "
    hours = f"{_messages(arm)} sent at {daypart_text(arm.daypart)}"
    if population.arm.sends:
        return f"{lead}{_followed(population.arm, hours)}."
    if population.channel.sends:
        wider = _followed(population.channel, f"{_named(arm)} of all kinds")
        return f"{lead}nothing is known of others' {hours}, but {wider}."
    return f"{lead}nothing is known of others' {_named(arm)}, so the starting assumption decides."


def _purchases(arm: Arm, own: Tally, effects: CustomerEffects) -> str:
    hours, messages = daypart_text(arm.daypart), _messages(arm)
    if not (_leads_media(arm, effects) and _leads_hours(arm, own, effects)):
        return f"Bought after {own.bought} of {own.sends} {messages}, {hours}."
    bought = effects.purchases
    noun = "purchase" if bought == 1 else "purchases"
    return f"Buys most often after {messages}, usually {hours} ({own.bought} of {bought} {noun})."


def _leads_media(arm: Arm, effects: CustomerEffects) -> bool:
    """Tell whether more of the customer's purchases followed this channel and device than any other."""
    bought = effects.media[arm.medium].bought
    return all(tally.bought < bought for other, tally in effects.media.items() if other != arm.medium)


def _leads_hours(arm: Arm, own: Tally, effects: CustomerEffects) -> bool:
    """Tell whether more of them came at these hours than at any others by the same channel and device."""
    return all(
        tally.bought < own.bought
        for other, tally in effects.arms.items()
        if other.medium == arm.medium and other != arm
    )


def _messages(arm: Arm) -> str:
    named = _named(arm)
    return f"{named} on the {arm.device_kind}" if arm.device_kind else named


def _named(arm: Arm) -> str:
    return MESSAGES_BY.get(arm.channel, f"messages by {arm.channel}")


def _followed(tally: Tally, messages: str) -> str:
    return f"{tally.bought} of {tally.sends} {messages} were followed by a purchase"
