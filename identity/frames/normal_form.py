"""Most values are normal already, and compiled code can tell; the others are left to `identity.normalize`.

What passes here normalises to itself (tests/identity/frames/test_normal_form.py); what does not pass may do so too.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from identity.frames.bytes import Starts, load_8, printable
from identity.identifiers import NamespaceClass
from identity.normalize import JUNK, MAX_BYTES
from identity.rules import LinkingRules


class Form(IntEnum):
    """What a namespace's values look like when they are normal."""

    UNKNOWN = 0
    """Only `identity.normalize` can tell."""
    PLAIN = 1
    EMAIL = 2
    SHA256 = 3


_JUNK = sorted(word.encode() for word in JUNK if word)
_LONGEST = max(map(len, _JUNK))
_WORDS = np.zeros((len(_JUNK), _LONGEST), np.uint8)
for _row, _text in enumerate(_JUNK):
    _WORDS[_row, : len(_text)] = np.frombuffer(_text, np.uint8)
_SIZES = np.array([len(word) for word in _JUNK])

_RESERVED = ("arpa", "invalid", "local", "localhost", "onion", "test")
"""Top-level domains that email-validator refuses."""
_TOP = np.zeros((len(_RESERVED), 9), np.uint8)
for _row, _name in enumerate(_RESERVED):
    _TOP[_row, : len(_name)] = np.frombuffer(_name.encode(), np.uint8)
_TOP_SIZES = np.array([len(name) for name in _RESERVED])


def form(name: str, rules: LinkingRules) -> Form:
    """Tell what the normal values of a namespace look like, under rules that add no junk of its own to it."""
    judged = rules.junk.values.get(name) or rules.junk.patterns.get(name)
    if judged or rules.namespace(name).kind is NamespaceClass.EVIDENCE or name == "phone":
        return Form.UNKNOWN
    if name == "email":
        return Form.UNKNOWN if rules.fold_email_aliases else Form.EMAIL
    return Form.SHA256 if name == "email_sha256" else Form.PLAIN


_TOGETHER = 1 << 14
"""Values that one processor looks at before it asks for more."""


def normal_values(offsets: Starts, data: npt.NDArray[np.uint8], forms: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell which of some texts are surely normal values of their forms: text `i` is data[offsets[i]:offsets[i + 1]]."""
    found = np.empty(len(forms), np.bool_)
    _normal(offsets, data, forms, found)
    return found


@njit(cache=True, parallel=True)
def _normal(
    offsets: Starts, data: npt.NDArray[np.uint8], forms: npt.NDArray[np.uint8], found: npt.NDArray[np.bool_]
) -> None:
    """Look at all texts, a part of them on each processor."""
    for part in prange(len(found) // _TOGETHER + 1):
        for row in range(part * _TOGETHER, min((part + 1) * _TOGETHER, len(found))):
            begins = offsets[row]
            found[row] = is_normal(data.ctypes.data + begins, offsets[row + 1] - begins, forms[row])


@njit(cache=True)
def is_normal(start: int, length: int, kind: int) -> bool:
    """Tell whether a text is surely a normal value of its form."""
    if length == 0 or length > MAX_BYTES:
        return False
    if kind == 2:
        return _email(start, length)
    if kind == 3:
        return _sha256(start, length)
    return kind == 1 and _plain(start, length)


@njit(cache=True)
def _plain(start: int, length: int) -> bool:
    """Printable ASCII that neither begins nor ends with a space or a quote, and is no word of junk."""
    if not printable(start, length):
        return False
    first, last = load_8(start), load_8(start + length - 1)
    for byte in (first, last):
        if byte == 32 or byte == 34 or byte == 39 or byte == 96:
            return False
    zeros = True
    for place in range(length):
        byte = load_8(start + place)
        zeros = byte == 48 or byte == 45
        if not zeros:
            break
    return not zeros and (length > _LONGEST or not _listed(start, length, _WORDS, _SIZES))


@njit(cache=True)
def _listed(start: int, length: int, words: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int64]) -> bool:
    """Tell whether a text is one of some words, but for case."""
    for row in range(len(sizes)):
        if sizes[row] != length:
            continue
        place = 0
        while place < length:
            byte = load_8(start + place)
            if byte >= 65 and byte <= 90:
                byte += 32
            if byte != words[row, place]:
                break
            place += 1
        if place == length:
            return True
    return False


@njit(cache=True)
def _sha256(start: int, length: int) -> bool:
    """64 lower-case hexadecimal digits, not all of them zero."""
    if length != 64:
        return False
    zeros = True
    for place in range(length):
        byte = load_8(start + place)
        if not ((byte >= 48 and byte <= 57) or (byte >= 97 and byte <= 102)):
            return False
        zeros = zeros and byte == 48
    return not zeros


@njit(cache=True)
def _word(byte: int) -> bool:
    """Tell whether a byte is a lower-case letter or a digit."""
    return (byte >= 97 and byte <= 122) or (byte >= 48 and byte <= 57)


@njit(cache=True)
def _email(start: int, length: int) -> bool:
    """Lower-case letters, digits, `_`, `+`, `-` and single dots, `@`, a domain of two labels or more."""
    if length > 254:
        return False
    at = 0
    before = 46
    while at < length:
        byte = load_8(start + at)
        if byte == 64:
            break
        if byte == 46:
            if before == 46:
                return False
        elif not (_word(byte) or byte == 95 or byte == 43 or byte == 45):
            return False
        before = byte
        at += 1
    return at < length and 0 < at <= 64 and before != 46 and _domain(start + at + 1, length - at - 1)


@njit(cache=True)
def _domain(start: int, length: int) -> bool:
    """Labels of letters, digits and single inner hyphens; the last of letters, and none that is reserved."""
    label, dots, top = 0, 0, 0
    before = 46
    for place in range(length):
        byte = load_8(start + place)
        if byte == 46 or byte == 45:
            if before == 46 or before == 45:
                return False
            if byte == 46:
                dots += 1
                label = -1
                top = place + 1
        elif not _word(byte):
            return False
        label += 1
        if label > 63:
            return False
        before = byte
    if dots == 0 or label < 2 or before == 45:
        return False
    for place in range(top, length):
        if load_8(start + place) < 97:
            return False
    return not _listed(start + top, length - top, _TOP, _TOP_SIZES)
