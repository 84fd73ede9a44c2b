"""Real clients, with only their host changed: events in, the right person's phone out."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import pytest
import uvicorn

from identity.observations import Trust
from service.app import create_app
from service.clock import SystemClock
from service.events.event_time import read_time
from service.keys import Scope
from service.store import facts
from service.web.serving import address, bind
from service.wiring import Homing
from tests.service.harness import deployment, make_key

CLIENTS = Path(__file__).parent / "clients"
SECONDS = 60

Send = Callable[[str, str, Sequence[dict[str, Any]]], None]
"""Sends calls to a host with a key, and raises if the client says that it could not."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """The service on a port of its own, by the machine's clock."""

    url: str
    homing: Homing
    key: str
    """Of a shop's server, for everything but sending events."""

    def get(self, path: str, **params: str) -> Any:
        """Ask it; it must answer 200."""
        return self._asked("GET", path, params=params)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send it JSON; it must answer 200."""
        return self._asked("POST", path, json=body)

    def _asked(self, method: str, path: str, **given: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(method, self.url + path, headers=headers, timeout=SECONDS, **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def facts(self) -> list[facts.Fact]:
        """Read the log, as far as it is committed."""
        with self.homing.database.transaction(reads=True) as conn:
            return list(facts.scan(conn))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Serve an empty store over a real socket."""
    homing = deployment(tmp_path, SystemClock())
    taken = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(homing), log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    deadline = time.monotonic() + SECONDS
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server took too long to start"
        time.sleep(0.01)
    yield Service(url=address(taken), homing=homing, key=make_key(homing, set(Scope) - {Scope.INGEST}))
    server.should_exit = True
    thread.join(SECONDS)
    homing.close()


# --- the clients ----------------------------------------------------------------------------------------------------


def run(command: Sequence[str], calls: Sequence[dict[str, Any]]) -> None:
    """Let a client make the calls in a process of its own."""
    done = subprocess.run(  # noqa: S603 - the tests' own scripts
        command, input=json.dumps(calls), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr


def python(host: str, key: str, calls: Sequence[dict[str, Any]]) -> None:
    """Send with `segment-analytics-python`."""
    run([sys.executable, str(CLIENTS / "session.py"), host, key], calls)


def python_gzip(host: str, key: str, calls: Sequence[dict[str, Any]]) -> None:
    """Send with `segment-analytics-python`, compressed."""
    run([sys.executable, str(CLIENTS / "session.py"), host, key, "gzip"], calls)


def node(host: str, key: str, calls: Sequence[dict[str, Any]]) -> None:
    """Send with `@segment/analytics-node`."""
    run([install_node_client(), str(CLIENTS / "session.mjs"), host, key], calls)


def install_node_client() -> str:
    """Give node's path, its client installed beside the script; skip, with the reason, where that cannot be."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("node is not here")
    if not (CLIENTS / "node_modules").is_dir():
        # Installed elsewhere and moved in whole, so that no other process of the tests sees half of it.
        folder = Path(mkdtemp(dir=CLIENTS, prefix="node_modules."))
        try:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(CLIENTS / name, folder)
            done = subprocess.run(  # noqa: S603 - npm, as found on the path
                [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=4 * SECONDS,
                check=False,
            )
            if done.returncode != 0:
                pytest.skip(f"npm cannot install the client: {done.stderr.strip().splitlines()[-1:]}")
            move_in(folder / "node_modules", CLIENTS / "node_modules")
        finally:
            shutil.rmtree(folder)
    return program


def move_in(source: Path, target: Path) -> None:
    """Move a folder to its place, unless another process was faster."""
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():
            raise


# --- the session ----------------------------------------------------------------------------------------------------

PHONE = {
    "device": {"id": "phone-19f", "type": "ios", "model": "iPhone17,1", "token": "apns-19f"},
    "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)",
    "timezone": "Asia/Seoul",
    "locale": "ko-KR",
}
TABLET = {"userAgent": "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X)", "timezone": "Asia/Seoul", "locale": "ko-KR"}
MUGS = [{"product_id": "mug", "price": 43_000, "quantity": 3}]


def at(now: datetime, **ago: float) -> str:
    """Write a moment before now, as exactly as every client keeps it."""
    return (now - timedelta(**ago)).isoformat(timespec="milliseconds")


def shopping(now: datetime) -> list[dict[str, Any]]:
    """Give a person's last month: known on phone and tablet, pays on the phone, fills a cart on the tablet."""
    paid = {"order_id": "order-1", "total": 25_000, "currency": "KRW"}
    cart = {"cart_id": "cart-881", "currency": "KRW", **MUGS[0]}
    phone = {"method": "identify", "userId": "wonjun", "traits": {"email": "wonjun@example.com"}, "context": PHONE}
    tablet = {"userId": "wonjun", "anonymousId": "tablet-7c1", "context": TABLET}
    order = {"method": "track", "userId": "wonjun", "event": "Order Completed", "properties": paid, "context": PHONE}
    unknown = {"anonymousId": "tablet-7c1", "context": TABLET}
    return [
        {**phone, "timestamp": at(now, days=30)},
        {"method": "identify", **tablet, "traits": {}, "timestamp": at(now, days=20)},
        {"method": "group", "userId": "wonjun", "groupId": "home", "traits": {}, "timestamp": at(now, days=19)},
        {"method": "screen", "userId": "wonjun", "name": "Home", "context": PHONE, "timestamp": at(now, days=10)},
        {**order, "timestamp": at(now, days=9)},
        {"method": "page", **unknown, "name": "Mugs", "timestamp": at(now, hours=3, minutes=5)},
        {"method": "track", **unknown, "event": "Product Added", "properties": cart, "timestamp": at(now, hours=3)},
    ]


def paying(now: datetime) -> list[dict[str, Any]]:
    """Give the order that ends it, on the phone."""
    paid = {"order_id": "order-2", "total": 129_000, "currency": "KRW", "products": MUGS}
    order = {"method": "track", "userId": "wonjun", "event": "Order Completed", "properties": paid, "context": PHONE}
    return [{**order, "timestamp": at(now, minutes=1)}]


@pytest.fixture(params=[python, python_gzip, node], ids=lambda send: str(send.__name__))
def send(request: pytest.FixtureRequest) -> Send:
    """Give each client in turn."""
    chosen: Send = request.param
    return chosen


def recommend(service: Service, message_id: str) -> Any:
    """Ask where the message about the tablet's cart goes."""
    message = {"id": message_id, "kind": "cart_abandonment", "cart_id": "cart-881"}
    recipient = {"namespace": "anonymous_id", "value": "tablet-7c1"}
    return service.post("/v1/recommendations", {"recipient": recipient, "message": message, "explore": False})


def test_a_session_ends_in_one_profile_one_cart_and_one_phone(service: Service, send: Send) -> None:
    """The log, the profile, the cart left behind, the recommendation; and once it is paid, no message."""
    now = datetime.now(UTC)
    key = make_key(service.homing, [Scope.INGEST], source="shop-server")
    calls = shopping(now)
    send(service.url, key, calls)

    logged = sorted(service.facts(), key=lambda fact: (fact.at, fact.seq))
    assert [(fact.type, fact.at) for fact in logged] == [
        (call["method"], read_time(call["timestamp"])) for call in calls
    ]
    assert {(fact.source, fact.trust) for fact in logged} == {("shop-server", Trust.SERVER)}
    assert all(key.encode() not in fact.body for fact in logged)

    profile = service.get("/v1/profiles", namespace="anonymous_id", value="tablet-7c1")
    assert profile["is_person"] is True
    assert profile["profile_id"] == service.get("/v1/profiles", namespace="device_id", value="phone-19f")["profile_id"]
    assert {(one["namespace"], one["value"]) for one in profile["identifiers"]} >= {
        ("user_id", "wonjun"),
        ("email", "wonjun@example.com"),
        ("anonymous_id", "tablet-7c1"),
        ("device_id", "phone-19f"),
        ("push_token", "apns-19f"),
    }

    (left,) = service.get("/v1/abandonments")["abandonments"]
    assert (left["cart_id"], left["profile_id"]) == ("cart-881", profile["profile_id"])
    assert (left["cart_value"], left["state"]) == (129_000, "abandoned")
    assert left["device"] == {"namespace": "anonymous_id", "value": "tablet-7c1"}

    told = recommend(service, "cart-881-1")
    assert (told["action"], told["channel"], told["device_id"]) == ("send", "app_push", "phone-19f")
    assert (told["user_id"], told["profile_id"]) == ("wonjun", profile["profile_id"])
    assert (told["fallback"], told["timezone"]) == (False, "Asia/Seoul")
    assert told["reason"]

    send(service.url, key, paying(now))
    told = recommend(service, "cart-881-2")
    assert (told["action"], told["reason_code"]) == ("hold", "already_purchased")
    assert service.get("/v1/abandonments")["abandonments"] == []


def test_a_client_that_sends_again_changes_nothing(service: Service) -> None:
    """The same session twice, under the same message ids, is one session."""
    key = make_key(service.homing, [Scope.INGEST])
    calls = [{**call, "message_id": f"m{number}"} for number, call in enumerate(shopping(datetime.now(UTC)))]
    python(service.url, key, calls)
    once = service.facts()
    python(service.url, key, calls)
    assert service.facts() == once
    assert len(once) == len(calls)


def test_a_number_that_is_none_loses_its_event_alone(service: Service) -> None:
    """segment-analytics-python writes a float that is no number as NaN, which no JSON reader must take."""
    key = make_key(service.homing, [Scope.INGEST])
    calls = shopping(datetime.now(UTC))
    python(service.url, key, [*calls, {**calls[-1], "properties": {"price": float("nan")}}])
    assert len(service.facts()) == len(calls)


def test_a_wrong_key_stores_nothing(service: Service) -> None:
    """And the client learns of it at once."""
    with pytest.raises(AssertionError, match="401"):
        python(service.url, "nobody", shopping(datetime.now(UTC)))
    assert service.facts() == []
