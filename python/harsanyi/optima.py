"""How much of a strength per order the game determines: both ends of the set of sparsest pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, cast

from harsanyi._arrays import ArrayT, check_number
from harsanyi.reductions import reduce_orders
from harsanyi.sparse import Decomposition, decompose

__all__ = ["Band", "band"]


@dataclass(frozen=True, eq=False, slots=True)
class Band(Generic[ArrayT]):
    """Both ends of the set of optima: how much of a curve over orders the game determines at all.

    Attributes:
        low: the optimum of the lowest orders, by `tie_break > 0`.
        high: that of the highest orders, by `tie_break < 0`.
        strength_low: sum of |and_| + |or_| by order m = 0..n in `low`, shape [..., n + 1]; 0 at m = 0.
        strength_high: the same in `high`.
    """

    low: Decomposition[ArrayT]
    high: Decomposition[ArrayT]
    strength_low: ArrayT
    strength_high: ArrayT


def band(v: ArrayT, *, tie_break: float = 0.01, **options: Any) -> Band[ArrayT]:
    """The decompositions at both ends of the set of optima, and their strengths by order.

    The plain l1 norm has many minimisers; `tie_break` and `-tie_break` choose opposite ends. Where the two
    curves over orders differ, a published curve says how the optimiser broke the tie; where they agree, the
    network determines it.

    Args:
        v: the game, shape [..., 2**n].
        tie_break: above 0 and below `1 / (n - 1)`. The curves are trusted for a gap well below it.
        **options: as for `decompose`, but for `warm_start`, `workspace` and `progress`.

    Returns:
        A Band.

    Raises:
        ArgumentError: as `decompose`, or `tie_break` is not positive.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> linear = hs.zeta(np.array([0.0, 1, 2, 0, 3, 0, 0, 0]))  # 1, 2 and 3
        >>> ends = hs.band(linear, noise=0, gap=1e-6)
        >>> ends.strength_low.round(2), bool(ends.strength_high[2] > 1)
        (array([0., 6., 0., 0.]), True)
    """
    check_number(tie_break, "tie_break", open_end=True)
    low = decompose(v, tie_break=tie_break, **options)
    high = decompose(v, tie_break=-tie_break, **options)
    return Band(low, high, _strength(low), _strength(high))


def _strength(found: Decomposition[ArrayT]) -> ArrayT:
    strength: Any = reduce_orders(found.and_).absolute
    strength = strength + reduce_orders(found.or_).absolute
    strength[..., 0] = 0
    return cast("ArrayT", strength)
