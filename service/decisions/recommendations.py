"""Where and when a message goes: `/v1/recommendations` and `/v1/decisions`; answered after the decision is logged."""

import json
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection

from service.decisions.questions import Question
from service.decisions.recommendation_answer import recommendation
from service.errors import ApiError
from service.keys import Caller, Scope, authenticate, require, shown_key
from service.schemas.consents import PRINTABLE
from service.schemas.recommendations import BatchAnswers, BatchAsked, BatchList, Recommendation, RecommendationAsked
from service.store import idempotency
from service.store.idempotency import Answer
from service.web import answers
from service.web.answers import JSONAnswer, refusals
from service.web.bodies import described, read_as, read_body
from service.web.deployed import homing_of
from service.web.gathering import QUESTIONS_A_JOB
from service.web.shortcut import Direction
from service.wiring import Homing

router = APIRouter(tags=["recommendations"])

PATH = "/v1/recommendations"
IDEMPOTENCY_KEY = "Idempotency-Key"
NO_STORE = {"Cache-Control": "no-store"}
_RESPONSES = refusals(
    Scope.DECIDE,
    {
        400: "The body cannot be read",
        422: "A field is missing or wrong, or the Idempotency-Key was used with another body",
    },
)
_ASKED = TypeAdapter(RecommendationAsked)
_BATCH: TypeAdapter[BatchAsked | BatchList] = TypeAdapter(BatchAsked | BatchList)
_LISTS = ("channels", "variants", "return")
_MESSAGE = ("kind", "purpose", "cart_id", "cart_value", "currency", "margin")
_PLAIN = ("abandoned_at", "not_before", "deadline", "explore")

MayDecide = Annotated[Caller, Depends(require(Scope.DECIDE))]
IdempotencyKey = Annotated[str | None, Header(alias=IDEMPOTENCY_KEY, min_length=1, max_length=255, pattern=PRINTABLE)]


@router.post(PATH, response_model=Recommendation, responses=_RESPONSES, openapi_extra=described(_ASKED))
async def post_recommendation(request: Request, caller: MayDecide, idempotency_key: IdempotencyKey = None) -> Response:
    """Tell where and when a message goes.

    A message id has one decision for each profile until it expires: asked again, the same option with the same
    propensity comes back, held if it may not be sent any more. People never seen get the population's best channel
    (`fallback`).
    """
    if idempotency_key is None:
        return await recommend(request, caller)
    homing, body = homing_of(request), await request.body()
    question = _question(read_body(body, _ASKED), caller)
    kept = await homing.writer.run(lambda conn: _once(conn, homing, question, caller, key=idempotency_key, body=body))
    return Response(kept, media_type="application/json", headers=NO_STORE)


async def recommend(request: Request, caller: Caller) -> Response:
    """Answer a body without an Idempotency-Key."""
    question = _question(read_body(await request.body(), _ASKED), caller)
    (content,) = await homing_of(request).questions.take([question])
    return JSONAnswer(content, headers=NO_STORE)


async def recommend_directly(request: Request) -> Response:
    """Do what the POST route does, without FastAPI's help (see `shortcut`)."""
    return await recommend(request, await authenticate(homing_of(request).keys, shown_key(request), Scope.DECIDE))


def direction() -> Direction:
    """Give the POST route as it is called directly; Idempotency-Keys are FastAPI's to read."""
    (route,) = (each for each in router.routes if isinstance(each, APIRoute) and each.endpoint is post_recommendation)
    return Direction(route, recommend_directly, unless=IDEMPOTENCY_KEY.lower().encode())


@router.get(PATH, response_model=Recommendation, responses=_RESPONSES)
async def get_recommendation(request: Request, caller: MayDecide) -> Response:
    """Tell the same by query: namespace and value (or profile_id), message_id, and the fields of the body.

    Lists are separated by commas; `features` is a JSON object.
    """
    question = _question(read_as(_from_query(request), _ASKED, "query"), caller)
    (content,) = await homing_of(request).questions.take([question])
    return JSONAnswer(content, headers=NO_STORE)


@router.post(
    "/v1/recommendations:batch", response_model=BatchAnswers, responses=_RESPONSES, openapi_extra=described(_BATCH)
)
async def post_batch(request: Request, caller: MayDecide) -> Response:
    """Tell it for up to 1,000 messages, given as a list or as `requests`: judged in order, each as if asked alone."""
    homing = homing_of(request)
    asked = read_body(await request.body(), _BATCH)
    read = [_question_or_refusal(e, caller) for e in (asked.requests if isinstance(asked, BatchAsked) else asked)]
    results: list[dict[str, Any]] = []
    for start in range(0, len(read), QUESTIONS_A_JOB):
        part = read[start : start + QUESTIONS_A_JOB]
        results += await homing.writer.run(partial(_results, homing=homing, part=part))
    return JSONAnswer({"results": results}, headers=NO_STORE)


@router.get(
    "/v1/decisions/{decision_id}",
    response_model=Recommendation,
    responses=refusals(Scope.DECIDE, {404: "No decision of that id"}),
)
async def get_decision(request: Request, decision_id: str, caller: MayDecide) -> Response:
    """Tell how a decision stands now: `action` may have tightened since."""
    homing = homing_of(request)
    now = homing.clock.now()
    ruling = await homing.writer.run(lambda conn: homing.decider.today(conn, decision_id, now))
    if ruling is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", "there is no decision of that id")
    content = recommendation(ruling, now, may_address=caller.may(Scope.ADDRESS))
    return JSONAnswer(content, headers=NO_STORE)


def _question(asked: RecommendationAsked, caller: Caller) -> Question:
    return Question(ask=asked.ask(), returned=asked.returned, may_address=caller.may(Scope.ADDRESS))


def _once(conn: Connection, homing: Homing, question: Question, caller: Caller, *, key: str, body: bytes) -> bytes:
    """Decide unless that key was answered before; ApiError 422 if it was used with another body."""
    digest = blake2b(body, digest_size=16).digest()
    known = idempotency.find(conn, caller.key_id, key)
    if known is not None:
        if known.digest != digest:
            message = "the Idempotency-Key was used with another body"
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_conflict", message)
        return _tightened(conn, homing, question, known.body)
    (told,) = homing.desk.answer(conn, [question])
    content = orjson.dumps(told)
    answer = Answer(digest=digest, status=HTTPStatus.OK, body=content, decision_id=told["decision_id"])
    idempotency.keep(conn, caller.key_id, key, answer, homing.clock.now())
    return content


def _tightened(conn: Connection, homing: Homing, question: Question, answered: bytes) -> bytes:
    """Give what was answered before, to the byte, unless it may not be sent any more."""
    now = homing.clock.now()
    before = orjson.loads(answered)
    ruling = homing.decider.today(conn, before["decision_id"], now)
    if ruling is None:
        return answered
    content = recommendation(ruling, now, returned=question.returned, may_address=question.may_address)
    return answered if content["action"] == before["action"] else orjson.dumps(content)


def _results(conn: Connection, homing: Homing, part: Sequence[Question | ApiError]) -> list[dict[str, Any]]:
    answered = iter(homing.desk.answer(conn, [each for each in part if isinstance(each, Question)]))
    return [
        {"status": HTTPStatus.OK, "body": next(answered)}
        if isinstance(each, Question)
        else {"status": each.status, "body": answers.content(each)}
        for each in part
    ]


def _question_or_refusal(given: Any, caller: Caller) -> Question | ApiError:
    try:
        return _question(read_as(given, _ASKED), caller)
    except RequestValidationError as error:
        return answers.refusal(error)


def _from_query(request: Request) -> dict[str, Any]:
    """Shape a query like the body."""
    query = request.query_params
    unknown = set(query) - {"namespace", "value", "profile_id", "message_id", "features", *_LISTS, *_MESSAGE, *_PLAIN}
    shaped: dict[str, Any] = {name: query[name] for name in _PLAIN if name in query}
    shaped |= {name: [each for each in query[name].split(",") if each] for name in _LISTS if name in query}
    shaped |= {name: query[name] for name in unknown}
    if "features" in query:
        shaped["features"] = _json(query["features"])
    shaped["message"] = {name: query[name] for name in _MESSAGE if name in query} | {"id": query.get("message_id", "")}
    if "profile_id" in query:
        shaped["recipient"] = {"profile_id": query["profile_id"]}
    else:
        shaped["recipient"] = {name: query.get(name, "") for name in ("namespace", "value")}
    return shaped


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
