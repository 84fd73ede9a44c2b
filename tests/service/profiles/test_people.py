"""The live profiles: equal to R whatever the order of arrival and however little is cached."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from identity.loaded_rules import load_rules
from identity.observations import Trust
from identity.resolve import resolve
from identity.rules import LinkingRules
from service.events.ingest import Receipt, ingest
from service.events.messages import Message
from service.events.observing import Observer
from service.profiles import finding, node_shelf, shelf
from service.profiles.people import People
from service.store import facts, nodes
from service.store.database import Database, open_database

KEY = b"k" * 32
START = datetime(2026, 3, 1, tzinfo=UTC)
RULES = load_rules({"hub_limit": 2, "namespaces": {"anonymous_id": {"ttl": "5m"}}})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Open a new store."""
    opened = open_database(f"sqlite:///{tmp_path}/homing.db")
    yield opened
    opened.close()


def message(number: int, minute: int, trust: Trust = Trust.SERVER, **identifiers: str) -> Message:
    """Make an event of some minute with these identifiers; `anonymousId`, `userId`, `email` and `device`."""
    named = {
        "userId": identifiers.get("user"),
        "anonymousId": identifiers.get("anonymous"),
        "traits": {"email": identifiers["email"]} if "email" in identifiers else {},
        "context": {"device": {"id": identifiers["device"]}} if "device" in identifiers else {},
    }
    body = orjson.dumps({"type": "track", "event": "Seen", **named}, option=orjson.OPT_SORT_KEYS)
    at = START + timedelta(minutes=minute)
    raw = [("user_id", "user"), ("anonymous_id", "anonymous"), ("email", "email"), ("device_id", "device")]
    return Message(
        message_id=f"m{number}",
        type="track",
        name="Seen",
        source="test",
        trust=trust,
        at=at,
        received_at=at,
        identifiers=tuple((namespace, identifiers[name]) for namespace, name in raw if name in identifiers),
        body=body,
        digest=hashlib.blake2b(body, digest_size=16).digest(),
    )


few = st.integers(0, 4).map(str)


@st.composite
def messages(draw: st.DrawFn) -> list[Message]:
    """Events of few people, devices and minutes, in any order of arrival."""
    rows = draw(
        st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "user": few.map("u{}".format),
                    "anonymous": few.map("a{}".format),
                    "email": few.map("e{}@example.com".format),
                    "device": few.map("d{}".format),
                },
            ),
            max_size=25,
        )
    )
    trusts = st.sampled_from([Trust.ASSERTED, Trust.SERVER])
    return [message(number, draw(st.integers(0, 30)), draw(trusts), **row) for number, row in enumerate(rows)]


@settings(max_examples=60, deadline=None)
@given(arrivals=messages(), cached=st.sampled_from([0, 1, 50_000]), batch=st.integers(1, 7))
def test_profiles_in_the_store_are_those_of_r(arrivals: list[Message], cached: int, batch: int) -> None:
    """However facts arrive, in batches of whatever size, with whatever is cached: the store holds R's partition."""
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(shelf, "MAX_COMPONENTS", cached)
        patch.setattr(node_shelf, "MAX_NODES", 2 * cached)
        database = open_database(f"sqlite:///{folder}/homing.db")
        people = People(RULES, KEY)
        with database.connect() as conn:
            for start in range(0, len(arrivals), batch):
                with conn.begin():
                    ingest(conn, people, arrivals[start : start + batch])
            with conn.begin():
                _compare(conn, people, arrivals)
        database.close()


def _compare(conn: Connection, people: People, arrivals: list[Message]) -> None:
    observer = Observer(RULES)
    wanted = resolve([observer.observe(one) for one in arrivals], RULES, key=KEY)
    by_identifier = {i: p.profile_id for p in wanted.profiles for i in p.identifiers}
    stored = nodes.find(conn, list(by_identifier))
    assert {i: node.profile_id for i, node in stored.items()} == by_identifier
    for profile in wanted.profiles:
        view = finding.view(conn, people, profile.profile_id)
        assert view is not None
        assert view.profile == profile
        for fact in view.facts:
            assert fact.owner == wanted.attribution[fact.observation.key]
    for given_up, successor in wanted.redirects.items():
        view = finding.view(conn, people, given_up)
        if view is not None:  # never issued: it came and went within the replay of late events
            assert view.profile.profile_id == successor
            assert view.redirected_from == given_up


def test_folding_again_gives_the_same_rows(database: Database) -> None:
    """Fed again from the log, block by block, nodes, sightings and issued ids are the same to the last row."""
    arrivals = [
        message(n, (n * 7) % 11, user=f"u{n % 3}", device=f"d{n % 4}", anonymous=f"a{n % 5}") for n in range(30)
    ]
    with database.connect() as conn:
        with conn.begin():
            ingest(conn, People(RULES, KEY), arrivals)
        with conn.begin():
            before = _rows(conn)
            nodes.clear_folds(conn)
            again = People(RULES, KEY)
            again.take(conn, [(fact.seq, facts.message(fact)) for fact in facts.scan(conn)])
            assert _rows(conn) == before


def _rows(conn: Connection) -> list[list[tuple[object, ...]]]:
    tables = ("nodes ORDER BY node", "sightings ORDER BY node, seq", "issued ORDER BY profile_id")
    return [[tuple(row) for row in conn.exec_driver_sql(f"SELECT * FROM {table}")] for table in tables]  # noqa: S608


def test_the_same_message_twice_changes_nothing(database: Database) -> None:
    """A repeated message is a duplicate, another one under its id a conflict; neither reaches the profiles."""
    people = People(LinkingRules(), KEY)
    one, other = message(1, 1, user="u1"), message(1, 1, user="u2")
    with database.connect() as conn, conn.begin():
        assert ingest(conn, people, [one, one, other]) == [Receipt.ACCEPTED, Receipt.DUPLICATE, Receipt.CONFLICT]
        before = _rows(conn)
        assert ingest(conn, people, [one, other]) == [Receipt.DUPLICATE, Receipt.CONFLICT]
        assert _rows(conn) == before
        assert facts.last_seq(conn) == 1


def test_a_shared_tablet_is_whose_it_was_then(database: Database) -> None:
    """Asked for a device and a moment, the answer is who had it then."""
    people = People(LinkingRules(), KEY)
    with database.connect() as conn, conn.begin():
        ingest(conn, people, [message(1, 0, user="kevin", device="tab"), message(2, 60, user="nora", device="tab")])
        early = finding.who(conn, people, [("device_id", "tab")], START + timedelta(minutes=30))
        late = finding.who(conn, people, [("device_id", "tab")], START + timedelta(minutes=90))
        assert early is not None
        assert late is not None
        assert (str(early.profile.person), str(late.profile.person)) == ("user_id:kevin", "user_id:nora")
        assert finding.who(conn, people, [("device_id", "never")], START) is None
        assert finding.who(conn, people, [("email", "undefined")], START) is None
