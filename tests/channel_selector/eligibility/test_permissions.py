"""Consent is the person's last word; silence denies marketing except to a live push token."""

from datetime import timedelta

import pytest

from channel_selector.eligibility.endpoints import Consent, ConsentState
from channel_selector.eligibility.permissions import permitted
from tests.channel_selector.strategies import NOW

GRANTED, DENIED = ConsentState.GRANTED, ConsentState.DENIED


def consent(
    state: ConsentState, *, hours: int = 0, channel: str | None = "email", purpose: str = "marketing"
) -> Consent:
    """Make one word of consent, some hours after NOW."""
    return Consent(channel=channel, purpose=purpose, state=state, at=NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("channel", "allowed"), [("email", False), ("sms", False), ("app_push", True), ("pager", False)]
)
def test_silence_denies_marketing_except_pushes(channel: str, *, allowed: bool) -> None:
    """Nothing said: only a push may be sent, and any may if the deployment says so."""
    assert permitted(channel, "marketing", (), {}) is allowed
    assert permitted(channel, "marketing", (), {channel: not allowed}) is not allowed
    assert permitted(channel, "transactional", (), {})


def test_the_newer_word_holds_in_whatever_order() -> None:
    """Granted after denied is granted, denied after granted is denied."""
    for first, last in ((GRANTED, DENIED), (DENIED, GRANTED)):
        said = [consent(first), consent(last, hours=1)]
        assert permitted("email", "marketing", said, {}) is (last is GRANTED)
        assert permitted("email", "marketing", said[::-1], {}) is (last is GRANTED)


def test_of_two_words_of_one_instant_the_denial_holds() -> None:
    """In doubt nothing is sent."""
    assert not permitted("email", "marketing", [consent(GRANTED), consent(DENIED)], {})


def test_a_word_on_all_channels_counts_for_each() -> None:
    """A general denial denies pushes too; a general grant grants e-mail."""
    assert not permitted("app_push", "marketing", [consent(DENIED, channel=None)], {})
    assert permitted("email", "marketing", [consent(GRANTED, channel=None)], {})
    later = [consent(DENIED, channel=None), consent(GRANTED, hours=1)]
    assert permitted("email", "marketing", later, {})


def test_a_general_grant_never_lifts_a_denial_of_the_one_channel() -> None:
    """Who said no to e-mail and later yes to messages in general still gets no e-mail."""
    assert not permitted("email", "marketing", [consent(DENIED), consent(GRANTED, hours=1, channel=None)], {})


def test_purposes_are_kept_apart() -> None:
    """Denied marketing leaves transactional messages; denied transactional ones are denied."""
    assert permitted("email", "transactional", [consent(DENIED)], {})
    assert not permitted("email", "transactional", [consent(DENIED, purpose="transactional")], {})
