"""The order in which a rebuild adds links: `identity.replaying.ranking`, over numbers."""

import numpy as np
from numba import njit

from identity.frames.chunks import Starts
from identity.frames.contests.facts import Policy, Records
from identity.frames.contests.pairs import Pairs
from identity.observations import Trust

_ASSERTED = int(Trust.ASSERTED)


@njit(cache=True)
def in_order(pairs: Pairs, members: Records, moved: Starts, policy: Policy) -> Starts:
    """Give the links between some members, which are sorted, in the order in which they are added."""
    made = _made(pairs, moved)
    major, minor = np.empty(len(made), np.int64), np.empty(len(made), np.int64)
    for place in range(len(made)):
        major[place], minor[place] = _key(pairs.each, members, made[place], policy)
    order = np.argsort(minor, kind="mergesort")
    return made[order[np.argsort(major[order], kind="mergesort")]]


@njit(cache=True)
def _made(pairs: Pairs, moved: Starts) -> Starts:
    """Give the links that are made between members, by number."""
    room = 0
    for member in moved:
        room += pairs.begins[member - pairs.low + 1] - pairs.begins[member - pairs.low]
    made = np.empty(room, np.int64)
    count = 0
    for member in moved:
        for link in range(pairs.begins[member - pairs.low], pairs.begins[member - pairs.low + 1]):
            if pairs.each[link].trust >= 0:
                made[count] = link
                count += 1
    return made[:count]


@njit(cache=True)
def _key(links: Records, members: Records, link: int, policy: Policy) -> tuple[int, int]:
    """Give what a link is ordered by: trust, place, priorities and whether first-come; then age."""
    one, other, trust = members[links[link].left], members[links[link].right], links[link].trust
    first = policy.first or (policy.asserted_first and trust <= _ASSERTED and (one.contact or other.contact))
    if first:
        place = 2 if links[link].made else 1
    else:
        place = 0 if links[link].incoming else 1
    priorities = np.int64(one.priority) + np.int64(other.priority)
    major = ((np.int64(3 - trust) * 3 + place) << 40) + priorities * 2 + (1 if first else 0)
    return major, links[link].age if first else -links[link].age
