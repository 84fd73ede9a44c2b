"""Who is asked for: the customers that the sample shop wrote to before, each with a fresh cart left an hour ago."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from benchmarks.load import Address, post, send
from benchmarks.traffic import BATCH
from service.sample_shop import SampleShop

PATH = "/v1/recommendations"


def write_customers(folder: Path, shop: SampleShop) -> str:
    """Leave the user ids of the shop's customers in the folder; give a line that tells how many they are."""
    users = sorted({past.subject[1] for past in shop.past})
    (folder / "customers.json").write_bytes(orjson.dumps(users))
    return f"{len(users):,} customers of the sample shop"


def read_customers(folder: Path) -> list[str]:
    """Give the user ids that were left."""
    users: list[str] = orjson.loads((folder / "customers.json").read_bytes())
    return users


def carts(users: Sequence[str], number: int) -> list[dict[str, Any]]:
    """Give the events by which each customer fills a cart; `number` tells their carts apart."""
    left = _left_at().isoformat()
    return [
        {
            "type": "track",
            "event": "Product Added",
            "messageId": f"cart-{user}-{number}",
            "timestamp": left,
            "userId": user,
            "properties": {"cart_id": f"{user}-{number}", "product_id": "sku-1", "price": 19_000, "quantity": 1},
        }
        for user in users
    ]


def leave_carts(address: Address, users: Sequence[str], number: int, key: dict[str, str]) -> None:
    """Let each customer fill a cart, uncounted: nobody is asked for whom nothing has just happened to."""
    events = carts(users, number)
    parts = [events[start : start + BATCH] for start in range(0, len(events), BATCH)]
    send(address, [post("/v1/batch", orjson.dumps({"batch": part}), key) for part in parts], 1)


def requests(users: Iterable[str], number: int, key: dict[str, str]) -> list[bytes]:
    """Give a request for each customer's cart of that number: a message never decided on before."""
    return [post(PATH, orjson.dumps(_question(user, number)), key) for user in users]


def _question(user: str, number: int) -> dict[str, Any]:
    return {
        "recipient": {"namespace": "user_id", "value": user},
        "message": {
            "id": f"{user}-{number}-1",
            "cart_id": f"{user}-{number}",
            "cart_value": 19_000,
            "currency": "KRW",
        },
        "abandoned_at": _left_at().isoformat(),
        "return": ["user_id"],
    }


def _left_at() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)
