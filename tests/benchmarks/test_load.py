"""The client sends ready bytes in order and measures each answer."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.load import Address, RequestRefused, offer, post, send


class _Echo(socketserver.StreamRequestHandler):
    """Answers each request with its own body, in two parts, until the body says otherwise."""

    def handle(self) -> None:
        """Serve one connection."""
        while head := self._head():
            length = next(int(line[15:]) for line in head if line.lower().startswith(b"content-length:"))
            body = self.rfile.read(length)
            if body == b"hang up":
                return
            status = b"500 Oops" if body == b"fail" else b"200 OK"
            self.wfile.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, length, body[:1]))
            self.wfile.flush()
            self.wfile.write(body[1:])

    def _head(self) -> list[bytes]:
        lines = []
        while (line := self.rfile.readline()).strip():
            lines.append(line)
        return lines


@contextmanager
def echo() -> Iterator[Address]:
    """Run the server for a test."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Address("127.0.0.1", server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def test_answers_stand_in_the_order_of_the_requests() -> None:
    """Whichever connection carried them."""
    bodies = [f"{n} {'x' * n}".encode() for n in range(50)]

    with echo() as address:
        load = send(address, [post("/", body, {"X-Test": "1"}) for body in bodies], 4)

    assert load.bodies == bodies
    assert len(load.waits) == 50
    assert 0 < max(load.waits) <= load.seconds


def test_requests_are_offered_at_their_moments() -> None:
    """Over however few connections; what was due before one was free has waited for it."""
    bodies = [f"{n} x".encode() for n in range(20)]
    moments = [0.005 * n for n in range(20)]

    with echo() as address:
        load = offer(address, [post("/", body, {}) for body in bodies], moments, 2)

    assert load.bodies == bodies
    assert load.seconds >= moments[-1]
    assert all(wait > 0 for wait in load.waits)


@pytest.mark.parametrize(("body", "told"), [(b"fail", "500 Oops"), (b"hang up", "hung up")])
def test_a_request_that_fails_fails_the_run(body: bytes, told: str) -> None:
    """An error is no fast answer."""
    with echo() as address, pytest.raises(RequestRefused, match=told):
        send(address, [post("/", b"fine", {}), post("/", body, {})], 1)
