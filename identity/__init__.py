"""Who is who: identifiers seen together become one profile a person; pure, order-independent, reversible."""

from typing import TYPE_CHECKING, Any

from identity.errors import CaseError, ContradictionError, IdentityError, RulesError
from identity.identifiers import Identifier, Namespace, NamespaceClass
from identity.judgements import Judgement, JudgementKind
from identity.loaded_rules import load_rules
from identity.normalize import Rejected, clean, normalize
from identity.observations import Observation, Trust
from identity.profiles import Profile
from identity.resolve import Resolution, resolve
from identity.rules import LinkingRules

if TYPE_CHECKING:
    from identity.frames.resolving import FrameResolution, resolve_frame

__all__ = [
    "CaseError",
    "ContradictionError",
    "FrameResolution",
    "Identifier",
    "IdentityError",
    "Judgement",
    "JudgementKind",
    "LinkingRules",
    "Namespace",
    "NamespaceClass",
    "Observation",
    "Profile",
    "Rejected",
    "Resolution",
    "RulesError",
    "Trust",
    "clean",
    "load_rules",
    "normalize",
    "resolve",
    "resolve_frame",
]

_FRAMES = ("FrameResolution", "resolve_frame")


def __getattr__(name: str) -> Any:
    """Load polars and compiled code for those who resolve tables alone (PEP 562)."""
    if name in _FRAMES:
        from identity.frames import resolving  # noqa: PLC0415 - see above

        return getattr(resolving, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
