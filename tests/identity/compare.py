"""Engine and oracle, said in the same words, so that a difference names itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from identity.component import Component
from identity.identifiers import Identifier
from identity.judgements import Pair, Word
from identity.observations import Observation, ReplayKey
from identity.ports import MemoryShelf
from identity.profiles import ProfileId, ProfileRef, profile_id
from identity.resolve import Resolution, live
from tests.identity.oracle import Answer, Named, contradictory

KEY = b"a deployment's key"

OwnedSpan = tuple[Identifier, datetime | None, datetime | None, ProfileId | None]


@dataclass(frozen=True, kw_only=True)
class Said:
    """All that R says, with every profile by its id."""

    profiles: Mapping[ProfileId, frozenset[Identifier]]
    redirects: Mapping[ProfileId, ProfileId]
    refused: Mapping[Pair, str]
    reasons: Mapping[Pair, str]
    attribution: Mapping[ReplayKey, ProfileId | None]
    owners: tuple[OwnedSpan, ...]
    shared: Mapping[Identifier, frozenset[ProfileId]]


def named(name: Named | ProfileRef | None) -> ProfileId | None:
    """Hash a name under the tests' key; nobody stays nobody."""
    return None if name is None else hashed(name)


def hashed(name: Named | ProfileRef) -> ProfileId:
    """Hash a name under the tests' key."""
    return profile_id(ProfileRef(*name), KEY)


def by_oracle(answer: Answer) -> Said:
    """Say the oracle's answer, which knows every limit that a link would have broken and so gives no one reason."""
    return Said(
        profiles={hashed(name): group for name, group in answer.profiles.items()},
        redirects={hashed(old): hashed(new) for old, new in answer.redirects.items()},
        refused={ends: refusal.by for ends, refusal in answer.refused.items()},
        reasons={},
        attribution={key: named(name) for key, name in answer.attribution.items()},
        owners=tuple((o.identifier, o.start, o.end, named(o.profile)) for o in answer.owners),
        shared={hub: frozenset(map(hashed, names)) for hub, names in answer.shared.items()},
    )


def by_engine(resolution: Resolution) -> Said:
    """Say what `resolve(…, key=KEY)` gave."""
    return Said(
        profiles={p.profile_id: frozenset(p.identifiers) for p in resolution.profiles},
        redirects=resolution.redirects,
        refused={(r.left, r.right): r.by for r in resolution.refused},
        reasons={(r.left, r.right): r.reason for r in resolution.refused},
        attribution=resolution.attribution,
        owners=tuple((i.identifier, i.start, i.end, named(i.owner)) for i in resolution.intervals),
        shared={hub: frozenset(ids) for hub, ids in resolution.shared.items()},
    )


def without_company(said: Said) -> Said:
    """Leave out whom the hubs were seen with."""
    return replace(said, shared=dict.fromkeys(said.shared, frozenset()))


def without_reasons(said: Said) -> Said:
    """Leave out why links were refused."""
    return replace(said, reasons={})


def consistent(judgements: tuple[Word, ...]) -> tuple[Word, ...]:
    """Leave out each judgement that contradicts those before it, as the service refuses it with 409."""
    kept: list[Word] = []
    for judgement in judgements:
        if not contradictory([*kept, judgement]):
            kept.append(judgement)
    return tuple(kept)


def by_shelf(shelf: MemoryShelf, facts: Iterable[Observation]) -> Said:
    """Say what the components on a shelf hold; what of these facts is in none of them is nobody's.

    A shelf knows its hubs, not whom they were seen with: `shared` names none.
    """
    known = list(facts)
    return by_components(
        shelf.components(), known, sorted(shelf.hubs({i for o in known for i in o.identifiers}).shared)
    )


def by_components(components: Sequence[Component], known: Iterable[Observation], hubs: Iterable[Identifier]) -> Said:
    """Say what some components hold; what of these facts is in none of them is nobody's."""
    homes = {i: ref for c in components for i, ref in c.refs().items()}
    spans = [span for c in components for span in c.owners().intervals(c.replay.identifiers())]
    return Said(
        profiles={hashed(ref): frozenset(i for i in homes if homes[i] == ref) for ref in homes.values()},
        redirects={
            hashed(old): hashed(live(c.replay.redirects, old)) for c in components for old in c.replay.redirects
        },
        refused={ends: r.by for c in components for ends, r in c.replay.refused.items()},
        reasons={ends: r.reason for c in components for ends, r in c.replay.refused.items()},
        attribution={o.key: None for o in known}
        | {key: named(ref) for c in components for key, ref in c.owners().attribution().items()},
        owners=tuple((s.identifier, s.start, s.end, named(s.owner)) for s in sorted(spans, key=lambda s: s.identifier)),
        shared=dict.fromkeys(hubs, frozenset()),
    )
