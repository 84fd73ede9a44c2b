"""A store's folds were made under one set of linking rules; under others they are not read, but made anew.

The store keeps a digest of its rules, written when it is made and by every rebuild.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from identity.rules import LinkingRules
from service.errors import RulesChanged
from service.messages import digest_of
from service.store import meta


def rules_digest(rules: LinkingRules) -> str:
    """Give the 32 hex digits that rules are known again by; the order of tables and sets does not matter."""
    return digest_of(orjson.dumps(rules, default=_plain, option=orjson.OPT_SORT_KEYS)).hex()


def settle(conn: Connection, store: str, rules: LinkingRules) -> None:
    """Let a new store remember its rules; RulesChanged where an older one was folded under others."""
    check(conn, store, rules)
    if meta.get(conn, meta.RULES_DIGEST) is None:
        remember(conn, rules)


def check(conn: Connection, store: str, rules: LinkingRules) -> None:
    """Raise RulesChanged where the store was folded under other rules; nothing is changed."""
    if meta.get(conn, meta.RULES_DIGEST) not in {None, rules_digest(rules)}:
        raise RulesChanged(
            f"the rules are others than those {store} was folded under; "
            "run `homing rebuild` to fold it again under these, or set the former ones"
        )


def remember(conn: Connection, rules: LinkingRules) -> None:
    """Note that the folds are made under these rules."""
    meta.put(conn, meta.RULES_DIGEST, rules_digest(rules))


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
