"""All that is shown of one profile, today or as of a moment; reading changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from identity.doubts import Doubt, doubts
from identity.profiles import Profile, ProfileId
from service.customers.reach import Reach, reach
from service.profiles.past import Who, who
from service.profiles.people import People
from service.profiles.profile_view import ProfileView
from service.profiles.turnover import current
from service.wiring import Homing


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A profile, how it can be reached, and what cannot be told of it.

    `today` is the id it answers with today, where it is shown as of a moment (None: it answers no more).
    """

    view: ProfileView
    reached: Reach
    doubts: tuple[Doubt, ...]
    as_of: datetime | None
    today: ProfileId | None


def portrait(conn: Connection, homing: Homing, find: Callable[[Who], ProfileView], as_of: datetime | None) -> Portrait:
    """Show who `find` finds; a job of the writer."""
    looking = who(homing.people, conn, as_of)
    view = find(looking)
    return Portrait(
        view=view,
        reached=reach(conn, view, homing.customer_rules, until=as_of),
        doubts=tuple(doubts(looking.component_of(view), view.profile.ref)),
        as_of=as_of,
        today=None if as_of is None else _today(conn, homing.people, view.profile),
    )


def _today(conn: Connection, people: People, then: Profile) -> ProfileId | None:
    """Give the id that an id of then answers with today."""
    component = people.component_of(conn, then.founder)
    if component is None:
        return None
    return people.id_of(current(component, then.founder, then.profile_id, people.id_of))
