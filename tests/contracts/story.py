"""A small shop's fortnight, drawn from a seed: few people on few devices, so that everything happens to somebody.

Names sort differently by code point, by language and without case; events come late, twice, and under ids taken before.
"""

import random
from datetime import datetime, timedelta
from typing import Any

from tests.service.harness import NOON

PEOPLE = ("ada", "Ada", "Zoë", "zoe", "원준", "𝔟ert", "O'Neil", "%_\\")
DEVICES = ("phone", "Phone", "tablet-2", "tablet-10")
BROWSERS = ("b1", "B1", "é", "e\u0302")
NAMES = ("Seen", "Product Added", "Product Removed", "Checkout Started", "Order Completed", "seen", "상품 보기", "😀")
CATEGORIES = ("marketing_email", "marketing_app_push", "marketing_sms", "analytics")
START = NOON - timedelta(days=14)

IDENTIFIERS = [
    *(("user_id", name) for name in PEOPLE),
    *(("device_id", name) for name in DEVICES),
    *(("anonymous_id", name) for name in BROWSERS),
    *(("email", f"p{number}@example.com") for number in range(len(PEOPLE))),
    ("user_id", "nobody"),
]
"""Everybody and everything that the events speak of, and one that they do not."""


class Story:
    """Draws events; `random` is its only source of chance."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._drawn: list[dict[str, Any]] = []

    def batch(self) -> list[dict[str, Any]]:
        """Draw what comes in one request: new events, and now and then an old one, the same or changed."""
        return [self._next() for _ in range(self.random.randint(1, 25))]

    def _next(self) -> dict[str, Any]:
        draw = self.random.random()
        if draw < 0.1 and self._drawn:
            return self.random.choice(self._drawn)
        if draw < 0.15 and self._drawn:
            return {**self.random.choice(self._drawn), "userId": "nobody"}
        if draw < 0.18:
            return {"type": "track", "event": "n" * 300, "userId": "nobody"}
        event = self._event()
        self._drawn.append(event)
        return event

    def _event(self) -> dict[str, Any]:
        pick, chance = self.random.choice, self.random.random
        home = self.random.randrange(len(DEVICES))  # two people share a home's device and browser; visitors come
        device, browser = DEVICES[home], BROWSERS[home]
        at = START + timedelta(minutes=self.random.randrange(14 * 24 * 60))
        event: dict[str, Any] = {"messageId": f"m{len(self._drawn)}", "timestamp": at.isoformat(), "context": {}}
        if chance() < 0.7:
            event["anonymousId"] = browser
        if chance() < 0.6:
            number = self.random.randrange(len(PEOPLE)) if chance() < 0.03 else 2 * home + self.random.randrange(2)
            event["userId"] = PEOPLE[number]
            event["context"]["traits"] = {"email": f"P{number}@Example.com"} if chance() < 0.5 else {}
        if chance() < 0.5:
            event["context"]["device"] = {"id": device, "type": "ios", "token": f"token-{device}-{pick('ab')}"}
        if chance() < 0.2:
            event["context"]["consent"] = {"categoryPreferences": {pick(CATEGORIES): chance() < 0.7}}
        return {**event, **self._said(at)}

    def _said(self, at: datetime) -> dict[str, Any]:
        draw = self.random.random()
        if draw < 0.2:
            return {"type": "identify", "traits": {"city": "서울"}}
        if draw < 0.3:
            return {"type": "page", "name": self.random.choice(NAMES)}
        price = self.random.randrange(100, 200_000)
        properties = {"cart_id": f"c{at.day % 3}", "product_id": "coat", "price": price, "quantity": 1}
        event = self.random.choice(NAMES)
        if event == "Order Completed":
            properties |= {"order_id": f"o{self.random.randrange(20)}", "total": price}
        return {"type": "track", "event": event, "properties": properties}
