"""A cart left behind is put into the words of the contract."""

from service.carts.abandonments import Abandoned
from service.profiles.masks import mask
from service.schemas.abandonments import AbandonmentShown, ItemShown
from service.schemas.profiles import IdentifierShown


def shown(left: Abandoned, *, pii: bool) -> AbandonmentShown:
    """Show a cart; without `pii` the device is masked."""
    cart, device = left.cart, left.device
    return AbandonmentShown(
        profile_id=left.profile_id,
        is_person=left.is_person,
        cart_id=cart.cart_id,
        cart_value=cart.value,
        currency=cart.currency,
        items=[ItemShown(product=item.product, quantity=item.quantity, price=item.price) for item in cart.items],
        opened_at=cart.opened_at,
        abandoned_at=left.abandoned_at,
        device=None
        if device is None
        else IdentifierShown(namespace=device.namespace, value=device.value if pii else mask(device.value)),
        state=cart.state.value,  # type: ignore[arg-type]  # one of LEFT
    )
