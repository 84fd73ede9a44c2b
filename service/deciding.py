"""The decision on one message: made once, logged with its exact propensity, looked at again whenever it is asked for.

A repeat gives the same option under the same probabilities; what may not be sent any more is held back, and nothing
that was held back is let go. Runs inside a job of the writer, so a message has one decision whoever asks at once.
"""

from datetime import datetime, timedelta
from hashlib import blake2b

import orjson
from sqlalchemy.engine import Connection

from channel_selector.batches import Request
from channel_selector.choosing import Chooser
from channel_selector.context import Context
from channel_selector.decisions import Decision
from channel_selector.endpoints import APP_PUSH, EMAIL, MESSENGER, SMS, WEB_PUSH, Endpoint
from channel_selector.learning import customer_effects
from channel_selector.options import CHANNEL_NOT_REQUESTED, NO_ENDPOINT, Eligibility, MessageWindow, Recipient, eligible
from channel_selector.population import Population
from service.abandonment import already_purchased, cart_named
from service.asks import DEADLINE, Ask
from service.customers import CustomerRules
from service.people import People, ProfileView
from service.rulings import FALLBACK_ENDPOINT, Ruling, log, logged
from service.settings import Settings
from service.standing import Standing, standing
from service.store import decisions, models
from service.store.decisions import LoggedEntry

HELD_FOR = timedelta(hours=24)
"""A message has one decision for at least this long (CONTRACT 3)."""
REACHED_BY_CALLER = (APP_PUSH, WEB_PUSH, MESSENGER, EMAIL, SMS)
"""The channels offered for people who are not known, unless the caller names those it can reach."""
TIMING = frozenset({"deadline_passed", "quiet_hours", "frequency_cap", CHANNEL_NOT_REQUESTED})
"""Reasons that a decision made cannot be taken back for: its time was right when it was chosen."""


class Decider:
    """Decides for one deployment. Belongs to the writer's thread."""

    def __init__(self, people: People, rules: CustomerRules, settings: Settings, key: bytes) -> None:
        self._people = people
        self._rules = rules
        self._settings = settings
        self._key = key
        self._eligibility = settings.eligibility()
        self._selection = settings.selection()
        self._chooser: Chooser | None = None

    def forget(self) -> None:
        """Drop the population at hand: a newer one may be in the store."""
        self._chooser = None

    def decide(self, conn: Connection, ask: Ask, now: datetime) -> Ruling:
        """Give the decision on a message: the one that stands, or a new one, logged."""
        found = self._find(conn, ask, now)
        known = None if found is None else standing(conn, found, self._rules, self._settings)
        subjects = (*(known.profile_ids if known else ()), self._stranger(ask))
        for row in decisions.of_message(conn, subjects, ask.message_id):
            if row.expires_at > now:
                return self._again(decisions.read(conn, [row.seq])[0], known, now)
        return self._new(conn, ask, known, subjects[0], now)

    def today(self, conn: Connection, decision_id: str, now: datetime) -> Ruling | None:
        """Give a decision as it stands now; None if there is none of that id."""
        row = decisions.find(conn, decision_id)
        if row is None:
            return None
        view = self._people.view(conn, row.profile_id)
        known = None if view is None else standing(conn, view, self._rules, self._settings)
        return self._again(decisions.read(conn, [row.seq])[0], known, now)

    def chooser(self, conn: Connection) -> Chooser:
        """Give the policy under the newest population in the store."""
        if self._chooser is None:
            snapshot = models.newest(conn)
            population = Population.empty(self._selection.attribution_window)
            if snapshot is not None:
                kept = Population.from_json(orjson.loads(snapshot.body))
                # One learned with another window says nothing of this one; the learner will make its successor.
                if kept.engaged_delays.window == self._selection.attribution_window:
                    population = kept
            self._chooser = Chooser(population, self._selection, int.from_bytes(self._key[:6]))
        return self._chooser

    # --- a new decision ---

    def _find(self, conn: Connection, ask: Ask, now: datetime) -> ProfileView | None:
        """Find who is meant: whose the device was when the cart was left, who has the contact."""
        if ask.profile_id is not None:
            return self._people.view(conn, ask.profile_id)
        at = now if ask.abandoned_at is None else min(ask.abandoned_at, now)
        return self._people.who(conn, ask.recipient, at)

    def _new(self, conn: Connection, ask: Ask, known: Standing | None, subject: str, now: datetime) -> Ruling:
        """Decide, and log the decision."""
        recipient = self._recipient(ask, known, now)
        fallback = known is None or not known.reach.endpoints
        window = ask.window(now)
        judged = eligible(recipient, window, self._eligibility)
        chooser = self.chooser(conn)
        effects = customer_effects(
            () if known is None else known.sends,
            () if known is None else known.outcomes,
            population=chooser.population,
            settings=self._selection,
            now=now,
        )
        request = Request(
            decision_id=self._decision_id(conn, subject, ask.message_id),
            context=self._context(ask, known, subject),
            options=judged.options,
            effects=effects,
        )
        (decision,) = chooser.decide([request], now=now, explore=ask.explore)
        ruling = Ruling(
            decision=decision,
            message_id=ask.message_id,
            held=_reason_to_hold(decision, judged),
            fallback=fallback,
            excluded=judged.excluded,
            endpoint=_endpoint_of(decision, recipient.endpoints, fallback=fallback),
            expires_at=max(now + HELD_FOR, window.deadline),
            timezone=str(recipient.timezone),
            standing=known,
        )
        log(conn, ruling, ask, now)
        return ruling

    def _recipient(self, ask: Ask, known: Standing | None, now: datetime) -> Recipient:
        """Read a standing, or that of a stranger, for eligibility."""
        if known is None:
            return Recipient(endpoints=_fallbacks(ask), timezone=self._settings.timezone)
        who, reached = known.reach.customer, known.reach
        cart = cart_named(who.carts(now, self._settings.abandonment.carts()), ask.cart_id)
        return Recipient(
            endpoints=reached.endpoints or _fallbacks(ask),
            consents=who.consents,
            sends=known.planned,
            timezone=who.timezone or self._settings.timezone,
            suppressed_endpoints=reached.feedback.suppressed,
            already_purchased=already_purchased(cart, who.orders, ask.abandoned_at),
        )

    def _context(self, ask: Ask, known: Standing | None, subject: str) -> Context:
        """Say what is known of the customer and the occasion."""
        who = None if known is None else known.reach.customer
        return Context(
            subject=subject,
            segment=None if who is None else "member" if who.is_person else "guest",
            features=ask.features,
            activity=None if who is None else who.activity,
            abandoned_at=ask.abandoned_at,
            cart_value=ask.cart_value,
            margin=ask.margin,
            recent_sends=() if known is None else tuple(sorted(past.at for past in known.planned))[-10:],
        )

    def _stranger(self, ask: Ask) -> str:
        """Name a recipient that no profile is known for, by a keyed hash of what it was called."""
        text = "\0".join(f"{namespace}:{value}" for namespace, value in sorted(ask.recipient)) or str(ask.profile_id)
        return blake2b(text.encode(), digest_size=16, key=self._key, person=b"homing.stranger").hexdigest()

    def _decision_id(self, conn: Connection, subject: str, message_id: str) -> str:
        """Name the next decision in the log so that nobody outside can guess it."""
        text = f"{decisions.last_seq(conn) + 1}\0{subject}\0{message_id}"
        return blake2b(text.encode(), digest_size=16, key=self._key, person=b"homing.decision").hexdigest()

    # --- a decision made before ---

    def _again(self, entry: LoggedEntry, known: Standing | None, now: datetime) -> Ruling:
        """Give a decision made before, held back where it may not be sent any more."""
        made = logged(entry)
        recipient = self._recipient(made.ask, known, now)
        held = made.held
        if held is None and not (made.fallback and known is None):
            held = self._tightened(made.decision, recipient, made.ask, now)
        return Ruling(
            decision=made.decision,
            message_id=made.ask.message_id,
            held=held,
            fallback=made.fallback,
            excluded=made.excluded,
            endpoint=_endpoint_of(made.decision, recipient.endpoints, fallback=made.fallback),
            expires_at=made.expires_at,
            timezone=made.timezone,
            standing=known,
        )

    def _tightened(self, decision: Decision, recipient: Recipient, ask: Ask, now: datetime) -> str | None:
        """Give the reason that has come up since to hold a decision back, None if there is none."""
        option = decision.option
        if option is None:
            return None
        window = MessageWindow(not_before=now, deadline=now + DEADLINE, purpose=ask.purpose, channels=None)
        judged = eligible(recipient, window, self._eligibility)
        for entry in judged.eligible:
            if entry.option.endpoint_id == option.endpoint_id:
                return None
        reasons = [each.reason_code for each in judged.excluded if each.endpoint_id == option.endpoint_id]
        if not reasons:
            return NO_ENDPOINT
        return None if reasons[0] in TIMING else reasons[0]


def _fallbacks(ask: Ask) -> tuple[Endpoint, ...]:
    """Offer the channels that the caller can reach somebody by whose endpoints are not known."""
    return tuple(
        Endpoint(endpoint_id=f"{FALLBACK_ENDPOINT}{channel}", channel=channel, address="")
        for channel in (REACHED_BY_CALLER if ask.channels is None else ask.channels)
    )


def _endpoint_of(decision: Decision, endpoints: tuple[Endpoint, ...], *, fallback: bool) -> Endpoint | None:
    """Give the endpoint that a decision sends to, if the profile still holds it."""
    option = decision.option
    if option is None or fallback:
        return None
    return next((e for e in endpoints if e.endpoint_id == option.endpoint_id), None)


def _reason_to_hold(decision: Decision, judged: Eligibility) -> str | None:
    """Give the reason why a decision sends nothing, None where it does."""
    if judged.hold_reason is not None:
        return judged.hold_reason
    return None if decision.option is not None else str(decision.reason_code)
