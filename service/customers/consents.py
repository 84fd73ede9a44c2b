"""What people said of being written to: each statement has its moment and its trust, and the last word counts.

Three ways lead here. Events carry `context.consent.categoryPreferences` (Segment's consent spec). `PUT /v1/consents`
leaves a message of type "consent". Unsubscribing and complaining are denials, told by outcomes. What the design leaves
open is decided so:

- A denial counts at any trust: silence harms nobody. A grant at lower trust than a denial that stands does not lift it:
  a public key cannot undo what the shop's server was told.
- Clients repeat their preferences on every event. Only what a device changes (or Segment's own event of a change) is a
  word; otherwise the next page view after an unsubscription would take it back.
- Of equal moments the stricter counts.
- Where what was seen apart turns out to be one person, the stricter side counts: a denial of either stands, until the
  person agrees anew. Sides that only a judgement joins never lift each other's denials.
- What was denied while two were one profile stays denied on both once a judgement has parted them.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import is_
from types import MappingProxyType
from typing import Any

from channel_selector.eligibility.endpoints import (
    APP_PUSH,
    EMAIL,
    MARKETING,
    MESSENGER,
    SMS,
    WEB_PUSH,
    Consent,
    ConsentState,
)
from identity.observations import Trust
from service.events.event_identifiers import RawIdentifier, identifiers_of
from service.events.messages import Message, canonical, digest_of
from service.settings.setting_kinds import CategoryConsent
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
    standing = _standing(statements)
    return tuple(standing[key].consent for key in sorted(standing, key=lambda key: (key[0] or "", key[1])))


class WordLine:
    """One person's words kept at hand while statements come in: the same as `last_words`, asked anew for a new one."""

    def __init__(self) -> None:
        self._said: Sequence[Statement] = ()
        self._words: tuple[Consent, ...] = ()

    def stand(self, said: Sequence[Statement]) -> tuple[Consent, ...]:
        """Give the words that count of these statements."""
        if len(said) != len(self._said) or not all(map(is_, said, self._said)):
            self._said, self._words = said, last_words(said)
        return self._words


def _standing(statements: Iterable[Statement]) -> dict[tuple[str | None, str], Statement]:
    """Give the statement that counts for each channel and purpose."""
    standing: dict[tuple[str | None, str], Statement] = {}
    for said in sorted(statements, key=_place):
        key = (said.consent.channel, said.consent.purpose)
        before, on_all = standing.get(key), standing.get((None, said.consent.purpose))
        if said.consent.state is ConsentState.DENIED:
            standing[key] = _denied(said, before)
        elif not (_outranks(before, said) or _outranks(on_all, said)):
            standing[key] = said
    return standing


class Preferences:
    """The statements in one person's messages, given in order of time."""

    def __init__(self, categories: Mapping[str, CategoryConsent]) -> None:
        self._categories = categories
        self._shown: dict[tuple[Hashable, str], bool] = {}
        self._sides: dict[Hashable, _Side] = {}
        self._side = _Side()
        self._heard: list[Statement] = []
        self._inherited: dict[Hashable, bool] = {}

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All that was said, with what the stricter side said where two turned out to be one person."""
        sides = list(dict.fromkeys(self._sides.values()))
        together = sides[0].joined(sides[1:]) if sides else _Side()
        return (*together.said, *self._heard)

    def take(self, message: Message, speaker: Hashable, names: Iterable[Hashable] = ()) -> None:
        """Take note of what a message says.

        `speaker` is the device whose preferences it repeats, `names` whom it names: those are one person from now on.
        """
        self._side = self._one(names or (speaker,))
        explicit = consent_of(message)
        if explicit is not None:
            self._side.said.append(Statement(consent=explicit, trust=message.trust))
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
            self._heard.append(Statement(consent=explicit, trust=message.trust))

    def inherit(self, message: Message, speaker: Hashable) -> None:
        """Take note of the message of one who was this person then, and is parted since: only of what it denies."""
        self.overhear(message)
        for category, allowed in _preferences(message):
            shown = ("parted", speaker, category)
            if category in self._categories and self._inherited.get(shown) is not allowed:
                self._inherited[shown] = allowed
                if not allowed:
                    consent = _said(message, self._categories[category], ConsentState.DENIED)
                    self._heard.append(Statement(consent=consent, trust=message.trust))

    def _one(self, names: Iterable[Hashable]) -> "_Side":
        """Give the side of some names, which may join several."""
        named = list(names)
        sides = list(dict.fromkeys(side for name in named if (side := self._sides.get(name)) is not None))
        if len(sides) == 1 and all(name in self._sides for name in named):
            return sides[0]
        one = sides[0].joined(sides[1:]) if sides else _Side()
        merged = set(sides)
        self._sides |= {name: one for name, side in self._sides.items() if side in merged} if sides else {}
        self._sides |= dict.fromkeys(named, one)
        return one

    def _say(self, message: Message, category: CategoryConsent, state: ConsentState) -> None:
        self._side.said.append(Statement(consent=_said(message, category, state), trust=message.trust))


class _Side:
    """What was said by one of those who may turn out to be one person."""

    def __init__(self, said: Iterable[Statement] = ()) -> None:
        self.said = list(said)

    def joined(self, others: Iterable["_Side"]) -> "_Side":
        """Give one side of several; what any of them denies today is said again, as of the last word of all."""
        together = [self, *others]
        said = [statement for side in together for statement in side.said]
        if len(together) == 1 or not said:
            return _Side(said) if len(together) > 1 else self
        last = max(statement.consent.at for statement in said)
        denied = [one for side in together for one in side.denied() if one.consent.at < last]
        return _Side([*said, *(replace(one, consent=replace(one.consent, at=last)) for one in denied)])

    def denied(self) -> list[Statement]:
        """Give the denials that stand, as trusted as their teller."""
        return [said for said in _standing(self.said).values() if said.consent.state is ConsentState.DENIED]


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


def _said(message: Message, category: CategoryConsent, state: ConsentState) -> Consent:
    return Consent(
        channel=category.channel, purpose=category.purpose, state=state, at=message.at, source=message.source
    )


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
