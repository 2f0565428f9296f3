"""Shapley and Banzhaf values and interaction indices, from the dividends `a = mobius(v)` of a game v.

Every index is `I[S] = sum of c[|S|, |T|] a[T] over T containing S` with its own table c: for each order s
the dividends are weighted by c[s, |T|] and summed over supersets, and the entries of order s are kept. An
index up to order k costs at most k + 1 transforms; the Banzhaf index costs one, since its 2**(|S| - |T|) is
a product over the players.

Dividends are lattice vectors, arrays whose last axis has length 2**n, indexed by subset: bit i set means
player i is in. Leading axes are batch axes. Values are indexed by player, [..., n]; interactions are
lattice vectors [..., 2**n] again, with zeros above the order. All functions keep the kind of their input,
the device and gradient of a tensor, and the dtype float32 or float64; int64 becomes float64. Below, s = |S|
and t = |T|.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import ArrayT, check_players, is_tensor, require_memory
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.lattice import kronecker, superset_zeta
from harsanyi.reductions import floating_lattice, like, order_table, player_sums, sets_of_order

__all__ = [
    "banzhaf_interactions",
    "banzhaf_values",
    "dividends",
    "faithful_banzhaf",
    "faithful_shapley",
    "k_shapley",
    "shapley_interactions",
    "shapley_taylor",
    "shapley_values",
]

Table = npt.NDArray[np.float64]


def dividends(and_: ArrayT, or_: ArrayT) -> ArrayT:
    """Harsanyi dividends of the game that an AND-OR pair describes.

    `a[L] = and_[L] - (-1)**|L| (sum of or_[T] over T containing L)`, for every L. The empty entry is thus
    `and_[0] + u_or[0]`, where `u_or[0] = -(sum of or_)` is the value of the OR part on the empty set. In
    the gauge of a decomposition that is 0, its empty entry being minus the sum of the others: then
    `a[0] = and_[0]`. A pair of transforms, `mobius(u_and)` and `or_transform(u_or)`, is right as it is.

    Args:
        and_: AND interactions, shape [..., 2**n], float32, float64 or int64.
        or_: OR interactions, empty entry included, of the same shape and dtype.

    Returns:
        The dividends, of the same shape; their `zeta` is the game.

    Raises:
        ArgumentError: a last axis that is not a power of two, an empty batch, or two shapes.
        ArgumentTypeError: another dtype, two dtypes, or an array beside a tensor.

    An OR interaction of S pays unless all players of S are absent; expanded into products of presences that
    is `sum over non-empty L in S of (-1)**(|L|+1)`.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.dividends(np.zeros(4), np.array([-1.0, 0.0, 0.0, 1.0]))  # player 0 OR player 1
        array([ 0.,  1.,  1., -1.])
    """
    ands, _ = floating_lattice(and_, "and_")
    ors, _ = floating_lattice(or_, "or_")
    if is_tensor(ands) != is_tensor(ors) or ands.dtype != ors.dtype:
        found = f"{type(ors).__name__} of dtype {ors.dtype}"
        raise ArgumentTypeError("or_", found, f"like and_, {type(ands).__name__} of dtype {ands.dtype}")
    if ands.shape != ors.shape:
        raise ArgumentError("or_", f"shape {tuple(ors.shape)}", f"of the shape of and_, {tuple(ands.shape)}")
    result: ArrayT = ands - kronecker(ors, [[1, 1], [0, -1]])
    return result


def shapley_values(dividends: ArrayT) -> ArrayT:
    """Shapley values, `sum of a[T] / t over T containing i`.

    Args:
        dividends: `mobius(v)`, shape [..., 2**n], float32, float64 or int64.

    Returns:
        One value a player, shape [..., n]; they sum to `v[full] - v[0]`.

    Raises:
        ArgumentError: the last axis is not a power of two, or the batch is empty.
        ArgumentTypeError: another dtype.

    Source: Shapley 1953; each dividend is shared equally (Harsanyi 1963).

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.shapley_values(hs.mobius(np.array([0.0, 1.0, 2.0, 6.0])))
        array([2.5, 3.5])
    """
    return _player_values(dividends, _shapley_weights)


def banzhaf_values(dividends: ArrayT) -> ArrayT:
    """Banzhaf values, `sum of a[T] / 2**(t-1) over T containing i`.

    The mean marginal contribution of i over all sets without it. Args, Returns and Raises as for
    `shapley_values`; the values need not sum to `v[full] - v[0]`.

    Source: Banzhaf 1965.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.banzhaf_values(hs.mobius(np.array([0.0, 1.0, 2.0, 6.0])))
        array([2.5, 3.5])
    """
    return _player_values(dividends, _banzhaf_weights)


def shapley_interactions(dividends: ArrayT, order: int | None = None) -> ArrayT:
    """Shapley interaction index (SII), `sum of a[T] / (t-s+1) over T containing S`.

    Args:
        dividends: `mobius(v)`, shape [..., 2**n], float32, float64 or int64.
        order: highest order kept, 1 to n; None keeps all.

    Returns:
        Interactions, shape [..., 2**n], 0 above the order. Order 1 is the Shapley values. The empty entry
        is the same formula at s = 0, `sum of a[T] / (t+1)` (shapiq does so above order 1, and puts v[0] at
        order 1).

    Raises:
        ArgumentError: the last axis is not a power of two, the batch is empty, or `order` is not in 1..n.
        ArgumentTypeError: another dtype, or `order` is not an integer.

    Source: Grabisch & Roubens 1999.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.shapley_interactions(hs.mobius(np.array([0.0, 1.0, 2.0, 6.0])))
        array([2.5, 2.5, 3.5, 3. ])
    """
    a, n = floating_lattice(dividends, "dividends")
    interactions: ArrayT = _from_table(a, n, _shapley_table(n, n if order is None else _order(order, n)))
    return interactions


def banzhaf_interactions(dividends: ArrayT, order: int | None = None) -> ArrayT:
    """Banzhaf interaction index (BII), `sum of a[T] / 2**(t-s) over T containing S`.

    Args, Returns and Raises as for `shapley_interactions`. Order 1 is the Banzhaf values; the empty entry is
    the same formula at s = 0, the mean of v over all sets, as in shapiq. One transform gives all orders.

    Source: Grabisch & Roubens 1999; it is `(-2)**s 2**-n walsh_hadamard(v)[S]`.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.banzhaf_interactions(hs.mobius(np.array([0.0, 1.0, 2.0, 6.0])))
        array([2.25, 2.5 , 3.5 , 3.  ])
    """
    a, n = floating_lattice(dividends, "dividends")
    k = n if order is None else _order(order, n)
    result: Any = kronecker(a, [[1.0, 0.5], [0.0, 1.0]])
    if k < n:
        result[..., like(order_table(n) > k, a)] = 0
    interactions: ArrayT = result
    return interactions


def shapley_taylor(dividends: ArrayT, order: int) -> ArrayT:
    """Shapley-Taylor interaction index (STII) of order k: dividends below k, at k the rest shared equally.

    `a[S]` for s < k and `sum of a[T] / C(t, k) over T containing S` for s = k.

    Args:
        dividends: `mobius(v)`, shape [..., 2**n], float32, float64 or int64.
        order: k, 1 to n.

    Returns:
        Interactions, shape [..., 2**n], 0 above the order; the non-empty ones sum to `v[full] - v[0]`. The
        empty entry is v[0].

    Raises:
        ArgumentError: the last axis is not a power of two, the batch is empty, or `order` is not in 1..n.
        ArgumentTypeError: another dtype, or `order` is not an integer.

    Source: Sundararajan et al., ICML 2020.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.shapley_taylor(hs.mobius(np.array([0.0, 1.0, 2.0, 6.0])), 2)
        array([0., 1., 2., 3.])
    """
    return _additive(dividends, order, _taylor_share)


def k_shapley(dividends: ArrayT, order: int) -> ArrayT:
    """k-Shapley interactions (k-SII): the Shapley interaction index up to order k, made efficient.

    `a[S] + sum of a[T] b over T containing S, t > k`, `b = sum over j <= k-s of B_j C(t-s, j) / (t-s-j+1)`
    with the Bernoulli numbers `B_0 = 1, B_1 = -1/2, B_2 = 1/6, ...`. At order k they are the Shapley
    interaction index.

    Args, Returns and Raises as for `shapley_taylor`; the empty entry is v[0].

    Source: Bordt & von Luxburg, AISTATS 2023.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.k_shapley(hs.mobius(np.array([0.0, 1.0, 2.0, 6.0])), 1)
        array([0. , 2.5, 3.5, 0. ])
    """
    return _additive(dividends, order, _k_shapley_share)


def faithful_shapley(dividends: ArrayT, order: int) -> ArrayT:
    """Faithful Shapley interactions (FSII): the best k-additive fit of v under the Shapley kernel.

    The fit is exact on the empty and on the full set:
    `a[S] + (-1)**(k-s) s/(k+s) C(k, s) (sum of C(t-1, k) / C(t+k-1, k+s) a[T] over T containing S, t > k)`.

    Args, Returns and Raises as for `shapley_taylor`; the empty entry is v[0].

    Source: Tsai et al., JMLR 2023.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.faithful_shapley(hs.mobius(np.array([0.0, 1.0, 2.0, 6.0])), 1)
        array([0. , 2.5, 3.5, 0. ])
    """
    return _additive(dividends, order, _faithful_shapley_share)


def faithful_banzhaf(dividends: ArrayT, order: int) -> ArrayT:
    """Faithful Banzhaf interactions (FBII): the best k-additive fit of v by least squares over all subsets.

    `a[S] + (-1)**(k-s) (sum of 2**(s-t) C(t-s-1, k-s) a[T] over T containing S, t > k)`.

    Args and Raises as for `shapley_taylor`. Returns interactions, 0 above the order, which need not sum to
    `v[full] - v[0]`; the empty entry is the same formula at s = 0, the constant of the fit, as in shapiq.

    Source: Tsai et al., JMLR 2023.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.faithful_banzhaf(hs.mobius(np.array([0.0, 1.0, 2.0, 6.0])), 1)
        array([-0.75,  2.5 ,  3.5 ,  0.  ])
    """
    return _additive(dividends, order, _faithful_banzhaf_share)


# ---- the tables, exact rational numbers rounded once ----

Share = Callable[[int, int, int], Fraction]


def _taylor_share(s: int, t: int, k: int) -> Fraction:
    return Fraction(1, comb(t, k)) if s == k else Fraction(0)


def _k_shapley_share(s: int, t: int, k: int) -> Fraction:
    if s == 0:
        return Fraction(0)
    terms = (_bernoulli(j) * Fraction(comb(t - s, j), t - s - j + 1) for j in range(k - s + 1))
    return sum(terms, start=Fraction(0))


def _faithful_shapley_share(s: int, t: int, k: int) -> Fraction:
    return _sign(k - s) * Fraction(s, k + s) * comb(k, s) * Fraction(comb(t - 1, k), comb(t + k - 1, k + s))


def _faithful_banzhaf_share(s: int, t: int, k: int) -> Fraction:
    return _sign(k - s) * Fraction(comb(t - s - 1, k - s), 2 ** (t - s))


def _sign(exponent: int) -> int:
    return -1 if exponent % 2 else 1


@lru_cache(maxsize=64)
def _bernoulli(m: int) -> Fraction:
    """B_m, B_1 = -1/2, from `sum over j <= m of C(m+1, j) B_j = 0`."""
    if m == 0:
        return Fraction(1)
    return -sum((Fraction(comb(m + 1, j), m + 1) * _bernoulli(j) for j in range(m)), start=Fraction(0))


@lru_cache(maxsize=256)
def _additive_table(n: int, k: int, share: Share) -> Table:
    """The table of an index that keeps the dividends up to order k and shares out those above."""
    table = np.eye(k + 1, n + 1)
    for s in range(k + 1):
        table[s, k + 1 :] = [float(share(s, t, k)) for t in range(k + 1, n + 1)]
    return _frozen(table)


@lru_cache(maxsize=256)
def _shapley_table(n: int, k: int) -> Table:
    table = np.zeros((k + 1, n + 1))
    for s in range(k + 1):
        table[s, s:] = 1 / np.arange(1, n - s + 2)
    return _frozen(table)


@lru_cache(maxsize=64)
def _shapley_weights(n: int) -> Table:
    return _frozen(np.array([0.0, *(1 / t for t in range(1, n + 1))]))


@lru_cache(maxsize=64)
def _banzhaf_weights(n: int) -> Table:
    return _frozen(np.array([0.0, *(0.5 ** (t - 1) for t in range(1, n + 1))]))


def _frozen(table: Table) -> Table:
    table.setflags(write=False)
    return table


# ---- from tables to values ----


def _player_values(dividends: ArrayT, weights: Callable[[int], Table]) -> ArrayT:
    a, n = floating_lattice(dividends, "dividends")
    values: ArrayT = player_sums(a, n, weights(n))
    return values


def _additive(dividends: ArrayT, order: int, share: Share) -> ArrayT:
    a, n = floating_lattice(dividends, "dividends")
    k = _order(order, n)
    interactions: ArrayT = _from_table(a, n, _additive_table(n, k, share))
    return interactions


def _from_table(a: ArrayT, n: int, table: Table) -> ArrayT:
    """`I[S] = sum of c[|S|, |T|] a[T] over T containing S` for the orders of the table; c[s, s] = 1."""
    by_order = like(order_table(n), a)
    result: Any = _zeros_like(a)
    for s, weights in enumerate(table):
        kept = sets_of_order(n, s, a)
        if weights[s + 1 :].any():
            result[..., kept] = superset_zeta(a * like(weights, a)[by_order])[..., kept]
        else:  # nothing above S counts
            result[..., kept] = a[..., kept]
    interactions: ArrayT = result
    return interactions


def _zeros_like(a: Any) -> Any:
    if isinstance(a, np.ndarray):
        require_memory(3 * a.nbytes, "interactions, with the two vectors that they are made from,")
        return np.zeros(a.shape, a.dtype)
    import torch

    return torch.zeros_like(a)


def _order(order: int, n: int) -> int:
    if n == 0:
        raise ArgumentError("dividends", "the dividends of no player", "those of at least one player")
    return check_players(order, least=1, most=n, name="order")
