"""The server stops without losing anything: red first, then no new requests, the open ones answered, the store flushed.

A worker is one such process (see `workers`); on SQLite there is one, for it has one writer.
"""

import asyncio
import errno
import logging.config
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn

from service.app import create_app
from service.errors import AddressError
from service.store import checkpoints, faults
from service.web.garbage import look_at_the_young
from service.wiring import Homing

log = logging.getLogger("homing.serving")

ANSWER_SECONDS = 8
"""How long open requests have to be answered once the service stops: two of ten seconds are left for the store."""

AT_ONCE_SECONDS = 1.0
"""Signals that come together are one: a worker hears of its own from the terminal, or from systemd, and its parent."""

_BACKLOG = 2_048


def bind(host: str, port: int) -> socket.socket:
    """Take the address to serve on (port 0: any free one); AddressError tells why it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise AddressError(_why(host, port, error)) from error


def address(taken: socket.socket) -> str:
    """Give the URL of an address taken."""
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(homing: Homing, taken: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, stop gracefully and close `homing`; `announce` gets the URL once it answers."""
    _log(access=homing.settings.access_log)
    if faults.asked:
        log.warning("%s is set: this process kills itself at that point", faults.VARIABLE)
    config = uvicorn.Config(
        create_app(homing),
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=ANSWER_SECONDS,
        server_header=False,
    )
    look_at_the_young()
    try:
        with checkpoints.kept_beside(homing.writer, homing.database):
            _Server(config, homing, announce).run(sockets=[taken])
    finally:
        homing.close()


class _Server(uvicorn.Server):
    """uvicorn's server; a first signal begins the end, a second one makes it short."""

    def __init__(self, config: uvicorn.Config, homing: Homing, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._homing = homing
        self._announce = announce
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, then say so."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        for taken in sockets or ():
            self._announce(address(taken))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Turn red and stop after the drain; unlike uvicorn's own, end with exit code 0, not with the signal."""
        self._homing.readiness.stop()
        if self._told_at is not None and time.monotonic() - self._told_at < AT_ONCE_SECONDS:
            return
        drain = self._homing.settings.drain.total_seconds()
        if self._told_at is not None:
            self.should_exit = True
            self.force_exit = sig == signal.SIGINT
        elif self._loop is None or drain == 0.0:
            self.should_exit = True
        else:
            self._loop.call_soon_threadsafe(self._loop.call_later, drain, self._exit)
        self._told_at = time.monotonic()

    def _exit(self) -> None:
        self.should_exit = True


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program; give another with --port (0: any free one)"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} is not allowed for this user; give one from 1024 up with --port"
    return f"{host}:{port} cannot be served on ({error.strerror}); give an address of this machine with --host"


def _log(*, access: bool) -> None:
    level = "INFO" if access else "WARNING"
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "loggers": {
                "homing": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
                "homing.access": {"level": level},
                "uvicorn": {"level": "WARNING", "handlers": ["stderr"], "propagate": False},
            },
        }
    )
