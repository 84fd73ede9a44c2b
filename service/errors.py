"""What can go wrong in the service.

HomingError
├── ApiError            a request is refused: status, code, message
│   └── Overloaded      more work waits than can be done soon: 503
├── SettingsError       a setting is unknown, of the wrong type or impossible (a command ends with 2)
├── SecretError         the deployment's secret is missing, too short or another store's
├── RulesChanged        the linking rules are others than those the store was folded under
├── AddressError        the host and port to serve on cannot be had
├── ImportFailed        a file cannot be read, or its rejects not be written
├── EvidenceError       a log to evaluate cannot be used; names file, column and row
├── BatchFailed         files cannot be resolved: none there, or nowhere to write
└── StoreError          the store cannot do it; says what to do
    ├── StoreBusy       another process holds the store
    └── SchemaError     the store's schema is not this program's

Messages name keys, paths and limits, never identifiers. What each of them becomes over HTTP stands in `answers`.
"""

import re
from http import HTTPStatus
from typing import Any


def discreet(address: str) -> str:
    """Give an address, or what was meant for one, without what may be a password in it: it has no one place there."""
    if address.startswith("sqlite:///"):
        return address
    return re.sub(r"(?i)(password=)[^&\s'\"]*", r"\1…", re.sub(r"(?s)(:/*).*@", r"\1…@", address))


class HomingError(Exception):
    """Whatever the service raises on purpose; its text is fit for a person."""


class ApiError(HomingError):
    """A request is refused with `status`; the answer is `{"code","message","details"?}`.

    `code` is stable, `message` is for a person. `details` is anything JSON can hold. `retry_after` is in whole seconds.
    """

    def __init__(
        self, status: int, code: str, message: str, details: Any = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.retry_after = retry_after


class Overloaded(ApiError):  # noqa: N818 - a state of the service, not a fault of anyone
    """More jobs wait for the store than can be done soon."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "overloaded",
            "too much work is waiting; send it again later",
            retry_after=retry_after,
        )


class SettingsError(HomingError):
    """A setting is unknown, of the wrong type or impossible."""

    @classmethod
    def at(cls, key: str, given: object, allowed: str, source: str) -> "SettingsError":
        """Tell which setting, what was given and where, and what is allowed."""
        shown = repr(discreet(given)) if isinstance(given, str) else discreet(repr(given))
        return cls(f"{key} = {shown} ({source}) is not allowed; use {allowed}")


class SecretError(HomingError):
    """The deployment's secret is missing, too short, or not the one this store was made with."""


class RulesChanged(HomingError):  # noqa: N818 - what happened to the rules
    """The linking rules are others than those this store was folded under; says what to do."""


class AddressError(HomingError):
    """The host and port to serve on cannot be had; says why and what to do."""


class ImportFailed(HomingError):  # noqa: N818 - what happened to the file
    """A file to import cannot be read (further), or its rejects cannot be written; says how far it came."""


class EvidenceError(HomingError):
    """A log to evaluate, or the policy to judge on it, cannot be used; names the file, the column and the row."""


class BatchFailed(HomingError):  # noqa: N818 - what happened to the files
    """Files cannot be resolved: there are none, or what came of them cannot be written."""


class StoreError(HomingError):
    """The store cannot do what was asked; `code` is stable, the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class StoreBusy(StoreError):  # noqa: N818 - a state of the store, not a fault of anyone
    """Another process holds the store; the same may succeed later."""

    def __init__(self, message: str) -> None:
        super().__init__("store_busy", message)


class SchemaError(StoreError):
    """The store's schema is newer than this program, or no schema of Homing's at all."""

    def __init__(self, message: str) -> None:
        super().__init__("store_schema", message)
