"""How good a resolution is, against people known: pairwise and B-cubed precision and recall, and graph collapse.

Everything is counted from the table of (profile, person) cells, never from pairs of records: O(n log n) for n records.
"""

from dataclasses import dataclass

import polars as pl

_CELL, _PROFILE, _PERSON = "cell", "of_profile", "of_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Precision and recall, each between 0 and 1, and what is made of both."""

    precision: float
    recall: float

    def f(self, beta: float) -> float:
        """Give F-beta: recall counts beta times as much as precision (van Rijsbergen 1979). 0 where both are."""
        weighed = beta * beta * self.precision + self.recall
        return 0.0 if weighed == 0 else (1 + beta * beta) * self.precision * self.recall / weighed

    @property
    def f_half(self) -> float:
        """F0.5: a wrong merger costs more than a missed one."""
        return self.f(0.5)

    @property
    def f_one(self) -> float:
        """F1: the harmonic mean."""
        return self.f(1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What records of known people tell of a resolution.

    `pairwise` is over pairs of records (1 where there is no pair to judge), `b_cubed` the mean over records (Bagga and
    Baldwin 1998). `collapse_rate` is the share of profiles that hold several persons, `collapsed_persons` the share of
    persons who are in such a profile; all over the records whose person is known. Without any, `records` is 0 and every
    rate is that of a perfect resolution.
    """

    records: int
    profiles: int
    persons: int
    pairwise: Precision
    b_cubed: Precision
    collapse_rate: float
    collapsed_persons: float


def quality(records: pl.DataFrame, *, profile: str = "profile_id", person: str = "person") -> Quality:
    """Judge the column `profile` by the column `person`; rows whose person is null tell nothing and are left out.

    A null profile is a record that is in none: a profile of its own. Raises polars.exceptions.ColumnNotFoundError.
    """
    known = records.select(pl.col(profile).cast(pl.String).alias("p"), pl.col(person).alias("q")).drop_nulls("q")
    own = pl.concat_str(pl.lit("\0alone "), pl.int_range(pl.len()))
    cells = known.with_columns(pl.col("p").fill_null(own)).group_by("p", "q").len(_CELL)
    cells = cells.with_columns(pl.col(_CELL).cast(pl.Int64)).with_columns(
        pl.col(_CELL).sum().over("p").alias(_PROFILE), pl.col(_CELL).sum().over("q").alias(_PERSON)
    )
    people = cells.group_by("p").agg(pl.len().alias("persons"), pl.col(_CELL).sum())
    collapsed = cells.filter(pl.col("q").len().over("p") > 1).get_column("q").n_unique() if cells.height else 0
    persons = cells.get_column("q").n_unique()
    return Quality(
        records=known.height,
        profiles=people.height,
        persons=persons,
        pairwise=_pairwise(cells),
        b_cubed=_b_cubed(cells, known.height),
        collapse_rate=_share(people.filter(pl.col("persons") > 1).height, people.height, 0.0),
        collapsed_persons=_share(collapsed, persons, 0.0),
    )


def _pairwise(cells: pl.DataFrame) -> Precision:
    """Count the pairs within cells against those within profiles and within persons."""
    both = _pairs(cells.get_column(_CELL))
    by_profile = _pairs(cells.group_by("p").agg(pl.col(_CELL).sum()).get_column(_CELL))
    by_person = _pairs(cells.group_by("q").agg(pl.col(_CELL).sum()).get_column(_CELL))
    return Precision(precision=_share(both, by_profile, 1.0), recall=_share(both, by_person, 1.0))


def _b_cubed(cells: pl.DataFrame, records: int) -> Precision:
    """Give the mean, over records, of the share of its cell in its profile, and in its person."""
    squared = pl.col(_CELL).cast(pl.Float64) ** 2
    sums = cells.select((squared / pl.col(_PROFILE)).sum().alias("p"), (squared / pl.col(_PERSON)).sum().alias("q"))
    return Precision(precision=_share(sums.item(0, "p"), records, 1.0), recall=_share(sums.item(0, "q"), records, 1.0))


def _pairs(sizes: pl.Series) -> int:
    """Count the pairs within groups of these sizes."""
    return int((sizes * (sizes - 1) // 2).sum())


def _share(part: float, whole: float, otherwise: float) -> float:
    """Divide, where there is anything to divide by."""
    return part / whole if whole else otherwise
