"""An export holds what an erasure of the same person would destroy, class by class, whole."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel, Field
from sqlalchemy.engine import Connection

from channel_selector.model.learning import customer_effects
from identity.identifiers import Identifier
from identity.judgements import Judgement, Undo
from service.customers.standing import Standing
from service.decisions.rulings import content_of
from service.erasures import burials, erasing
from service.judgements.words import read_erasure, read_word
from service.profiles.past import Who
from service.profiles.portrait import portrait
from service.profiles.profile_answers import Shower
from service.profiles.profile_view import ProfileView
from service.schemas.profiles import ProfileShown
from service.store import changes, decisions, facts, idempotency
from service.store.decisions import EntryKind, LoggedEntry
from service.store.facts import Fact, FactKind
from service.wiring import Homing

_Told = dict[str, Any]


class Export(BaseModel):
    """All that is kept of one person. Nothing is masked."""

    exported_at: datetime
    profile: ProfileShown
    profile_ids: list[str] = Field(description="The ids it was ever known by")
    changes: list[_Told] = Field(description="What happened to these ids")
    addresses: list[_Told] = Field(repr=False, description="Where messages can be sent")
    consents: list[_Told] = Field(repr=False, description="Every word on being written to, not only the last")
    events: list[_Told] = Field(repr=False, description="As they were accepted, oldest first")
    orders: list[_Told] = Field(repr=False)
    carts: list[_Told] = Field(repr=False)
    devices_held: list[_Told] = Field(repr=False, description="From when until when devices were this person's")
    refused_links: list[_Told] = Field(repr=False)
    judgements: list[_Told] = Field(repr=False, description="What analysts said of the person, and took back")
    decisions: list[_Told] = Field(repr=False, description="As they were logged")
    outcomes: list[_Told] = Field(repr=False, description="As they were logged")
    learned: _Told = Field(repr=False, description="What the choice of channel and time rests on")
    answers: list[_Told] = Field(repr=False, description="Kept for second tries with an Idempotency-Key")
    erasures: list[_Told] = Field(description="Earlier erasures of the same identifiers")


def export(conn: Connection, homing: Homing, find: Callable[[Who], ProfileView], now: datetime) -> Export:
    """Collect all that is kept of the profile that is found. A job of the writer; it changes nothing."""
    shown = portrait(conn, homing, find, None)
    view = shown.view
    members = frozenset(view.profile.identifiers)
    plan = erasing.cover(conn, homing, members, now)
    known = homing.decider.standings.of(conn, view)
    who = known.reach.customer
    ids = sorted({view.profile.profile_id, *plan.coverage.profile_ids})
    entries = decisions.read(conn, sorted(plan.entries))
    return Export(
        exported_at=now,
        profile=Shower(homing.rules, pii=True).profile(shown),
        profile_ids=ids,
        changes=[_plain(told.change) for told in changes.of_profiles(conn, ids)],
        addresses=[_plain(endpoint) for endpoint in known.reach.endpoints],
        consents=[_plain(said.consent) | {"trust": said.trust.name.lower()} for said in who.statements],
        events=[_event(fact) for fact in facts.read(conn, sorted(plan.coverage.seqs))],
        orders=[_plain(order) for order in who.orders],
        carts=[_plain(cart) for cart in who.carts(now, homing.settings.abandonment.carts())],
        devices_held=_held(view),
        refused_links=[
            {"left": str(link.left), "right": str(link.right), "reason": str(link.reason)} for link in view.refused
        ],
        judgements=_judgements(conn, members),
        decisions=[_entry(each) for each in entries if each.entry.kind is EntryKind.DECISION],
        outcomes=[_entry(each) for each in entries if each.entry.kind is EntryKind.OUTCOME],
        learned=_learned(conn, homing, known, now),
        answers=[orjson.loads(body) for body in idempotency.answered(conn, plan.decision_ids)],
        erasures=_erasures(conn, homing, members),
    )


def _event(fact: Fact) -> _Told:
    return {
        "message_id": fact.message_id,
        "type": fact.type,
        "name": fact.name,
        "at": fact.at,
        "received_at": fact.received_at,
        "source": fact.source,
        "trust": fact.trust.name.lower(),
        "content": orjson.loads(fact.body),
    }


def _entry(logged: LoggedEntry) -> _Told:
    entry = logged.entry
    return {
        "decision_id": entry.decision_id,
        "at": entry.at,
        "received_at": entry.received_at,
        "content": content_of(logged),
    }


def _held(view: ProfileView) -> list[_Told]:
    """Tell when devices were this person's; whose they were else is others' business."""
    mine = view.profile.ref
    return [
        {"identifier": str(each.identifier), "from": each.start, "to": each.end}
        for each in view.intervals
        if each.owner == mine
    ]


def _judgements(conn: Connection, members: Collection[Identifier]) -> list[_Told]:
    words = [read_word(fact) for fact in facts.of_kind(conn, FactKind.JUDGEMENT)]
    undone = {word.judgement: word.at for word in words if isinstance(word, Undo)}
    return [
        {
            "judgement_id": word.id,
            "kind": word.kind.value,
            "left": sorted(map(str, word.left)),
            "right": sorted(map(str, word.right)),
            "reason": word.reason,
            "at": word.at,
            "undone_at": undone.get(word.id),
        }
        for word in words
        if isinstance(word, Judgement) and not word.identifiers.isdisjoint(members)
    ]


def _learned(conn: Connection, homing: Homing, known: Standing, now: datetime) -> _Told:
    effects = customer_effects(
        known.sends,
        known.outcomes,
        population=homing.decider.chooser(conn).population,
        settings=homing.settings.selection(),
        now=now,
    )
    return {"activity_by_hour": list(known.reach.customer.activity), "effects": effects.to_json()}


def _erasures(conn: Connection, homing: Homing, members: Iterable[Identifier]) -> list[_Told]:
    names = {name for name in burials.erasures_of(conn, homing.people, sorted(members)) if name is not None}
    logged = map(read_erasure, facts.of_kind(conn, FactKind.ERASURE))
    return [{"erasure_id": each.id, "at": each.at} for each in logged if each.id in names]


def _plain(record: object) -> _Told:
    """Give a record as JSON holds it."""
    told: _Told = orjson.loads(orjson.dumps(record))
    return told
