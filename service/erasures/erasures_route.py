"""`/v1/erasures`: somebody is erased, for good; and a profile's export, which holds what an erasure would destroy."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection

from service.erasures import erasing, erasure_answers
from service.erasures.erasing import Erased, Erasing
from service.erasures.exporting import Export, export
from service.errors import ApiError
from service.keys import Caller, Scope, require
from service.profiles.named import read_identifier
from service.schemas.erasures import ErasureGiven, ErasureShown
from service.web.answers import JSONAnswer, refusals, unstored
from service.web.bodies import described, read_body
from service.web.deployed import homing_of
from service.wiring import Homing

_GIVEN = TypeAdapter(ErasureGiven)
_ERASE = {400: "The body cannot be read", 422: "A field is missing or wrong, or there is nobody to erase"}

router = APIRouter(tags=["erasures"], dependencies=[Depends(unstored)])

Eraser = Annotated[Caller, Depends(require(Scope.ERASE))]


@router.post("/v1/erasures", responses=refusals(Scope.ERASE, _ERASE), openapi_extra=described(_GIVEN))
async def erase(request: Request, caller: Eraser) -> ErasureShown:
    """Erase everybody who holds one of these identifiers: profile, events, decisions, outcomes, answers.

    Answered once all that is destroyed; should that be cut off, it goes on at the next start. Other people's profiles
    stay, and the person's devices begin anew. `dry_run` tells what would go.
    """
    homing = homing_of(request)
    given = read_body(await request.body(), _GIVEN)
    named = frozenset(read_identifier(each.namespace, each.value, homing.rules) for each in given.identifiers)
    now = homing.clock.now()
    if given.dry_run:
        plan = await homing.writer.run(lambda conn: erasing.cover(conn, homing, named, now))
        return erasure_answers.planned(plan, now, homing.database)
    name, plan = await erasing.erase_now(homing, Erasing(given=named, source=caller.source, now=now))
    return erasure_answers.told(await _stands(homing, name), homing.database, plan)


@router.get("/v1/erasures/{erasure_id}", responses=refusals(Scope.ERASE, {404: "No erasure of that id"}))
async def get_erasure(request: Request, erasure_id: str, caller: Eraser) -> ErasureShown:  # noqa: ARG001 - lets in
    """Tell how far an erasure has come, and how much it has kept out since."""
    homing = homing_of(request)
    return erasure_answers.told(await _stands(homing, erasure_id), homing.database)


@router.get(
    "/v1/profiles/{profile_id}/export",
    response_model=Export,
    responses=refusals(Scope.ERASE, {404: "No such profile"}),
)
async def get_export(request: Request, profile_id: str, caller: Eraser) -> Response:  # noqa: ARG001 - lets in
    """Give all that is kept of a person, whole: what an erasure would destroy."""
    homing = homing_of(request)

    def job(conn: Connection) -> Export:
        return export(conn, homing, lambda who: who.view(profile_id), homing.clock.now())

    found = await homing.writer.run(job)
    return JSONAnswer(found.model_dump(by_alias=True))


async def _stands(homing: Homing, name: str) -> Erased:
    found = await homing.writer.run(lambda conn: erasing.stands(conn, name))
    if found is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "unknown_erasure", "there is no erasure of that id")
    return found
