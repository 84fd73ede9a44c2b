"""`GET /v1/changes`: which profiles merged, split or ended, in order, for whoever keeps profile ids of ours."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from service.keys import Scope, require
from service.profiles.change_answers import feed
from service.schemas.changes import ChangesShown
from service.web.answers import refusals, unstored
from service.web.deployed import homing_of
from service.web.pages import LIMIT, MOST

router = APIRouter(tags=["profiles"], dependencies=[Depends(require(Scope.READ)), Depends(unstored)])


@router.get("/v1/changes", responses=refusals(Scope.READ, {422: "A parameter is wrong"}))
async def get_changes(
    request: Request,
    after: Annotated[
        str | None, Query(description="`after` of the answer before; left out: from the beginning")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many at most")] = LIMIT,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before; the same as `after`")] = None,
) -> ChangesShown:
    """List what happened to profiles since, the earliest first; nothing is ever put in behind what was shown.

    Ask again with the last answer's `after` to follow along; none is left out, and none comes twice. The same on every
    replica, and after the folds were made again. An erasure leaves standing what was told before it: ids alone.
    """
    homing = homing_of(request)
    start = after if cursor is None else cursor
    return await homing.writer.run(lambda conn: feed(conn, start, limit))
