"""Raw text becomes one normal form or is rejected with its reason; nothing a client sends is an exception."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.identifiers import Identifier
from identity.loaded_rules import load_rules
from identity.normalize import Rejected, clean, normalize
from identity.rules import LinkingRules
from tests.strategies import examples

DEFAULT = LinkingRules()
KOREAN = load_rules({"default_region": "KR", "fold_email_aliases": True})
NAMESPACES = st.sampled_from([*DEFAULT.namespaces, "loyalty"])
NAUGHTY = Path(__file__).parents[3] / "shared" / "data" / "hostile" / "blns.json"


def reason(namespace: str, raw: str, rules: LinkingRules = DEFAULT) -> str | None:
    """Give why a value is rejected; None: it is not."""
    read = normalize(namespace, raw, rules)
    return read.reason if isinstance(read, Rejected) else None


def value(namespace: str, raw: str, rules: LinkingRules = DEFAULT) -> str:
    """Give a value's normal form."""
    read = normalize(namespace, raw, rules)
    assert isinstance(read, Identifier), read
    assert read.namespace == namespace
    return read.value


PLACEHOLDERS = (
    *("", " ", "\t\n", '""', "null", "None", "NIL", "undefined", "NaN", "n/a", "N/A", "unknown", "true", "FALSE"),
    *("0", "-1", "0000", "00000000-0000-0000-0000-000000000000", "[object Object]", "anonymous", "Guest", "id"),
    *("email", "distinctid", "distinct_id", "not_authenticated"),
    *('"null"', "'undefined'", '" none "', "\u00a0null\u00a0", "“guest”"),
)


@pytest.mark.parametrize("raw", PLACEHOLDERS)
def test_placeholders_name_nobody(raw: str) -> None:
    """What programs write where they know no name is junk in every namespace, whatever its case or quotes."""
    assert {reason(namespace, raw) for namespace in ("user_id", "email", "device_id", "loyalty")} == {"junk"}


@pytest.mark.parametrize("raw", ["nullify", "0a", "1", "-10", "guest1", "idea", "unknown soldier", "O'Brien", "00-7"])
def test_names_that_look_like_placeholders_are_names(raw: str) -> None:
    """A placeholder is the whole value, not a part of it."""
    assert value("user_id", raw) == raw


@pytest.mark.parametrize(
    ("namespace", "raw", "normal"),
    [
        ("user_id", "  Ada ", "Ada"),
        ("user_id", "Zoe\u0308", "Zo\u00eb"),
        ("device_id", "ABC-1", "ABC-1"),
        ("email", " Ada.Lovelace+News@Example.COM ", "ada.lovelace+news@example.com"),
        ("email_sha256", "AB" * 32, "ab" * 32),
        ("phone", "+82 10-7654-3210", "+821076543210"),
        ("phone", "tel:+44-20-7946-0001", "+442079460001"),
        ("phone", "+44 (0)20 7946 0001", "+442079460001"),
    ],
)
def test_one_name_has_one_form(namespace: str, raw: str, normal: str) -> None:
    """Values are trimmed and NFC; e-mails, their hashes and phones have a form of their own; other names keep case."""
    assert value(namespace, raw) == normal


@pytest.mark.parametrize(
    ("namespace", "raw", "why"),
    [
        ("user_id", "a\x00b", "control_character"),
        ("user_id", "a\x1bb", "control_character"),
        ("user_id", "a\ud800b", "not_unicode"),
        ("user_id", "a" * 513, "too_long"),
        ("user_id", "é" * 257, "too_long"),
        ("email", "ada", "invalid_email"),
        ("email", "ada@", "invalid_email"),
        ("email", "Ada <ada@example.com>", "invalid_email"),
        ("email_sha256", "ab" * 31, "invalid_email_sha256"),
        ("phone", "010-7654-3210", "invalid_phone"),
        ("phone", "+1", "invalid_phone"),
        ("phone", "call me", "invalid_phone"),
        ("ip", "203.0.113.7", "not_linkable"),
    ],
)
def test_what_names_nobody_says_why(namespace: str, raw: str, why: str) -> None:
    """Each fault has its reason."""
    assert reason(namespace, raw) == why


def test_512_bytes_are_not_too_long() -> None:
    """The limit itself is allowed, counted in bytes of UTF-8 after trimming and composing."""
    assert value("user_id", " " + "é" * 256 + " ") == "é" * 256
    assert value("user_id", "e\u0301" * 256) == "é" * 256


def test_the_default_region_reads_local_numbers() -> None:
    """With a region a number needs no country code; with one it is read as it stands."""
    assert value("phone", "010-7654-3210", KOREAN) == "+821076543210"
    assert value("phone", "+44 20 7946 0001", KOREAN) == "+442079460001"


def test_aliases_are_folded_only_when_asked() -> None:
    """Provider tricks are off by default."""
    assert value("email", "a.da+x@gmail.com") == "a.da+x@gmail.com"
    assert value("email", "a.da+x@googlemail.com", KOREAN) == "ada@gmail.com"
    assert value("email", "a.da+x@example.com", KOREAN) == "a.da@example.com"


def test_more_junk_by_value_and_pattern() -> None:
    """A shop's own placeholders are junk in the namespace they are named for, and only there."""
    rules = load_rules({"junk": {"values": {"user_id": ["Shop Visitor"]}, "patterns": {"device_id": ["test-.*"]}}})
    assert reason("user_id", "shop visitor", rules) == "junk"
    assert reason("user_id", "'Shop Visitor'", rules) == "junk"
    assert reason("device_id", "test-17", rules) == "junk"
    assert value("device_id", "my-test-17", rules) == "my-test-17"
    assert value("anonymous_id", "shop visitor", rules) == "shop visitor"


def test_a_rejection_hides_its_value() -> None:
    """A rejected value may be somebody's name, mistyped: it stays out of logs."""
    assert "ada@" not in repr(normalize("email", "ada@", DEFAULT))


def test_twenty_identifiers_count() -> None:
    """The first twenty by priority, then by value; the others are rejected by name."""
    raw = [("anonymous_id", f"w{n:02}") for n in range(24, 0, -1)] + [("device_id", "d"), ("user_id", "u")]
    kept, rejected = clean(raw, DEFAULT)
    assert [str(i) for i in kept] == ["user_id:u", "device_id:d", *(f"anonymous_id:w{n:02}" for n in range(1, 19))]
    assert {(r.value, r.reason) for r in rejected} == {(f"w{n:02}", "too_many_identifiers") for n in range(19, 25)}


def test_the_same_name_twice_counts_once() -> None:
    """Two ways to write one e-mail are one identifier."""
    kept, rejected = clean([("email", "ADA@example.com"), ("email", "ada@example.com ")], DEFAULT)
    assert (len(kept), rejected) == (1, ())


ANYTHING = st.text(st.characters(codec=None)) | st.text("0123456789+-. ()") | st.emails()


@examples(500)
@given(NAMESPACES, ANYTHING, st.sampled_from([DEFAULT, KOREAN]))
def test_normalising_is_idempotent(namespace: str, raw: str, rules: LinkingRules) -> None:
    """A normal form is trimmed, composed, printable and at most 512 bytes, and it is its own normal form."""
    read = normalize(namespace, raw, rules)
    if isinstance(read, Rejected):
        assert (read.namespace, read.value) == (namespace, raw)
        return
    assert normalize(namespace, read.value, rules) == read
    assert read.value == unicodedata.normalize("NFC", read.value.strip())
    assert 0 < len(read.value.encode()) <= 512
    assert not any(unicodedata.category(character) == "Cc" for character in read.value)


@examples(300)
@given(st.from_regex(r"\+[1-9][0-9]{5,14}", fullmatch=True), st.sampled_from([DEFAULT, KOREAN]))
def test_phones_are_their_own_form(raw: str, rules: LinkingRules) -> None:
    """A number in E.164, read again, is the same number."""
    read = normalize("phone", raw, rules)
    if isinstance(read, Identifier):
        assert normalize("phone", read.value, rules) == read


@pytest.mark.parametrize("raw", ["+598005290544", "+630055595027472", "+386008456951"])
def test_repeated_national_prefixes_do_not_drift(raw: str) -> None:
    """A parser that drops one leading zero at each reading must not make three numbers of one."""
    read = normalize("phone", raw, DEFAULT)
    if isinstance(read, Identifier):
        assert normalize("phone", read.value, DEFAULT) == read


def test_a_folded_address_is_still_an_address() -> None:
    """Dropping a tag leaves an address that reads as itself."""
    folded = normalize("email", "ada.+tag@example.com", KOREAN)
    if isinstance(folded, Identifier):
        assert normalize("email", folded.value, KOREAN) == folded


@pytest.mark.skipif(not NAUGHTY.exists(), reason="the list of naughty strings stands beside the checkout only")
def test_naughty_strings_are_read_or_rejected() -> None:
    """The Big List of Naughty Strings raises nothing, in any namespace, and what is taken is stable."""
    for raw in json.loads(NAUGHTY.read_text(encoding="utf-8")):
        for namespace in DEFAULT.namespaces:
            read = normalize(namespace, raw, DEFAULT)
            if isinstance(read, Identifier):
                assert normalize(namespace, read.value, DEFAULT) == read
