"""Multi-order interactions: how two players interact in contexts of every size.

`I^(m)(i, j)` is the mean over the sets S of m players without i and j of

    v[S + i + j] - v[S + i] - v[S + j] + v[S].

Lattice vectors have length 2**n on their last axis, bit i of the index set for player i present; leading axes
are batch axes.
"""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import ArrayT, is_tensor, require_memory
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.reductions import floating_lattice, like, pair_sums

if TYPE_CHECKING:
    import torch

__all__ = ["multi_order", "multi_order_from_interactions"]

Floats = npt.NDArray[np.float64]


def multi_order(v: ArrayT) -> ArrayT:
    """Multi-order interactions of a game, exactly: all pairs and all orders from one pass over v.

    Args:
        v: the value of every subset, shape [..., 2**n], 2 <= n <= 30, float32, float64 or int64.

    Returns:
        `I[..., i, j, m]`, shape [..., n, n, n-1], for contexts of m = 0..n-2 players: symmetric in i and j,
        and 0 for i = j. Of the dtype of v (float64 for int64), computed in float64; a tensor stays on its
        device and differentiable.

    Raises:
        ArgumentError: fewer than two players, a last axis that is not a power of two, or an empty batch.
        ArgumentTypeError: another dtype.
        NotEnoughMemoryError: the result does not fit; says how much it needs.

    Summed over v itself, not over its dividends, whose size can exceed that of v by 2**n: errors stay below
    about `n**2 eps max|v|` in all orders. The same to the bit for every number of threads.

    Source: Zhang et al., ICLR 2021; Deng et al., ICLR 2022, eq. 1.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> v = np.zeros(8)
        >>> v[0b111] = 3.0  # three players that count only together
        >>> hs.multi_order(v)[0, 1]
        array([0., 3.])
    """
    x, n = _game(v, "v")
    sums: Any = pair_sums(x)
    low, high = _pairs(n)
    both = sums[..., _row(low, high), :]
    single = sums[..., _row(np.arange(n), np.arange(n)), :]
    one = single[..., low, :] + single[..., high, :]  # sets with i, and sets with j
    with_both = both[..., 2:] + 2 * both[..., 1:-1] + both[..., :-2]
    total = with_both - one[..., 1:-1] - one[..., :-2] + sums[..., :1, :-2]
    counts = np.array([float(comb(n - 2, m)) for m in range(n - 1)])
    result: ArrayT = _matrix(total / like(counts, total), n, x.dtype)
    return result


def multi_order_from_interactions(and_: ArrayT, or_: ArrayT | None = None) -> ArrayT:
    """Multi-order interactions of the game that dividends, or an AND-OR pair, describe.

    `sum of (C(m, t) and_[S] - C(n-2-m, t) or_[S]) / C(n-2, t)` over the S that contain i and j, t = |S| - 2.

    Args:
        and_: AND interactions, shape [..., 2**n], float32, float64 or int64; without `or_` the dividends
            `mobius(v)` of a game.
        or_: OR interactions of the same shape and dtype.

    Returns:
        As `multi_order`.

    Raises:
        ArgumentError: as `multi_order`, or two shapes.
        ArgumentTypeError: another dtype, two dtypes, or an array beside a tensor.
        NotEnoughMemoryError: as `multi_order`.

    The shares are at most 1, but the interactions of a noisy game are large and cancel: from v itself
    `multi_order` is the more accurate, the more so in float32.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> either = np.array([-1.0, 0, 0, 0, 0, 0, 0, 1.0])  # player 0 OR 1 OR 2
        >>> hs.multi_order_from_interactions(np.zeros(8), either)[0, 1]
        array([-1.,  0.])
    """
    ands, n = _game(and_, "and_")
    result = _weighted(ands, n, [[_share(n, m, t) for m in range(n - 1)] for t in range(n - 1)])
    if or_ is not None:
        ors, _ = floating_lattice(or_, "or_")
        if is_tensor(ands) != is_tensor(ors) or ands.dtype != ors.dtype:
            found = f"{type(ors).__name__} of dtype {ors.dtype}"
            raise ArgumentTypeError("or_", found, f"like and_, {type(ands).__name__} of dtype {ands.dtype}")
        if ands.shape != ors.shape:
            raise ArgumentError(
                "or_", f"shape {tuple(ors.shape)}", f"of the shape of and_, {tuple(ands.shape)}"
            )
        table = [[_share(n, n - 2 - m, t) for m in range(n - 1)] for t in range(n - 1)]
        result = result - _weighted(ors, n, table)
    interactions: ArrayT = _matrix(result, n, ands.dtype)
    return interactions


def _game(x: object, name: str) -> tuple[Any, int]:
    values, n = floating_lattice(x, name)
    if n < 2:
        raise ArgumentError(name, f"a game of {n} player{'s' * (n != 1)}", "a game of at least two players")
    batch = int(np.prod(values.shape[:-1], dtype=np.int64))
    require_memory(8 * batch * n * n * (2 * n), f"multi-order interactions of {batch} games of {n} players")
    return values, n


def _share(n: int, m: int, t: int) -> float:
    """The share of the contexts of m players, of the n - 2 others, that contain t given ones."""
    return comb(m, t) / comb(n - 2, t)


def _weighted(x: Any, n: int, table: list[list[float]]) -> Any:
    """Per pair i < j, `sum of table[t, m] x[S]` over the S of t + 2 players with i and j."""
    sums = pair_sums(x)
    return sums[..., _row(*_pairs(n)), 2:] @ like(np.array(table), sums)


def _pairs(n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pairs i < j, as two index arrays."""
    high, low = np.tril_indices(n, -1)
    return low, high


def _row(low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The row of `pair_sums` of players low <= high."""
    return 1 + high * (high + 1) // 2 + low


def _matrix(values: Any, n: int, dtype: Any) -> Any:
    """From [..., pairs, n-1] to the symmetric [..., n, n, n-1] of the given dtype."""
    low, high = _pairs(n)
    position = np.zeros((n, n), np.int64)  # 0: the diagonal
    position[low, high] = position[high, low] = np.arange(1, low.size + 1)
    if isinstance(values, np.ndarray):
        padded = np.concatenate((np.zeros_like(values[..., :1, :]), values), axis=-2)
        return padded[..., position, :].astype(dtype, copy=False)
    import torch

    stacked: torch.Tensor = torch.cat((torch.zeros_like(values[..., :1, :]), values), dim=-2)
    return stacked[..., like(position, stacked), :].to(dtype)
