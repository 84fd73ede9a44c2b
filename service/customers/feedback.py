"""What became of past messages tells of endpoints: where nothing arrives any more, and who wants no more of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from channel_selector.eligibility.endpoints import MARKETING, Consent, ConsentState, Endpoint
from channel_selector.model.learning import Reported
from channel_selector.outcomes import OutcomeKind
from service.store.decisions import DecisionRow

_DENY = frozenset({OutcomeKind.UNSUBSCRIBED, OutcomeKind.COMPLAINED})
_TELLING = _DENY | {OutcomeKind.BOUNCED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """`bounced` and `suppressed` are endpoint ids: dead addresses, and those that complained.

    `denials`: unsubscribing from a message denies marketing by its channel from that moment on, complaining of it
    denies marketing by every channel.
    """

    bounced: frozenset[str] = frozenset()
    suppressed: frozenset[str] = frozenset()
    denials: tuple[Consent, ...] = ()


def feedback(endpoints: Iterable[Endpoint], decisions: Iterable[DecisionRow], outcomes: Iterable[Reported]) -> Feedback:
    """Sum up the outcomes of the decisions that sent to these endpoints; others tell nothing here."""
    telling = [(name, outcome) for name, outcome in outcomes if outcome.kind in _TELLING]
    if not telling:
        return Feedback()
    channels = {endpoint.endpoint_id: endpoint.channel for endpoint in endpoints}
    sent_to = {row.decision_id: row.endpoint_id for row in decisions if row.endpoint_id in channels}
    told = [(sent_to[name] or "", outcome) for name, outcome in telling if name in sent_to]
    return Feedback(
        bounced=frozenset(endpoint for endpoint, outcome in told if outcome.kind is OutcomeKind.BOUNCED),
        suppressed=frozenset(endpoint for endpoint, outcome in told if outcome.kind is OutcomeKind.COMPLAINED),
        denials=tuple(
            Consent(
                channel=channels[endpoint] if outcome.kind is OutcomeKind.UNSUBSCRIBED else None,
                purpose=MARKETING,
                state=ConsentState.DENIED,
                at=outcome.at,
                source=outcome.kind.value,
            )
            for endpoint, outcome in told
            if outcome.kind in _DENY
        ),
    )
