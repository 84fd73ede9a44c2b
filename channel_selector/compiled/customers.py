"""A customer's posterior is the mode of a concave likelihood: in any order, from any counts, finite and the same.

f of all that a customer was sent is a Gaussian (`tastes`), what came of it Bernoulli of σ(offset + f), weighed by how
much of each window was seen. Laplace's approximation, in dual form (Rasmussen and Williams, algorithm 3.1).
"""

import numpy as np
from numba import njit

STEPS = 40
LONGEST_STEP = 2.0
CLOSE = 1e-10
LEAST_WEIGHT = 1e-12


@njit(cache=True, nogil=True, error_model="numpy")
def shared(left, right, tastes):
    """Give k of two messages from the numbers of what they may share; `tastes.covariance` of one pair."""
    total = tastes[0]
    for i in range(len(left)):
        if left[i] == right[i]:
            total += tastes[i + 1]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def learn(keys, offset, reacted, exposure, tastes):
    """Learn one customer from n spots (`tastes.Seen`); give weight (n), root (n) and lower (n × n).

    At a new cell with covariances k to the spots, the mean of f is k · weight, and its covariance with another's is
    less than the prior's by v · v', v = lower⁻¹ (root k). A step longer than 2 log-odds is cut. O(n³) for each step.
    """
    n = len(offset)
    k = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            k[i, j] = shared(keys[i], keys[j], tastes)
    weight, f = np.zeros(n), np.zeros(n)
    root, target, lower = np.empty(n), np.empty(n), np.empty((n, n))
    for _ in range(STEPS):
        _stand(k, offset, f, reacted, exposure, root, target, lower)
        aim = _times(k, target)
        for i in range(n):
            aim[i] *= root[i]
        solve(lower, aim)
        _solve_back(lower, aim)
        for i in range(n):
            aim[i] = target[i] - root[i] * aim[i]
        towards, longest = _times(k, aim), 0.0
        for i in range(n):
            towards[i] -= f[i]
            longest = max(longest, abs(towards[i]))
        part = min(1.0, LONGEST_STEP / max(longest, CLOSE))
        for i in range(n):
            weight[i] += part * (aim[i] - weight[i])
            f[i] += part * towards[i]
        if longest <= CLOSE:
            break
    _stand(k, offset, f, reacted, exposure, root, target, lower)
    return weight, root, lower


@njit(cache=True, nogil=True, error_model="numpy")
def solve(lower, x):
    """Make x lower⁻¹ x."""
    for i in range(len(x)):
        for j in range(i):
            x[i] -= lower[i, j] * x[j]
        x[i] /= lower[i, i]


@njit(cache=True, nogil=True, error_model="numpy")
def _solve_back(lower, x):
    """Make x (lowerᵀ)⁻¹ x."""
    for i in range(len(x) - 1, -1, -1):
        for j in range(i + 1, len(x)):
            x[i] -= lower[j, i] * x[j]
        x[i] /= lower[i, i]


@njit(cache=True, nogil=True, error_model="numpy")
def _stand(k, offset, f, reacted, exposure, root, target, lower):
    """Take the likelihood's curvature where f is: √W, W f + its slope, and the factor of I + √W K √W."""
    n = len(f)
    for i in range(n):
        p = 1.0 / (1.0 + np.exp(-(offset[i] + f[i])))
        seen = max(exposure[i], reacted[i])
        curve = max(seen * p * (1.0 - p), LEAST_WEIGHT)
        root[i], target[i] = np.sqrt(curve), curve * f[i] + reacted[i] - seen * p
    for j in range(n):
        for i in range(j, n):
            left = root[i] * k[i, j] * root[j] + (1.0 if i == j else 0.0)
            for other in range(j):
                left -= lower[i, other] * lower[j, other]
            lower[i, j] = np.sqrt(left) if i == j else left / lower[j, j]


@njit(cache=True, nogil=True, error_model="numpy")
def _times(matrix, vector):
    result = np.zeros(len(vector))
    for i in range(len(vector)):
        for j in range(len(vector)):
            result[i] += matrix[i, j] * vector[j]
    return result
