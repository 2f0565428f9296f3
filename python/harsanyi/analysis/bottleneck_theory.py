"""The theory of the representation bottleneck: what outputs and training strengths are made of, by order.

`I^(m)(i, j)` are the multi-order interactions of `harsanyi.multi_order`, m = 0..n-2.

Source of all: Deng et al., ICLR 2022.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, lgamma, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import ArrayT, as_array, check_number, check_players, lattice_players
from harsanyi.analysis._common import double
from harsanyi.errors import ArgumentError
from harsanyi.games.masking import host_array
from harsanyi.pairwise import multi_order
from harsanyi.reductions import like

__all__ = [
    "DifferenceWeights",
    "DimensionFit",
    "difference_weights",
    "expected_difference",
    "fit_dimension",
    "learning_strength",
    "order_weights",
]

Floats = npt.NDArray[np.float64]

_MAX_PLAYERS = 1 << 20
_GRID = 400  # dimensions at which the residual of a fit is looked at before the best is refined
_REFINEMENTS = 80


@dataclass(frozen=True, eq=False)
class DifferenceWeights:
    """What the expected change of the output between nested sets is made of; see `difference_weights`.

    Attributes:
        empty: of v[empty].
        single: of `v[{i}] - v[empty]`, the same for every player.
        pairs: of `I^(m)(i, j)`, for each ordered pair i != j, float64 [n-1].
    """

    empty: float
    single: float
    pairs: Floats


@dataclass(frozen=True, eq=False)
class DimensionFit:
    """The dimension at which theory is closest to measured strengths; see `fit_dimension`.

    Attributes:
        dimension: n', 2 to n.
        curve: the theory at the given orders, float64 [orders]; 1 at order 0.
        measured: the strengths relative to order 0, float64 [orders].
        residual: root of the mean squared difference of the two.
    """

    dimension: float
    curve: Floats
    measured: Floats
    residual: float


def order_weights(n: int) -> Floats:
    """The share of each order in the output, `w^(m) = (n-1-m) / (n (n-1))`, m = 0..n-2.

    `v[full] = v[empty] + sum of (v[{i}] - v[empty]) over i + sum of w^(m) I^(m)(i, j) over i != j and m`.

    Args:
        n: number of players, at least 2.

    Returns:
        float64 [n-1].

    Raises:
        ArgumentError: fewer than two players.

    Source: eq. 2.

    Example:
        >>> from harsanyi.analysis.bottleneck_theory import order_weights
        >>> order_weights(3)
        array([0.33333333, 0.16666667])
    """
    n = check_players(n, least=2, most=_MAX_PLAYERS)
    return (n - 1 - np.arange(n - 1)) / (n * (n - 1))


def difference_weights(n: int, k1: int, k2: int) -> DifferenceWeights:
    """What `v(S2) - (k2 / k1) v(S1)` is made of, in expectation over nested sets of k1 and k2 players.

    `(1 - k2/k1) v[empty] + sum of w~^(m) I^(m)(i, j) over i != j and m`, with `w~^(m) n (n-1)` equal to
    `(k2/k1 - 1) (m+1)` up to m = k1 - 2, to `k2 - m - 1` above that up to k2 - 2, and 0 beyond. For k1 = 0
    the change is `v(S2) - v[empty]`, which also has a share `k2 / n` of every player alone.

    Args:
        n: number of players, at least 2.
        k1: players in S1, 0 <= k1 < k2.
        k2: players in S2, at most n.

    Returns:
        DifferenceWeights.

    Raises:
        ArgumentError: numbers outside their ranges.

    Source: theorem 2, which is exact in expectation for the sizes of the sets.

    Example:
        >>> from harsanyi.analysis.bottleneck_theory import difference_weights
        >>> difference_weights(4, 2, 4).pairs * 12
        array([1., 2., 1.])
    """
    n = check_players(n, least=2, most=_MAX_PLAYERS)
    k2 = check_players(k2, least=1, most=n, name="k2")
    k1 = check_players(k1, most=k2 - 1, name="k1")
    m = np.arange(n - 1)
    above = np.maximum(k2 - m - 1, 0)
    if k1 == 0:
        return DifferenceWeights(0.0, k2 / n, above / (n * (n - 1)))
    weights = np.where(m <= k1 - 2, (k2 / k1 - 1) * (m + 1), above) / (n * (n - 1))
    return DifferenceWeights(1 - k2 / k1, 0.0, weights)


def expected_difference(v: ArrayT, k1: int, k2: int) -> ArrayT:
    """The mean of `v(S2) - (k2 / k1) v(S1)` over all nested sets, from the multi-order interactions of v.

    Args:
        v: the value of every subset, [..., 2**n], n >= 2, float32, float64 or int64.
        k1: players in S1, 0 <= k1 < k2.
        k2: players in S2, at most n.

    Returns:
        [...], of the dtype of v (float64 for int64).

    Raises:
        ArgumentError, ArgumentTypeError: as for `multi_order` and `difference_weights`.

    Source: eq. 6.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis.bottleneck_theory import expected_difference
        >>> expected_difference(np.array([0.0, 0.0, 0.0, 6.0]), 0, 2)
        np.float64(6.0)
    """
    interactions: Any = multi_order(v)
    x: Any = as_array(v, "v")
    n = lattice_players(x, "v")
    weights = difference_weights(n, k1, k2)
    single = sum(x[..., 1 << i] - x[..., 0] for i in range(n))
    pairs = (interactions * like(weights.pairs, interactions)).sum((-3, -2, -1))
    mean: ArrayT = weights.empty * x[..., 0] + weights.single * single + pairs
    return mean


def learning_strength(n: float, orders: Any = None, *, relative: bool = False) -> Floats:
    """The strength with which training drives each order, `F^(m) = w^(m) / sqrt(C(n-2, m))`.

    Args:
        n: number of players, at least 2; any real number, with the binomial coefficient by Gamma functions.
        orders: m, real numbers in 0..n-2; None: all integers there.
        relative: to order 0, `F^(m) / F^(0)`.

    Returns:
        float64, of the shape of `orders`.

    Raises:
        ArgumentError: n below 2, or an order outside 0..n-2.

    Source: theorem 1: the weights' changes through I^(m)(i, j) are normal with a standard deviation
    proportional to F^(m).

    Example:
        >>> from harsanyi.analysis.bottleneck_theory import learning_strength
        >>> learning_strength(4, relative=True).round(3)
        array([1.   , 0.471, 0.333])
    """
    n = check_number(n, "n", least=2)
    m = np.arange(int(n) - 1, dtype=np.float64) if orders is None else _numbers(orders, "orders")
    if not ((m >= 0) & (m <= n - 2 + 1e-9)).all():
        raise ArgumentError("orders", m[~((m >= 0) & (m <= n - 2))].tolist(), f"from 0 to n - 2 = {n - 2:g}")
    strength = np.array([_relative_strength(n - 2, min(order, n - 2)) for order in m.ravel()])
    return strength.reshape(m.shape) * (1 if relative else 1 / n)


def fit_dimension(strength: Any, orders: Any, n: int) -> DimensionFit:
    """The smaller dimension n' whose theoretical curve is closest to the measured one.

    Least squares of `F^(m') / F^(0)` at n' players against `J^(m) / J^(0)`, at equal relative orders
    `m' = (n'-2) m / (n-2)`, over real n' from 2 to n.

    Args:
        strength: `J^(m)`, [orders].
        orders: m, integers from 0 to n-2, [orders]; 0 among them.
        n: number of players, at least 3.

    Returns:
        DimensionFit.

    Raises:
        ArgumentError: shapes that differ, an order outside 0..n-2, no order 0, or strengths that are not
            finite or not positive at order 0.

    Source: section 3.2, Fig. 3b: representations are redundant, so that the dimension of a network's latent
    space is smaller than the number of input variables.

    Example:
        >>> from harsanyi.analysis.bottleneck_theory import fit_dimension, learning_strength
        >>> fit = fit_dimension(learning_strength(12), range(11), 12)
        >>> round(fit.dimension, 3)
        12.0
    """
    n = check_players(n, least=3, most=_MAX_PLAYERS)
    m, j = _numbers(orders, "orders"), _numbers(strength, "strength")
    if m.ndim != 1 or m.shape != j.shape or not m.size:
        raise ArgumentError("strength, orders", f"shapes {j.shape} and {m.shape}", "lists of one length")
    if not ((m >= 0) & (m <= n - 2)).all() or not (m == 0).any():
        raise ArgumentError("orders", m.tolist(), f"from 0 to n - 2 = {n - 2}, 0 among them")
    first = j[m == 0][0]
    if not np.isfinite(j).all() or first <= 0:
        raise ArgumentError("strength", j.tolist(), "finite numbers, positive at order 0")
    measured, at = j / first, m / (n - 2)

    def curve(degrees: float) -> Floats:
        return np.array([_relative_strength(degrees, degrees * share) for share in at])

    def misfit(degrees: float) -> float:
        return float(((curve(degrees) - measured) ** 2).sum())

    grid = (n - 2) * (np.arange(_GRID + 1) / _GRID) ** 2  # finer at small dimensions, where the curve bends
    best = int(np.argmin([misfit(degrees) for degrees in grid]))
    degrees = _minimum(misfit, float(grid[max(best - 1, 0)]), float(grid[min(best + 1, _GRID)]))
    degrees = min((degrees, float(grid[best])), key=misfit)
    return DimensionFit(degrees + 2, curve(degrees), measured, sqrt(misfit(degrees) / m.size))


def _numbers(x: Any, name: str) -> Floats:
    return np.asarray(host_array(double(x, name)), dtype=np.float64)


def _relative_strength(degrees: float, order: float) -> float:
    """F^(m) / F^(0) of n - 2 = `degrees`: `(n-1-m) / (n-1) / sqrt(C(n-2, m))`."""
    log_binomial = lgamma(degrees + 1) - lgamma(order + 1) - lgamma(degrees - order + 1)
    return exp(log((degrees + 1 - order) / (degrees + 1)) - log_binomial / 2)


def _minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one minimum in low..high has it: golden-section search."""
    golden = (sqrt(5) - 1) / 2
    inner, outer = high - golden * (high - low), low + golden * (high - low)
    at_inner, at_outer = function(inner), function(outer)
    for _ in range(_REFINEMENTS):
        if at_inner <= at_outer:
            high, outer, at_outer = outer, inner, at_inner
            inner = high - golden * (high - low)
            at_inner = function(inner)
        else:
            low, inner, at_inner = inner, outer, at_outer
            outer = low + golden * (high - low)
            at_outer = function(outer)
    return (low + high) / 2
