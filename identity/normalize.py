"""Raw text becomes an `Identifier`, or is `Rejected` with its reason; one function a namespace.

Normalising is idempotent: a normalised value normalises to itself.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

import email_validator
import phonenumbers

from identity.identifiers import Identifier, NamespaceClass
from identity.rules import LinkingRules

MAX_BYTES = 512
"""The longest identifier, in bytes of UTF-8."""

JUNK = frozenset({"", "null", "none", "nil", "undefined", "nan", "n/a", "unknown", "true", "false", "0", "-1"}) | {
    *("[object object]", "anonymous", "guest", "id", "email", "distinctid", "distinct_id", "not_authenticated")
}
"""What programs write where they know no name; compared without case, also within quotes (DESIGN 4.1)."""

_ZEROS = re.compile(r"-*0[0-]*")
_QUOTES = "\"'`“”‘’"
_CACHED_VALUES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A value that names nobody, and why."""

    namespace: str
    value: str = field(repr=False)
    reason: str


def normalize(namespace: str, raw: str, rules: LinkingRules) -> Identifier | Rejected:
    """Read one raw value of a namespace.

    Trimmed, NFC, without control characters, at most 512 bytes; e-mails lower-cased, phones in E.164. Reasons:
    `junk`, `control_character`, `not_unicode`, `too_long`, `not_linkable` (evidence such as an IP address),
    `invalid_email`, `invalid_email_sha256`, `invalid_phone`.
    """
    text = unicodedata.normalize("NFC", raw.strip())
    reason = _fault(namespace, text, rules)
    if reason is None:
        value = _NORMALIZERS.get(namespace, _plain)(text, rules)
        if value is not None:
            return Identifier(namespace, value)
        reason = f"invalid_{namespace}"
    return Rejected(namespace=namespace, value=raw, reason=reason)


def is_junk(namespace: str, text: str, rules: LinkingRules) -> bool:
    """Tell whether a trimmed text is a placeholder rather than a name, also within quotes."""
    bare = text.strip(_QUOTES).strip().casefold()
    if bare in JUNK or _ZEROS.fullmatch(bare):
        return True
    exact = rules.junk.values.get(namespace, frozenset())
    patterns = rules.junk.patterns.get(namespace, ())
    return (bool(exact) and (bare in exact or text.casefold() in exact)) or any(p.fullmatch(text) for p in patterns)


def clean(raw: Iterable[tuple[str, str]], rules: LinkingRules) -> tuple[tuple[Identifier, ...], tuple[Rejected, ...]]:
    """Normalise the identifiers of one observation and keep the first twenty, by priority, then by value.

    Gives the distinct identifiers, in that order, and what was rejected with its reason.
    """
    kept: set[Identifier] = set()
    rejected: list[Rejected] = []
    for namespace, text in raw:
        read = normalize(namespace, text, rules)
        if isinstance(read, Identifier):
            kept.add(read)
        else:
            rejected.append(read)
    ordered = sorted(kept, key=rules.rank)
    limit = rules.identifiers_per_observation
    rejected += [Rejected(namespace=i.namespace, value=i.value, reason="too_many_identifiers") for i in ordered[limit:]]
    return tuple(ordered[:limit]), tuple(rejected)


def _fault(namespace: str, text: str, rules: LinkingRules) -> str | None:
    """Give the reason why no identifier of any kind looks like this text, or None."""
    if rules.namespace(namespace).kind is NamespaceClass.EVIDENCE:
        return "not_linkable"
    if is_junk(namespace, text, rules):
        return "junk"
    if text.isascii():
        size = len(text)
    else:
        if any(unicodedata.category(character) == "Cs" for character in text):
            return "not_unicode"
        size = len(text.encode())
    if size > MAX_BYTES:
        return "too_long"
    if not text.isprintable() and any(unicodedata.category(character) == "Cc" for character in text):
        return "control_character"
    return None


def _plain(text: str, _: LinkingRules) -> str:
    """Take any other name as it stands."""
    return text


def _email(text: str, rules: LinkingRules) -> str | None:
    """Lower-case a syntactically valid address."""
    address = _valid_email(text)
    if address is None or not rules.fold_email_aliases:
        return address
    folded = _fold_aliases(address)
    return folded if _valid_email(folded) == folded else address


@lru_cache(maxsize=_CACHED_VALUES)
def _valid_email(text: str) -> str | None:
    """Ask email-validator, which costs 40 µs: people write the same address many times."""
    try:
        return email_validator.validate_email(text, check_deliverability=False).normalized.lower()
    except email_validator.EmailNotValidError:
        return None


def _fold_aliases(address: str) -> str:
    """Drop `+tag`, and the dots that Gmail ignores."""
    local, _, domain = address.rpartition("@")
    local = local.split("+", 1)[0] or local
    if domain in ("gmail.com", "googlemail.com"):
        return f"{local.replace('.', '') or local}@gmail.com"
    return f"{local}@{domain}"


_SHA256 = re.compile(r"[0-9a-f]{64}")


def _email_sha256(text: str, _: LinkingRules) -> str | None:
    """Lower-case the 64 hexadecimal digits of a hashed address."""
    digest = text.lower()
    return digest if _SHA256.fullmatch(digest) else None


def _phone(text: str, rules: LinkingRules) -> str | None:
    """Write a possible number in E.164."""
    return _possible_phone(text, rules.default_region)


@lru_cache(maxsize=_CACHED_VALUES)
def _possible_phone(text: str, region: str | None) -> str | None:
    """Ask phonenumbers; a number of a possible length will do, for ranges open faster than tables are updated."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # A few digit strings, none of them a real number, lose another prefix each time they are read.
    again = phonenumbers.parse(written, None)
    return written if phonenumbers.format_number(again, phonenumbers.PhoneNumberFormat.E164) == written else None


_NORMALIZERS: Mapping[str, Callable[[str, LinkingRules], str | None]] = MappingProxyType(
    {"email": _email, "email_sha256": _email_sha256, "phone": _phone}
)
