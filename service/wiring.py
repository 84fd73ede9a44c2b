"""The one place where a deployment is put together; commands that need no more of it open the store alone."""

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from identity.errors import RulesError
from identity.loaded_rules import load_rules
from identity.rules import LinkingRules
from service import metrics, secret
from service.clock import Clock, SystemClock
from service.customers import CustomerRules
from service.customers.reach import customer_rules
from service.decisions.deciding import Decider
from service.decisions.questions import Desk, Question
from service.errors import SettingsError
from service.events.identity_tokens import IdentityTokens, Presented
from service.events.ingest import Taken, admit
from service.events.messages import Message
from service.folds import rules_digest
from service.folds.rebuild import rebuild
from service.folds.rules_to_come import RulesToCome
from service.keys import KeyRing
from service.profiles.people import People
from service.secret import Secret
from service.settings.settings import Settings
from service.store import meta
from service.store.database import Database, open_database
from service.store.watch import Watch
from service.store.writer import Writer
from service.web.gathering import EVENTS_A_JOB, MOST_QUESTIONS, QUESTIONS_A_JOB, Gathering
from service.web.readiness import Readiness

log = logging.getLogger("homing.store")

CLOSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Homing:
    """A running deployment: what a route or a command needs, and nothing global.

    `wanted` are the linking rules of the settings; those in force are others until the store is folded under them.
    """

    settings: Settings
    clock: Clock
    secret: Secret = field(repr=False)
    wanted: LinkingRules
    database: Database
    writer: Writer
    people: People
    gathering: Gathering[Message | Presented, Taken]
    questions: Gathering[Question, dict[str, Any]]
    desk: Desk
    rules_to_come: RulesToCome
    reading: CustomerRules
    decider: Decider
    keys: KeyRing
    tokens: IdentityTokens
    readiness: Readiness

    @property
    def rules(self) -> LinkingRules:
        """The linking rules in force."""
        return self.people.rules

    @property
    def customer_rules(self) -> CustomerRules:
        """How customers are read, under the linking rules in force."""
        return self.reading.under(self.rules)

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Finish the jobs that wait, then let go of the store; StoreError if that takes longer than `timeout` s."""
        self.readiness.stop()
        self.writer.close(timeout)
        self.database.close()


def open_homing(settings: Settings, clock: Clock | None = None, *, to_rebuild: bool = False) -> Homing:
    """Open the store (made and brought up as needed) and put everything together over it.

    It answers under the rules that the store is folded under; `to_rebuild` its folds, it is opened under those of the
    settings. Raises SettingsError for rules that cannot be, SecretError, SchemaError, StoreError, and RulesChanged
    where the former rules are not known.
    """
    now = SystemClock() if clock is None else clock
    rules = wanted = linking_rules(settings)
    database = open_database(settings.db)
    with database.transaction() as conn:
        kept = secret.settle(conn, database.file, settings.secret)
        stale = meta.get(conn, meta.FOLDS) == meta.STALE
        # Folds that are made anew are made under the rules of today, which a newer program may write down differently.
        if not (to_rebuild or stale):
            rules = rules_digest.settle(conn, database.name, wanted)
    watch = Watch()
    people = People(rules, kept.derive("profiles"), watch)
    rules_to_come = RulesToCome(kept.derive("profiles"), watch)
    reading = customer_rules(settings, rules, kept)
    decider = Decider(people, reading, settings, kept)
    watch.listen(people.renew)
    watch.listen(decider.renew)
    writer = Writer(database, watch, on_commit=metrics.observe_commit)
    if stale and not to_rebuild:
        log.warning("the schema is a new one: the folds are made again from the logs, which may take a while")
        writer.submit(lambda conn: rebuild(conn, people)).result()
    desk = Desk(decider, now)
    return Homing(
        settings=settings,
        clock=now,
        secret=kept,
        wanted=wanted,
        database=database,
        writer=writer,
        people=people,
        gathering=Gathering(writer, lambda conn, events: admit(conn, people, events), EVENTS_A_JOB),
        questions=Gathering(writer, desk.answer, QUESTIONS_A_JOB, MOST_QUESTIONS),
        desk=desk,
        rules_to_come=rules_to_come,
        reading=reading,
        decider=decider,
        keys=KeyRing(writer),
        tokens=IdentityTokens(settings.tokens.audience, settings.tokens.keys),
        readiness=Readiness(database, writer, now, rules_to_come),
    )


def linking_rules(settings: Settings) -> LinkingRules:
    """Give the rules of the settings: a file's, a table's, or the default preset's."""
    rules = settings.rules
    table, source = (_file(Path(rules)), f"{rules}: ") if isinstance(rules, str) else (rules, "rules.")
    if settings.default_region is not None:
        table = {"default_region": settings.default_region, **table}
    try:
        return load_rules(table)
    except RulesError as error:
        raise SettingsError(f"{source}{error}") from error


def _file(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"rules: {path} cannot be read ({type(error).__name__})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"rules: {path} is no TOML: {error}") from error
