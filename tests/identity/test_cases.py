"""Written cases come out as they say, in any order of arrival and with every observation repeated."""

from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from identity.cases import simulate
from identity.errors import CaseError, RulesError
from tests.identity.written import misses, read_case, written_cases

CASES = pytest.mark.parametrize("path", written_cases(), ids=lambda path: path.stem)


@CASES
def test_a_written_case_holds(path: Path) -> None:
    """Everything that a case expects comes out."""
    case = read_case(path)
    assert misses(case, simulate(case)) == []


@CASES
def test_order_and_repetition_change_nothing(path: Path) -> None:
    """Shuffled and doubled, a case gives the same answer; only what is rejected is listed as it came."""
    case = read_case(path)
    answer = simulate(case)
    random = Random(20261121)
    for _ in range(3):
        shuffled = random.sample(case["observations"] * 2, 2 * len(case["observations"]))
        again = simulate({**case, "observations": shuffled})
        assert sorted(again.pop("rejected"), key=str) == sorted(answer["rejected"], key=str)
        assert again == {part: said for part, said in answer.items() if part != "rejected"}


@CASES
def test_an_answer_is_well_formed(path: Path) -> None:
    """Profiles are sorted and disjoint, each has a founder of its own, and every number counts in their list."""
    answer = simulate(read_case(path))
    profiles = answer["profiles"]
    members = [identifier for profile in profiles for identifier in profile]
    assert len(members) == len(set(members))
    assert profiles == sorted(map(sorted, profiles))
    assert all(founder in profile for founder, profile in zip(answer["founders"], profiles, strict=True))
    numbers = [row["profile"] for part in ("attribution", "owners") for row in answer[part]]
    assert all(number is None or 0 <= number < len(profiles) for number in numbers)


def test_a_case_is_left_as_it_was() -> None:
    """Simulating reads a case and changes nothing in it."""
    case = _small()
    before = deepcopy(case)
    simulate(case)
    assert case == before


def test_a_split_is_its_pairs() -> None:
    """A split names one side; what comes out is what the cannot-links to the other side give."""
    split = _small(judgements=[{"kind": "split", "identifiers": ["anonymous_id:web"]}])
    pairs = [
        {"kind": "cannot_link", "left": "anonymous_id:web", "right": other}
        for other in ("device_id:tab", "user_id:ada", "email:ada@example.com")
    ]
    assert simulate(split) == simulate(_small(judgements=pairs))
    assert ["anonymous_id:web"] in simulate(split)["profiles"]


def test_a_judgement_that_contradicts_is_rejected() -> None:
    """The service answers 409; a case lists it and goes on without it."""
    must = {"kind": "must_link", "left": "user_id:ada", "right": "device_id:x"}
    also = {"kind": "must_link", "left": "device_id:x", "right": "email:ada@example.com"}
    against = {"kind": "cannot_link", "left": "user_id:ada", "right": "email:ada@example.com"}
    answer = simulate(_small(judgements=[must, also, against]))
    assert [row["reason"] for row in answer["rejected"]] == ["contradiction"]
    assert answer["profiles"] == simulate(_small(judgements=[must, also]))["profiles"]


def test_a_judgement_undone_is_no_more() -> None:
    """By its id, or by its place where it has none; as of the hours between it holds."""
    split = {"kind": "split", "identifiers": ["anonymous_id:web"], "at": "2026-03-01T12:00:00Z"}
    undo = {"kind": "undo", "judgement": "000000000", "at": "2026-03-01T14:00:00Z"}
    assert simulate(_small(judgements=[split, undo]))["profiles"] == simulate(_small())["profiles"]
    between = simulate(_small(judgements=[split, undo], as_of="2026-03-01T13:00:00Z"))
    assert ["anonymous_id:web"] in between["profiles"]
    named = [{**split, "id": "a"}, {**undo, "judgement": "a"}]
    assert simulate(_small(judgements=named))["profiles"] == simulate(_small())["profiles"]


def test_an_undo_needs_its_judgement() -> None:
    """One that names none before it cannot be read."""
    with pytest.raises(CaseError, match=r"judgements\[0\]\.judgement"):
        simulate(_small(judgements=[{"kind": "undo", "judgement": "x"}]))


def test_an_erasure_takes_the_profile() -> None:
    """What goes is rejected as erased, late and asserted sightings with it; a later login starts anew."""
    case = _small(erasures=[{"at": "2026-03-01T12:00:00Z", "identifiers": ["device_id:tab"]}])
    late = {"id": "3", "received_at": "2026-03-01T15:00:00Z", "identifiers": ["user_id:ada", "device_id:x"]}
    after = {"id": "4", "at": "2026-03-01T14:00:00Z", "identifiers": ["user_id:ada", "device_id:y"]}
    case["observations"] += [{**late, "at": "2026-03-01T11:00:00Z"}, after]
    answer = simulate(case)
    assert answer["rejected"] == [{"value": number, "reason": "erased"} for number in "123"]
    assert answer["profiles"] == [["device_id:y", "user_id:ada"]]


def test_one_id_with_another_content_is_rejected() -> None:
    """The first observation of a message id counts; another content under it is a conflict."""
    case = _small()
    case["observations"].append({**case["observations"][0], "identifiers": ["user_id:eve"]})
    answer = simulate(case)
    assert answer["rejected"] == [{"value": "1", "reason": "message_id_conflict"}]
    assert ["user_id:eve"] not in answer["profiles"]


def test_one_id_of_two_sources_is_two_messages() -> None:
    """Message ids are unique within a source and a trust."""
    case = _small()
    case["observations"].append({**case["observations"][0], "trust": "asserted", "identifiers": ["user_id:eve"]})
    assert ["user_id:eve"] in simulate(case)["profiles"]


def test_event_time_is_clamped_to_receipt() -> None:
    """What was received at eleven did not happen at noon."""
    case = _small()
    case["observations"] = [
        {"id": "1", "at": "2026-03-01T11:30:00Z", "identifiers": ["user_id:ben", "device_id:tab"]},
        {
            "id": "2",
            "at": "2026-03-01T12:00:00Z",
            "received_at": "2026-03-01T11:00:00Z",
            "identifiers": ["user_id:ada", "device_id:tab"],
        },
    ]
    assert simulate(case)["profiles"] == [["device_id:tab", "user_id:ben"], ["user_id:ada"]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"observation": []}, "observation"),
        ({"observations": {}}, "observations"),
        ({"observations": ["1"]}, r"observations\[0\]"),
        ({"observations": [{"at": "2026-03-01T10:00:00Z"}]}, r"observations\[0\].*id"),
        ({"observations": [{"id": "1"}]}, r"observations\[0\].*at"),
        ({"observations": [{"id": "1", "at": "yesterday"}]}, r"observations\[0\]\.at"),
        ({"observations": [{"id": "1", "at": "2026-03-01T10:00:00"}]}, r"observations\[0\]\.at.*offset"),
        ({"observations": [{"id": "1", "at": "2026-03-01T10:00:00Z", "trust": "high"}]}, "probable, asserted"),
        ({"observations": [{"id": "1", "at": "2026-03-01T10:00:00Z", "identifiers": ["ada"]}]}, "namespace:value"),
        ({"judgements": [{"kind": "like", "left": "a:b", "right": "c:d"}]}, r"judgements\[0\]\.kind"),
        ({"judgements": [{"kind": "must_link", "left": "a:b"}]}, r"judgements\[0\].*right"),
        ({"as_of": 7}, "as_of"),
    ],
)
def test_a_case_that_cannot_be_read_says_where(change: dict[str, Any], told: str) -> None:
    """The message starts with the place and says what is allowed there."""
    with pytest.raises(CaseError, match=told):
        simulate({**_small(), **change})


def test_rules_that_cannot_be_read_say_where() -> None:
    """Rules have their own error."""
    with pytest.raises(RulesError, match=r"^hub_limit: "):
        simulate({**_small(), "rules": {"hub_limit": "many"}})


def _small(**more: Any) -> dict[str, Any]:
    """Give a case of one person with a tablet, an e-mail and a browser."""
    at = "2026-03-01T{:02}:00:00Z".format
    return {
        "rules": {"preset": "default"},
        "observations": [
            {"id": "1", "at": at(10), "identifiers": ["user_id:ada", "device_id:tab", "email:ada@example.com"]},
            {"id": "2", "at": at(11), "identifiers": ["device_id:tab", "anonymous_id:web"]},
        ],
        **more,
    }
