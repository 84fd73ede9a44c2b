"""The body and the answer of `PUT /v1/consents`."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from channel_selector.eligibility.endpoints import MARKETING
from service.events.event_identifiers import NAMESPACE
from service.events.event_time import read_time
from service.events.messages import MESSAGE_ID_LENGTH

NAME = f"^{NAMESPACE.pattern}$"
"""What namespaces, channels and purposes are called."""

PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"


def _moment(value: object) -> datetime:
    """Read a moment as the collector does."""
    read = read_time(value)
    if read is None:
        raise ValueError("must be ISO 8601, or seconds or milliseconds since 1970")
    return read


Moment = Annotated[datetime, BeforeValidator(_moment)]


class IdentifierGiven(BaseModel):
    """Somebody's name, contact, device or browser, as the caller writes it."""

    model_config = ConfigDict(extra="forbid")

    namespace: str = Field(pattern=NAME, examples=["user_id", "email"])
    value: str = Field(min_length=1, max_length=1_024, repr=False)


class ConsentGiven(BaseModel):
    """Somebody's word on being written to: by one channel (null: by all), for one purpose."""

    model_config = ConfigDict(extra="forbid")

    identifiers: list[IdentifierGiven] = Field(min_length=1, max_length=20)
    channel: str | None = Field(pattern=NAME, description="null: every channel", examples=["email"])
    purpose: str = Field(default=MARKETING, pattern=NAME)
    state: Literal["granted", "denied"]
    at: Moment | None = Field(default=None, description="When it was said; not given, or in the future: now")
    source: str = Field(default="", max_length=255, pattern=PRINTABLE, description="Where it was said")
    id: str | None = Field(
        default=None,
        repr=False,
        min_length=1,
        max_length=MESSAGE_ID_LENGTH,
        pattern=PRINTABLE,
        description="Makes a second try known as one; without it the content and the moment do",
    )


class IdentifierRefused(BaseModel):
    """An identifier that names nobody, and why."""

    namespace: str
    reason: str


class ConsentTaken(BaseModel):
    """What became of it: it is in the log now, or was before; some of its identifiers may name nobody.

    dropped: it was said before its person was erased; it is kept nowhere.
    """

    id: str
    status: Literal["accepted", "duplicate", "dropped"]
    rejected: list[IdentifierRefused]
