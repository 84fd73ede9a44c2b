"""What is known of a recipient is the same with everything at hand as read anew, whatever has happened in between."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from channel_selector.outcomes import Outcome, OutcomeKind
from identity.errors import ContradictionError
from identity.identifiers import Identifier
from identity.judgements import JudgementKind
from identity.normalize import clean
from identity.observations import Trust
from service.clock import FixedClock
from service.customers import Regulars
from service.customers.standing import Standing, standing
from service.decisions.asks import Ask
from service.decisions.deciding import Decider
from service.decisions.pasts import Pasts, read
from service.errors import ApiError
from service.events.ingest import ingest
from service.events.messages import Message, parse
from service.judgements import judging
from service.judgements.judging import Saying
from service.learning.outcomes import record_outcomes, report
from service.profiles import finding
from service.profiles.people import People
from service.profiles.profile_view import Glance, ProfileView
from service.store import decisions, nodes
from service.store.decisions import DecisionRow, OutcomeRow
from service.store.watch import News
from service.wiring import Homing
from tests.service.customers.world import World
from tests.service.harness import NOON, deployment

USERS, DEVICES = ("ada", "bob"), ("phone", "tablet")
EVENTS = ("Seen", "Product Added", "Order Completed", "Order Refunded", "Unsubscribed")

who = st.sampled_from([*(("user_id", user) for user in USERS), *(("device_id", each) for each in DEVICES)])
happenings = st.tuples(
    st.just("event"),
    st.sampled_from(EVENTS),
    st.integers(0, 60),
    st.none() | st.sampled_from(USERS),
    st.none() | st.sampled_from(DEVICES),
)
steps = (
    happenings
    | st.tuples(st.just("ask"), who)
    | st.tuples(st.just("outcome"), st.sampled_from(list(OutcomeKind)))
    | st.tuples(st.just("judge"), st.sampled_from(list(JudgementKind)))
    | st.tuples(st.just("undo"))
    | st.tuples(st.just("lost"), happenings)
    | st.tuples(st.just("elsewhere"), happenings)
    | st.tuples(st.just("elsewhere"), st.tuples(st.just("ask"), who))
    | st.tuples(st.just("elsewhere"), st.tuples(st.just("outcome"), st.sampled_from(list(OutcomeKind))))
)
traffics = st.lists(st.tuples(happenings, steps), min_size=4, max_size=8)


class Lost(Exception):  # noqa: N818 - what happens to a job
    """The job is rolled back."""


class Deaf:
    """Follows the folds of another process: nothing that is told here is heard."""

    def decided(self, row: DecisionRow) -> None:
        """Hear of no decision."""

    def came(self, row: OutcomeRow) -> None:
        """Hear of no outcome."""

    def forget(self) -> None:
        """Have nothing to forget."""


class Traffic:
    """Lets things happen in a deployment, and reads everybody with all at hand and with nothing."""

    def __init__(self, homing: Homing) -> None:
        self.homing = homing
        self._number = 0

    def let(self, step: tuple[Any, ...]) -> None:
        """Let one thing happen."""
        self._number += 1
        kind, *told = step
        job: Callable[..., None] = getattr(self, f"_{kind}")
        with suppress(Lost, ContradictionError, ApiError):
            self.homing.writer.submit(lambda conn: job(conn, *told)).result(30)

    def _message(self, name: str, hours: int, user: str | None, device: str | None) -> Message:
        raw = {
            "type": "track",
            "event": name,
            "messageId": f"m{self._number}",
            "timestamp": (NOON - timedelta(hours=hours)).isoformat(),
            "userId": user,
            "anonymousId": None if user or device else "browser",
            "properties": {"order_id": f"o{hours}", "cart_id": f"c{hours % 3}", "product_id": "coat", "price": 10},
            "context": {"device": {"id": device, "type": "ios", "token": f"{device}-{hours // 20}"}} if device else {},
            "traits": {},
        }
        read = parse(raw, route_type=None, source="shop", trust=Trust.SERVER, received_at=NOON, sent_at=None)
        assert isinstance(read, Message)
        return read

    def _event(self, conn: Connection, *told: Any) -> None:
        ingest(conn, self.homing.people, [self._message(*told)])

    def _lost(self, conn: Connection, happening: tuple[Any, ...]) -> None:
        """Take an event in, decide, look at everybody, and roll it all back."""
        self._event(conn, *happening[1:])
        self._ask(conn, ("user_id", USERS[0]))
        self._read(conn)
        raise Lost

    def _elsewhere(self, conn: Connection, happening: tuple[Any, ...]) -> None:
        """Let another process do something: what it changed is told afterwards, as the watch does."""
        if happening[0] == "event":
            self._event_elsewhere(conn, happening)
            return
        decisions.follow(conn, Deaf())
        if happening[0] == "ask":
            ask = Ask(recipient=(happening[1],), message_id=f"message-{self._number}")
            homing = self.homing
            other = Decider(self._others(), homing.customer_rules, homing.settings, homing.secret)
            other.standings.of = other.standings.anew  # type: ignore[method-assign]  # it must not follow this connection
            other.decide(conn, ask, homing.clock.now())
        else:
            self._outcome(conn, *happening[1:])
        news = News(everything=False, components=frozenset(), learned=False, judged=False, decided=True)
        self.homing.decider.renew(news)

    def _event_elsewhere(self, conn: Connection, happening: tuple[Any, ...]) -> None:
        message = self._message(*happening[1:])
        named = clean(message.identifiers, self.homing.rules)[0]
        before = nodes.find(conn, named).values()
        ingest(conn, self._others(), [message])
        touched = {node.component for node in (*before, *nodes.find(conn, named).values())}
        changed = frozenset(number for number in touched if number is not None)
        self.homing.people.renew(News(everything=False, components=changed, learned=False, judged=False))

    def _ask(self, conn: Connection, recipient: tuple[str, str]) -> None:
        ask = Ask(recipient=(recipient,), message_id=f"message-{self._number}")
        self.homing.decider.decide(conn, ask, self.homing.clock.now())

    def _outcome(self, conn: Connection, kind: OutcomeKind) -> None:
        made = [row for profile in decisions.profile_ids(conn) for row in decisions.of_profiles(conn, [profile])]
        if made:
            row = made[self._number % len(made)]
            record_outcomes(conn, [report(row.decision_id, Outcome(kind=kind, at=NOON), "shop")], NOON)

    def _judge(self, conn: Connection, kind: JudgementKind) -> None:
        ends = Identifier("user_id", USERS[0]), Identifier("user_id", USERS[1])
        judging.link(conn, self.homing.people, kind, ends, self._saying())

    def _undo(self, conn: Connection) -> None:
        for word in judging.standing(conn, self.homing.people)[-1:]:
            judging.undo(conn, self.homing.people, word.id, self._saying())

    def _saying(self) -> Saying:
        return Saying(source="test", now=NOON + timedelta(seconds=self._number))

    def _others(self) -> People:
        return People(self.homing.rules, self.homing.secret.derive("profiles"))

    def check(self) -> None:
        """Look at everybody, and compare: outside of the job, which would be run again with nothing at hand."""
        for kept, anew in self.homing.writer.submit(self._read).result(30):
            assert (kept is None) == (anew is None)
            if kept is not None and anew is not None:
                assert isinstance(kept.view, ProfileView)
                assert isinstance(anew.view, ProfileView)
                assert_same_view(kept.view, anew.view)
                assert_same_standing(kept, anew)
        for glance, view in self.homing.writer.submit(self._glances).result(30):
            for name in ("profile", "absorbed", "facts", "parted"):
                assert getattr(glance, name) == getattr(view, name), name

    def _glances(self, conn: Connection) -> list[tuple[Glance, ProfileView | None]]:
        """Read who each name means as for sending, and the same profiles in full by another process."""
        people, others = self.homing.people, self._others()
        seen = [finding.who(conn, people, [("user_id", user)], NOON) for user in USERS]
        seen += [finding.who(conn, people, [("device_id", device)], NOON) for device in DEVICES]
        return [(each, finding.view(conn, others, each.profile.profile_id)) for each in seen if each is not None]

    def _read(self, conn: Connection) -> list[tuple[Standing | None, Standing | None]]:
        """Read everybody with all at hand, and with nothing."""
        homing, others = self.homing, self._others()
        read = []
        for namespace, value in [*(("user_id", u) for u in USERS), *(("device_id", d) for d in DEVICES)]:
            kept = finding.profile_of(conn, homing.people, namespace, value)
            anew = finding.profile_of(conn, others, namespace, value)
            read.append(
                (
                    None if kept is None else homing.decider.standings.of(conn, kept),
                    None if anew is None else standing(conn, anew, homing.customer_rules, homing.settings),
                )
            )
        return read


def assert_same_view(kept: ProfileView, anew: ProfileView) -> None:
    """Compare all that is told of a profile."""
    assert kept.facts == anew.facts
    assert kept.telling() == anew.telling() == _telling(anew)
    for name in ("profile", "absorbed", "hubs", "refused", "intervals", "ids"):
        assert getattr(kept, name) == getattr(anew, name), name


def _telling(view: ProfileView) -> tuple[Any, ...]:
    """Say what telling means by its words alone."""
    members = set(view.profile.identifiers)
    beside = members.union(*(f.observation.identifiers for f in view.facts if members & {*f.observation.identifiers}))
    beside = beside.union(*(each.others for each in view.parted))
    mine = view.profile.profile_id
    return tuple(f for f in view.facts if f.owner == mine or beside & {*f.observation.identifiers})


def assert_same_standing(kept: Standing, anew: Standing) -> None:
    """Compare all that a decision is made from."""
    for name in ("reach", "sends", "outcomes", "planned", "profile_ids"):
        assert getattr(kept, name) == getattr(anew, name), name
    assert kept.reach.customer.orders == anew.reach.customer.orders
    assert kept.reach.customer.carts(NOON) == anew.reach.customer.carts(NOON)


@settings(max_examples=10, deadline=None)
@given(traffic=traffics)
@example(
    traffic=[
        (("event", "Seen", 0, "bob", None), ("event", "Seen", 0, "ada", None)),
        (("event", "Seen", 0, None, None), ("judge", JudgementKind.MUST_LINK)),
        (("event", "Seen", 0, None, None), ("judge", JudgementKind.CANNOT_LINK)),
    ]
)
@example(  # late events of one person, which change nobody's profile
    traffic=[
        (("event", "Seen", 9, "ada", "phone"), ("event", "Seen", 1, "ada", "phone")),
        (("event", "Product Added", 5, "ada", None), ("event", "Order Completed", 3, "ada", "phone")),
    ]
)
@example(  # a device of two persons, whose claims go on, and whose tokens come and go
    traffic=[
        (("event", "Seen", 9, "ada", "phone"), ("event", "Seen", 8, "bob", "phone")),
        (("event", "Seen", 7, None, "phone"), ("event", "Seen", 6, "ada", "phone")),
        (("event", "Seen", 5, None, "phone"), ("event", "Seen", 4, "bob", "tablet")),
    ]
)
def test_at_hand_is_as_read_anew(traffic: list[tuple[tuple[Any, ...], tuple[Any, ...]]]) -> None:
    """After events in any order, orders, decisions, outcomes, judgements, rollbacks and what others wrote."""
    with TemporaryDirectory() as folder:
        homing = deployment(Path(folder), FixedClock(NOON))
        try:
            happened = Traffic(homing)
            for step in chain.from_iterable(traffic):
                happened.let(step)
                happened.check()
        finally:
            homing.close()


def test_regulars_are_bounded_and_all_the_same() -> None:
    """With room for one fold of a few facts, each customer is still what it is."""
    world = World()
    for number in range(12):
        world.track(number, "Product Added", userId=f"u{number % 3}", properties={"product_id": "coat"})
    small, large = Regulars(world.rules, max_facts=15), Regulars(world.rules)
    for user in ("u0", "u1", "u2", "u1"):
        profile, facts = world.seen("user_id", user)
        anew = world.customer("user_id", user)
        assert small.customer(profile, facts) == anew
        assert large.customer(profile, facts[:6]).messages == anew.messages[:2]
        assert large.customer(profile, facts) == anew
    assert (small.weight, large.weight) == (13, 39)


def test_what_others_write_of_decisions_is_read(tmp_path: Path) -> None:
    """Of one that is at hand, another process's decision and what became of it count from the next transaction on."""
    homing = deployment(tmp_path, FixedClock(NOON))
    happened = Traffic(homing)
    event = ("event", "Seen", 1, USERS[0], DEVICES[0])
    told = [
        ("outcome", OutcomeKind.CLICKED),
        ("elsewhere", ("outcome", OutcomeKind.BOUNCED)),
        ("outcome", OutcomeKind.OPENED),
    ]
    for step in (event, ("ask", ("user_id", USERS[0])), ("elsewhere", ("ask", ("user_id", USERS[0]))), *told):
        happened.let(step)
        happened.check()
    assert sum(len(each.sends) for each, _ in homing.writer.submit(happened._read).result(30) if each is not None) == 4
    homing.close()


def test_pasts_are_bounded_and_all_the_same(tmp_path: Path) -> None:
    """With room for a decision or two, each endpoint's past is still what it is."""
    homing = deployment(tmp_path, FixedClock(NOON))
    names = ["a", "b", "c"]

    def put(conn: Connection) -> None:
        small, large = Pasts(max_rows=3), Pasts()
        for number in range(12):
            decisions.follow(conn, large)
            made = DecisionRow(
                decision_id=f"d{number}",
                seq=number,
                profile_id="p",
                message_id=f"m{number}",
                endpoint_id=names[number % 3],
                send_at=NOON - timedelta(hours=number % 5),
                expires_at=NOON,
            )
            decisions.put_decision(conn, made)
            decisions.put_outcome(
                conn, OutcomeRow(seq=100 + number, decision_id=f"d{number // 2}", kind="opened", at=NOON)
            )
            for asked in (names, names[:1], names[1:]):
                small.forget()
                assert large.of(conn, asked) == small.of(conn, asked) == read(conn, asked)
                assert small.weight <= 3
        assert large.weight > 12

    homing.writer.submit(put).result(30)
    homing.close()
