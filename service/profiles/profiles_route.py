"""Routes that show a profile: who it is, its events, its decisions; reading changes nothing."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy.engine import Connection

from identity.explain import Explanation
from identity.graph import Graph, to_node_link
from service.customers.reach import reach
from service.decisions.rulings import logged
from service.errors import ApiError
from service.judgements.judgement_answers import Teller
from service.keys import Caller, Scope, require
from service.profiles.filed import SeenFact
from service.profiles.graphs import profile_graph
from service.profiles.histories import concerning, history
from service.profiles.history_answers import Chronicler
from service.profiles.named import read_name
from service.profiles.past import Who, who
from service.profiles.portrait import portrait
from service.profiles.profile_answers import Shower, decision_shown
from service.profiles.profile_view import ProfileView
from service.schemas.consents import NAME, Moment
from service.schemas.histories import HistoryShown
from service.schemas.judgements import ExplanationShown
from service.schemas.profiles import DecisionsShown, EventsShown, ProfileShown
from service.store import decisions
from service.store.decisions import DecisionRow
from service.store.times import to_micros
from service.web.answers import refusals, unstored
from service.web.deployed import homing_of
from service.web.pages import LIMIT, MOST, page
from service.wiring import Homing


def _at_all_times(request: Request) -> None:
    """Refuse `as_of` where entries tell their own times, rather than pass it over."""
    if "as_of" in request.query_params:
        message = "as_of: every entry of this list tells its own time; leave it out"
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "as_of_unsupported", message)


_RESPONSES = refusals(
    Scope.READ,
    {404: "No such profile, or none then, or none holds this identifier", 422: "A parameter is missing or wrong"},
)

router = APIRouter(
    prefix="/v1/profiles",
    tags=["profiles"],
    dependencies=[Depends(unstored)],
    responses=_RESPONSES,
)

Reader = Annotated[Caller, Depends(require(Scope.READ))]
AsOf = Annotated[
    Moment | None, Query(description="Who was who by what was known at that moment, though more came since")
]
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]


@router.get("")
async def find_profile(
    request: Request,
    caller: Reader,
    namespace: Annotated[str, Query(pattern=NAME, examples=["email"])],
    value: Annotated[str, Query(min_length=1)],
    as_of: AsOf = None,
) -> ProfileShown:
    """Show the profile that holds an identifier, today or as of a moment; one that too many share is in no profile."""
    return await _show(homing_of(request), caller, lambda who: who.profile_of(namespace, value), as_of)


@router.get("/{profile_id}")
async def get_profile(request: Request, caller: Reader, profile_id: str, as_of: AsOf = None) -> ProfileShown:
    """Show a profile; an id that was absorbed by then answers with the survivor."""
    return await _show(homing_of(request), caller, lambda who: who.view(profile_id), as_of)


@router.get("/{profile_id}/events")
async def get_events(
    request: Request,
    caller: Reader,
    profile_id: str,
    *,
    as_of: AsOf = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> EventsShown:
    """Show the events that are the profile's or name one of its identifiers, the newest first."""
    homing = homing_of(request)
    view = await homing.writer.run(lambda conn: who(homing.people, conn, as_of).view(profile_id))
    found = page(concerning(view), _moment, cursor, limit)
    shower = _shower(homing, caller)
    return EventsShown(
        profile_id=view.profile.profile_id,
        redirected_from=view.redirected_from,
        events=[shower.event(fact) for fact in found.entries],
        next_cursor=found.next_cursor,
    )


@router.get("/{profile_id}/decisions", dependencies=[Depends(require(Scope.READ)), Depends(_at_all_times)])
async def get_decisions(
    request: Request, profile_id: str, limit: Limit = LIMIT, cursor: Cursor = None
) -> DecisionsShown:
    """Show the decisions made for the profile or sent to its endpoints, the newest first."""
    homing = homing_of(request)
    return await homing.writer.run(lambda conn: _decisions(conn, homing, profile_id, cursor, limit))


@router.get("/{profile_id}/history", dependencies=[Depends(require(Scope.READ)), Depends(_at_all_times)])
async def get_history(
    request: Request, caller: Reader, profile_id: str, limit: Limit = LIMIT, cursor: Cursor = None
) -> HistoryShown:
    """Tell what happened to a profile, the newest first: its events and why they are its own, what changed, was said.

    Ids that answer with it, and who held its devices when, stand beside each page.
    """
    homing = homing_of(request)
    found = await homing.writer.run(lambda conn: history(conn, homing.people, profile_id, cursor, limit))
    return Chronicler(homing.people, pii=caller.may(Scope.READ_PII)).history(found)


@router.get("/{profile_id}/explain")
async def explain_profile(
    request: Request,
    caller: Reader,
    profile_id: str,
    *,
    from_: Annotated[str, Query(alias="from", min_length=3, description="namespace:value")],
    to: Annotated[str, Query(min_length=3, description="namespace:value")],
    as_of: AsOf = None,
) -> ExplanationShown:
    """Tell why two identifiers are in one profile: the way between them and the least that holds it; or why not."""
    homing = homing_of(request)

    def job(conn: Connection) -> Explanation:
        left, right = (read_name(text, homing.rules) for text in (from_, to))
        looking = who(homing.people, conn, as_of)
        members = frozenset(looking.view(profile_id).profile.identifiers)
        if members.isdisjoint((left, right)):
            message = "neither of the two is in this profile; name the profile that holds one of them"
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "not_of_this_profile", message)
        return looking.explain(left, right)

    teller = Teller(homing.people.id_of, pii=caller.may(Scope.READ_PII))
    return teller.explanation(await homing.writer.run(job))


@router.get("/{profile_id}/graph")
async def get_graph(request: Request, caller: Reader, profile_id: str, as_of: AsOf = None) -> dict[str, Any]:
    """Give the profile's identifiers and the links between them as node-link data, which networkx and d3 read."""
    homing = homing_of(request)
    pii = caller.may(Scope.READ_PII)

    def job(conn: Connection) -> Graph:
        looking = who(homing.people, conn, as_of)
        view = looking.view(profile_id)
        return profile_graph(looking.component_of(view), view, homing.people.id_of, pii=pii)

    return to_node_link(await homing.writer.run(job))


async def _show(
    homing: Homing, caller: Caller, find: Callable[[Who], ProfileView], as_of: datetime | None
) -> ProfileShown:
    seen = await homing.writer.run(lambda conn: portrait(conn, homing, find, as_of))
    return _shower(homing, caller).profile(seen)


def _decisions(conn: Connection, homing: Homing, profile_id: str, cursor: str | None, limit: int) -> DecisionsShown:
    view = who(homing.people, conn, None).view(profile_id)
    reached = reach(conn, view, homing.customer_rules)
    made = decisions.of_profiles(conn, [view.profile.profile_id, *view.absorbed])
    rows = {row.seq: row for row in (*made, *reached.sent)}
    found = page(list(rows.values()), _place, cursor, limit)
    outcomes = decisions.outcomes_of(conn, [row.decision_id for row in found.entries])
    made_so = {entry.seq: logged(entry) for entry in decisions.read(conn, [row.seq for row in found.entries])}
    return DecisionsShown(
        profile_id=view.profile.profile_id,
        redirected_from=view.redirected_from,
        decisions=[decision_shown(row, made_so[row.seq], outcomes) for row in found.entries],
        next_cursor=found.next_cursor,
    )


def _moment(fact: SeenFact) -> tuple[int, ...]:
    return to_micros(fact.message.at), fact.seq


def _place(row: DecisionRow) -> tuple[int, ...]:
    return (row.seq,)


def _shower(homing: Homing, caller: Caller) -> Shower:
    return Shower(homing.rules, pii=caller.may(Scope.READ_PII))
