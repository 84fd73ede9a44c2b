"""Outcomes tell which addresses are dead, which complained, and what was denied by answering a message."""

from channel_selector.eligibility.endpoints import Consent, ConsentState, Endpoint
from channel_selector.model.learning import Reported
from channel_selector.outcomes import Outcome, OutcomeKind
from service.customers.feedback import feedback
from service.store.decisions import DecisionRow
from tests.service.customers.world import hour

ENDPOINTS = [
    Endpoint(endpoint_id="e1", channel="email", address="a@example.com"),
    Endpoint(endpoint_id="e2", channel="sms", address="+821012345678"),
]


def row(decision_id: str, endpoint_id: str | None) -> DecisionRow:
    """Make a decision that sent to an endpoint."""
    return DecisionRow(
        decision_id=decision_id,
        seq=1,
        profile_id="p",
        message_id="m",
        endpoint_id=endpoint_id,
        send_at=None,
        expires_at=hour(1),
    )


def outcome(decision_id: str, kind: str, at: float = 1) -> Reported:
    """Make an outcome."""
    return decision_id, Outcome(kind=OutcomeKind(kind), at=hour(at))


def test_bounces_complaints_and_unsubscriptions_are_told_apart() -> None:
    """A bounce kills the address, a complaint silences it and denies all, an unsubscription denies its channel."""
    found = feedback(
        ENDPOINTS,
        [row("d1", "e1"), row("d2", "e2"), row("d3", "e2")],
        [
            outcome("d1", "bounced"),
            outcome("d2", "unsubscribed", 2),
            outcome("d3", "complained", 3),
            outcome("d3", "clicked"),
        ],
    )
    assert found.bounced == {"e1"}
    assert found.suppressed == {"e2"}
    assert found.denials == tuple(
        Consent(channel=channel, purpose="marketing", state=ConsentState.DENIED, at=hour(at), source=source)
        for channel, at, source in (("sms", 2, "unsubscribed"), (None, 3, "complained"))
    )


def test_decisions_to_other_endpoints_tell_nothing() -> None:
    """Neither what went to an address held no more, nor what was never sent, nor an outcome of no known decision."""
    rows = [row("d1", "somewhere else"), row("d2", None)]
    found = feedback(ENDPOINTS, rows, [outcome("d1", "bounced"), outcome("d2", "complained"), outcome("d9", "bounced")])
    assert (found.bounced, found.suppressed, found.denials) == (frozenset(), frozenset(), ())
