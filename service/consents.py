"""What people said of being written to: each statement has its moment and its trust, and the last word counts.

Three ways lead here. Events carry `context.consent.categoryPreferences` (Segment's consent spec). `PUT /v1/consents`
leaves a message of type "consent". Unsubscribing and complaining are denials, told by outcomes. What the design leaves
open is decided so:

- A denial counts at any trust: silence harms nobody. A grant at lower trust than a denial that stands does not lift it:
  a public key cannot undo what the shop's server was told.
- Clients repeat their preferences on every event. Only what a device changes (or Segment's own event of a change) is a
  word; otherwise the next page view after an unsubscription would take it back.
- Of equal moments the stricter counts.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from channel_selector.endpoints import APP_PUSH, EMAIL, MARKETING, MESSENGER, SMS, WEB_PUSH, Consent, ConsentState
from identity.observations import Trust
from service.event_identifiers import RawIdentifier, identifiers_of
from service.messages import Message, canonical, digest_of
from service.setting_kinds import CategoryConsent
from service.store.times import to_micros

MESSAGE_TYPE = "consent"

PREFERENCE_UPDATED = "Segment Consent Preference Updated"
"""The event that Segment's wrappers send when somebody changes a preference: a word, even if it changes nothing."""

DEFAULT_CATEGORIES: Mapping[str, CategoryConsent] = MappingProxyType(
    {
        f"marketing_{channel}": CategoryConsent(channel=channel, purpose=MARKETING)
        for channel in (APP_PUSH, WEB_PUSH, EMAIL, SMS, MESSENGER)
    }
)
"""What a consent category stands for, where `[consent.categories]` does not say otherwise; others mean nothing."""

_STATES = {True: ConsentState.GRANTED, False: ConsentState.DENIED}
_MARKS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Somebody's word on a channel and a purpose, and how far its teller is trusted."""

    consent: Consent
    trust: Trust


def last_words(statements: Iterable[Statement]) -> tuple[Consent, ...]:
    """Give, for each channel (None: all) and purpose spoken of, the word that counts; sorted by both.

    Any order of the statements gives the same. O(n log n).
    """
    standing: dict[tuple[str | None, str], Statement] = {}
    for said in sorted(statements, key=_place):
        key = (said.consent.channel, said.consent.purpose)
        before, on_all = standing.get(key), standing.get((None, said.consent.purpose))
        if said.consent.state is ConsentState.DENIED:
            standing[key] = _denied(said, before)
        elif not (_outranks(before, said) or _outranks(on_all, said)):
            standing[key] = said
    return tuple(standing[key].consent for key in sorted(standing, key=lambda key: (key[0] or "", key[1])))


class Preferences:
    """The statements in one person's messages, given in order of time."""

    def __init__(self, categories: Mapping[str, CategoryConsent]) -> None:
        self._categories = categories
        self._shown: dict[tuple[Hashable, str], bool] = {}
        self.statements: list[Statement] = []

    def take(self, message: Message, speaker: Hashable) -> None:
        """Take note of what a message says; `speaker` is the device whose preferences it repeats."""
        explicit = consent_of(message)
        if explicit is not None:
            self.statements.append(Statement(consent=explicit, trust=message.trust))
            return
        updated = message.name == PREFERENCE_UPDATED
        for category, allowed in _preferences(message):
            shown = (speaker, category)
            if category in self._categories and (updated or self._shown.get(shown) is not allowed):
                self._shown[shown] = allowed
                self._say(message, self._categories[category], _STATES[allowed])

    def overhear(self, message: Message) -> None:
        """Take note of another person's message that names an address of this one's: only what it denies."""
        explicit = consent_of(message)
        if explicit is not None and explicit.state is ConsentState.DENIED:
            self.statements.append(Statement(consent=explicit, trust=message.trust))

    def _say(self, message: Message, category: CategoryConsent, state: ConsentState) -> None:
        consent = Consent(
            channel=category.channel, purpose=category.purpose, state=state, at=message.at, source=message.source
        )
        self.statements.append(Statement(consent=consent, trust=message.trust))


def consent_message(
    *,
    identifiers: Iterable[RawIdentifier],
    consent: Consent,
    message_id: str | None,
    dated: bool,
    source: str,
    trust: Trust,
    received_at: datetime,
) -> Message:
    """Write somebody's word down as a fact; `source` and `trust` are the caller's, `consent.source` is who heard it.

    `dated`: the caller told `consent.at`, so that it belongs to the content; else it is the receipt, and only an id
    makes a second telling the same fact. Without an id the content (and the moment) is the id. A moment after the
    receipt counts as the receipt.
    """
    told: dict[str, Any] = {
        "type": MESSAGE_TYPE,
        "identifiers": [{"namespace": namespace, "value": text} for namespace, text in identifiers],
        "channel": consent.channel,
        "purpose": consent.purpose,
        "state": str(consent.state),
        "source": consent.source,
    }
    if dated:
        told["timestamp"] = consent.at.isoformat()
    body = canonical(told)
    digest = digest_of(body)
    at = min(consent.at, received_at)
    return Message(
        message_id=f"consent-{digest.hex()}-{to_micros(at)}" if message_id is None else message_id,
        type=MESSAGE_TYPE,
        name=None,
        source=source,
        trust=trust,
        at=at,
        received_at=received_at,
        identifiers=identifiers_of(told),
        body=body,
        digest=digest,
    )


def consent_of(message: Message) -> Consent | None:
    """Read a message that `consent_message` wrote; None for every other."""
    if message.type != MESSAGE_TYPE:
        return None
    said = message.content
    return Consent(
        channel=said["channel"],
        purpose=said["purpose"],
        state=ConsentState(said["state"]),
        at=message.at,
        source=said["source"],
    )


def _preferences(message: Message) -> Iterator[tuple[str, bool]]:
    """Read an event's preferences; what is neither true nor false (also as text) says nothing."""
    context = message.content.get("context")
    consent = context.get("consent") if context else None
    categories = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    for category, value in categories.items() if isinstance(categories, dict) else ():
        allowed = _MARKS.get(value.strip().lower()) if isinstance(value, str) else value
        if isinstance(allowed, bool):
            yield category, allowed


def _place(said: Statement) -> tuple[datetime, bool, Trust, str]:
    """Order statements by time, a grant before a denial of the same moment."""
    return (said.consent.at, said.consent.state is ConsentState.DENIED, said.trust, said.consent.source)


def _outranks(standing: Statement | None, grant: Statement) -> bool:
    return standing is not None and standing.consent.state is ConsentState.DENIED and standing.trust > grant.trust


def _denied(said: Statement, standing: Statement | None) -> Statement:
    """Let a denial repeated at lower trust keep the trust of the one that stands."""
    if standing is not None and _outranks(standing, said):
        return Statement(consent=said.consent, trust=standing.trust)
    return said
