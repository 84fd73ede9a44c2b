"""The judge finds what is wrong: it is no use that nothing is found otherwise."""

import random
from collections import Counter
from dataclasses import replace

import orjson
import pytest

from tests.faults.holdings import Holdings
from tests.faults.journal import Journal
from tests.faults.judging import judge
from tests.faults.oracle import undisturbed
from tests.faults.traffic import Sender, events, outcome, questions, request_of

SHOP = 0
DECISION = "decision/asked-cart-0/d-1"


@pytest.fixture
def journal() -> Journal:
    """Give a journal in which one sender's first events are acknowledged, and a question answered."""
    some = [event for event in events(SHOP) if event.sender is Sender.SHOP][:3]
    journal = Journal([request_of(Sender.SHOP, some), *questions(1)], random.Random(1))
    _answer(journal, {"success": True, "accepted": 3, "rejected": []})
    _answer(journal, {"decision_id": "d-1"})
    return journal


@pytest.fixture
def held() -> Holdings:
    """Give what an undisturbed store holds, and the decision."""
    calm = undisturbed(SHOP)
    return replace(calm, counts=calm.counts + Counter([DECISION]), decided={"asked-cart-0": ["d-1"]})


def _answer(journal: Journal, content: object) -> None:
    request = journal.next()
    assert request is not None
    journal.answered(request, 200, orjson.dumps(content))


def test_a_store_that_holds_all_once_is_clean(journal: Journal, held: Holdings) -> None:
    """Nothing is found where nothing is wrong."""
    assert judge(journal, held, undisturbed(SHOP)).clean


def test_a_forged_acknowledgement_is_lost(journal: Journal, held: Holdings) -> None:
    """What was acknowledged and is not there counts as lost."""
    journal.acknowledged.add("fact/shop/2/never-sent")
    assert judge(journal, held, undisturbed(SHOP)).lost == 1


def test_a_fact_that_is_there_twice_counts_twice(journal: Journal, held: Holdings) -> None:
    """Each further entry counts."""
    name = next(iter(held.counts))
    doubled = replace(held, counts=held.counts + Counter({name: 2}))
    assert judge(journal, doubled, undisturbed(SHOP)).twice == 2


def test_two_answers_to_one_question_count_twice(journal: Journal, held: Holdings) -> None:
    """A message that was asked about again must get the decision it had."""
    again = questions(1)[0]
    journal.add([again])
    outcome_request = journal.next()
    assert outcome_request == outcome("d-1")
    _answer(journal, {"decision_id": "d-2"})
    two = replace(held, counts=held.counts + Counter(["decision/asked-cart-0/d-2"]))
    findings = judge(journal, two, undisturbed(SHOP))
    assert (findings.lost, findings.twice) == (0, 1)


def test_a_second_decision_that_nobody_was_told_of_counts_twice(journal: Journal, held: Holdings) -> None:
    """The store's own count is looked at as well."""
    two = replace(held, decided={"asked-cart-0": ["d-1", "d-2"]})
    assert judge(journal, two, undisturbed(SHOP)).twice == 1


def test_a_missing_fact_or_another_owner_is_another_store(journal: Journal, held: Holdings) -> None:
    """All else is compared with the undisturbed store's."""
    fewer = replace(held, counts=held.counts - Counter([events(SHOP)[-1].name]))
    assert not judge(journal, fewer, undisturbed(SHOP)).same
    assert not judge(journal, replace(held, digest="another"), undisturbed(SHOP)).same
    assert undisturbed(SHOP).digest != undisturbed(SHOP + 1).digest


def test_what_is_answered_with_anything_but_a_request_to_come_again_is_wrong(journal: Journal) -> None:
    """A client never sees a 500, and gets every event of a batch accepted."""
    journal.add(questions(1))
    assert journal.next() == outcome("d-1")
    request = journal.next()
    assert request is not None
    journal.answered(request, 503, b'{"code": "store_busy"}')
    assert journal.wrong == []
    request = journal.next()
    assert request is not None
    journal.answered(request, 500, b"deadlock detected")
    assert len(journal.wrong) == 1
    assert journal.refused == {"503 store_busy": 1, "500 no code": 1}
