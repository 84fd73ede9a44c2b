"""A profile is put into the words of the contract; whoever may not see personal data gets it masked."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from channel_selector.eligibility.endpoints import Consent, Endpoint, EndpointStatus
from channel_selector.eligibility.options import ENDPOINT_STATUS
from identity.doubts import Doubt, DoubtKind
from identity.identifiers import Identifier
from identity.rules import LinkingRules
from identity.traits import Trait
from service.customers import Device, Known, device_of
from service.decisions.rulings import Logged
from service.profiles.filed import SeenFact
from service.profiles.masks import mask, mask_value
from service.profiles.portrait import Portrait
from service.profiles.profile_view import ProfileView
from service.schemas.profiles import (
    ConsentShown,
    DecisionShown,
    DeviceShown,
    EndpointShown,
    EventShown,
    IdentifierShown,
    KnownShown,
    OutcomeShown,
    ProfileShown,
    TraitSourceShown,
    WarningShown,
)
from service.store.decisions import DecisionRow, OutcomeRow

RESOLVED = "resolved"
"""The state of a profile whose facts are all folded in."""


_DOUBTS = {
    DoubtKind.SHARED_DEVICE: (
        "{device}, which {persons} persons claimed, was used {times} without naming anybody: "
        "that this person did is the rules' word alone"
    ),
    DoubtKind.LOGIN_WITHOUT_PERSON: (
        "on {device}, which {persons} persons claimed, somebody was named {times} by a contact alone: "
        "a login without its person"
    ),
}


class Shower:
    """Shows profiles to one caller: whole with `pii`, masked without."""

    def __init__(self, rules: LinkingRules, *, pii: bool) -> None:
        self._rules = rules
        self._pii = pii
        self._text: Callable[[str], str] = str if pii else mask

    def profile(self, seen: Portrait) -> ProfileShown:
        """Show a profile as it stands, or stood."""
        view, reached = seen.view, seen.reached
        person = reached.customer
        return ProfileShown(
            profile_id=person.profile_id,
            redirected_from=view.redirected_from,
            as_of=seen.as_of,
            profile_id_today=seen.today,
            is_person=person.is_person,
            confidence=person.confidence,
            first_seen=person.first_seen,
            last_seen=person.last_seen,
            state=RESOLVED,
            timezone=None if person.timezone is None else person.timezone.key,
            identifiers=[self._known(known) for known in person.identifiers.values()],
            devices=[self._device(device) for device in person.devices],
            endpoints=[self._endpoint(endpoint) for endpoint in reached.endpoints],
            traits={name: self._value(trait) for name, trait in person.traits.items()},
            trait_sources={name: _source(trait) for name, trait in person.traits.items()},
            consents=[_consent(consent) for consent in person.consents],
            shared=[self.identifier(identifier) for identifier in sorted(view.hubs.shared)],
            warnings=[*_warnings(view), *self._doubts(seen.doubts)],
        )

    def _value(self, trait: Trait) -> Any:
        return trait.value if self._pii else mask_value(trait.value)

    def _doubts(self, some: Iterable[Doubt]) -> Iterator[WarningShown]:
        for doubt in some:
            device = f"{doubt.device.namespace}:{self._text(doubt.device.value)}"
            times = "once" if doubt.observations == 1 else f"{doubt.observations} times"
            sentence = _DOUBTS[doubt.kind].format(device=device, persons=doubt.persons, times=times)
            yield WarningShown(code=doubt.kind.value, message=sentence)

    def event(self, fact: SeenFact) -> EventShown:
        """Show one event."""
        message, identifiers = fact.message, fact.observation.identifiers
        device = device_of(identifiers, self._rules)
        return EventShown(
            message_id=message.message_id,
            type=message.type,
            name=message.name,
            at=message.at,
            received_at=message.received_at,
            source=message.source,
            trust=message.trust.name.lower(),
            device=None if device is None else self.identifier(device),
            identifiers=[self.identifier(identifier) for identifier in identifiers],
            profile_id=fact.owner,
            content=message.content if self._pii else None,
        )

    def identifier(self, identifier: Identifier) -> IdentifierShown:
        """Show an identifier."""
        return IdentifierShown(namespace=identifier.namespace, value=self._text(identifier.value))

    def _known(self, known: Known) -> KnownShown:
        return KnownShown(
            namespace=known.identifier.namespace,
            value=self._text(known.identifier.value),
            kind=known.kind,
            trust=known.trust.name.lower(),
            source=known.source,
            first_seen=known.first_seen,
            last_seen=known.last_seen,
            observations=known.observations,
        )

    def _device(self, device: Device) -> DeviceShown:
        return DeviceShown(
            namespace=device.identifier.namespace,
            device_id=self._text(device.device_id),
            kind=device.kind,
            type=device.type,
            model=device.model,
            system=device.system,
            app=device.app,
            timezone=device.timezone,
            first_seen=device.first_seen,
            last_seen=device.last_seen,
        )

    def _endpoint(self, endpoint: Endpoint) -> EndpointShown:
        active = endpoint.status is EndpointStatus.ACTIVE
        return EndpointShown(
            endpoint_id=endpoint.endpoint_id,
            channel=endpoint.channel,
            status=endpoint.status,
            deliverable=endpoint.deliverable and active,
            reason=endpoint.reason if active or not endpoint.deliverable else ENDPOINT_STATUS[endpoint.status],
            device_id=None if endpoint.device_id is None else self._text(endpoint.device_id),
            device_kind=endpoint.device_kind,
            last_seen=endpoint.last_seen,
        )


def decision_shown(row: DecisionRow, made: Logged, outcomes: Sequence[OutcomeRow]) -> DecisionShown:
    """Show a decision as it was made, with those of the outcomes that are its own."""
    decision = made.decision
    option = None if made.held is not None else decision.option
    return DecisionShown(
        decision_id=row.decision_id,
        message_id=row.message_id,
        profile_id=row.profile_id,
        at=decision.at,
        held=made.held,
        fallback=made.fallback,
        channel=None if option is None else option.channel,
        device_kind=None if option is None else option.device_kind,
        endpoint_id=row.endpoint_id,
        variant=None if option is None else option.variant,
        send_at=None if option is None else option.send_at,
        expires_at=row.expires_at,
        propensity=decision.propensity,
        conversion_probability=decision.conversion_probability,
        expected_value=decision.expected_value,
        assignment=decision.assignment,
        policy_version=decision.policy_version,
        reason_code=decision.reason_code,
        reason=decision.reason,
        outcomes=[
            OutcomeShown(type=outcome.kind, at=outcome.at)
            for outcome in outcomes
            if outcome.decision_id == row.decision_id
        ],
    )


def _source(trait: Trait) -> TraitSourceShown:
    return TraitSourceShown(
        source=trait.source,
        trust=trait.trust.name.lower(),
        at=trait.at,
        policy=trait.policy.value,
        agreeing=trait.agreeing,
        words=trait.words,
    )


def _consent(consent: Consent) -> ConsentShown:
    return ConsentShown(
        channel=consent.channel, purpose=consent.purpose, state=consent.state, at=consent.at, source=consent.source
    )


def _warnings(view: ProfileView) -> Iterator[WarningShown]:
    own = view.profile.ref
    others = {held.identifier for held in view.intervals if held.owner not in (own, None)}
    told = {
        "shared_identifiers": (
            len(view.hubs.shared),
            "of its events' identifiers shared by too many persons: they link nobody",
        ),
        "flooded_identifiers": (len(view.hubs.flooded), "of its identifiers claimed by too many persons without proof"),
        "refused_links": (len(view.refused), "of its links refused: they would have joined what the rules keep apart"),
        "devices_of_several": (len(others), "of its devices belonging to somebody else at another time"),
    }
    for code, (count, sentence) in told.items():
        if count:
            yield WarningShown(code=code, message=f"{count} {sentence}")
