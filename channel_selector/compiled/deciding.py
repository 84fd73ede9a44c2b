"""What a batch's cells are worth, and how likely each is the best: one decision after the other, none knows another.

Arrays of cells and spots hold those of one decision after those of another; `…_starts` have one entry more than there
are decisions. They are few and wide, for each that is handed over costs a third of a microsecond. The letters are
`batches`' and `posteriors`'.
"""

import numpy as np
from numba import njit

from channel_selector.compiled.customers import learn, shared, solve
from channel_selector.compiled.points import MOST, best, contenders, factor
from channel_selector.eligibility.arms import DAYPARTS, HOURS_OF_DAYPART
from channel_selector.eligibility.context import ACTIVITY_PSEUDO_COUNT, LEAST_SHARE
from channel_selector.model.tastes import PROBIT, SHARED
from channel_selector.weighing import (
    BELIEVED,
    CONVERTING,
    EXPLORED,
    HELD,
    LINES,
    PROBABILITY,
    SHARE,
    SLOPE,
    TRIED,
    VALUE,
)

LEAST_VARIANCE = 1e-6
"""Of the logarithm of a probability: what keeps covariances invertible."""
MEDIUM = (0, 2)
"""Which of the numbers of what messages share make a medium: channel and device kind."""


@njit(cache=True, nogil=True, error_model="numpy")
def decide(
    cell_starts, spot_starts, cells, worth, asked, spots, seen, met, rates, names, roots, variances, base, hours,
    customer, population, do_not_send, wanted,
):  # fmt: skip
    """Give what is found of each cell and of sending nothing (`weighing.Estimates`); shares only where `wanted`.

    `cells`, `worth`, `asked`, `spots`: `batches.Batch`. `seen`, 3 × spots: reactions, exposure, what is added to the
    log-odds. `met`: a cell and its `posteriors.Converted.met`, of those where it is not its row's, in order. `rates`,
    `names`, `roots`: `posteriors.Typical`; `variances`: `PopulationPosterior`'s. `hours`: by how much log-odds follow
    the customer's own. `customer`, `population`: variances explored, as shares of those believed.
    """
    found, nothing = np.zeros((LINES, cells.shape[1])), np.zeros(len(asked))
    tastes, known = variances[: SHARED + 1], 0
    for decision in range(len(asked)):
        first, last = cell_starts[decision], cell_starts[decision + 1]
        own = slice(spot_starts[decision], spot_starts[decision + 1])
        keys = keys_of(cells[0, first:last], cells[1, first:last], names)
        history = keys_of(spots[0, own], spots[1, own], names)
        leaning = leans(asked[decision], hours)
        offset = np.empty(len(history))
        for j in range(len(history)):
            offset[j] = rates[spots[0, own][j], 0] + seen[2, own][j] + leaning[history[j, 3]]
        weight, root, lower = learn(history, offset, seen[0, own], seen[1, own], tastes)
        learned = np.empty((last - first, len(offset)))
        for i in range(first, last):
            row = cells[0, i]
            converted = rates[row, 2:]
            if known < len(met) and met[known, 0] == i:
                converted, known = met[known, 1:], known + 1
            mean, variance = rates[row, 0] + leaning[keys[i - first, 3]] + worth[1, i], tastes.sum()
            mean, variance = _own(
                keys[i - first], history, weight, root, lower, tastes, mean, variance, learned[i - first]
            )
            _convert(mean, variance, rates[row, 1], converted, customer, population, found[:, i])
            found[VALUE, i] = found[PROBABILITY, i] * asked[decision, 0] - worth[0, i]
        if wanted:
            nothing[decision] = _best_shares(
                first, last, cells, keys, learned, found, worth, asked[decision, 0], names, roots, variances, base,
                customer, population, do_not_send,
            )  # fmt: skip
    return found, nothing


@njit(cache=True, nogil=True, error_model="numpy")
def leans(asked, hours):
    """Give `context.leans` of the 24 counts after the first number, times `hours`; zeros where they are not known."""
    parts, whole, mean = np.zeros(DAYPARTS), 0.0, 0.0
    if np.isnan(asked[1]):
        return parts
    for hour in range(len(asked) - 1):
        parts[hour // HOURS_OF_DAYPART] += asked[1 + hour]
    for part in range(DAYPARTS):
        parts[part] += ACTIVITY_PSEUDO_COUNT
        whole += parts[part]
    for part in range(DAYPARTS):
        parts[part] = np.log(parts[part] / whole + LEAST_SHARE)
        mean += parts[part] / DAYPARTS
    return (parts - mean) * hours


@njit(cache=True, nogil=True, error_model="numpy")
def keys_of(rows, endpoints, names):
    """Give the numbers of what messages may share (`tastes.SHARED`): channel, endpoint, device kind, part, arm."""
    keys = np.empty((len(rows), SHARED), np.int64)
    for i in range(len(rows)):
        row = names[rows[i]]
        keys[i, 0], keys[i, 1], keys[i, 2], keys[i, 3], keys[i, 4] = row[0], endpoints[i], row[1], row[2], row[3]
    return keys


@njit(cache=True, nogil=True, error_model="numpy")
def _own(key, history, weight, root, lower, tastes, mean, variance, v):
    """Give mean and variance of a cell's log-odds after the customer's own messages; v (`customers.learn`) into `v`."""
    for j in range(len(v)):
        k = shared(key, history[j], tastes)
        mean += k * weight[j]
        v[j] = root[j] * k
    solve(lower, v)
    for j in range(len(v)):
        variance -= v[j] ** 2
    return mean, max(variance, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _convert(mean, variance, inherited, converted, customer, population, found):
    """Put what both stages come to for a cell into `found`.

    `mean`, `variance`: of the customer's log-odds of a reaction; `inherited`: the population's variance of them.
    `converted`: `posteriors.Converted.met`. `customer`, `population`: variances explored, as shares of those believed.
    """
    p = 1.0 / (1.0 + np.exp(-mean / np.sqrt(1.0 + PROBIT * variance)))
    slope, middle = 1.0 - p, np.log(p * converted[0])
    converting = customer * converted[1] + population * converted[2]
    tried = slope**2 * (customer * variance + population * inherited) + converting + LEAST_VARIANCE
    held = slope**2 * (variance + inherited) + converted[1] + converted[2] + LEAST_VARIANCE
    found[PROBABILITY], found[SLOPE], found[CONVERTING] = p * converted[0], slope, converting
    found[EXPLORED], found[TRIED] = middle - tried / 2.0, np.sqrt(tried)
    found[BELIEVED], found[HELD] = middle - held / 2.0, np.sqrt(held)


@njit(cache=True, nogil=True, error_model="numpy")
def _best_shares(
    first, last, cells, keys, learned, found, worth, gain, names, roots, variances, base, customer, population,
    do_not_send,
):  # fmt: skip
    """Put q of a decision's cells into `found`, and give that of sending nothing.

    `converting` is the variance explored of the second stage, one doubt for all cells of a medium.
    """
    members, cost = np.empty(MOST, np.int64), worth[0, first:last]
    count = contenders(found[EXPLORED, first:last], found[TRIED, first:last], gain, cost, do_not_send, members)
    members = members[:count]
    covariance = log_covariance(
        members, cells[0, first:last], keys, learned, found[SLOPE, first:last], found[CONVERTING, first:last], names,
        roots, variances, customer, population,
    )  # fmt: skip
    factor(covariance)
    q = np.empty(count)
    location = found[EXPLORED, first:last][members]
    nothing = best(location, covariance, gain, cost[members], do_not_send, base, q)
    for a in range(count):
        found[SHARE, first + members[a]] = q[a]
    return nothing


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def log_covariance(
    members, rows, keys, learned, slope, converting, names, roots, variances, customer, population
):  # fmt: skip
    """Give how the explored logarithms of a decision's `members` go together, the lower half of n × n.

    All that a row is made of goes along the row, for loops that are compiled to work on several cells at once.
    """
    count, spots, width = len(members), learned.shape[1], roots.shape[1]
    fresh = names.shape[1] - (SHARED - 1)
    alike, tries = np.empty((SHARED + fresh, count), np.int64), np.empty((spots, count))
    mine, slopes, doubts = np.empty((count, width)), np.empty(count), np.empty(count)
    for a in range(count):
        i, row = members[a], rows[members[a]]
        slopes[a], doubts[a] = slope[i], np.sqrt(converting[i])
        for k in range(SHARED):
            alike[k, a] = keys[i, k]
        for k in range(fresh):
            alike[SHARED + k, a] = names[row, SHARED - 1 + k]
        for k in range(spots):
            tries[k, a] = learned[i, k]
        for k in range(width):
            mine[a, k] = roots[row, k]
    covariance, belief, taste = np.zeros((count, count)), np.empty(count), np.empty(count)
    any_new = alike[SHARED:].max() >= 0
    for i in range(count):
        upto = i + 1
        for j in range(upto):
            both = 0.0
            for k in range(width):
                both += mine[i, k] * mine[j, k]
            belief[j], taste[j] = both, variances[0]
        for k in range(spots):
            _add(taste, -tries[k, i], tries[k], upto)
        for k in range(SHARED):
            _add_where(taste, variances[k + 1], alike[k], alike[k, i], upto)
        if any_new:
            for k in range(SHARED, len(alike)):
                if alike[k, i] >= 0:
                    _add_where(belief, variances[k + 1], alike[k], alike[k, i], upto)
        for j in range(upto):
            covariance[i, j] = slopes[i] * slopes[j] * (customer * taste[j] + population * belief[j])
            if alike[MEDIUM[0], i] == alike[MEDIUM[0], j] and alike[MEDIUM[1], i] == alike[MEDIUM[1], j]:
                covariance[i, j] += doubts[i] * doubts[j]
        covariance[i, i] += LEAST_VARIANCE
    return covariance


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _add(total, times, row, upto):
    for b in range(upto):
        total[b] += times * row[b]


@njit(cache=True, nogil=True, error_model="numpy")
def _add_where(total, amount, names, name, upto):
    for b in range(upto):
        total[b] += amount if names[b] == name else 0.0
