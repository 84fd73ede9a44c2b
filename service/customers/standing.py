"""What is known of a recipient when a message is due: who it is, where it can be reached, and what came of messages.

A pure reading of the store: nothing here changes it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial

import orjson
from sqlalchemy.engine import Connection

from channel_selector.decisions import Send
from channel_selector.eligibility.caps import PastSend
from channel_selector.model.learning import Reported
from channel_selector.outcomes import OutcomeKind
from channel_selector.settings import Activation
from identity.profiles import ProfileId
from identity.rules import LinkingRules
from service.customers import CustomerRules, Regulars
from service.customers.reach import Reach, reach, reached
from service.decisions.pasts import Pasts
from service.learning.attribution import order_outcomes, sent
from service.profiles.profile_view import Glance
from service.settings.settings import Settings
from service.store import decisions
from service.store.decisions import DecisionRow

LATELY = 10
MAX_SENDS = 200_000
"""How many past sends are kept at hand: less than half a kilobyte each."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A profile, read for sending; `sends` and `outcomes` are what is learned from its past messages."""

    view: Glance = field(repr=False)
    reach: Reach = field(repr=False)
    sends: tuple[Send, ...]
    outcomes: tuple[Reported, ...]

    @property
    def profile_ids(self) -> tuple[ProfileId, ...]:
        """The ids that have meant this profile: today's first."""
        return (self.view.profile.profile_id, *self.view.absorbed)

    @cached_property
    def planned(self) -> tuple[PastSend, ...]:
        """Past and planned sends, for the caps: all decided on and not reported as not sent."""
        channels = {endpoint.endpoint_id: endpoint.channel for endpoint in self.reach.endpoints}
        unsent = {decision_id for decision_id, outcome in self.outcomes if outcome.kind is OutcomeKind.NOT_SENT}
        return tuple(
            PastSend(at=row.send_at, channel=channels[row.endpoint_id])
            for row in self.reach.sent
            if row.send_at is not None and row.endpoint_id is not None and row.decision_id not in unsent
        )

    @property
    def lately(self) -> tuple[datetime, ...]:
        """When the last messages went or go out, ten at most."""
        return tuple(sorted(past.at for past in self.planned))[-LATELY:]


class Standings:
    """Reads profiles for sending, and keeps at hand what reading them again would give. Belongs to the writer's thread.

    What is kept of a decision never changes once it is committed: `forget` what was rolled back.
    """

    def __init__(self, rules: CustomerRules, settings: Settings) -> None:
        self._rules = rules
        self._settings = settings
        self._regulars = Regulars(rules)
        self._pasts = Pasts()
        self._sends: OrderedDict[str, Send | None] = OrderedDict()

    def under(self, linking: LinkingRules) -> "Standings":
        """Go by these linking rules from now on; what is at hand under others is dropped."""
        if linking is not self._rules.linking:
            self._rules = self._rules.under(linking)
            self._regulars = Regulars(self._rules)
        return self

    def forget(self) -> None:
        """Drop what is at hand."""
        self._regulars.forget()
        self._pasts.forget()
        self._sends.clear()

    def forget_pasts(self) -> None:
        """Drop what was sent and what came of it: another process has written of that."""
        self._pasts.forget()

    def logged(self, decision_id: str, send: Send | None) -> None:
        """Know what learning needs of a decision just logged, as reading it would give."""
        self._sends[decision_id] = send

    def of(self, conn: Connection, view: Glance) -> Standing:
        """Read what is known of a profile."""
        person = self._regulars.customer(view.profile, view.telling(), view.parted)
        return self._stands(conn, view, reached(person, self._rules, partial(self._pasts.of, conn)))

    def anew(self, conn: Connection, view: Glance) -> Standing:
        """Read what is known of a profile, with nothing at hand."""
        return self._stands(conn, view, reach(conn, view, self._rules))

    def _stands(self, conn: Connection, view: Glance, found: Reach) -> Standing:
        return Standing(
            view=view,
            reach=found,
            sends=self._sends_of(conn, found.sent),
            outcomes=(*found.outcomes, *_bought(found, self._settings)),
        )

    def _sends_of(self, conn: Connection, rows: Sequence[DecisionRow]) -> tuple[Send, ...]:
        """Give what learning needs of some decisions, leaving out those that were not drawn or send nothing."""
        unread = [row.seq for row in rows if row.decision_id not in self._sends]
        for logged in decisions.read(conn, unread) if unread else ():
            send = orjson.loads(logged.entry.body)["send"]
            self._sends[str(logged.entry.decision_id)] = None if send is None else Send.from_json(send)
        in_order = sorted(rows, key=lambda row: row.seq)
        found = tuple(send for row in in_order if (send := self._sends[row.decision_id]) is not None)
        while len(self._sends) > MAX_SENDS:
            self._sends.popitem(last=False)
        return found


def standing(conn: Connection, view: Glance, rules: CustomerRules, settings: Settings) -> Standing:
    """Read what is known of a profile, with nothing at hand."""
    return Standings(rules, settings).anew(conn, view)


def _bought(found: Reach, settings: Settings) -> Iterable[Reported]:
    """Give the conversions that the customer's orders are, of the messages that went out."""
    orders = found.customer.orders
    if not orders:
        return ()
    went_out = sent(found.sent, found.outcomes, reported=settings.activation is Activation.REPORTED)
    return order_outcomes(orders, went_out, settings.attribution_window, asserted_orders=settings.asserted_orders)
