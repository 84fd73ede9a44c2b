"""The decision on one message: made once, logged with its exact propensity, looked at again whenever it is asked for.

A repeat gives the same option under the same probabilities; what may not be sent any more is held back, and nothing
that was held back before it was sent is let go. Runs inside a job of the writer, so a message has one decision whoever
asks at once.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

import orjson
from sqlalchemy.engine import Connection

from channel_selector.batches import Request
from channel_selector.choosing import Chooser
from channel_selector.decisions import Decision
from channel_selector.eligibility.context import Context
from channel_selector.eligibility.endpoints import Endpoint
from channel_selector.eligibility.options import (
    CHANNEL_NOT_REQUESTED,
    DEADLINE_PASSED,
    FREQUENCY_CAP,
    NO_ENDPOINT,
    QUIET_HOURS,
    SUPPRESSED,
    DeliveryOption,
    Eligibility,
    MessageWindow,
    Recipient,
    eligible,
)
from channel_selector.model.learning import customer_effects
from identity.identifiers import Identifier
from identity.normalize import clean
from identity.profiles import ProfileId
from service.customers import CustomerRules
from service.customers.standing import Standing, Standings
from service.decisions.asks import DEADLINE, Ask
from service.decisions.recipients import Recipients, context_of
from service.decisions.rulings import Logged, Ruling, hold_of, log, log_hold, logged
from service.erasures import burials
from service.learning import last_good
from service.profiles import finding
from service.profiles.people import People
from service.profiles.profile_view import Glance
from service.secret import Secret
from service.settings.settings import Settings
from service.store import decisions
from service.store.decisions import DecisionRow, LoggedEntry
from service.store.watch import News

HELD_FOR = timedelta(hours=24)
"""A message has one decision for at least this long (CONTRACT 3)."""
TIMING = frozenset({DEADLINE_PASSED, QUIET_HOURS, FREQUENCY_CAP, CHANNEL_NOT_REQUESTED})
"""Reasons that a decision made cannot be taken back for: its time was right when it was chosen."""


class _Question(NamedTuple):
    """A message to decide on, what is known of its recipient, and the subjects it may have been decided on under.

    `concerned`: the subjects and endpoints that a decision on it is about.
    """

    ask: Ask
    known: Standing | None
    subjects: tuple[str, ...]
    concerned: frozenset[str]
    erased: bool


class _Open(NamedTuple):
    """A message that is about to be chosen for."""

    question: _Question
    recipient: Recipient
    judged: Eligibility
    request: Request
    fallback: bool


class Decider:
    """Decides for one deployment. Belongs to the writer's thread."""

    def __init__(self, people: People, rules: CustomerRules, settings: Settings, secret: Secret) -> None:
        self._people = people
        self._standings = Standings(rules, settings)
        self._settings = settings
        self._key = secret.derive("decisions")
        # The seed is logged with every decision: it comes from a key that nothing else is made with.
        self._seed = int.from_bytes(secret.derive("seed")[:6])
        self._eligibility = settings.eligibility()
        self._selection = settings.selection()
        self._recipients = Recipients(settings)
        self._chooser: Chooser | None = None

    @property
    def standings(self) -> Standings:
        """What reads profiles for sending, under the linking rules in force."""
        return self._standings.under(self._people.rules)

    def forget(self) -> None:
        """Drop the population at hand: a newer one may be in the store."""
        self._chooser = None

    def renew(self, news: News) -> None:
        """Drop the population if another process has learned, and all that is at hand if it was undone."""
        if news.everything or news.erased:
            self.standings.forget()
        elif news.decided:
            self.standings.forget_pasts()
        if news.learned:
            self.forget()

    def decide(self, conn: Connection, ask: Ask, now: datetime) -> Ruling:
        """Give the decision on a message: the one that stands, or a new one, logged."""
        return self.decide_all(conn, [ask], now)[0]

    def decide_all(self, conn: Connection, asks: Sequence[Ask], now: datetime) -> list[Ruling]:
        """Give the decisions on some messages, judged in order: each as if asked alone after those before it.

        Messages that have nothing in common are chosen for together, which costs less and gives the same.
        """
        rulings: list[Ruling] = []
        apart: list[_Question] = []
        concerned: set[str] = set()
        for ask in asks:
            question = self._question(conn, ask, now)
            if not concerned.isdisjoint(question.concerned):
                rulings += self._apart(conn, apart, now)
                apart, concerned = [], set()
                question = self._question(conn, ask, now)
            apart.append(question)
            concerned |= question.concerned
        return rulings + self._apart(conn, apart, now)

    def today(self, conn: Connection, decision_id: str, now: datetime) -> Ruling | None:
        """Give a decision as it stands now; None if there is none of that id."""
        row = decisions.find(conn, decision_id)
        if row is None:
            return self._buried(conn, decision_id, now) if decisions.erased(conn, [decision_id]) else None
        view = finding.view(conn, self._people, row.profile_id)
        known = None if view is None else self.standings.of(conn, view)
        return self._again(conn, decisions.read(conn, [row.seq])[0], known, now)

    def chooser(self, conn: Connection) -> Chooser:
        """Give the policy under the newest population in the store."""
        if self._chooser is None:
            population = last_good.population(conn, self._selection.attribution_window)
            self._chooser = Chooser(population, self._selection, self._seed)
        return self._chooser

    # --- a new decision ---

    def _find(self, conn: Connection, ask: Ask, now: datetime) -> Glance | None:
        """Find who is meant: whose the device was when the cart was left, who has the contact."""
        if ask.profile_id is not None:
            return finding.view(conn, self._people, ask.profile_id)
        at = now if ask.abandoned_at is None else min(ask.abandoned_at, now)
        return finding.who(conn, self._people, ask.recipient, at)

    def strangers(self, identifiers: Iterable[Identifier], profile_ids: Iterable[ProfileId]) -> list[str]:
        """Give the subjects of decisions for people not known then, who were asked for by one of these alone."""
        asks = [Ask(recipient=((named.namespace, named.value),), message_id="") for named in identifiers]
        asks += [Ask(profile_id=known_as, message_id="") for known_as in profile_ids]
        return [self._stranger(ask) for ask in asks]

    def _question(self, conn: Connection, ask: Ask, now: datetime) -> "_Question":
        """Read who is meant and what is known of them."""
        erased = burials.erased(conn, self._people, ask.recipient, ask.profile_id)
        found = None if erased else self._find(conn, ask, now)
        known = None if found is None else self.standings.of(conn, found)
        subjects = (*(known.profile_ids if known else ()), self._stranger(ask))
        places = () if known is None else known.reach.endpoints
        concerned = frozenset((*subjects, *(place.endpoint_id for place in places)))
        return _Question(ask, known, subjects, concerned, erased)

    def _apart(self, conn: Connection, questions: Sequence["_Question"], now: datetime) -> list[Ruling]:
        """Decide on messages of which none bears on another, but for those that a decision stands on."""
        rulings: list[Ruling] = []
        waiting: list[_Question] = []
        for question, stands in zip(questions, self._standing_rows(conn, questions, now), strict=True):
            if stands is None:
                waiting.append(question)
                continue
            rulings += self._new(conn, waiting, now)
            waiting = []
            entry = decisions.read(conn, [stands.seq])[0]
            rulings.append(self._again(conn, entry, question.known, now, erased=question.erased))
        return rulings + self._new(conn, waiting, now)

    def _standing_rows(
        self, conn: Connection, questions: Sequence["_Question"], now: datetime
    ) -> list[DecisionRow | None]:
        """Give the decision on each message that has not expired, if there is one."""
        subjects = {subject for question in questions for subject in question.subjects}
        rows = decisions.on_messages(conn, subjects, {question.ask.message_id for question in questions})
        return [next((row for row in rows if _stands(row, question, now)), None) for question in questions]

    def _new(self, conn: Connection, questions: Sequence["_Question"], now: datetime) -> list[Ruling]:
        """Decide on messages of which none bears on another, and log the decisions."""
        if not questions:
            return []
        last, chooser = decisions.last_seq(conn), self.chooser(conn)
        opened = [self._open(each, seq, chooser, now) for seq, each in enumerate(questions, last + 1)]
        decided = {each.request.decision_id: each for each in opened}
        made: dict[str, Decision] = {}
        for explore in {each.question.ask.explore for each in opened}:
            alike = [each.request for each in opened if each.question.ask.explore is explore]
            made |= {decision.decision_id: decision for decision in chooser.decide(alike, now=now, explore=explore)}
        rulings = [self._ruling(each, made[name], now) for name, each in decided.items()]
        asks = [each.question.ask for each in opened]
        for ruling, send in zip(rulings, log(conn, list(zip(rulings, asks, strict=True)), now), strict=True):
            self.standings.logged(ruling.decision.decision_id, send)
        return rulings

    def _open(self, question: "_Question", seq: int, chooser: Chooser, now: datetime) -> "_Open":
        """Find out where and when a message can go; its decision is to be the log's entry of that number."""
        ask, known, subject = question.ask, question.known, question.subjects[0]
        fallback = known is None or not known.reach.endpoints
        recipient = self._recipients.recipient(
            ask, known, now, left=ask.abandoned_at, fallback=fallback, erased=question.erased
        )
        judged = eligible(recipient, ask.window(now), self._eligibility)
        effects = customer_effects(
            () if known is None else known.sends,
            () if known is None else known.outcomes,
            population=chooser.population,
            settings=self._selection,
            now=now,
        )
        request = Request(
            decision_id=self._decision_id(seq, subject, ask.message_id),
            context=context_of(ask, known, subject),
            options=judged.options,
            effects=effects,
        )
        return _Open(question, recipient, judged, request, fallback)

    def _ruling(self, opened: "_Open", decision: Decision, now: datetime) -> Ruling:
        """Tell what a decision just made amounts to."""
        ask, judged = opened.question.ask, opened.judged
        return Ruling(
            decision=decision,
            message_id=ask.message_id,
            held=_reason_to_hold(decision, judged),
            fallback=opened.fallback,
            excluded=judged.excluded,
            endpoint=_endpoint_of(decision, opened.recipient.endpoints, fallback=opened.fallback),
            expires_at=max(now + HELD_FOR, ask.window(now).deadline),
            timezone=str(opened.recipient.timezone),
            standing=opened.question.known,
        )

    def _stranger(self, ask: Ask) -> str:
        """Name a recipient that no profile is known for, by a keyed hash of what it was called."""
        named, _ = clean(ask.recipient, self._people.rules)
        called = orjson.dumps([[tuple(each) for each in sorted(named)] or sorted(ask.recipient), ask.profile_id])
        return blake2b(called, digest_size=16, key=self._key, person=b"homing.stranger").hexdigest()

    def _decision_id(self, seq: int, subject: str, message_id: str) -> str:
        """Name the decision that is to be the log's entry of that number so that nobody outside can guess it."""
        text = f"{seq}\0{subject}\0{message_id}"
        return blake2b(text.encode(), digest_size=16, key=self._key, person=b"homing.decision").hexdigest()

    # --- a decision made before ---

    def _again(
        self, conn: Connection, entry: LoggedEntry, known: Standing | None, now: datetime, *, erased: bool = False
    ) -> Ruling:
        """Give a decision made before, held back where it may not be sent any more."""
        made = logged(entry)
        left = made.decision.at if made.ask.abandoned_at is None else made.ask.abandoned_at
        recipient = self._recipients.recipient(made.ask, known, now, left=left, fallback=made.fallback, erased=erased)
        return Ruling(
            decision=made.decision,
            message_id=made.ask.message_id,
            held=self._held(conn, made, recipient, now),
            fallback=made.fallback,
            excluded=made.excluded,
            endpoint=_endpoint_of(made.decision, recipient.endpoints, fallback=made.fallback),
            expires_at=made.expires_at,
            timezone=made.timezone,
            standing=known,
        )

    def _buried(self, conn: Connection, decision_id: str, now: datetime) -> Ruling:
        """Give what is left of a decision for somebody who was erased: that nothing is to be sent."""
        request = Request(decision_id=decision_id, context=Context(subject=decision_id), options=())
        (decision,) = self.chooser(conn).decide([request], now=now, explore=False)
        return Ruling(
            decision=decision,
            message_id="",
            held=SUPPRESSED,
            fallback=False,
            excluded=(),
            endpoint=None,
            expires_at=now + HELD_FOR,
            timezone=str(self._settings.timezone),
            standing=None,
        )

    def _held(self, conn: Connection, made: Logged, recipient: Recipient, now: datetime) -> str | None:
        """Give what holds a decision back: what did at first or since, else what does now; logged if it is in time."""
        option = made.decision.option
        if made.held is not None or option is None:
            return made.held
        before = hold_of(conn, made.decision.decision_id)
        if before is not None:
            return before
        held = self._tightened(option, recipient, made.ask, now)
        if held is not None and now < option.send_at:
            log_hold(conn, made.decision.decision_id, held, now)
        return held

    def _tightened(self, option: DeliveryOption, recipient: Recipient, ask: Ask, now: datetime) -> str | None:
        """Give the reason that has come up since to hold an option back, None if there is none."""
        window = MessageWindow(not_before=now, deadline=now + DEADLINE, purpose=ask.purpose, channels=None)
        judged = eligible(recipient, window, self._eligibility)
        if any(each.endpoint_id == option.endpoint_id for each in judged.options):
            return None
        reasons = [each.reason_code for each in judged.excluded if each.endpoint_id == option.endpoint_id]
        if not reasons:
            return NO_ENDPOINT
        return None if reasons[0] in TIMING else reasons[0]


def _stands(row: DecisionRow, question: _Question, now: datetime) -> bool:
    """Tell whether a decision is on that message, for one of its recipient's subjects, and has not expired."""
    return row.message_id == question.ask.message_id and row.profile_id in question.subjects and row.expires_at > now


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
