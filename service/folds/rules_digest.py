"""A store's folds were made under one set of linking rules, which it keeps; under others they are made anew.

It keeps them whole and by their digest, both written when it is made, by every rebuild, and when other rules are put
in force.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from identity.loaded_rules import load_rules
from identity.rules import LinkingRules
from identity.written_rules import write_rules
from service.errors import RulesChanged
from service.events.messages import digest_of
from service.store import meta


def rules_digest(rules: LinkingRules) -> str:
    """Give the 32 hex digits that rules are known again by; the order of tables and sets does not matter."""
    return digest_of(orjson.dumps(rules, default=_plain, option=orjson.OPT_SORT_KEYS)).hex()


def settle(conn: Connection, store: str, wanted: LinkingRules) -> LinkingRules:
    """Give the rules that a store is folded under; a new one, and one that kept but their digest, keeps those wanted.

    Raises what `of_store` raises.
    """
    kept = meta.get(conn, meta.RULES_DIGEST)
    if kept is None or (kept == rules_digest(wanted) and meta.get(conn, meta.RULES) is None):
        remember(conn, wanted)
        return wanted
    return of_store(conn, store, wanted)


def of_store(conn: Connection, store: str, wanted: LinkingRules) -> LinkingRules:
    """Give the rules that a store is folded under, those wanted for a new one; nothing is changed.

    Raises RulesChanged where an older Homing folded it under others and did not keep them.
    """
    found = in_force(conn, wanted)
    if found is None:
        raise RulesChanged(
            f"the rules are others than those {store} was folded under, which an older Homing did not keep; "
            "run `homing rebuild` to fold it again under these, or set the former ones"
        )
    return found


def in_force(conn: Connection, known: LinkingRules) -> LinkingRules | None:
    """Give the rules that the folds were made under: `known` itself if it is those, None where they were not kept."""
    kept = meta.get(conn, meta.RULES_DIGEST)
    if kept in {None, rules_digest(known)}:
        return known
    written = meta.get(conn, meta.RULES)
    return None if written is None else read(written)


def remember(conn: Connection, rules: LinkingRules) -> None:
    """Note that the folds are made under these rules."""
    meta.put(conn, meta.RULES_DIGEST, rules_digest(rules))
    meta.put(conn, meta.RULES, write(rules))


def write(rules: LinkingRules) -> str:
    """Write rules as a text that `read` reads."""
    return orjson.dumps(write_rules(rules), option=orjson.OPT_SORT_KEYS).decode()


def read(written: str) -> LinkingRules:
    """Read what `write` wrote."""
    return load_rules(orjson.loads(written))


def _plain(value: object) -> Any:
    """Write what JSON has no form for."""
    match value:
        case Mapping():
            return dict(value)
        case frozenset():
            return sorted(value)
        case timedelta():
            return value.total_seconds()
        case re.Pattern():
            return [value.pattern, value.flags]
    raise TypeError(type(value).__name__)
