"""q: at how many of a fixed set of points of a joint normal is each cell worth the most; no random number is used.

x = μ + L z, and z is split into three groups of coordinates, k mod 3, of which each point takes all eight signs. So
what is odd in any group cancels to the last bit, and a product of L costs but an eighth. Values are whole multiples
of 32 of a small unit, and a cell's number stands in the last five bits: the best cell is a plain maximum.
"""

from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

BASE, GENERATOR, GOLDEN = 1024, 53, 0.6180339887498949
"""A Korobov lattice: point i has the coordinates frac(i · 53ᵏ / 1024 + 1/2048 + k · golden ratio), made normal.

The generator is one of the three best on 170 decisions of 2 to 30 cells, most of them of the model itself, and the best
of those on 170 others: the largest error of the 340 was 0.0072 against two million draws and 0.0029 on average
(`tests/channel_selector/test_propensity.py`).
"""
GROUPS, SIGNS = 3, 8
TOTAL = BASE * SIGNS
MOST = 32
"""Cells that compete for q at most: those of the highest upper bounds. The others have the floor alone."""
TERMS = 2, 4, 6, 8, 10, 12
"""Coordinates in a group of the first six cells, of the next six, and so on; unused ones are 0."""
WIDTH = GROUPS * TERMS[-1]
REACH = 3.2
"""A cell whose value at +3.2 σ lies below another's at −3.2 σ does not compete."""
AT_ONCE = 128
"""Points worked on at once, so that they stay in the processor's nearest cache."""
TURN = 633
"""The base points are gone through in steps of golden length, so that every block of them is spread over the whole."""
FARTHEST = 9.0
"""No point lies farther from the middle than so many standard deviations of any cell."""
LARGEST = np.float32(2.0**22)
UNIT = 32.0
ROUNDING = np.float32(1.5 * 2**23 * UNIT)
"""Added and taken away again, it rounds single floats to multiples of 32."""
NEVER, DEAREST, STEEPEST = np.float32(-1e30), 1e30, np.float32(40.0)


@cache
def points() -> Singles:
    """Give the base points: blocks × (`WIDTH` coordinates × `AT_ONCE`)."""
    quantile, least = NormalDist().inv_cdf, 0.1 / BASE
    rows = np.empty((WIDTH, BASE), dtype=np.float32)
    for k in range(WIDTH):
        step, shift = pow(GENERATOR, k, BASE), k * GOLDEN
        places = (((i * TURN * step) % BASE + 0.5) / BASE + shift for i in range(BASE))
        rows[k] = [quantile(min(max(place % 1.0, least), 1.0 - least)) for place in places]
    blocks = BASE // AT_ONCE
    return np.ascontiguousarray(rows.reshape(WIDTH, blocks, AT_ONCE).transpose(1, 0, 2)).reshape(blocks, -1)


@njit(cache=True, nogil=True, error_model="numpy")
def contenders(location, spread, gain, cost, do_not_send, members):
    """Put the cells that compete into `members`, the highest upper bounds first; give how many they are."""
    n = len(location)
    upper, bar = np.empty(n), 0.0 if do_not_send else -np.inf
    for i in range(n):
        upper[i] = np.exp(location[i] + REACH * spread[i]) * gain - cost[i]
        bar = max(bar, np.exp(location[i] - REACH * spread[i]) * gain - cost[i])
    count = 0
    for i in range(n):
        place = count
        while place > 0 and upper[members[place - 1]] < upper[i]:
            place -= 1
        if place < MOST and (upper[i] >= bar or count == 0):
            for later in range(min(count, MOST - 1), place, -1):
                members[later] = members[later - 1]
            members[place] = i
            count = min(count + 1, MOST)
    # The first seen may have been let in for want of a better one.
    while count > 1 and upper[members[count - 1]] < bar:
        count -= 1
    return count


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})
def factor(covariance):
    """Make a symmetric positive definite matrix its lower Cholesky factor, in place; only that half is touched."""
    n = len(covariance)
    for j in range(n):
        for i in range(j, n):
            left = covariance[i, j]
            for k in range(j):
                left -= covariance[i, k] * covariance[j, k]
            if i == j:
                covariance[j, j] = np.sqrt(max(left, 1e-300))
            else:
                covariance[i, j] = left / covariance[j, j]


@njit(cache=True, nogil=True, error_model="numpy")
def best(location, lower, gain, cost, do_not_send, base, shares):
    """Give each cell's share of the points into `shares`, and nothing's back; together they sum to 1.

    `location` and the covariance's factor `lower` are of the logarithms of the cells' probabilities, at most `MOST`;
    a cell's value is probability × gain − cost. With `do_not_send`, nothing (value 0) competes. Of equal values the
    least cost wins. O(n² × 1024 + n × 8,192).
    """
    n = len(location)
    if n == 1 and not do_not_send:
        shares[0] = 1.0
        return 0.0
    top, widest = location.max(), 0.0
    for i in range(n):
        own = 0.0
        for k in range(i + 1):
            own += lower[i, k] ** 2
        widest = max(widest, FARTHEST * np.sqrt(own) + top - location[i])
    scale = LARGEST / widest
    middle, rows = np.empty(n, np.float32), np.zeros((n, WIDTH), np.float32)
    for i in range(n):
        middle[i] = UNIT * np.rint((location[i] - top) * scale / UNIT) + i
        for k in range(i + 1):
            rows[i, k] = lower[i, k] * scale
    counts = np.empty(MOST, np.int64)
    order = np.argsort(cost, kind="mergesort")
    if do_not_send or cost[order[0]] != cost[order[-1]]:
        _weighed(order, middle, rows, _prices(gain, cost, top), np.float32(1.0 / scale), do_not_send, base, counts)
    else:
        _plain(middle, rows, base, counts)
    won = 0
    for i in range(n):
        shares[i] = counts[i] / TOTAL
        won += counts[i]
    return (TOTAL - won) / TOTAL


@njit(cache=True, nogil=True, error_model="numpy")
def _prices(gain, cost, top):
    """Give the costs in units of what the likeliest cell brings, cut off where singles end."""
    prices, unit = np.empty(len(cost), np.float32), gain * np.exp(top)
    for i in range(len(cost)):
        if cost[i] == 0.0:
            prices[i] = 0.0
        elif unit == 0.0:
            prices[i] = DEAREST if cost[i] > 0.0 else -DEAREST
        else:
            prices[i] = min(max(cost[i] / unit, -DEAREST), DEAREST)
    return prices


@njit(cache=True, nogil=True, error_model="numpy")
def _plain(middle, rows, base, counts):
    """Count where each cell is the likeliest."""
    cells, count = np.arange(len(middle)), len(middle)
    leading, pairs = np.empty(SIGNS * AT_ONCE, np.float32), np.zeros((2, MOST * MOST), np.int32)
    numbers = np.empty(SIGNS * AT_ONCE // 2, np.uint32)
    for block in range(len(base)):
        leading[:] = NEVER
        _lead(cells, count, middle, rows, base, block, leading)
        _count(leading, numbers, pairs)
        if block == 0:
            count = _retire(cells, count, pairs, counts)
    _add_up(pairs, counts)


@njit(cache=True, nogil=True, error_model="numpy")
def _weighed(order, middle, rows, prices, unit, do_not_send, base, counts):
    """Count where each cell is worth the most: the likeliest of those that cost alike, then the best of these."""
    cells, count, unsent = order.copy(), len(order), 0
    leading, pairs = np.empty(SIGNS * AT_ONCE, np.float32), np.zeros((2, MOST * MOST), np.int32)
    worth, whose = np.empty(SIGNS * AT_ONCE, np.float32), np.empty(SIGNS * AT_ONCE, np.float32)
    numbers = np.empty(SIGNS * AT_ONCE // 2, np.uint32)
    for block in range(len(base)):
        worth[:], whose[:], leading[:] = (np.float32(0.0) if do_not_send else -np.inf), NEVER, NEVER
        first = 0
        for last in range(1, count + 1):
            price = prices[cells[first]]
            if last == count or prices[cells[last]] != price:
                _lead(cells[first:last], last - first, middle, rows, base, block, leading)
                _challenge(leading, price, unit, worth, whose)
                first = last
        # Where nobody is worth the sending the first cell is counted, and taken off again.
        for b in range(SIGNS * AT_ONCE):
            if whose[b] == NEVER:
                whose[b] = np.float32(0.0)
                unsent += 1
        _count(whose, numbers, pairs)
        if block == 0:
            count = _retire(cells, count, pairs, counts)
    _add_up(pairs, counts)
    counts[0] -= unsent


@njit(cache=True, nogil=True, error_model="numpy")
def _lead(cells, count, middle, rows, base, block, leading):
    """Let each of the first `count` cells lead wherever it is above the others: 8 signs × `AT_ONCE` points."""
    for place in range(0, count, 2):
        # Two at a time: what they share is read once. An odd one is compared with itself.
        i, j = cells[place], cells[min(place + 1, count - 1)]
        farther = max(i, j)
        if farther < GROUPS * TERMS[0]:
            _compare_2(i, j, middle, rows, base, block, leading)
        elif farther < GROUPS * TERMS[1]:
            _compare_4(i, j, middle, rows, base, block, leading)
        elif farther < GROUPS * TERMS[2]:
            _compare_6(i, j, middle, rows, base, block, leading)
        elif farther < GROUPS * TERMS[3]:
            _compare_8(i, j, middle, rows, base, block, leading)
        elif farther < GROUPS * TERMS[4]:
            _compare_10(i, j, middle, rows, base, block, leading)
        else:
            _compare_12(i, j, middle, rows, base, block, leading)


def _comparison(terms: int) -> Any:
    """Make `_lead` for two cells of so many coordinates in each group: how long a loop is, is known when compiling."""

    @njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nnan", "nsz"})
    def compare(i, j, middle, rows, base, block, leading):
        for b in range(AT_ONCE):
            first, second, third = np.float32(0.0), np.float32(0.0), np.float32(0.0)
            fourth, fifth, sixth = np.float32(0.0), np.float32(0.0), np.float32(0.0)
            # Two at a time: the processor need not wait as often for the sum before.
            for t in range(0, terms, 2):
                k, m = GROUPS * t, GROUPS * (t + 1)
                z, y = base[block, k * AT_ONCE + b], base[block, m * AT_ONCE + b]
                first += rows[i, k] * z + rows[i, m] * y
                fourth += rows[j, k] * z + rows[j, m] * y
                z, y = base[block, (k + 1) * AT_ONCE + b], base[block, (m + 1) * AT_ONCE + b]
                second += rows[i, k + 1] * z + rows[i, m + 1] * y
                fifth += rows[j, k + 1] * z + rows[j, m + 1] * y
                z, y = base[block, (k + 2) * AT_ONCE + b], base[block, (m + 2) * AT_ONCE + b]
                third += rows[i, k + 2] * z + rows[i, m + 2] * y
                sixth += rows[j, k + 2] * z + rows[j, m + 2] * y
            first, second, third = _rounded(first), _rounded(second), _rounded(third)
            fourth, fifth, sixth = _rounded(fourth), _rounded(fifth), _rounded(sixth)
            above, below, both, apart = middle[i] + first, middle[i] - first, second + third, second - third
            over, under, most, rest = middle[j] + fourth, middle[j] - fourth, fifth + sixth, fifth - sixth
            leading[b] = _highest(above + both, over + most, leading[b])
            leading[AT_ONCE + b] = _highest(above - both, over - most, leading[AT_ONCE + b])
            leading[2 * AT_ONCE + b] = _highest(above + apart, over + rest, leading[2 * AT_ONCE + b])
            leading[3 * AT_ONCE + b] = _highest(above - apart, over - rest, leading[3 * AT_ONCE + b])
            leading[4 * AT_ONCE + b] = _highest(below + both, under + most, leading[4 * AT_ONCE + b])
            leading[5 * AT_ONCE + b] = _highest(below - both, under - most, leading[5 * AT_ONCE + b])
            leading[6 * AT_ONCE + b] = _highest(below + apart, under + rest, leading[6 * AT_ONCE + b])
            leading[7 * AT_ONCE + b] = _highest(below - apart, under - rest, leading[7 * AT_ONCE + b])

    return compare


@njit(cache=True, nogil=True, error_model="numpy")
def _rounded(x):
    """Give the nearest multiple of `UNIT`."""
    return (x + ROUNDING) - ROUNDING


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _highest(found, other, known):
    found = found if found > other else other
    return found if found > known else known


_compare_2, _compare_4, _compare_6, _compare_8, _compare_10, _compare_12 = (_comparison(terms) for terms in TERMS)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def _challenge(leading, price, unit, worth, whose):
    """Let those that lead among equal costs take the places where they are worth more; start the next group."""
    for b in range(SIGNS * AT_ONCE):
        x = leading[b] * unit
        x = x if x < STEEPEST else STEEPEST
        x = (x if x > -STEEPEST else -STEEPEST) * np.float32(1.0 / 128.0)
        # eˣ as (e^(x/128))^128: Taylor's series to the sixth power, squared seven times, wrong by 1e-5 at most.
        y = np.float32(1.0 / 120.0) + x * np.float32(1.0 / 720.0)
        y = np.float32(1.0 / 6.0) + x * (np.float32(1.0 / 24.0) + x * y)
        y = np.float32(1.0) + x * (np.float32(1.0) + x * (np.float32(0.5) + x * y))
        y *= y
        y *= y
        y *= y
        y *= y
        y *= y
        y *= y
        y *= y
        value = y - price
        better = value > worth[b] or (value == worth[b] and whose[b] == NEVER)
        whose[b] = leading[b] if better else whose[b]
        worth[b] = value if better else worth[b]
        leading[b] = NEVER


@njit(cache=True, nogil=True, error_model="numpy")
def _count(leading, numbers, pairs):
    """Count who leads at two points at a time; two tables, for one waits for its own last write."""
    half = len(numbers)
    for b in range(half):
        low, high = np.int32(leading[b]) & np.int32(MOST - 1), np.int32(leading[half + b]) & np.int32(MOST - 1)
        numbers[b] = low | high << np.int32(5)
    for b in range(0, half, 2):
        pairs[0, numbers[b]] += 1
        pairs[1, numbers[b + 1]] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _add_up(pairs, counts):
    """Count at how many points each cell leads."""
    counts[:] = 0
    for table in range(2):
        for high in range(MOST):
            row, whole = pairs[table, high * MOST : (high + 1) * MOST], 0
            for low in range(MOST):
                counts[low] += row[low]
                whole += row[low]
            counts[high] += whole


@njit(cache=True, nogil=True, error_model="numpy")
def _retire(cells, count, pairs, counts):
    """Keep of the first `count` cells those that led at any of the first 1,024 points; give how many they are."""
    _add_up(pairs, counts)
    kept = 0
    for place in range(count):
        if counts[cells[place]] > 0:
            cells[kept] = cells[place]
            kept += 1
    return kept
