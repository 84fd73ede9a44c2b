"""Rules written down are read back the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.identifiers import NamespaceClass
from identity.loaded_rules import load_rules
from identity.rules import PRESETS, LinkingRules
from identity.written_rules import write_rules
from tests.strategies import examples

spaces = st.fixed_dictionaries(
    {},
    optional={
        "class": st.sampled_from(["person", "contact", "device", "browser"]),
        "limit": st.one_of(st.none(), st.integers(1, 50)),
        "ttl": st.sampled_from([None, "30d", "1.5h", 90, 0.25]),
    },
)
tables: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "preset": st.sampled_from(sorted(PRESETS)),
        "namespaces": st.dictionaries(st.sampled_from(["user_id", "email", "device_id", "crm", "cookie"]), spaces),
        "hub_limit": st.sampled_from([None, 0, 2, 20, 500]),
        "profile_cap": st.sampled_from([50, 1_000, 5_000]),
        "identifiers_per_observation": st.integers(2, 100),
        "conflict": st.sampled_from(["newest", "first"]),
        "asserted_contacts": st.sampled_from(["newest", "first"]),
        "device_owner": st.sampled_from(["interval", "newest_login", "first_login", "nobody"]),
        "after_logout": st.sampled_from(["owner", "anonymous"]),
        "founder": st.sampled_from(["person", "any"]),
        "asserted_endpoints": st.sampled_from(["deny", "own_device"]),
        "default_region": st.sampled_from([None, "KR", "DE"]),
        "fold_email_aliases": st.booleans(),
        "junk": st.fixed_dictionaries(
            {},
            optional={
                "values": st.just({"email": ["Nobody@Example.com", "a@example.com"], "crm": []}),
                "patterns": st.just({"crm": ["x+", "(?i)test.*"]}),
            },
        ),
        "traits": st.sampled_from([{}, {"*": "newest"}, {"name": "oldest"}, {"name": "newest", "*": "oldest"}]),
    },
)


@examples(200)
@given(tables)
def test_rules_written_down_are_read_back_the_same(table: dict[str, Any]) -> None:
    """Whatever table they were made of, by way of what JSON can hold."""
    rules = load_rules(table)
    assert load_rules(write_rules(rules)) == rules


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_written_by_what_sets_them_apart(name: str) -> None:
    """The default preset is an empty table."""
    rules = LinkingRules.preset(name)
    assert load_rules(write_rules(rules)) == rules
    assert (write_rules(rules) == {}) == (name == "default")


def test_what_no_file_compared_is_compared_by_none_later() -> None:
    """A device of the preset may come before a person that a file puts behind it, now and when it is read back."""
    rules = load_rules({"namespaces": {"crm": {"class": "person", "priority": 8}}})
    assert rules.namespaces["device_id"].priority < rules.namespaces["crm"].priority
    assert rules.namespaces["crm"].kind is NamespaceClass.PERSON
    assert load_rules(write_rules(rules)) == rules
