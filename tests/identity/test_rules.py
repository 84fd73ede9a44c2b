"""Rules are read from tables; what is impossible there is named with its path."""

from datetime import timedelta
from typing import Any

import pytest

from identity.errors import RulesError
from identity.identifiers import Identifier, NamespaceClass
from identity.loaded_rules import load_rules
from identity.rules import PRESETS, AfterLogout, Conflict, DeviceOwner, Founder, LinkingRules

VENDORS = ("segment", "posthog", "snowplow", "adobe", "mparticle")


def test_the_default_preset_is_the_design() -> None:
    """Namespaces, limits and policies of the default preset are those of DESIGN 4."""
    rules = load_rules({})
    assert rules == LinkingRules() == LinkingRules.preset()
    ranks = {name: (space.kind, space.priority, space.limit) for name, space in rules.namespaces.items()}
    assert ranks["user_id"] == (NamespaceClass.PERSON, 1, 1)
    assert {ranks[name] for name in ("email", "email_sha256", "phone")} == {(NamespaceClass.CONTACT, 2, None)}
    assert {ranks[n] for n in ("device_id", "push_token", "idfa", "gaid")} == {(NamespaceClass.DEVICE, 3, None)}
    assert ranks["anonymous_id"] == (NamespaceClass.BROWSER, 4, None)
    assert ranks["ip"][0] is NamespaceClass.EVIDENCE
    assert (rules.hub_limit, rules.profile_cap, rules.identifiers_per_observation) == (20, 1_000, 20)
    assert (rules.conflict, rules.asserted_contacts) == (Conflict.NEWEST, Conflict.FIRST)
    assert (rules.device_owner, rules.after_logout, rules.founder) == ("interval", "owner", "person")


def test_the_vendors_presets_are_the_design() -> None:
    """Each vendor's hubs are off and asserted contacts newest; their own ways are set beside."""
    for name in VENDORS:
        assert PRESETS[name].hub_limit is None
        assert PRESETS[name].asserted_contacts is Conflict.NEWEST
    assert {PRESETS[name].conflict for name in ("segment", "posthog")} == {Conflict.FIRST}
    assert {PRESETS[name].conflict for name in ("snowplow", "adobe", "mparticle")} == {Conflict.NEWEST}
    assert (PRESETS["snowplow"].founder, PRESETS["snowplow"].device_owner) == (Founder.ANY, DeviceOwner.NOBODY)
    assert {PRESETS[name].device_owner for name in ("adobe", "mparticle")} == {DeviceOwner.NEWEST_LOGIN}
    assert PRESETS["mparticle"].after_logout is AfterLogout.ANONYMOUS


def test_a_name_no_rule_knows_is_a_contact() -> None:
    """Any other name is a contact of priority 5 without limit."""
    space = LinkingRules().namespace("loyalty")
    assert (space.kind, space.priority, space.limit, space.ttl) == (NamespaceClass.CONTACT, 5, None, None)
    assert LinkingRules().kind(Identifier("loyalty", "7")) is NamespaceClass.CONTACT


def test_a_namespace_keeps_what_is_not_said_of_it() -> None:
    """Tables are read over the preset: fields not named stay, namespaces not named stay."""
    rules = load_rules({"preset": "adobe", "namespaces": {"device_id": {"limit": 2}, "crm": {"class": "person"}}})
    device = rules.namespaces["device_id"]
    assert (device.kind, device.priority, device.limit) == (NamespaceClass.DEVICE, 3, 2)
    assert rules.namespaces["crm"].kind is NamespaceClass.PERSON
    assert rules.namespaces["user_id"] == LinkingRules().namespaces["user_id"]
    assert rules.device_owner is DeviceOwner.NEWEST_LOGIN


def test_limits_can_be_turned_off() -> None:
    """Null, 0 and false turn a limit off."""
    assert load_rules({"namespaces": {"user_id": {"limit": None}}}).namespaces["user_id"].limit is None
    assert {load_rules({"hub_limit": off}).hub_limit for off in (None, 0, False)} == {None}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("15m", timedelta(minutes=15)),
        ("10s", timedelta(seconds=10)),
        ("1.5h", timedelta(minutes=90)),
        (90, timedelta(seconds=90)),
        (None, None),
    ],
)
def test_a_ttl_is_read_in_units(given: Any, read: timedelta | None) -> None:
    """Times are text with a unit, or seconds."""
    assert load_rules({"namespaces": {"anonymous_id": {"ttl": given}}}).namespaces["anonymous_id"].ttl == read


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ({"preset": "acme"}, "preset"),
        ({"preset": 3}, "preset"),
        ({"hublimit": 3}, "hublimit"),
        ({"hub_limit": "three"}, "hub_limit"),
        ({"hub_limit": -1}, "hub_limit"),
        ({"hub_limit": True}, "hub_limit"),
        ({"profile_cap": 0}, "profile_cap"),
        ({"profile_cap": 1}, "profile_cap"),
        ({"profile_cap": 2.5}, "profile_cap"),
        ({"profile_cap": 1_000_000}, "profile_cap"),
        ({"identifiers_per_observation": 1}, "identifiers_per_observation"),
        ({"identifiers_per_observation": 10_000}, "identifiers_per_observation"),
        ({"namespaces": {"email": {"limit": 1_001}}}, "namespaces.email.limit"),
        ({"profile_cap": 5, "namespaces": {"email": {"limit": 6}}}, "namespaces.email.limit"),
        ({"namespaces": {"ip": {"limit": 3}}}, "namespaces.ip.limit"),
        ({"namespaces": {"ip": {"ttl": "1d"}}}, "namespaces.ip.ttl"),
        (
            {"namespaces": {"crm": {"class": "person", "priority": 3}, "tag": {"class": "device", "priority": 2}}},
            "namespaces.tag.priority",
        ),
        ({"conflict": "oldest"}, "conflict"),
        ({"device_owner": None}, "device_owner"),
        ({"fold_email_aliases": 1}, "fold_email_aliases"),
        ({"default_region": "Korea"}, "default_region"),
        ({"namespaces": []}, "namespaces"),
        ({"namespaces": {"crm": []}}, "namespaces.crm"),
        ({"namespaces": {"crm": {"kind": "person"}}}, "namespaces.crm.kind"),
        ({"namespaces": {"crm": {"class": "people"}}}, "namespaces.crm.class"),
        ({"namespaces": {"crm": {"priority": 0}}}, "namespaces.crm.priority"),
        ({"namespaces": {"crm": {"limit": -2}}}, "namespaces.crm.limit"),
        ({"namespaces": {"crm": {"ttl": "soon"}}}, "namespaces.crm.ttl"),
        ({"namespaces": {"crm": {"ttl": 0}}}, "namespaces.crm.ttl"),
        ({"namespaces": {"crm": {"ttl": "99999999999999d"}}}, "namespaces.crm.ttl"),
        ({"namespaces": {"a:b": {}}}, "namespaces.a:b"),
        ({"junk": {"value": {}}}, "junk.value"),
        ({"junk": {"values": {"user_id": "x"}}}, "junk.values.user_id"),
        ({"junk": {"patterns": {"user_id": ["("]}}}, "junk.patterns.user_id"),
    ],
)
def test_impossible_rules_are_named_with_their_path(table: dict[str, Any], path: str) -> None:
    """The error starts with the path, tells what was given and what is allowed."""
    with pytest.raises(RulesError) as caught:
        load_rules(table)
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: ")
    assert "; use " in str(caught.value)


def test_identifiers_rank_by_priority_then_value() -> None:
    """Of an observation's identifiers the first is the most telling, then the least by code point."""
    rules = LinkingRules()
    some = [("anonymous_id", "a"), ("phone", "+1"), ("email", "a"), ("user_id", "z"), ("device_id", "é"), ("gaid", "z")]
    ranked = sorted((Identifier(*i) for i in some), key=rules.rank)
    names = ["user_id:z", "phone:+1", "email:a", "gaid:z", "device_id:é", "anonymous_id:a"]
    assert [str(i) for i in ranked] == names
