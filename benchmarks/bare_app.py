"""The least that a FastAPI service can do with a recommendation's body; `python -m benchmarks.bare_app` serves it."""

import sys

import uvicorn
from fastapi import FastAPI, Response

from benchmarks.questions import PATH
from service.schemas.recommendations import RecommendationAsked
from service.serving import address, bind

ANSWER_BYTES = 1_600
"""About what the service answers."""

_ANSWER = b'{"reason": "%s"}' % (b"x" * (ANSWER_BYTES - 14))

app = FastAPI()


@app.post(PATH)
async def recommend(asked: RecommendationAsked) -> Response:  # noqa: ARG001 - reading it is all there is to it
    """Read the body, give the answer."""
    return Response(_ANSWER, media_type="application/json")


def main() -> None:
    """Serve as the service does, at any free port."""
    taken = bind("127.0.0.1", 0)
    sys.stdout.write(f"bare route listens on {address(taken)}\n")
    sys.stdout.flush()
    config = uvicorn.Config(app, access_log=False, log_config=None, server_header=False)
    uvicorn.Server(config).run(sockets=[taken])


if __name__ == "__main__":
    main()
