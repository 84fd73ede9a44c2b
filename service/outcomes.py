"""`POST /v1/outcomes`: what became of a decision's message is logged once; 200 says that it is in the log.

An outcome may come before its decision: it is folded all the same, and counts once the decision is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from channel_selector.outcomes import Outcome
from service import metrics
from service.answers import refusal
from service.errors import ApiError
from service.ingest import Receipt
from service.keys import Caller, Scope, require
from service.payload import inflate, read_json
from service.schemas.outcomes import OutcomeGiven, OutcomesTaken, OutcomeTaken
from service.store import decisions
from service.store.decisions import DecisionRow, Entry, EntryKind, LoggedEntry, OutcomeRow
from service.store.times import to_micros
from service.wiring import Homing

MOST = 2_500
"""So many outcomes may come in one request."""

router = APIRouter(tags=["outcomes"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An outcome of a decision as somebody tells it; `key` makes a second telling known as one."""

    decision_id: str
    outcome: Outcome
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a report, and the decision it is about (None: not known yet)."""

    receipt: Receipt
    decision: DecisionRow | None


def report(decision_id: str, outcome: Outcome, source: str, *, dated: bool = True) -> Report:
    """Name an outcome: by its id, which is `source`'s own; else by decision, kind and, if `dated`, moment.

    Whoever gives neither id nor moment tells the same outcome each time: of a kind only the first counts anyway.
    """
    if outcome.id is not None:
        name: list[Any] = [source, outcome.id]
    else:
        name = [decision_id, outcome.kind.value, to_micros(outcome.at) if dated else None]
    return Report(decision_id=decision_id, outcome=outcome, key=f"outcome:{orjson.dumps(name).decode()}")


def record_outcomes(conn: Connection, reports: Sequence[Report], now: datetime) -> list[Recorded]:
    """Log and fold outcomes; give what became of each, in order.

    One whose key is known changes nothing: a duplicate if it tells the same kind of the same decision, else a conflict.
    """
    rows = decisions.by_ids(conn, [each.decision_id for each in reports])
    known = {key: _told(logged.entry) for key, logged in decisions.by_keys(conn, [r.key for r in reports]).items()}
    recorded: list[Recorded] = []
    for each in reports:
        told = (each.decision_id, each.outcome.kind.value)
        if each.key not in known:
            known[each.key] = told
            _append(conn, each, now)
            receipt = Receipt.ACCEPTED
        else:
            receipt = Receipt.DUPLICATE if known[each.key] == told else Receipt.CONFLICT
        recorded.append(Recorded(receipt=receipt, decision=rows.get(each.decision_id)))
    return recorded


def fold_outcome(conn: Connection, logged: LoggedEntry) -> None:
    """Fold an entry of the log into the outcomes that are looked up."""
    decision_id, kind = _told(logged.entry)
    decisions.put_outcome(conn, OutcomeRow(seq=logged.seq, decision_id=decision_id, kind=kind, at=logged.entry.at))


def _append(conn: Connection, told: Report, now: datetime) -> None:
    entry = Entry(
        kind=EntryKind.OUTCOME,
        decision_id=told.decision_id,
        key=told.key,
        at=told.outcome.at,
        received_at=now,
        body=orjson.dumps(told.outcome.to_json(), option=orjson.OPT_SORT_KEYS),
    )
    seq = decisions.append(conn, entry)
    if seq is not None:
        fold_outcome(conn, LoggedEntry(seq=seq, entry=entry))


def _told(entry: Entry) -> tuple[str, str]:
    """Read which decision an entry is about, and what it tells of it."""
    return entry.decision_id or "", orjson.loads(entry.body)["kind"]


# --- over HTTP ------------------------------------------------------------------------------------------------------

_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body cannot be read"},
    401: {"description": "No live key"},
    403: {"description": "The key lacks the scope outcome"},
    409: {"description": "Another outcome was taken under this id (where one is sent by itself)"},
    413: {"description": "The body is too large, or holds too many outcomes; nothing of it was taken"},
    422: {"description": "A field is missing or wrong (where one is sent by itself)"},
}
_GIVEN = OutcomeGiven.model_json_schema(ref_template="#/components/schemas/{model}")
_KINDS = _GIVEN.pop("$defs")["OutcomeKind"]
_GIVEN["properties"]["type"] = {**_KINDS, "description": "What happened", "examples": ["clicked"]}
_BODY = {"anyOf": [_GIVEN, {"type": "array", "maxItems": MOST, "items": _GIVEN}]}

Verdict = tuple[str, Report] | ApiError
"""An outcome's id and how it is logged, or why it is not."""


@router.post(
    "/v1/outcomes",
    responses=_RESPONSES,
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}},
)
async def post_outcomes(request: Request, caller: Annotated[Caller, Depends(require(Scope.OUTCOME))]) -> OutcomesTaken:
    """Take what became of messages: one outcome, or a list of up to 2,500, each judged for itself.

    The same one again gives the same answer and changes nothing. In a list the fault of one is told in its place and
    the others are taken; one sent by itself is refused.
    """
    homing: Homing = request.app.state.homing
    content = read_json(inflate(await request.body()))
    given = content if isinstance(content, list) else [content]
    if len(given) > MOST:
        message = f"a list may be of {MOST:,} outcomes at most"
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_many_outcomes", message)
    now = homing.clock.now()
    verdicts = [_judge(each, caller, now) for each in given]
    reports = [verdict[1] for verdict in verdicts if not isinstance(verdict, ApiError)]
    recorded = await homing.writer.run(lambda conn: record_outcomes(conn, reports, now)) if reports else []
    results = _results(verdicts, recorded, reports, homing.settings.attribution_window)
    metrics.count_outcomes(each.code if isinstance(each, ApiError) else each.status for each in results)
    if not isinstance(content, list) and isinstance(results[0], ApiError):
        raise results[0]
    shown = [_rejected(each) if isinstance(each, ApiError) else each for each in results]
    return OutcomesTaken(accepted=sum(each.status != "rejected" for each in shown), results=shown)


def _judge(raw: object, caller: Caller, now: datetime) -> Verdict:
    """Read one outcome as it was sent."""
    try:
        given = OutcomeGiven.model_validate(raw)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
        return refusal(RequestValidationError(faults))
    outcome = Outcome(
        kind=given.type,
        at=now if given.at is None else given.at,
        value=0.0 if given.value is None else given.value,
        id=given.id,
    )
    told = report(given.decision_id, outcome, caller.source, dated=given.at is not None)
    made_up = blake2b(told.key.encode(), digest_size=16).hexdigest()
    return (made_up if given.id is None else given.id), _clamped(told, now)


def _clamped(told: Report, now: datetime) -> Report:
    """Date what a fast clock puts into the future at its receipt; its key stays, for a second telling to be known."""
    if told.outcome.at <= now:
        return told
    outcome = Outcome(kind=told.outcome.kind, at=now, value=told.outcome.value, id=told.outcome.id)
    return Report(decision_id=told.decision_id, outcome=outcome, key=told.key)


def _results(
    verdicts: Sequence[Verdict], recorded: Sequence[Recorded], reports: Sequence[Report], window: timedelta
) -> list[OutcomeTaken | ApiError]:
    """Put what was recorded, which is in the order of the reports, among the refusals."""
    given = iter(zip(recorded, reports, strict=True))
    return [
        verdict if isinstance(verdict, ApiError) else _result(verdict[0], *next(given), window) for verdict in verdicts
    ]


def _result(name: str, recorded: Recorded, told: Report, window: timedelta) -> OutcomeTaken | ApiError:
    if recorded.receipt is Receipt.CONFLICT:
        message = "another outcome was taken under this id; an outcome never changes"
        return ApiError(HTTPStatus.CONFLICT, "outcome_id_conflict", message)
    decision = recorded.decision
    if decision is None:
        return OutcomeTaken(id=name, status="parked")
    late = decision.send_at is not None and told.outcome.at - decision.send_at > window
    return OutcomeTaken(id=name, status="late" if late else "accepted")


def _rejected(error: ApiError) -> OutcomeTaken:
    return OutcomeTaken(id=None, status="rejected", code=error.code, message=error.message)
