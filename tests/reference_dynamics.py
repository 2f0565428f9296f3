"""Slow definitions of the analyses of learning dynamics, written from the formulas and from nothing else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import reference

Vector = npt.NDArray[Any]


def triggers(n: int, kind: str) -> Vector:
    """J[S, T]: whether the interaction of T is triggered when the players in S are present."""
    sets = range(1 << n)
    if kind == "and":  # all of T are
        return np.array([[float(t & ~s == 0) for t in sets] for s in sets])
    return np.array([[float(s & t == 0) for t in sets] for s in sets])  # none of T is: -1 times OR's Q


def decay(stars: Vector, sigma2: float, *, kind: str = "and", free_bias: bool = False) -> Vector:
    """(J'J + 2**n diag(c))^-1 J'J I*, densely; c[T] = 2**|T| sigma2, c[{}] = 0 with a free bias."""
    n = int(stars.shape[-1]).bit_length() - 1
    j = triggers(n, kind)
    noise = np.array([sigma2 * 2.0 ** reference.size(t) for t in range(1 << n)])
    if free_bias:
        noise[0] = 0
    stars = stars.copy()
    stars[0] = 0
    return np.linalg.solve(j.T @ j + 2**n * np.diag(noise), j.T @ j @ stars)


def strengths(*kinds: Vector, threshold: float = -1.0) -> tuple[Vector, Vector]:
    """A+ and A- by order of one kind or two, averaged over the samples [samples, 2**n]; order 0 is 0."""
    n = int(kinds[0].shape[-1]).bit_length() - 1
    positive, negative = np.zeros(n + 1), np.zeros(n + 1)
    for x in kinds:
        for sample in x:
            for s in range(1, 1 << n):
                if abs(sample[s]) > threshold:
                    positive[reference.size(s)] += max(sample[s], 0) / len(x)
                    negative[reference.size(s)] += max(-sample[s], 0) / len(x)
    return positive, negative


def spindle(n: int, alpha: float, beta: float) -> Vector:
    """beta Gamma(alpha n + 1) / (Gamma(m + 1) Gamma(alpha n - m + 1)); 0 from its pole at alpha n + 1 on."""
    values = []
    for m in range(n + 1):
        rest = alpha * n - m + 1
        gammas = math.gamma(m + 1) * math.gamma(rest) if rest > 0 else math.inf
        values.append(beta * math.gamma(alpha * n + 1) / gammas)
    return np.array(values)


def best_nonnegative(a: Vector, s: Vector, d: Vector) -> float:
    """The least |a - x s - y d|**2 over x, y >= 0: the best of the four faces of the quadrant."""
    costs = [float(a @ a)]
    for columns in ([s], [d], [s, d]):
        matrix = np.stack(columns, -1)
        x = np.linalg.lstsq(matrix, a, rcond=None)[0]
        if (x >= 0).all():
            costs.append(float(((a - matrix @ x) ** 2).sum()))
    return min(costs)
