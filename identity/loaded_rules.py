"""Rules are read from a TOML table or a written case whole, or refused with the path of the key that is wrong."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from identity.durations import read_duration
from identity.errors import RulesError
from identity.identifiers import Namespace, NamespaceClass
from identity.rules import (
    MOST_IN_A_PROFILE,
    MOST_IN_AN_OBSERVATION,
    AfterLogout,
    AssertedEndpoints,
    Conflict,
    DeviceOwner,
    Founder,
    Junk,
    LinkingRules,
    Survivorship,
    TraitRules,
)

_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)


def load_rules(mapping: Mapping[str, Any]) -> LinkingRules:
    """Read rules from a TOML table or a case's `rules`: a preset and what differs from it.

    Namespaces named here are added to the preset's, or replace the fields they name. Raises RulesError, whose message
    starts with the key's path and says what is allowed.
    """
    base = LinkingRules.preset(_typed("preset", mapping.get("preset", "default"), str, "a preset's name"))
    changed = {key: _READERS[key](key, value, base) for key, value in _known(mapping).items() if key != "preset"}
    rules = replace(base, **changed)
    _agree(rules, mapping.get("namespaces", {}))
    return rules


def _agree(rules: LinkingRules, named: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse rules of which each may stand, but not beside the others.

    Priorities are compared where the file gives them: what a preset has beside them is none of the file's doing.
    """
    spaces = [rules.namespaces[name] for name in named]
    persons = [n.priority for n in spaces if n.kind is NamespaceClass.PERSON and "priority" in named[n.name]]
    for n in spaces:
        path = f"namespaces.{n.name}"
        if n.kind in _UNNAMING and "priority" in named[n.name] and n.priority < max(persons, default=0):
            raise RulesError(
                f"{path}.priority", n.priority, f"{max(persons)} or more: a {n.kind} tells less than a person"
            )
        if n.kind is NamespaceClass.EVIDENCE and (n.limit is not None or n.ttl is not None):
            key = "limit" if n.limit is not None else "ttl"
            raise RulesError(f"{path}.{key}", named[n.name].get(key), "none: evidence is never linked")
        if n.limit is not None and n.limit > rules.profile_cap:
            raise RulesError(f"{path}.limit", n.limit, f"at most profile_cap, {rules.profile_cap}: more never fit")


_UNNAMING = frozenset({NamespaceClass.DEVICE, NamespaceClass.BROWSER})


def _known(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse keys that no rule has, before anything is believed of the file."""
    for key in mapping:
        if key != "preset" and key not in _READERS:
            raise RulesError(str(key), mapping[key], "one of preset, " + ", ".join(sorted(_READERS)))
    return mapping


def _typed(path: str, value: object, kind: type[_T], allowed: str) -> _T:
    """Give the value if it is of that type (true and false are no numbers)."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise RulesError(path, value, allowed)
    return value


def _count(path: str, value: object, least: int = 1, most: int | None = None) -> int:
    """Read a whole number of at least 1, or from two bounds."""
    allowed = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"
    number = _typed(path, value, int, allowed)
    if number < least or (most is not None and number > most):
        raise RulesError(path, value, allowed)
    return number


def _count_or_none(path: str, value: object) -> int | None:
    """Read a whole number of at least 1; null, 0 or false turn the limit off."""
    return None if value is None or value is False or value == 0 else _count(path, value)


def _choice(path: str, value: object, choices: type[_E]) -> _E:
    """Read one of an enumeration's words."""
    allowed = "one of " + ", ".join(choices)
    try:
        return choices(_typed(path, value, str, allowed))
    except ValueError:
        raise RulesError(path, value, allowed) from None


def _span_or_none(path: str, value: object) -> timedelta | None:
    """Read a time of more than nothing; null is none."""
    allowed = "a time of more than nothing like 30d, 12h, 15m, or a number of seconds, below 2,700,000 years"
    if value is None:
        return None
    try:
        span = read_duration(value)
    except ValueError:
        raise RulesError(path, value, allowed) from None
    if not span:
        raise RulesError(path, value, allowed)
    return span


_NAMESPACE_KEYS = ("class", "priority", "limit", "ttl")


def _read_namespaces(path: str, value: object, base: LinkingRules) -> Mapping[str, Namespace]:
    """Read a table of namespaces over the preset's."""
    table = _typed(path, value, dict, "a table of namespaces")
    named = {name: _read_namespace(f"{path}.{name}", name, row, base) for name, row in table.items()}
    return MappingProxyType({**base.namespaces, **named})


def _read_namespace(path: str, name: str, value: object, base: LinkingRules) -> Namespace:
    """Read one namespace; what is not given stays as the preset has it."""
    row = _typed(path, value, dict, "a table with class, priority, limit, ttl")
    for key in row:
        if key not in _NAMESPACE_KEYS:
            raise RulesError(f"{path}.{key}", row[key], "one of " + ", ".join(_NAMESPACE_KEYS))
    if not name or name != name.strip() or ":" in name:
        raise RulesError(path, name, "a name without colon or surrounding space")
    known = base.namespace(name)
    return Namespace(
        name=name,
        kind=_choice(f"{path}.class", row["class"], NamespaceClass) if "class" in row else known.kind,
        priority=_count(f"{path}.priority", row["priority"]) if "priority" in row else known.priority,
        limit=_count_or_none(f"{path}.limit", row["limit"]) if "limit" in row else known.limit,
        ttl=_span_or_none(f"{path}.ttl", row["ttl"]) if "ttl" in row else known.ttl,
    )


def _read_junk(path: str, value: object, _: LinkingRules) -> Junk:
    """Read `junk.values.<namespace>` and `junk.patterns.<namespace>`, lists of text."""
    table = _typed(path, value, dict, "a table with values and patterns")
    for key in table:
        if key not in ("values", "patterns"):
            raise RulesError(f"{path}.{key}", table[key], "values or patterns")
    return Junk(
        values={
            name: frozenset(text.casefold() for text in texts)
            for name, texts in _lists(f"{path}.values", table.get("values", {}))
        },
        patterns={
            name: tuple(_pattern(f"{path}.patterns.{name}", text) for text in texts)
            for name, texts in _lists(f"{path}.patterns", table.get("patterns", {}))
        },
    )


def _lists(path: str, value: object) -> list[tuple[str, list[str]]]:
    """Read a table of lists of text."""
    table = _typed(path, value, dict, "a table of lists, by namespace")
    for name, texts in table.items():
        for text in _typed(f"{path}.{name}", texts, list, "a list of texts"):
            _typed(f"{path}.{name}", text, str, "a list of texts")
    return list(table.items())


def _pattern(path: str, text: str) -> re.Pattern[str]:
    """Compile a regular expression that a whole value must match."""
    try:
        return re.compile(text)
    except re.error as error:
        raise RulesError(path, text, f"a regular expression ({error})") from None


def _read_traits(path: str, value: object, _: LinkingRules) -> TraitRules:
    """Read a table of policies by trait; `*` is for all others."""
    table = _typed(path, value, dict, "a table of policies by trait; * for all others")
    read = {name: _choice(f"{path}.{name}", policy, Survivorship) for name, policy in table.items()}
    otherwise = read.pop("*", Survivorship.MOST_TRUSTED)
    return TraitRules(otherwise=otherwise, by_trait=MappingProxyType(read))


def _read_region(path: str, value: object, _: LinkingRules) -> str | None:
    """Read an ISO 3166 region of two capital letters."""
    if value is None:
        return None
    region = _typed(path, value, str, "a region of two capital letters, like KR")
    if not re.fullmatch("[A-Z]{2}", region):
        raise RulesError(path, value, "a region of two capital letters, like KR")
    return region


_READERS: Mapping[str, Any] = MappingProxyType(
    {
        "namespaces": _read_namespaces,
        "hub_limit": lambda path, value, _: _count_or_none(path, value),
        "profile_cap": lambda path, value, _: _count(path, value, 2, MOST_IN_A_PROFILE),
        "identifiers_per_observation": lambda path, value, _: _count(path, value, 2, MOST_IN_AN_OBSERVATION),
        "conflict": lambda path, value, _: _choice(path, value, Conflict),
        "asserted_contacts": lambda path, value, _: _choice(path, value, Conflict),
        "device_owner": lambda path, value, _: _choice(path, value, DeviceOwner),
        "after_logout": lambda path, value, _: _choice(path, value, AfterLogout),
        "founder": lambda path, value, _: _choice(path, value, Founder),
        "asserted_endpoints": lambda path, value, _: _choice(path, value, AssertedEndpoints),
        "default_region": _read_region,
        "fold_email_aliases": lambda path, value, _: _typed(path, value, bool, "true or false"),
        "junk": _read_junk,
        "traits": _read_traits,
    }
)
