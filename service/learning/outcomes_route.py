"""`POST /v1/outcomes`: what became of messages, each told for itself; 200 says that it is in the log, or why not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter

from channel_selector.outcomes import Outcome
from service import metrics
from service.errors import ApiError
from service.events.ingest import Receipt
from service.keys import Caller, Scope, require
from service.learning.outcomes import Recorded, Report, record_outcomes, report
from service.schemas.outcomes import MOST, OutcomeGiven, OutcomeList, OutcomesTaken, OutcomeTaken
from service.web.answers import refusal, refusals
from service.web.bodies import described, read_as
from service.web.deployed import homing_of
from service.web.payload import inflate, read_json

router = APIRouter(tags=["outcomes"])

_RESPONSES = refusals(
    Scope.OUTCOME,
    {
        400: "The body cannot be read",
        409: "Another outcome was taken under this id (where one is sent by itself)",
        413: "The body is too large, or holds too many outcomes; nothing of it was taken",
        422: "A field is missing or wrong (where one is sent by itself)",
    },
)
_GIVEN = TypeAdapter(OutcomeGiven)
_LIST: TypeAdapter[OutcomeList] = TypeAdapter(OutcomeList)

Verdict = tuple[str, Report] | ApiError
"""An outcome's id and how it is logged, or why it is not."""


@router.post("/v1/outcomes", responses=_RESPONSES, openapi_extra=described(_GIVEN, _LIST))
async def post_outcomes(request: Request, caller: Annotated[Caller, Depends(require(Scope.OUTCOME))]) -> OutcomesTaken:
    """Take what became of messages: one outcome, or a list of up to 2,500, each judged for itself.

    The same one again gives the same answer and changes nothing. In a list the fault of one is told in its place and
    the others are taken; one sent by itself is refused.
    """
    homing = homing_of(request)
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
        given = read_as(raw, _GIVEN)
    except RequestValidationError as error:
        return refusal(error)
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
    if recorded.receipt is Receipt.DROPPED:
        return OutcomeTaken(id=name, status="erased")
    decision = recorded.decision
    if decision is None:
        return OutcomeTaken(id=name, status="parked")
    late = decision.send_at is not None and told.outcome.at - decision.send_at > window
    return OutcomeTaken(id=name, status="late" if late else "accepted")


def _rejected(error: ApiError) -> OutcomeTaken:
    return OutcomeTaken(id=None, status="rejected", code=error.code, message=error.message)
