"""A customer is the fold of one profile's facts: who has it, what is known, what was said and what was bought."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from typing import Protocol
from zoneinfo import ZoneInfo

from channel_selector.eligibility.endpoints import Consent
from channel_selector.model.learning import Reported
from identity.identifiers import Identifier, NamespaceClass
from identity.observations import Trust
from identity.profiles import Profile, ProfileId
from identity.rules import LinkingRules, TraitRules
from identity.traits import Trait, survivors
from service.carts.cart import Cart, CartSettings
from service.carts.carts import CartLine
from service.carts.commerce import CommerceEvent, commerce_event
from service.carts.orders import Order, OrderLine
from service.customers.activity import Activity
from service.customers.consents import DEFAULT_CATEGORIES, Preferences, Statement, WordLine
from service.customers.devices import Device, Devices, PushToken
from service.customers.event_context import told
from service.customers.names import Fact, Names, Reader
from service.customers.sightings import Known, Sightings
from service.customers.traits import trait_words
from service.events.messages import Message
from service.learning.attribution import told_outcome
from service.settings.setting_kinds import CategoryConsent

MESSENGERS = ("kakao_id", "messenger_id", "line_id", "whatsapp_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRules:
    """How a deployment reads its customers.

    `endpoint_key` makes endpoint ids (at most 64 bytes), `timezone` stands in where a person's is not known, and
    `messengers` are the namespaces whose values are addresses of a messenger.
    """

    linking: LinkingRules
    endpoint_key: bytes = field(repr=False)
    categories: Mapping[str, CategoryConsent] = field(default_factory=lambda: DEFAULT_CATEGORIES)
    timezone: tzinfo = UTC
    messengers: tuple[str, ...] = MESSENGERS

    def under(self, linking: LinkingRules) -> "CustomerRules":
        """Give the same under other linking rules; itself if they are these."""
        return self if linking is self.linking else replace(self, linking=linking)


@dataclass(frozen=True, kw_only=True)
class Customer:
    """What is known of a profile.

    `identifiers` are those it holds, the most telling first; `devices` come with the one seen last first. `timezone`
    is the latest that the person's events named (None: never). `activity`: 24 counts by local hour. `confidence`: see
    `Sightings`. `messages` are the facts that are this person's, oldest first; `commerce` is what they tell of carts
    and orders; `told` what they tell of decisions that they name. `cart_line`, `order_line` and
    `word_line` make carts, orders and consents, faster from time to time.
    """

    profile: Profile = field(repr=False)
    identifiers: Mapping[Identifier, Known] = field(repr=False)
    trait_rules: TraitRules = field(repr=False)
    statements: tuple[Statement, ...]
    devices: tuple[Device, ...]
    tokens: tuple[PushToken, ...]
    timezone: ZoneInfo | None
    activity: tuple[int, ...]
    confidence: float
    messages: tuple[Message, ...] = field(repr=False)
    commerce: tuple[CommerceEvent, ...] = field(default=(), repr=False)
    told: tuple[Reported, ...] = field(default=(), repr=False)
    cart_line: CartLine = field(default_factory=CartLine, repr=False, compare=False)
    order_line: OrderLine = field(default_factory=OrderLine, repr=False, compare=False)
    word_line: WordLine = field(default_factory=WordLine, repr=False, compare=False)

    @property
    def profile_id(self) -> ProfileId:
        """The profile's id today."""
        return self.profile.profile_id

    @cached_property
    def traits(self) -> Mapping[str, Trait]:
        """What is known of the person by name: of all that was said the value that counts, and where it came from."""
        return survivors((word for message in self.messages for word in trait_words(message)), self.trait_rules)

    @property
    def is_person(self) -> bool:
        """Whether the profile holds a person-class identifier."""
        return self.profile.is_person

    @property
    def first_seen(self) -> datetime | None:
        """When an identifier of the profile was first seen (None: only judgements speak of it)."""
        return min((known.first_seen for known in self.identifiers.values()), default=None)

    @property
    def last_seen(self) -> datetime | None:
        """When an identifier of the profile was last seen."""
        return max((known.last_seen for known in self.identifiers.values()), default=None)

    @cached_property
    def consents(self) -> tuple[Consent, ...]:
        """The person's last word on each channel and purpose."""
        return self.word_line.stand(self.statements)

    def denied(self, denials: Iterable[Consent]) -> "Customer":
        """Give the customer with what outcomes say (unsubscribed, complained), believed like the shop's server."""
        told_by_outcomes = tuple(Statement(consent=denial, trust=Trust.SERVER) for denial in denials)
        return replace(self, statements=self.statements + told_by_outcomes) if told_by_outcomes else self

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """What the person bought, by time."""
        return self.order_line.stand(self.commerce)

    def carts(self, now: datetime, settings: CartSettings | None = None) -> tuple[Cart, ...]:
        """Give the person's carts as they stand at `now`."""
        return self.cart_line.stand(self.commerce, now, CartSettings() if settings is None else settings)

    def cart(self, cart_id: str, now: datetime, settings: CartSettings) -> Cart | None:
        """Give the person's cart of that id as it last lived; None if there was none."""
        return self.cart_line.named(cart_id, self.commerce, now, settings)

    def values(self, namespace: str) -> tuple[str, ...]:
        """Give the values of a namespace that the profile holds, the one seen last first."""
        found = [known for known in self.identifiers.values() if known.identifier.namespace == namespace]
        return tuple(known.identifier.value for known in sorted(found, key=lambda k: k.last_seen, reverse=True))


class Parted(Protocol):
    """Those that a judgement parted from a profile, and when it was said (None: always)."""

    @property
    def others(self) -> frozenset[Identifier]:
        """Who went."""
        ...

    @property
    def at(self) -> datetime | None:
        """When."""
        ...


def customer(profile: Profile, facts: Iterable[Fact], rules: CustomerRules, parted: Sequence[Parted] = ()) -> Customer:
    """Fold the facts of a profile's raw component, given in the order of the replay.

    Other people's facts tell of devices only; those of who was `parted` from it, what they denied until then as well.
    O(n log n) for n facts.
    """
    fold = CustomerFold(profile, rules, parted)
    for fact in facts:
        fold.take(fact)
    return fold.customer()


class CustomerFold:
    """Takes the facts of `customer` in, one after another; `customer()` may be asked for between them."""

    def __init__(self, profile: Profile, rules: CustomerRules, parted: Sequence[Parted] = ()) -> None:
        self._profile = profile
        self._rules = rules
        self._parted = tuple(parted)
        self._reader = Reader(profile, rules.linking)
        self._sightings = Sightings(rules.linking, has_person=profile.is_person)
        self._devices = Devices(profile)
        self._preferences = Preferences(rules.categories)
        self._activity = Activity()
        self._own: list[Message] = []
        self._commerce: list[CommerceEvent] = []
        self._told: list[Reported] = []
        self._carts = CartLine()
        self._orders = OrderLine()
        self._words = WordLine()

    def take(self, fact: Fact) -> None:
        """Take one fact in."""
        names = self._reader.names(fact)
        message = fact.message
        context = told(message)
        speaker = message.source if names.device is None else names.device
        self._sightings.take(message, names)
        self._devices.take(fact, names, context)
        if fact.owner == self._profile.profile_id:
            self._own.append(message)
            event = commerce_event(message)
            if event is not None:
                self._commerce.append(event)
            said = told_outcome(message)
            if said is not None:
                self._told.append(said)
            self._activity.take(message, names, context)
            self._preferences.take(message, speaker, names.held or (self._profile.ref.founder,))
        elif self._was_one(fact):
            self._preferences.inherit(message, speaker)
        elif self._names_contact(names):
            self._preferences.overhear(message)

    def _was_one(self, fact: Fact) -> bool:
        """Tell whether a fact is of who was parted from this profile, and of the time before."""
        return any(
            (each.at is None or fact.message.at <= each.at) and not each.others.isdisjoint(fact.observation.identifiers)
            for each in self._parted
        )

    def _names_contact(self, names: Names) -> bool:
        kind = self._rules.linking.kind
        return any(kind(identifier) is NamespaceClass.CONTACT for identifier in names.held)

    def customer(self) -> Customer:
        """Give what the facts amount to."""
        return Customer(
            profile=self._profile,
            identifiers=self._sightings.known(),
            trait_rules=self._rules.linking.traits,
            statements=self._preferences.statements,
            devices=self._devices.devices(),
            tokens=self._devices.tokens(),
            timezone=self._activity.timezone,
            activity=self._activity.counts(self._rules.timezone),
            confidence=self._sightings.confidence,
            messages=tuple(self._own),
            commerce=tuple(self._commerce),
            told=tuple(self._told),
            cart_line=self._carts,
            order_line=self._orders,
            word_line=self._words,
        )
