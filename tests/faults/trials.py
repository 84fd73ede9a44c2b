"""One store on trial: what its clients have to send and were told, and in the end what it holds."""

import random
from collections.abc import Sequence
from pathlib import Path

from service.folds.verify import Fault, verify
from service.profiles.people import People
from tests.faults.holdings import Holdings, holdings, opened
from tests.faults.journal import Journal
from tests.faults.judging import judge
from tests.faults.oracle import undisturbed
from tests.faults.programs import wait_until
from tests.faults.stores import fresh
from tests.faults.tally import Tally
from tests.faults.traffic import Request, mixed

SHOPS = 10
"""So many different shops; each trial is over one of them."""

ENOUGH = 20
"""With fewer requests waiting than this, there is too little left to send for another fault."""


class Trial:
    """A store of its own, one shop's traffic, and the journal.

    `db` names a store that was prepared, else there is a new SQLite; `requests` are those of the clients, if they are
    not just all of the shop's.
    """

    def __init__(
        self,
        folder: Path,
        number: int,
        chance: random.Random,
        *,
        db: str | None = None,
        requests: Sequence[Request] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.db = fresh(folder) if db is None else db
        self.shop = number % SHOPS
        self.chance = chance
        self.journal = Journal(mixed(self.shop, chance) if requests is None else requests, chance)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.folder.name

    @property
    def spent(self) -> bool:
        """Whether too little is left to send."""
        return self.journal.left < ENOUGH

    def more(self, requests: int) -> None:
        """Wait until so many more requests are acknowledged, or nothing is left to send; Stuck if that takes long."""
        enough = self.journal.requests + requests
        wait_until(lambda: self.journal.requests >= enough or self.journal.done, "requests are acknowledged")

    def judge(self, tally: Tally, calm: Holdings | None = None) -> None:
        """Judge the store, which nobody uses any more and in which everything was acknowledged in the end.

        `calm` is what it must hold, if that is not just the shop's events.
        """
        held, faults = held_and_verified(self.db)
        must = undisturbed(self.shop) if calm is None else calm
        tally.add(self.name, self.journal, judge(self.journal, held, must))
        tally.notes += [f"{self.name}: verify: {fault}" for fault in faults[:3]]


def held_and_verified(db: str) -> tuple[Holdings, tuple[Fault, ...]]:
    """Give what a store holds, and what is amiss with its chain, or with its folds as against its logs."""
    with opened(db) as homing:
        people = People(homing.rules, homing.secret.derive("profiles"))
        with homing.database.transaction(reads=True) as conn:
            found = verify(conn, people)
        return holdings(homing), found.faults
