"""What is known of a recipient when a message is due: who it is, where it can be reached, and what came of messages.

A pure reading of the store: nothing here changes it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson
from sqlalchemy.engine import Connection

from channel_selector.caps import PastSend
from channel_selector.decisions import Send
from channel_selector.learning import Reported
from channel_selector.outcomes import OutcomeKind
from channel_selector.settings import Activation
from identity.profiles import ProfileId
from service.attribution import order_outcomes, sent
from service.customers import CustomerRules
from service.people import ProfileView
from service.reach import Reach, reach
from service.settings import Settings
from service.store import decisions
from service.store.decisions import DecisionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A profile, read for sending; `sends` and `outcomes` are what is learned from its past messages."""

    view: ProfileView = field(repr=False)
    reach: Reach = field(repr=False)
    sends: tuple[Send, ...]
    outcomes: tuple[Reported, ...]

    @property
    def profile_ids(self) -> tuple[ProfileId, ...]:
        """The ids that have meant this profile: today's first."""
        return (self.view.profile.profile_id, *self.view.absorbed)

    @property
    def planned(self) -> tuple[PastSend, ...]:
        """Past and planned sends, for the caps: all decided on and not reported as not sent."""
        channels = {endpoint.endpoint_id: endpoint.channel for endpoint in self.reach.endpoints}
        unsent = {decision_id for decision_id, outcome in self.outcomes if outcome.kind is OutcomeKind.NOT_SENT}
        return tuple(
            PastSend(at=row.send_at, channel=channels[row.endpoint_id])
            for row in self.reach.sent
            if row.send_at is not None and row.endpoint_id is not None and row.decision_id not in unsent
        )


def standing(conn: Connection, view: ProfileView, rules: CustomerRules, settings: Settings) -> Standing:
    """Read what is known of a profile."""
    reached = reach(conn, view, rules)
    return Standing(
        view=view,
        reach=reached,
        sends=_sends(conn, reached.sent),
        outcomes=(*reached.outcomes, *_bought(reached, settings)),
    )


def _sends(conn: Connection, rows: Sequence[DecisionRow]) -> tuple[Send, ...]:
    """Give what learning needs of some decisions, leaving out those that were not drawn or send nothing."""
    bodies = (orjson.loads(logged.entry.body) for logged in decisions.read(conn, [row.seq for row in rows]))
    return tuple(Send.from_json(body["send"]) for body in bodies if body["send"] is not None)


def _bought(reached: Reach, settings: Settings) -> Iterable[Reported]:
    """Give the conversions that the customer's orders are, of the messages that went out."""
    went_out = sent(reached.sent, reached.outcomes, reported=settings.selection().activation is Activation.REPORTED)
    return order_outcomes(
        reached.customer.orders, went_out, settings.attribution_window, asserted_orders=settings.asserted_orders
    )
