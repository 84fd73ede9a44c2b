"""Carts are a pure fold of one profile's events in order of (time, message id): late ones and merges replay.

How one cart lives is told in `cart`. What the design leaves open is decided so:

- A cart begins with a Product Added, or a Cart Viewed or Checkout Started that tells what is in it. Checkout steps
  never begin one: the last of them often arrive after the order, and would look like a cart left behind by a buyer.
- Emptied, ordered and expired carts are closed; the same cart_id seen again begins a new cart.
- An event without cart_id is about the open cart touched last. An order whose cart_id the profile knows closes that
  cart and the nameless ones; any other order closes all of them. An order seen again (the shop's page and its server
  both tell of it) closes nothing more.
- Refunds and cancellations say nothing of carts: the buyer is done with it all the same.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from operator import is_

from service.carts.cart import CART_KINDS, Cart, CartSettings, aged, begins, begun, bought, touched
from service.carts.commerce import CommerceEvent, CommerceKind, replayed


def carts(events: Iterable[CommerceEvent], now: datetime, settings: CartSettings | None = None) -> tuple[Cart, ...]:
    """Fold one profile's events, in any order and however often repeated, into its carts as they stand at `now`.

    Events after `now` have not happened yet. Carts come in the order in which they closed, then the open ones by
    when they opened. O(n log n + n · carts open at once).
    """
    book = _Book(CartSettings() if settings is None else settings)
    for event in replayed(event for event in events if event.at <= now):
        book.apply(event)
    book.pass_time(now)
    return (*book.closed, *book.open)


class CartLine:
    """One profile's carts kept at hand while its events come in: the same as `carts`, but only new events cost.

    Not for two threads. What is asked is compared with what was taken in, event by event from the last one on; another
    line of events, other settings or a moment before the last event are folded from the first.
    """

    def __init__(self) -> None:
        self._book: _Book | None = None
        self._taken: Sequence[CommerceEvent] = ()

    def stand(self, events: Sequence[CommerceEvent], now: datetime, settings: CartSettings) -> tuple[Cart, ...]:
        """Give the carts of these events, which begin with those given before."""
        book = self._told(events, now, settings)
        if book is None:
            return carts(events, now, settings)
        return _as_of(now, settings, book.closed, book.open)

    def named(
        self, cart_id: str, events: Sequence[CommerceEvent], now: datetime, settings: CartSettings
    ) -> Cart | None:
        """Give `cart_named` of these carts, without looking at the others."""
        book = self._told(events, now, settings)
        if book is None:
            return cart_named(carts(events, now, settings), cart_id)
        fitting = ([cart for cart in found if cart.cart_id == cart_id] for found in (book.closed, book.open))
        return cart_named(_as_of(now, settings, *fitting), cart_id)

    def _told(self, events: Sequence[CommerceEvent], now: datetime, settings: CartSettings) -> "_Book | None":
        """Give the carts as the last of these events left them; None where they are to be folded from the first."""
        book, known = self._book, len(self._taken)
        if book is None or book.settings != settings or known > len(events) or self._strays(events):
            book, known = _Book(settings), 0
        if (events and events[-1].at > now) or not _in_order(events[max(known - 1, 0) :]):
            return None
        for event in events[known:]:
            book.apply(event)
        self._book, self._taken = book, events
        return book

    def _strays(self, events: Sequence[CommerceEvent]) -> bool:
        return not all(map(is_, self._taken, events))


def _as_of(now: datetime, settings: CartSettings, closed: Iterable[Cart], opened: Iterable[Cart]) -> tuple[Cart, ...]:
    """Give carts that were closed or open at the last event as they stand now."""
    standing = [aged(cart, now, settings) for cart in opened]
    since = [cart for cart in standing if cart.closed_at is not None]
    return (*closed, *since, *(cart for cart in standing if cart.closed_at is None))


def _in_order(events: Sequence[CommerceEvent]) -> bool:
    return all(before.key < after.key for before, after in pairwise(events))


def cart_named(found: Sequence[Cart], cart_id: str | None) -> Cart | None:
    """Give the cart of that id as it last lived, or the open cart touched last (None: there is none)."""
    if cart_id is None:
        fitting = [cart for cart in found if cart.closed_at is None]
    else:
        fitting = [cart for cart in found if cart.cart_id == cart_id]
    return max(fitting, key=lambda cart: cart.last_event_at, default=None)


class _Book:
    """The carts of one profile at one moment of the replay; `open` ones can still change, `closed` ones never."""

    def __init__(self, settings: CartSettings) -> None:
        self.settings = settings
        self.open: list[Cart] = []
        self.closed: list[Cart] = []
        self.known: set[str] = set()
        self.ordered: set[tuple[bool, str]] = set()

    def apply(self, event: CommerceEvent) -> None:
        """Let time pass until the event, then let it happen."""
        self.pass_time(event.at)
        if event.kind in CART_KINDS:
            self._touch(event)
        elif event.kind is CommerceKind.ORDER_COMPLETED and event.order_key not in self.ordered:
            self.ordered.add(event.order_key)
            self._keep([bought(cart, event) if self._covers(event, cart) else cart for cart in self.open])

    def pass_time(self, now: datetime) -> None:
        """Abandon what has been idle for long enough, expire what nobody came back to."""
        self._keep([aged(cart, now, self.settings) for cart in self.open])

    def _touch(self, event: CommerceEvent) -> None:
        place = self._place(event)
        if place is None and begins(event):
            self.open.append(touched(begun(event), event))
            if event.cart_id is not None:
                self.known.add(event.cart_id)
        elif place is not None:
            self.open[place] = touched(self.open[place], event)
        self._keep(self.open)

    def _place(self, event: CommerceEvent) -> int | None:
        """Find which open cart the event is about."""
        fitting = [i for i, cart in enumerate(self.open) if event.cart_id in (None, cart.cart_id)]
        return max(fitting, key=lambda i: self.open[i].last_event_at, default=None)

    def _covers(self, order: CommerceEvent, cart: Cart) -> bool:
        return order.cart_id not in self.known or cart.cart_id in (None, order.cart_id)

    def _keep(self, found: list[Cart]) -> None:
        self.closed += [cart for cart in found if cart.closed_at is not None]
        self.open = [cart for cart in found if cart.closed_at is None]
