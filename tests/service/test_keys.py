"""Keys: found by digest alone, refused within a second of being revoked, and public ones may only ingest."""

import asyncio
import base64
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

import pytest
from fastapi import Depends

from identity.observations import Trust
from service import keys
from service.clock import FixedClock
from service.keys import Caller, KeyRefused, KeyRing, Scope, digest, require
from service.store import keys as rows
from service.wiring import Homing
from tests.service.harness import Api, make_key

LATER = 1.01
"""Just longer than a known key is believed."""


@pytest.fixture
def guarded(homing: Homing) -> Iterator[Api]:
    """Give a client of the app with a route more, which wants the scope `decide`."""
    client = Api(homing)

    @client.app.get("/guarded")
    async def guarded(caller: Annotated[Caller, Depends(require(Scope.DECIDE))]) -> dict[str, Any]:
        return {"source": caller.source, "trust": int(caller.trust), "scopes": sorted(caller.scopes)}

    yield client
    client.close()


def basic(user: str, password: str = "") -> str:
    """Give the header of Basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_key_is_shown_in_any_of_three_ways(guarded: Api) -> None:
    """Bearer, X-API-Key and the user name of Basic all name the same caller."""
    key = guarded.key(Scope.DECIDE, source="crm")
    ways = [
        {"Authorization": f"Bearer {key}"},
        {"authorization": f"bearer  {key} "},
        {"X-API-Key": key},
        {"Authorization": basic(key)},
        {"Authorization": basic(key, "ignored")},
        {"Authorization": "Bearer", "X-API-Key": key},
    ]
    for headers in ways:
        answer = guarded.get("/guarded", headers=headers)
        assert answer.status_code == 200, headers
        assert answer.json() == {"source": "crm", "trust": 2, "scopes": ["decide"]}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer homing_nobody"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic not*base64"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:").decode()},
        {"Authorization": basic("")},
        {"Authorization": "Digest username=x"},
        {"X-API-Key": ""},
    ],
)
def test_no_live_key_is_401(guarded: Api, headers: dict[str, str]) -> None:
    """Whatever is wrong with it, the answer is one and the same, and says how to show a key."""
    answer = guarded.get("/guarded", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_missing_scope_is_403(guarded: Api) -> None:
    """A live key without the scope is told which one it lacks."""
    answer = guarded.get("/guarded", key=guarded.key(Scope.INGEST, Scope.READ))
    assert answer.status_code == 403
    assert answer.json() == {"code": "forbidden", "message": "this key lacks the scope decide"}


def test_a_new_key_works_at_once(guarded: Api) -> None:
    """A key made after the ring was last read is found all the same."""
    for _ in range(3):
        assert guarded.get("/guarded", key=guarded.key(Scope.DECIDE)).status_code == 200


class Seconds:
    """Counts seconds by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Give the seconds, a little later at every look, as a real counter would."""
        self.now += 1e-6
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """Give a counter."""
    return Seconds()


@pytest.fixture
def ring(homing: Homing, seconds: Seconds) -> KeyRing:
    """Give a ring whose seconds are counted by hand."""
    return KeyRing(homing.writer, seconds)


def revoke(homing: Homing, key: str) -> None:
    """Revoke a key by its text."""
    found = f"key_{digest(key).hex()[:12]}"
    assert homing.writer.submit(lambda conn: rows.revoke(conn, found, homing.clock.now())).result(10)


def test_a_revoked_key_is_refused_within_a_second(homing: Homing, ring: KeyRing, seconds: Seconds) -> None:
    """For a second it may still be believed; after that it is not, and never again."""
    key = make_key(homing, [Scope.READ])

    async def story() -> list[bool]:
        told = [await ring.find(key) is not None]
        revoke(homing, key)
        seconds.now += LATER
        told += [await ring.find(key) is not None, await ring.find(key) is not None]
        return told

    assert asyncio.run(story()) == [True, False, False]


def test_a_known_key_costs_no_look_at_the_store(homing: Homing, ring: KeyRing) -> None:
    """Within the second a key is believed without the writer: it answers even when the writer is closed."""
    key = make_key(homing, [Scope.READ])

    async def story() -> tuple[Caller | None, Caller | None]:
        first = await ring.find(key)
        homing.writer.close(10)
        return first, await ring.find(key)

    first, second = asyncio.run(story())
    assert first is not None
    assert first == second


def test_a_key_in_use_is_looked_at_ahead(homing: Homing, ring: KeyRing, seconds: Seconds) -> None:
    """Whoever shows it never waits for a store that is at something else; once it is revoked it is refused."""
    key = make_key(homing, [Scope.READ])

    async def story() -> list[bool]:
        told = [await ring.find(key) is not None]
        for _ in range(4):
            seconds.now += 0.6
            held = threading.Event()
            homing.writer.submit(lambda _conn, held=held: held.wait(10))  # type: ignore[misc]  # a job
            told.append(await asyncio.wait_for(ring.find(key), 5) is not None)  # else it waits for the job
            held.set()
            await asyncio.wrap_future(homing.writer.submit(lambda _conn: None))
            await asyncio.sleep(0)
        revoke(homing, key)
        seconds.now += 0.6
        told.append(await ring.find(key) is not None)
        seconds.now += 0.6
        return [*told, await ring.find(key) is not None]

    assert asyncio.run(story()) == [True] * 6 + [False]


def test_a_flood_of_unknown_keys_costs_few_looks(homing: Homing) -> None:
    """Fifty wrong keys at once are refused by a look or two at the store."""
    looks = []
    ring = KeyRing(homing.writer)
    read = ring._read

    async def counted() -> None:
        looks.append(1)
        await read()

    ring._read = counted  # type: ignore[method-assign]  # to count the looks

    async def flood() -> list[Caller | None]:
        return list(await asyncio.gather(*(ring.find(f"homing_wrong{n}") for n in range(50))))

    assert asyncio.run(flood()) == [None] * 50
    assert len(looks) <= 2


def test_the_store_keeps_no_key(homing: Homing) -> None:
    """Only the digest is kept; neither it nor the key shows in a repr."""
    key = make_key(homing, [Scope.READ])
    (kept,) = homing.writer.submit(rows.every).result(10)
    assert kept.digest == digest(key)
    assert key not in repr(kept)
    assert (
        homing.writer.submit(
            lambda conn: conn.exec_driver_sql(
                "SELECT count(*) FROM keys WHERE instr(id || name || scopes, ?)", (key,)
            ).scalar()
        ).result(10)
        == 0
    )


def test_a_new_key_hides_in_its_repr(homing: Homing) -> None:
    """A key just made does not reach a log by way of its repr."""
    made = homing.writer.submit(
        lambda conn: keys.create(conn, name="n", scopes=[Scope.READ], trust=Trust.SERVER, at=homing.clock.now())
    ).result(10)
    assert made.text.startswith("homing_")
    assert made.text not in repr(made)
    assert made.caller.source == "n"


@pytest.mark.parametrize(
    ("scopes", "trust", "told"),
    [
        ([], Trust.SERVER, "needs a scope"),
        ([Scope.INGEST, Scope.READ], Trust.ASSERTED, "ingest alone"),
        ([Scope.READ], Trust.ASSERTED, "ingest alone"),
        ([Scope.INGEST], Trust.VERIFIED, "signed identity token"),
        ([Scope.INGEST], Trust.PROBABLE, "asserted"),
    ],
)
def test_keys_that_must_not_be(homing: Homing, scopes: list[Scope], trust: Trust, told: str) -> None:
    """A public key ingests and does nothing else; no key is verified; one without scopes is of no use."""
    with pytest.raises(KeyRefused, match=told):
        homing.writer.submit(
            lambda conn: keys.create(conn, name="n", scopes=scopes, trust=trust, at=homing.clock.now())
        ).result(10)


@pytest.mark.parametrize("wrong", ["", "a\0b", "a\nb", "\udcff", "n" * 256], ids=ascii)
def test_names_of_keys_that_no_store_keeps(homing: Homing, wrong: str) -> None:
    """A name or a source is short printable text, for a fact is known by its source."""
    for name, source in ((wrong, "shop"), ("shop", wrong)):
        with pytest.raises(KeyRefused, match="1 to 255 characters"):
            homing.writer.submit(
                lambda conn, name=name, source=source: keys.create(  # type: ignore[misc]  # both are bound now
                    conn, name=name, scopes=[Scope.READ], trust=Trust.SERVER, at=homing.clock.now(), source=source
                )
            ).result(10)


def test_revoking_twice_keeps_the_first_moment(homing: Homing, clock: FixedClock) -> None:
    """Revoking is for good, and an unknown id is told apart."""
    make_key(homing, [Scope.READ])
    (kept,) = homing.writer.submit(rows.every).result(10)
    first = clock.now()
    for _ in range(2):
        assert homing.writer.submit(lambda conn: rows.revoke(conn, kept.id, clock.now())).result(10)
        clock.advance(timedelta(hours=1))
    (revoked,) = homing.writer.submit(rows.every).result(10)
    assert revoked.revoked_at == first
    assert not homing.writer.submit(lambda conn: rows.revoke(conn, "key_none", first)).result(10)
