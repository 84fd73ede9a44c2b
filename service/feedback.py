"""What became of past messages tells of endpoints: where nothing arrives any more, and who wants no more of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from channel_selector.endpoints import MARKETING, Consent, ConsentState, Endpoint
from service.store.decisions import DecisionRow, OutcomeRow

BOUNCED = "bounced"
COMPLAINED = "complained"
UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """`bounced` and `suppressed` are endpoint ids: dead addresses, and those that complained.

    `denials`: unsubscribing from a message, or complaining of it, denies marketing by its channel from that moment on.
    """

    bounced: frozenset[str] = frozenset()
    suppressed: frozenset[str] = frozenset()
    denials: tuple[Consent, ...] = ()


def feedback(
    endpoints: Iterable[Endpoint], decisions: Iterable[DecisionRow], outcomes: Iterable[OutcomeRow]
) -> Feedback:
    """Sum up the outcomes of the decisions that sent to these endpoints; others tell nothing here."""
    channels = {endpoint.endpoint_id: endpoint.channel for endpoint in endpoints}
    sent_to = {row.decision_id: row.endpoint_id for row in decisions if row.endpoint_id in channels}
    told = [(sent_to[row.decision_id] or "", row) for row in outcomes if row.decision_id in sent_to]
    return Feedback(
        bounced=frozenset(name for name, row in told if row.kind == BOUNCED),
        suppressed=frozenset(name for name, row in told if row.kind == COMPLAINED),
        denials=tuple(
            Consent(channel=channels[name], purpose=MARKETING, state=ConsentState.DENIED, at=row.at, source=row.kind)
            for name, row in told
            if row.kind in (UNSUBSCRIBED, COMPLAINED)
        ),
    )
