"""Raw components that conflict: taken in at once, late, in descending time, and at a profile's cap."""

from datetime import UTC, datetime, timedelta

from identity.identifiers import Identifier
from identity.observations import Observation

_START = datetime(2026, 3, 1, tzinfo=UTC)


def seen(number: int, second: float, *names: str) -> Observation:
    """Make an observation of identifiers written `namespace:value`."""
    identifiers = (Identifier(*name.split(":")) for name in names)
    at = _START + timedelta(seconds=second)
    return Observation(id=f"m{number:06}", at=at, identifiers=tuple(identifiers))


def shared_tablet(count: int) -> list[Observation]:
    """Let two persons pass a tablet to and fro every five observations; they have 200 browsers and 14 e-mails."""
    return [_turn(number) for number in range(count)]


def _turn(number: int) -> Observation:
    person = "ab"[number // 5 % 2]
    more = (f"anonymous_id:w{number % 200}", f"email:{person}{number % 7}@example.com") if number % 3 == 0 else ()
    return seen(number, number, f"user_id:{person}", "device_id:tab", *more)


def late_logins(count: int) -> list[Observation]:
    """Logins that happened between those of the tablet, each on one of fifty browsers."""
    persons = ("user_id:a", "user_id:b")
    return [seen(500_000 + n, n * 4 + 0.5, persons[n % 2], f"anonymous_id:x{n % 50}") for n in range(count)]


def crossings(hubs: int, limit: int) -> tuple[list[Observation], list[Observation]]:
    """Phones each seen with as many persons as the limit allows, and the observations that make hubs of them."""
    known = [
        seen(n * limit + p, n * limit + p, f"user_id:u{p}", f"phone:box{n}") for n in range(hubs) for p in range(limit)
    ]
    return known, [seen(600_000 + n, 100_000 + n, f"user_id:v{n}", f"phone:box{n}") for n in range(hubs)]


def full_profile(cap: int) -> list[Observation]:
    """Give a person more browsers and devices than one profile may hold."""
    return [seen(n, n, "user_id:a", f"anonymous_id:w{n}", f"device_id:d{n // 2}") for n in range(cap * 7 // 10)]


def new_browsers(count: int) -> list[Observation]:
    """Give the same person one more browser, and another."""
    return [seen(700_000 + n, 10_000 + n, "user_id:a", f"anonymous_id:n{n}") for n in range(count)]
