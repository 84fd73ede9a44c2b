"""Quality is counted from cells; it is what counting pairs by hand gives, and what er-evaluation gives."""

import warnings
from itertools import combinations
from random import Random

import polars as pl
import pytest

from identity.quality import Precision, Quality, quality

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own imports warn of what it depends on
    import er_evaluation as ee  # type: ignore[import-untyped]  # it has no stubs
    import pandas as pd  # type: ignore[import-untyped]  # what er-evaluation reads

SEEDS = pytest.mark.parametrize("seed", range(20))


def drawn(seed: int) -> pl.DataFrame:
    """Draw up to forty records of a few profiles and persons, most of them rightly together."""
    random = Random(seed)
    persons = [f"p{random.randrange(8)}" for _ in range(random.randint(2, 40))]
    profiles = [person if random.random() < 0.7 else f"p{random.randrange(8)}" for person in persons]
    return pl.DataFrame({"profile_id": profiles, "person": persons})


def share(part: float, whole: float) -> float:
    """Divide; 1 where there is nothing to judge."""
    return part / whole if whole else 1.0


def by_hand(frame: pl.DataFrame) -> tuple[float, float, float, float]:
    """Count every pair and every record: pairwise precision and recall, B-cubed precision and recall."""
    rows = frame.rows()
    pairs = list(combinations(rows, 2))
    both = sum(a == b for a, b in pairs)
    alike = [sum(a[side] == b[side] for a, b in pairs) for side in (0, 1)]
    cubed = [sum(sum(o == r for o in rows) / sum(o[side] == r[side] for o in rows) for r in rows) for side in (0, 1)]
    return share(both, alike[0]), share(both, alike[1]), cubed[0] / len(rows), cubed[1] / len(rows)


def figures(found: Quality) -> tuple[float, float, float, float]:
    """Give the same of a quality."""
    return found.pairwise.precision, found.pairwise.recall, found.b_cubed.precision, found.b_cubed.recall


@SEEDS
def test_it_is_what_counting_gives(seed: int) -> None:
    """Pairwise and B-cubed, precision and recall, on random records."""
    frame = drawn(seed)
    assert figures(quality(frame)) == pytest.approx(by_hand(frame))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # it asks pandas for what pandas is about to drop
@SEEDS
def test_it_is_what_er_evaluation_gives(seed: int) -> None:
    """The same, and F0.5 and F1, by a package that people compare such systems with."""
    frame = drawn(seed)
    index = list(range(frame.height))
    told, true = (pd.Series(frame.get_column(c).to_list(), index=index) for c in ("profile_id", "person"))
    found = quality(frame)
    if any(figure == 0 for figure in figures(found)):
        return
    expected = (
        ee.pairwise_precision(told, true),
        ee.pairwise_recall(told, true),
        ee.b_cubed_precision(told, true),
        ee.b_cubed_recall(told, true),
    )
    assert figures(found) == pytest.approx(expected)
    assert found.pairwise.f_half == pytest.approx(ee.pairwise_f(told, true, beta=0.5))
    assert found.pairwise.f_one == pytest.approx(ee.pairwise_f(told, true, beta=1.0))


def test_collapse_counts_profiles_of_several() -> None:
    """Of three profiles one holds two persons; of four persons two are in it."""
    frame = pl.DataFrame({"profile_id": ["x", "x", "y", "z"], "person": ["a", "b", "c", "d"]})
    found = quality(frame)
    assert (found.records, found.profiles, found.persons) == (4, 3, 4)
    assert found.collapse_rate == pytest.approx(1 / 3)
    assert found.collapsed_persons == 0.5


def test_records_of_unknown_people_tell_nothing() -> None:
    """They are left out; one in no profile is a profile of its own."""
    frame = pl.DataFrame({"profile_id": ["x", "x", None, None], "person": ["a", None, "a", "a"]})
    found = quality(frame)
    assert (found.records, found.profiles) == (3, 3)
    assert (found.pairwise.precision, found.pairwise.recall) == (1.0, 0.0)


def test_nothing_known_is_nothing_wrong() -> None:
    """Without any record every rate is a perfect resolution's."""
    nobody = {"profile_id": pl.String, "person": pl.String}
    found = quality(pl.DataFrame({"profile_id": ["x"], "person": [None]}, schema=nobody))
    assert figures(found) == (1.0, 1.0, 1.0, 1.0)
    assert (found.records, found.collapse_rate, found.collapsed_persons) == (0, 0.0, 0.0)


def test_columns_may_have_other_names_and_types() -> None:
    """Numbers are names too."""
    frame = pl.DataFrame({"cluster": [1, 1, 2], "who": [7, 7, 8]})
    assert figures(quality(frame, profile="cluster", person="who")) == (1.0, 1.0, 1.0, 1.0)


def test_a_million_records_are_no_trouble() -> None:
    """One profile that swallows everybody has half a trillion pairs; they are never made."""
    frame = pl.select(profile_id=pl.lit("all").repeat_by(1_000_000).explode(), person=pl.int_range(1_000_000) // 2)
    found = quality(frame)
    assert found.pairwise.recall == 1.0
    assert found.pairwise.precision == pytest.approx(500_000 / (1_000_000 * 999_999 / 2))


def test_f_of_nothing_is_nothing() -> None:
    """Where precision and recall are both 0 so is every mean of them."""
    assert Precision(precision=0.0, recall=0.0).f_half == 0.0
    assert Precision(precision=1.0, recall=0.5).f_half > Precision(precision=0.5, recall=1.0).f_half
