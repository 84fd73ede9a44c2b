"""`homing demo`: the sample shop in a store of its own, served, and one question asked of the running service."""

import signal
import sys
import threading
import urllib.request
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import orjson

from identity.observations import Trust
from service import keys
from service.commands.options import Chosen
from service.errors import AddressError
from service.keys import Scope
from service.learning.learner import keep_learning, learn
from service.sample_shop import Question, SampleShop, generate
from service.sample_shop.shop_loading import load
from service.settings.settings import Settings
from service.store import keys as key_rows
from service.web.serving import bind, run
from service.web.workers import beside
from service.wiring import Homing, open_homing

STORE = "homing-demo.db"
TIMEZONE = "Asia/Seoul"
KEYS = {
    "demo-server": (Trust.SERVER, tuple(Scope)),
    "demo-browser": (Trust.ASSERTED, (Scope.INGEST,)),
}
ANSWER_SECONDS = 30


@click.command()
@click.option("--once", is_flag=True, help="Show the recommendation, then stop.")
@click.option("--reset", is_flag=True, help="Start over with an empty store.")
@click.option("--port", type=int, default=8080, show_default=True, help="The port; a free one if it is taken.")
@click.option("--store", type=click.Path(dir_okay=False, path_type=Path), default=STORE, show_default=True)
def demo(*, once: bool, reset: bool, port: int, store: Path) -> None:
    """Load the sample shop, serve it, and ask where the Sunday-tablet cart's message should go."""
    if reset:
        _remove(store)
    settings = (
        Chosen(db=f"sqlite:///{store}")
        .load(timezone=TIMEZONE, quiet_hours="korea", default_region="KR", access_log=False)
        .settings
    )
    # Forked first, the learner does not hold the address.
    with beside(partial(keep_learning, settings)):
        asked = _serve(settings, _bind(settings.host, port), once=once)
    if asked.failure is not None:
        raise click.ClickException(f"the running service gave no recommendation ({asked.failure})")


def _serve(settings: Settings, taken: Any, *, once: bool) -> "_Asked":
    """Fill the store, serve it, and ask."""
    homing = open_homing(settings)
    try:
        shop = _fill(homing)
        texts = _keys(homing)
    except BaseException:
        homing.close()
        raise
    asked = _Asked(shop.question, texts, once=once)
    run(homing, taken, asked.aside)
    return asked


def _remove(store: Path) -> None:
    """Throw the demo's store away; the secret beside it stays, for other stores there may be made with it."""
    for ending in ("", "-wal", "-shm"):
        Path(f"{store}{ending}").unlink(missing_ok=True)


def _bind(host: str, port: int) -> Any:
    """Take the port, or a free one if it is another program's."""
    try:
        return bind(host, port)
    except AddressError:
        click.echo(f"Port {port} is taken by another program; a free one is used.", err=True)
        return bind(host, 0)


def _fill(homing: Homing) -> SampleShop:
    """Load what of the shop the store does not have yet, and learn from it."""
    shop = generate(homing.clock.now())
    total = len(shop.messages) + len(shop.past)
    bar: Any  # click's stubs give its progress bar a context manager without a type
    with click.progressbar(length=total, label="Loading the sample shop", file=sys.stderr) as bar:
        loaded = load(homing, shop, bar.update)
    click.echo(f"{loaded.messages} new events, {loaded.decisions} new past messages; learning from them", err=True)
    learn(homing)
    return shop


def _keys(homing: Homing) -> dict[str, str]:
    """Make this run's keys; those of earlier runs end, for their texts are not kept."""
    now = homing.clock.now()

    def renew(conn: Any) -> dict[str, str]:
        for row in key_rows.every(conn):
            if row.name in KEYS and row.revoked_at is None:
                key_rows.revoke(conn, row.id, now)
        return {
            name: keys.create(conn, name=name, scopes=scopes, trust=trust, at=now, source="sample-shop").text
            for name, (trust, scopes) in KEYS.items()
        }

    return homing.writer.submit(renew).result()


class _Asked:
    """The question, asked once the service answers; what went wrong with it is kept for the program's end."""

    def __init__(self, question: Question, texts: dict[str, str], *, once: bool) -> None:
        self._question = question
        self._texts = texts
        self._once = once
        self.failure: str | None = None

    def aside(self, url: str) -> None:
        """Ask in a thread of its own: the server that answers runs in this one."""
        threading.Thread(target=self._show, args=(url,), daemon=True).start()

    def _show(self, url: str) -> None:
        try:
            body = _body(self._question)
            answer = _post(f"{url}/v1/recommendations", self._texts["demo-server"], body)
            click.echo(_told(url, self._question, self._texts, body, answer))
            if not self._once:
                click.echo("Serving until Ctrl-C.", err=True)
        except Exception as error:  # noqa: BLE001 - nobody else would hear of it in this thread
            self.failure = str(error) or type(error).__name__
        finally:
            if self._once or self.failure is not None:
                signal.raise_signal(signal.SIGTERM)


def _body(question: Question) -> bytes:
    namespace, value = question.recipient
    return orjson.dumps(
        {
            "recipient": {"namespace": namespace, "value": value},
            "message": {
                "id": question.message_id,
                "cart_id": question.cart_id,
                "cart_value": question.cart_value,
                "currency": question.currency,
            },
            "abandoned_at": question.abandoned_at,
            "explore": False,
        }
    )


def _post(url: str, key: str, body: bytes) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - our own service on this machine
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:  # noqa: S310 - as above
        answer: dict[str, Any] = orjson.loads(response.read())
    return answer


def _told(url: str, question: Question, texts: dict[str, str], body: bytes, answer: dict[str, Any]) -> str:
    """Tell the question, its answer, and how to ask it oneself."""
    left = f"{question.cart_value:,.0f} {question.currency} on his tablet, {_local(question.abandoned_at)}"
    return "\n".join(
        [
            f"Homing listens on   {url}",
            f"Console             {url}/console",
            f"Server key          {texts['demo-server']}",
            f"Browser key         {texts['demo-browser']}",
            "",
            f"Wonjun left a cart of {left}. Where and when does the reminder go?",
            "",
            *_answer(answer),
            "",
            f"curl -s {url}/v1/recommendations -H 'Authorization: Bearer {texts['demo-server']}' \\",
            f"  -H 'Content-Type: application/json' -d '{body.decode()}'",
        ]
    )


def _answer(answer: dict[str, Any]) -> list[str]:
    if answer["action"] != "send":
        return [f"  {answer['action']}: {answer['reason']}"]
    return [
        f"  channel   {answer['channel']}",
        f"  device    {answer['device_id']}",
        f"  send at   {_local(datetime.fromisoformat(answer['send_at']))}",
        f"  expected  {answer['conversion_probability']:.1%} buy, worth {answer['expected_value']:,.0f}",
        f"  because   {answer['reason']}",
    ]


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(TIMEZONE)):%A %d %B %Y, %H:%M} {TIMEZONE}"
