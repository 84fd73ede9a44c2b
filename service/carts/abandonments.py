"""Carts left behind and not bought on any device, each folded anew from its person's facts.

The log tells whose carts may have been left; whether they were is for `service.carts.carts` alone to say.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import blake2b

from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from identity.normalize import clean
from identity.profiles import ProfileId
from service.carts.cart import CART_KINDS, Cart, CartState
from service.carts.commerce import KINDS, plain_name
from service.customers import customer, device_of
from service.profiles import finding
from service.profiles.profile_view import ProfileView
from service.store import facts, nodes
from service.store.facts import Place
from service.store.times import EPOCH, MICROSECOND, to_micros
from service.wiring import Homing

LEFT = frozenset({CartState.ABANDONED, CartState.EXPIRED})
EVENTS_A_JOB = 5
"""Cart events looked into in one job of the writer: people read for the first time take some 15 ms each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """A cart left behind, whose it is, and the device or browser it was last touched on (None: not said)."""

    profile_id: ProfileId
    is_person: bool
    cart: Cart
    abandoned_at: datetime
    device: Identifier | None


Found = dict[ProfileId, list[Abandoned]]
"""The carts left behind by those who were looked into."""


class Search:
    """Looks for the carts abandoned at or after `since`, as they stand at `now`, going back over the log's cart events.

    A cart was left `wait` after its last event: those up to a moment tell of every cart left up to `wait` later.
    `until`: no cart left after it, in microseconds since 1970, is looked for.
    """

    def __init__(self, homing: Homing, since: datetime | None, now: datetime, until: int) -> None:
        self._homing = homing
        self._settings = homing.settings.abandonment.carts()
        # At the very end of `keep` a cart has expired.
        self._since = max(now - self._settings.keep + MICROSECOND if since is None else since, EPOCH)
        self._now = now
        self._wait = self._settings.wait // MICROSECOND
        self.first: Place = (min(to_micros(now), until) - self._wait + 1, 0)

    def look(self, conn: Connection, before: Place, known: Collection[ProfileId] = ()) -> tuple[Found, Place | None]:
        """Look into those whose the next few cart events before a place are, but into none of the `known`.

        Gives the carts they left behind, and the place to go on before (None: there are no more). A job of the
        writer that changes nothing.
        """
        names = [name for name in facts.tracked_names(conn) if KINDS.get(plain_name(name)) in CART_KINDS]
        events = facts.tracked(conn, names, self._since - self._settings.wait, before, EVENTS_A_JOB)
        found = self._of(conn, {seq for _, seq in events}, known)
        return found, events[-1] if len(events) == EVENTS_A_JOB else None

    def left_since(self, carts: Iterable[Abandoned], before: Place) -> int:
        """Count the carts left later than any that is yet to be found before a place."""
        return sum(to_micros(each.abandoned_at) - self._wait > before[0] for each in carts)

    def _of(self, conn: Connection, seqs: Collection[int], known: Collection[ProfileId]) -> Found:
        """Give the carts of everybody whose these events are."""
        found: Found = {}
        for view in self._components(conn, sorted(seqs)):
            for owner in {fact.owner for fact in view.facts if fact.seq in seqs}:
                whose = None if owner is None or owner in known else finding.view(conn, self._homing.people, owner)
                if whose is not None:
                    found[whose.profile.profile_id] = list(self._left(whose))
        return found

    def _components(self, conn: Connection, seqs: Sequence[int]) -> Iterator[ProfileView]:
        """Give one profile of each raw component that these events are in."""
        rules = self._homing.rules
        named = {i for fact in facts.read(conn, seqs) for i in clean(facts.message(fact).identifiers, rules)[0]}
        places = {node.component: node.profile_id for node in nodes.find(conn, sorted(named)).values()}
        for profile_id in places.values():
            view = None if profile_id is None else finding.view(conn, self._homing.people, profile_id)
            if view is not None:
                yield view

    def _left(self, view: ProfileView) -> Iterator[Abandoned]:
        who = customer(view.profile, view.facts, self._homing.customer_rules)
        for cart in who.carts(self._now, self._settings):
            if cart.state in LEFT and cart.abandoned_at is not None and cart.abandoned_at >= self._since:
                yield Abandoned(
                    profile_id=who.profile_id,
                    is_person=who.is_person,
                    cart=cart,
                    abandoned_at=cart.abandoned_at,
                    device=device_of(clean(cart.identifiers, self._homing.rules)[0], self._homing.rules),
                )


async def abandoned(
    homing: Homing,
    since: datetime | None,
    now: datetime,
    *,
    after: tuple[int, ...] | None = None,
    most: int | None = None,
) -> list[Abandoned]:
    """Give the carts abandoned at or after `since` (None: those that can still be recovered), the one left last first.

    Only those after a place (`place_of`), and the first `most` of them, where these are given: what was left before
    them is not looked into. In several short jobs of the writer.
    """
    search = Search(homing, since, now, to_micros(now) if after is None else after[0])
    carts: list[Abandoned] = []
    known: set[ProfileId] = set()
    before: Place | None = search.first
    while before is not None and (most is None or search.left_since(carts, before) < most):
        found, before = await homing.writer.run(partial(search.look, before=before, known=known))
        known |= found.keys()
        carts += [each for own in found.values() for each in own if after is None or place_of(each) < after]
    return sorted(carts, key=place_of, reverse=True)[:most]


def place_of(left: Abandoned) -> tuple[int, int]:
    """Order carts by when they were left; of one instant, by a number of their own."""
    name = f"{left.profile_id}\0{left.cart.cart_id}\0{to_micros(left.cart.opened_at)}"
    number = int.from_bytes(blake2b(name.encode(), digest_size=7).digest())
    return to_micros(left.abandoned_at), number
