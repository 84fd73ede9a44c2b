"""What compiled code takes for normal is normal to `normalize`; most of what is normal it takes."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.frames.arrow import texts
from identity.frames.normal_form import Form, form, is_normal, normal_values
from identity.identifiers import Identifier
from identity.loaded_rules import load_rules
from identity.normalize import JUNK, normalize
from identity.rules import LinkingRules
from tests.strategies import examples

RULES = LinkingRules()
FORMS = {"device_id": Form.PLAIN, "email": Form.EMAIL, "email_sha256": Form.SHA256}
WORDS = st.sampled_from(
    [*sorted(JUNK), "NULL", "'null'", "0-0", " a", "a ", "é", "a\tb", "a@b.c0", "x@y.test", "A@b.co"]
)
PARTS = st.sampled_from(
    ["a", "b.c", "..", "@", "-", "--", ".", "org", "example", "test", "local", "xn--", "+", "0", "_"]
)


def taken(kind: Form, value: str) -> bool:
    """Ask the compiled check."""
    where = texts(pl.Series([value], dtype=pl.String))
    return bool(is_normal(int(where.starts[0]), int(where.lengths[0]), int(kind)))


@examples(600)
@given(st.sampled_from(list(FORMS)), WORDS | st.lists(PARTS, max_size=9).map("".join) | st.text(max_size=20))
def test_what_passes_is_normal(namespace: str, value: str) -> None:
    """It normalises to itself."""
    if taken(FORMS[namespace], value):
        assert normalize(namespace, value, RULES) == Identifier(namespace, value)


def test_many_are_told_as_each_is() -> None:
    """More of them than one processor looks at, each by its own form."""
    values = [f"{'é' if number % 3 == 0 else 'a'}{number}@example.org" for number in range(40_000)]
    kinds = [Form.PLAIN if number % 2 else Form.SHA256 for number in range(len(values))]
    offsets = np.concatenate([[0], np.cumsum([len(value.encode()) for value in values])]).astype(np.int64)
    data = np.frombuffer("".join(values).encode(), np.uint8)
    found = normal_values(offsets, data, np.array(kinds, np.uint8))
    assert found.tolist() == [number % 3 != 0 and number % 2 == 1 for number in range(len(values))]


@pytest.mark.parametrize(
    ("namespace", "value"),
    [
        ("device_id", "3F2504E0-4F89-11D3"),
        ("device_id", "a name with spaces"),
        ("email", "ada.lovelace+tag@mail.example.org"),
        ("email_sha256", "0123456789abcdef" * 4),
    ],
)
def test_usual_values_pass(namespace: str, value: str) -> None:
    """Or every value would be left to Python."""
    assert form(namespace, RULES) is FORMS[namespace]
    assert taken(FORMS[namespace], value)


@pytest.mark.parametrize("value", ["", "x" * 513, "é", "null", "NaN", "000", "'quoted'"])
def test_doubtful_values_are_left_to_python(value: str) -> None:
    """Empty, long, foreign and junk ones."""
    assert not taken(Form.PLAIN, value)


def test_rules_of_junk_are_left_to_python() -> None:
    """So are folded addresses, phones and evidence."""
    rules = load_rules(
        {"fold_email_aliases": True, "junk": {"values": {"crm": ["test"]}, "patterns": {"pos": ["T.*"]}}}
    )
    assert {form(name, rules) for name in ("crm", "pos", "email", "phone", "ip")} == {Form.UNKNOWN}
