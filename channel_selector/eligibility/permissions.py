"""A channel is permitted for a purpose by what the person last said about it, and else by the rule for the unasked."""

from collections.abc import Iterable, Mapping

from channel_selector.eligibility.endpoints import PUSHES, TRANSACTIONAL, Consent, ConsentState


def permitted(channel: str, purpose: str, consents: Iterable[Consent], unknown: Mapping[str, bool]) -> bool:
    """Tell whether a message of this purpose may go out by this channel.

    A word on the channel and a word on all channels count alike, the newer beats the older and a denial beats a grant
    of the same instant, except that a grant on all channels never lifts a denial of the one. Nothing said: `unknown` of
    the channel where given, else only pushes (a live token is a permission given on the device). Transactional messages
    need no grant; a denial of that very purpose still holds.
    """
    said = [consent for consent in consents if consent.purpose == purpose and consent.channel in (channel, None)]
    state = _last_word(said)
    if state is not None:
        return state is ConsentState.GRANTED
    return purpose == TRANSACTIONAL or unknown.get(channel, channel in PUSHES)


def _last_word(said: list[Consent]) -> ConsentState | None:
    own = _newest(consent for consent in said if consent.channel is not None)
    if own is not None and own.state is ConsentState.DENIED:
        return ConsentState.DENIED
    newest = _newest(said)
    return None if newest is None else newest.state


def _newest(said: Iterable[Consent]) -> Consent | None:
    return max(said, key=lambda consent: (consent.at, consent.state is ConsentState.DENIED), default=None)
