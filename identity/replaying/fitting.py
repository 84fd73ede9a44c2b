"""Whether one profile may hold all of some clusters and fresh identifiers, told without looking at a link."""

from collections.abc import Sequence

from identity.identifiers import Identifier
from identity.replaying.clusters import Cluster
from identity.replaying.forest import Terms


def fits(terms: Terms, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
    """Tell whether one profile may hold all of these.

    If so, no link of theirs can be refused, in whatever order: the limits only ever grow tighter on the way to that
    one profile, and with at most one person among them an asserted link joins no two (proven equal to the ordered
    rebuild by tests/identity/replaying/test_replay.py).
    """
    if len(old) + len(fresh) == 1:
        return True
    return sum(c.size for c in old) + len(fresh) <= terms.rules.profile_cap and agree(terms, old, fresh)


def agree(terms: Terms, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
    """Tell whether one profile may hold all of these, but for the cap: one person, the limits, the judgements."""
    persons = sum(c.person is not None for c in old) + sum(map(terms.is_person, fresh))
    return persons <= 1 and _within_limits(terms, old, fresh) and not _barred(terms, old, fresh)


def _within_limits(terms: Terms, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
    """Tell whether no namespace would exceed its limit."""
    limits = terms.limits
    counts: dict[str, int] = {}
    for cluster in old:
        for name, count in cluster.counts.items():
            counts[name] = counts.get(name, 0) + count
    for identifier in fresh:
        if identifier.namespace in limits:
            counts[identifier.namespace] = counts.get(identifier.namespace, 0) + 1
    return all(count <= limits[name] for name, count in counts.items())


def _barred(terms: Terms, old: Sequence[Cluster], fresh: Sequence[Identifier]) -> bool:
    """Tell whether a cannot-link stands between any of these."""
    barred = terms.verdicts.barred
    if not barred:
        return False
    together = set(fresh).union(*(c.members for c in old))
    return any(not together.isdisjoint(barred.get(i, ())) for i in together)
