"""Routes reach the deployment that serves them through their request, and by nothing else."""

from starlette.requests import Request

from service.wiring import Homing


def homing_of(request: Request) -> Homing:
    """Give the deployment that a request came to."""
    homing: Homing = request.app.state.homing
    return homing
