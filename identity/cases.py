"""Written cases: facts in, who is who out (CONTRACT 5), for people who want to try rules before they use them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from identity.covering import covered
from identity.erasures import Erasure, graves
from identity.errors import CaseError, ContradictionError
from identity.identifiers import Identifier
from identity.incremental import Incremental
from identity.judgements import JudgementKind, Undo, Word, in_force, judged, settle, split
from identity.loaded_rules import load_rules
from identity.normalize import Rejected, clean, normalize
from identity.observations import Observation, ReplayKey, Trust
from identity.ports import MemoryShelf
from identity.resolve import Resolution, resolve
from identity.rules import LinkingRules

_KEYS = frozenset({"name", "rules", "observations", "judgements", "erasures", "as_of", "expect"})


class _WordKind(StrEnum):
    """What a row of judgements may be."""

    MUST_LINK = JudgementKind.MUST_LINK
    CANNOT_LINK = JudgementKind.CANNOT_LINK
    SPLIT = "split"
    UNDO = "undo"


@dataclass(slots=True)
class _Facts:
    """A case, read."""

    rules: LinkingRules
    observations: dict[ReplayKey, Observation] = field(default_factory=dict)
    names: dict[ReplayKey, str] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    erasures: list[Erasure] = field(default_factory=list)
    rejected: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row of judgements, and the moment as of which the case is asked."""

    path: str
    table: Mapping[str, Any]
    at: datetime | None
    as_of: datetime | None


def simulate(case: Mapping[str, Any]) -> dict[str, Any]:
    """Resolve a written case.

    Raises CaseError where the case itself cannot be read, RulesError for its rules. Values that name nobody, repeated
    ids with another content, judgements that contradict earlier ones and what was erased are listed in `rejected`.
    """
    for key in case:
        if key not in _KEYS:
            raise CaseError(f"{key}: not a part of a case; use {', '.join(sorted(_KEYS))}")
    facts = _Facts(load_rules(_of(case, "rules", dict, {})))
    as_of = _moment("as_of", case["as_of"]) if case.get("as_of") is not None else None
    _read_observations(facts, _of(case, "observations", list, []))
    for place, row in enumerate(_of(case, "judgements", list, [])):
        _judge(facts, f"judgements[{place}]", row, as_of)
    for place, row in enumerate(_of(case, "erasures", list, [])):
        _erase(facts, f"erasures[{place}]", row)
    return _answer(facts, _resolve(facts, as_of))


def _resolve(facts: _Facts, as_of: datetime | None) -> Resolution:
    """Resolve what was read so far."""
    return resolve(facts.observations.values(), facts.rules, facts.words, erasures=facts.erasures, as_of=as_of)


def _answer(facts: _Facts, resolved: Resolution) -> dict[str, Any]:
    """Write a resolution the way CONTRACT 5 says."""
    place = {profile.profile_id: index for index, profile in enumerate(resolved.profiles)}
    by_ref = {profile.ref: index for index, profile in enumerate(resolved.profiles)}
    flooded = [f"{hub} has asserted sightings with too many persons; they are set aside" for hub in resolved.flooded]
    return {
        "profiles": [[str(i) for i in profile.identifiers] for profile in resolved.profiles],
        "founders": [str(profile.founder) for profile in resolved.profiles],
        "refused": [
            {"left": str(r.left), "right": str(r.right), "reason": str(r.reason), "by": r.by} for r in resolved.refused
        ],
        "owners": [
            {
                "identifier": str(span.identifier),
                "from": _written(span.start),
                "to": _written(span.end),
                "profile": None if span.owner is None else by_ref[span.owner],
            }
            for span in resolved.intervals
        ],
        "rejected": facts.rejected,
        "warnings": sorted(facts.warnings + flooded),
        "attribution": [
            {"observation": facts.names[key], "profile": None if profile is None else place[profile]}
            for key, profile in sorted(resolved.attribution.items())
        ],
        "shared": [
            {"identifier": str(hub), "profiles": sorted(place[p] for p in profiles)}
            for hub, profiles in resolved.shared.items()
        ],
    }


def _read_observations(facts: _Facts, rows: Sequence[Any]) -> None:
    """Read observations; a repeated one counts once, one with the id of another is rejected."""
    first: dict[tuple[str, str, Trust], Observation] = {}
    for place, row in enumerate(rows):
        observation, rejected = _observation(f"observations[{place}]", row, facts.rules)
        known = first.setdefault((observation.id, observation.source, observation.trust), observation)
        if known != observation:
            facts.rejected.append({"value": observation.id, "reason": "message_id_conflict"})
        elif known is observation:
            facts.observations[observation.key] = observation
            facts.names[observation.key] = observation.id
            facts.rejected += [{"value": f"{r.namespace}:{r.value}", "reason": r.reason} for r in rejected]


def _observation(path: str, row: Any, rules: LinkingRules) -> tuple[Observation, tuple[Rejected, ...]]:
    """Read one observation; its event time is clamped to its receipt."""
    table = _table(path, row)
    at = _moment(f"{path}.at", _need(path, table, "at"))
    received = table.get("received_at")
    received_at = at if received is None else _moment(f"{path}.received_at", received)
    identifiers, rejected = clean(
        (_split(f"{path}.identifiers", text) for text in _of(table, "identifiers", list, [], path)), rules
    )
    observation = Observation(
        id=str(_need(path, table, "id")),
        at=min(at, received_at),
        identifiers=identifiers,
        trust=_parsed(f"{path}.trust", Trust.parse, _of(table, "trust", str, "server", path)),
        source=_of(table, "source", str, "", path),
        received_at=received_at,
    )
    return observation, rejected


def _judge(facts: _Facts, path: str, row: Any, as_of: datetime | None) -> None:
    """Read one judgement or undo; one that contradicts those before it is rejected.

    A judgement without id is known by its place, counted from 0.
    """
    table = _table(path, row)
    at = _moment(f"{path}.at", table["at"]) if table.get("at") is not None else None
    if at is not None and as_of is not None and at > as_of:
        return
    word = _word(facts, _Row(path=path, table=table, at=at, as_of=as_of))
    if word is None:
        return
    try:
        settle(in_force([*facts.words, word]))
    except ContradictionError as error:
        facts.rejected.append({"value": path, "reason": "contradiction"})
        facts.warnings.append(f"{path}: {error}")
    else:
        facts.words.append(word)


def _word(facts: _Facts, row: _Row) -> Word | None:
    """Read a judgement on a pair, a split or an undo; None where it names nobody."""
    path, table, at = row.path, row.table, row.at
    name = _of(table, "id", str, path.partition("[")[2].rstrip("]").zfill(9), path)
    kind = _parsed(f"{path}.kind", _WordKind, _need(path, table, "kind"))
    if kind is _WordKind.UNDO:
        return _undo(facts, path, table, at)
    if kind is _WordKind.SPLIT:
        return _split_side(facts, row, name)
    left, right = (_judged(facts, f"{path}.{side}", _need(path, table, side)) for side in ("left", "right"))
    return None if left is None or right is None else judged(JudgementKind(kind), left, right, at=at, name=name)


def _undo(facts: _Facts, path: str, table: Mapping[str, Any], at: datetime | None) -> Undo:
    """Read which judgement counts no more; it must stand before."""
    wanted = _of(table, "judgement", str, None, path) or _need(path, table, "judgement")
    if wanted not in {getattr(word, "id", None) for word in facts.words}:
        raise CaseError(f"{path}.judgement: no judgement before it has that id")
    return Undo(judgement=wanted, at=at)


def _judged(facts: _Facts, path: str, value: Any) -> Identifier | None:
    """Read an identifier of a judgement; one that names nobody is rejected."""
    read = normalize(*_split(path, value), facts.rules)
    if isinstance(read, Identifier):
        return read
    facts.rejected.append({"value": f"{read.namespace}:{read.value}", "reason": read.reason})
    return None


def _split_side(facts: _Facts, row: _Row, name: str) -> Word | None:
    """Part the identifiers named from all others of their profiles, as those were under the judgements before."""
    today = _resolve(facts, row.as_of if row.at is None else row.at)
    profiles = [frozenset(profile.identifiers) for profile in today.profiles]
    return split(_named(facts, row.path, row.table), profiles, at=row.at, name=name)


def _named(facts: _Facts, path: str, table: Mapping[str, Any]) -> frozenset[Identifier]:
    """Read a list of identifiers; those that name nobody are rejected."""
    texts = _of(table, "identifiers", list, [], path)
    read = (_judged(facts, f"{path}.identifiers", text) for text in texts)
    return frozenset(identifier for identifier in read if identifier is not None)


def _erase(facts: _Facts, path: str, row: Any) -> None:
    """Read one erasure: it covers the profile of its identifiers as it was then, and what must go with it goes."""
    table = _table(path, row)
    at = _moment(f"{path}.at", _need(path, table, "at"))
    shelf = MemoryShelf()
    known = [o for o in facts.observations.values() if o.known_at <= at]
    today = Incremental(facts.rules, shelf, in_force(facts.words, at), graves(facts.erasures, b""))
    today.add_many(known)
    named = _named(facts, path, table)
    gone = covered(named, shelf.find(sorted(named)), shelf.hubs(named), facts.rules, b"")
    facts.erasures.append(Erasure(id=path, at=at, tombstones=gone.tombstones))
    forbidden = graves(facts.erasures, b"").drops
    lost = {o.key for o in gone.observations} | {o.key for o in facts.observations.values() if forbidden(o)}
    for key in sorted(lost):
        facts.rejected.append({"value": facts.names[key], "reason": "erased"})
        del facts.observations[key]
    facts.words = [left for word in facts.words if (left := _left(word, gone.buried)) is not None]


def _left(word: Word, buried: frozenset[Identifier]) -> Word | None:
    """Give what is left of a word once some identifiers are erased."""
    return word if isinstance(word, Undo) else word.without(buried)


def _split(path: str, text: Any) -> tuple[str, str]:
    """Divide `namespace:value` at its first colon."""
    namespace, colon, value = text.partition(":") if isinstance(text, str) else ("", "", "")
    if not colon or not namespace.strip():
        raise CaseError(f"{path}: an identifier is written namespace:value")
    return namespace.strip(), value


def _table(path: str, row: Any) -> Mapping[str, Any]:
    """Give a JSON object."""
    if not isinstance(row, dict):
        raise CaseError(f"{path}: {type(row).__name__} given; use an object")
    return row


def _need(path: str, table: Mapping[str, Any], key: str) -> Any:
    """Give a field that must be there."""
    if table.get(key) is None:
        raise CaseError(f"{path}: {key} is missing")
    return table[key]


def _of(table: Mapping[str, Any], key: str, kind: type, default: Any, path: str = "") -> Any:
    """Give a field of a type, or its default where it is absent or null."""
    value = table.get(key)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise CaseError(f"{path}.{key}".lstrip(".") + f": {type(value).__name__} given; use a {kind.__name__}")
    return value


def _parsed(path: str, parse: Callable[[str], Any], value: Any) -> Any:
    """Read a word of an enumeration."""
    try:
        return parse(value)
    except ValueError as error:
        raise CaseError(f"{path}: {error}") from None


def _moment(path: str, value: Any) -> datetime:
    """Read an ISO 8601 time with its offset."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise CaseError(f"{path}: not an ISO 8601 time like 2026-01-31T09:30:00Z") from None
    if moment.tzinfo is None:
        raise CaseError(f"{path}: a time needs its offset, like Z or +09:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise CaseError(f"{path}: a time beyond the calendar") from None


def _written(moment: datetime | None) -> str | None:
    """Write a time as ISO 8601 in UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
