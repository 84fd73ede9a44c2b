"""What the learner has kept, and caught up with, is what it would read from the first: in any history."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.clock import FixedClock
from service.keys import Scope
from service.learning.evidence import Evidence, Reading
from service.wiring import Homing
from tests.contracts.story import CATEGORIES, DEVICES, IDENTIFIERS, PEOPLE, Story
from tests.service.harness import NOON, Api, deployment

SEEDS = range(6)


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
        said = {"identifiers": sides[:1]} if kind == "split" else {"left": [sides[0]], "right": [sides[1]]}
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
    for step in range(60):
        life.go_on()
        if step % 4 == 3:
            reading.catch_up()
            assert told(reading.evidence()) == from_the_first(homing)
            sends = max(sends, len(reading.evidence().sends))
    assert sends > 0
    api.close()
    homing.close()
