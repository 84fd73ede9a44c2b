"""Rules written down are read back as the same rules: `load_rules(write_rules(rules)) == rules`.

For whoever keeps rules as data: a store keeps those it is folded under.
"""

from collections.abc import Mapping
from typing import Any

from identity.identifiers import Namespace
from identity.rules import Junk, LinkingRules, TraitRules

_PLAIN = (
    "profile_cap",
    "identifiers_per_observation",
    "conflict",
    "asserted_contacts",
    "device_owner",
    "after_logout",
    "founder",
    "asserted_endpoints",
    "default_region",
    "fold_email_aliases",
    "hub_limit",
)


def write_rules(rules: LinkingRules) -> dict[str, Any]:
    """Give the table that `load_rules` makes these rules of, in values that JSON has.

    It holds what differs from the default preset, so that rules are agreed with each other exactly as they were when
    they were first read. Rules that no table gives (a namespace of the preset taken away) are not read back the same.
    """
    preset = LinkingRules.preset()
    changed = {name: getattr(rules, name) for name in _PLAIN if getattr(rules, name) != getattr(preset, name)}
    tables = {
        "namespaces": _namespaces(rules, preset),
        "junk": _junk(rules.junk),
        "traits": _traits(rules.traits),
    }
    return {**{name: _plain(value) for name, value in changed.items()}, **{n: t for n, t in tables.items() if t}}


def _plain(value: object) -> Any:
    """Write an enumeration's word as text."""
    return str(value) if isinstance(value, str) else value


def _namespaces(rules: LinkingRules, preset: LinkingRules) -> dict[str, dict[str, Any]]:
    """Write the namespaces that differ from the preset's, or are none of its."""
    return {
        name: _namespace(space, preset.namespace(name))
        for name, space in rules.namespaces.items()
        if space != preset.namespaces.get(name)
    }


def _namespace(space: Namespace, known: Namespace) -> dict[str, Any]:
    """Write what of a namespace differs from what is known of it."""
    written: dict[str, Any] = {}
    if space.kind is not known.kind:
        written["class"] = str(space.kind)
    if space.priority != known.priority:
        written["priority"] = space.priority
    if space.limit != known.limit:
        written["limit"] = space.limit
    if space.ttl != known.ttl:
        written["ttl"] = None if space.ttl is None else space.ttl.total_seconds()
    return written


def _junk(junk: Junk) -> dict[str, Any]:
    """Write the values and patterns that are nobody's name."""
    written: Mapping[str, Any] = {
        "values": {name: sorted(values) for name, values in junk.values.items()},
        "patterns": {name: [each.pattern for each in patterns] for name, patterns in junk.patterns.items()},
    }
    return {name: table for name, table in written.items() if table}


def _traits(traits: TraitRules) -> dict[str, str]:
    """Write the policies by trait; `*` is for all others."""
    written = {name: str(policy) for name, policy in traits.by_trait.items()}
    return written if traits.otherwise is TraitRules().otherwise else {**written, "*": str(traits.otherwise)}
