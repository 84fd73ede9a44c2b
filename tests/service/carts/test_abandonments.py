"""Carts left behind are found across devices, as their person's own facts tell it, without reading the whole log."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from identity.observations import Trust
from service.carts import abandonments
from service.carts.abandonments import Abandoned, Search, abandoned, place_of
from service.clock import FixedClock
from service.events.ingest import ingest
from service.events.messages import Message, parse
from service.keys import Scope
from service.store import facts
from service.store.times import to_micros
from service.wiring import Homing
from tests.service.harness import NOON, Api, deployment

HOUR = timedelta(hours=1)


def take(homing: Homing, *raws: dict[str, Any]) -> None:
    """Take in events, each at `hours` before noon."""
    messages = []
    for place, raw in enumerate(raws):
        content = {key: value for key, value in raw.items() if key != "hours"}
        at = NOON - raw["hours"] * HOUR
        named = {
            "type": "track",
            "messageId": f"{raw.get('event')}-{raw['hours']}-{place}",
            "timestamp": at.isoformat(),
        }
        message = parse(
            {**named, **content}, route_type=None, source="shop", trust=Trust.SERVER, received_at=at, sent_at=None
        )
        assert isinstance(message, Message), message
        messages.append(message)
    homing.writer.submit(lambda conn: ingest(conn, homing.people, messages)).result(10)


def cart(event: str, hours: float, cart_id: str | None = "c1", **who: Any) -> dict[str, Any]:
    """Make an event about a cart."""
    properties = {"product_id": "p1", "price": 100, "quantity": 2, "currency": "KRW"}
    return {"event": event, "hours": hours, "properties": {**properties, "cart_id": cart_id}, **who}


def device(name: str) -> dict[str, Any]:
    """Make a context of a device."""
    return {"device": {"id": name, "type": "ios"}}


def left(homing: Homing, since: datetime | None = None, now: datetime = NOON) -> list[Abandoned]:
    """Give the carts left behind."""
    return asyncio.run(abandoned(homing, since, now))


def ids(found: list[Abandoned]) -> list[str | None]:
    """Give their cart ids."""
    return [each.cart.cart_id for each in found]


def test_a_cart_left_on_the_tablet_is_its_persons(homing: Homing) -> None:
    """Filled on a tablet where somebody logged in: the person's, with the tablet as its device."""
    take(
        homing,
        cart("Product Added", 20, anonymousId="tablet-browser", context=device("tablet-7c1")),
        {"type": "identify", "hours": 30, "userId": "wonjun", "context": device("tablet-7c1")},
        {"type": "identify", "hours": 10, "userId": "wonjun", "context": device("phone-19f")},
    )
    (found,) = left(homing)
    assert found.is_person
    assert found.abandoned_at == NOON - 19 * HOUR
    assert (found.cart.value, found.cart.currency) == (200.0, "KRW")
    assert found.device is not None
    assert found.device.value == "tablet-7c1"


def test_an_order_on_any_device_ends_it(homing: Homing) -> None:
    """Bought on the phone what was left on the tablet: nothing is left, once both are one person's."""
    take(
        homing,
        cart("Product Added", 20, context=device("tablet-7c1")),
        {"event": "Order Completed", "hours": 2, "properties": {"order_id": "o1"}, "userId": "wonjun"},
    )
    assert ids(left(homing)) == ["c1"]
    take(homing, {"type": "identify", "hours": 25, "userId": "wonjun", "context": device("tablet-7c1")})
    assert left(homing) == []


def test_each_owner_of_a_shared_device_has_an_own_cart(homing: Homing) -> None:
    """Events belong to whoever held the tablet then; both are found, though they are in one component."""
    for user, hours in (("a", 60), ("b", 30)):
        take(
            homing,
            {"type": "identify", "hours": hours, "userId": user, "context": device("tablet")},
            cart("Product Added", hours - 1, f"cart-{user}", context=device("tablet")),
        )
    found = left(homing)
    assert ids(found) == ["cart-b", "cart-a"]
    assert len({each.profile_id for each in found}) == 2


@pytest.mark.parametrize(("hours", "state"), [(0.5, None), (1, "abandoned"), (168, "abandoned"), (169, "expired")])
def test_since_bounds_when_it_was_left(homing: Homing, hours: float, state: str | None) -> None:
    """Left at `since` exactly counts, a moment later not; without `since`, what can still be recovered."""
    take(homing, cart("Product Added", hours, userId="u"))
    at = NOON - hours * HOUR + HOUR
    assert [each.cart.state.value for each in left(homing, at)] == ([] if state is None else [state])
    assert left(homing, at + timedelta(microseconds=1)) == []
    assert bool(left(homing)) is (state == "abandoned")


def test_what_its_owner_came_back_to_is_not_left(homing: Homing) -> None:
    """Seen again it is open, idle again it is left again, then."""
    take(homing, cart("Product Added", 20, userId="u"), cart("Cart Viewed", 3.5, userId="u"))
    assert left(homing, now=NOON - 3 * HOUR) == []
    (found,) = left(homing)
    assert found.abandoned_at == NOON - 2.5 * HOUR


def test_nobodys_cart_is_left_out(homing: Homing) -> None:
    """Events without a usable identifier belong to nobody."""
    take(homing, cart("Product Added", 5, userId="null"))
    assert left(homing) == []


def test_spelling_does_not_hide_a_cart(homing: Homing) -> None:
    """Names are found as the fold reads them; other events are none."""
    take(
        homing,
        cart("product_added", 5, "c1", userId="a"),
        cart("PRODUCT-ADDED", 5, "c2", userId="b"),
        cart("Product  Added", 5, "c3", userId="c"),
        cart("Product Viewed", 5, "c4", userId="d"),
        cart("Order Completed", 5, "c5", userId="e"),
    )
    assert sorted(str(name) for name in ids(left(homing))) == ["c1", "c2", "c3"]


def test_the_log_is_read_by_an_index(homing: Homing) -> None:
    """Neither the names nor the events of one are looked for in the whole table."""
    take(homing, *(cart(f"Event {number}", 5, userId="u") for number in range(5)), cart("Product Added", 3, userId="u"))

    def job(conn: Any) -> tuple[list[str], list[facts.Place], list[str]]:
        names = facts.tracked_names(conn)
        conn.exec_driver_sql("ANALYZE")
        plans = []
        for statement in (
            facts.TRACKED_NAMES,
            "SELECT 1 FROM facts WHERE type = 'track' AND name = 'a' AND (at, seq) < (9, 9) ORDER BY at DESC, seq DESC",
        ):
            plans += [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
        found = facts.tracked(conn, ["Product Added", "Event 1"], NOON - 5 * HOUR, (to_micros(NOON), 0), 2)
        return names, found, plans

    names, found, plans = homing.writer.submit(job).result(10)
    assert names == [*(f"Event {number}" for number in range(5)), "Product Added"]
    assert found == [(to_micros(NOON - 3 * HOUR), 6), (to_micros(NOON - 5 * HOUR), 2)]
    read = [plan for plan in plans if "facts" in plan]
    assert len(read) == 3
    assert all("facts_tracked" in plan for plan in read)
    assert not any("TEMP B-TREE" in plan for plan in plans)


def get(api: Api, *scopes: Scope, **params: Any) -> Any:
    """Give the answer of the route."""
    answer = api.get("/v1/abandonments", key=api.key(*(scopes or (Scope.READ, Scope.READ_PII))), params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def test_the_route_shows_them(api: Api) -> None:
    """Every field; identifiers masked without read_pii."""
    take(api.homing, cart("Product Added", 20, userId="wonjun", context=device("tablet-7c1")))
    whole = get(api)
    (shown,) = whole["abandonments"]
    assert whole["next_cursor"] is None
    assert api.get(f"/v1/profiles/{shown['profile_id']}", key=api.key(Scope.READ)).status_code == 200
    assert {key: value for key, value in shown.items() if key != "profile_id"} == {
        "is_person": True,
        "cart_id": "c1",
        "cart_value": 200.0,
        "currency": "KRW",
        "items": [{"product": "p1", "quantity": 2.0, "price": 100.0}],
        "opened_at": "2026-11-15T16:00:00Z",
        "abandoned_at": "2026-11-15T17:00:00Z",
        "device": {"namespace": "device_id", "value": "tablet-7c1"},
        "state": "abandoned",
    }
    masked = get(api, Scope.READ)["abandonments"][0]
    assert masked["device"] == {"namespace": "device_id", "value": "ta…"}


def test_pages_go_on_where_they_ended(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one left last first, each once, also where several were left in one instant and jobs are small."""
    monkeypatch.setattr(abandonments, "EVENTS_A_JOB", 2)
    take(
        api.homing, *(cart("Product Added", 5 + number // 3, f"c{number}", userId=f"u{number}") for number in range(7))
    )
    seen: list[str] = []
    cursor = None
    while True:
        found = get(api, limit=2, **({} if cursor is None else {"cursor": cursor}))
        seen += [each["cart_id"] for each in found["abandonments"]]
        cursor = found["next_cursor"]
        if cursor is None:
            break
    assert [set(seen[:3]), set(seen[3:6]), seen[6:]] == [{"c0", "c1", "c2"}, {"c3", "c4", "c5"}, ["c6"]]


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("events_a_job", [1, 3])
def test_a_page_is_the_whole_lists_next_part(
    homing: Homing, monkeypatch: pytest.MonkeyPatch, most: int, events_a_job: int
) -> None:
    """Carts touched again, several of one person, many of one instant: pages are what the whole list is cut into."""
    random = Random(most * 10 + events_a_job)
    monkeypatch.setattr(abandonments, "EVENTS_A_JOB", events_a_job)
    take(
        homing,
        *(
            cart(
                random.choice(["Product Added", "Cart Viewed", "Product Removed"]),
                random.choice([0.5, 1, 2, 5, 5.25, 40, 180]),
                f"c{random.randrange(12)}",
                userId=f"u{random.randrange(5)}",
            )
            for _ in range(60)
        ),
    )
    whole = left(homing)
    pages: list[list[Abandoned]] = []
    while not pages or len(pages[-1]) == most:
        after = place_of(pages[-1][-1]) if pages else None
        pages.append(asyncio.run(abandoned(homing, None, NOON, after=after, most=most)))
    assert [each for one in pages for each in one] == whole
    assert len(whole) > 5


def test_a_page_looks_no_further_than_it_must(homing: Homing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of forty people only those are read whose carts may be on the page."""
    take(homing, *(cart("Product Added", 5 + number, f"c{number}", userId=f"u{number}") for number in range(40)))
    looked: list[int] = []
    look = Search.look

    def watched(search: Search, conn: Any, before: facts.Place, known: Any = ()) -> Any:
        looked.append(len(known))
        return look(search, conn, before, known)

    monkeypatch.setattr(Search, "look", watched)
    found = asyncio.run(abandoned(homing, None, NOON, most=3))
    assert ids(found) == ["c0", "c1", "c2"]
    asyncio.run(abandoned(homing, None, NOON, after=place_of(found[-1]), most=3))
    assert len(looked) <= 4


def test_the_clock_decides(api: Api, clock: FixedClock) -> None:
    """An hour after the last touch it is left, not before; a week after that it is gone from the list."""
    take(api.homing, cart("Product Added", 0, userId="u"))
    counts = []
    for by in (59, 1, 7 * 24 * 60 - 1, 2):
        clock.advance(timedelta(minutes=by))
        counts.append(len(get(api)["abandonments"]))
    assert counts == [0, 1, 1, 0]
    assert get(api, since="2026-11-01")["abandonments"][0]["state"] == "expired"


@pytest.mark.parametrize(
    "params", [{"since": "yesterday"}, {"limit": "0"}, {"limit": "501"}, {"limit": "x"}, {"cursor": "x"}]
)
def test_wrong_parameters_are_named(api: Api, params: dict[str, str]) -> None:
    """422 naming the parameter, in the house's shape."""
    answer = api.get("/v1/abandonments", key=api.key(Scope.READ), params=params)
    assert answer.status_code == 422, answer.text
    assert next(iter(params)) in answer.json()["message"]


def test_any_since_is_answered(api: Api) -> None:
    """Before the calendar and after it, as milliseconds too."""
    for since in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1794800000000"):
        assert get(api, since=since)["abandonments"] == []


def test_the_scope_is_asked_for(api: Api) -> None:
    """No key is 401, another scope 403."""
    assert api.get("/v1/abandonments").status_code == 401
    assert api.get("/v1/abandonments", key=api.key(Scope.DECIDE)).status_code == 403


def test_the_device_is_what_the_rules_call_one(tmp_path: Path, clock: FixedClock) -> None:
    """A shop's own namespace of class device counts; a contact never does."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[namespaces.till]\nclass = "device"\npriority = 2\n[namespaces.device_id]\nclass = "contact"\n')
    homing = deployment(tmp_path, clock, {"HOMING_RULES": str(rules)})
    till = [{"type": "till", "id": "till-7", "collection": "users", "encoding": "none"}]
    take(homing, cart("Product Added", 5, userId="u", context={**device("d1"), "externalIds": till}))
    (found,) = left(homing)
    homing.close()
    assert found.device == ("till", "till-7")
