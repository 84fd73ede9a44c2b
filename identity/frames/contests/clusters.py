"""Profiles in the making: each member that was seen is in one cluster, which is called after one of its members.

While a rebuild is under way `of` is a forest: following it leads to the cluster. `counts` tells how many of each
limited namespace a cluster holds.
"""

import numpy as np
from numba import njit

from identity.frames.chunks import Starts
from identity.frames.contests.facts import Counts, Records
from identity.frames.fought import REASONS
from identity.frames.interning import Ids
from identity.observations import Trust
from identity.replaying.forest import RefusalReason

_LIMIT, _CAP, _PERSONS = (
    REASONS.index(reason) + 1
    for reason in (RefusalReason.NAMESPACE_LIMIT, RefusalReason.PROFILE_CAP, RefusalReason.PERSONS_NEED_TRUST)
)
_SERVER = int(Trust.SERVER)

_CLUSTER = np.dtype(
    [
        ("first_seen", np.int64),
        *((name, np.int32) for name in ("of", "following", "founder", "size", "persons")),
        ("touched", np.bool_),
    ],
    align=True,
)
"""Of a member: when it was first seen, its cluster (-1: it was not), and who follows it in the ring of that.

Of a cluster: who founds it, how many members and persons it has, and whether the sighting at hand touches it.
"""


def unseen(count: int) -> Records:
    """Begin with members that were not seen yet."""
    clusters = np.zeros(count, _CLUSTER)
    clusters["of"] = -1
    return clusters


@njit(cache=True)
def touch(c: Records, counts: Counts, members: Records, some: Ids, moment: int) -> tuple[Starts, int]:
    """Mark and give the clusters that some members are in, those that were there before first; also how many were.

    Members not seen before become clusters of their own.
    """
    labels = np.empty(len(some), np.int64)
    count = 0
    for member in some:
        label = c[member].of
        if label >= 0 and not c[label].touched:
            c[label].touched = True
            labels[count] = label
            count += 1
    old = count
    for member in some:
        if c[member].of < 0:
            c[member].first_seen = moment
            alone(c, counts, members, member)
            c[member].touched = True
            labels[count] = member
            count += 1
    return labels[:count], old


@njit(cache=True)
def alone(c: Records, counts: Counts, members: Records, member: int) -> None:
    """Make a member a cluster of its own."""
    c[member].of, c[member].following, c[member].founder, c[member].size = member, member, member, 1
    c[member].persons = 1 if members[member].person else 0
    counts[member, :] = 0
    if members[member].limited >= 0:
        counts[member, members[member].limited] = 1


@njit(cache=True)
def absorb(c: Records, counts: Counts, members: Records, into: int, gone: int) -> None:
    """Let one cluster take in another; the members of that are not told."""
    c[gone].of = into
    c[into].following, c[gone].following = c[gone].following, c[into].following
    c[into].founder = _founding(c, members, c[into].founder, c[gone].founder)
    c[into].size += c[gone].size
    c[into].persons += c[gone].persons
    for each in range(counts.shape[1]):
        counts[into, each] += counts[gone, each]


@njit(cache=True)
def _founding(c: Records, members: Records, one: int, other: int) -> int:
    """Give the one of two members that founds: by class, first sighting, priority, text."""
    if members[one].tier != members[other].tier:
        return one if members[one].tier < members[other].tier else other
    if c[one].first_seen != c[other].first_seen:
        return one if c[one].first_seen < c[other].first_seen else other
    if members[one].priority != members[other].priority:
        return one if members[one].priority < members[other].priority else other
    return min(one, other)


@njit(cache=True)
def join(c: Records, counts: Counts, members: Records, labels: Starts) -> None:
    """Make one cluster of some, the biggest of them."""
    into = labels[0]
    for label in labels:
        if c[label].size > c[into].size:
            into = label
    for label in labels:
        if label != into:
            member = label
            for _ in range(c[label].size):
                c[member].of = into
                member = c[member].following
            absorb(c, counts, members, into, label)


@njit(cache=True)
def founded(c: Records, labels: Starts) -> Starts:
    """Give the founders of some clusters."""
    founders = np.empty(len(labels), np.int64)
    for place in range(len(labels)):
        founders[place] = c[labels[place]].founder
    return founders


@njit(cache=True)
def held(c: Records, labels: Starts) -> Starts:
    """Give the members of some clusters, sorted."""
    count = 0
    for label in labels:
        count += c[label].size
    found = np.empty(count, np.int64)
    count = 0
    for label in labels:
        member = label
        for _ in range(c[label].size):
            found[count] = member
            member = c[member].following
            count += 1
    found.sort()
    return found


@njit(cache=True)
def root(c: Records, member: int) -> int:
    """Follow a rebuild's joins."""
    while c[member].of != member:
        member = c[member].of
    return member


@njit(cache=True)
def fit(c: Records, counts: Counts, limits: Starts, labels: Starts, cap: int) -> bool:
    """Tell whether one profile may hold all of some clusters, with one person in it at most."""
    if len(labels) == 1:
        return True
    whole, people = 0, 0
    for label in labels:
        whole += c[label].size
        people += 1 if c[label].persons else 0
    if people > 1 or whole > cap:
        return False
    for each in range(len(limits)):
        total = 0
        for label in labels:
            total += counts[label, each]
        if total > limits[each]:
            return False
    return True


@njit(cache=True)
def refusal(c: Records, counts: Counts, limits: Starts, a: int, b: int, trust: int, cap: int) -> int:
    """Give the number of the reason why two clusters may not become one, plus one; 0: they may."""
    if trust < _SERVER and c[a].persons and c[b].persons:
        return _PERSONS
    for each in range(len(limits)):
        if counts[a, each] + counts[b, each] > limits[each]:
            return _LIMIT
    return _CAP if c[a].size + c[b].size > cap else 0
