"""A shop's life as its servers see it, drawn from a seed: every kind of request there is, in any order, at any moment.

Few people on few devices and browsers, so that everything happens to somebody: shared tablets, late events, mergers,
orders, caps, judgements, erasures.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import jwt

from tests.service.harness import NOON

SIGNED_WITH = "a shared secret of the tests' shop, long enough"
PEOPLE = ("ada", "bert", "Zoë", "dora")
DEVICES = ("phone", "tablet", "Tablet-2")
BROWSERS = ("b1", "b2", "b3", "é")
MAILS = ("ada@example.com", "bert@example.com", "both@example.com")
PHONES = ("+82 2 312 0001", "+82 10 3120 0002")
TOKENS = ("token-1", "token-2", "token-3")
CHANNELS = ("app_push", "web_push", "email", "sms", "messenger")

IDENTIFIERS = (
    *(("user_id", name) for name in PEOPLE),
    *(("device_id", name) for name in DEVICES),
    *(("anonymous_id", name) for name in BROWSERS),
    *(("email", mail) for mail in MAILS),
    *(("phone", phone) for phone in PHONES),
    *(("push_token", token) for token in TOKENS),
    ("crm", "c1"),
    ("user_id", "nobody"),
)
"""Everybody and everything that is spoken of, and one that is not."""

SETTINGS: Sequence[dict[str, str]] = (
    {},
    {"CAPS": '[{ limit = 2, per = "7d" }, { limit = 1, per = "1d", channel = "email" }]', "QUIET_HOURS": "korea"},
    {"TIMEZONE": "Asia/Seoul", "QUIET_HOURS": "22:00-07:00", "CONSENT__UNKNOWN__EMAIL": "allow"},
    {"SELECTOR__HOLDOUT": "0.2", "SELECTOR__BAU": "0.2", "SELECTOR__DO_NOT_SEND": "true", "COSTS__EMAIL": "0.01"},
    {"ACTIVATION": "reported", "ASSERTED_ORDERS": "true", "SELECTOR__LIFETIME_VALUE": "3"},
    {"SELECTOR__NEW_CHANNEL_SHARE": "0.2", "SELECTOR__HALF_LIFE": "30d", "ATTRIBUTION_WINDOW": "1d"},
    {"UNSEEN__APP_PUSH": "3d", "ABANDONMENT__WAIT": "10m", "ABANDONMENT__EXPIRY": "2d"},
)
RULES: Sequence[str] = (
    "",
    "",
    "",
    "",
    'preset = "default"',
    "hub_limit = 1",
    "hub_limit = 2, profile_cap = 6",
    'namespaces = { anonymous_id = { ttl = "2d" } }',
    "namespaces = { email = { limit = 1 }, device_id = { limit = 2 } }",
    'device_owner = "newest_login"',
    'device_owner = "nobody", after_logout = "anonymous"',
    'device_owner = "first_login", conflict = "first"',
    'asserted_contacts = "newest", asserted_endpoints = "deny"',
    'preset = "posthog"',
    'preset = "snowplow"',
    'preset = "adobe"',
    'preset = "mparticle"',
    "namespaces = { user_id = { limit = 2 } }",
    'namespaces = { member = { class = "person", priority = 1, limit = 1 } }, identifiers_per_observation = 3',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request; `browser`: by the public key."""

    method: str
    path: str
    json: Any = None
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    browser: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens next: time passes, the learner runs, requests come, all of them at once if there are several."""

    passes: timedelta = timedelta(0)
    learn: bool = False
    asks: tuple[Ask, ...] = ()


TOLD = (
    *("sent", "not_sent", "delivered", "opened", "clicked", "clicked", "converted", "unsubscribed"),
    *("bounced", "complained"),
)


class ShopLife:
    """Draws steps; `heard` tells it of answers, so that it can speak of decisions and profiles again."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = NOON
        self.decisions: list[str] = []
        self.judgements: list[str] = []
        self.erasures: list[str] = []
        self.profiles: dict[str, None] = {}
        self._numbers = count()
        self._events: list[dict[str, Any]] = []
        self._questions: list[dict[str, Any]] = []
        self._idempotent: list[Ask] = []
        self._outcomes: list[dict[str, Any]] = []
        self._orders: list[str] = []
        self.eventful = self.random.choice((0.45, 0.6))
        """How much of what happens is events."""
        self.erasing = self.random.choice((0.0, 0.01, 0.03))
        self.unruly = self.random.choice((0.1, 0.3, 1.0))
        """How often events are late, and people on somebody else's devices: the fewer, the more can be gone on with."""

    def environment(self) -> dict[str, str]:
        """Draw a deployment's settings."""
        drawn: dict[str, str] = {}
        for some in self.random.sample(SETTINGS, self.random.randint(1, 2)):
            drawn |= some
        rules = self.random.choice(RULES)
        told = {f"HOMING_{name}": value for name, value in drawn.items()}
        told["HOMING_TOKENS__KEYS__A"] = f'{{ algorithm = "HS256", secret = "{SIGNED_WITH}" }}'
        return {**told, "HOMING_RULES": f"{{ {rules} }}"} if rules else told

    def step(self) -> Step:
        """Draw what happens next."""
        chance, draw = self.random.random, self.random.random()
        passes = timedelta(seconds=0 if chance() < self.unruly else 1)
        if chance() < 0.6:
            passes = timedelta(seconds=self.random.choice((1, 30, 600, 4_000, 20_000, 90_000, 400_000)))
        self.now += passes
        if draw < 0.03:
            return Step(passes=passes, learn=True)
        if draw < 0.25:
            number = self.random.randint(2, 9)
            kind = self._batch if chance() < 0.5 else self._question
            return Step(passes=passes, asks=tuple(kind() for _ in range(number)))
        return Step(passes=passes, asks=(self._any(),))

    def heard(self, ask: Ask, told: Any) -> None:
        """Take note of an answer."""
        if not isinstance(told, dict):
            return
        for each in [told, *(r["body"] for r in told.get("results", ()) if isinstance(r.get("body"), dict))]:
            if each.get("decision_id") and each["decision_id"] not in self.decisions:
                self.decisions.append(each["decision_id"])
            if each.get("profile_id"):
                self.profiles[each["profile_id"]] = None
        if told.get("judgement_id") and ask.method == "POST":
            self.judgements.append(told["judgement_id"])
        if told.get("erasure_id"):
            self.erasures.append(told["erasure_id"])

    # --- requests ---

    def _any(self) -> Ask:
        chance = self.random.random
        if chance() < self.eventful:
            return self._batch()
        if chance() < self.erasing:
            return Ask(
                method="POST",
                path="/v1/erasures",
                json={"identifiers": self._some(1), "dry_run": chance() < 0.3},
            )
        often = {
            self._question: 6,
            self._questions_in_order: 2,
            self._once: 2,
            self._outcome: 4,
            self._consent: 2,
            self._judge: 2,
            self._today: 2,
            self._unchanged: 1,
        }
        return self.random.choices(list(often), list(often.values()))[0]()

    def _batch(self) -> Ask:
        chance = self.random.random
        browser = chance() < 0.3
        if chance() < 0.25:
            event = self._event()
            return Ask(method="POST", path=f"/v1/{event['type']}", json=event, browser=browser)
        events = [self._event_or_known() for _ in range(self.random.choice((1, 1, 2, 4, 12)))]
        body: dict[str, Any] = {"batch": events}
        if chance() < 0.2:
            body["sentAt"] = (self.now + timedelta(minutes=self.random.choice((-60, -3, 0, 4, 90)))).isoformat()
        return Ask(method="POST", path="/v1/batch", json=body, browser=browser)

    def _event_or_known(self) -> dict[str, Any]:
        draw = self.random.random()
        if draw < 0.06 and self._events:
            return self.random.choice(self._events)
        if draw < 0.08 and self._events:
            return {**self.random.choice(self._events), "userId": self.random.choice(PEOPLE)}
        return self._event()

    def _moment(self) -> datetime:
        draw = self.random.random()
        if draw < 0.3 * self.unruly:
            return self.now - timedelta(minutes=self.random.randrange(20 * 24 * 60))
        if draw < 0.5 * self.unruly:
            return self.now - timedelta(seconds=self.random.randrange(60))
        return self.now + timedelta(minutes=self.random.choice((0, 0, 0, 3_000)))

    def _usual(self) -> bool:
        return self.random.random() > 0.3 * self.unruly

    def _event(self) -> dict[str, Any]:
        number, chance = next(self._numbers), self.random.random
        event: dict[str, Any] = {"timestamp": self._moment().isoformat(), "context": {}}
        if chance() < 0.95:
            event["messageId"] = f"m{number:05}" if self._usual() else f"{self.random.randrange(99):02}-{number}"
        self._name(event, self.random.randrange(2))  # two people share each home's device and browser; visitors come
        if chance() < 0.15:
            category = self.random.choice(("marketing_email", "marketing_app_push", "marketing_sms"))
            event["context"]["consent"] = {"categoryPreferences": {category: chance() < 0.7}}
        if chance() < 0.2:
            event["context"]["timezone"] = self.random.choice(("Asia/Seoul", "America/New_York", "Mars/Olympus"))
        if chance() < 0.08 and "anonymousId" in event:
            event["context"]["homing"] = {"token": self._token(event)}
        event |= self._said()
        self._events.append(event)
        return event

    def _name(self, event: dict[str, Any], home: int) -> None:
        """Say who and what an event of a home is about."""
        pick, chance = self.random.choice, self.random.random
        if chance() < 0.6:
            event["anonymousId"] = BROWSERS[home] if self._usual() else pick(BROWSERS)
        if chance() < 0.45:
            event["userId"] = PEOPLE[2 * home + self.random.randrange(2)] if self._usual() else pick(PEOPLE)
        (event["context"] if chance() < 0.5 else event)["traits"] = self._traits(home)
        if chance() < 0.5:
            device = DEVICES[home] if self._usual() else pick(DEVICES)
            token = TOKENS[DEVICES.index(device)] if self._usual() else pick(TOKENS)
            told = {"token": token} if chance() < 0.6 else {}
            event["context"]["device"] = {"id": device, "type": pick(("ios", "android", "tablet")), **told}
        if chance() < 0.05:
            event["context"]["externalIds"] = [{"type": pick(("crm", "member")), "id": pick(("c1", "c2"))}]

    def _traits(self, home: int) -> dict[str, Any]:
        pick, chance = self.random.choice, self.random.random
        traits: dict[str, Any] = {}
        if chance() < 0.25:
            traits["email"] = MAILS[home] if self._usual() else pick(MAILS)
        if chance() < 0.1:
            traits["phone"] = pick(PHONES)
        if chance() < 0.1:
            traits["city"] = pick(("서울", "부산", None))
        return traits

    def _token(self, event: dict[str, Any]) -> str:
        now = int(self.now.timestamp())
        claims = {"aud": "homing", "sub": event.get("userId", "ada"), "anonymous_id": event["anonymousId"]}
        claims |= {"iat": now, "exp": now + 500, "jti": f"j{self.random.randrange(40)}"}
        if self.random.random() < 0.5:
            claims["email"] = self.random.choice(MAILS)
        return jwt.encode(claims, SIGNED_WITH, algorithm="HS256", headers={"kid": "a"})

    def _said(self) -> dict[str, Any]:
        pick, draw = self.random.choice, self.random.random()
        if draw < 0.2:
            return {"type": "identify"}
        if draw < 0.3:
            return {"type": pick(("page", "screen")), "name": pick(("Home", "상품"))}
        if draw < 0.33:
            return {"type": "alias", "previousId": pick(BROWSERS)}
        if draw < 0.35:
            return {"type": "group", "groupId": "g"}
        properties: dict[str, Any] = {"cart_id": pick(("c1", "c2", "c3", None)), "product_id": pick(("coat", "hat"))}
        properties |= {"price": self.random.randrange(1, 200), "quantity": pick((1, 2, 0))}
        name = pick(
            (
                *("Seen", "Product Added", "Product Added", "Product Removed", "Cart Viewed", "Checkout Started"),
                *(
                    "Order Completed",
                    "Order Completed",
                    "Order Refunded",
                    "Order Cancelled",
                    "Push Notification Tapped",
                ),
                *("Email Link Clicked", "Email Opened", "Unsubscribed", "Email Bounced", "Application Uninstalled"),
            )
        )
        if name.startswith("Order"):
            order = f"o{next(self._numbers)}" if not self._orders or self.random.random() < 0.6 else pick(self._orders)
            self._orders.append(order)
            properties |= {"order_id": order, "total": self.random.randrange(1, 500)}
        if self.decisions and self.random.random() < (0.8 if "Email" in name or "Push" in name else 0.2):
            properties["decision_id"] = pick(self.decisions)
        return {"type": "track", "event": name, "properties": properties}

    def _some(self, most: int = 3) -> list[dict[str, str]]:
        chosen = self.random.sample(IDENTIFIERS, self.random.randint(1, most))
        return [{"namespace": n, "value": v} for n, v in chosen]

    def _asked(self) -> dict[str, Any]:
        pick, chance = self.random.choice, self.random.random
        if self._questions and chance() < 0.2:
            return pick(self._questions)
        recipient: Any = pick((self._some(1)[0], self._some()))
        if self.profiles and chance() < 0.25:
            recipient = {"profile_id": pick(list(self.profiles))}
        asked: dict[str, Any] = {"recipient": recipient, "message": self._message(), **self._window()}
        for share, said in (
            (0.2, {"channels": self.random.sample(CHANNELS, self.random.randint(1, 4))}),
            (0.2, {"variants": ["carousel", "plain"]}),
            (0.15, {"explore": False}),
            (0.2, {"return": ["user_id", "email"]}),
            (0.1, {"features": {"campaign": "winter", "n": 1.5}}),
        ):
            if chance() < share:
                asked |= said
        self._questions.append(asked)
        return asked

    def _message(self) -> dict[str, Any]:
        pick, chance = self.random.choice, self.random.random
        message: dict[str, Any] = {"id": f"q{self.random.randrange(12)}"}
        if chance() < 0.3:
            message["cart_id"] = pick(("c1", "c2"))
        if chance() < 0.3:
            message |= {"cart_value": self.random.randrange(500), "margin": 0.5, "currency": "KRW"}
        if chance() < 0.1:
            message["purpose"] = pick(("transactional", "newsletter"))
        return message

    def _window(self) -> dict[str, str]:
        """Say from when until when a message may go."""
        hours, chance = self.random.randrange, self.random.random
        window: dict[str, str] = {}
        if chance() < 0.4:
            window["abandoned_at"] = (self.now - timedelta(hours=hours(60))).isoformat()
        draw = chance()
        if draw < 0.15:
            window["not_before"] = (self.now + timedelta(hours=hours(30))).isoformat()
        if 0.1 < draw < 0.3:
            window["deadline"] = (self.now + timedelta(hours=31 + hours(60))).isoformat()
        elif draw < 0.4:
            window["deadline"] = (self.now + timedelta(hours=40, minutes=10)).isoformat()
        return window

    def _question(self) -> Ask:
        return Ask(method="POST", path="/v1/recommendations", json=self._asked())

    def _questions_in_order(self) -> Ask:
        asked = [self._asked() for _ in range(self.random.randint(1, 8))]
        if self.random.random() < 0.2:
            asked.insert(self.random.randrange(len(asked) + 1), {"message": {"id": ""}})
        return Ask(method="POST", path="/v1/recommendations:batch", json={"requests": asked})

    def _once(self) -> Ask:
        if self._idempotent and self.random.random() < 0.5:
            return self.random.choice(self._idempotent)
        name = {"Idempotency-Key": f"i{self.random.randrange(10)}"}
        ask = Ask(method="POST", path="/v1/recommendations", json=self._asked(), headers=name)
        self._idempotent.append(ask)
        return ask

    def _outcome(self) -> Ask:
        many = self.random.random() < 0.5
        told = [self._told() for _ in range(self.random.randint(1, 6) if many else 1)]
        return Ask(method="POST", path="/v1/outcomes", json=told if many else told[0])

    def _told(self) -> dict[str, Any]:
        pick, chance = self.random.choice, self.random.random
        if self._outcomes and chance() < 0.1:
            return pick(self._outcomes)
        told: dict[str, Any] = {"decision_id": pick([*self.decisions[-8:], "unknown"]), "type": pick(TOLD)}
        if chance() < 0.6:
            told["at"] = self._moment().isoformat()
        if chance() < 0.3:
            told["id"] = f"x{self.random.randrange(60)}"
        if told["type"] == "converted":
            told["value"] = 12.5
        self._outcomes.append(told)
        return told

    def _consent(self) -> Ask:
        pick = self.random.choice
        body = {"identifiers": self._some(2), "channel": pick((*CHANNELS, None)), "state": pick(("granted", "denied"))}
        if self.random.random() < 0.5:
            body["at"] = self._moment().isoformat()
        if self.random.random() < 0.3:
            body["id"] = f"k{self.random.randrange(20)}"
        return Ask(method="PUT", path="/v1/consents", json=body)

    def _judge(self) -> Ask:
        params = {"dry_run": "true"} if self.random.random() < 0.3 else {}
        draw = self.random.random()
        if self.judgements and draw < 0.3:
            name = self.random.choice(self.judgements)
            return Ask(method="DELETE", path=f"/v1/judgements/{name}", params=params)
        if draw < 0.5:
            body: dict[str, Any] = {"kind": "split", "identifiers": self._some(2)}
        else:
            left, right = (f"{n}:{v}" for n, v in self.random.sample(IDENTIFIERS, 2))
            body = {"kind": self.random.choice(("must_link", "cannot_link")), "left": left, "right": right}
        return Ask(method="POST", path="/v1/judgements", json=body, params=params)

    def _today(self) -> Ask:
        return Ask(method="GET", path=f"/v1/decisions/{self.random.choice([*self.decisions, 'none'])}")

    def _unchanged(self) -> Ask:
        return self.random.choice(list(self.reads()))

    # --- all there is to read ---

    def reads(self) -> Iterator[Ask]:
        """Give requests that show everything and change nothing; moments to look back to are drawn."""
        for namespace, value in IDENTIFIERS:
            then = self.random.random() < 0.2
            params = {"namespace": namespace, "value": value, **(self._as_of() if then else {})}
            yield Ask(method="GET", path="/v1/profiles", params=params)
        for profile_id in self.profiles:
            yield from self._about(profile_id)
        for name in self.erasures:
            yield Ask(method="GET", path=f"/v1/erasures/{name}")
        yield Ask(method="GET", path="/v1/judgements")
        yield Ask(method="GET", path="/v1/changes", params={"limit": "500"})
        yield Ask(method="GET", path="/v1/abandonments")
        yield Ask(method="GET", path="/v1/abandonments", params={"since": "2026-10-01"})

    def _about(self, profile_id: str) -> Iterator[Ask]:
        at = f"/v1/profiles/{profile_id}"
        yield Ask(method="GET", path=at)
        for what in ("events", "decisions", "history", "graph", "export"):
            yield Ask(method="GET", path=f"{at}/{what}")
        if self.random.random() < 0.2:
            for what in ("", "/events", "/graph"):
                yield Ask(method="GET", path=f"{at}{what}", params=self._as_of())
        left, right = (f"{n}:{v}" for n, v in self.random.sample(IDENTIFIERS, 2))
        yield Ask(method="GET", path=f"{at}/explain", params={"from": left, "to": right})

    def _as_of(self) -> dict[str, str]:
        return {"as_of": (self.now - timedelta(minutes=self.random.randrange(15 * 24 * 60))).isoformat()}
