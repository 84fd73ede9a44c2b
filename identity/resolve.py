"""R, the definition of who is who: profiles are a pure function of the facts and the rules (DESIGN 4).

The same observations and judgements, in any order and however often repeated, give the same partition, ids, owners and
refusals. Whatever is faster (`incremental`) is proven equal to this.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from identity.claims import Replayed
from identity.erasures import NO_GRAVES, Erasure, Graves, graves
from identity.hubs import Hubs, PersonTally, parts
from identity.identifiers import Identifier
from identity.judgements import Verdicts, Word, in_force, settle
from identity.observations import Observation, ReplayKey
from identity.ownership import OwnedInterval, Owners, deciding
from identity.profiles import Profile, ProfileId, ProfileRef, profile_id
from identity.replaying.replay import Replay, Sighting
from identity.replaying.state import Refused
from identity.rules import LinkingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Who is who, by some facts under some rules.

    `redirects` maps each id given up to the live one that holds its people now. `attribution` maps each observation
    to its profile (None: nobody's). `shared` maps each hub to the profiles of the persons it was seen with.
    """

    profiles: tuple[Profile, ...]
    refused: tuple[Refused, ...]
    redirects: Mapping[ProfileId, ProfileId]
    attribution: Mapping[ReplayKey, ProfileId | None]
    intervals: tuple[OwnedInterval, ...]
    shared: Mapping[Identifier, tuple[ProfileId, ...]]
    flooded: frozenset[Identifier]


def resolve(
    observations: Iterable[Observation],
    rules: LinkingRules,
    judgements: Iterable[Word] = (),
    *,
    erasures: Iterable[Erasure] = (),
    key: bytes = b"",
    as_of: datetime | None = None,
) -> Resolution:
    """Resolve observations into profiles: replay them in the order of their keys under the judgements known.

    `key` (at most 64 bytes) is the deployment's: ids of different deployments are unrelated. Observations with the
    same key count once. `as_of` leaves out what was not known at that moment; what was erased, before or after it, is
    known at none. Raises ContradictionError if the judgements cannot all hold. O(n log n) for n observations where no
    limit is hit.
    """
    erased = graves(erasures, key)
    known = {o.key: o for o in observations if (as_of is None or o.known_at <= as_of) and not erased.drops(o)}
    ordered = [known[k] for k in sorted(known)]
    tally = PersonTally(rules)
    for observation in ordered:
        tally.add(observation)
    hubs = tally.hubs()
    divided = (sighting for observation in ordered for sighting in sightings(observation, hubs))
    replay, replayed = run(divided, rules, settle(in_force(judgements, as_of)), erased)
    owners = Owners(replayed, replay.ref, rules)
    resolved = resolution(replay, owners, _sharing(hubs, tally), hubs, key)
    # Those of which hubs left nothing are in no replay, and nobody's.
    return replace(resolved, attribution={**dict.fromkeys(known), **resolved.attribution})


def sightings(observation: Observation, hubs: Hubs, among: tuple[Identifier, ...] | None = None) -> list[Sighting]:
    """Divide an observation at its hubs: the part it is attributed by, if any is left, then those that stand alone."""
    together, alone = parts(observation, hubs, among)
    main = [Sighting(observation, together, main=True)] if together else []
    return main + [Sighting(observation, (identifier,), main=False) for identifier in alone]


def run(
    ordered: Iterable[Sighting], rules: LinkingRules, verdicts: Verdicts, erased: Graves = NO_GRAVES
) -> tuple[Replay, list[Replayed]]:
    """Replay sightings given in the order of their keys; keep what ownership asks of each observation."""
    replay = Replay(rules, verdicts, erased)
    replayed = []
    for sighting in ordered:
        replay.step(sighting)
        if sighting.main:
            replayed.append(after_step(replay, sighting, rules))
    return replay, replayed


def after_step(replay: Replay, sighting: Sighting, rules: LinkingRules) -> Replayed:
    """Keep a sighting just replayed, with the person its profile holds now."""
    observation, identifiers, _ = sighting
    person = replay.person(deciding(identifiers, rules)) if identifiers else None
    return Replayed(observation, identifiers, person)


def resolution(
    replay: Replay, owners: Owners, sharing: Mapping[Identifier, Sequence[Identifier]], hubs: Hubs, key: bytes
) -> Resolution:
    """Put the outcome of a replay into words that others may keep."""
    ids: dict[ProfileRef, ProfileId] = {}

    def id_of(ref: ProfileRef) -> ProfileId:
        if ref not in ids:
            ids[ref] = profile_id(ref, key)
        return ids[ref]

    profiles = sorted(
        (
            Profile(
                profile_id=id_of(ref),
                ref=ref,
                identifiers=tuple(sorted(cluster.members)),
                person=None if cluster.person is None else cluster.person[1],
            )
            for ref, cluster in replay.profiles()
        ),
        key=lambda p: p.identifiers,
    )
    return Resolution(
        profiles=tuple(profiles),
        refused=tuple(refused for _, refused in sorted(replay.refused.items())),
        redirects={id_of(given_up): id_of(live(replay.redirects, given_up)) for given_up in replay.redirects},
        attribution={k: None if ref is None else id_of(ref) for k, ref in owners.attribution().items()},
        intervals=tuple(owners.intervals(replay.identifiers())),
        shared={hub: tuple(sorted({id_of(replay.ref(i)) for i in persons})) for hub, persons in sharing.items()},
        flooded=hubs.flooded,
    )


def live(redirects: Mapping[ProfileRef, ProfileRef], ref: ProfileRef) -> ProfileRef:
    """Follow redirects to the ref in use today. They lead forward in time, so they end."""
    while ref in redirects:
        ref = redirects[ref]
    return ref


def _sharing(hubs: Hubs, tally: PersonTally) -> dict[Identifier, list[Identifier]]:
    """List the persons each hub was seen with."""
    return {hub: sorted(tally.persons(hub)) for hub in sorted(hubs.shared)}
