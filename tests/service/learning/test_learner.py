"""A run of the learner is a fact of the log: idempotent, whole, used by the next decision, recomputed at will."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy.engine import Connection

from channel_selector.choosing import recompute
from channel_selector.eligibility.arms import Arm
from channel_selector.model.learning import fit_population
from channel_selector.model.organic import Bought
from channel_selector.model.population import Population
from channel_selector.model.tallies import Cells, Tally
from channel_selector.settings import SelectorSettings
from identity.observations import Trust
from service import metrics
from service.clock import FixedClock
from service.commands.doctor import Finding, examine
from service.decisions.rulings import Logged, logged
from service.events.ingest import ingest
from service.events.messages import Message, parse
from service.learning import learner, runs
from service.learning.learner import Learner, keep_learning, learn, shifted, tell
from service.store import chain, decisions, idempotency, meta, models, schema
from service.store.decisions import EntryKind, LoggedEntry
from service.store.idempotency import Answer
from service.store.models import Snapshot
from service.wiring import Homing
from tests.service.harness import NOON, Api, deployment
from tests.service.shopping import PHONE, Shopping


@pytest.fixture
def shop(api: Api) -> Shopping:
    """Give a shop where Wonjun has left a cart on his tablet."""
    shop = Shopping(api)
    shop.wonjun()
    return shop


def entries(homing: Homing) -> list[LoggedEntry]:
    """Give the whole decision log."""
    return homing.writer.submit(lambda conn: list(decisions.scan(conn))).result(10)


def logged_runs(homing: Homing) -> list[Any]:
    """Give the bodies of the learner's runs."""
    return [orjson.loads(each.entry.body) for each in entries(homing) if each.entry.kind is EntryKind.RUN]


def newest(homing: Homing) -> Snapshot | None:
    """Give the newest model in the store."""
    return homing.writer.submit(models.newest).result(10)


def made(homing: Homing, decision_id: str) -> Logged:
    """Give a decision as it is in the log."""
    (found,) = [e for e in entries(homing) if e.entry.kind is EntryKind.DECISION and e.entry.decision_id == decision_id]
    return logged(found)


def sent_and_clicked(shop: Shopping, clock: FixedClock, message_id: str = "first", **asked: Any) -> Any:
    """Decide on a message, let it be sent, and clicked a minute later; the clock stands at the click."""
    told = shop.ask(message_id, **asked)
    assert told["action"] == "send"
    clock.set(max(clock.now(), datetime.fromisoformat(told["send_at"]) + timedelta(minutes=1)))
    shop.outcome(told["decision_id"], "clicked", clock.now())
    return told


def test_a_run_is_logged_and_nothing_new_makes_no_other(shop: Shopping, clock: FixedClock) -> None:
    """Its entry holds position, settings and what it made of the log; the store's model is just that."""
    sent_and_clicked(shop, clock)
    homing = shop.api.homing
    population = learn(homing)
    assert population is not None
    (run,) = logged_runs(homing)
    assert run["run"] == 1
    assert run["position"] == population.position == homing.writer.submit(chain.head).result(10).block - 1
    assert SelectorSettings.from_json(run["settings"]) == homing.settings.selection()
    assert Population.from_json(run["population"]) == population
    snapshot = newest(homing)
    assert snapshot is not None
    assert Population.from_json(orjson.loads(snapshot.body)) == population
    assert [(tally.sends, tally.engaged) for tally in population.tallies.values()] == [(1, 1)]
    clock.advance(timedelta(minutes=5))
    assert learn(homing) is None
    assert len(logged_runs(homing)) == 1


@pytest.mark.parametrize("news", ["event", "outcome", "decision"])
def test_whatever_comes_in_is_learned_from(shop: Shopping, clock: FixedClock, news: str) -> None:
    """A fact, an outcome or a decision makes another run."""
    told = sent_and_clicked(shop, clock)
    learn(shop.api.homing)
    if news == "event":
        shop.event(0)
    elif news == "outcome":
        shop.outcome(told["decision_id"], "converted", clock.now())
    else:
        shop.ask("another")
    assert learn(shop.api.homing) is not None
    assert [run["run"] for run in logged_runs(shop.api.homing)] == [1, 2]


@pytest.mark.parametrize("late", ["outcome", "order"])
def test_what_comes_in_during_a_run_is_learned_from_in_the_next(
    shop: Shopping, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """What comes after the customers were read and before the run is logged is not taken for read."""
    sent_and_clicked(shop, clock)
    homing = shop.api.homing
    bought = {"type": "track", "event": "Order Completed", "userId": "wonjun", "properties": {"order_id": "o1"}}
    order = parse(bought, route_type=None, source="s", trust=Trust.SERVER, received_at=clock.now(), sent_at=None)
    assert isinstance(order, Message)
    clicked = entries(homing)[-1].entry
    body = orjson.loads(clicked.body) | {"kind": "converted"}
    converted = replace(clicked, key="late", body=orjson.dumps(body))

    def interfere() -> None:
        if late == "outcome":
            homing.writer.submit(lambda conn: _append(conn, converted)).result(10)
        else:
            homing.writer.submit(lambda conn: ingest(conn, homing.people, [order])).result(10)

    def fit(*given: Any, **more: Any) -> Population:
        interfere()
        return fit_population(*given, **more)

    learning = Learner(homing)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(learner, "fit_population", fit)
        first = learning.run()
    second = learning.run()
    assert first is not None
    assert second is not None
    assert [sum(tally.converted for tally in each.tallies.values()) for each in (first, second)] == [0, 1]


def _append(conn: Connection, entry: decisions.Entry) -> None:
    seq = decisions.append(conn, entry)
    assert seq is not None
    decisions.put_outcome(
        conn,
        decisions.OutcomeRow(seq=seq, decision_id=entry.decision_id or "", kind="converted", at=entry.at),
    )


def test_the_next_decision_uses_the_model(shop: Shopping, clock: FixedClock) -> None:
    """Before the first run nothing is known; after it the version is the population's, here and in a new process.

    What one customer did raises what is expected of others.
    """
    other = {"namespace": "user_id", "value": "nobody"}
    before = shop.ask("before", recipient=other, channels=["app_push"])
    first = sent_and_clicked(shop, clock, channels=["app_push"])
    population = learn(shop.api.homing)
    assert population is not None
    second = shop.ask("second", channels=["app_push"])
    assert first["model_version"] == f"tastes-3:{Population.empty(timedelta(days=7)).version}"
    assert second["model_version"] == f"tastes-3:{population.version}"
    after = shop.ask("after", recipient=other, channels=["app_push"])
    assert after["conversion_probability"] > before["conversion_probability"]
    shop.api.homing.decider.forget()
    assert shop.ask("third", channels=["app_push"])["model_version"] == second["model_version"]


def test_a_decision_is_computed_again_from_the_log_alone(shop: Shopping, clock: FixedClock) -> None:
    """From its entry, and the run's that it names, come the same probabilities to the last bit."""
    sent_and_clicked(shop, clock)
    before = shop.ask("before")
    learn(shop.api.homing)
    asked = [before, shop.ask("drawn"), shop.ask("best", explore=False), shop.ask("two", variants=["a", "b"])]
    settings = SelectorSettings.from_json(logged_runs(shop.api.homing)[0]["settings"])
    learned = Population.from_json(logged_runs(shop.api.homing)[0]["population"])
    for told, population in zip(asked, [Population.empty(timedelta(days=7)), *[learned] * 3], strict=True):
        decision = made(shop.api.homing, told["decision_id"]).decision
        assert recompute(decision, population, settings) == decision.probabilities
        assert decision.effects.arms
        assert sum(decision.probabilities) == pytest.approx(1.0, abs=1e-12)


def test_a_run_folds_to_the_same_model(shop: Shopping, clock: FixedClock) -> None:
    """Thrown away and folded again from its entry, the snapshot is the same to the last byte."""
    sent_and_clicked(shop, clock)
    homing = shop.api.homing
    learn(homing)
    before = newest(homing)

    def again(conn: Connection) -> Snapshot | None:
        (run,) = [each for each in decisions.scan(conn) if each.entry.kind is EntryKind.RUN]
        decisions.clear_folds(conn)
        runs.fold(conn, run)
        return models.newest(conn)

    assert homing.writer.submit(again).result(10) == before


@pytest.mark.parametrize("often", [False, True], ids=["once", "often"])
def test_learning_on_the_way_changes_nothing(tmp_path: Path, often: bool) -> None:
    """A store that was learned from after every step ends with the population of one that was learned from once."""
    found = []
    for name, steps in (("once", False), ("again", often)):
        (tmp_path / name).mkdir()
        clock = FixedClock(NOON)
        api = Api(deployment(tmp_path / name, clock))
        shop = Shopping(api)
        shop.wonjun()
        for channel in ("email", "app_push", "email"):
            # One channel and one send time: nothing is left to a draw, so that both stores send alike.
            sent_and_clicked(shop, clock, f"by-{channel}-{clock.now()}", channels=[channel], deadline=_soon(clock))
            if steps:
                learn(api.homing)
        shop.order(-((clock.now() - NOON).total_seconds() / 3_600))
        clock.advance(timedelta(days=8))
        shop.event(-((clock.now() - NOON).total_seconds() / 3_600))
        population = learn(api.homing)
        assert population is not None
        found.append(replace(population, position=0))
        api.close()
        api.homing.close()
    assert found[0] == found[1]
    assert sum(tally.converted for tally in found[0].tallies.values()) == 1


def _soon(clock: FixedClock) -> str:
    """Leave one send time only: now."""
    return (clock.now() + timedelta(minutes=10)).isoformat()


def test_merged_profiles_pool_their_history(shop: Shopping, clock: FixedClock) -> None:
    """What was sent to a guest's phone counts as the person's whom it turned out to be, for the next decision."""
    guest = {"namespace": "device_id", "value": "guest-phone"}
    phone = {"device": {"id": "guest-phone", "type": "android", "token": "guest-token"}, "timezone": "Asia/Seoul"}
    shop.event(9, anonymousId="guest", context=phone)
    told = [sent_and_clicked(shop, clock), sent_and_clicked(shop, clock, "guest", recipient=guest, abandoned_at=None)]
    apart = [made(shop.api.homing, shop.ask("apart", recipient=each)["decision_id"]) for each in _both(guest)]
    assert [sum(t.sends for t in each.decision.effects.arms.values()) for each in apart] == [1, 1]
    assert told[0]["profile_id"] != told[1]["profile_id"]
    shop.event(-((clock.now() - NOON).total_seconds() / 3_600), userId="wonjun", anonymousId="guest", context=phone)
    population = learn(shop.api.homing)
    together = made(shop.api.homing, shop.ask("together")["decision_id"]).decision
    assert sum(tally.engaged for tally in together.effects.arms.values()) == 2
    assert population is not None
    assert sum(tally.sends for tally in population.tallies.values()) == 2


def _both(guest: dict[str, str]) -> list[dict[str, str]]:
    return [{"namespace": "device_id", "value": PHONE}, guest]


def test_a_changed_window_begins_anew_until_it_is_learned(tmp_path: Path, clock: FixedClock) -> None:
    """A model of another window says nothing: decisions go on from what is assumed until the next run."""
    for place, window in enumerate(("7d", "3d")):
        homing = deployment(tmp_path, clock, {"HOMING_ATTRIBUTION_WINDOW": window})
        api = Api(homing)
        shop = Shopping(api)
        if place == 0:
            shop.wonjun()
            sent_and_clicked(shop, clock)
            assert learn(homing) is not None
        else:
            empty = Population.empty(timedelta(days=3))
            assert shop.ask("after")["model_version"] == f"tastes-3:{empty.version}"
        api.close()
        homing.close()
    homing = deployment(tmp_path, clock, {"HOMING_ATTRIBUTION_WINDOW": "3d"})
    relearned = learn(homing)
    assert relearned is not None
    assert relearned.engaged_delays.window == timedelta(days=3)
    homing.close()


def test_changed_settings_are_learned_with_though_nothing_has_come_in(tmp_path: Path, clock: FixedClock) -> None:
    """A store that is opened under another window makes a new model by itself."""
    for window in ("7d", "3d"):
        homing = deployment(tmp_path, clock, {"HOMING_ATTRIBUTION_WINDOW": window})
        learned = learn(homing)
        assert learned is not None
        assert learn(homing) is None
        homing.close()


class Enough(Exception):  # noqa: N818 - the end of a test's learning
    """It was learned often enough."""


def test_a_failed_run_is_tried_again(shop: Shopping, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever one run fails of, the learner lives on and the next run succeeds."""
    sent_and_clicked(shop, clock)
    homing = shop.api.homing
    failed: list[bool] = []
    pauses: list[float] = []

    def fit(*given: Any, **more: Any) -> Population:
        if not failed:
            failed.append(True)
            raise ValueError
        return fit_population(*given, **more)

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if logged_runs(homing) or len(pauses) > 5:
            raise Enough

    monkeypatch.setattr(learner, "fit_population", fit)
    with pytest.raises(Enough):
        keep_learning(homing.settings, pause)
    assert failed
    assert pauses == [300.0] * 3
    (run,) = logged_runs(homing)
    # It learned with a store of its own: this one hears of it.
    assert shop.ask("after")["model_version"] == f"tastes-3:{Population.from_json(run['population']).version}"


def test_old_answers_to_idempotency_keys_are_let_go_of(shop: Shopping, clock: FixedClock) -> None:
    """A run forgets those older than two days; a second try before that gets the same answer."""
    homing, answer = shop.api.homing, Answer(digest=b"d", status=200, body=b"{}")

    def keep(conn: Connection) -> None:
        idempotency.keep(conn, "key_1", "old", answer, NOON)
        idempotency.keep(conn, "key_1", "new", answer, NOON + timedelta(hours=2))

    def kept(conn: Connection) -> list[Answer | None]:
        return [idempotency.find(conn, "key_1", name) for name in ("old", "new")]

    homing.writer.submit(keep).result(10)
    sent_and_clicked(shop, clock)
    learn(homing, now=NOON + idempotency.KEPT + timedelta(hours=1))
    assert homing.writer.submit(kept).result(10) == [None, answer]


def believed(clicks: int, at: datetime) -> Population:
    """Make a model of 1,000 e-mails that has read the whole log."""
    tallies: Cells = {(None, Arm("email", "", 6)): Tally(1_000, clicks, 0, 1_000.0, 0.0, 0)}
    return replace(Population.empty(timedelta(days=7)), at=at, tallies=tallies)


def judged(homing: Homing, population: Population) -> bool:
    """Let the learner judge a run of its own."""
    job = homing.writer.submit(lambda conn: learner._judge(conn, homing, population, NOON))
    return job.result(10)


def told_of_learning(homing: Homing) -> Finding:
    """Give the doctor's line on learning."""
    return next(each for each in examine(homing.settings, homing.clock) if each.name == "learning")


def test_a_flood_is_not_learned_and_told_until_it_is_over(homing: Homing, caplog: pytest.LogCaptureFixture) -> None:
    """The last good model goes on deciding; log, metric and doctor tell; the next honest run is taken."""
    assert told_of_learning(homing) == Finding(name="learning", well=True, detail="no run yet")
    assert judged(homing, believed(70, NOON))
    version = homing.writer.submit(homing.decider.chooser).result(10).model_version
    assert not judged(homing, believed(900, NOON))
    assert "reactions by email 7.00% → 90.00%" in caplog.text
    assert homing.writer.submit(shifted).result(10) == 1
    found = told_of_learning(homing)
    assert not found.well
    assert "reactions by email" in found.detail
    homing.decider.forget()
    assert homing.writer.submit(homing.decider.chooser).result(10).model_version == version
    assert len(logged_runs(homing)) == 1
    assert judged(homing, believed(75, NOON))
    assert homing.writer.submit(shifted).result(10) == 0
    assert told_of_learning(homing).detail.startswith("run 2 of ")


def test_the_metrics_tell_what_another_process_held_back(api: Api) -> None:
    """The server hears of it from the store, for it does not learn itself."""
    homing = api.homing
    for told, shown in (("reactions by email 7.00% → 90.00%; purchases by sms 1.00% → 40.00%", b"2.0"), ("", b"0.0")):
        homing.writer.submit(partial(meta.put, name=meta.LEARNER_SHIFT, value=told)).result(10)
        api.run(tell(homing))
        assert b"homing_learner_shift " + shown in metrics.exposition(waiting=0)


def test_an_operator_may_believe_it(tmp_path: Path, clock: FixedClock) -> None:
    """With `selector.largest_shift` none, whatever came is learned."""
    homing = deployment(tmp_path, clock, {"HOMING_SELECTOR__LARGEST_SHIFT": "none"})
    assert judged(homing, believed(70, NOON))
    assert judged(homing, believed(900, NOON))
    homing.close()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"reactions":{}}', None])
def test_a_damaged_model_is_passed_over(homing: Homing, damage: bytes | None) -> None:
    """The last good one decides; where there is none, what is assumed before anything is learned. Never an error."""
    window = timedelta(days=7)
    assert judged(homing, believed(70, NOON))
    good = homing.writer.submit(homing.decider.chooser).result(10).model_version
    assert judged(homing, believed(71, NOON))
    newest = homing.writer.submit(models.newest).result(10)
    assert newest is not None
    spoiled = newest.body.replace(b"1000", b"1001", 1) if damage is None else damage
    assert spoiled != newest.body
    table = schema.models
    for run, expected in ((2, good), (1, f"tastes-3:{Population.empty(window).version}")):
        spoil = table.update().where(table.c.run == run).values(body=spoiled)
        homing.writer.submit(partial(Connection.execute, statement=spoil)).result(10)
        homing.decider.forget()
        assert homing.writer.submit(homing.decider.chooser).result(10).model_version == expected


def test_the_holdout_shows_who_buys_anyway(tmp_path: Path, clock: FixedClock) -> None:
    """A message withheld and an order after it: one of one, once its window is over."""
    homing = deployment(tmp_path, clock, {"HOMING_SELECTOR__HOLDOUT": "1.0"})
    api = Api(homing)
    shop = Shopping(api)
    shop.wonjun()
    told = shop.ask("first")
    assert (told["action"], told["holdout"]) == ("hold", True)
    clock.advance(timedelta(hours=5))
    shop.order(-4)
    clock.advance(timedelta(days=8))
    population = learn(homing)
    assert population is not None
    assert list(population.organic.withheld.values()) == [Bought(1.0, 1.0)]
    api.close()
    homing.close()
