"""A customer to recommend for: events sent over HTTP at hours before the tests' noon, questions asked, answers read."""

from datetime import datetime, timedelta
from typing import Any

from tests.service.harness import NOON, Api

PHONE = "phone-19f"
TABLET = "tablet-7c1"
PATH = "/v1/recommendations"

CONSENTS = {"marketing_app_push": True, "marketing_email": True}


def before(hours: float) -> datetime:
    """Give the moment so many hours before noon."""
    return NOON - timedelta(hours=hours)


class Shopping:
    """Sends events and questions with keys of its own."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.key = api.key()
        self._sent = 0

    def event(self, hours: float, event: str = "Seen", **fields: Any) -> None:
        """Send one event of so many hours before noon."""
        self._sent += 1
        named = {
            "messageId": f"m{self._sent}",
            "timestamp": before(hours).isoformat(),
            "type": "track",
            "event": event,
            **fields,
        }
        answer = self.api.post("/v1/batch", key=self.key, json={"batch": [named]})
        assert answer.json() == {"success": True, "accepted": 1, "rejected": []}

    def wonjun(self, **context: Any) -> None:
        """Let Wonjun log in on phone and tablet, agree to pushes and e-mails, and leave a cart on the tablet."""
        phone = {
            "device": {"id": PHONE, "type": "ios", "token": "token-phone"},
            "timezone": "Asia/Seoul",
            "consent": {"categoryPreferences": CONSENTS},
            **context,
        }
        self.event(90, type="identify", userId="wonjun", traits={"email": "wonjun@example.com"}, context=phone)
        self.event(80, userId="wonjun", anonymousId=TABLET)
        self.cart(3)

    def cart(self, hours: float, cart_id: str = "cart-881", **who: Any) -> None:
        """Fill a cart, on the tablet unless `who` says otherwise."""
        properties = {"cart_id": cart_id, "product_id": "coat", "price": 129_000, "quantity": 1, "currency": "KRW"}
        self.event(hours, "Product Added", properties=properties, **(who or {"anonymousId": TABLET}))

    def order(self, hours: float, order_id: str = "o1", **who: Any) -> None:
        """Pay, on the phone unless `who` says otherwise."""
        phone = {"userId": "wonjun", "context": {"device": {"id": PHONE, "type": "ios"}}}
        self.event(hours, "Order Completed", properties={"order_id": order_id, "total": 129_000}, **(who or phone))

    def consent(self, channel: str | None, state: str, user: str = "wonjun") -> None:
        """Take somebody's word on a channel, said now."""
        body = {"identifiers": [{"namespace": "user_id", "value": user}], "channel": channel, "state": state}
        answer = self.api.put("/v1/consents", key=self.key, json=body)
        assert answer.status_code == 200, answer.text

    def outcome(self, decision_id: str, kind: str, at: datetime | None = None) -> None:
        """Report what became of a decision."""
        body = {"decision_id": decision_id, "type": kind, "at": None if at is None else at.isoformat()}
        answer = self.api.post("/v1/outcomes", key=self.key, json=body)
        assert answer.status_code == 200, answer.text

    def ask(self, message_id: str = "cart-881-1", *, key: str | None = None, **fields: Any) -> Any:
        """Ask where a message about the tablet's cart goes; `fields` replace those of the question."""
        answer = self.api.post(PATH, key=key or self.key, json=question(message_id, **fields))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def decision(self, decision_id: str) -> Any:
        """Look at a decision as it stands now."""
        answer = self.api.get(f"/v1/decisions/{decision_id}", key=self.key)
        assert answer.status_code == 200, answer.text
        return answer.json()


def question(message_id: str = "cart-881-1", **fields: Any) -> dict[str, Any]:
    """Give a question's body; `message` adds to the message's own fields."""
    message = {"id": message_id, "cart_id": "cart-881", "cart_value": 129_000, "currency": "KRW"}
    return {
        "recipient": {"namespace": "anonymous_id", "value": TABLET},
        "abandoned_at": before(2).isoformat(),
        **fields,
        "message": message | fields.get("message", {}),
    }
