"""The last word counts, a public key lifts no trusted denial, and a repeated preference is no word at all."""

from datetime import timedelta
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector.eligibility.endpoints import Consent, ConsentState
from channel_selector.eligibility.permissions import permitted
from identity.observations import Trust
from service.customers.consents import (
    PREFERENCE_UPDATED,
    Statement,
    consent_message,
    consent_of,
    last_words,
)
from tests.service.customers.world import START, World, device, hour

GRANTED, DENIED = ConsentState.GRANTED, ConsentState.DENIED


def said(at: float, state: ConsentState, trust: Trust = Trust.SERVER, channel: str | None = "email") -> Statement:
    """Make a statement on marketing."""
    return Statement(consent=Consent(channel=channel, purpose="marketing", state=state, at=hour(at)), trust=trust)


def states(*statements: Statement) -> dict[str | None, ConsentState]:
    """Give the states that count, by channel."""
    return {consent.channel: consent.state for consent in last_words(statements)}


def banner(marketing_email: object) -> dict[str, object]:
    """Give the part of a context that a consent banner adds."""
    return {"consent": {"categoryPreferences": {"marketing_email": marketing_email, "unheard_of": True}}}


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        ([said(1, GRANTED), said(2, DENIED)], DENIED),
        ([said(1, DENIED), said(2, GRANTED)], GRANTED),
        ([said(1, DENIED), said(1, GRANTED)], DENIED),
        ([said(1, GRANTED), said(2, DENIED, Trust.ASSERTED)], DENIED),
        ([said(1, DENIED), said(2, GRANTED, Trust.ASSERTED)], DENIED),
        ([said(1, DENIED), said(2, DENIED, Trust.ASSERTED), said(3, GRANTED, Trust.ASSERTED)], DENIED),
        ([said(1, DENIED, Trust.ASSERTED), said(2, GRANTED, Trust.ASSERTED)], GRANTED),
        (
            [said(1, DENIED), said(2, GRANTED), said(3, DENIED, Trust.ASSERTED), said(4, GRANTED, Trust.ASSERTED)],
            GRANTED,
        ),
        ([said(1, GRANTED, Trust.ASSERTED)], GRANTED),
    ],
)
def test_the_last_word_counts_unless_a_public_key_lifts_a_denial(
    statements: list[Statement], state: ConsentState
) -> None:
    """Time decides, the stricter of equal times; a denial stands against grants of lower trust."""
    assert states(*statements) == {"email": state}


def test_a_trusted_denial_of_all_channels_holds_against_a_public_grant_of_one() -> None:
    """Opting out of everything at the shop is not undone by whoever has the public key."""
    words = last_words([said(1, DENIED, channel=None), said(2, GRANTED, Trust.ASSERTED)])
    assert not permitted("email", "marketing", words, {})
    words = last_words([said(1, DENIED, channel=None), said(2, GRANTED)])
    assert permitted("email", "marketing", words, {})


@given(
    st.lists(
        st.builds(
            said,
            st.integers(0, 3),
            st.sampled_from([GRANTED, DENIED]),
            st.sampled_from([Trust.ASSERTED, Trust.SERVER, Trust.VERIFIED]),
            st.sampled_from(["email", "sms", None]),
        ),
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_any_order_and_a_further_denial(statements: list[Statement], random: Random) -> None:
    """The order in which statements are known never matters, and a denial after all of them always holds."""
    shuffled = list(statements)
    random.shuffle(shuffled)
    assert last_words(shuffled) == last_words(statements)
    assert states(*statements, said(9, DENIED, Trust.ASSERTED))["email"] is DENIED


def test_preferences_of_events_are_read_by_category() -> None:
    """Known categories become channel and purpose; unknown ones and other values say nothing."""
    world = World()
    preferences = {"marketing_email": True, "marketing_sms": "false", "unheard_of": True, "marketing_web_push": 1}
    world.track(1, userId="u1", context={"consent": {"categoryPreferences": preferences}})
    world.track(2, userId="u1", context={"consent": "yes"})
    world.track(3, userId="u1", context={"consent": {"categoryPreferences": ["marketing_messenger"]}})
    found = world.customer("user_id", "u1").consents
    assert [(c.channel, c.purpose, c.state, c.at, c.source) for c in found] == [
        ("email", "marketing", GRANTED, hour(1), "shop"),
        ("sms", "marketing", DENIED, hour(1), "shop"),
    ]


def test_a_preference_repeated_on_every_event_does_not_take_back_an_unsubscription() -> None:
    """The device repeats what was ticked before; only a change, or the event of a change, is a new word."""
    world = World()
    world.track(1, userId="u1", context={**device("d"), **banner(marketing_email=True)})
    world.consent(2, DENIED, user_id="u1")
    world.track(3, userId="u1", context={**device("d"), **banner(marketing_email=True)})
    assert [c.state for c in world.customer("user_id", "u1").consents] == [DENIED]
    world.track(4, PREFERENCE_UPDATED, userId="u1", context={**device("d"), **banner(marketing_email=True)})
    assert [c.state for c in world.customer("user_id", "u1").consents] == [GRANTED]


def test_each_device_changes_its_own_preferences() -> None:
    """A denial on the tablet is not lifted by the phone that goes on repeating what it had."""
    world = World()
    world.track(1, userId="u1", context={**device("phone"), **banner(marketing_email=True)})
    world.track(2, userId="u1", context={**device("tab"), **banner(marketing_email=False)})
    world.track(3, userId="u1", context={**device("phone"), **banner(marketing_email=True)})
    assert [c.state for c in world.customer("user_id", "u1").consents] == [DENIED]
    world.track(4, userId="u1", context={**device("tab"), **banner(marketing_email=True)})
    assert [c.state for c in world.customer("user_id", "u1").consents] == [GRANTED]


def test_outcomes_deny_at_the_trust_of_the_server() -> None:
    """An unsubscription counts from its moment on, and a public key does not lift it."""
    world = World()
    world.track(1, userId="u1", context=banner(marketing_email=True))
    world.track(5, userId="u1", trust=Trust.ASSERTED, context={**device("d"), **banner(marketing_email=True)})
    denial = Consent(channel="email", purpose="marketing", state=DENIED, at=hour(2), source="unsubscribed")
    known = world.customer("user_id", "u1")
    assert [c.state for c in known.consents] == [GRANTED]
    assert known.denied([denial]).consents == (denial,)
    assert known.denied([]) is known


def test_a_denial_that_names_an_address_holds_for_whoever_has_it_today() -> None:
    """Somebody else once had the address and denied: an address that unsubscribed is not written to."""
    world = World()
    world.track(1, userId="old")
    world.consent(2, DENIED, user_id="old", email="home@example.com")
    world.consent(3, GRANTED, user_id="old", channel="sms", email="home@example.com")
    world.identify(4, userId="new", traits={"email": "home@example.com"})
    found = world.customer("user_id", "new")
    assert found.values("email") == ("home@example.com",)
    assert [(c.channel, c.state) for c in found.consents] == [("email", DENIED)]


def test_a_consent_message_reads_back_as_what_was_said() -> None:
    """What is written into the log is all that is needed to read it again; a later moment counts as the receipt."""
    word = Consent(channel=None, purpose="newsletter", state=DENIED, at=hour(7), source="letter")
    message = consent_message(
        identifiers=[("user_id", "u1"), ("email", "a@example.com")],
        consent=word,
        message_id="c-1",
        dated=True,
        source="crm",
        trust=Trust.SERVER,
        received_at=hour(8),
    )
    assert consent_of(message) == word
    assert (message.message_id, message.type, message.source, message.at) == ("c-1", "consent", "crm", hour(7))
    assert message.identifiers == (("user_id", "u1"), ("email", "a@example.com"))
    assert orjson.loads(message.body)["type"] == "consent"


@pytest.mark.parametrize(("dated", "same"), [(True, True), (False, False)])
def test_without_an_id_a_dated_word_is_the_same_fact_and_an_undated_one_a_new_one(dated: bool, same: bool) -> None:
    """Granting, denying and granting again without dates are three words, not two."""
    first, second = (
        consent_message(
            identifiers=[("user_id", "u1")],
            consent=Consent(channel="sms", purpose="marketing", state=GRANTED, at=START if dated else received),
            message_id=None,
            dated=dated,
            source="crm",
            trust=Trust.SERVER,
            received_at=received,
        )
        for received in (hour(1), hour(1) + timedelta(microseconds=1))
    )
    assert (first.message_id == second.message_id) is same
    assert first.digest == second.digest


def joined(first: ConsentState, second: ConsentState, *, agreed: bool = False) -> dict[str | None, ConsentState]:
    """Give what counts once a browser and a login, each with its own word, turn out to be one person."""
    world = World()
    world.consent(1, first, anonymous_id="browser")
    world.consent(2, second, user_id="u1")
    world.track(3, userId="u1", anonymousId="browser")
    if agreed:
        world.consent(4, GRANTED, user_id="u1")
    return {consent.channel: consent.state for consent in world.customer("user_id", "u1").consents}


@pytest.mark.parametrize(
    ("first", "second", "agreed", "state"),
    [
        (DENIED, GRANTED, False, DENIED),
        (GRANTED, DENIED, False, DENIED),
        (GRANTED, GRANTED, False, GRANTED),
        (DENIED, GRANTED, True, GRANTED),
    ],
)
def test_a_merge_joins_to_the_stricter_side(
    first: ConsentState, second: ConsentState, state: ConsentState, *, agreed: bool
) -> None:
    """Whichever was said last; a word of the person they turned out to be counts as ever."""
    assert joined(first, second, agreed=agreed) == {"email": state}


def test_of_one_person_the_last_word_counts_however_it_is_named() -> None:
    """A login and an e-mail that were seen together before are no two sides."""
    world = World()
    world.identify(0, userId="u1", traits={"email": "u1@example.com"})
    world.consent(1, DENIED, user_id="u1")
    world.consent(2, GRANTED, email="u1@example.com")
    world.track(3, userId="u1", anonymousId="browser")
    assert [c.state for c in world.customer("user_id", "u1").consents] == [GRANTED]
