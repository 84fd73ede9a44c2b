"""How often intervals hold the truth: over many logs, by estimator, for a few candidates fixed before each log."""

import time
from collections import defaultdict
from statistics import fmean

import numpy as np

from benchmarks.bandit_logs import Drawn, Law, candidates, logs
from benchmarks.records import Figures
from channel_selector.evidence.estimates import Estimate, Estimator
from channel_selector.evidence.evidence import evaluate

SEED = 5


def coverage(law: Law, *, count: int, rounds: int, seed: int = SEED) -> Figures:
    """Give each estimator's coverage by candidate in percent of the logs, its lowest and highest, and mean widths."""
    covered: dict[tuple[Estimator, str], list[bool]] = defaultdict(list)
    widths: dict[Estimator, list[float]] = defaultdict(list)
    started = time.perf_counter()
    for number, log in enumerate(logs(law, count=count, rounds=rounds, seed=seed)):
        for candidate, estimate, true in _judged(log, seed=seed + number):
            low, high = estimate.interval
            covered[estimate.estimator, candidate].append(low <= true <= high)
            widths[estimate.estimator].append(high - low)
    figures = {"logs_per_second": count / (time.perf_counter() - started)}
    for estimator in Estimator:
        shares = {name: 100.0 * fmean(held) for (of, name), held in covered.items() if of is estimator}
        figures |= {f"{estimator}_{name}": share for name, share in shares.items()}
        figures[f"{estimator}_lowest"], figures[f"{estimator}_highest"] = min(shares.values()), max(shares.values())
        figures[f"{estimator}_width"] = fmean(widths[estimator])
    return figures


def _judged(log: Drawn, *, seed: int) -> list[tuple[str, Estimate, float]]:
    """Give each candidate's estimates of one log, with the truth."""
    judged = []
    for name, candidate in candidates(log.truth, np.random.default_rng(seed)).items():
        found = evaluate(log.rounds(candidate)).estimates
        judged += [(name, each, log.truth.value(candidate)) for each in found if isinstance(each, Estimate)]
    return judged
