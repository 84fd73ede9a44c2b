"""Identifiers as people write them, `namespace:value` or in two parts, read as the collector reads an event's."""

from http import HTTPStatus

from identity.identifiers import Identifier
from identity.normalize import normalize
from identity.rules import LinkingRules
from service.errors import ApiError


def read_name(text: str, rules: LinkingRules) -> Identifier:
    """Read `namespace:value`; 422 with the reason for what names nobody."""
    namespace, _, value = text.partition(":")
    return read_identifier(namespace, value, rules)


def read_identifier(namespace: str, value: str, rules: LinkingRules) -> Identifier:
    """Read an identifier given in two parts; 422 with the reason for one that names nobody."""
    read = normalize(namespace, value, rules)
    if isinstance(read, Identifier):
        return read
    # What stands for the namespace may be somebody's value, written without one.
    told = f"{namespace}: {read.reason}" if namespace in rules.namespaces else str(read.reason)
    raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_identifier", f"write namespace:value ({told})")
