"""The bodies and the answers of `/v1/judgements`, and of a profile's explanation."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from service.schemas.consents import PRINTABLE, IdentifierGiven

MOST_NAMED = 1_000


def _written(value: object) -> object:
    """Read `namespace:value`, too."""
    if isinstance(value, str):
        namespace, _, rest = value.partition(":")
        return {"namespace": namespace, "value": rest}
    return value


Named = Annotated[IdentifierGiven, BeforeValidator(_written, json_schema_input_type=IdentifierGiven | str)]
Reason = Annotated[str, Field(max_length=1_024, pattern=PRINTABLE, repr=False)]


class LinkGiven(BaseModel):
    """A judgement on two identifiers: they belong to one person, or never do."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["must_link", "cannot_link"]
    left: Named
    right: Named
    reason: Reason = ""


class SplitGiven(BaseModel):
    """A judgement that some identifiers are not the person's whose profile holds them today."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["split"]
    identifiers: list[Named] = Field(min_length=1, max_length=MOST_NAMED)
    reason: Reason = ""


class OpenDecisionShown(BaseModel):
    """A decision still to be sent: whose it is, and whose it is then (null: nobody's)."""

    decision_id: str
    profile_id: str
    profile_id_after: str | None
    send_at: datetime


class JudgedShown(BaseModel):
    """What a judgement changes; with `dry_run`, what it would."""

    judgement_id: str | None
    dry_run: bool
    changes: list[dict[str, Any]] = Field(repr=False)
    open_decisions: list[OpenDecisionShown]


class JudgementShown(BaseModel):
    """A judgement in force."""

    judgement_id: str
    kind: str
    left: list[str] = Field(repr=False)
    right: list[str] = Field(repr=False)
    at: datetime | None
    reason: str = Field(repr=False)


class JudgementsShown(BaseModel):
    """All judgements in force, oldest first."""

    judgements: list[JudgementShown]


class LinkShown(BaseModel):
    """A pair of identifiers seen together, and what came of it; `log_odds` is what speaks for it."""

    left: str = Field(repr=False)
    right: str = Field(repr=False)
    state: str
    sightings: int
    trust: str
    against: int
    log_odds: float
    probability: float
    first_seen: datetime
    last_seen: datetime
    refused: str | None


class StepShown(BaseModel):
    """A step of the way: over a link, or by a judgement."""

    left: str = Field(repr=False)
    right: str = Field(repr=False)
    holds: bool
    link: LinkShown | None
    judgement_id: str | None


class CutShown(BaseModel):
    """The least that holds the two together; `doubt` is the probability that all of it is wrong."""

    links: list[LinkShown]
    side: list[str] = Field(repr=False)
    doubt: float


class ApartShown(BaseModel):
    """Why two identifiers are not in one profile."""

    why: str
    identifiers: list[str] = Field(repr=False)
    judgement_id: str | None


class ExplanationShown(BaseModel):
    """Why two identifiers are in one profile, or why not."""

    left: str = Field(repr=False)
    right: str = Field(repr=False)
    together: bool
    way: list[StepShown]
    cut: CutShown | None
    reasons: list[ApartShown]
