"""What messaging systems ask is answered in the order asked: a decision each, in words, within a job of the writer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from service import metrics
from service.clock import Clock
from service.decisions.asks import Ask
from service.decisions.deciding import Decider
from service.decisions.recommendation_answer import recommendation


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, the namespaces to be given back, and whether addresses may be."""

    ask: Ask
    returned: tuple[str, ...] = ()
    may_address: bool = False


class Desk:
    """Answers for one deployment. Belongs to the writer's thread."""

    def __init__(self, decider: Decider, clock: Clock) -> None:
        self._decider = decider
        self._clock = clock

    def answer(self, conn: Connection, questions: Sequence[Question]) -> list[dict[str, Any]]:
        """Decide on each, and put it into the words of the contract."""
        now = self._clock.now()
        rulings = self._decider.decide_all(conn, [each.ask for each in questions], now)
        answers = [
            recommendation(ruling, now, returned=each.returned, may_address=each.may_address)
            for each, ruling in zip(questions, rulings, strict=True)
        ]
        for content in answers:
            metrics.count_decision(content["action"])
        return answers
