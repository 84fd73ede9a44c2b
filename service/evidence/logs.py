"""A log's rounds in the order of time, matured ones only: an open window is left out, never counted as no reward."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from channel_selector.evidence.rounds import LEAST_PROPENSITY, SUM_TOLERANCE, Contexts, Floats, Ints, Menus, Rounds
from channel_selector.validation import LARGEST
from service.errors import EvidenceError
from service.evidence.candidates import ALLOWED, Candidate, Open
from service.evidence.columns import Flags, Table, as_names

REQUIRED = ("action", "propensity", "reward")
OPTIONAL = (
    "at",
    "subject",
    "policy_version",
    "eligible",
    "probabilities",
    "candidate_propensity",
    "candidate_probabilities",
    "matured",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A log and a candidate, ready to be judged; how many rows were left out, by reason, and what to know of it."""

    rounds: Rounds
    left_out: dict[str, int]
    notes: tuple[str, ...]


def rounds_of(table: Table, policy: Candidate | None) -> Log:
    """Give a file's rounds; `policy` None: the candidate that its columns tell. EvidenceError where it cannot be."""
    table.require(*REQUIRED)
    if policy is None and "candidate_propensity" not in table and "candidate_probabilities" not in table:
        raise EvidenceError(
            f"{table.path} tells of no candidate: it has neither candidate_propensity nor candidate_probabilities; "
            f"give --policy ({ALLOWED})"
        )
    matured = _matured(table)
    left_out = {"unmatured": len(table) - len(matured)}
    menu = _menu(matured) if policy is not None or "candidate_probabilities" in table else None
    if menu is None or policy is None:
        return Log(rounds=_told(matured, menu), left_out=left_out, notes=_notes(matured, menu))
    decided = policy.decides(menu.choices)
    left_out["action not open"] = int((~decided).sum())
    matured, menu = matured.kept(np.flatnonzero(decided)), menu.kept(decided)
    rounds = _rounds(matured, menu, policy.probabilities(menu.choices, matured))
    return Log(rounds=rounds, left_out=left_out, notes=_notes(matured, menu))


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """The actions open in each round, the one drawn, and the logging policy's probabilities where the log holds them.

    `guessed`: the log does not tell what was open; all its actions are taken to have been, always.
    """

    choices: Open
    logged: Ints
    logging: Floats | None
    guessed: bool

    def kept(self, rounds: Flags) -> "Menu":
        """Give the menus of some rounds."""
        entries = np.repeat(rounds, self.choices.sizes)
        sizes = self.choices.sizes[rounds]
        starts = _starts(sizes)
        return Menu(
            choices=Open(names=self.choices.names, actions=self.choices.actions[entries], starts=starts, sizes=sizes),
            logged=(self.logged - self.choices.starts)[rounds] + starts,
            logging=None if self.logging is None else self.logging[entries],
            guessed=self.guessed,
        )


def _matured(table: Table) -> Table:
    """Give the rows whose outcomes are in, in the order of time."""
    places = np.flatnonzero(table.flags("matured")) if "matured" in table else np.arange(len(table))
    if not len(places):
        raise EvidenceError(f"{table.path} has no matured rows: all outcomes are still to come; evaluate it later")
    matured = table.kept(places)
    return matured.kept(np.argsort(matured.instants("at"), kind="stable")) if "at" in table else matured


def _menu(table: Table) -> Menu:
    """Give what was open: the eligible actions, else the places in lists of probabilities, else the log's actions."""
    drawn = table.names("action")
    lists = next((name for name in ("probabilities", "candidate_probabilities") if name in table), None)
    if "eligible" in table:
        eligible = table.lists("eligible")
        sizes, names = eligible.sizes, as_names(eligible.items)
        unnamed = (names.is_null() | (names == "")).to_numpy()
        table.refuse("eligible", np.logical_or.reduceat(unnamed, _starts(sizes)), "every item must name an action")
    elif lists is not None:
        sizes = table.lists(lists).sizes
        names = pl.Series([str(place) for size in sizes.tolist() for place in range(size)])
    else:
        every = drawn.unique().sort()
        sizes, names = np.full(len(table), len(every)), pl.concat([every] * len(table))
    known, codes = np.unique(np.concatenate([names.to_numpy(), drawn.to_numpy()]).astype(str), return_inverse=True)
    starts = _starts(sizes)
    actions, logged = codes[: len(names)], codes[len(names) :]
    matches = actions == np.repeat(logged, sizes)
    table.refuse("action", np.add.reduceat(matches.astype(np.int64), starts) != 1, _unlisted(table))
    menu = Menu(
        choices=Open(names=tuple(known.tolist()), actions=actions, starts=starts, sizes=sizes),
        logged=np.flatnonzero(matches),
        logging=None,
        guessed=lists is None and "eligible" not in table,
    )
    return replace(menu, logging=_logging(table, menu))


def _logging(table: Table, menu: Menu) -> Floats | None:
    if "probabilities" not in table:
        return None
    logging = _shares(table, "probabilities", menu)
    _require_agreement(table, "propensity", logging[menu.logged])
    return logging


def _shares(table: Table, name: str, menu: Menu) -> Floats:
    shares = table.shares(name)
    table.refuse(name, shares.sizes != menu.choices.sizes, "it must be as long as the list of eligible actions")
    values: Floats = shares.items.to_numpy()
    return values


def _require_agreement(table: Table, name: str, told: Floats) -> None:
    """Refuse a probability that differs from the same one in a list."""
    alone = _probability(table, name)
    text = "it differs from the same action's probability in the list"
    table.refuse(name, np.abs(alone - told) > SUM_TOLERANCE, text, alone)


def _probability(table: Table, name: str) -> Floats:
    if name == "propensity":
        return table.numbers(name, "above 0 and at most 1 (1e-15 is the least)", _can_be_drawn)
    return table.numbers(name, "from 0 to 1", lambda p: (p >= 0.0) & (p <= 1.0))


def _can_be_drawn(probabilities: Floats) -> Flags:
    fits: Flags = (probabilities >= LEAST_PROPENSITY) & (probabilities <= 1.0)
    return fits


def _told(table: Table, menu: Menu | None) -> Rounds:
    """Give the rounds with the candidate that the columns tell."""
    if menu is not None:
        shares = _shares(table, "candidate_probabilities", menu)
        if "candidate_propensity" in table:
            _require_agreement(table, "candidate_propensity", shares[menu.logged])
        return _rounds(table, menu, shares)
    table.names("action")
    return Rounds(
        rewards=_rewards(table),
        propensities=_probability(table, "propensity"),
        candidate=_probability(table, "candidate_propensity"),
        contexts=_contexts(table),
    )


def _rounds(table: Table, menu: Menu, candidate: Floats) -> Rounds:
    return Rounds(
        rewards=_rewards(table),
        propensities=_probability(table, "propensity"),
        candidate=candidate[menu.logged].clip(0.0, 1.0),
        contexts=_contexts(table),
        menus=Menus(
            starts=menu.choices.starts,
            actions=menu.choices.actions,
            logged=menu.logged,
            candidate=candidate,
            logging=menu.logging,
        ),
    )


def _rewards(table: Table) -> Floats:
    return table.numbers("reward", "a finite number from -1e15 to 1e15", np.isfinite)


def _contexts(table: Table) -> Contexts:
    """Give the columns that are nobody's else: numbers as numbers, texts as labels; of other types none.

    Numbers beyond 1e15 are as good as unknown: nothing can be fitted to them.
    """
    numbers, labels = [], []
    for name in table.frame.columns:
        column = table.frame[name]
        if name in REQUIRED or name in OPTIONAL:
            continue
        if column.dtype == pl.String:
            read = column.str.strip_chars().cast(pl.Float64, strict=False)
            column = read if bool((read.is_not_null() == column.is_not_null()).all()) else column
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
            numbers.append(np.where(np.abs(values) <= LARGEST, values, np.nan))
        elif column.dtype in (pl.String, pl.Categorical, pl.Enum):
            known, codes = np.unique(column.cast(pl.String).fill_null("").to_numpy().astype(str), return_inverse=True)
            labels.append(np.where(known[codes] == "", -1, codes))
    return Contexts(
        numbers=np.column_stack([np.empty((len(table), 0)), *numbers]),
        labels=np.column_stack([np.empty((len(table), 0), dtype=np.int64), *labels]),
    )


def _notes(table: Table, menu: Menu | None) -> tuple[str, ...]:
    notes = []
    if menu is not None and menu.guessed:
        count = len(menu.choices.names)
        notes.append(f"the log does not tell what was eligible: all of its {count} actions are taken to be, always")
    if "at" not in table:
        notes.append("the log has no times: its rows are taken to stand in the order of time")
    return tuple(notes)


def _starts(sizes: Ints) -> Ints:
    starts: Ints = np.cumsum(sizes) - sizes
    return starts


def _unlisted(table: Table) -> str:
    if "eligible" in table:
        return "it must be in its row's list of eligible actions, once"
    return "without a column eligible it must be its place in the lists of probabilities, counted from 0"
