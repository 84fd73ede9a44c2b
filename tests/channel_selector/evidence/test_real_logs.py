"""Two public logs: the Open Bandit Dataset's published figure is met, and so is a plain sum."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from channel_selector.evidence.estimates import Estimate
from channel_selector.evidence.evidence import evaluate
from channel_selector.evidence.reward_models import RewardModel
from channel_selector.evidence.rounds import Contexts, Floats, Ints, Menus, Rounds

DATA = Path(__file__).parents[4] / "shared" / "data"
OPEN_BANDIT = DATA / "open_bandit" / "random_all.csv.gz"
HILLSTROM = DATA / "hillstrom" / "customers.csv.gz"

PUBLISHED = 1.198126
"""IPW value of BernoulliTS from the uniform log, relative to the log's own: README of st-tech/zr-obp."""
CLICKS = [
    int(count)
    for count in """
47 8 62 142 3 14 7 857 12 15 6 100 48 23 71 61 13 16 518 30 7 4 23 8 10 11 11 18 121 11 11 10 14 9 204 58 3 19
42 1013 2 328 15 31 14 138 45 55 23 38 10 401 52 6 3 6 5 32 35 133 52 820 43 195 8 42 40 4 32 30 9 22 6 23 5
54 8 22 65 246
""".split()  # noqa: SIM905 - eighty lines otherwise
]
OTHERS = [
    int(count)
    for count in """
12198 3566 15993 35522 2367 4609 3171 181745 4372 4951 3100 24665 13210 7061 18061 17449 5644 6787 111326 8776
3334 2271 7389 2659 3665 4724 3561 5085 27407 4601 4756 4120 4736 3788 45292 14719 2189 5589 11995 222255 2308
70034 4801 8274 5421 31912 12213 13576 6230 10382 4141 85731 12811 2707 2250 2668 2886 9581 9465 28336 12062
162793 12107 41240 3162 11604 10818 2923 8897 8654 4000 6580 3174 6766 2602 14506 3968 7523 16532 51964
""".split()  # noqa: SIM905 - eighty lines otherwise
]
"""The published prior of the shop's Thompson sampling for the campaign "all": α and β of each of 80 items."""
POSITIONS, SIMULATIONS = 3, 100_000


def thompson() -> Floats:
    """Give how often each item is shown at each of three positions, (80, 3), by the published example's generator."""
    random = np.random.RandomState(12345)
    drawn = random.beta(CLICKS, OTHERS, (SIMULATIONS, len(CLICKS)))
    shown = drawn.argsort(axis=1)[:, ::-1][:, :POSITIONS]
    counts = [np.bincount(shown[:, position], minlength=len(CLICKS)) for position in range(POSITIONS)]
    return np.column_stack(counts) / SIMULATIONS


def rows(path: Path) -> list[dict[str, str]]:
    """Read a zipped CSV; "7) $1,000 +" stands in it without quotes, in two cells, the second of which is dropped."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        header, *cells = csv.reader(file)
    whole = [each if len(each) == len(header) else [*each[:2], *each[3:]] for each in cells]
    return [dict(zip(header, each, strict=True)) for each in whole]


@pytest.mark.skipif(not OPEN_BANDIT.is_file(), reason="../shared/data/open_bandit is not here")
def test_the_open_bandits_published_figure() -> None:
    """IPS is the published 1.198 and a plain sum to 1e-9; every estimator's interval holds 1.198."""
    read = rows(OPEN_BANDIT)
    law, items, count = thompson(), len(CLICKS), len(read)
    rewards = np.array([float(row["click"]) for row in read])
    actions = np.array([int(row["item_id"]) for row in read])
    positions = np.array([int(row["position"]) - 1 for row in read])
    starts = np.arange(count) * items
    labels = [[int(row[f"user_feature_{place}"], 16) % 1_000_003 for place in range(4)] for row in read]
    rounds = Rounds(
        rewards=rewards,
        propensities=np.array([float(row["propensity_score"]) for row in read]),
        candidate=law[actions, positions],
        contexts=Contexts(numbers=positions[:, None].astype(np.float64), labels=np.array(labels)),
        menus=Menus(
            starts=starts,
            actions=np.tile(np.arange(items), count),
            logged=starts + actions,
            candidate=law.T[positions].ravel(),
            logging=np.full(count * items, 1.0 / items),
        ),
    )
    found = evaluate(rounds)
    by_hand = 0.0
    for row in read:
        shown = law[int(row["item_id"]), int(row["position"]) - 1]
        by_hand += int(row["click"]) * shown / float(row["propensity_score"]) / count
    for each in found.estimates:
        assert isinstance(each, Estimate)
        low, high = each.interval
        assert low <= PUBLISHED * found.log_value <= high, each.estimator
        if each.estimator == "ips":
            assert each.value == pytest.approx(by_hand, abs=1e-9)
            assert each.value / found.log_value == pytest.approx(PUBLISHED, abs=1e-6)


MAILS = ("Mens E-Mail", "Womens E-Mail", "No E-Mail")


def mailed(read: list[dict[str, str]], reward: str) -> tuple[Contexts, Ints, Floats]:
    """Give contexts, mails and rewards of the e-mail test."""
    numbers = [[float(row[name]) for name in ("recency", "history", "mens", "womens", "newbie")] for row in read]
    codes = {"Urban": 0, "Surburban": 1, "Rural": 2, "Phone": 0, "Web": 1, "Multichannel": 2}
    labels = [[codes[row["zip_code"]], codes[row["channel"]]] for row in read]
    contexts = Contexts(numbers=np.array(numbers), labels=np.array(labels))
    actions = np.array([MAILS.index(row["segment"]) for row in read])
    return contexts, actions, np.array([float(row[reward]) for row in read])


@pytest.mark.skipif(not HILLSTROM.is_file(), reason="../shared/data/hillstrom is not here")
@pytest.mark.parametrize("reward", ["visit", "conversion"])
def test_a_policy_learned_on_half_of_the_mails_is_no_worse_than_mens_for_all(reward: str) -> None:
    """Even rows learn, odd rows judge: the DR value is at least that of "always men's", or within its interval."""
    read = rows(HILLSTROM)
    learned = RewardModel.fitted(*mailed(read[::2], reward), count=3)
    contexts, actions, rewards = mailed(read[1::2], reward)
    count = len(rewards)
    entries, every = np.repeat(np.arange(count), 3), np.tile(np.arange(3), count)
    chosen = learned.predict(contexts, entries, every).reshape(count, 3).argmax(axis=1)
    values = {}
    for name, wanted in (("learned", chosen), ("mens", np.zeros(count, dtype=np.int64))):
        candidate = np.eye(3)[wanted]
        menus = Menus(
            starts=np.arange(count) * 3,
            actions=every,
            logged=np.arange(count) * 3 + actions,
            candidate=candidate.ravel(),
            logging=np.full(3 * count, 1 / 3),
        )
        rounds = Rounds(
            rewards=rewards,
            propensities=np.full(count, 1 / 3),
            candidate=candidate[np.arange(count), actions],
            contexts=contexts,
            menus=menus,
        )
        values[name] = evaluate(rounds).estimates[2]
    of_learned, of_mens = values["learned"], values["mens"]
    assert isinstance(of_learned, Estimate)
    assert isinstance(of_mens, Estimate)
    assert of_learned.value >= of_mens.interval[0]
    assert of_learned.interval[1] >= of_mens.value
