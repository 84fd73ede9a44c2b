"""A campaign asks for one recipient after another, by the same code as the route, and can be cut off anywhere.

What was decided is written down after its commit. Run again, it goes on after that; what was decided and not written
down is asked for once more, and has its decision already.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from service.campaigns import results
from service.campaigns.audience import Recipient, recipients
from service.campaigns.progress import Progress
from service.decisions.recommendation_answer import recommendation
from service.events.messages import Rejection
from service.imports.rejects import Rejects
from service.web.gathering import QUESTIONS_A_JOB
from service.wiring import Homing


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """Whom to ask for, what a row does not say, and where the answers go."""

    audience: Path
    template: Mapping[str, Any]
    out: Path

    def name(self) -> str:
        """Name it by all that its answers depend on, so that it goes on only as itself."""
        seen = self.audience.stat()
        told = orjson.dumps([self.template, seen.st_size, seen.st_mtime_ns], option=orjson.OPT_SORT_KEYS)
        return blake2b(told, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came of it: answers by action, rows rejected and where they are listed (None: none), rows found done."""

    recipients: int
    actions: Mapping[str, int]
    rejected: int
    rejects: str | None
    resumed: int
    out: str


def run(homing: Homing, campaign: Campaign, on_progress: Callable[[float], None]) -> Summary:
    """Decide for everybody, then write answers and rejects.

    ImportFailed where the audience cannot be read (further), BatchFailed where nothing can be written; what was decided
    until then is not asked for again.
    """
    results.check(campaign.out, campaign.audience)
    with Progress(campaign.out, campaign.name()) as progress:
        before = progress.last_line
        left = (each for each in recipients(campaign.audience, campaign.template) if each.line > before)
        for some in _steps(left):
            progress.add(_decide(homing, some))
            on_progress(some[-1].done)
        summary = _finish(campaign, progress, before)
        progress.finish()
    return summary


def _steps(each: Iterable[Recipient]) -> Iterator[list[Recipient]]:
    """Give recipients some at a time."""
    step: list[Recipient] = []
    for recipient in each:
        step.append(recipient)
        if len(step) == QUESTIONS_A_JOB:
            yield step
            step = []
    if step:
        yield step


def _decide(homing: Homing, some: Sequence[Recipient]) -> list[dict[str, Any]]:
    """Decide in one job of the writer, in order: caps see the earlier ones."""
    return homing.writer.submit(lambda conn: _rows(conn, homing, some)).result()


def _rows(conn: Connection, homing: Homing, some: Sequence[Recipient]) -> list[dict[str, Any]]:
    now = homing.clock.now()
    asked = [each.asked for each in some if not isinstance(each.asked, Rejection)]
    rulings = iter(homing.decider.decide_all(conn, [each.ask() for each in asked], now))
    return [
        {"line": each.line, "rejection": asdict(each.asked)}
        if isinstance(each.asked, Rejection)
        else {"line": each.line, "answer": recommendation(next(rulings), now, returned=tuple(each.asked.returned))}
        for each in some
    ]


def _finish(campaign: Campaign, progress: Progress, before: int) -> Summary:
    """Write the result and the rejects from what is written down."""
    actions: Counter[str] = Counter(send=0, hold=0, suppress=0)
    resumed = sum(row["line"] <= before for row in progress.rows())

    def answers() -> Iterator[dict[str, Any]]:
        for row in progress.rows():
            if "answer" in row:
                actions[row["answer"]["action"]] += 1
                yield {"line": row["line"], **row["answer"]}

    results.write(answers(), campaign.out)
    with Rejects(campaign.audience) as rejects:
        for row in progress.rows():
            if "rejection" in row:
                rejects.add(row["line"], Rejection(**row["rejection"]))
    return Summary(
        recipients=actions.total() + rejects.count,
        actions=dict(actions),
        rejected=rejects.count,
        rejects=str(rejects.path) if rejects.count else None,
        resumed=resumed,
        out=str(campaign.out),
    )
