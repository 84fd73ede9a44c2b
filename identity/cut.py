"""The least that holds two nodes together: minimum cut by maximum flow (Dinic 1970).

The cut given is the one nearest to the source, so that equal cuts are told apart alike every time.
"""

from collections import deque
from collections.abc import Hashable, Iterable
from itertools import pairwise
from typing import Generic, TypeVar

N = TypeVar("N", bound=Hashable)

_NOTHING = 1e-12
"""Capacities below this are what floating point leaves of nothing."""


class _Flow(Generic[N]):
    """Residual capacities of an undirected graph."""

    def __init__(self, edges: Iterable[tuple[N, N, float]]) -> None:
        self.left: dict[N, dict[N, float]] = {}
        for one, other, capacity in edges:
            for a, b in ((one, other), (other, one)):
                row = self.left.setdefault(a, {})
                row[b] = row.get(b, 0.0) + capacity

    def levels(self, source: N) -> dict[N, int]:
        """Tell how far each node is from the source, over what is left."""
        found, queue = {source: 0}, deque([source])
        while queue:
            node = queue.popleft()
            for other, capacity in self.left.get(node, {}).items():
                if capacity > _NOTHING and other not in found:
                    found[other] = found[node] + 1
                    queue.append(other)
        return found

    def push(self, levels: dict[N, int], source: N, sink: N) -> float:
        """Send along one shortest way as much as it takes; nothing if there is none left."""
        way: list[N] = [source]
        ahead = {source: iter(self.left[source])}
        while way and way[-1] != sink:
            node = way[-1]
            for other in ahead[node]:
                if self.left[node][other] > _NOTHING and levels.get(other) == levels[node] + 1:
                    ahead.setdefault(other, iter(self.left[other]))
                    way.append(other)
                    break
            else:
                levels[node] = -1
                way.pop()
        pairs = list(pairwise(way))
        amount = min((self.left[a][b] for a, b in pairs), default=0.0)
        for a, b in pairs:
            self.left[a][b] -= amount
            self.left[b][a] += amount
        return amount


def minimum_cut(edges: Iterable[tuple[N, N, float]], source: N, sink: N) -> tuple[float, frozenset[N]]:
    """Give the least sum of capacities that parts source from sink, and the nodes on the source's side.

    Edges run both ways; capacities are above 0, the same pair's add up. Nodes not connected: 0. ValueError if source
    and sink are one. O(V² E), on the shallow graphs of profiles nearly linear.
    """
    if source == sink:
        raise ValueError("a node is not to be parted from itself")
    flow = _Flow(edges)
    total = 0.0
    levels = flow.levels(source)
    while sink in levels:
        while amount := flow.push(levels, source, sink):
            total += amount
        levels = flow.levels(source)
    return total, frozenset(levels)
