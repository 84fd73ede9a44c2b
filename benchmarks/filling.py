"""A store as full as after years, written in minutes: what it holds is what ingest would have made of the same events.

Each event names somebody new, so who is who follows without resolving: one profile an event. Messages, log and folds
go through the store's own functions; tests/benchmarks/test_filling.py has `verify` look for a difference.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy.engine import Connection

from identity.observations import Observation, Trust
from identity.profiles import ProfileRef, profile_id
from service.events.messages import Message, parse
from service.events.observing import Observer
from service.store import chain, facts, nodes
from service.store.facts import FactKind
from service.store.nodes import Node
from service.wiring import Homing

JOB = 1_000
"""Events of one job."""

_FIRST = datetime(2025, 1, 1, tzinfo=UTC)
_SOURCE = "filling"


def fill(homing: Homing, events: int, devices: int = 0, progress: Callable[[str], None] = lambda _: None) -> None:
    """Put in so many events, with random message ids, each of a browser of its own.

    With `devices`, each is instead the login of a user of its own, at a machine that names so many (19 at most).
    """
    write = _Writing(homing)
    for start in range(0, events, JOB):
        messages = list(_messages(range(start, min(start + JOB, events)), devices))
        homing.writer.submit(partial(write, messages=messages)).result()
        if start % 100_000 == 0:
            progress(f"{start:,} of {events:,} events filled in")


def person(number: int) -> str:
    """Give the user id that an event with devices names."""
    return f"u-{number:08d}"


def device(number: int, place: int) -> str:
    """Give one of the device ids it names."""
    return f"d-{number:08d}-{place:02d}"


class _Writing:
    """A job: appends messages that each name somebody new, and what follows from them."""

    def __init__(self, homing: Homing) -> None:
        self._observer = Observer(homing.rules)
        self._profile_id = partial(profile_id, key=homing.secret.derive("profiles"))

    def __call__(self, conn: Connection, messages: list[Message]) -> None:
        seqs = [each.seq for each in facts.append(conn, FactKind.MESSAGE, messages)]
        numbered = zip(seqs, messages, strict=True)
        people = [self._nodes(seq, self._observer.observe(message)) for seq, message in numbered]
        nodes.put(conn, [node for members in people for node in members])
        nodes.saw(conn, [(members[0].node, seq) for members, seq in zip(people, seqs, strict=True)])
        nodes.issue(conn, [(str(members[0].profile_id), members[0].node) for members in people])
        chain.touch(conn, [members[0].node for members in people])

    def _nodes(self, seq: int, observation: Observation) -> list[Node]:
        """Give what is seen here for the first time: one component, one profile founded by the first."""
        known_as = self._profile_id(ProfileRef(observation.identifiers[0], 0))
        component = nodes.number(seq, 0)
        return [
            Node(node=nodes.number(seq, place), identifier=identifier, component=component, profile_id=known_as)
            for place, identifier in enumerate(observation.identifiers)
        ]


def _messages(numbers: range, devices: int) -> Iterator[Message]:
    ids = np.random.default_rng(numbers.start).bytes(16 * len(numbers))
    for place, number in enumerate(numbers):
        at = _FIRST + timedelta(seconds=number)
        message_id = str(UUID(bytes=ids[16 * place : 16 * place + 16], version=4))
        event = _event(number, devices) | {"messageId": message_id, "timestamp": at.isoformat()}
        read = parse(event, route_type=None, source=_SOURCE, trust=Trust.SERVER, received_at=at, sent_at=None)
        assert isinstance(read, Message)
        yield read


def _event(number: int, devices: int) -> dict[str, Any]:
    if devices == 0:
        return {"type": "page", "name": "Home", "anonymousId": f"browser-{number:08d}"}
    named = [{"type": "device_id", "id": device(number, place)} for place in range(devices)]
    return {"type": "identify", "userId": person(number), "context": {"externalIds": named}}
