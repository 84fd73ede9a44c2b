"""What the holdout was not sent, and bought all the same: the learner's measure of what comes without messages."""

from typing import NamedTuple

import orjson
from sqlalchemy.engine import Connection

from channel_selector.model.learning import Reported
from channel_selector.model.organic import Withheld, withheld_of_json
from service.customers.standing import Standing
from service.learning.attribution import order_outcomes
from service.settings.settings import Settings
from service.store import decisions


class Unsent(NamedTuple):
    """The messages withheld from a profile, and its purchases after them, as outcomes of their decisions."""

    messages: tuple[Withheld, ...]
    outcomes: tuple[Reported, ...]


def unsent(conn: Connection, known: Standing, settings: Settings) -> Unsent:
    """Read a profile's; an order counts for the last message withheld before it, as it would for one sent."""
    rows = decisions.of_profiles(conn, known.profile_ids)
    entries = decisions.read(conn, [row.seq for row in rows if row.endpoint_id is None])
    bodies = (orjson.loads(each.entry.body) for each in entries)
    found = (withheld_of_json(body["decision"]) for body in bodies if not body["fallback"])
    messages = tuple(message for message in found if message is not None)
    window, orders = settings.attribution_window, known.reach.customer.orders
    outcomes = order_outcomes(orders, messages, window, asserted_orders=settings.asserted_orders)
    return Unsent(messages, outcomes)
