"""What a batch's cells are worth, and how likely each is the best: one decision after the other, none knows another.

Arrays of cells and spots hold those of one decision after those of another; `starts` has one entry more than there are
decisions. The letters are `batches`' and `posteriors`'.
"""

import numpy as np
from numba import njit

from channel_selector.arms import DAYPARTS, HOURS_OF_DAYPART
from channel_selector.compiled.customers import learn, shared, solve
from channel_selector.compiled.points import MOST, best, contenders, factor
from channel_selector.context import ACTIVITY_PSEUDO_COUNT, LEAST_SHARE
from channel_selector.tastes import PROBIT, SHARED

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
    starts, keys, log_odds, added, active, activity, hours, spot_starts, spot_keys, spot_log_odds, reacted, exposure,
    tastes, means, variances, known_starts, known,
):  # fmt: skip
    """Give mean and variance of the customer's log-odds of a reaction of every cell, into `means` and `variances`.

    `active`: for each decision the row of `activity` (24 counts) or −1. `known`: v of every cell (`customers.learn`),
    those of a decision from `known_starts` on, cell by cell, as many each as the customer has spots.
    """
    total = tastes.sum()
    for decision in range(len(starts) - 1):
        first, spot = starts[decision], spot_starts[decision]
        count, spots = starts[decision + 1] - first, spot_starts[decision + 1] - spot
        leaning = leans(activity[active[decision]], hours) if active[decision] >= 0 else np.zeros(DAYPARTS)
        history, offset = spot_keys[spot : spot + spots], spot_log_odds[spot : spot + spots].copy()
        for j in range(spots):
            offset[j] += leaning[history[j, 3]]
        mine = slice(spot, spot + spots)
        weight, root, lower = learn(history, offset, reacted[mine], exposure[mine], tastes)
        for i in range(first, first + count):
            mean, variance = log_odds[i] + leaning[keys[i, 3]] + added[i], total
            place = known_starts[decision] + (i - first) * spots
            v = known[place : place + spots]
            for j in range(spots):
                k = shared(keys[i], history[j], tastes)
                mean += k * weight[j]
                v[j] = root[j] * k
            solve(lower, v)
            for j in range(spots):
                variance -= v[j] ** 2
            means[i], variances[i] = mean, max(variance, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def convert(means, variances, inherited, converted, customer, population):
    """Give what both stages come to for each cell, in columns (`batches.Estimates` and `batches.Known`).

    `inherited`: the population's variance of the log-odds. `converted`: `posteriors.Priors.met`. `customer`,
    `population`: variances explored, as shares of those believed.
    """
    count = len(means)
    found = np.empty((7, count))
    probability, explored_at, explored, believed_at, believed, slope, converting = found
    for i in range(count):
        p = 1.0 / (1.0 + np.exp(-means[i] / np.sqrt(1.0 + PROBIT * variances[i])))
        probability[i], slope[i] = p * converted[i, 0], 1.0 - p
        converting[i] = customer * converted[i, 1] + population * converted[i, 2]
        reacting = slope[i] ** 2 * (customer * variances[i] + population * inherited[i])
        tried = reacting + converting[i] + LEAST_VARIANCE
        held = slope[i] ** 2 * (variances[i] + inherited[i]) + converted[i, 1] + converted[i, 2] + LEAST_VARIANCE
        middle = np.log(probability[i])
        explored_at[i], explored[i] = middle - tried / 2.0, np.sqrt(tried)
        believed_at[i], believed[i] = middle - held / 2.0, np.sqrt(held)
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def best_shares(
    starts, rows, keys, location, spreads, gain, cost, slope, converting, roots, fresh, fresh_variances, tastes,
    known_starts, spot_starts, known, customer, population, do_not_send, base, shares, nothing,
):  # fmt: skip
    """Give q of every cell and of sending nothing, into `shares` and `nothing`.

    `rows`: of each cell, its own of `roots` and `fresh` (`posteriors.PopulationPosterior`). `customer`, `population`:
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
