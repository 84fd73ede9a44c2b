"""What can go wrong for a caller of `identity`.

IdentityError
├── RulesError          a rules file or mapping says something impossible
├── CaseError           a written case cannot be read
└── ContradictionError  a judgement contradicts the others as a whole

Bad *data* is never an exception: it is a `Rejected` or a `Refused` value with its reason.
"""


class IdentityError(Exception):
    """Whatever `identity` raises on purpose."""


class RulesError(IdentityError):
    """A rule is unknown, of the wrong type or impossible; the message starts with its path."""

    def __init__(self, path: str, given: object, allowed: str) -> None:
        """Tell where the rule stands, what was given and what is allowed there."""
        super().__init__(f"{path}: {given!r} is not allowed; use {allowed}")
        self.path = path


class CaseError(IdentityError):
    """A written case lacks a field, or one is of the wrong type."""


class ContradictionError(IdentityError):
    """A must-link and a cannot-link, taken with all others, cannot hold together."""
