"""Who founds a profile: of its members the one that stands for a person longest (DESIGN 4, ProfileId)."""

from collections.abc import Iterable
from datetime import datetime

from identity.identifiers import Identifier, Namespace, NamespaceClass
from identity.rules import Founder, LinkingRules

Rank = tuple[int, datetime, int, str, str]
"""An identifier's place among founders: its class, its first sighting, its namespace's priority, itself."""


def ranks(identifier: Identifier, first_seen: datetime, rules: LinkingRules) -> tuple[Rank, Rank]:
    """Give an identifier's rank as a founder, and among persons; the least of a profile's founds it."""
    namespace = rules.namespace(identifier.namespace)
    rest = (first_seen, namespace.priority, *identifier)
    by_class = (_tier(namespace), *rest)
    return ((0, *rest) if rules.founder is Founder.ANY else by_class, by_class)


def founding(identifiers: Iterable[Identifier], rules: LinkingRules) -> Identifier:
    """Give who founds the profile of some identifiers, at least one, that were seen once and together."""
    some = [(rules.namespace(i.namespace), i) for i in identifiers]
    any_class = rules.founder is Founder.ANY
    return min((0 if any_class else _tier(space), space.priority, i) for space, i in some)[-1]


def _tier(namespace: Namespace) -> int:
    """Rank a class for founding: persons of limit 1, other persons, contacts, the rest."""
    if namespace.kind is NamespaceClass.PERSON:
        return 0 if namespace.limit == 1 else 1
    return 2 if namespace.kind is NamespaceClass.CONTACT else 3
