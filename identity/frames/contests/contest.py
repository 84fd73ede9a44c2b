"""Contested components are replayed one after the other: who founds each member's profile, and what is refused."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from identity.frames.chunks import Starts
from identity.frames.contests.clusters import absorb, alone, fit, founded, held, join, refusal, root, touch, unseen
from identity.frames.contests.facts import Counts, Members, Policy, Records, Sightings
from identity.frames.contests.order import in_order
from identity.frames.contests.pairs import Pairs, forget, seen_by, seen_together, sight, unmade, welcome
from identity.frames.interning import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Each member's founder; how often each ceased to found; the links refused, with their reason's number plus one."""

    founder: Ids
    generation: Ids
    left: Ids
    right: Ids
    reason: npt.NDArray[np.int8]


class _Room(NamedTuple):
    """Where a contest is written."""

    founder: Ids
    generation: Ids
    left: Ids
    right: Ids
    reason: npt.NDArray[np.int8]


def contest(members: Members, sightings: Sightings, policy: Policy) -> Contest:
    """Replay all components; O(n log n) in the sightings, for what each of them touches is bounded by the rules."""
    count, pairs = len(members.each), seen_together(sightings.starts)
    room = _Room(
        founder=np.empty(count, np.int32),
        generation=np.zeros(count, np.int32),
        left=np.empty(pairs, np.int32),
        right=np.empty(pairs, np.int32),
        reason=np.empty(pairs, np.int8),
    )
    counts = np.zeros((count, len(members.limits)), np.int32)
    refused = _replay(members, sightings, policy, unseen(count), counts, room)
    return Contest(
        founder=room.founder,
        generation=room.generation,
        left=room.left[:refused],
        right=room.right[:refused],
        reason=room.reason[:refused],
    )


@njit(cache=True)
def _replay(members: Members, s: Sightings, policy: Policy, c: Records, counts: Counts, room: _Room) -> int:
    """Replay one component after the other; give how many links are refused."""
    refused = 0
    for component in range(len(s.begins) - 1):
        low, high = members.starts[component], members.starts[component + 1]
        pairs = unmade(s, component, low, high - low)
        for step in range(s.begins[component], s.begins[component + 1]):
            some = s.seen[s.starts[step] : s.starts[step + 1]]
            _take(members, c, counts, pairs, some, s.at[step], s.trust[step], policy, room.generation)
        for member in range(low, high):
            room.founder[member] = c[c[member].of].founder
        refused = _tell(pairs.each, room, refused)
    return refused


@njit(cache=True)
def _take(
    members: Members,
    c: Records,
    counts: Counts,
    pairs: Pairs,
    some: Ids,
    moment: int,
    trust: int,
    policy: Policy,
    generation: Ids,
) -> None:
    """Take in a sighting of some members."""
    labels, old = touch(c, counts, members.each, some, moment)
    founders = founded(c, labels[:old])
    here = seen_by(pairs, some)
    if fit(c, counts, members.limits, labels, policy.cap):
        join(c, counts, members.each, labels)
        sight(pairs.each, here, moment, trust)
    else:
        welcome(pairs.each, here)
        sight(pairs.each, here, moment, trust)
        _rebuild(members, c, counts, pairs, held(c, labels), policy)
        forget(pairs.each, here)
    for gone in founders:
        if c[c[gone].of].founder != gone:
            generation[gone] += 1
    for label in labels:
        c[label].touched = False


@njit(cache=True)
def _rebuild(members: Members, c: Records, counts: Counts, pairs: Pairs, moved: Starts, policy: Policy) -> None:
    """Take clusters apart, and add their links again, in order, but for those that break a limit."""
    links = pairs.each
    order = in_order(pairs, members.each, moved, policy)
    for member in moved:
        alone(c, counts, members.each, member)
    for link in order:
        a, b = root(c, links[link].left), root(c, links[link].right)
        links[link].why = 0
        if a == b:
            continue
        links[link].why = refusal(c, counts, members.limits, a, b, links[link].trust, policy.cap)
        if links[link].why:
            links[link].trust = -1
        elif c[a].size < c[b].size:
            absorb(c, counts, members.each, b, a)
        else:
            absorb(c, counts, members.each, a, b)
    for member in moved:
        c[member].of = root(c, member)


@njit(cache=True)
def _tell(links: Records, room: _Room, refused: int) -> int:
    """Write down which links are refused, behind so many others; count all."""
    for link in range(len(links)):
        if links[link].why:
            room.left[refused], room.right[refused] = links[link].left, links[link].right
            room.reason[refused] = links[link].why
            refused += 1
    return refused
