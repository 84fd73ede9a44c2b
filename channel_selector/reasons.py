"""A reason is one plain sentence that is true of the counts it names, and a code for programs."""

from collections.abc import Callable
from enum import StrEnum

from channel_selector.arms import Arm, daypart_text
from channel_selector.endpoints import APP_PUSH, EMAIL, IN_APP, MESSENGER, SMS, WEB_PUSH
from channel_selector.outcomes import TAP_IS_OPEN
from channel_selector.tallies import NO_TALLY, CustomerEffects, Tally

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


def sentence(code: ReasonCode, arm: Arm | None, effects: CustomerEffects, population: Tally) -> str:
    """Say why, from the customer's counts if there are any, else the population's of this arm."""
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


def _evidence(arm: Arm, effects: CustomerEffects, population: Tally) -> str:
    own = effects.arms.get(arm, NO_TALLY)
    if own.converted:
        return _purchases(arm, own, effects)
    if own.engaged:
        verb = "Opened" if arm.channel in TAP_IS_OPEN else "Clicked"
        return f"{verb} {own.engaged} of {own.sends} {_messages(arm)}, {daypart_text(arm.daypart)}."
    lead = f"No reaction yet to {own.sends} of these; " if own.sends else "Not tried yet with this customer; "
    if population.sends:
        return f"{lead}{population.converted} of {population.sends} {_to_everybody(arm)} were followed by a purchase."
    return f"{lead}nothing is known of {_to_everybody(arm)}, so the starting assumption decides."


def _purchases(arm: Arm, own: Tally, effects: CustomerEffects) -> str:
    hours, messages = daypart_text(arm.daypart), _messages(arm)
    if not (_leads_media(arm, effects) and _leads_hours(arm, own, effects)):
        return f"Bought after {own.converted} of {own.sends} {messages}, {hours}."
    bought = effects.purchases
    noun = "purchase" if bought == 1 else "purchases"
    return f"Buys most often after {messages}, usually {hours} ({own.converted} of {bought} {noun})."


def _leads_media(arm: Arm, effects: CustomerEffects) -> bool:
    """Tell whether more of the customer's purchases followed this channel and device than any other."""
    bought = effects.media[arm.medium].converted
    return all(tally.converted < bought for other, tally in effects.media.items() if other != arm.medium)


def _leads_hours(arm: Arm, own: Tally, effects: CustomerEffects) -> bool:
    """Tell whether more of them came at these hours than at any others by the same channel and device."""
    return all(
        tally.converted < own.converted
        for other, tally in effects.arms.items()
        if other.medium == arm.medium and other != arm
    )


def _messages(arm: Arm) -> str:
    named = MESSAGES_BY.get(arm.channel, f"messages by {arm.channel}")
    return f"{named} on the {arm.device_kind}" if arm.device_kind else named


def _to_everybody(arm: Arm) -> str:
    return f"{_messages(arm)} sent at {daypart_text(arm.daypart)}"
