"""The least that a FastAPI service can do with a recommendation's body; `python -m benchmarks.bare_app` serves it."""

from fastapi import FastAPI, Response

from benchmarks.bare import serve
from benchmarks.questions import PATH
from service.schemas.recommendations import RecommendationAsked

ANSWER_BYTES = 1_600
"""About what the service answers."""

_ANSWER = b'{"reason": "%s"}' % (b"x" * (ANSWER_BYTES - 14))

app = FastAPI()


@app.post(PATH)
async def recommend(asked: RecommendationAsked) -> Response:  # noqa: ARG001 - reading it is all there is to it
    """Read the body, give the answer."""
    return Response(_ANSWER, media_type="application/json")


if __name__ == "__main__":
    serve(app, "bare route")
