"""What the learner has kept, and caught up with, is what it would read from the first: in any history."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from service.clock import FixedClock
from service.keys import Scope
from service.learning.evidence import Evidence, Reading
from service.wiring import Homing
from tests.contracts.story import CATEGORIES, DEVICES, IDENTIFIERS, PEOPLE, Story
from tests.service.harness import NOON, Api, deployment

SEEDS = range(5)


class Life:
    """A shop's life, drawn from a seed: events, questions, outcomes, judgements, erasures."""

    def __init__(self, api: Api, clock: FixedClock, seed: int) -> None:
        self._api = api
        self._clock = clock
        self._key = api.key(*Scope)
        self._story = Story(seed)
        self._random = self._story.random
        self._decided: list[str] = []
        self._judged: list[str] = []

    def go_on(self) -> None:
        """Let one thing happen, an hour later than the last."""
        self._clock.advance(timedelta(hours=1))
        happenings = (self._events, self._ask, self._ask, self._outcome, self._outcome, self._judge, self._undo)
        self._random.choice((*happenings, self._erase) if self._random.random() < 0.2 else happenings)()

    def _post(self, path: str, body: Any) -> Any:
        answer = self._api.post(path, key=self._key, json=body)
        assert answer.status_code in {200, 201, 409, 422}, answer.text
        return answer.json()

    def _events(self) -> None:
        agreed = {"context": {"consent": {"categoryPreferences": dict.fromkeys(CATEGORIES, True)}}}
        self._post("/v1/batch", {"batch": self._story.batch()})
        now = self._clock.now().isoformat()
        person, device = self._random.choice(PEOPLE), self._random.choice(DEVICES)
        self._post("/v1/identify", {"userId": person, "timestamp": now, **agreed})
        token = {"id": device, "type": "ios", "token": f"token-{device}-{self._random.choice('abc')}"}
        bought = {"order_id": f"late-{now}", "total": 10}
        if self._random.random() < 0.5:
            context = {"context": {"device": token}}
            self._post("/v1/track", {"userId": person, "event": "Order Completed", "properties": bought, **context})

    def _ask(self) -> None:
        namespace, value = self._random.choice(IDENTIFIERS)
        message = {"id": f"message-{len(self._decided)}"}
        told = self._post(
            "/v1/recommendations", {"recipient": {"namespace": namespace, "value": value}, "message": message}
        )
        self._decided.append(told["decision_id"])

    def _outcome(self) -> None:
        if self._decided:
            kind = self._random.choice(("clicked", "converted", "bounced", "not_sent", "unsubscribed"))
            self._post("/v1/outcomes", {"decision_id": self._random.choice(self._decided), "type": kind})

    def _judge(self) -> None:
        sides = [{"namespace": n, "value": v} for n, v in self._random.sample(IDENTIFIERS[:-1], 2)]
        kind = self._random.choice(("cannot_link", "must_link", "split"))
        said = {"identifiers": sides[:1]} if kind == "split" else {"left": sides[0], "right": sides[1]}
        told = self._post("/v1/judgements", {"kind": kind, **said, "reason": "seen"})
        if "judgement_id" in told:
            self._judged.append(told["judgement_id"])

    def _undo(self) -> None:
        if self._judged:
            name = self._judged.pop(self._random.randrange(len(self._judged)))
            assert self._api.request("DELETE", f"/v1/judgements/{name}", key=self._key).status_code in {200, 409, 422}

    def _erase(self) -> None:
        namespace, value = self._random.choice(IDENTIFIERS)
        self._post("/v1/erasures", {"identifiers": [{"namespace": namespace, "value": value}]})


def told(found: Evidence) -> Any:
    """Give evidence as it can be compared."""
    return found.sends, found.outcomes, found.withheld


def from_the_first(homing: Homing) -> Any:
    """Read everything with nothing kept."""
    reading = Reading(homing)
    reading.catch_up()
    return told(reading.evidence())


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_kept_is_what_would_be_read(tmp_path: Path, seed: int) -> None:
    """After some things have happened each time, over people who merge, part, are erased and share devices."""
    clock = FixedClock(NOON)
    homing = deployment(tmp_path, clock, {"HOMING_SELECTOR__HOLDOUT": "0.2", "HOMING_CONSENT__UNKNOWN__EMAIL": "allow"})
    api = Api(homing)
    life, reading = Life(api, clock, seed), Reading(homing)
    sends = 0
    for step in range(80):
        life.go_on()
        if step % 5 == 4:
            reading.catch_up()
            assert told(reading.evidence()) == from_the_first(homing)
            sends = max(sends, len(reading.evidence().sends))
    assert sends > 0
    api.close()
    homing.close()


class Kept:
    """A shop of few, with what the learner keeps of it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.clock = FixedClock(NOON)
        self.api = Api(deployment(folder, self.clock, settings))
        self.reading = Reading(self.api.homing)
        self._key = self.api.key(*Scope)

    def post(self, path: str, **body: Any) -> Any:
        """Say something, an hour after the last."""
        self.clock.advance(timedelta(hours=1))
        answer = self.api.post(f"/v1/{path}", key=self._key, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, namespace: str, value: str) -> str:
        """Ask where a message to somebody goes, which must be somewhere; give the decision."""
        recipient = {"namespace": namespace, "value": value}
        told = self.post("recommendations", recipient=recipient, message={"id": f"to-{value}"})
        assert told["action"] == "send", told
        return str(told["decision_id"])

    def caught_up(self) -> Evidence:
        """Catch up, and hold that against what would be read from the first."""
        self.reading.catch_up()
        found = self.reading.evidence()
        assert told(found) == from_the_first(self.api.homing)
        return found

    def close(self) -> None:
        """Close the store."""
        self.api.close()
        self.api.homing.close()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Give a shop where what more than two people use is nobody's."""
    rules = tmp_path / "rules.toml"
    rules.write_text("hub_limit = 2\n")
    shop = Kept(tmp_path, HOMING_RULES=str(rules))
    yield shop
    shop.close()


def phone(device: str) -> dict[str, Any]:
    """Give an event's context on a phone that takes pushes."""
    return {"device": {"id": device, "type": "ios", "token": f"token-{device}"}}


def test_who_is_parted_no_longer_buys_for_the_other(kept: Kept) -> None:
    """After a split alone, an order on the phone is not the purchase after the message to the tablet."""
    for device in ("tablet", "phone"):
        kept.post("identify", userId="ada", context=phone(device))
    kept.ask("user_id", "ada")
    kept.clock.advance(timedelta(days=1))
    kept.post("track", anonymousId="b", event="Order Completed", properties={"order_id": "o"}, context=phone("phone"))
    before = kept.caught_up()
    sides = [{"namespace": n, "value": v} for n, v in (("device_id", "phone"), ("push_token", "token-phone"))]
    kept.post("judgements", kind="split", identifiers=[*sides, {"namespace": "anonymous_id", "value": "b"}], reason="x")
    after = kept.caught_up()
    assert (len(before.outcomes), len(after.outcomes)) == (1, 0)


def test_what_came_of_a_message_to_a_device_that_is_nobodys_by_now(kept: Kept) -> None:
    """The message was the device's; what comes of it is read with whoever holds the endpoint."""
    kept.post("track", anonymousId="k", event="Seen", context=phone("kiosk"))
    decision_id = kept.ask("device_id", "kiosk")
    kept.post("identify", userId="ada", context=phone("kiosk"))
    kept.ask("user_id", "ada")
    for user in ("bob", "cy"):
        kept.post("identify", userId=user, context={"device": {"id": "kiosk", "type": "ios"}})
    assert not kept.caught_up().outcomes
    kept.post("outcomes", decision_id=decision_id, type="clicked")
    assert {name for name, _ in kept.caught_up().outcomes} == {decision_id}


def test_a_device_that_is_somebodys_again_after_an_erasure(kept: Kept) -> None:
    """Too many shared it, and its message was nobody's; one is left, whose it is."""
    kept.post("track", anonymousId="k", event="Seen", context=phone("kiosk"))
    decision_id = kept.ask("device_id", "kiosk")
    for user in ("ada", "bob", "cy"):
        kept.post("identify", userId=user, context=phone("kiosk"))
    assert not kept.caught_up().sends
    for user in ("bob", "cy"):
        kept.post("erasures", identifiers=[{"namespace": "user_id", "value": user}])
    assert set(kept.caught_up().sends) == {decision_id}


def test_only_whom_something_happened_to_is_read_again(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three people, one, after an event of one."""
    for user in ("ada", "bob", "cy"):
        kept.post("identify", userId=user, context=phone(f"phone-{user}"))
        kept.ask("user_id", user)
    kept.caught_up()
    read: list[str] = []
    reads = Reading._reads

    def counted(self: Reading, conn: Connection, profile_ids: Sequence[str]) -> Iterator[Any]:
        read.extend(profile_ids)
        return reads(self, conn, profile_ids)

    kept.post("track", userId="bob", event="Seen")
    with monkeypatch.context() as counting:
        counting.setattr(Reading, "_reads", counted)
        kept.reading.catch_up()
    assert len(read) == 1
    kept.caught_up()
