"""What was, what changed and who was verified is the same on every store, and through whichever replica."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from identity.observations import Trust
from service.clock import FixedClock
from service.events.ingest import Taken, admit
from service.folds.verify import verify
from service.keys import Scope
from service.profiles.change_answers import feed
from service.profiles.people import People
from service.store import facts
from service.wiring import Homing
from tests.contracts.test_answers import Shop, folded_again
from tests.contracts.test_facts import message
from tests.contracts.test_replicas import take
from tests.contracts.twins import Twins
from tests.service.events.test_identity_tokens import KEYS, presented, signed
from tests.service.harness import NOON, deployment


@pytest.fixture
def servers(postgresql_store: str, tmp_path: Path, clock: FixedClock) -> Iterator[tuple[Homing, Homing]]:
    """Give two replicas that know the keys of tokens."""
    both = tuple(deployment(tmp_path, clock, KEYS, url=postgresql_store) for _ in range(2))
    yield both[0], both[1]
    for each in both:
        each.close()


def test_the_feed_and_the_past_agree_on_every_store(twins: Twins) -> None:
    """A shop's changes, page by page, and its profiles and their histories; also after a rebuild."""
    shop = Shop(twins, 5)
    shop.ingest(3)
    twins.clock.advance(timedelta(days=1))
    shop.ingest(3)
    reader = twins.key(Scope.READ)

    def told() -> list[Any]:
        pages = list(twins.pages("/v1/changes", key=reader, params={"limit": "2"}))
        for days in (-1, 0, 1):
            moment = (NOON + timedelta(days=days)).isoformat()
            for namespace, value in (("user_id", "ada"), ("device_id", "phone"), ("anonymous_id", "b1")):
                asked = {"namespace": namespace, "value": value, "as_of": moment}
                pages.append(twins.get("/v1/profiles", key=reader, params=asked).json())
        return pages

    before = told()
    assert sum(len(page["changes"]) for page in before if "changes" in page) > 3
    assert {page["code"] for page in before if "code" in page} == {"not_known_then"}
    twins.each(folded_again)
    assert told() == before


def test_replicas_tell_the_same_changes(servers: tuple[Homing, Homing]) -> None:
    """Facts through both replicas, each a merger of a browser into a person: one feed, and the store verifies."""
    for number in range(8):
        alone, both = message(number), message(number)
        browser = (("anonymous_id", f"b{number}"),)
        alone = replace(alone, message_id=f"b{number}", identifiers=browser, body=_body(f"b{number}"))
        both = replace(both, identifiers=(*browser, ("user_id", "u")), body=_body(f"b{number}", "u"))
        for homing, each in zip(servers, (alone, both), strict=True):
            take(homing, [each]).result(30)
    told = [homing.writer.submit(lambda conn: feed(conn, None, 100)).result(30) for homing in servers]
    assert told[0] == told[1]
    assert [each.change for each in told[0].changes] == ["merged"] * 8
    with servers[0].database.transaction(reads=True) as conn:
        assert verify(conn, People(servers[0].rules, servers[0].secret.derive("profiles"))).whole


def _body(browser: str, user: str | None = None) -> bytes:
    named = f',"userId":"{user}"' if user else ""
    return f'{{"anonymousId":"{browser}","type":"page"{named}}}'.encode()


def test_a_token_counts_once_through_all_replicas(servers: tuple[Homing, Homing]) -> None:
    """Shown to both at once, with another event each, over and over: exactly one of the two is verified."""
    for number in range(12):
        token = signed(jti=f"t{number}")
        shown = [presented(homing.tokens, token, f"m{number}-{place}") for place, homing in enumerate(servers)]
        asked = [
            homing.writer.submit(lambda conn, h=homing, e=event: admit(conn, h.people, [e]))  # type: ignore[misc]  # bound now
            for homing, event in zip(servers, shown, strict=True)
        ]
        warned: list[list[Taken]] = [each.result(30) for each in asked]
        assert sorted(w.warning is None for (w,) in warned) == [False, True]
    found = servers[0].writer.submit(lambda conn: list(facts.scan(conn))).result(30)
    assert sorted(fact.trust for fact in found) == [Trust.ASSERTED] * 12 + [Trust.VERIFIED] * 12


def test_the_same_event_with_a_token_through_all_replicas_counts_once(servers: tuple[Homing, Homing]) -> None:
    """A second try that overtakes the first is known as one, whichever replica it comes to."""
    for number in range(12):
        event = presented(servers[0].tokens, signed(jti=f"t{number}"), f"m{number}")
        asked = [
            homing.writer.submit(lambda conn, h=homing, e=event: admit(conn, h.people, [e]))  # type: ignore[misc]  # bound now
            for homing in servers
        ]
        assert sorted(str(each.result(30)[0].receipt) for each in asked) == ["accepted", "duplicate"]
    assert servers[0].writer.submit(facts.last_seq).result(30) >= 12
    found = servers[0].writer.submit(lambda conn: list(facts.scan(conn))).result(30)
    assert [fact.trust for fact in found] == [Trust.VERIFIED] * 12
