"""What those who run the service ask of it: does it live, is it ready, what has it counted. No key is needed."""

from fastapi import APIRouter, Request, Response

from service import metrics
from service.web.answers import JSONAnswer
from service.web.deployed import homing_of
from service.wiring import Homing

router = APIRouter(tags=["operations"])


@router.get("/livez", summary="Whether the process lives")
async def livez() -> Response:
    """Answer, and touch nothing: a process that cannot is to be restarted."""
    return JSONAnswer({"status": "live"})


@router.get("/readyz", summary="Whether requests can be served", responses={503: {"description": "Not now."}})
async def readyz(request: Request) -> Response:
    """Answer 200 once store, schema and a real write are proven; 503 with Retry-After before, and while stopping.

    `rules` tells how far the folds under other rules are, 0 to 1, while the former rules still answer.
    """
    homing = homing_of(request)
    await homing.readiness.prove()
    coming = homing.rules_to_come.last
    told = {} if coming is None else {"rules": {"resolved": round(coming.share, 4)}}
    return JSONAnswer({"status": "ready", **told})


@router.get("/metrics", summary="Counters and timings, for Prometheus")
async def read_metrics(request: Request) -> Response:
    """Give what was counted; labels hold routes and words of the domain, never identifiers."""
    homing = homing_of(request)
    return Response(_exposition(homing), media_type=metrics.CONTENT_TYPE)


def _exposition(homing: Homing) -> bytes:
    coming = homing.rules_to_come.last
    return metrics.exposition(waiting=homing.writer.depth, refolded=1.0 if coming is None else coming.share)
