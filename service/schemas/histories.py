"""What `GET /v1/profiles/{profile_id}/history` answers with; values are masked without the scope read_pii."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from service.schemas.changes import ChangeShown
from service.schemas.judgements import JudgementShown
from service.schemas.profiles import EventShown


class OwnedShown(BaseModel):
    """A device's or browser's events from `start` (null: ever) until `end` (null: on) are a profile's, or nobody's."""

    namespace: str
    value: str = Field(repr=False)
    start: datetime | None
    end: datetime | None
    profile_id: str | None


class EntryShown(BaseModel):
    """Something that happened; what it was stands under the name of its kind, an undo's under `judgement`.

    An event's `profile_id` tells whose it is, and `why`; `decided_by` is the message id of the claim that decided, if
    one did. A change happened when the newest of what brought it about came to be known.
    """

    kind: Literal["event", "change", "judgement", "undo"]
    at: datetime
    event: EventShown | None = None
    why: str | None = None
    decided_by: str | None = Field(default=None, repr=False)
    change: ChangeShown | None = None
    judgement: JudgementShown | None = None


class HistoryShown(BaseModel):
    """A page of what happened to a profile, the newest first.

    `absorbed` are the ids that answer with it now; `ownership` tells who held its devices and browsers when.
    """

    profile_id: str
    redirected_from: str | None
    absorbed: list[str]
    ownership: list[OwnedShown]
    entries: list[EntryShown]
    next_cursor: str | None
