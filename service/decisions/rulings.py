"""A ruling is a decision as it stands now; the decision log holds all that it is judged by again, and what held it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from channel_selector.decisions import Decision, Send
from channel_selector.eligibility.endpoints import Endpoint
from channel_selector.eligibility.options import Ineligible
from channel_selector.outcomes import Outcome, OutcomeKind
from service.customers.standing import Standing
from service.decisions.asks import Ask
from service.decisions.packing import pack, unpack
from service.store import decisions
from service.store.decisions import DecisionRow, Entry, EntryKind, LoggedEntry, OutcomeRow

FALLBACK_ENDPOINT = "channel:"
"""What the endpoint of a fallback is called: a channel that the caller will find the address for."""
_HELD = "held:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A decision as it stands now: `held` is the reason why nothing is sent, None where it is.

    `endpoint` is the one chosen, None for a fallback and where nothing is sent. `excluded` is told as it was then.
    """

    decision: Decision
    message_id: str = field(repr=False)
    held: str | None
    fallback: bool
    excluded: tuple[Ineligible, ...]
    endpoint: Endpoint | None
    expires_at: datetime
    timezone: str
    standing: Standing | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What the log holds of a decision."""

    decision: Decision
    ask: Ask
    held: str | None
    fallback: bool
    excluded: tuple[Ineligible, ...]
    expires_at: datetime
    timezone: str

    @property
    def message_id(self) -> str:
        """The message decided on."""
        return self.ask.message_id


def log(conn: Connection, made: Sequence[tuple[Ruling, Ask]], now: datetime) -> list[Send | None]:
    """Append new decisions to the log, and fold them; give what learning needs of each."""
    # Only what was drawn, among a known person's endpoints, teaches anything about the options not taken.
    sends = [ruling.decision.send if ruling.held is None and not ruling.fallback else None for ruling, _ in made]
    entries = [
        Entry(
            kind=EntryKind.DECISION,
            decision_id=ruling.decision.decision_id,
            key=f"decision:{ruling.decision.decision_id}",
            at=now,
            received_at=now,
            body=orjson.dumps(_body(ruling, send, ask), option=orjson.OPT_SORT_KEYS),
        )
        for (ruling, ask), send in zip(made, sends, strict=True)
    ]
    seqs = decisions.append_all(conn, entries)
    entered = [(seq, ruling) for seq, (ruling, _) in zip(seqs, made, strict=True) if seq is not None]
    decisions.put_decisions(conn, [_row(seq, ruling) for seq, ruling in entered])
    return sends


def _body(ruling: Ruling, send: Send | None, ask: Ask) -> dict[str, Any]:
    decision = ruling.decision
    return {
        "decision": {**replace(decision, options=()).to_json(), "options": pack(decision.options)},
        "send": None if send is None else send.to_json(),
        "ask": ask.kept(),
        "held": ruling.held,
        "fallback": ruling.fallback,
        "excluded": [
            {"channel": e.channel, "endpoint_id": e.endpoint_id, "reason_code": e.reason_code} for e in ruling.excluded
        ],
        "expires_at": ruling.expires_at.isoformat(),
        "timezone": ruling.timezone,
    }


def log_hold(conn: Connection, decision_id: str, reason: str, now: datetime) -> None:
    """Log that a decision was taken back before it was sent: from now on it is neither let go nor learned from."""
    outcome = Outcome(kind=OutcomeKind.NOT_SENT, at=now, id=f"{_HELD}{reason}")
    entry = Entry(
        kind=EntryKind.OUTCOME,
        decision_id=decision_id,
        key=f"{_HELD}{decision_id}",
        at=now,
        received_at=now,
        body=orjson.dumps(outcome.to_json(), option=orjson.OPT_SORT_KEYS),
    )
    seq = decisions.append(conn, entry)
    if seq is not None:
        decisions.put_outcome(conn, OutcomeRow(seq=seq, decision_id=decision_id, kind=outcome.kind.value, at=now))


def hold_of(conn: Connection, decision_id: str) -> str | None:
    """Give the reason that a decision was taken back for, None if it was not."""
    found = decisions.by_key(conn, f"{_HELD}{decision_id}")
    return None if found is None else str(orjson.loads(found.entry.body)["id"]).removeprefix(_HELD)


def content_of(entry: LoggedEntry) -> dict[str, Any]:
    """Give what an entry of the log holds, a decision's options unpacked."""
    body: dict[str, Any] = orjson.loads(entry.entry.body)
    if entry.entry.kind is EntryKind.DECISION:
        body["decision"]["options"] = unpack(body["decision"]["options"])
    return body


def logged(entry: LoggedEntry) -> Logged:
    """Read an entry of the log that is a decision."""
    body = content_of(entry)
    return Logged(
        decision=Decision.from_json(body["decision"]),
        ask=Ask.recalled(body["ask"]),
        held=body["held"],
        fallback=body["fallback"],
        excluded=tuple(Ineligible(**each) for each in body["excluded"]),
        expires_at=datetime.fromisoformat(body["expires_at"]),
        timezone=body["timezone"],
    )


def fold_decision(conn: Connection, entry: LoggedEntry) -> None:
    """Fold an entry of the log into the decisions that are looked up."""
    decisions.put_decision(conn, _row(entry.seq, logged(entry)))


def _row(seq: int, made: Ruling | Logged) -> DecisionRow:
    option = made.decision.option if made.held is None and not made.fallback else None
    return DecisionRow(
        decision_id=made.decision.decision_id,
        seq=seq,
        profile_id=made.decision.subject,
        message_id=made.message_id,
        endpoint_id=None if option is None else option.endpoint_id,
        send_at=None if option is None else option.send_at,
        expires_at=made.expires_at,
    )
