"""`GET /v1/abandonments`: carts left behind and not bought on any device, a page at a time."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from service.carts.abandonment_answer import shown
from service.carts.abandonments import abandoned, place_of
from service.keys import Caller, Scope, require
from service.schemas.abandonments import AbandonmentsShown
from service.schemas.consents import Moment
from service.web.answers import refusals
from service.web.deployed import homing_of
from service.web.pages import LIMIT, MOST, page, read_cursor

router = APIRouter(tags=["carts"])


@router.get("/v1/abandonments", responses=refusals(Scope.READ, {422: "A parameter is wrong"}))
async def get_abandonments(
    request: Request,
    response: Response,
    *,
    caller: Annotated[Caller, Depends(require(Scope.READ))],
    since: Annotated[
        Moment | None, Query(description="Abandoned then or later; left out: those that can still be recovered")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many at most")] = LIMIT,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
) -> AbandonmentsShown:
    """List carts left behind and not bought on any device, the one left last first.

    A cart is its person's whatever device it was filled on, and an order on any of them ends it. One that its owner
    came back to is not listed until it is left again.
    """
    homing = homing_of(request)
    response.headers["Cache-Control"] = "no-store"
    after = None if cursor is None else read_cursor(cursor)
    carts = await abandoned(homing, since, homing.clock.now(), after=after, most=limit + 1)
    listed = page(carts, place_of, cursor, limit)
    pii = caller.may(Scope.READ_PII)
    return AbandonmentsShown(
        abandonments=[shown(each, pii=pii) for each in listed.entries], next_cursor=listed.next_cursor
    )
