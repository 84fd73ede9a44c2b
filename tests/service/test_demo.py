"""The Sunday-tablet cart leads to Wonjun's phone in his evening: asked of the running demo, and at every hour.

The shop is made anew for every moment, so a store that lives through a week is loaded again as the week goes on.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from channel_selector.decisions import Decision
from service.clock import FixedClock
from service.decisions.rulings import logged
from service.learning.learner import learn
from service.sample_shop import PastMessage, SampleShop, generate
from service.sample_shop import shop as shop_of_now
from service.sample_shop.shop_loading import load
from service.sample_shop.weeks import anchor_of
from service.store import decisions
from tests.service.harness import Api, deployment
from tests.service.shopping import PATH

SEOUL = ZoneInfo("Asia/Seoul")
PEOPLE = 6
DRAWS = 25
DEMO = {"HOMING_TIMEZONE": "Asia/Seoul", "HOMING_QUIET_HOURS": "korea", "HOMING_DEFAULT_REGION": "KR"}
WEEK = [datetime(2026, 11, 15, 0, 30, tzinfo=SEOUL) + timedelta(hours=hour) for hour in range(168)]
NEW_YEAR = [datetime(2026, 12, 31, 0, 30, tzinfo=SEOUL) + timedelta(hours=hour) for hour in range(0, 48, 3)]
EVENING = range(18, 21)
REFRESHED_EVERY = 12
"""Hours after which what has happened since is loaded and learned from; between them the clock alone moves on."""


class Demo:
    """A deployment with the demo's settings, at a moment that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock(WEEK[0])
        self.homing = deployment(folder, self.clock, DEMO)
        self.api = Api(self.homing)
        self.key = self.api.key()
        self.shop: SampleShop

    def refresh(self, seed: int = 7) -> None:
        """Load what of the shop has happened by now, and learn from it."""
        self.shop = generate(self.clock.now(), seed=seed, people=PEOPLE)
        load(self.homing, self.shop)
        learn(self.homing)

    def ask(self, message_id: str, *, explore: bool) -> Any:
        """Ask the demo's question about a message of its own."""
        question = self.shop.question
        namespace, value = question.recipient
        message = {"cart_id": question.cart_id, "cart_value": question.cart_value, "currency": question.currency}
        body = {
            "recipient": {"namespace": namespace, "value": value},
            "message": {"id": message_id, **message},
            "abandoned_at": question.abandoned_at.isoformat(),
            "explore": explore,
        }
        return self.api.post(PATH, key=self.key, json=body).json()

    def decision(self, decision_id: str) -> Decision:
        """Read a decision as it was logged."""

        def read(conn: Any) -> Decision:
            row = decisions.find(conn, decision_id)
            assert row is not None
            return logged(decisions.read(conn, [row.seq])[0]).decision

        return self.homing.writer.submit(read).result(10)


@contextmanager
def demo_in(folder: Path) -> Iterator[Demo]:
    """Open a demo with a store of its own."""
    folder.mkdir()
    demo = Demo(folder)
    yield demo
    demo.api.close()
    demo.homing.close()


def wonjuns(shop: SampleShop) -> list[PastMessage]:
    """Give what the shop sent him."""
    return [past for past in shop.past if past.subject == ("user_id", "wonjun")]


def reason_for(shop: SampleShop) -> str:
    """Count in the shop's own past what the reason must say."""
    bought = [past for past in wonjuns(shop) if any(outcome.kind == "converted" for outcome in past.outcomes)]
    there = [past for past in bought if past.device_id == "phone-19f" and past.local_hour in EVENING]
    counts = f"{len(there)} of {len(bought)} purchases"
    return f"Buys most often after app pushes on the phone, usually 18:00–21:00 ({counts})."


def check(told: Any, shop: SampleShop, now: datetime) -> None:
    """Compare an answer with what Wonjun always does."""
    assert (told["action"], told["user_id"]) == ("send", "wonjun"), now
    assert (told["channel"], told["device_id"]) == ("app_push", "phone-19f"), now
    send_at = datetime.fromisoformat(told["send_at"])
    assert send_at.astimezone(SEOUL).hour in EVENING, now
    assert now <= send_at < now + timedelta(hours=24), now
    assert (told["reason_code"], told["reason"]) == ("best_expected_value", reason_for(shop)), now
    assert (told["timezone"], told["fallback"], told["propensity"]) == ("Asia/Seoul", False, None)
    assert told["expected_value"] == pytest.approx(told["conversion_probability"] * shop.question.cart_value)


@pytest.mark.slow
@pytest.mark.parametrize("hours", [WEEK, NEW_YEAR], ids=["week", "new-year"])
def test_at_every_hour_the_phone_in_the_evening(tmp_path: Path, hours: list[datetime]) -> None:
    """One store for each of the shop's weeks, the clock moved hour by hour, a message of its own each time."""
    for anchor in sorted({anchor_of(now) for now in hours}):
        with demo_in(tmp_path / f"{anchor:%m%d}") as demo:
            for place, now in enumerate(now for now in hours if anchor_of(now) == anchor):
                demo.clock.set(now.astimezone(UTC))
                if place % REFRESHED_EVERY == 0:
                    demo.refresh()
                check(demo.ask(f"at-{now:%d-%H}", explore=False), demo.shop, now)


@pytest.mark.parametrize("stream", range(6))
def test_whatever_was_drawn_the_phone_in_the_evening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: int
) -> None:
    """His habit is found in other carts and other reminders too, among other people; nothing was picked for it."""
    monkeypatch.setattr(shop_of_now, "STREAM", stream)
    now = WEEK[20 + 17 * stream]
    with demo_in(tmp_path / "demo") as demo:
        demo.clock.set(now.astimezone(UTC))
        demo.refresh(seed=stream)
        check(demo.ask("best", explore=False), demo.shop, now)


@pytest.mark.slow
@pytest.mark.parametrize("now", [*WEEK[3::14], NEW_YEAR[8]], ids=lambda now: f"{now:%a-%H}")
def test_exploring_the_phone_in_the_evening_is_drawn_most(tmp_path: Path, now: datetime) -> None:
    """A fresh store: every option can be drawn, together they are certain, and his habit is what is drawn most."""
    with demo_in(tmp_path / "demo") as demo:
        demo.clock.set(now.astimezone(UTC))
        demo.refresh()
        check(demo.ask("best", explore=False), demo.shop, now)
        told = [demo.ask(f"draw-{number}", explore=True) for number in range(DRAWS)]
        drawn = Counter((each["channel"], each["device_id"], _daypart(each["send_at"])) for each in told)
        assert drawn.most_common(1)[0][0] == ("app_push", "phone-19f", 6), drawn
        for each in told:
            decision = demo.decision(each["decision_id"])
            assert min(decision.probabilities) > 0
            assert sum(decision.probabilities) + decision.no_send_probability == pytest.approx(1, abs=1e-9)
            assert decision.chosen is not None
            assert each["propensity"] == decision.probabilities[decision.chosen]


def _daypart(send_at: str) -> int:
    return datetime.fromisoformat(send_at).astimezone(SEOUL).hour // 3


def demo_once(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `homing demo --once` in a folder, with nothing of this process's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOMING_")}
    command = [sys.executable, "-c", "from service.cli import main; main()", "demo", "--once", *options]
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_demo_once_in_an_empty_folder(tmp_path: Path) -> None:
    """The real command, served on a free port: answer, keys, curl; the store is taken as it is, or begun anew."""
    began = datetime.now(UTC)
    first = demo_once(tmp_path, "--port", "0")
    assert first.returncode == 0, first.stderr
    check_shown(first.stdout)
    assert {path.name for path in tmp_path.iterdir()} >= {"homing-demo.db", "homing.secret"}
    second = demo_once(tmp_path, "--port", "0")
    assert second.returncode == 0, second.stderr
    check_shown(second.stdout)
    # From one Sunday 15:00 to the next it is one shop; a run that crosses it loads the next week's.
    if anchor_of(began) == anchor_of(datetime.now(UTC)):
        assert loaded(second) < loaded(first) / 10, "only what has happened since is loaded"
    (tmp_path / "homing-demo.db-wal").touch()
    secret = (tmp_path / "homing.secret").read_bytes()
    third = demo_once(tmp_path, "--port", "0", "--reset")
    assert third.returncode == 0, third.stderr
    assert loaded(third) >= loaded(first), "the store was empty"
    assert (tmp_path / "homing.secret").read_bytes() == secret


def loaded(run: subprocess.CompletedProcess[str]) -> int:
    """Give how many events a run loaded."""
    told = re.search(r"^(\d+) new events", run.stderr, re.MULTILINE)
    assert told is not None, run.stderr
    return int(told[1])


def test_readme_shows_what_the_demo_says() -> None:
    """The reason in README is counted in the shop's own past."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert reason_for(generate(WEEK[30], people=0)) in readme


def check_shown(text: str) -> None:
    """Look for what the demo must show."""
    assert re.search(r"Homing listens on +http://127\.0\.0\.1:\d+\n", text)
    assert re.search(r"Console +http://127\.0\.0\.1:\d+/console\n", text)
    key = re.search(r"Server key +(homing_\S+)\n", text)
    assert key is not None
    assert re.search(r"Browser key +homing_\S+\n", text)
    assert re.search(r"^ +channel +app_push$", text, re.MULTILINE)
    assert re.search(r"^ +device +phone-19f$", text, re.MULTILINE)
    assert re.search(r"^ +send at +\w+ \d\d \w+ \d{4}, (18|19|20):\d\d Asia/Seoul$", text, re.MULTILINE)
    assert f"because   {reason_for(generate(datetime.now(UTC), people=0))}" in text
    assert re.search(rf"^curl -s http://127\.0\.0\.1:\d+/v1/recommendations .*{re.escape(key[1])}", text, re.MULTILINE)
