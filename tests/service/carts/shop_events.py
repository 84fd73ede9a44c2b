"""Events of one profile, made by the minute, and the carts they come to."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from identity.observations import Trust
from service.carts.cart import Cart, CartSettings, CartState
from service.carts.carts import carts
from service.carts.commerce import CommerceEvent, CommerceKind, Line

K = CommerceKind
ZERO = datetime(2026, 11, 15, 5, 0, tzinfo=UTC)
QUICK = CartSettings(wait=timedelta(minutes=3), keep=timedelta(minutes=10))


def at(minute: float) -> datetime:
    """Give a moment by its minute."""
    return ZERO + timedelta(minutes=minute)


def event(
    minute: float,
    kind: CommerceKind,
    product: str | None = None,
    *,
    cart_id: str | None = None,
    order_id: str | None = None,
    quantity: float | None = None,
    price: float | None = None,
    amount: float | None = None,
    trust: Trust = Trust.SERVER,
    decision_id: str | None = None,
    name: str = "",
    device: str = "tablet",
) -> CommerceEvent:
    """Make an event; its message id tells it apart from the others of its minute."""
    return CommerceEvent(
        kind=kind,
        at=at(minute),
        message_id=f"{minute}-{kind}-{product}-{name}",
        trust=trust,
        identifiers=(("anonymous_id", device),),
        cart_id=cart_id,
        order_id=order_id,
        decision_id=decision_id,
        lines=() if product is None else (Line(product, quantity, price),),
        amount=amount,
        currency=None if amount is None else "KRW",
    )


def only(events: Sequence[CommerceEvent], minute: float, spans: CartSettings | None = None) -> Cart:
    """Fold events that must make one cart."""
    (cart,) = carts(events, at(minute), spans)
    return cart


def states(events: Sequence[CommerceEvent], minute: float) -> dict[str | None, CartState]:
    """Give the carts' states by id; later lives of an id win."""
    return {cart.cart_id: cart.state for cart in carts(events, at(minute))}


ADDED = event(0, K.PRODUCT_ADDED, "p", cart_id="c", price=10, quantity=2)
CHECKOUT = event(5, K.CHECKOUT_STARTED, cart_id="c")


events_of_a_profile = st.lists(
    st.builds(
        event,
        st.integers(0, 40),
        st.sampled_from(sorted(CommerceKind)),
        st.none() | st.sampled_from("pq"),
        cart_id=st.none() | st.sampled_from("cd"),
        order_id=st.none() | st.sampled_from(["o1", "o2"]),
        quantity=st.none() | st.integers(1, 3),
        amount=st.none() | st.integers(0, 9),
        name=st.sampled_from("ab"),
    ),
    max_size=14,
    unique_by=lambda made: made.key,
)
