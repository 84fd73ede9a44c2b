"""The canonical replay of `identity.replay` in compiled code, where no judgement and no ttl has a say.

It follows that file step by step, over numbers: the identifiers of a component are numbered in the order of their text,
so that comparing numbers is comparing identifiers. tests/identity/frames/test_resolving.py shows both say the same.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from identity.forest import RefusalReason
from identity.frames.chunks import Starts
from identity.frames.components import Bools
from identity.frames.fought import REASONS
from identity.frames.interning import Ids
from identity.observations import Trust

_LIMIT, _CAP, _PERSONS = (
    REASONS.index(reason) + 1
    for reason in (RefusalReason.NAMESPACE_LIMIT, RefusalReason.PROFILE_CAP, RefusalReason.PERSONS_NEED_TRUST)
)
_SERVER, _ASSERTED = int(Trust.SERVER), int(Trust.ASSERTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The identifiers of contested components, those of one after those of another, in the order of their text.

    `limited` numbers the namespaces that have a limit, -1 for the others; `limits` are by that number.
    """

    starts: Starts
    person: Bools
    contact: Bools
    tier: npt.NDArray[np.int8]
    priority: Ids
    limited: Ids
    limits: Starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """What was seen, by component and in the order of the replay: seen[starts[i]:starts[i + 1]] are members by number.

    Sightings begins[c] to begins[c + 1] are those of component `c`.
    """

    begins: Starts
    starts: Starts
    seen: Ids
    at: Starts
    trust: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Each member's founder; how often each ceased to found; the links refused, with their reason's number plus one."""

    founder: Ids
    generation: Ids
    left: Ids
    right: Ids
    reason: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What of the rules orders links and limits profiles."""

    cap: int
    first: bool
    asserted_first: bool


def contest(members: Members, sightings: Sightings, policy: Policy) -> Contest:
    """Replay all components."""
    count = len(members.person)
    founder, generation = np.empty(count, np.int32), np.zeros(count, np.int32)
    m = members
    pairs = _pairs(sightings.starts)
    left, right = np.empty(pairs, np.int32), np.empty(pairs, np.int32)
    reason = np.empty(pairs, np.int8)
    refused = _contest(
        *(m.starts, m.person, m.contact, m.tier, m.priority, m.limited, m.limits),
        *(sightings.begins, sightings.starts, sightings.seen, sightings.at, sightings.trust),
        *(policy.cap, policy.first, policy.asserted_first, founder, generation, left, right, reason),
    )
    return Contest(
        founder=founder, generation=generation, left=left[:refused], right=right[:refused], reason=reason[:refused]
    )


@njit(cache=True)
def _pairs(starts: Starts) -> int:
    """Count the pairs seen together, each as often as it was seen."""
    count = 0
    for each in range(len(starts) - 1):
        size = starts[each + 1] - starts[each]
        count += size * (size - 1) // 2
    return count


@njit(cache=True)
def _contest(
    member_starts: Starts,
    person: Bools,
    contact: Bools,
    tier: npt.NDArray[np.int8],
    priority: Ids,
    limited: Ids,
    limits: Starts,
    begins: Starts,
    starts: Starts,
    seen: Ids,
    at: Starts,
    trust: npt.NDArray[np.int8],
    cap: int,
    first_counts: bool,
    asserted_first: bool,
    founder: Ids,
    generation: Ids,
    out_left: Ids,
    out_right: Ids,
    out_reason: npt.NDArray[np.int8],
) -> int:
    """Replay one component after the other; give how many links are refused."""
    refused = 0
    total = len(person)
    cluster = np.full(total, -1, np.int64)
    inner = np.empty(total, np.int64)
    first_seen = np.zeros(total, np.int64)
    head = np.zeros(total, np.int64)
    size = np.zeros(total, np.int64)
    persons = np.zeros(total, np.int64)
    counts = np.zeros((total, max(len(limits), 1)), np.int32)
    touched = np.zeros(total, np.bool_)
    for component in range(len(begins) - 1):
        low, high = member_starts[component], member_starts[component + 1]
        width = np.int64(high - low)
        one, last = begins[component], begins[component + 1]
        codes = _codes(starts[one : last + 1], seen, low, width)
        link_trust = np.full(len(codes), -1, np.int8)
        link_age = np.zeros(len(codes), np.int64)
        why = np.zeros(len(codes), np.int8)
        made = np.zeros(len(codes), np.bool_)
        incoming = np.zeros(len(codes), np.bool_)
        for step in range(one, last):
            some = seen[starts[step] : starts[step + 1]]
            moment, believed = at[step], trust[step]
            # What is touched: the clusters of those seen before, and those not seen before as clusters of their own.
            olds = np.empty(len(some), np.int64)
            founders = np.empty(len(some), np.int64)
            old, fresh = 0, 0
            for member in some:
                if cluster[member] < 0:
                    fresh += 1
                    first_seen[member] = moment
                elif not touched[cluster[member]]:
                    touched[cluster[member]] = True
                    olds[old] = cluster[member]
                    founders[old] = head[cluster[member]]
                    old += 1
            for member in some:
                if cluster[member] < 0:
                    _alone(member, person, limited, cluster, head, size, persons, counts)
                    touched[member] = True
            here = _links(codes, some, low, width)
            if _fits(some, cluster, old + fresh, size, persons, counts, limits, cap):
                if old + fresh > 1:
                    _join(some[0], cluster, touched, low, high, head, size, persons, counts, tier, first_seen, priority)
                for link in here:
                    link_age[link] = moment if link_trust[link] < 0 else max(link_age[link], moment)
                    link_trust[link] = max(link_trust[link], believed)
                    why[link] = 0
            else:
                for link in here:
                    made[link] = link_trust[link] < 0
                    incoming[link] = True
                    link_age[link] = moment if made[link] else max(link_age[link], moment)
                    link_trust[link] = max(link_trust[link], believed)
                order = _order(
                    codes, low, width, cluster, touched, link_trust, link_age, made, incoming,
                    contact, priority, first_counts, asserted_first,
                )  # fmt: skip
                for member in range(low, high):
                    inner[member] = cluster[member]
                    if cluster[member] >= 0 and touched[cluster[member]]:
                        inner[member] = member
                for member in range(low, high):
                    if cluster[member] != inner[member] or (cluster[member] == member and touched[member]):
                        _alone(member, person, limited, cluster, head, size, persons, counts)
                for link in order:
                    a, b = _root(cluster, low + codes[link] // width), _root(cluster, low + codes[link] % width)
                    reason = 0
                    if a != b:
                        reason = _breaks(a, b, link_trust[link], size, persons, counts, limits, cap)
                    if reason:
                        why[link], link_trust[link] = reason, -1
                        continue
                    why[link] = 0
                    if a != b:
                        if size[a] < size[b]:
                            a, b = b, a
                        cluster[b] = a
                        head[a] = _lesser(head[a], head[b], tier, first_seen, priority)
                        size[a] += size[b]
                        persons[a] += persons[b]
                        counts[a, :] += counts[b, :]
                for member in range(low, high):
                    if inner[member] == member:
                        cluster[member] = _root(cluster, member)
                for link in here:
                    made[link], incoming[link] = False, False
            for each in range(old):
                gone = founders[each]
                if head[cluster[gone]] != gone:
                    generation[gone] += 1
                touched[olds[each]] = False
            for member in some:
                touched[member] = False
        for member in range(low, high):
            founder[member] = head[cluster[member]]
        for link in range(len(codes)):
            if why[link]:
                out_left[refused] = low + codes[link] // width
                out_right[refused] = low + codes[link] % width
                out_reason[refused] = why[link]
                refused += 1
    return refused


@njit(cache=True)
def _root(cluster: Starts, member: int) -> int:
    """Follow a rebuild's joins."""
    while cluster[member] != member:
        member = cluster[member]
    return member


@njit(cache=True)
def _codes(starts: Starts, seen: Ids, low: int, width: int) -> Starts:
    """Give the pairs that a component's sightings see together, each once, sorted: left × width + right."""
    room = 0
    for each in range(len(starts) - 1):
        size = starts[each + 1] - starts[each]
        room += size * (size - 1) // 2
    codes = np.empty(room, np.int64)
    count = 0
    for each in range(len(starts) - 1):
        for one in range(starts[each], starts[each + 1]):
            for other in range(one + 1, starts[each + 1]):
                left, right = min(seen[one], seen[other]), max(seen[one], seen[other])
                codes[count] = np.int64(left - low) * width + np.int64(right - low)
                count += 1
    codes.sort()
    kept = 0
    for place in range(count):
        if place == 0 or codes[place] != codes[place - 1]:
            codes[kept] = codes[place]
            kept += 1
    return codes[:kept]


@njit(cache=True)
def _links(codes: Starts, some: Ids, low: int, width: int) -> Starts:
    """Give the numbers of the links that a sighting sees."""
    found = np.empty(len(some) * (len(some) - 1) // 2, np.int64)
    count = 0
    for one in range(len(some)):
        for other in range(one + 1, len(some)):
            left, right = min(some[one], some[other]), max(some[one], some[other])
            found[count] = np.searchsorted(codes, np.int64(left - low) * width + np.int64(right - low))
            count += 1
    return found


@njit(cache=True)
def _lesser(one: int, other: int, tier: npt.NDArray[np.int8], first_seen: Starts, priority: Ids) -> int:
    """Give the one of two members that founds: by class, first sighting, priority, text."""
    if tier[one] != tier[other]:
        return one if tier[one] < tier[other] else other
    if first_seen[one] != first_seen[other]:
        return one if first_seen[one] < first_seen[other] else other
    if priority[one] != priority[other]:
        return one if priority[one] < priority[other] else other
    return min(one, other)


@njit(cache=True)
def _alone(
    member: int,
    person: Bools,
    limited: Ids,
    cluster: Starts,
    head: Starts,
    size: Starts,
    persons: Starts,
    counts: npt.NDArray[np.int32],
) -> None:
    """Make a member a cluster of its own."""
    cluster[member], head[member], size[member] = member, member, 1
    persons[member] = 1 if person[member] else 0
    counts[member, :] = 0
    if limited[member] >= 0:
        counts[member, limited[member]] = 1


@njit(cache=True)
def _fits(
    some: Ids,
    cluster: Starts,
    parts: int,
    size: Starts,
    persons: Starts,
    counts: npt.NDArray[np.int32],
    limits: Starts,
    cap: int,
) -> bool:
    """Tell whether one profile may hold all that is touched, with one person in it at most."""
    if parts == 1:
        return True
    whole, people = 0, 0
    sums = np.zeros(len(limits), np.int64)
    counted = np.empty(len(some), np.int64)
    known = 0
    for member in some:
        label = cluster[member]
        new = True
        for place in range(known):
            new = new and counted[place] != label
        if not new:
            continue
        counted[known] = label
        known += 1
        whole += size[label]
        people += 1 if persons[label] else 0
        for each in range(len(limits)):
            sums[each] += counts[label, each]
    if people > 1 or whole > cap:
        return False
    for each in range(len(limits)):
        if sums[each] > limits[each]:
            return False
    return True


@njit(cache=True)
def _join(
    member: int,
    cluster: Starts,
    touched: Bools,
    low: int,
    high: int,
    head: Starts,
    size: Starts,
    persons: Starts,
    counts: npt.NDArray[np.int32],
    tier: npt.NDArray[np.int8],
    first_seen: Starts,
    priority: Ids,
) -> None:
    """Make one cluster of all that is touched."""
    into = cluster[member]
    for label in range(low, high):
        if cluster[label] == label and label != into and touched[label]:
            head[into] = _lesser(head[into], head[label], tier, first_seen, priority)
            size[into] += size[label]
            persons[into] += persons[label]
            counts[into, :] += counts[label, :]
    for other in range(low, high):
        if cluster[other] >= 0 and touched[cluster[other]]:
            cluster[other] = into


@njit(cache=True)
def _breaks(
    a: int,
    b: int,
    trust: int,
    size: Starts,
    persons: Starts,
    counts: npt.NDArray[np.int32],
    limits: Starts,
    cap: int,
) -> int:
    """Give the number of the reason why two clusters may not become one; 0: they may."""
    if trust < _SERVER and persons[a] and persons[b]:
        return _PERSONS
    for each in range(len(limits)):
        if counts[a, each] + counts[b, each] > limits[each]:
            return _LIMIT
    return _CAP if size[a] + size[b] > cap else 0


@njit(cache=True)
def _order(
    codes: Starts,
    low: int,
    width: int,
    cluster: Starts,
    touched: Bools,
    link_trust: npt.NDArray[np.int8],
    link_age: Starts,
    made: Bools,
    incoming: Bools,
    contact: Bools,
    priority: Ids,
    first_counts: bool,
    asserted_first: bool,
) -> Starts:
    """Put the links of what is touched in order: see `identity.replay.Replay._order`."""
    links = np.empty(len(codes), np.int64)
    major = np.empty(len(codes), np.int64)
    minor = np.empty(len(codes), np.int64)
    count = 0
    for link in range(len(codes)):
        left, right = low + codes[link] // width, low + codes[link] % width
        if link_trust[link] < 0 or not touched[cluster[left]]:
            continue
        first = first_counts or (asserted_first and link_trust[link] <= _ASSERTED and (contact[left] or contact[right]))
        if first:
            place = 2 if made[link] else 1
        else:
            place = 0 if incoming[link] else 1
        rank = np.int64(3 - link_trust[link]) * 3 + place
        major[count] = (rank << 40) + (np.int64(priority[left]) + np.int64(priority[right])) * 2 + (1 if first else 0)
        minor[count] = link_age[link] if first else -link_age[link]
        links[count] = link
        count += 1
    return _sorted(links[:count], major[:count], minor[:count])


@njit(cache=True)
def _sorted(links: Starts, major: Starts, minor: Starts) -> Starts:
    """Sort links by two keys, keeping the order of equals: a merge sort from the bottom up."""
    count = len(links)
    order, spare = np.arange(count), np.empty(count, np.int64)
    run = 1
    while run < count:
        for begin in range(0, count, 2 * run):
            middle, end = min(begin + run, count), min(begin + 2 * run, count)
            one, other = begin, middle
            for place in range(begin, end):
                take = other >= end
                if not take and one < middle:
                    a, b = order[one], order[other]
                    take = major[a] < major[b] or (major[a] == major[b] and minor[a] <= minor[b])
                if take:
                    spare[place] = order[one]
                    one += 1
                else:
                    spare[place] = order[other]
                    other += 1
        order, spare = spare, order
        run *= 2
    return links[order]
