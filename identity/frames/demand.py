"""How much memory the answer to what is held takes at its peak, told before any of it is made.

Counted is what grows with what came in, by the arrays that each step holds at once; replaying contested components and
explaining links take more. tests/identity/frames/test_demand.py compares it with what is taken.
"""

from dataclasses import dataclass

ENTRY = 12
"""Bytes that an entry takes beside its text: the number of its namespace, and where the text begins."""
_SETTLING = 12
"""Bytes an entry takes while it is told what it stands for: that, why not, and whether it stands for itself."""
_LINKED = 55
"""Bytes an entry takes once all is linked: its root, sightings, first, last, weakness and marks (27), its profile (4),
and if that holds nothing else the profile's founder, generation and id (24)."""
STATE = ENTRY + _LINKED + 8
"""Bytes that are held of each identifier, whatever waits on the disk; the last of them while parts are merged."""
_SPILLING = 33
"""Bytes that a text takes while it is put aside, beside its copy: its bucket, its place, length and end in order."""
_LINK, _WRITTEN_LINK = 24, 40
"""Bytes of an observation that is a link; where some values do not stand for themselves, also as it was written."""
_GROUPING, _GROUPED = 82, 8
"""Bytes of a row of other observations: while they are put together, and then."""
_KEY = 32
"""Bytes of an observation that has a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is held: `texts` of so many `bytes`, `tables` the bytes of tables to find them by and of the rows.

    `links` and `rows` count rows of either shape, `keys` the keys of the rows. `plain`: each value stands for itself.
    """

    entries: int
    bytes: int
    tables: int
    links: int
    rows: int
    keys: int
    key_bytes: int
    plain: bool

    def peak(self) -> int:
        """Give the bytes that are held at the peak: of reading on, of putting all aside, or of the answer."""
        known = self.bytes + ENTRY * self.entries + self.key_bytes + ENTRY * self.keys
        link = _LINK if self.plain else _WRITTEN_LINK
        chunks = link * self.links + _GROUPED * self.rows + _KEY * self.keys
        return known + max(
            self.tables + _SETTLING * self.entries,
            self.tables + link * self.links + _GROUPING * self.rows + _KEY * self.keys,
            self.bytes + _SPILLING * self.entries,
            chunks + _LINKED * self.entries,
        )
