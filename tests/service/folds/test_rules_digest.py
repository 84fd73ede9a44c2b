"""A store opens under the rules it was folded under, and under others once it was folded again."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from identity.identifiers import Namespace, NamespaceClass
from identity.loaded_rules import load_rules
from identity.rules import (
    AfterLogout,
    AssertedEndpoints,
    Conflict,
    DeviceOwner,
    Founder,
    LinkingRules,
    Survivorship,
    TraitRules,
)
from service.clock import FixedClock
from service.errors import RulesChanged
from service.folds.rules_digest import rules_digest
from service.store import meta
from service.store.database import open_database
from tests.service.harness import deployment

OTHER: dict[str, Any] = {
    "namespaces": {"user_id": Namespace(name="user_id", kind=NamespaceClass.CONTACT, priority=1)},
    "hub_limit": None,
    "profile_cap": 7,
    "identifiers_per_observation": 7,
    "conflict": Conflict.FIRST,
    "asserted_contacts": Conflict.NEWEST,
    "device_owner": DeviceOwner.NOBODY,
    "after_logout": AfterLogout.ANONYMOUS,
    "founder": Founder.ANY,
    "asserted_endpoints": AssertedEndpoints.DENY,
    "default_region": "KR",
    "fold_email_aliases": True,
    "traits": TraitRules(otherwise=Survivorship.NEWEST),
    "junk": load_rules({"junk": {"values": {"email": ["a"]}}}).junk,
}
TABLE: dict[str, Any] = {
    "namespaces": {"crm": {"class": "person", "ttl": "1d"}, "cookie": {"class": "browser"}},
    "junk": {"values": {"email": ["a@b.c", "d@e.f"]}, "patterns": {"crm": ["x+", "y"]}},
}


@pytest.mark.parametrize("name", [field.name for field in fields(LinkingRules)])
def test_every_rule_counts(name: str) -> None:
    """Whichever rule changes, the digest does."""
    assert rules_digest(replace(LinkingRules(), **{name: OTHER[name]})) != rules_digest(LinkingRules())


@pytest.mark.parametrize(
    "change",
    [
        {"namespaces": {"crm": {"class": "person", "ttl": "2d"}, "cookie": {"class": "browser"}}},
        {"junk": {"values": {"email": ["a@b.c"]}, "patterns": {"crm": ["x+", "y"]}}},
        {"junk": {"values": {"email": ["a@b.c", "d@e.f"]}, "patterns": {"crm": ["x", "y"]}}},
    ],
)
def test_what_stands_in_tables_counts(change: dict[str, Any]) -> None:
    """A ttl, a value and a pattern too."""
    assert rules_digest(load_rules(TABLE | change)) != rules_digest(load_rules(TABLE))


def test_the_same_rules_have_one_digest() -> None:
    """However they are written, in whatever order their tables stand, and in every process."""
    turned = {
        "junk": {"patterns": TABLE["junk"]["patterns"], "values": {"email": ["d@e.f", "A@b.c"]}},
        "namespaces": dict(reversed(TABLE["namespaces"].items())),
    }
    assert rules_digest(load_rules(turned)) == rules_digest(load_rules(TABLE))
    assert (
        rules_digest(load_rules({})) == rules_digest(load_rules({"preset": "default"})) == rules_digest(LinkingRules())
    )
    assert rules_digest(load_rules({"preset": "segment"})) != rules_digest(LinkingRules())


def test_a_store_goes_by_the_rules_it_was_folded_under(tmp_path: Path, clock: FixedClock) -> None:
    """Whatever the settings want: those are brought into force by who serves, or by a command."""
    for environment in ({}, {"HOMING_DEFAULT_REGION": "KR"}, {"HOMING_RULES": str(_adobe(tmp_path))}, {}):
        opened = deployment(tmp_path, clock, environment)
        assert opened.rules == LinkingRules()
        assert (opened.wanted == LinkingRules()) == (not environment)
        opened.close()


def test_a_store_that_kept_but_the_digest_of_its_rules(tmp_path: Path, clock: FixedClock) -> None:
    """It opens under the same, and keeps them from then on; under others it is refused, and is as it was."""
    deployment(tmp_path, clock).close()
    database = open_database(f"sqlite:///{tmp_path / 'homing.db'}")
    with database.transaction() as conn:
        meta.drop(conn, meta.RULES)
    with pytest.raises(RulesChanged, match=r"the rules are others than those .* run `homing rebuild`"):
        deployment(tmp_path, clock, {"HOMING_DEFAULT_REGION": "KR"})
    deployment(tmp_path, clock).close()
    opened = deployment(tmp_path, clock, {"HOMING_DEFAULT_REGION": "KR"})
    assert opened.rules == LinkingRules()
    opened.close()
    database.close()


def _adobe(folder: Path) -> Path:
    path = folder / "rules.toml"
    path.write_text('preset = "adobe"')
    return path
