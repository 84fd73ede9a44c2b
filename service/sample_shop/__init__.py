"""A shop to try Homing on: seeded, invented, relative to now; see `generate`."""

from service.sample_shop.records import (
    PastAddress,
    PastMessage,
    PastOutcome,
    Question,
    SampleShop,
    ShopMessage,
)
from service.sample_shop.shop import generate

__all__ = [
    "PastAddress",
    "PastMessage",
    "PastOutcome",
    "Question",
    "SampleShop",
    "ShopMessage",
    "generate",
]
