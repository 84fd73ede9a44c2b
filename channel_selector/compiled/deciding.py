"""What a batch's cells are worth, and how likely each is the best: one decision after the other, none knows another.

Arrays of cells and spots hold those of one decision after those of another; `starts` has one entry more than there are
decisions. The letters are `batches`' and `posteriors`'.
"""

import numpy as np
from numba import njit

from channel_selector.compiled.customers import learn, shared, solve
from channel_selector.compiled.points import MOST, best, contenders, factor
from channel_selector.eligibility.arms import DAYPARTS, HOURS_OF_DAYPART
from channel_selector.eligibility.context import ACTIVITY_PSEUDO_COUNT, LEAST_SHARE
from channel_selector.model.tastes import PROBIT, SHARED

LEAST_VARIANCE = 1e-6
"""Of the logarithm of a probability: what keeps covariances invertible."""
MEDIUM = (0, 2)
"""Which of the numbers of what messages share make a medium: channel and device kind."""


@njit(cache=True, nogil=True, error_model="numpy")
def leans(activity, hours):
    """Give `context.leans` of 24 counts, times `hours`."""
    parts, whole, mean = np.zeros(DAYPARTS), 0.0, 0.0
    for hour in range(len(activity)):
        parts[hour // HOURS_OF_DAYPART] += activity[hour]
    for part in range(DAYPARTS):
        parts[part] += ACTIVITY_PSEUDO_COUNT
        whole += parts[part]
    for part in range(DAYPARTS):
        parts[part] = np.log(parts[part] / whole + LEAST_SHARE)
        mean += parts[part] / DAYPARTS
    return (parts - mean) * hours


@njit(cache=True, nogil=True, error_model="numpy")
def keys_of(rows, endpoints, row_keys):
    """Give the numbers of what messages may share (`tastes.SHARED`): channel, endpoint, device kind, part, arm."""
    keys = np.empty((len(rows), SHARED), np.int64)
    for i in range(len(rows)):
        row = row_keys[rows[i]]
        keys[i, 0], keys[i, 1], keys[i, 2], keys[i, 3], keys[i, 4] = row[0], endpoints[i], row[1], row[2], row[3]
    return keys


@njit(cache=True, nogil=True, error_model="numpy")
def weigh(
    starts, rows, endpoints, log_odds, inherited, row_keys, added, converted, active, activity, hours, spot_starts,
    spot_rows, spot_endpoints, spot_added, reacted, exposure, tastes, known_starts, customer, population,
):  # fmt: skip
    """Give what both stages come to for each cell; what the cells share (`keys_of`); and v (`customers.learn`).

    `log_odds`, `inherited`, `row_keys`: of every row of the population, the mean of a typical customer's log-odds of a
    reaction, their variance, and numbers (`keys_of`); the cells' and the spots' rows point there. `active`: for each
    decision the row of `activity` (24 counts) or −1. v of a decision's cells stands from `known_starts` on, cell by
    cell, as many numbers each as the customer has spots. For the rest, and for what is given, see `_convert`.
    """
    total = tastes.sum()
    keys, spot_keys = keys_of(rows, endpoints, row_keys), keys_of(spot_rows, spot_endpoints, row_keys)
    found, known = np.empty((7, len(rows))), np.empty(known_starts[-1])
    for decision in range(len(starts) - 1):
        first, spot = starts[decision], spot_starts[decision]
        count, spots = starts[decision + 1] - first, spot_starts[decision + 1] - spot
        leaning = leans(activity[active[decision]], hours) if active[decision] >= 0 else np.zeros(DAYPARTS)
        history, offset = spot_keys[spot : spot + spots], np.empty(spots)
        for j in range(spots):
            offset[j] = log_odds[spot_rows[spot + j]] + spot_added[spot + j] + leaning[history[j, 3]]
        mine = slice(spot, spot + spots)
        weight, root, lower = learn(history, offset, reacted[mine], exposure[mine], tastes)
        for i in range(first, first + count):
            mean, variance = log_odds[rows[i]] + leaning[keys[i, 3]] + added[i], total
            place = known_starts[decision] + (i - first) * spots
            v = known[place : place + spots]
            for j in range(spots):
                k = shared(keys[i], history[j], tastes)
                mean += k * weight[j]
                v[j] = root[j] * k
            solve(lower, v)
            for j in range(spots):
                variance -= v[j] ** 2
            _convert(mean, max(variance, 0.0), inherited[rows[i]], converted[i], customer, population, found[:, i])
    return found, keys, known


@njit(cache=True, nogil=True, error_model="numpy")
def _convert(mean, variance, inherited, converted, customer, population, found):
    """Put what both stages come to for a cell into `found` (`weighing.Estimates` and `weighing.Known`).

    `mean`, `variance`: of the customer's log-odds of a reaction; `inherited`: the population's variance of them.
    `converted`: `posteriors.Converted.met`. `customer`, `population`: variances explored, as shares of those believed.
    """
    p = 1.0 / (1.0 + np.exp(-mean / np.sqrt(1.0 + PROBIT * variance)))
    slope, middle = 1.0 - p, np.log(p * converted[0])
    converting = customer * converted[1] + population * converted[2]
    tried = slope**2 * (customer * variance + population * inherited) + converting + LEAST_VARIANCE
    held = slope**2 * (variance + inherited) + converted[1] + converted[2] + LEAST_VARIANCE
    found[0], found[5], found[6] = p * converted[0], slope, converting
    found[1], found[2] = middle - tried / 2.0, np.sqrt(tried)
    found[3], found[4] = middle - held / 2.0, np.sqrt(held)


@njit(cache=True, nogil=True, error_model="numpy")
def best_shares(
    starts, rows, keys, location, spreads, gain, cost, slope, converting, roots, fresh, fresh_variances, tastes,
    known_starts, spot_starts, known, customer, population, do_not_send, base, shares, nothing,
):  # fmt: skip
    """Give q of every cell and of sending nothing, into `shares` and `nothing`.

    `rows`: of each cell, its own of `roots` and `fresh` (`posteriors.Typical`). `customer`, `population`:
    variances explored, as shares of those believed; `converting` is the variance explored of the second stage, one
    doubt for all cells of a medium.
    """
    members, q = np.empty(MOST, np.int64), np.empty(MOST)
    for decision in range(len(starts) - 1):
        first, last = starts[decision], starts[decision + 1]
        mine = slice(first, last)
        count = contenders(location[mine], spreads[mine], gain[first], cost[mine], do_not_send, members)
        chosen = members[:count] + first
        spots = spot_starts[decision + 1] - spot_starts[decision]
        learned = known[known_starts[decision] : known_starts[decision + 1]].reshape(last - first, spots)[
            members[:count]
        ]
        covariance = log_covariance(
            keys[chosen], slope[chosen], converting[chosen], roots[rows[chosen]], fresh[rows[chosen]], learned,
            fresh_variances, tastes, customer, population,
        )  # fmt: skip
        factor(covariance)
        nothing[decision] = best(location[chosen], covariance, gain[first], cost[chosen], do_not_send, base, q)
        for a in range(count):
            shares[chosen[a]] = q[a]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def log_covariance(keys, slope, converting, roots, fresh, learned, fresh_variances, tastes, customer, population):
    """Give how the explored logarithms of n cells of one decision go together, the lower half of n × n (`best_shares`).

    All that a row is made of goes along the row, for loops that are compiled to work on several cells at once.
    """
    count = len(keys)
    tries, width = np.ascontiguousarray(learned.T), roots.shape[1]
    names, news = np.ascontiguousarray(keys.T), np.ascontiguousarray(fresh.T)
    covariance, belief, taste = np.zeros((count, count)), np.empty(count), np.empty(count)
    any_new = news.max() >= 0
    for i in range(count):
        upto = i + 1
        for j in range(upto):
            both = 0.0
            for k in range(width):
                both += roots[i, k] * roots[j, k]
            belief[j], taste[j] = both, tastes[0]
        for k in range(len(tries)):
            _add(taste, -tries[k, i], tries[k], upto)
        for k in range(len(names)):
            _add_where(taste, tastes[k + 1], names[k], names[k, i], upto)
        if any_new:
            for k in range(len(news)):
                if news[k, i] >= 0:
                    _add_where(belief, fresh_variances[k], news[k], news[k, i], upto)
        for j in range(upto):
            covariance[i, j] = slope[i] * slope[j] * (customer * taste[j] + population * belief[j])
            if names[MEDIUM[0], i] == names[MEDIUM[0], j] and names[MEDIUM[1], i] == names[MEDIUM[1], j]:
                covariance[i, j] += np.sqrt(converting[i] * converting[j])
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
