"""Outcomes over HTTP: each judged for itself, logged once, the same answer as often as it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channel_selector.outcomes import Outcome, OutcomeKind
from service.clock import FixedClock
from service.events.ingest import Receipt
from service.keys import Scope
from service.learning.outcomes import record_outcomes, report
from service.schemas.outcomes import MOST
from service.store import decisions
from service.store.decisions import DecisionRow, EntryKind, LoggedEntry, OutcomeRow
from service.wiring import Homing
from tests.service.harness import NOON, Api

CLICKED = {"decision_id": "d1", "type": "clicked", "at": "2026-11-16T11:00:00Z"}
EACH_KIND = ["sent", "not_sent", "delivered", "opened", "clicked", "converted", "unsubscribed", "bounced", "complained"]


def decide(homing: Homing, decision_id: str = "d1", send_at: datetime | None = NOON - timedelta(hours=2)) -> None:
    """Put a decision into the store."""
    row = DecisionRow(
        decision_id=decision_id,
        seq=0,
        profile_id="p1",
        message_id="m1",
        endpoint_id="e1",
        send_at=send_at,
        expires_at=NOON,
    )
    homing.writer.submit(lambda conn: decisions.put_decision(conn, row)).result(10)


def post(api: Api, body: object, *scopes: Scope) -> httpx.Response:
    """Send a body, as JSON unless it is bytes."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return api.post("/v1/outcomes", key=api.key(*(scopes or (Scope.OUTCOME,))), content=content)


def taken(api: Api, body: object) -> Any:
    """Give what a body is answered with, which must be 200."""
    answer = post(api, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def log(homing: Homing) -> list[LoggedEntry]:
    """Read the outcomes in the decision log."""

    def job(conn: Any) -> list[LoggedEntry]:
        return [logged for logged in decisions.scan(conn) if logged.entry.kind is EntryKind.OUTCOME]

    return homing.writer.submit(job).result(10)


def folded(homing: Homing, decision_id: str = "d1") -> list[OutcomeRow]:
    """Read what is known of a decision."""
    return homing.writer.submit(lambda conn: decisions.outcomes_of(conn, [decision_id])).result(10)


@pytest.mark.parametrize("kind", EACH_KIND)
def test_every_kind_is_logged_and_folded(api: Api, kind: str) -> None:
    """The log holds what was told, the fold what it is found by."""
    decide(api.homing)
    given_ = {"decision_id": "d1", "type": kind, "at": "2026-11-16T20:30:00+09:00", "value": 129000, "id": "x1"}
    assert taken(api, given_) == {
        "accepted": 1,
        "results": [{"id": "x1", "status": "accepted", "code": None, "message": None}],
    }
    (logged,) = log(api.homing)
    moment = datetime(2026, 11, 16, 11, 30, tzinfo=UTC)
    assert Outcome.from_json(orjson.loads(logged.entry.body)) == Outcome(
        kind=OutcomeKind(kind), at=moment, value=129000.0, id="x1"
    )
    assert (logged.entry.at, logged.entry.received_at, logged.entry.decision_id) == (moment, NOON, "d1")
    assert folded(api.homing) == [OutcomeRow(seq=logged.seq, decision_id="d1", kind=kind, at=moment)]


@pytest.mark.parametrize(
    "told",
    [CLICKED, {**CLICKED, "id": "x1"}, {"decision_id": "d1", "type": "clicked"}, {**CLICKED, "at": None, "id": "x"}],
)
def test_the_same_again_gives_the_same_answer_and_changes_nothing(
    api: Api, clock: FixedClock, told: dict[str, Any]
) -> None:
    """Also later, and also where neither id nor moment was told."""
    decide(api.homing)
    first = taken(api, told)
    clock.advance(timedelta(hours=3))
    assert taken(api, told) == first
    assert taken(api, [told, told]) == {"accepted": 2, "results": first["results"] * 2}
    assert len(log(api.homing)) == len(folded(api.homing)) == 1


def test_different_outcomes_stay_apart(api: Api) -> None:
    """Another decision, kind or moment is another outcome; and an id is its source's own."""
    told: list[dict[str, Any]] = [
        CLICKED,
        {**CLICKED, "decision_id": "d2"},
        {**CLICKED, "type": "opened"},
        {**CLICKED, "at": "2026-11-16T11:00:00.000001Z"},
        {**CLICKED, "id": "x"},
    ]
    results = taken(api, told)["results"]
    assert len({each["id"] for each in results}) == len(told) == len(log(api.homing))
    other = api.key(Scope.OUTCOME, source="another")
    assert api.post("/v1/outcomes", key=other, json={**told[-1], "type": "opened"}).status_code == 200
    assert len(log(api.homing)) == len(told) + 1


def test_an_id_is_never_given_to_another_outcome(api: Api) -> None:
    """By itself 409, in a list told in its place; the first one stays as it was."""
    taken(api, {**CLICKED, "id": "x1"})
    other = {**CLICKED, "id": "x1", "type": "opened"}
    refused = post(api, other)
    assert (refused.status_code, refused.json()["code"]) == (409, "outcome_id_conflict")
    answer = taken(api, [other, {**CLICKED, "decision_id": "d2"}])
    assert [each["status"] for each in answer["results"]] == ["rejected", "parked"]
    assert answer["accepted"] == 1
    assert answer["results"][0]["code"] == "outcome_id_conflict"
    assert [row.kind for row in folded(api.homing)] == ["clicked"]


def test_an_outcome_before_its_decision_is_parked_until_it_comes(api: Api) -> None:
    """It is in the log and the fold already; asked again once the decision is there, it counts."""
    assert taken(api, CLICKED)["results"][0]["status"] == "parked"
    decide(api.homing)
    assert taken(api, CLICKED)["results"][0]["status"] == "accepted"
    assert [row.kind for row in folded(api.homing)] == ["clicked"]


def test_an_outcome_after_the_window_is_late_and_logged(api: Api, clock: FixedClock) -> None:
    """The window's end still counts; a decision that sends nothing has no window."""
    send_at = NOON - timedelta(days=8)
    decide(api.homing, send_at=send_at)
    decide(api.homing, "d2", send_at=None)
    told = [
        {**CLICKED, "at": (send_at + timedelta(days=7)).isoformat()},
        {**CLICKED, "at": (send_at + timedelta(days=7, microseconds=1)).isoformat()},
        {**CLICKED, "decision_id": "d2"},
    ]
    answer = taken(api, told)
    assert [each["status"] for each in answer["results"]] == ["accepted", "late", "accepted"]
    assert answer["accepted"] == len(log(api.homing)) == 3


def test_the_future_is_now(api: Api, clock: FixedClock) -> None:
    """A fast clock's moment counts as the receipt, and telling it again is still the same."""
    told = {**CLICKED, "at": "2030-01-01T00:00:00Z"}
    taken(api, told)
    clock.advance(timedelta(minutes=1))
    taken(api, told)
    assert [row.at for row in folded(api.homing)] == [NOON]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "exploded"}, "type"),
        ({"type": None}, "type"),
        ({"decision_id": ""}, "decision_id"),
        ({"decision_id": 7}, "decision_id"),
        ({"decision_id": "a\0b"}, "decision_id"),
        ({"decision_id": "x" * 256}, "decision_id"),
        ({"at": "yesterday"}, "at"),
        ({"at": True}, "at"),
        ({"value": -1}, "value"),
        ({"value": "12"}, "value"),
        ({"value": True}, "value"),
        ({"value": 2e15}, "value"),
        ({"id": ""}, "id"),
        ({"id": "\n"}, "id"),
        ({"when": "2026-11-16T11:00:00Z"}, "body"),
    ],
)
def test_a_wrong_field_is_named(api: Api, change: dict[str, Any], field: str) -> None:
    """By itself 422 naming the field; in a list in its place, and the others are taken."""
    wrong = {**CLICKED, **change}
    refused = post(api, wrong)
    assert refused.status_code == 422
    assert refused.json()["code"] == "invalid_request"
    assert refused.json()["details"][0]["field"] == field
    answer = taken(api, [CLICKED, wrong, "nonsense"])
    assert [each["status"] for each in answer["results"]] == ["parked", "rejected", "rejected"]
    assert answer["results"][1]["message"].startswith(f"{field}: ")
    assert len(log(api.homing)) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'"text"', 422),
        (b"null", 422),
        (b"7", 422),
        (b'{"decision_id":"d1","type":"clicked","value":NaN}', 422),
        (b'{"decision_id":"d1","type":"clicked","value":1e400}', 422),
        (b'{"decision_id":"d1","type":"clicked","value":9223372036854775808}', 422),
        (b'{"decision_id":"\\ud800","type":"clicked"}', 422),
    ],
)
def test_bad_bodies_are_answered(api: Api, body: bytes, status: int) -> None:
    """What cannot be read is 400, what is no outcome 422; never a 500, and nothing is logged."""
    answer = post(api, body)
    assert answer.status_code == status, answer.text
    assert {"code", "message"} <= set(answer.json())
    assert log(api.homing) == []


def test_a_list_is_bounded_and_may_be_empty(api: Api) -> None:
    """2,500 are taken, one more is 413, none is nothing."""
    assert taken(api, []) == {"accepted": 0, "results": []}
    many = [{**CLICKED, "id": f"x{number}"} for number in range(MOST + 1)]
    assert post(api, many).status_code == 413
    assert log(api.homing) == []
    assert taken(api, many[:MOST])["accepted"] == MOST


def test_the_scope_is_asked_for(api: Api) -> None:
    """No key is 401, another scope 403."""
    assert api.post("/v1/outcomes", json=CLICKED).status_code == 401
    assert post(api, CLICKED, Scope.READ, Scope.DECIDE).status_code == 403


def test_the_document_tells_the_body(api: Api) -> None:
    """One outcome or a list of them, with every field and kind."""
    document = api.get("/openapi.json").json()
    operation = document["paths"]["/v1/outcomes"]["post"]
    one, many = operation["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert one == many["items"] == {"$ref": "#/components/schemas/OutcomeGiven"}
    records = document["components"]["schemas"]
    assert set(records["OutcomeGiven"]["properties"]) == {"decision_id", "type", "at", "value", "id"}
    assert records["OutcomeKind"]["enum"] == EACH_KIND


class TestRecording:
    """The job itself."""

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["sent", "clicked"]), st.integers(0, 3)), max_size=9)
    )
    def test_any_repetition_is_told_apart(self, homing: Homing, told: list[tuple[str, str, int]]) -> None:
        """Accepted exactly once each, however they are dealt into calls."""
        stamp = f"{len(log(homing))}-"
        reports = [
            report(stamp + decision, Outcome(kind=OutcomeKind(kind), at=NOON + timedelta(hours=at)), "s")
            for decision, kind, at in told
        ]

        def job(conn: Any) -> list[Receipt]:
            first = record_outcomes(conn, reports[::2], NOON)
            second = record_outcomes(conn, reports[1::2], NOON)
            return [recorded.receipt for recorded in (*first, *second)]

        receipts = homing.writer.submit(job).result(10)
        assert receipts.count(Receipt.ACCEPTED) == len(set(told))
        assert set(receipts) <= {Receipt.ACCEPTED, Receipt.DUPLICATE}
