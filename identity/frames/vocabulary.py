"""All values of an input, each distinct one once: what it is, or why it names nobody.

An entry is a value as it was written, or the normal value that some of those stand for.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from identity.frames.arrow import Texts, series, texts
from identity.frames.bytes import hashed
from identity.frames.faults import FrameError
from identity.frames.interning import ALL_BITS, Hashes, Ids, Interner, Named
from identity.frames.normal_form import Form, form, normal_values
from identity.frames.rows import Settled
from identity.frames.spilling import Entries
from identity.identifiers import ALSO_CALLED, Identifier, Namespace, NamespaceClass
from identity.normalize import normalize
from identity.rules import Founder, LinkingRules

NAMESPACE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What namespaces are called."""
MOST_NAMES = 1 << 16
"""More distinct namespaces than this are none."""
INVALID_NAMESPACE = "invalid_namespace"
EVIDENCE = "not_linkable"
"""The reason of values that are kept as evidence: they link nothing, and are no fault."""
NOBODY = -1

_ZERO = np.zeros(1, np.uint64)
_TOGETHER = 1 << 13
"""Values normalised together: what each becomes on the way takes many times its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A namespace as it was written: its name (None: it cannot be one)."""

    written: str
    name: str | None


class Vocabulary:
    """Numbers values in their namespaces, and tells which of them stand for which."""

    def __init__(self, rules: LinkingRules, names: "Names", bits: int = ALL_BITS) -> None:
        self._bits = bits
        self.interner = Interner(bits)
        self.entries: Entries = self.interner
        self._rules = rules
        self.names = names
        self._sifted = 0
        self._doubtful: list[Ids] = []
        self._doubts = (0, 0)

    def start_over(self) -> None:
        """Know nothing again: what was known was put aside."""
        self.interner = self.entries = Interner(self._bits)
        self._sifted, self._doubtful, self._doubts = 0, [], (0, 0)

    def add(self, values: Named) -> Ids:
        """Give numbers to values."""
        return self.interner.intern(values)

    def sift(self) -> None:
        """Tell those that are not normal for sure among the entries that are new since this was last done."""
        entries, begin = self.interner, self._sifted
        sure = normal_values(entries.offsets[begin:], entries.data, self.names.forms[entries.names[begin:]])
        doubtful = begin + np.flatnonzero(~sure)
        size = int((entries.offsets[doubtful + 1] - entries.offsets[doubtful]).sum())
        self._doubts = (self._doubts[0] + len(doubtful), self._doubts[1] + size)
        self._doubtful.append(doubtful.astype(np.int32))
        self._sifted = entries.count

    @property
    def doubts(self) -> tuple[int, int]:
        """How many entries may have another one as their normal value, and the bytes of their texts."""
        known, size = self._doubts
        left = int(self.interner.bytes - self.interner.offsets[self._sifted])
        return known + self.interner.count - self._sifted, size + left

    def settle(self) -> Settled:
        """Tell, for each entry, the entry of its normal value (NOBODY: it has none) and the number of its reason.

        `normalize` sees each distinct value that is not normal for sure once. Reasons are numbered by `REASONS`.
        """
        self.sift()
        doubtful = np.concatenate(self._doubtful)
        read = [self._normalized(doubtful[begin : begin + _TOGETHER]) for begin in range(0, len(doubtful), _TOGETHER)]
        stands = np.arange(self.interner.count, dtype=np.int32)
        reasons = np.zeros(len(stands), np.uint8)
        for begin, (known, why) in zip(range(0, len(doubtful), _TOGETHER), read, strict=True):
            some = doubtful[begin : begin + _TOGETHER]
            stands[some], reasons[some] = known, why
        for known, _ in read:
            # A normal value may itself be one of the doubtful: it stands for itself.
            stands[known[known >= 0]] = known[known >= 0]
        return Settled.of(stands, reasons)

    def _normalized(self, entries: Ids) -> tuple[Ids, npt.NDArray[np.uint8]]:
        """Give the entries of some entries' normal values, NOBODY for those that have none, and the reasons."""
        read = [self._read(int(entry)) for entry in entries]
        normal = [(place, found) for place, found in enumerate(read) if isinstance(found, Identifier)]
        written = pl.Series([found.value for _, found in normal], dtype=pl.String)
        numbers = np.array([self.names.numbers[found.namespace] for _, found in normal], np.int32)
        known = np.full(len(entries), NOBODY, np.int32)
        known[[place for place, _ in normal]] = self.interner.intern(self.names.named(numbers, texts(written)))
        why = [0 if isinstance(found, Identifier) else REASONS.index(found) for found in read]
        return known, np.array(why, np.uint8)

    def identifier(self, entry: int) -> Identifier:
        """Give the identifier that a normal entry is."""
        name = self.names.known[self.entries.names[entry]].name
        return Identifier("" if name is None else name, self.entries.text(entry))

    def values(self) -> pl.Series:
        """Give the texts of all entries."""
        return series("value", self.entries.offsets, self.entries.data)

    def written(self, entries: Ids) -> pl.Series:
        """Write entries as `namespace:value`."""
        names = pl.Series([each.name for each in self.names.known], dtype=pl.String)
        return names.gather(self.entries.names[entries]) + ":" + self.values().gather(entries)

    def raw(self, entry: int) -> tuple[str, str]:
        """Give an entry as it was written, trimmed."""
        return self.names.known[self.entries.names[entry]].written.strip(), self.entries.text(entry).strip()

    def _read(self, entry: int) -> Identifier | str:
        """Read one value; the reason where it names nobody."""
        name = self.names.known[self.entries.names[entry]].name
        if name is None:
            return INVALID_NAMESPACE
        found = normalize(name, self.entries.text(entry).strip(), self._rules)
        return found if isinstance(found, Identifier) else found.reason


class Names:
    """Numbers namespaces as they are written; what each is called has a number, too."""

    def __init__(self, rules: LinkingRules) -> None:
        self._rules = rules
        self._entries = Interner()
        self.known: list[Name] = []
        self.numbers: dict[str, int] = {}
        """The numbers of `known`, by what is written."""
        self.forms = np.zeros(0, np.uint8)
        self.seeds: Hashes = np.zeros(0, np.uint64)
        """A hash of each name, where the hashes of its values begin."""

    def add(self, written: Texts, source: str) -> Ids:
        """Give numbers to namespaces; FrameError where there are too many to be namespaces."""
        found = self._entries.intern(Named.of(written, np.zeros(len(written), np.int32), _ZERO))
        if self._entries.count > MOST_NAMES:
            raise FrameError(source, f"more than {MOST_NAMES:,} distinct namespaces; is one column taken for another?")
        if self._entries.count > len(self.known):
            self._learn(source)
        return found

    def named(self, names: Ids, values: Texts) -> Named:
        """Hash values, each in a namespace numbered by `names`."""
        return Named.of(values, names, self.seeds)

    def _learn(self, source: str) -> None:
        """Know the namespaces that are new, and those that they are called."""
        for number in range(len(self.known), self._entries.count):
            text = self._entries.text(number)
            name = text.strip()
            called = ALSO_CALLED.get(name, name) if NAMESPACE.fullmatch(name) else None
            self.known.append(Name(written=text, name=called))
            self.numbers[text] = number
        self.forms = np.array([self._form(each) for each in self.known], np.uint8)
        self.seeds = _hashes(self._entries.offsets, self._entries.data)
        unknown = [each.name for each in self.known if each.name is not None and each.name not in self.numbers]
        if unknown:
            self.add(texts(pl.Series(unknown, dtype=pl.String)), source)

    def _form(self, each: Name) -> Form:
        """Tell what normal values look like; only a namespace written as it is called has any."""
        return form(each.name, self._rules) if each.name == each.written else Form.UNKNOWN

    def rules(self) -> "NameRules":
        """Give the rules of all namespaces, by number."""
        spaces = [self._rules.namespace("" if each.name is None else each.name) for each in self.known]
        order = sorted(range(len(spaces)), key=lambda n: (spaces[n].name, n))
        ranks = np.zeros(len(spaces), np.int32)
        ranks[order] = np.arange(len(spaces), dtype=np.int32)
        anyone = self._rules.founder is Founder.ANY
        return NameRules(
            person=np.array([space.kind is NamespaceClass.PERSON for space in spaces], np.bool_),
            contact=np.array([space.kind is NamespaceClass.CONTACT for space in spaces], np.bool_),
            tier=np.array([0 if anyone else _tier(space) for space in spaces], np.int8),
            priority=np.array([space.priority for space in spaces], np.int32),
            rank=ranks,
            limits={n: space.limit for n, space in enumerate(spaces) if space.limit is not None},
            ttls={n: space.ttl // _MICROSECOND for n, space in enumerate(spaces) if space.ttl is not None},
        )


@njit(cache=True)
def _hashes(offsets: npt.NDArray[np.int64], data: npt.NDArray[np.uint8]) -> Hashes:
    """Hash each of some texts that stand end to end."""
    found = np.empty(len(offsets) - 1, np.uint64)
    for row in range(len(found)):
        found[row] = hashed(data.ctypes.data + offsets[row], offsets[row + 1] - offsets[row], np.uint64(0))
    return found


def _tier(space: Namespace) -> int:
    """Rank a namespace's class as a founder's (DESIGN 4, ProfileId)."""
    if space.kind is NamespaceClass.PERSON:
        return 0 if space.limit == 1 else 1
    return 2 if space.kind is NamespaceClass.CONTACT else 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRules:
    """What the rules say of namespaces, by number; `rank` orders them as text, `tier` tells who founds before whom."""

    person: npt.NDArray[np.bool_]
    contact: npt.NDArray[np.bool_]
    tier: npt.NDArray[np.int8]
    priority: npt.NDArray[np.int32]
    rank: Ids
    limits: dict[int, int]
    ttls: dict[int, int]


_MICROSECOND = timedelta(microseconds=1)

REASONS = (
    "",
    "missing_observation",
    INVALID_NAMESPACE,
    "junk",
    "control_character",
    "not_unicode",
    "too_long",
    EVIDENCE,
    "invalid_email",
    "invalid_email_sha256",
    "invalid_phone",
    "invalid_observed_at",
    "invalid_trust",
    "too_many_identifiers",
)
"""Why a row names nobody; the first is none."""
