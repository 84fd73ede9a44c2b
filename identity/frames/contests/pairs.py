"""The links that a component's sightings see, each once, by the numbers of its two members: left, then right."""

from typing import NamedTuple

import numpy as np
from numba import njit

from identity.frames.chunks import Starts
from identity.frames.contests.facts import Records, Sightings
from identity.frames.interning import Ids

LINK = np.dtype(
    [
        ("age", np.int64),
        *((name, np.int32) for name in ("left", "right")),
        *((name, np.int8) for name in ("trust", "why")),
        *((name, np.bool_) for name in ("made", "incoming")),
    ],
    align=True,
)
"""A link's trust (-1: it is not made, or refused), its age, and the number of the reason why it is refused, plus one.

The sighting at hand makes those that are `made`, and sees those that are `incoming`.
"""


class Pairs(NamedTuple):
    """Links of LINK; `codes` tell them apart: left × width + right, counted from `low` on, which is the first member.

    Those with member `m` on their left begin at begins[m - low].
    """

    low: int
    codes: Starts
    begins: Starts
    each: Records


@njit(cache=True)
def seen_together(starts: Starts) -> int:
    """Count the pairs that some sightings see, each as often as it is seen."""
    count = 0
    for each in range(len(starts) - 1):
        size = starts[each + 1] - starts[each]
        count += size * (size - 1) // 2
    return count


@njit(cache=True)
def unmade(s: Sightings, component: int, low: int, width: int) -> Pairs:
    """Give the links of a component whose members are `width` from `low` on; none of them is made."""
    codes = _codes(s.starts[s.begins[component] : s.begins[component + 1] + 1], s.seen, low, width)
    links = np.zeros(len(codes), LINK)
    begins = np.zeros(width + 1, np.int64)
    for link in range(len(codes)):
        left = codes[link] // width
        links[link].left, links[link].right = low + left, low + codes[link] - left * width
        links[link].trust = -1
        begins[left + 1] += 1
    for member in range(width):
        begins[member + 1] += begins[member]
    return Pairs(low, codes, begins, links)


@njit(cache=True)
def _codes(starts: Starts, seen: Ids, low: int, width: int) -> Starts:
    """Give the codes of the pairs that sightings see, each once, sorted."""
    codes = np.empty(seen_together(starts), np.int64)
    count = 0
    for each in range(len(starts) - 1):
        for one in range(starts[each], starts[each + 1]):
            for other in range(one + 1, starts[each + 1]):
                codes[count] = _code(seen[one], seen[other], low, width)
                count += 1
    codes.sort()
    kept = 0
    for place in range(count):
        if place == 0 or codes[place] != codes[place - 1]:
            codes[kept] = codes[place]
            kept += 1
    return codes[:kept]


@njit(cache=True)
def _code(one: int, other: int, low: int, width: int) -> int:
    """Write a pair as a number."""
    return np.int64(min(one, other) - low) * width + np.int64(max(one, other) - low)


@njit(cache=True)
def seen_by(pairs: Pairs, some: Ids) -> Starts:
    """Give the numbers of the links that a sighting of some members sees."""
    found = np.empty(len(some) * (len(some) - 1) // 2, np.int64)
    width = len(pairs.begins) - 1
    count = 0
    for one in range(len(some)):
        for other in range(one + 1, len(some)):
            found[count] = np.searchsorted(pairs.codes, _code(some[one], some[other], pairs.low, width))
            count += 1
    return found


@njit(cache=True)
def sight(links: Records, here: Starts, moment: int, trust: int) -> None:
    """See links again, or make them: their trust is the highest and their age the latest of their sightings."""
    for link in here:
        links[link].age = moment if links[link].trust < 0 else max(links[link].age, moment)
        links[link].trust = max(links[link].trust, trust)
        links[link].why = 0


@njit(cache=True)
def welcome(links: Records, here: Starts) -> None:
    """Mark what a sighting is about to see, and to make."""
    for link in here:
        links[link].made, links[link].incoming = links[link].trust < 0, True


@njit(cache=True)
def forget(links: Records, here: Starts) -> None:
    """Take the marks away."""
    for link in here:
        links[link].made, links[link].incoming = False, False
