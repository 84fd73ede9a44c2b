"""A profile in the store becomes a customer with endpoints, with what came of past messages counted in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from channel_selector.endpoints import Endpoint
from channel_selector.learning import Reported
from channel_selector.outcomes import Outcome, OutcomeKind
from identity.rules import LinkingRules
from service.consents import DEFAULT_CATEGORIES
from service.customers import Customer, CustomerRules, Regulars, customer
from service.feedback import Feedback, feedback
from service.profile_view import ProfileView
from service.secret import Secret
from service.settings import Settings
from service.store import decisions
from service.store.decisions import DecisionRow
from service.store.times import EPOCH
from service.translate import endpoints

_END = datetime.max.replace(tzinfo=UTC)


def customer_rules(settings: Settings, linking: LinkingRules, secret: Secret) -> CustomerRules:
    """Give how a deployment reads its customers."""
    return CustomerRules(
        linking=linking,
        endpoint_key=secret.derive("endpoint"),
        categories={**DEFAULT_CATEGORIES, **settings.consent.categories},
        timezone=settings.timezone,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A customer, the places to reach it at (seen last first), what was sent to them, and what came of that.

    `outcomes` are those reported, and what the customer's own events tell that name a decision.
    """

    customer: Customer
    endpoints: tuple[Endpoint, ...]
    feedback: Feedback
    sent: tuple[DecisionRow, ...]
    outcomes: tuple[Reported, ...]


def reach(
    conn: Connection,
    view: ProfileView,
    rules: CustomerRules,
    regulars: Regulars | None = None,
    until: datetime | None = None,
) -> Reach:
    """Read what is known of a profile; two statements, and a fold of its facts, or of the new ones among `regulars`.

    What was sent and what came of it counts up to `until`, if that is given.
    """
    facts = view.telling()
    if regulars is None:
        person = customer(view.profile, facts, rules, view.parted)
    else:
        person = regulars.customer(view.profile, facts, view.parted)
    places = endpoints(person, rules)
    sent, reported = _past(conn, [place.endpoint_id for place in places], _END if until is None else until)
    came = (*reported, *person.told)
    said = feedback(places, sent, came)
    return Reach(
        customer=person.denied(said.denials),
        endpoints=endpoints(person, rules, said.bounced) if said.bounced else places,
        feedback=said,
        sent=tuple(sent),
        outcomes=came,
    )


def _past(conn: Connection, names: Sequence[str], until: datetime) -> tuple[list[DecisionRow], list[Reported]]:
    """Give what was sent to some endpoints, and what was reported of it."""
    sent = decisions.to_endpoints(conn, names, EPOCH, until) if names else []
    found = decisions.outcomes_of(conn, [row.decision_id for row in sent]) if sent else []
    came = [row for row in found if row.at <= until]
    return sent, [(row.decision_id, Outcome(kind=OutcomeKind(row.kind), at=row.at)) for row in came]
