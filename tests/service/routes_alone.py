"""Some routers over a deployment, answered as in the whole app."""

from fastapi import APIRouter, FastAPI

from service import answers
from service.answers import JSONAnswer
from service.wiring import Homing


def app_of(homing: Homing, *routers: APIRouter) -> FastAPI:
    """Make an app of these routers alone."""
    app = FastAPI(default_response_class=JSONAnswer)
    for router in routers:
        app.include_router(router)
    answers.install(app)
    app.state.homing = homing
    return app
