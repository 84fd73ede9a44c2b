"""How what the service is compared with over HTTP is served: as the service is, at any free port, without its log."""

import sys

import uvicorn
from starlette.types import ASGIApp

from service.web.serving import address, bind


def serve(app: ASGIApp, name: str) -> None:
    """Say where it listens, and serve until SIGTERM."""
    taken = bind("127.0.0.1", 0)
    sys.stdout.write(f"{name} listens on {address(taken)}\n")
    sys.stdout.flush()
    config = uvicorn.Config(app, access_log=False, log_config=None, server_header=False)
    uvicorn.Server(config).run(sockets=[taken])
