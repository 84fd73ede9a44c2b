"""The body and the answer of `POST /v1/outcomes`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from channel_selector.outcomes import OutcomeKind
from channel_selector.validation import LARGEST
from service.events.messages import MESSAGE_ID_LENGTH
from service.schemas.consents import PRINTABLE, Moment

MOST = 2_500
"""So many outcomes may come in one request."""

Name = Annotated[str, Field(min_length=1, max_length=MESSAGE_ID_LENGTH, pattern=PRINTABLE)]


class OutcomeGiven(BaseModel):
    """What became of a decision's message."""

    model_config = ConfigDict(extra="forbid")

    decision_id: Name = Field(repr=False)
    type: OutcomeKind = Field(examples=["clicked"])
    at: Moment | None = Field(default=None, description="When it happened; not given, or in the future: now")
    value: float | None = Field(
        default=None, ge=0, le=LARGEST, strict=True, allow_inf_nan=False, description="Money of a conversion; 0 if null"
    )
    id: Name | None = Field(
        default=None,
        repr=False,
        description="The caller's own name of it: told again, it is the same outcome. Without it, decision, type and "
        "`at` name it; without `at` too, decision and type alone",
    )


OutcomeList = Annotated[list[OutcomeGiven], Field(max_length=MOST)]


class OutcomeTaken(BaseModel):
    """What one outcome is now; told again it gives the same answer and changes nothing.

    accepted: it counts. parked: its decision is not known yet; it counts once it is. late: it came after the
    attribution window; logged, never learned from. erased: its person was erased; it is kept nowhere. rejected: not
    taken, for the reason that `code` and `message` give.
    """

    id: str | None = Field(
        repr=False, description="Its id, made up from the rest if none was given; null where it is rejected"
    )
    status: Literal["accepted", "parked", "late", "erased", "rejected"]
    code: str | None = Field(default=None, description="Only where it is rejected")
    message: str | None = Field(default=None, description="Only where it is rejected")


class OutcomesTaken(BaseModel):
    """What became of each outcome, in order; `accepted` counts all but the rejected: they need not be told again."""

    accepted: int
    results: list[OutcomeTaken]
