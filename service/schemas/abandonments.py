"""What `/v1/abandonments` answers with; identifiers are masked for keys without the scope read_pii."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from service.schemas.profiles import IdentifierShown


class ItemShown(BaseModel):
    """A product in the cart; `price` is of one."""

    product: str | None
    quantity: float
    price: float | None


class AbandonmentShown(BaseModel):
    """A cart left behind; ask `/v1/recommendations` with its profile_id, cart_id and abandoned_at."""

    profile_id: str
    is_person: bool
    cart_id: str | None
    cart_value: float | None
    currency: str | None
    items: list[ItemShown]
    opened_at: datetime
    abandoned_at: datetime = Field(description="When nothing had touched it for the setting abandonment.wait")
    device: IdentifierShown | None = Field(description="Where it was last touched")
    state: Literal["abandoned", "expired"] = Field(description="expired: for longer than abandonment.expiry")


class AbandonmentsShown(BaseModel):
    """A page of carts, the one left last first."""

    abandonments: list[AbandonmentShown]
    next_cursor: str | None
