"""The conditions under which interactions are proved to be sparse, and how many valid ones there really are.

Conventions are those of `strength`: lattice vectors or pairs, axes in front kept, orders 0..n on the last
axis of a result. Everything is computed for each sample; `nan_mean` and `nan_std` give mean and spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from harsanyi._arrays import ArrayT
from harsanyi.analysis._common import beside, counts_by_order, double, kinds, namespace, ratio, without_empty
from harsanyi.analysis.strength import order_sums, salience_limit
from harsanyi.lattice import mobius
from harsanyi.reductions import floating_lattice, like, reduce_orders

if TYPE_CHECKING:
    from harsanyi.analysis._common import Interactions, Threshold

__all__ = [
    "SparsityBound",
    "SparsityConditions",
    "near_zero_share",
    "sparsity_bound",
    "sparsity_conditions",
]

_ROUNDING = 1e-12  # a fall of the mean output by less than this share of its largest size is rounding


@dataclass(frozen=True, eq=False, slots=True)
class SparsityConditions(Generic[ArrayT]):
    """The three conditions, of each sample.

    Attributes:
        highest_order: M, the highest order with a valid interaction, int64 [...]; 0 if there is none.
        mean_output: `E_{|S| = m} v[S] - v[{}]`, float64 [..., n + 1], 0 at order 0.
        falls: where the mean output is smaller than one order before, bool [..., n + 1], False at order 0.
        monotone: whether it falls nowhere, bool [...].
        exponent: p, the smallest with `mean_output[m'] >= (m' / m)**p mean_output[m]` for all m' <= m,
            float64 [...]; infinity if no finite p serves, the mean output being 0 or negative somewhere; NaN
            at n = 1, where nothing is asked of it. It is negative if the mean output falls all the way.
    """

    highest_order: ArrayT
    mean_output: ArrayT
    falls: ArrayT
    monotone: ArrayT
    exponent: ArrayT


@dataclass(frozen=True, eq=False, slots=True)
class SparsityBound(Generic[ArrayT]):
    """How many valid interactions there are, and at most: by order, [..., n + 1], and in all, [...].

    Attributes:
        effect: `A[k] = sum over |S| = k of I[S]`, float64.
        cancellation: `eta[k] = A[k] / sum over |S| = k of |I[S]|`, float64, -1 to 1; NaN where all are 0.
        count: `R[k]`, the number with `|I[S]| >= threshold`, int64.
        bound: `|A[k]| / (threshold |eta[k]|)`, which is `sum over |S| = k of |I[S]| / threshold`, float64.
        tightness: count / bound, float64, 0 to 1; NaN where the bound is 0.
        total_count: over all orders, int64.
        total_bound: over all orders, float64.
        total_tightness: their ratio, float64.
    """

    effect: ArrayT
    cancellation: ArrayT
    count: ArrayT
    bound: ArrayT
    tightness: ArrayT
    total_count: ArrayT
    total_bound: ArrayT
    total_tightness: ArrayT


def sparsity_conditions(v: ArrayT, *, threshold: Threshold | None = None) -> SparsityConditions[ArrayT]:
    """The conditions of the proof of sparsity: no high orders, a rising mean output, and one of slow decay.

    Args:
        v: games, shape [..., 2**n], float32, float64 or int64; the interactions are their dividends.
        threshold: valid is `|I[S]| >= threshold`: a number, or one per vector, of a shape that broadcasts
            to the batch's; None: 0.05 of the largest `|I|` of the vector. With 0 every `|I[S]| > 0` is valid.

    Returns:
        SparsityConditions. With all mean outputs above 0,
        `p = max over m >= 1 of log(mean_output[m + 1] / mean_output[m]) / log((m + 1) / m)`.

    Raises:
        ArgumentError: the last axis is not a power of two or holds no player, the batch is empty, or a
            threshold that is negative, NaN or of another shape.
        ArgumentTypeError: another dtype.

    Source: Ren et al., ICLR 2024, Assumptions 1-3; Cheng et al., "Revisiting generalization power",
    appendix B.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import sparsity_conditions
        >>> found = sparsity_conditions(np.array([0.0, 1.0, 1.0, 3.0]))
        >>> found.highest_order, found.mean_output, found.monotone, found.exponent.round(3)
        (np.int64(2), array([0., 1., 3.]), np.True_, np.float64(1.585))
    """
    values = double(floating_lattice(v, "v")[0], "v")
    (a,), n = kinds(mobius(values), "v")
    xp = namespace(a)
    count = order_sums(a, threshold=_just_below(salience_limit((a,), threshold))).count
    highest = xp.amax(xp.where(count > 0, like(np.arange(n + 1), count), 0), -1)

    mean = without_empty(reduce_orders(values - values[..., :1]).sum / counts_by_order(n, a).clip(1))
    fall = mean[..., :-1] - mean[..., 1:] > _ROUNDING * xp.amax(abs(mean), -1)[..., None]
    falls = xp.concatenate([xp.zeros_like(fall[..., :1]), fall], -1)
    return SparsityConditions(highest, mean, falls, ~falls.any(-1), _exponent(mean[..., 1:]))


def sparsity_bound(
    interactions: Interactions[ArrayT], *, threshold: Threshold | None = None
) -> SparsityBound[ArrayT]:
    """The real number of valid interactions of each order beside its upper bound.

    The bound holds for any numbers: no more than `sum |I| / threshold` of them can reach the threshold. What
    tells something about a network is how far below it the count stays.

    Args:
        interactions: [..., 2**n], float32, float64 or int64, or a pair, counted together.
        threshold: valid is `|I[S]| >= threshold`, as for `sparsity_conditions`; with 0 the bound is NaN.

    Returns:
        SparsityBound; the bounds and the effect are differentiable.

    Raises:
        ArgumentError, ArgumentTypeError: as for `salient`.

    Source: Ren et al., ICLR 2024, Theorem 3 and Table 2.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import sparsity_bound
        >>> found = sparsity_bound(np.array([0.0, 2.0, -1.0, 4.0]), threshold=2.0)
        >>> found.count, found.bound, found.total_count, found.total_bound
        (array([0, 1, 1]), array([0. , 1.5, 2. ]), np.int64(2), np.float64(3.5))
    """
    arrays, _ = kinds(interactions)
    limit = salience_limit(arrays, threshold)
    sums = order_sums(interactions)
    count = order_sums(interactions, threshold=_just_below(limit)).count
    bound = ratio(sums.absolute, limit[..., None])
    total_count, total_bound = count.sum(-1), bound.sum(-1)
    return SparsityBound(
        sums.sum,
        ratio(sums.sum, sums.absolute),
        count,
        bound,
        ratio(double(count), bound),
        total_count,
        total_bound,
        ratio(double(total_count), total_bound),
    )


def near_zero_share(interactions: Interactions[ArrayT], *, threshold: Threshold | None = None) -> ArrayT:
    """The share of the interactions of each vector that are not salient, `|I[S]| <= threshold`.

    Args:
        interactions: [..., 2**n], float32, float64 or int64, or a pair, counted together.
        threshold: as for `salient`; None: 0.05 of the largest `|I|` of the vector.

    Returns:
        float64, shape [...], from 0 to 1. The empty set is not counted.

    Raises:
        ArgumentError, ArgumentTypeError: as for `salient`.

    Source: Zhou et al., AAAI 2024, Fig. 2: 80 % to 95 % in trained networks.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import near_zero_share
        >>> near_zero_share(np.array([0.0, 0.1, 0.0, 4.0])).round(3)
        np.float64(0.667)
    """
    arrays, n = kinds(interactions)
    count = order_sums(interactions, threshold=salience_limit(arrays, threshold)).count.sum(-1)
    total = len(arrays) * ((1 << n) - 1)
    share: ArrayT = (total - double(count)) / total
    return share


def _just_below(limit: Any) -> Any:
    """The next smaller number: what is larger than that is at least the limit; 0 stays 0."""
    xp = namespace(limit)
    return xp.nextafter(limit, xp.zeros_like(limit))


def _exponent(mean: Any) -> Any:
    """P from the mean outputs of the orders 1..n."""
    xp = namespace(mean)
    if mean.shape[-1] == 1:
        return mean[..., 0] * np.nan
    positive = mean > 0
    logs = xp.log(xp.where(positive, mean, 1.0))
    order = beside(np.log(np.arange(1, mean.shape[-1] + 1)), mean)
    rates = (logs[..., 1:] - logs[..., :-1]) / (order[1:] - order[:-1])
    return xp.where(positive.all(-1), xp.amax(rates, -1), xp.inf)[()]
