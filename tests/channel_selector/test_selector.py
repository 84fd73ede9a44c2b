"""A Selector is its log: the same log gives the same selector, bit for bit, and it finds out what works."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_selector import Context, Decision, DeliveryOption, Outcome, Selector, SelectorSettings
from channel_selector.errors import CorruptFileError
from tests.channel_selector.strategies import NOW, option, outcome

WAYS = [
    option("evening", hour=20, after=1, endpoint="phone"),
    option("morning", hour=8, after=13, endpoint="phone"),
    option("mail", channel="email", kind="", hour=20, after=2, endpoint="mail"),
]
LATER = NOW + timedelta(days=3)


def shop(*, seed: int = 7, people: int = 6) -> tuple[Selector, list[Decision]]:
    """Make a selector that has decided once for each of some people."""
    selector = Selector(SelectorSettings(floor=0.5), seed=seed)
    contexts = [Context(subject=f"u{number}") for number in range(people)]
    return selector, selector.choose_many(contexts, [WAYS] * people, now=NOW)


def state(selector: Selector, path: Path) -> bytes:
    """Give all of a selector's state."""
    selector.save(path)
    return path.read_bytes()


def without_counter(text: bytes) -> dict[str, object]:
    """Give a saved state but for the number of ids it has made, which a replayed log does not tell."""
    body: dict[str, object] = json.loads(text)["body"]
    del body["drawn"]
    return body


def test_choose_is_choose_many_of_one() -> None:
    """Asked one by one or together, the decisions are equal, ids and draws included."""
    together = shop()[1]
    one_by_one = Selector(SelectorSettings(floor=0.5), seed=7)
    assert [one_by_one.choose(decision.context, WAYS, now=NOW) for decision in together] == together


def test_unequal_lists_are_refused() -> None:
    """Each context has its options."""
    with pytest.raises(ValueError, match="equally long"):
        Selector().choose_many([Context(subject="u")], [], now=NOW)


def test_a_decision_id_must_be_new() -> None:
    """Given again, for whomever, or twice at once, it is refused by name, not by value, and nothing is remembered."""
    selector = Selector()
    selector.choose(Context(subject="ada"), WAYS, now=NOW, decision_id="taken")
    before = selector.decisions()
    for subject in ("ada", "bob"):
        with pytest.raises(ValueError, match="decision_id must be new") as refused:
            selector.choose(Context(subject=subject), WAYS, now=NOW, decision_id="taken")
        assert "taken" not in str(refused.value)
    with pytest.raises(ValueError, match="decision_id must be new"):
        selector.choose_many([Context(subject="ada")] * 2, [WAYS] * 2, now=NOW, decision_ids=["twice", "twice"])
    assert selector.decisions() == before


kinds = st.sampled_from(["clicked", "converted", "opened", "not_sent", "unsubscribed"])
told = st.lists(st.tuples(st.integers(0, 5), kinds, st.integers(0, 24 * 9)), max_size=20)


@given(told)
def test_any_order_and_repetition_gives_the_same_population(events: list[tuple[int, str, int]]) -> None:
    """Outcomes told twice and backwards teach the same, bit for bit."""
    first, decisions = shop()
    second, _ = shop()
    reports = [(decisions[who].decision_id, outcome(kind, hours)) for who, kind, hours in events]
    for decision_id, fact in reports:
        first.record(decision_id, fact)
    for decision_id, fact in reversed(reports * 2):
        second.record(decision_id, fact)
    assert first.learn(now=LATER) == second.learn(now=LATER)
    for decision in decisions:
        assert first.effects(decision.subject, now=LATER) == second.effects(decision.subject, now=LATER)


def test_outcomes_told_before_their_decision_wait() -> None:
    """Another selector hears the outcome first and the decision, given whole, later: it learns the same."""
    selector, decisions = shop()
    clicked = outcome("clicked", 30)
    selector.record(decisions[0].decision_id, clicked)
    other = Selector(SelectorSettings(floor=0.5), seed=7)
    other.record(decisions[0].decision_id, clicked)
    assert other.effects("u0", now=LATER).arms == {}
    for decision in decisions:
        other.record(decision, outcome("delivered", 1))
        selector.record(decision, outcome("delivered", 1))
    assert other.learn(now=LATER) == selector.learn(now=LATER)


def test_replay_reproduces_the_state_bit_for_bit(tmp_path: Path) -> None:
    """An empty selector that replays the log and learns at the same instant is the log's own selector."""
    selector, decisions = shop()
    selector.record(decisions[2], outcome("converted", 40))
    selector.learn(now=LATER)
    other = Selector(SelectorSettings(floor=0.5), seed=7)
    for _ in range(2):
        other.replay(reversed(selector.decisions()), selector.outcomes()[::-1])
    other.learn(now=LATER)
    states = [without_counter(state(each, tmp_path / "s.json")) for each in (selector, other)]
    assert states[0] == states[1]


def test_a_merged_history_is_one_learned_together() -> None:
    """After a merge the survivor knows what both were sent; a split gives each endpoint's share back."""
    selector, decisions = shop()
    for decision in decisions:
        selector.record(decision, outcome("clicked", 30))
    apart = [selector.effects(f"u{number}", now=LATER) for number in range(2)]
    selector.merge("u0", "u1")
    merged = selector.effects("u0", now=LATER)
    assert sum(tally.sends for tally in merged.arms.values()) == 2
    assert selector.effects("u1", now=LATER).arms == {}
    moved = decisions[1].option
    assert moved is not None
    selector.split("u0", into="u1", endpoint_ids=[moved.endpoint_id])
    halves = [selector.effects(f"u{number}", now=LATER) for number in range(2)]
    assert {arm for half in halves for arm in half.arms} == {arm for half in apart for arm in half.arms}


def test_a_merge_and_its_undoing_leave_no_trace(tmp_path: Path) -> None:
    """Absorbed and given back by endpoint, everything is as before, in all bytes."""
    selector = Selector(seed=1)
    for subject, way in (("a", WAYS[0]), ("b", WAYS[2])):
        selector.choose(Context(subject=subject), [way], now=NOW)
    before = state(selector, tmp_path / "s.json")
    selector.merge("a", "b")
    assert state(selector, tmp_path / "s.json") != before
    selector.split("a", into="b", endpoint_ids=["mail"])
    assert state(selector, tmp_path / "s.json") == before


def test_forgetting_is_as_if_it_had_never_been() -> None:
    """After `forget`, customer and population are those of a log without the customer."""
    selector, decisions = shop()
    other = Selector(SelectorSettings(floor=0.5), seed=7)
    for decision in decisions:
        selector.record(decision, outcome("converted", 30))
        if decision.subject != "u3":
            other.record(decision, outcome("converted", 30))
    selector.learn(now=LATER)
    selector.forget("u3")
    assert selector.population == other.learn(now=LATER)
    assert selector.effects("u3", now=LATER).arms == {}
    selector.forget("nobody")
    selector.record(decisions[3].decision_id, outcome("clicked", 31))
    assert selector.effects("u3", now=LATER).arms == {}


def test_saved_and_loaded_it_goes_on_the_same(tmp_path: Path) -> None:
    """A loaded selector has the same bytes and makes the same next decision; the file is JSON, not pickle."""
    selector, decisions = shop()
    selector.record(decisions[0], Outcome(kind="converted", at=NOW + timedelta(hours=30), value=9.5, id="o-1"))  # type: ignore[arg-type]  # texts are taken too
    selector.record("unknown", outcome("clicked", 1))
    selector.merge("u0", "u1")
    selector.learn(now=LATER)
    path = tmp_path / "selector.json"
    saved = state(selector, path)
    loaded = Selector.load(path)
    assert state(loaded, tmp_path / "again.json") == saved
    assert json.loads(saved)["format"] == "homing.selector"
    nexts = [each.choose(Context(subject="u0"), WAYS, now=LATER) for each in (selector, loaded)]
    assert nexts[0] == nexts[1]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b'"position":12', b'"position":13', "checksum"),
        (b'"version":1}', b'"version":2}', "version"),
        (b"homing.selector", b"something.else", "not a saved selector"),
        (b"{", b"", "not JSON"),
    ],
)
def test_a_damaged_file_is_refused_in_words(tmp_path: Path, old: bytes, new: bytes, told: str) -> None:
    """Changed, foreign, newer or cut files raise one clear error; nothing of them is taken over."""
    selector, decisions = shop()
    for decision in decisions:
        selector.record(decision, outcome("delivered", 1))
    selector.learn(now=LATER)
    path = tmp_path / "selector.json"
    saved = state(selector, path)
    assert old in saved
    path.write_bytes(saved.replace(old, new, 1))
    with pytest.raises(CorruptFileError, match=told):
        Selector.load(path)


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b'{"format":"homing.selector"}'])
def test_anything_else_is_refused_too(tmp_path: Path, damage: bytes) -> None:
    """Empty, binary, deep or foreign content is a CorruptFileError, never another."""
    path = tmp_path / "selector.json"
    path.write_bytes(damage)
    with pytest.raises(CorruptFileError):
        Selector.load(path)


def test_the_best_option_on_demand_is_never_learned_from() -> None:
    """`explore=False` decisions leave customer and population untouched whatever is reported of them."""
    selector = Selector(seed=1)
    decision = selector.choose(Context(subject="u"), WAYS, now=NOW, explore=False)
    selector.record(decision, outcome("converted", 5))
    assert selector.effects("u", now=LATER).arms == {}
    assert selector.learn(now=LATER).tallies == {}


def test_an_own_id_may_be_given() -> None:
    """The caller's decision id is kept; else ids differ from decision to decision."""
    selector = Selector(seed=1)
    assert selector.choose(Context(subject="u"), WAYS, now=NOW, decision_id="mine").decision_id == "mine"
    made = {selector.choose(Context(subject="u"), WAYS, now=NOW).decision_id for _ in range(20)}
    assert len(made) == 20


PLACES = (("app_push", "phone", 0.12), ("web_push", "desktop", 0.06), ("email", "", 0.05))
ROUNDS, PEOPLE = 12, 250


def places(now: datetime) -> list[DeliveryOption]:
    """Make an option for each place and part of the day."""
    return [
        DeliveryOption(
            option_id=f"{channel}-{hour}",
            channel=channel,
            device_kind=kind,
            endpoint_id=channel,
            send_at=now + timedelta(hours=hour),
            local_hour=hour,
            weekday=0,
        )
        for channel, kind, _ in PLACES
        for hour in range(0, 24, 3)
    ]


def test_it_finds_out_what_works_for_whom() -> None:
    """Against a known truth it closes most of the gap from chance to the best fixed option, and beats that later on.

    Customers differ in place and hour (log-normal, σ 0.9 each); seeds are fixed. Rounds are judged by the true rates of
    what was chosen.
    """
    random = np.random.default_rng(5)
    base = np.array([rate for *_, rate in PLACES])[:, None] * np.exp(random.normal(0.0, 0.3, 8))
    person = np.exp(random.normal(0.0, 0.9, (PEOPLE, 3, 1)) + random.normal(0.0, 0.9, (PEOPLE, 1, 8)))
    truth = np.clip(base * person, 0.0, 0.7).reshape(PEOPLE, 24)
    selector = Selector(seed=3)
    value = []
    for turn in range(ROUNDS):
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=8 * turn)
        contexts = [Context(subject=str(number)) for number in range(PEOPLE)]
        decisions = selector.choose_many(contexts, [places(now)] * PEOPLE, now=now)
        rates = [
            float(truth[number, decision.chosen])
            for number, decision in enumerate(decisions)
            if decision.chosen is not None
        ]
        for decision, rate in zip(decisions, rates, strict=True):
            if decision.option is not None and random.random() < rate:
                bought = Outcome(kind="converted", at=decision.option.send_at + timedelta(hours=1))  # type: ignore[arg-type]  # texts are taken too
                selector.record(decision, bought)
        selector.learn(now=now + timedelta(days=8))
        value.append(sum(rates))
    chance, best, fixed = truth.mean(axis=1).sum(), truth.max(axis=1).sum(), truth.sum(axis=0).max()
    closed = (np.array(value) - chance) / (best - chance)
    assert closed[0] < 0.15
    assert closed[-3:].mean() > (fixed - chance) / (best - chance) + 0.05
