"""What came of a decision: a dated fact that counts once per decision and kind, however often it is reported."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from channel_selector.eligibility.endpoints import APP_PUSH, IN_APP, WEB_PUSH
from channel_selector.validation import from_microseconds, require_number, to_microseconds, utc


class OutcomeKind(StrEnum):
    """The kinds of outcome, from handing over to complaint."""

    SENT = "sent"
    NOT_SENT = "not_sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    CONVERTED = "converted"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


SENDING = frozenset({OutcomeKind.SENT, OutcomeKind.DELIVERED})
LEAVING = frozenset({OutcomeKind.UNSUBSCRIBED, OutcomeKind.COMPLAINED})
TAP_IS_OPEN = frozenset({APP_PUSH, WEB_PUSH, IN_APP})
"""Channels whose message a person opens by touching it. Elsewhere opens do not count: machines open e-mails too, and a
messenger's message is open once the chat is (82 % opened, 12 % clicked: CALIBRATION)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A dated fact; `value` is the money of a conversion, finite; `id` the reporter's own, None where it has none."""

    kind: OutcomeKind
    at: datetime
    value: float = 0.0
    id: str | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", OutcomeKind(self.kind))
        except ValueError:
            raise ValueError(f"outcome kind must be one of {', '.join(OutcomeKind)}") from None
        object.__setattr__(self, "at", utc("outcome time", self.at))
        require_number("outcome value", self.value)

    def to_json(self) -> dict[str, Any]:
        """Give the record as JSON holds it; the instant in microseconds since 1970 UTC."""
        return {"kind": self.kind.value, "at": to_microseconds(self.at), "value": self.value, "id": self.id}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Outcome":
        """Give the record `to_json` wrote."""
        return cls(**{**data, "at": from_microseconds(data["at"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What came of one sent decision within its window, as known at one moment; times are None where it did not happen.

    In channels whose clicks are tracked, engaged: clicked or tapped open (`reacts`); converted: bought then or later.
    In others the first purchase is both. `bought`: bought at all, whatever led there. `left`: unsubscribed or
    complained.
    """

    engaged_at: datetime | None
    converted_at: datetime | None
    bought: bool
    left: bool = False


NOTHING = Effects(engaged_at=None, converted_at=None, bought=False)


def was_sent(outcomes: Collection[Outcome], *, reported: bool, now: datetime) -> bool:
    """Tell whether a decision counts as sent: nobody denied it and, where `reported` asks for it, somebody said so."""
    if not outcomes:
        return not reported
    kinds = {outcome.kind for outcome in outcomes if outcome.at <= now}
    if OutcomeKind.NOT_SENT in kinds:
        return False
    return not reported or not kinds.isdisjoint(SENDING)


def reacts(kind: OutcomeKind, channel: str) -> bool:
    """Tell whether an outcome is a click, or a tap that opens the message; a channel that has one is click-tracked."""
    return kind is OutcomeKind.CLICKED or (kind is OutcomeKind.OPENED and channel in TAP_IS_OPEN)


def effects_of(
    outcomes: Collection[Outcome], *, channel: str, tracked: bool, send_at: datetime, window: timedelta, now: datetime
) -> Effects:
    """Give the first engagement and conversion in [send_at, send_at + window] up to `now`, in whatever order told.

    `tracked`: the channel's clicks are told. Then a purchase without one before it is not the message's doing.
    """
    if not outcomes:
        return NOTHING
    counted = [each for each in outcomes if send_at <= each.at <= now and each.at - send_at <= window]
    bought = sorted(each.at for each in counted if each.kind is OutcomeKind.CONVERTED)
    if tracked:
        engaged = min((each.at for each in counted if reacts(each.kind, channel)), default=None)
    else:
        engaged = bought[0] if bought else None
    converted = None if engaged is None else next((at for at in bought if at >= engaged), None)
    left = any(each.kind in LEAVING for each in counted)
    return Effects(engaged_at=engaged, converted_at=converted, bought=bool(bought), left=left)
