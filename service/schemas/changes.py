"""What `GET /v1/changes` answers with: ids alone, no identifier."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class ChangeShown(BaseModel):
    """What happened to a profile.

    `merged`: from now on the ids in `absorbed` answer with it. `split`: those in `into` are founded on parts of it. A
    device that only went from one person to another is neither.
    `rules`: other linking rules came into force, and any id may lead elsewhere (`profile_id` is null).
    `retired`: nothing that is known names whom it was founded on, and its id answers no more.
    """

    position: str
    change: Literal["merged", "split", "retired", "rules"]
    profile_id: str | None
    absorbed: list[str] = Field(default_factory=list)
    into: list[str] = Field(default_factory=list)
    because: Literal["events", "judgement", "erasure", "rules"]
    at: datetime = Field(description="When the newest of what brought it about came to be known")


class ChangesShown(BaseModel):
    """Changes in the order they were made; `after` is where to go on from, also once there are no more for now."""

    changes: list[ChangeShown]
    after: str
    next_cursor: str | None
