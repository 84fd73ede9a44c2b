"""The body and the answers of `/v1/erasures`."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.schemas.judgements import MOST_NAMED, Named


class ErasureGiven(BaseModel):
    """Whom to erase: everybody who holds one of these identifiers today."""

    model_config = ConfigDict(extra="forbid")

    identifiers: list[Named] = Field(min_length=1, max_length=MOST_NAMED)
    dry_run: bool = Field(default=False, description="Tell what would be erased, and erase nothing")


class ErasureShown(BaseModel):
    """An erasure: what it covers, how far it has come, and where the erased may still be found.

    planned: only tried out. purging: nobody is told of the erased any more, and `rows_left` are still to be destroyed.
    done: all of it is destroyed. `covered` counts what goes, by class of data. `open_decisions` were still to be sent,
    and are suppressed. `dropped` counts what came in later that told of the erased, and was kept nowhere.
    """

    erasure_id: str | None
    at: datetime
    state: Literal["planned", "purging", "done"]
    covered: dict[str, int]
    open_decisions: list[str] | None = Field(description="null where it was long ago")
    rows_left: int
    dropped: int
    remains: list[str] = Field(description="What else may hold the erased, and until when")
