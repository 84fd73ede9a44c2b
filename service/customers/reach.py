"""A profile in the store becomes a customer with endpoints, with what came of past messages counted in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from channel_selector.eligibility.endpoints import Endpoint
from channel_selector.model.learning import Reported
from identity.rules import LinkingRules
from service.customers import Customer, CustomerRules, customer
from service.customers.consents import DEFAULT_CATEGORIES
from service.customers.feedback import Feedback, feedback
from service.customers.translate import endpoints
from service.decisions import pasts
from service.decisions.pasts import Past
from service.profiles.profile_view import Glance
from service.secret import Secret
from service.settings.settings import Settings
from service.store.decisions import DecisionRow


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
    view: Glance,
    rules: CustomerRules,
    until: datetime | None = None,
) -> Reach:
    """Read what is known of a profile; two statements, and a fold of its facts.

    What was sent and what came of it counts up to `until`, if that is given.
    """
    person = customer(view.profile, view.telling(), rules, view.parted)
    return reached(person, rules, lambda names: pasts.read(conn, names, until))


def reached(person: Customer, rules: CustomerRules, past_of: Callable[[Sequence[str]], Past]) -> Reach:
    """Give how a customer can be reached, given what was sent to some endpoints."""
    places = endpoints(person, rules)
    past = past_of([place.endpoint_id for place in places])
    came = (*past.came, *person.told)
    said = feedback(places, past.sent, came)
    return Reach(
        customer=person.denied(said.denials),
        endpoints=endpoints(person, rules, said.bounced) if said.bounced else places,
        feedback=said,
        sent=past.sent,
        outcomes=came,
    )
