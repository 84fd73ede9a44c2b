"""Contested components on their way to the replay and back: from entries to members in order, and to profiles again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from identity.frames.chunks import UNDATED, Chunk, Starts
from identity.frames.components import FLOODED, SHARED, Bools, Flags
from identity.frames.contests.contest import Contest, contest
from identity.frames.contests.facts import MEMBER, Members, Policy, Sightings
from identity.frames.fought import Fought
from identity.frames.interning import Ids
from identity.frames.vocabulary import NameRules, Vocabulary
from identity.observations import Trust
from identity.rules import Conflict, LinkingRules

_SERVER = int(Trust.SERVER)
_ABSENT, _PRESENT, _ALONE = 0, 1, 2
"""What an entry is here: no part of it, a member, or one that stands alone where asserted together with others."""


@dataclass(slots=True, kw_only=True)
class _Parts:
    """Sightings in no order: each one's component, and where it comes from."""

    root: Ids
    at: Starts
    trust: npt.NDArray[np.int8]
    chunk: Ids
    place: Starts
    sizes: Starts
    seen: Ids


def fight(
    chunks: Sequence[Chunk],
    parent: Ids,
    marks: Bools,
    hubs: Flags,
    vocabulary: Vocabulary,
    spaces: NameRules,
    rules: LinkingRules,
    latest: int,
    name: Callable[[Chunk, int], str],
) -> Fought:
    """Replay the components whose roots are marked; `name` names an observation where two are of one moment."""
    parts = _gather(chunks, parent, marks, hubs, latest)
    held = np.zeros(len(parent), np.bool_)
    held[parts.seen] = True
    entries = _members(np.flatnonzero(held).astype(np.int32), parent, vocabulary, spaces)
    number = np.zeros(len(parent), np.int32)
    number[entries] = np.arange(len(entries), dtype=np.int32)
    roots, begins = np.unique(parent[entries], return_index=True)
    order = _ordered(parts, chunks, name)
    found = contest(
        _described(entries, np.append(begins, len(entries)), vocabulary, spaces),
        _laid(parts, order, number, roots),
        Policy(
            cap=rules.profile_cap,
            first=rules.conflict is Conflict.FIRST,
            asserted_first=rules.asserted_contacts is not Conflict.NEWEST,
        ),
    )
    return _back(found, entries)


def _back(found: Contest, entries: Ids) -> Fought:
    """Give entries for members."""
    return Fought(
        entries=entries,
        founders=entries[found.founder],
        generations=found.generation[found.founder],
        left=entries[found.left],
        right=entries[found.right],
        reasons=found.reason - np.int8(1),
    )


def _gather(chunks: Sequence[Chunk], parent: Ids, marks: Bools, hubs: Flags, latest: int) -> _Parts:
    """Collect the sightings of marked components; flooded entries of asserted observations stand alone."""
    part = np.where(marks[parent] & (hubs != SHARED), np.uint8(_PRESENT), np.uint8(_ABSENT))
    part[(part == _PRESENT) & (hubs == FLOODED)] = _ALONE
    found = []
    for number, chunk in enumerate(chunks):
        trust = np.full(len(chunk), _SERVER, np.int8) if chunk.trust is None else chunk.trust
        room = len(chunk.entries)
        places, numbers, those = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int32)
        count, held = _sightings(chunk.starts, chunk.entries, trust, part, places, numbers, those)
        place, sizes, seen = places[:count].copy(), numbers[:count].copy(), those[:held].copy()
        at = np.full(count, UNDATED, np.int64) if chunk.at is None else chunk.at[place]
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if count else np.zeros(0, np.int64)
        found.append(
            _Parts(
                root=parent[seen[first]],
                at=np.minimum(at, latest),
                trust=trust[place],
                chunk=np.full(count, number, np.int32),
                place=place,
                sizes=sizes,
                seen=seen,
            )
        )
    return _Parts(
        root=np.concatenate([each.root for each in found]),
        at=np.concatenate([each.at for each in found]),
        trust=np.concatenate([each.trust for each in found]),
        chunk=np.concatenate([each.chunk for each in found]),
        place=np.concatenate([each.place for each in found]),
        sizes=np.concatenate([each.sizes for each in found]),
        seen=np.concatenate([each.seen for each in found]),
    )


@njit(cache=True)
def _sightings(
    starts: Starts, entries: Ids, trust: npt.NDArray[np.int8], part: Flags, place: Starts, sizes: Starts, seen: Ids
) -> tuple[int, int]:
    """Write down each sighting: its observation, its size, its entries; tell how many there are of them."""
    count, held = 0, 0
    for each in range(len(starts) - 1):
        begin, end = starts[each], starts[each + 1]
        apart = trust[each] < _SERVER and end - begin > 1
        size = 0
        for at in range(begin, end):
            stands = part[entries[at]]
            if stands == _PRESENT or (stands == _ALONE and not apart):
                seen[held + size] = entries[at]
                size += 1
        if size:
            place[count], sizes[count] = each, size
            count += 1
            held += size
        for at in range(begin, end if apart else begin):
            if part[entries[at]] == _ALONE:
                place[count], sizes[count], seen[held] = each, 1, entries[at]
                count += 1
                held += 1
    return count, held


def _members(entries: Ids, parent: Ids, vocabulary: Vocabulary, spaces: NameRules) -> Ids:
    """Sort entries by component, namespace and value."""
    frame = pl.DataFrame(
        {
            "root": parent[entries],
            "space": spaces.rank[vocabulary.entries.names[entries]],
            "value": vocabulary.values().gather(entries),
            "entry": entries,
        }
    )
    return frame.sort("root", "space", "value")["entry"].to_numpy()


def _described(entries: Ids, starts: Starts, vocabulary: Vocabulary, spaces: NameRules) -> Members:
    """Say what the rules say of members."""
    names = vocabulary.entries.names[entries]
    limited = np.full(len(spaces.tier), -1, np.int32)
    limited[list(spaces.limits)] = np.arange(len(spaces.limits), dtype=np.int32)
    each = np.empty(len(entries), MEMBER)
    each["priority"], each["limited"], each["tier"] = spaces.priority[names], limited[names], spaces.tier[names]
    each["person"], each["contact"] = spaces.person[names], spaces.contact[names]
    limits = np.array(list(spaces.limits.values()), np.int64)
    return Members(starts=starts.astype(np.int64), each=each, limits=limits)


def _ordered(parts: _Parts, chunks: Sequence[Chunk], name: Callable[[Chunk, int], str]) -> Starts:
    """Put sightings in order: by component, then as the replay takes them; only equal moments need names."""
    order = np.lexsort((parts.at, parts.root))
    root, at = parts.root[order], parts.at[order]
    same = (root[1:] == root[:-1]) & (at[1:] == at[:-1])
    tied = np.concatenate([same, [False]]) | np.concatenate([[False], same])
    if not tied.any():
        return order
    some = order[tied]
    of = np.stack([parts.chunk[some].astype(np.int64), parts.place[some]])
    each, whose = np.unique(of, axis=1, return_inverse=True)
    names = np.array([name(chunks[number], place) for number, place in each.T.tolist()])
    ranks = np.zeros(len(parts.root), np.int64)
    ranks[some] = np.unique(names, return_inverse=True)[1][whose.ravel()]
    return np.lexsort((parts.trust, ranks, parts.at, parts.root))


def _laid(parts: _Parts, order: Starts, number: Ids, roots: Ids) -> Sightings:
    """Lay sightings out in order, of members instead of entries."""
    begins = np.concatenate([[0], np.cumsum(parts.sizes)])
    sizes = parts.sizes[order]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    picked = np.repeat(begins[order] - starts[:-1], sizes) + np.arange(starts[-1])
    return Sightings(
        begins=np.searchsorted(parts.root[order], np.append(roots, np.iinfo(np.int32).max)),
        starts=starts,
        seen=number[parts.seen[picked]],
        at=parts.at[order],
        trust=parts.trust[order],
    )
