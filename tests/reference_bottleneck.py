"""Slow definitions of multi-order interactions and of what is made of them, from the formulas alone."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from reference import sets_of_order, size

Vector = npt.NDArray[Any]


def delta(v: Vector, i: int, j: int, context: int) -> float:
    """v[S + i + j] - v[S + i] - v[S + j] + v[S]."""
    a, b = 1 << i, 1 << j
    return float(v[context | a | b] - v[context | a] - v[context | b] + v[context])


def multi_order(v: Vector) -> Vector:
    """I[i, j, m], the mean of delta over the contexts of m players."""
    n = int(v.shape[-1]).bit_length() - 1
    result = np.zeros((n, n, n - 1))
    for i, j in itertools.permutations(range(n), 2):
        for m in range(n - 1):
            contexts = [s for s in sets_of_order(n, m) if not s >> i & 1 and not s >> j & 1]
            result[i, j, m] = math.fsum(delta(v, i, j, s) for s in contexts) / len(contexts)
    return result


def pair_sums(x: Vector) -> Vector:
    """Row 0: sums by order over all sets; row 1 + j(j+1)/2 + i, i <= j: over those with i and j."""
    n = int(x.shape[-1]).bit_length() - 1
    result = np.zeros((1 + n * (n + 1) // 2, n + 1))
    for subset in range(1 << n):
        result[0, size(subset)] += x[subset]
        for j in range(n):
            for i in range(j + 1):
                if subset >> i & 1 and subset >> j & 1:
                    result[1 + j * (j + 1) // 2 + i, size(subset)] += x[subset]
    return result


def nested_mean(v: Vector, k1: int, k2: int) -> float:
    """The mean of v[S2] - (k2 / k1) v[S1] over nested sets of k1 and k2 players; - v[empty] for k1 = 0."""
    n = int(v.shape[-1]).bit_length() - 1
    ratio = k2 / k1 if k1 else 1.0
    values = [
        v[large] - ratio * v[small]
        for large in sets_of_order(n, k2)
        for small in sets_of_order(n, k1)
        if small & ~large == 0
    ]
    return math.fsum(values) / len(values)
