"""A decision is logged once with all that it is judged by again, and what it plans counts for the next one."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from channel_selector.eligibility.endpoints import MARKETING, TRANSACTIONAL
from service.clock import FixedClock
from service.decisions.asks import DEADLINE, Ask
from service.decisions.deciding import HELD_FOR
from service.decisions.rulings import Ruling, fold_decision, hold_of, logged
from service.store import decisions
from service.store.decisions import DecisionRow, EntryKind
from service.wiring import Homing
from tests.service.decisions.shops import opened
from tests.service.harness import NOON
from tests.service.shopping import TABLET, Shopping, before

T = TypeVar("T")

WONJUN = ("user_id", "wonjun")
_END = datetime.max.replace(tzinfo=UTC)
EVERY_TIME = st.datetimes(timezones=st.just(UTC))


@pytest.fixture
def capped(tmp_path: Path, clock: FixedClock) -> Iterator[Shopping]:
    """Give that shop where a person gets two messages a day at most."""
    yield from opened(tmp_path, clock, HOMING_CAPS='[{ limit = 2, per = "1d" }]')


def run(homing: Homing, job: Callable[[Connection], T]) -> T:
    """Run a job of the writer."""
    return homing.writer.submit(job).result(10)


def decide(
    shop: Shopping, message_id: str = "m1", recipient: tuple[tuple[str, str], ...] = (WONJUN,), **asked: Any
) -> Ruling:
    """Decide on a message now."""
    homing = shop.api.homing
    ask = Ask(recipient=recipient, message_id=message_id, **asked)
    return run(homing, lambda conn: homing.decider.decide(conn, ask, homing.clock.now()))


def soon(shop: Shopping) -> datetime:
    """Leave one send time only: now."""
    return shop.api.homing.clock.now() + timedelta(minutes=10)


def row_of(shop: Shopping, ruling: Ruling) -> DecisionRow:
    """Give the row that a decision is found by."""
    found = run(shop.api.homing, lambda conn: decisions.find(conn, ruling.decision.decision_id))
    assert found is not None
    return found


# --- the log --------------------------------------------------------------------------------------------------------


def test_the_log_never_says_who_the_recipient_was(shop: Shopping) -> None:
    """Neither what the caller called the person, nor any address; and that of a stranger is a keyed hash."""
    decide(shop, recipient=(("anonymous_id", TABLET), ("email", "wonjun@example.com")), abandoned_at=before(2))
    decide(shop, "m2", recipient=(("email", "stranger@example.com"),))
    bodies = run(shop.api.homing, lambda conn: b"".join(each.entry.body for each in decisions.scan(conn)))
    for personal in (TABLET, "wonjun", "token-phone", "stranger"):
        assert personal.encode() not in bodies


def test_an_entry_gives_the_decision_back(shop: Shopping) -> None:
    """Option, probabilities, effects and what was asked are read from the log as they were."""
    ruling = decide(shop, abandoned_at=before(2), variants=("a", "b"), features={"x": 1.5}, channels=("email", "fax"))
    seq = row_of(shop, ruling).seq
    kept = logged(run(shop.api.homing, lambda conn: decisions.read(conn, [seq])[0]))
    assert kept.decision == ruling.decision
    assert (kept.held, kept.fallback, kept.excluded) == (ruling.held, ruling.fallback, ruling.excluded)
    assert (kept.expires_at, kept.timezone, kept.message_id) == (ruling.expires_at, "Asia/Seoul", "m1")
    assert (kept.ask.abandoned_at, kept.ask.channels) == (before(2), ("email", "fax"))


def test_folding_the_log_again_gives_the_same_rows(shop: Shopping) -> None:
    """Sent, held and fallback decisions alike are found again after a rebuild."""
    made = [decide(shop), decide(shop, "m2", channels=("sms",)), decide(shop, "m3", recipient=(("user_id", "nobody"),))]
    rows = [row_of(shop, each) for each in made]
    assert [row.endpoint_id is None for row in rows] == [False, True, True]

    def again(conn: Connection) -> None:
        decisions.clear_folds(conn)
        for entry in decisions.scan(conn):
            if entry.entry.kind is EntryKind.DECISION:
                fold_decision(conn, entry)

    run(shop.api.homing, again)
    assert [row_of(shop, each) for each in made] == rows


def test_decision_ids_tell_nothing_and_never_repeat(shop: Shopping) -> None:
    """32 hexadecimal digits, another for each message and each person, of whom they say nothing."""
    made = [decide(shop, f"m{n % 5}", recipient=(("user_id", f"u{n // 5}"),)) for n in range(25)]
    ids = {each.decision.decision_id for each in made}
    assert len(ids) == 25
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in ids)


def test_strangers_are_told_apart(shop: Shopping) -> None:
    """Whatever their names hold, two recipients are one only where they are called the same, in any order."""
    called: list[tuple[tuple[str, str], ...]] = [
        (("a", "x\0b:y"),),
        (("a", "x"), ("b", "y")),
        (("a", "x:y"),),
        (("a:x", "y"),),
        (("a", ""),),
    ]
    subjects = [decide(shop, recipient=each).decision.subject for each in called]
    assert len(set(subjects)) == len(called)
    assert decide(shop, recipient=(("b", "y"), ("a", "x"))).decision.subject == subjects[1]


def test_a_hold_is_logged_once_with_its_reason(shop: Shopping, clock: FixedClock) -> None:
    """The first repeat that finds a reason writes it down as not sent; later ones read it."""
    ruling = decide(shop, not_before=NOON + timedelta(hours=6))
    clock.advance(timedelta(minutes=1))
    shop.order(0)
    held = [decide(shop).held, decide(shop).held]
    assert held == ["already_purchased"] * 2
    assert run(shop.api.homing, lambda conn: hold_of(conn, ruling.decision.decision_id)) == "already_purchased"
    entries = run(shop.api.homing, lambda conn: list(decisions.scan(conn)))
    (told,) = [each.entry for each in entries if each.entry.kind is EntryKind.OUTCOME]
    assert (told.decision_id, told.at) == (ruling.decision.decision_id, clock.now())
    assert orjson.loads(told.body)["kind"] == "not_sent"


def test_after_it_was_sent_nothing_is_taken_back(shop: Shopping, clock: FixedClock) -> None:
    """A reason that comes up after the send time is told, and the message stays one that was sent."""
    decide(shop, deadline=soon(shop))
    clock.advance(timedelta(hours=1))
    shop.consent(None, "denied")
    assert decide(shop).held == "no_consent"
    assert len(run(shop.api.homing, lambda conn: list(decisions.scan(conn)))) == 1


# --- caps -----------------------------------------------------------------------------------------------------------


def test_planned_messages_count_for_the_caps_until_they_are_not_sent(capped: Shopping) -> None:
    """Two planned ones fill the day, drawn or not; one reported as not sent makes room."""
    first = decide(capped, "m1", deadline=soon(capped))
    decide(capped, "m2", explore=False, deadline=soon(capped))
    assert decide(capped, "m3", deadline=soon(capped)).held == "frequency_cap"
    capped.outcome(first.decision.decision_id, "not_sent")
    assert decide(capped, "m4", deadline=soon(capped)).held is None
    assert decide(capped, "m1").decision == first.decision


def test_a_cap_that_is_full_later_does_not_hold_an_earlier_decision(capped: Shopping) -> None:
    """What was decided first keeps its place."""
    first = decide(capped, "m1", deadline=soon(capped))
    for name in ("m2", "m3"):
        decide(capped, name, deadline=soon(capped))
    assert decide(capped, "m1").held is None
    assert decide(capped, "m1").decision == first.decision


def test_neither_holds_nor_fallbacks_count(capped: Shopping) -> None:
    """What is sent nowhere known fills no cap."""
    for number in range(3):
        decide(capped, f"held{number}", channels=("sms",))
        decide(capped, f"fallback{number}", recipient=(("user_id", "nobody"),), deadline=soon(capped))
    assert decide(capped, "m1", deadline=soon(capped)).held is None


def test_a_hold_makes_room(capped: Shopping, clock: FixedClock) -> None:
    """A message taken back in time is none that was sent."""
    for name in ("m1", "m2"):
        assert (
            decide(capped, name, not_before=NOON + timedelta(hours=1), deadline=NOON + timedelta(hours=2)).held is None
        )
    clock.advance(timedelta(minutes=1))
    capped.order(0)
    assert decide(capped, "m1").held == "already_purchased"
    later: dict[str, Any] = {
        "not_before": NOON + timedelta(hours=1),
        "deadline": NOON + timedelta(hours=2),
        "kind": "news",
    }
    assert decide(capped, "m3", **later).held is None
    assert decide(capped, "m4", **later).held == "frequency_cap"


# --- today ----------------------------------------------------------------------------------------------------------


def test_today_follows_the_profile_that_took_the_other_in(shop: Shopping) -> None:
    """A guest's decision is its person's after the login, and held with that person's order."""
    guest = (("device_id", "guest-phone"),)
    context = {"device": {"id": "guest-phone", "type": "android", "token": "guest-token"}}
    shop.event(9, anonymousId="guest", context=context)
    made = decide(shop, recipient=guest, abandoned_at=before(5), not_before=NOON + timedelta(hours=3))
    shop.event(2, userId="wonjun", anonymousId="guest", context=context)
    shop.order(1)
    homing = shop.api.homing
    today = run(homing, lambda conn: homing.decider.today(conn, made.decision.decision_id, homing.clock.now()))
    assert today is not None
    assert today.held == "already_purchased"
    assert today.standing is not None
    assert today.standing.reach.customer.values("user_id") == ("wonjun",)


def test_today_of_no_decision_is_none(shop: Shopping) -> None:
    """Nobody knows of it."""
    homing = shop.api.homing
    assert run(homing, lambda conn: homing.decider.today(conn, "x", NOON)) is None


# --- asks -----------------------------------------------------------------------------------------------------------


@given(
    now=EVERY_TIME.filter(lambda at: 1971 < at.year < 9000),
    not_before=st.none() | EVERY_TIME,
    deadline=st.none() | EVERY_TIME,
)
@example(now=NOON, not_before=_END, deadline=None)
@example(now=NOON, not_before=None, deadline=_END)
def test_every_window_can_be_asked_for(now: datetime, not_before: datetime | None, deadline: datetime | None) -> None:
    """Never before now, two days where no deadline is named, and no overflow at the calendar's end."""
    window = Ask(message_id="m", not_before=not_before, deadline=deadline).window(now)
    assert window.not_before == max(now, not_before or now)
    assert window.deadline == deadline or deadline is None
    if deadline is None:
        assert window.not_before <= window.deadline <= window.not_before + min(DEADLINE, _END - window.not_before)


@pytest.mark.parametrize(
    ("asked", "reminds"),
    [
        ({}, True),
        ({"kind": "newsletter"}, False),
        ({"kind": "cart_reminder_2", "cart_id": "c"}, True),
        ({"kind": "win_back", "abandoned_at": NOON}, True),
        ({"purpose": TRANSACTIONAL}, False),
        ({"purpose": TRANSACTIONAL, "cart_id": "c"}, False),
        ({"purpose": MARKETING, "cart_id": "c"}, True),
    ],
)
def test_what_reminds_of_a_cart(asked: dict[str, Any], reminds: bool) -> None:
    """The kind says so, or a cart is named; a receipt never does."""
    ask = Ask(message_id="m", **asked)
    assert ask.reminds is reminds
    assert Ask.recalled(ask.kept()).reminds is reminds


def test_a_decision_stands_for_a_day_at_least(shop: Shopping) -> None:
    """However short its message's time is, and as long as that where it is longer."""
    assert decide(shop, "m1", deadline=soon(shop)).expires_at == NOON + HELD_FOR
    assert decide(shop, "m2", not_before=NOON + timedelta(days=3)).expires_at == NOON + timedelta(days=3) + DEADLINE


def test_the_logged_seed_tells_nothing_of_the_key(shop: Shopping) -> None:
    """Decision ids and strangers' names are made with a key of their own; the seed in the log comes from another."""
    seed, secret = decide(shop).decision.seed, shop.api.homing.secret
    assert seed == int.from_bytes(secret.derive("seed")[:6])
    assert seed != int.from_bytes(secret.derive("decisions")[:6])


# --- several at once ------------------------------------------------------------------------------------------------


class Undone(Exception):  # noqa: N818 - what happens to a job
    """The job is rolled back."""


def undone(homing: Homing, job: Callable[[Connection], T]) -> T:
    """Run a job, undo it, and give what it gave, when it was run with nothing at hand."""
    given: list[T] = []

    def lose(conn: Connection) -> None:
        given.append(job(conn))
        raise Undone

    with pytest.raises(Undone):
        run(homing, lose)
    return given[-1]


def asks(draws: Random) -> list[Ask]:
    """Draw questions about a few people, two of whom are reached at one address, and about nobody known."""
    names = [WONJUN, ("user_id", "mina"), ("user_id", "jun"), ("anonymous_id", TABLET), ("email", "x@example.com")]
    return [
        Ask(
            recipient=(draws.choice(names),),
            message_id=f"m{draws.randrange(5)}",
            purpose=draws.choice([MARKETING, MARKETING, TRANSACTIONAL]),
            cart_id=draws.choice([None, "cart-881"]),
            deadline=draws.choice([None, NOON + timedelta(hours=5)]),
            variants=draws.choice([(), ("plain", "carousel")]),
            explore=draws.random() < 0.7,
        )
        for _ in range(draws.randrange(2, 14))
    ]


def plain(ruling: Ruling) -> dict[str, Any]:
    """Give all of a ruling but what is known of the recipient."""
    told = {each.name: getattr(ruling, each.name) for each in fields(ruling) if each.name != "standing"}
    return told | {"profile_ids": None if ruling.standing is None else ruling.standing.profile_ids}


def test_several_decided_on_together_are_those_decided_on_one_by_one(capped: Shopping) -> None:
    """To the last field of decision and log: ids, draws, caps, repeats, strangers and a shared address included."""
    for user, messenger in (("mina", "kakao_id"), ("jun", "line_id")):
        same_name = [{"type": messenger, "id": "ada", "collection": "users", "encoding": "none"}]
        capped.event(70, userId=user, context={"externalIds": same_name})
    homing = capped.api.homing
    decide(capped, "m0")

    for seed in range(12):
        asked, now = asks(Random(seed)), homing.clock.now()

        def logged_by(made: list[Ruling], conn: Connection) -> tuple[Any, ...]:
            entries = [(each.seq, each.entry) for each in decisions.scan(conn)]
            return [plain(each) for each in made], entries

        together = undone(homing, lambda conn: logged_by(homing.decider.decide_all(conn, asked, now), conn))  # noqa: B023 - run at once
        alone = undone(homing, lambda conn: logged_by([homing.decider.decide(conn, a, now) for a in asked], conn))  # noqa: B023 - run at once
        assert together == alone
    assert len(together[1]) > 1
