"""Written cases: where they stand, how their observations are read, and what each says must come out."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from identity.identifiers import Identifier
from identity.judgements import Judgement, JudgementKind, judged
from identity.loaded_rules import load_rules
from identity.normalize import clean, normalize
from identity.observations import Observation, Trust
from identity.rules import LinkingRules

OWN = Path(__file__).parent / "cases"
SHARED = Path(__file__).parents[3] / "shared" / "cases"


def written_cases() -> list[Path]:
    """List the project's own cases, and those beside the checkout where there are any."""
    return sorted(OWN.glob("*.json")) + sorted(SHARED.glob("*.json"))


def read_case(path: Path) -> dict[str, Any]:
    """Read a case as it stands."""
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A case, read."""

    rules: LinkingRules
    observations: tuple[Observation, ...]
    judgements: tuple[Judgement, ...]
    as_of: datetime | None


def read_facts(case: Mapping[str, Any]) -> Facts:
    """Read a case's rules, observations and judgements (CONTRACT 5)."""
    rules = load_rules(case["rules"])
    return Facts(
        rules=rules,
        observations=tuple(_observation(row, rules) for row in case["observations"]),
        judgements=tuple(_judgement(row, rules) for row in case.get("judgements") or ()),
        as_of=_moment(case.get("as_of")),
    )


def _moment(text: str | None) -> datetime | None:
    """Read a time."""
    return None if text is None else datetime.fromisoformat(text)


def _raw(text: str) -> tuple[str, str]:
    """Cut `namespace:value` at its first colon."""
    namespace, _, value = text.partition(":")
    return namespace, value


def _observation(row: Mapping[str, Any], rules: LinkingRules) -> Observation:
    """Read an observation, its identifiers cleaned."""
    identifiers, _ = clean((_raw(text) for text in row["identifiers"]), rules)
    return Observation(
        id=row["id"],
        at=datetime.fromisoformat(row["at"]),
        identifiers=identifiers,
        trust=Trust.parse(row.get("trust", "server")),
        source=row.get("source", ""),
        received_at=_moment(row.get("received_at")),
    )


def _judgement(row: Mapping[str, Any], rules: LinkingRules) -> Judgement:
    """Read a judgement on a pair."""
    left, right = (normalize(*_raw(row[side]), rules) for side in ("left", "right"))
    assert isinstance(left, Identifier)
    assert isinstance(right, Identifier)
    return judged(JudgementKind(row["kind"]), left, right, at=_moment(row.get("at")))


def misses(case: Mapping[str, Any], out: Mapping[str, Any]) -> list[str]:
    """Compare an answer in CONTRACT 5's form with all that the case expects; give what differs."""
    expect = case["expect"]
    exact = [
        f"{part}: {out[part]} instead of {expect[part]}"
        for part in ("profiles", "founders", "refused", "owners", "shared", "attribution")
        if part in expect and out[part] != expect[part]
    ]
    return exact + _pairs(expect, out) + _attributed(expect, out) + _other(case, out)


def _pairs(expect: Mapping[str, Any], out: Mapping[str, Any]) -> list[str]:
    """Compare which identifiers share a profile."""
    home = {i: n for n, profile in enumerate(out["profiles"]) for i in profile}
    apart = [f"{a}, {b} are not together" for a, b in expect.get("together", ()) if not _same(home, a, b)]
    return apart + [f"{a}, {b} are together" for a, b in expect.get("separate", ()) if _same(home, a, b)]


def _attributed(expect: Mapping[str, Any], out: Mapping[str, Any]) -> list[str]:
    """Compare which observations belong to one profile."""
    whose = {row["observation"]: row["profile"] for row in out["attribution"]}
    known = whose.keys() >= {i for row in _rows(expect) for i in row}
    unlike = [f"{a}, {b} attributed apart" for a, b in expect.get("attribution_same", ()) if not _same(whose, a, b)]
    alike = [f"{a}, {b} attributed alike" for a, b in expect.get("attribution_differs", ()) if _same(whose, a, b)]
    return unlike + alike + ([] if known else ["an observation is attributed to nothing at all"])


def _rows(expect: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    """List the pairs of observations that a case speaks of."""
    return [*expect.get("attribution_same", ()), *expect.get("attribution_differs", ())]


def _same(where: Mapping[str, int | None], a: str, b: str) -> bool:
    """Tell whether both are somewhere, in one place."""
    return where.get(a) is not None and where.get(a) == where.get(b)


def _other(case: Mapping[str, Any], out: Mapping[str, Any]) -> list[str]:
    """Compare reasons of rejection and the observation that brought the one founder."""
    expect, bad = case["expect"], []
    if "rejected_reason" in expect and expect["rejected_reason"] not in {r["reason"] for r in out["rejected"]}:
        bad.append(f"nothing rejected as {expect['rejected_reason']}")
    if "founder_in" in expect:
        brought = next(o["identifiers"] for o in case["observations"] if o["id"] == expect["founder_in"])
        if len(out["founders"]) != 1 or out["founders"][0] not in brought:
            bad.append(f"founders {out['founders']}")
    return bad
