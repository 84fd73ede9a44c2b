"""A store opens under the rules it was folded under, and under others once it was folded again."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from identity.identifiers import Namespace, NamespaceClass
from identity.rules import (
    AfterLogout,
    AssertedEndpoints,
    Conflict,
    DeviceOwner,
    Founder,
    LinkingRules,
    Survivorship,
    TraitRules,
    load_rules,
)
from service.clock import FixedClock
from service.errors import RulesChanged
from service.rules_digest import rules_digest
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


def test_a_store_opens_under_its_own_rules_alone(tmp_path: Path, clock: FixedClock) -> None:
    """Again and again under the same; under others it is refused, and is as it was."""
    for _ in range(2):
        deployment(tmp_path, clock).close()
    for name, value in (("HOMING_DEFAULT_REGION", "KR"), ("HOMING_RULES", str(_adobe(tmp_path)))):
        with pytest.raises(RulesChanged, match=r"the rules are others than those .* run `homing rebuild`"):
            deployment(tmp_path, clock, {name: value})
    deployment(tmp_path, clock).close()


def _adobe(folder: Path) -> Path:
    path = folder / "rules.toml"
    path.write_text('preset = "adobe"')
    return path
