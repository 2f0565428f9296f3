"""Slow definitions, written from the formulas and from nothing else: what the tests compare the package with.

Subsets are integers, bit i set <=> player i in the subset. Games are numpy vectors of length 2**n.
"""

from __future__ import annotations

import decimal
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[Any]


# ---- subsets ----


def size(subset: int) -> int:
    return bin(subset).count("1")


def members(subset: int) -> tuple[int, ...]:
    return tuple(i for i in range(subset.bit_length()) if subset >> i & 1)


def subset_of(players: tuple[int, ...]) -> int:
    return sum(1 << i for i in players)


def sets_of_order(n: int, k: int) -> list[int]:
    return sorted(subset_of(players) for players in itertools.combinations(range(n), k))


def subsets_within(superset: int) -> Iterator[int]:
    """Every subset of `superset`, the empty one and itself included."""
    for players in itertools.chain.from_iterable(
        itertools.combinations(members(superset), k) for k in range(size(superset) + 1)
    ):
        yield subset_of(players)


def popcounts(n: int) -> Vector:
    return np.array([size(s) for s in range(1 << n)], dtype=np.int64)


def permuted(x: Vector, permutation: list[int]) -> Vector:
    """The same game with player i renamed permutation[i]: result[image of S] = x[S]."""
    n = len(permutation)
    image = [subset_of(tuple(permutation[i] for i in members(s))) for s in range(1 << n)]
    result = np.empty_like(x)
    result[..., image] = x
    return result


# ---- lattice transforms: rows of the dense matrix, entry by entry from the definition ----


def transform_rows(name: str, n: int, rows: Vector) -> Vector:
    """Rows `rows` of the 2**n x 2**n matrix of a named transform, int64."""
    full = (1 << n) - 1
    s, t = np.asarray(rows, dtype=np.int64)[:, None], np.arange(1 << n, dtype=np.int64)[None, :]
    parity = 1 - 2 * (popcounts(n) & 1)  # (-1)**|S|
    if name == "zeta":  # sum over T in S
        return ((t & ~s) == 0).astype(np.int64)
    if name == "mobius":  # (-1)**(|S|-|T|) over T in S
        return ((t & ~s) == 0) * parity[s] * parity[t]
    if name == "superset_zeta":  # sum over T containing S
        return ((s & ~t) == 0).astype(np.int64)
    if name == "superset_mobius":
        return ((s & ~t) == 0) * parity[s] * parity[t]
    if name == "or_transform":  # -(-1)**(|S|-|C|) over C in S, taken at T = full ^ C
        c = full ^ t
        return -(((c & ~s) == 0) * parity[s] * parity[c])
    if name == "or_inverse":  # I[0] = -u[full] makes u[S] = -(sum of I[T] over T disjoint from S)
        return -((s & t) == 0).astype(np.int64)
    if name == "walsh_hadamard":
        return parity[s & t]
    raise ValueError(name)


def kronecker_rows(matrix: Vector, n: int, rows: Vector) -> Vector:
    """Rows of kron(matrix): the product over players i of matrix[bit i of S, bit i of T]."""
    s, t = np.asarray(rows, dtype=np.int64)[:, None], np.arange(1 << n, dtype=np.int64)[None, :]
    result = np.ones((s.shape[0], 1 << n))
    for i in range(n):
        result = result * np.asarray(matrix)[s >> i & 1, t >> i & 1]
    return result


def apply_rows(rows_of: Callable[[Vector], Vector], x: Vector, chunk: int = 512) -> tuple[Vector, Vector]:
    """A x and |A| |x|, where rows_of gives rows of A; the second bounds the rounding of the first."""
    length = x.shape[-1]
    result, scale = [], []
    for first in range(0, length, chunk):
        block = rows_of(np.arange(first, min(first + chunk, length)))
        result.append(x @ block.T)
        scale.append(np.abs(x) @ np.abs(block).T)
    return np.concatenate(result, axis=-1), np.concatenate(scale, axis=-1)


def mobius(v: Vector) -> Vector:
    """Harsanyi dividends of one game, by the sum over subsets."""
    n = int(v.shape[-1]).bit_length() - 1
    return transform_rows("mobius", n, np.arange(1 << n)) @ v


# ---- reductions per order ----


def order_sums(x: Vector, threshold: float, salient_only: bool) -> dict[str, Vector]:
    """Per order of one vector: sum, sum of |.|, positive and negative part, count above the threshold."""
    n = int(x.shape[-1]).bit_length() - 1
    result = {name: np.zeros(n + 1) for name in ("sum", "absolute", "positive", "negative", "count")}
    for s in range(1 << n):
        value, m = float(x[s]), size(s)
        salient = abs(value) > threshold
        result["count"][m] += salient
        if salient or not salient_only:
            result["sum"][m] += value
            result["absolute"][m] += abs(value)
            result["positive"][m] += max(value, 0.0)
            result["negative"][m] += max(-value, 0.0)
    return result


# ---- interaction indices of one game v, from their definitions on v (never from dividends) ----


def derivative(v: Vector, s: int, t: int) -> float:
    """Discrete derivative of v by S at T outside S: sum over L in S of (-1)**(|S|-|L|) v[T | L]."""
    return float(sum((-1) ** (size(s) - size(l)) * v[t | l] for l in subsets_within(s)))


def shapley_values(v: Vector) -> Vector:
    """Mean marginal contribution over all orders in which the players may arrive."""
    n = int(v.shape[-1]).bit_length() - 1
    values = np.zeros(n)
    for arrival in itertools.permutations(range(n)):
        present = 0
        for i in arrival:
            values[i] += v[present | 1 << i] - v[present]
            present |= 1 << i
    return values / math.factorial(n)


def derivative_index(v: Vector, order: int, weight: Callable[[int, int, int], float]) -> Vector:
    """Sum over T outside S of weight(n, |S|, |T|) times the derivative by S at T; 0 above the order."""
    n = int(v.shape[-1]).bit_length() - 1
    full = (1 << n) - 1
    result = np.zeros(1 << n)
    for s in range(1 << n):
        if size(s) <= order:
            outside = subsets_within(full ^ s)
            result[s] = sum(weight(n, size(s), size(t)) * derivative(v, s, t) for t in outside)
    return result


def sii_weight(n: int, s: int, t: int) -> float:
    """Grabisch & Roubens 1999: (n-t-s)! t! / (n-s+1)!."""
    return math.factorial(n - t - s) * math.factorial(t) / math.factorial(n - s + 1)


def bii_weight(n: int, s: int, t: int) -> float:
    """Grabisch & Roubens 1999: 1 / 2**(n-s)."""
    return 0.5 ** (n - s)


def shapley_taylor(v: Vector, order: int) -> Vector:
    """Sundararajan et al., ICML 2020: derivatives at the empty set; at the order itself, their mean.

    The share of T among the sets that precede S in a random permutation is (k/n) / C(n-1, |T|).
    """
    n = int(v.shape[-1]).bit_length() - 1
    full = (1 << n) - 1
    result = np.zeros(1 << n)
    for s in range(1 << n):
        if size(s) < order:
            result[s] = derivative(v, s, 0)
        elif size(s) == order:
            result[s] = sum(
                order / n / math.comb(n - 1, size(t)) * derivative(v, s, t) for t in subsets_within(full ^ s)
            )
    return result


def bernoulli_numbers(count: int) -> list[float]:
    """B_0, B_1 = -1/2, B_2, ... from sum over j < m+1 of C(m+1, j) B_j = 0."""
    numbers = [1.0]
    for m in range(1, count):
        numbers.append(-sum(math.comb(m + 1, j) * numbers[j] for j in range(m)) / (m + 1))
    return numbers


def k_shapley(v: Vector, order: int) -> Vector:
    """Bordt & von Luxburg 2023: SII up to order k aggregated with Bernoulli numbers; v[0] at the empty set.

    kSII(S) = sum over T outside S with |S| + |T| <= k of B_|T| SII(S | T).
    """
    n = int(v.shape[-1]).bit_length() - 1
    full = (1 << n) - 1
    sii, bernoulli = derivative_index(v, order, sii_weight), bernoulli_numbers(order + 1)
    result = np.zeros(1 << n)
    for s in range(1, 1 << n):
        if size(s) <= order:
            added = [t for t in subsets_within(full ^ s) if size(s | t) <= order]
            result[s] = sum(bernoulli[size(t)] * sii[s | t] for t in added)
    result[0] = v[0]
    return result


def faithful(v: Vector, order: int, weight: Callable[[int, int], float], exact_ends: bool) -> Vector:
    """Tsai et al., JMLR 2023: the best approximation of v by a game without interactions above the order.

    Minimises the sum over S of weight(n, |S|) (v[S] - sum over T in S of e[T])**2; with exact_ends the
    approximation equals v on the empty and the full set, which then do not enter the sum.
    """
    n = int(v.shape[-1]).bit_length() - 1
    free = [s for s in range(1 << n) if size(s) <= order]
    design = transform_rows("zeta", n, np.arange(1 << n))[:, free].astype(np.float64)
    ends = [0, (1 << n) - 1] if exact_ends else []
    weights = np.array([0.0 if s in ends else weight(n, size(s)) for s in range(1 << n)])
    gram, constraints = design.T @ (weights[:, None] * design), design[ends]
    system = np.block([[gram, constraints.T], [constraints, np.zeros((len(ends), len(ends)))]])
    right = np.concatenate([design.T @ (weights * v), v[ends]])
    result = np.zeros(1 << n)
    result[free] = np.linalg.lstsq(system, right, rcond=None)[0][: len(free)]
    return result


def faithful_shapley_weight(n: int, s: int) -> float:
    """Proportional to (n-1) / (C(n, s) s (n-s))."""
    return (n - 1) / (math.comb(n, s) * s * (n - s))


def faithful_banzhaf_weight(n: int, s: int) -> float:
    return 1.0


# ---- masked batches and output functions ----


def masked_batch(sample: Any, baseline: Any, player: Any, keep: Any) -> list[list[Any]]:
    """Rows of flat elements: the sample's where it has no player or a kept one, else the baseline's."""
    return [
        [
            x if owner < 0 or row[owner] else base
            for x, base, owner in zip(sample, baseline, player, strict=True)
        ]
        for row in keep
    ]


def class_outputs(logits: list[float], target: int) -> tuple[float, float]:
    """Log-odds and log-probability of a class, from probabilities of 500 digits."""
    with decimal.localcontext() as context:
        context.prec, context.Emin, context.Emax = 500, -(10**6), 10**6
        weights = [decimal.Decimal(z).exp() for z in logits]
        others = sum(w for c, w in enumerate(weights) if c != target)
        chosen = weights[target]
        return float((chosen / others).ln()), float((chosen / (others + chosen)).ln())
