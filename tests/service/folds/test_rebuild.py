"""The folds are a function of the logs: thrown away and made again, they are the same to the last bit."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.engine import Connection

from channel_selector.outcomes import Outcome, OutcomeKind
from identity.identifiers import Identifier
from identity.judgements import JudgementKind
from identity.observations import Trust
from service.clock import FixedClock
from service.decisions.asks import Ask
from service.errors import ApiError
from service.events.ingest import ingest
from service.events.messages import Message, parse
from service.folds.rebuild import Rebuilt, rebuild, to_fold
from service.judgements import judging
from service.judgements.judging import Saying
from service.learning.learner import learn
from service.learning.outcomes import record_outcomes, report
from service.profiles import shelf
from service.store.schema import FOLDS
from service.wiring import Homing
from tests.service.harness import NOON, deployment

Tables = dict[str, list[tuple[Any, ...]]]


def event(number: int, minute: int, trust: Trust, who: dict[str, str]) -> Message:
    """Make an event of some minute about some identifiers."""
    names = {"userId": who.get("user"), "anonymousId": who.get("browser")}
    made = parse(
        {
            "type": "identify",
            "messageId": f"m{number}",
            "timestamp": (NOON - timedelta(days=1) + timedelta(minutes=minute)).isoformat(),
            "traits": {"email": who["email"]} if "email" in who else {},
            "context": {"device": {"id": who["device"], "token": f"t-{who['device']}"}} if "device" in who else {},
            **{key: value for key, value in names.items() if value is not None},
        },
        route_type=None,
        source="shop",
        trust=trust,
        received_at=NOON,
        sent_at=None,
    )
    assert isinstance(made, Message)
    return made


def folds(homing: Homing) -> Tables:
    """Read every fold, row by row."""

    def job(conn: Connection) -> Tables:
        return {table.name: sorted(tuple(row) for row in conn.execute(select(table))) for table in FOLDS}

    return homing.writer.submit(job).result(30)


def again(homing: Homing) -> Rebuilt:
    """Throw the folds away and make them again."""
    return homing.writer.submit(lambda conn: rebuild(conn, homing.people)).result(60)


def strict(folder: Path, clock: FixedClock) -> Homing:
    """Open a deployment in which three people make a hub, and a browser's links grow old."""
    rules = folder / "rules.toml"
    rules.write_text('hub_limit = 2\n[namespaces.anonymous_id]\nttl = "10m"\n', encoding="utf-8")
    return deployment(folder, clock, {"HOMING_RULES": str(rules)})


few = st.integers(0, 3)
who = st.fixed_dictionaries(
    {},
    optional={
        "user": few.map("u{}".format),
        "browser": few.map("b{}".format),
        "device": few.map("d{}".format),
        "email": few.map("e{}@example.com".format),
    },
)
step = st.one_of(
    st.tuples(st.just("event"), st.integers(0, 60), st.sampled_from([Trust.ASSERTED, Trust.SERVER]), who),
    st.tuples(st.just("decide"), few, few, st.booleans()),
    st.tuples(st.just("outcome"), st.integers(0, 5), st.sampled_from(list(OutcomeKind)), st.integers(0, 30)),
    st.tuples(st.just("judge"), few, few, st.sampled_from(list(JudgementKind))),
    st.tuples(st.just("undo"), few, st.none(), st.none()),
    st.tuples(st.just("learn"), st.none(), st.none(), st.none()),
    st.tuples(st.just("forget"), st.none(), st.none(), st.none()),
)
steps = st.lists(step, max_size=30)


class Shop:
    """A deployment, and a history done to it step by step."""

    def __init__(self, homing: Homing, clock: FixedClock) -> None:
        self._homing = homing
        self._clock = clock
        self._decided: list[str] = []
        self._judged: list[str] = []

    def do(self, number: int, step: tuple[Any, ...]) -> None:
        """Do one step; outcomes may name a decision that is not made yet."""
        kind, first, second, third = step
        homing = self._homing
        self._clock.advance(timedelta(minutes=7))
        now = self._clock.now()
        if kind == "event":
            self._run(lambda conn: ingest(conn, homing.people, [event(number, first, second, third)]))
        elif kind == "decide":
            ask = Ask(recipient=(("user_id", f"u{first}"),), message_id=f"message-{second}", explore=third)
            ruling = self._run(lambda conn: homing.decider.decide(conn, ask, now))
            self._decided.append(ruling.decision.decision_id)
        elif kind == "outcome":
            name = self._decided[first] if first < len(self._decided) else f"later-{first}"
            told = report(name, Outcome(kind=second, at=now - timedelta(hours=third)), "shop")
            self._run(lambda conn: record_outcomes(conn, [told], now))
        elif kind == "judge":
            ends = Identifier("user_id", f"u{first}"), Identifier("device_id", f"d{second}")
            self._said(lambda conn: judging.link(conn, homing.people, third, ends, Saying(source="analyst", now=now)))
        elif kind == "undo":
            name = self._judged[first] if first < len(self._judged) else "jdg_never"
            self._said(lambda conn: judging.undo(conn, homing.people, name, Saying(source="analyst", now=now)))
        elif kind == "learn":
            learn(homing)
        else:
            self._run(lambda _: homing.people.forget())

    def _said(self, job: Any) -> None:
        """Say a word, which may contradict others or undo what was never said."""
        with suppress(ApiError):
            self._judged.append(self._run(job).name)

    def _run(self, job: Any) -> Any:
        return self._homing.writer.submit(job).result(30)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_the_folds_are_the_same_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, done: list[Any]) -> None:
    """After any history of late events, merges, hubs, judgements, decisions, learning, with caches lost in between."""
    clock = FixedClock(NOON)
    homing = strict(tmp_path_factory.mktemp("store"), clock)
    try:
        shop = Shop(homing, clock)
        for number, step in enumerate(done):
            shop.do(number, step)
        before = folds(homing)
        again(homing)
        assert folds(homing) == before
    finally:
        homing.close()


HISTORY: list[tuple[Any, ...]] = [
    *(("event", 10 - n, Trust.SERVER, {"user": f"u{n % 4}", "device": f"d{n % 3}"}) for n in range(8)),
    ("event", 11, Trust.SERVER, {"user": "u0", "email": "e0@example.com"}),
    ("outcome", 9, OutcomeKind.CLICKED, 0),
    *(("decide", n, n, n % 2 == 0) for n in range(4)),
    ("outcome", 0, OutcomeKind.CONVERTED, 0),
    ("learn", None, None, None),
    ("outcome", 1, OutcomeKind.BOUNCED, 0),
    ("event", 12, Trust.SERVER, {"user": "u1", "email": "e0@example.com"}),
    ("decide", 0, 3, True),
    ("learn", None, None, None),
    ("learn", None, None, None),
    ("event", 0, Trust.ASSERTED, {"browser": "b0", "email": "e0@example.com"}),
    ("event", 13, Trust.SERVER, {"browser": "b1"}),
    ("event", 14, Trust.SERVER, {"user": "u2", "browser": "b1"}),
]


@pytest.mark.parametrize("cached", [50_000, 1])
def test_a_written_history_is_made_again(tmp_path: Path, cached: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table has rows and keeps them, however few components stay cached."""
    clock = FixedClock(NOON)
    homing = strict(tmp_path, clock)
    shop = Shop(homing, clock)
    for number, each in enumerate(HISTORY):
        shop.do(number, each)
    before = folds(homing)
    assert all(before.values()), {name: len(rows) for name, rows in before.items()}
    assert any(hub for *_, hub in before["nodes"])
    monkeypatch.setattr(shelf, "MAX_COMPONENTS", cached)
    waiting = homing.writer.submit(to_fold).result(10)
    heard: list[int] = []
    made = homing.writer.submit(lambda conn: rebuild(conn, homing.people, heard.append)).result(60)
    assert sum(heard) == waiting == made.facts + made.entries
    assert (made.facts, made.identifiers) == (13, len(before["nodes"]))
    assert folds(homing) == before
    homing.close()


def test_a_rebuild_that_fails_changes_nothing(homing: Homing, clock: FixedClock) -> None:
    """It is one transaction: the folds stay as they were, and the service goes on."""
    shop = Shop(homing, clock)
    for number, each in enumerate(HISTORY[:9]):
        shop.do(number, each)
    before = folds(homing)

    def fail(_: int) -> None:
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        homing.writer.submit(lambda conn: rebuild(conn, homing.people, fail)).result(30)
    assert folds(homing) == before
    shop.do(99, HISTORY[0])
    after = folds(homing)
    again(homing)
    assert folds(homing) == after
