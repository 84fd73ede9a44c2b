"""Who is who: identifiers seen together become one profile a person; pure, order-independent, reversible."""

from identity.errors import CaseError, ContradictionError, IdentityError, RulesError
from identity.identifiers import Identifier, Namespace, NamespaceClass
from identity.judgements import Judgement, JudgementKind
from identity.normalize import Rejected, clean, normalize
from identity.observations import Observation, Trust
from identity.profiles import Profile
from identity.resolve import Resolution, resolve
from identity.rules import LinkingRules, load_rules

__all__ = [
    "CaseError",
    "ContradictionError",
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
]
