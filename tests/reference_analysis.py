"""The analyses as their formulas read: loops over samples and sets, nothing shared with the package.

Interactions are lists of kinds (one, or AND and OR), each [samples, 2**n] or [2**n]. A ratio of 0 by 0 is
NaN, and a mean leaves NaN out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from reference import size

Kinds = Sequence[Any]
NAN = float("nan")


def players(kinds: Kinds) -> int:
    return int(kinds[0].shape[-1]).bit_length() - 1


def effects(kinds: Kinds, order: int) -> list[float]:
    """The interactions of an order of one sample, kind after kind; the empty set is none."""
    return [float(x[s]) for x in kinds for s in range(1, x.shape[-1]) if size(s) == order]


def divided(over: float, under: float) -> float:
    return over / under if under != 0 else NAN


def mean(values: Iterable[float]) -> float:
    known = [x for x in values if not math.isnan(x)]
    return divided(math.fsum(known), len(known))


def sample(kinds: Kinds, i: int) -> list[Any]:
    return [x[i] for x in kinds]


# ---- strength ----


def largest(kinds: Kinds) -> float:
    return max(abs(float(value)) for x in kinds for value in x[1:])


def output_range(v: Any) -> float:
    return mean(abs(row[-1] - row[0]) for row in v)


def strength(kinds: Kinds, tau: float, sign: int) -> list[float]:
    """A+ (sign 1), A- (sign -1), by order, of one sample."""
    return [
        math.fsum(max(sign * x, 0) for x in effects(kinds, m) if abs(x) > tau)
        for m in range(players(kinds) + 1)
    ]


def salient_count(kinds: Kinds, tau: float) -> list[int]:
    return [sum(abs(x) > tau for x in effects(kinds, m)) for m in range(players(kinds) + 1)]


def mean_strength(kinds: Kinds, taus: Sequence[float], sign: int) -> list[float]:
    """E_x A+ or E_x A-."""
    rows = [strength(sample(kinds, i), tau, sign) for i, tau in enumerate(taus)]
    return [mean(row[m] for row in rows) for m in range(players(kinds) + 1)]


def first_order_scale(kinds: Kinds, taus: Sequence[float]) -> float:
    """Z = E_x sum |I_and| + |I_or| over the salient sets of order 1."""
    return mean(
        sum(abs(x) for x in effects(sample(kinds, i), 1) if abs(x) > tau) for i, tau in enumerate(taus)
    )


def boolean_strength(function: Any, n: int) -> list[float]:
    """E over x in {0, 1}**n of sum |I(S|x)|, every I from the 2**s masked versions of every x."""
    totals = [0.0] * (n + 1)
    for x in itertools.product((0, 1), repeat=n):
        for s in range(1, 1 << n):
            effect = 0.0
            for t in range(1 << n):
                if t & ~s == 0:
                    masked = tuple(x[i] if t >> i & 1 else 0 for i in range(n))
                    effect += (-1) ** (size(s) - size(t)) * function(masked)
            totals[size(s)] += abs(effect)
    return [total / 2**n for total in totals]


# ---- similarity ----


def extended(kinds: Kinds, order: int) -> list[float]:
    """Positive parts, then negative parts, of all interactions of an order."""
    values = effects(kinds, order)
    return [max(x, 0.0) for x in values] + [max(-x, 0.0) for x in values]


def overlap(first: Sequence[float], second: Sequence[float]) -> float:
    pairs = list(zip(first, second, strict=True))
    return divided(math.fsum(min(pair) for pair in pairs), math.fsum(max(pair) for pair in pairs))


def jaccard(first: Kinds, second: Kinds) -> list[float]:
    return [overlap(extended(first, m), extended(second, m)) for m in range(players(first) + 1)]


def class_vector(kinds: Kinds, chosen: Sequence[int], order: int, parts: str) -> list[float]:
    if parts == "of_mean":
        return extended([np.mean([x[i] for i in chosen], axis=0) for x in kinds], order)
    vectors = [extended(sample(kinds, i), order) for i in chosen]
    return [mean(column) for column in zip(*vectors, strict=True)]


def class_similarity(train: Kinds, test: Kinds, y: Sequence[int], z: Sequence[int], parts: str) -> list[Any]:
    rows = []
    for label in sorted({*y, *z}):
        ours, theirs = ([i for i, found in enumerate(labels) if found == label] for labels in (y, z))
        if not ours or not theirs:
            rows.append([NAN] * (players(train) + 1))
            continue
        rows.append(
            [
                overlap(class_vector(train, ours, m, parts), class_vector(test, theirs, m, parts))
                for m in range(players(train) + 1)
            ]
        )
    return rows


def inconsistency(clean: Kinds, attacked: Kinds, taus: Sequence[float]) -> list[float]:
    ratios: list[list[float]] = [[] for _ in range(players(clean) + 1)]
    for i, tau in enumerate(taus):
        for m, row in enumerate(ratios):
            both = zip(effects(sample(clean, i), m), effects(sample(attacked, i), m), strict=True)
            chosen = [(x, y) for x, y in both if abs(x) > tau]
            row.append(divided(sum(x * y < 0 for x, y in chosen), len(chosen)))
    return [mean(row) for row in ratios]


def interaction_variance(draws: Kinds) -> list[float]:
    """Draws [samples, draws, 2**n]; the unbiased variance."""
    n = players(draws)
    result = [NAN]
    for m in range(1, n + 1):
        found = []
        for x in draws:
            for of_sample in x:
                for s in range(1 << n):
                    if size(s) == m:
                        column = [float(row[s]) for row in of_sample]
                        centre = math.fsum(column) / len(column)
                        found.append(math.fsum((c - centre) ** 2 for c in column) / (len(column) - 1))
        result.append(mean(found))
    return result


def line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """Slope, intercept and R squared by the normal equations."""
    design = np.stack([np.asarray(x, float), np.ones(len(x))], 1)
    slope, intercept = np.linalg.lstsq(design, np.asarray(y), rcond=None)[0]
    residual = np.sum((np.asarray(y) - design @ [slope, intercept]) ** 2)
    return slope, intercept, 1 - residual / np.sum((np.asarray(y) - np.mean(y)) ** 2)


def and_second_moment(degrees: Sequence[int], sigma: float, alpha: float) -> float:
    """E of the squared product over the players, each integral by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    total = 1.0
    for degree in degrees:
        total *= float(np.sum(weights * (1 + sigma * nodes / alpha) ** (2 * degree)))
    return total


# ---- sparsity ----


def mean_outputs(v: Any) -> list[float]:
    n = len(v).bit_length() - 1
    return [mean(float(v[s]) - float(v[0]) for s in range(1 << n) if size(s) == m) for m in range(n + 1)]


def holds(mean_output: Sequence[float], p: float, slack: float) -> bool:
    """Condition 3 with exponent p, for all pairs of orders."""
    return all(
        mean_output[low] >= (low / high) ** p * mean_output[high] * (1 - slack)
        for high in range(1, len(mean_output))
        for low in range(1, high + 1)
    )


def exponent(mean_output: Sequence[float]) -> float:
    """The smallest p that holds, by bisection between -50 and 50."""
    low, high = -50.0, 50.0
    assert holds(mean_output, high, 1e-12)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(mean_output, middle, 1e-12) else (middle, high)
    return high
