"""`PUT /v1/consents`: what somebody said to the shop becomes a fact; 200 says that it is in the log."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter

from channel_selector.eligibility.endpoints import Consent, ConsentState
from identity.normalize import Rejected, clean
from identity.observations import Trust
from service.customers.consents import consent_message
from service.errors import ApiError
from service.events.ingest import Receipt, ingest
from service.keys import Caller, Scope, require
from service.schemas.consents import ConsentGiven, ConsentTaken, IdentifierRefused
from service.web.answers import refusals
from service.web.bodies import described, read_body
from service.web.deployed import homing_of

router = APIRouter(tags=["consents"])

_RESPONSES = refusals(
    Scope.INGEST,
    {
        400: "The body cannot be read",
        403: "The key lacks the scope ingest, or is public (trust asserted)",
        409: "Something else was taken under this id",
        422: "A field is missing or wrong, or no identifier names anybody",
    },
)
_GIVEN = TypeAdapter(ConsentGiven)


@router.put("/v1/consents", responses=_RESPONSES, openapi_extra=described(_GIVEN))
async def put_consent(request: Request, caller: Annotated[Caller, Depends(require(Scope.INGEST))]) -> ConsentTaken:
    """Record that somebody grants or denies being written to.

    The identifiers are seen together, like those of an event. The newest word counts, of equal moments the stricter.
    The same one again changes nothing.
    """
    if caller.trust < Trust.SERVER:
        raise ApiError(HTTPStatus.FORBIDDEN, "forbidden", "consents need a key of trust server: this one is public")
    homing = homing_of(request)
    given = read_body(await request.body(), _GIVEN)
    named = [(each.namespace, each.value) for each in given.identifiers]
    usable, rejected = clean(named, homing.rules)
    if not usable:
        raise _nobody(rejected)
    now = homing.clock.now()
    message = consent_message(
        identifiers=named,
        consent=Consent(
            channel=given.channel,
            purpose=given.purpose,
            state=ConsentState(given.state),
            at=now if given.at is None else given.at,
            source=given.source,
        ),
        message_id=given.id,
        dated=given.at is not None,
        source=caller.source,
        trust=caller.trust,
        received_at=now,
    )
    (receipt,) = await homing.writer.run(lambda conn: ingest(conn, homing.people, [message]))
    if receipt is Receipt.CONFLICT:
        raise ApiError(
            HTTPStatus.CONFLICT, "message_id_conflict", "something else was taken under this id; use another"
        )
    return ConsentTaken(
        id=message.message_id,
        status=_STATUS[receipt],
        rejected=[IdentifierRefused(namespace=each.namespace, reason=each.reason) for each in rejected],
    )


_STATUS: Mapping[Receipt, Literal["accepted", "duplicate", "dropped"]] = {
    Receipt.ACCEPTED: "accepted",
    Receipt.DUPLICATE: "duplicate",
    Receipt.DROPPED: "dropped",
}


def _nobody(rejected: tuple[Rejected, ...]) -> ApiError:
    """Refuse identifiers that all name nobody, each with its reason and without its value."""
    details = [{"field": "identifiers", "message": f"{each.namespace}: {each.reason}"} for each in rejected]
    message = "none of the identifiers names anybody"
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_identifiers", message, details)
