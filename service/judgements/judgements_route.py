"""`/v1/judgements`: people say who belongs together and who never does; each word can be tried out, and undone."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, TypeAdapter
from sqlalchemy.engine import Connection

from identity.judgements import JudgementKind
from service.judgements import judging
from service.judgements.judgement_answers import Teller
from service.judgements.judging import Judged, Saying
from service.keys import Caller, Scope, require
from service.profiles.named import read_identifier
from service.schemas.judgements import JudgedShown, JudgementsShown, LinkGiven, SplitGiven
from service.web.answers import refusals, unstored
from service.web.bodies import described, read_body
from service.web.deployed import homing_of
from service.wiring import Homing

_RESPONSES = refusals(
    Scope.JUDGE,
    {
        400: "The body cannot be read",
        404: "No such judgement is in force",
        409: "It contradicts another judgement",
        422: "A field is missing or wrong, or there is nothing to part",
    },
)
_GIVEN: TypeAdapter[LinkGiven | SplitGiven] = TypeAdapter(
    Annotated[LinkGiven | SplitGiven, Field(discriminator="kind")]
)

router = APIRouter(prefix="/v1/judgements", tags=["judgements"], dependencies=[Depends(unstored)], responses=_RESPONSES)

Judge = Annotated[Caller, Depends(require(Scope.JUDGE))]
DryRun = Annotated[bool, Query(description="Tell what would change, and change nothing")]


@router.post("", openapi_extra=described(_GIVEN))
async def judge(request: Request, caller: Judge, *, dry_run: DryRun = False) -> JudgedShown:
    """Say that identifiers belong together (`must_link`), never do (`cannot_link`), or part some from their profile."""
    homing = homing_of(request)
    given = read_body(await request.body(), _GIVEN)
    saying = _saying(homing, caller, given.reason, dry_run=dry_run)

    def job(conn: Connection) -> Judged:
        if isinstance(given, SplitGiven):
            named = [read_identifier(each.namespace, each.value, homing.rules) for each in given.identifiers]
            return judging.split_off(conn, homing.people, named, saying)
        left, right = (read_identifier(each.namespace, each.value, homing.rules) for each in (given.left, given.right))
        return judging.link(conn, homing.people, JudgementKind(given.kind), (left, right), saying)

    return await _told(homing, caller, job, dry_run=dry_run)


@router.delete("/{judgement_id}")
async def undo(request: Request, caller: Judge, judgement_id: str, *, dry_run: DryRun = False) -> JudgedShown:
    """Let a judgement count no more; what it overruled counts again."""
    homing = homing_of(request)
    saying = _saying(homing, caller, "", dry_run=dry_run)
    return await _told(
        homing, caller, lambda conn: judging.undo(conn, homing.people, judgement_id, saying), dry_run=dry_run
    )


@router.get("")
async def list_judgements(request: Request, caller: Judge) -> JudgementsShown:
    """List the judgements in force, oldest first; values whole with read_pii."""
    homing = homing_of(request)
    found = await homing.writer.run(lambda conn: judging.standing(conn, homing.people))
    teller = _teller(homing, caller)
    return JudgementsShown(judgements=[teller.judgement(each) for each in found])


async def _told(homing: Homing, caller: Caller, job: Callable[[Connection], Judged], *, dry_run: bool) -> JudgedShown:
    return _teller(homing, caller).judged(await homing.writer.run(job), dry_run=dry_run)


def _saying(homing: Homing, caller: Caller, reason: str, *, dry_run: bool) -> Saying:
    return Saying(source=caller.source, now=homing.clock.now(), reason=reason, dry_run=dry_run)


def _teller(homing: Homing, caller: Caller) -> Teller:
    return Teller(homing.people.id_of, pii=caller.may(Scope.READ_PII))
