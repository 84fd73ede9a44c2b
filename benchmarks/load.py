"""A client that costs little, since it shares the machine with the server: ready bytes out, answers counted in.

It speaks what HTTP/1.1 it needs: keep-alive, and answers that say their length.
"""

import asyncio
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 "
_END = b"\r\n\r\n"


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came of some requests: the seconds from the first to the last, each one's wait, and each answer's body."""

    seconds: float
    waits: list[float]
    bodies: list[bytes]


class RequestRefused(Exception):  # noqa: N818 - what happened
    """An answer was not 200, or the server hung up."""


def post(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Write a request as it goes over the wire."""
    lines = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    head = "\r\n".join([f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())])
    return head.encode() + _END + body


def get(path: str, headers: Mapping[str, str]) -> bytes:
    """Write a request without a body."""
    head = "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *(f"{n}: {v}" for n, v in headers.items())])
    return head.encode() + _END


def send(address: Address, requests: Sequence[bytes], connections: int) -> Load:
    """Send the requests in order over so many connections, each waiting for its answer before its next request."""
    return uvloop.run(_send(address, requests, connections))


def offer(address: Address, requests: Sequence[bytes], moments: Sequence[float], connections: int) -> Load:
    """Send each request at its moment, in seconds from the start, whether or not others have been answered.

    Waits count from the moment on, so that having to wait for one of the connections is part of them.
    """
    return uvloop.run(_offer(address, requests, moments, connections))


async def _offer(address: Address, requests: Sequence[bytes], moments: Sequence[float], connections: int) -> Load:
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(_Line, *address) for _ in range(connections)]
    free: asyncio.Queue[_Line] = asyncio.Queue()
    for _, line in opened:
        free.put_nowait(line)
    started = time.perf_counter()

    async def ask(request: bytes, moment: float) -> tuple[float, bytes]:
        await asyncio.sleep(started + moment - time.perf_counter())
        line = await free.get()
        body = await line.ask(request)
        free.put_nowait(line)
        return time.perf_counter() - started - moment, body

    try:
        asked = await asyncio.gather(*map(ask, requests, moments))
        seconds = time.perf_counter() - started
    finally:
        for transport, _ in opened:
            transport.close()
    return Load(seconds=seconds, waits=[wait for wait, _ in asked], bodies=[body for _, body in asked])


async def _send(address: Address, requests: Sequence[bytes], connections: int) -> Load:
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(_Line, *address) for _ in range(connections)]
    waits, bodies = [0.0] * len(requests), [b""] * len(requests)
    left = iter(enumerate(requests))
    started = time.perf_counter()
    try:
        await asyncio.gather(*(_work(line, left, waits, bodies) for _, line in opened))
        seconds = time.perf_counter() - started
    finally:
        for transport, _ in opened:
            transport.close()
    return Load(seconds=seconds, waits=waits, bodies=bodies)


async def _work(line: "_Line", left: Iterator[tuple[int, bytes]], waits: list[float], bodies: list[bytes]) -> None:
    for place, request in left:
        started = time.perf_counter()
        bodies[place] = await line.ask(request)
        waits[place] = time.perf_counter() - started


class _Line(asyncio.Protocol):
    """One connection, with one request under way at most."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._transport: asyncio.WriteTransport | None = None
        self._answer: asyncio.Future[bytes] | None = None

    def ask(self, request: bytes) -> "asyncio.Future[bytes]":
        """Send a request; the future is its answer's body."""
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None:
            raise RequestRefused("not connected")
        self._transport.write(request)
        return self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.WriteTransport, transport)  # a socket's; uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer; hand over the whole."""
        self._received += data
        head = self._received.find(_END)
        length = _LENGTH.search(self._received, 0, head) if head >= 0 else None
        if length is None or len(self._received) < head + len(_END) + int(length[1]):
            return
        answer, self._received = bytes(self._received), bytearray()
        self._settle(answer, answer[head + len(_END) :])

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is under way."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(RequestRefused(f"the server hung up ({type(exc).__name__})"))

    def _settle(self, answer: bytes, body: bytes) -> None:
        if self._answer is None:
            return
        if answer.startswith(_OK):
            self._answer.set_result(body)
        else:
            self._answer.set_exception(RequestRefused(answer[:500].decode(errors="replace")))
