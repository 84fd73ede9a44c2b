"""The same requests give the same answers on every store, whatever was asked before, and after a rebuild."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from identity.identifiers import Identifier
from identity.observations import Trust
from service.folds.rebuild import rebuild
from service.keys import Scope
from service.learning.learner import learn
from service.store import decisions, facts, models, nodes
from service.store.nodes import Hub
from service.wiring import Homing
from tests.contracts.story import IDENTIFIERS, Story
from tests.contracts.twins import Twins
from tests.service.harness import NOON

RECOMMENDATIONS = "/v1/recommendations"


class Shop:
    """Twins that a story is told to."""

    def __init__(self, twins: Twins, seed: int) -> None:
        self.twins = twins
        self.story = Story(seed)
        self.key = twins.key()
        self.browser = twins.key(Scope.INGEST, trust=Trust.ASSERTED)

    def ingest(self, batches: int) -> tuple[int, set[str]]:
        """Send batches, some of them from a browser; give how many events were taken, and why others were not."""
        taken, refused = 0, set()
        for _ in range(batches):
            key = self.browser if self.story.random.random() < 0.3 else self.key
            told = self.twins.post("/v1/batch", key=key, json={"batch": self.story.batch()}).json()
            taken += told["accepted"]
            refused |= {each["code"] for each in told["rejected"]}
        return taken, refused

    def ask(self, message: str) -> list[Any]:
        """Ask for everybody, each in one of three ways; give the answers."""
        answers = []
        for number, (namespace, value) in enumerate(IDENTIFIERS):
            body = {"recipient": {"namespace": namespace, "value": value}, "message": {"id": message}}
            query = {"namespace": namespace, "value": value, "message_id": message}
            headers = {"Idempotency-Key": f"{message}-{number}"}
            if number % 3 == 0:
                answer = self.twins.post(RECOMMENDATIONS, key=self.key, json=body, headers=headers)
                again = self.twins.post(RECOMMENDATIONS, key=self.key, json=body, headers=headers)
                assert again.content == answer.content
            elif number % 3 == 1:
                answer = self.twins.get(RECOMMENDATIONS, key=self.key, params=query)
            else:
                answer = self.twins.post(RECOMMENDATIONS, key=self.key, json=body)
            answers.append(answer.json())
        return answers

    def look(self) -> list[Any]:
        """Read all there is to read; give it."""
        seen = [
            self.twins.get("/v1/profiles", key=self.key, params={"namespace": n, "value": v}).json()
            for n, v in IDENTIFIERS
        ]
        for profile_id in sorted({each["profile_id"] for each in seen if "profile_id" in each}):
            seen += self._pages(f"/v1/profiles/{profile_id}/events")
            seen += self._pages(f"/v1/profiles/{profile_id}/decisions")
        return seen + list(self._pages("/v1/abandonments", since=(NOON - timedelta(days=30)).isoformat()))

    def _pages(self, path: str, **query: str) -> Iterator[Any]:
        """Read a list to its end, seven entries a page."""
        return self.twins.pages(path, key=self.key, params={"limit": "7", **query})


def logs(conn: Connection) -> tuple[list[facts.Fact], list[decisions.Entry]]:
    """Read both logs without their numbers: only their order is the same on every store."""
    return [replace(fact, seq=0) for fact in facts.scan(conn)], [logged.entry for logged in decisions.scan(conn)]


def folded_again(homing: Homing) -> Any:
    """Make the folds again, and give what was folded."""
    return homing.writer.submit(lambda conn: rebuild(conn, homing.people)).result(60)


def test_a_shop_is_the_same_on_every_store(twins: Twins) -> None:
    """Events early, late and twice, questions, outcomes, consents, learning and a rebuild: every answer agrees."""
    shop = Shop(twins, 1)
    taken, refused = shop.ingest(8)
    assert taken > 50
    assert refused == {"message_id_conflict", "invalid_name"}
    first = shop.ask("first")
    assert {each["action"] for each in first} >= {"send", "hold"}
    told = [_outcome(shop, answer) for answer in first]
    outcomes = twins.post("/v1/outcomes", key=shop.key, json=[*told, *told[:5], {"type": "clicked"}]).json()
    assert outcomes["accepted"] == len(told) + 5
    twins.clock.advance(timedelta(hours=3))
    twins.each(learn)
    shop.ingest(4)
    shop.ask("second")
    before = shop.look()
    twins.each(folded_again)
    assert shop.look() == before


def _outcome(shop: Shop, answer: Any) -> dict[str, Any]:
    kind = shop.story.random.choice(["sent", "opened", "clicked", "converted", "bounced", "unsubscribed"])
    return {"decision_id": answer["decision_id"], "type": kind, "at": NOON.isoformat(), "value": 10.5}


def test_logs_and_folds_hold_the_same(twins: Twins) -> None:
    """What the stores keep is the same row by row: both logs, who is who, and the newest model."""
    shop = Shop(twins, 3)
    shop.ingest(6)
    shop.ask("m")
    twins.each(learn)

    def kept(homing: Homing) -> Any:
        return homing.writer.submit(
            lambda conn: (
                logs(conn),
                _known(conn),
                facts.tracked_names(conn),
                models.newest(conn),
            )
        ).result(30)

    assert all(twins.each(kept))


def _known(conn: Connection) -> list[tuple[Identifier, str | None, Hub]]:
    found = nodes.find(conn, [Identifier(*each) for each in IDENTIFIERS])
    return sorted((name, node.profile_id, node.hub) for name, node in found.items())


CONSENT = {"identifiers": [{"namespace": "user_id", "value": "ada"}], "channel": "email", "state": "denied"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (CONSENT, 200),
        ({**CONSENT, "id": "c1"}, 200),
        ({**CONSENT, "id": "c1", "state": "granted"}, 409),
        ({**CONSENT, "id": "c" * 256}, 422),
        ({**CONSENT, "identifiers": [{"namespace": "user_id", "value": "null"}]}, 422),
        ({**CONSENT, "at": "0001-01-01"}, 200),
    ],
)
def test_a_consent_is_taken_once(twins: Twins, body: dict[str, Any], status: int) -> None:
    """A word, the same again, another under its id, and words that are none."""
    key = twins.key()
    assert twins.put("/v1/consents", key=key, json={**CONSENT, "id": "c1"}).status_code == 200
    answers = [twins.put("/v1/consents", key=key, json=body) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {status}
    if status == 200:
        assert answers[1].json()["status"] == "duplicate"
    twins.get("/v1/profiles", key=key, params={"namespace": "user_id", "value": "ada"})


def test_outcomes_are_told_apart(twins: Twins) -> None:
    """One told twice, one under an id taken before, one before its decision: in a list and alone."""
    key = twins.key()
    asked = {"recipient": {"namespace": "user_id", "value": "ada"}, "message": {"id": "m"}}
    decision_id = twins.post(RECOMMENDATIONS, key=key, json=asked).json()["decision_id"]
    clicked = {"decision_id": decision_id, "type": "clicked", "id": "o1"}
    early = {"decision_id": "not yet", "type": "sent", "at": NOON.isoformat()}
    told = twins.post("/v1/outcomes", key=key, json=[clicked, early, clicked, {**clicked, "type": "opened"}]).json()
    assert [each["status"] for each in told["results"]] == ["accepted", "parked", "accepted", "rejected"]
    assert twins.post("/v1/outcomes", key=key, json={**clicked, "type": "opened"}).status_code == 409
    assert twins.post("/v1/outcomes", key=key, json=clicked).json()["accepted"] == 1


def test_an_idempotency_key_is_its_api_keys(twins: Twins) -> None:
    """Another body under it is refused; another key may use it for another; once old it is let go of."""
    mine, theirs = twins.key(), twins.key(source="other")
    headers = {"Idempotency-Key": "é" * 255}

    def ask(key: str, message: str) -> int:
        body = {"recipient": {"namespace": "user_id", "value": "ada"}, "message": {"id": message}}
        return twins.post(
            RECOMMENDATIONS, key=key, json=body, headers={k: v.encode("latin-1") for k, v in headers.items()}
        ).status_code

    assert [ask(mine, "a"), ask(mine, "a"), ask(mine, "b"), ask(theirs, "b")] == [200, 200, 422, 200]
    twins.clock.advance(timedelta(days=3))
    twins.each(learn)
    assert ask(mine, "b") == 200


@pytest.mark.parametrize(
    "path", ["/readyz", "/livez", "/openapi.json", "/v1/nothing", "/v1/profiles", "/v1/abandonments"]
)
def test_whoever_shows_no_key_is_told_the_same(twins: Twins, path: str) -> None:
    """Readiness, documents and refusals agree as well."""
    twins.get(path)
    twins.get(path, key="homing_unknown")
