"""Small numbers that several findings are decided by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harsanyi.errors import ArgumentError

__all__ = ["area", "explained", "rank_correlation", "thirds"]

Floats = npt.NDArray[np.float64]


def rank_correlation(x: npt.ArrayLike, y: npt.ArrayLike) -> float:
    """Spearman's rank correlation; equal values share the mean of their ranks.

    Args:
        x: [points].
        y: [points]; points with a NaN in either are left out.

    Returns:
        From -1 to 1; NaN for fewer than two points, or where all values of either are equal.

    Raises:
        ArgumentError: not two vectors of the same length.

    Example:
        >>> from harsanyi.experiments.measures import rank_correlation
        >>> round(rank_correlation([1, 2, 3, 4], [1.0, 0.5, 10.0, 100.0]), 3)
        0.8
    """
    pair = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if pair[0].ndim != 1 or pair[0].shape != pair[1].shape:
        raise ArgumentError("x, y", f"shapes {pair[0].shape}, {pair[1].shape}", "vectors of one length")
    known = ~(np.isnan(pair[0]) | np.isnan(pair[1]))
    first, second = (_ranks(one[known]) for one in pair)
    scale = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / scale) if scale > 0 else float("nan")


def _ranks(x: Floats) -> Floats:
    """Ranks with their mean taken away; ties share theirs."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    rank: Floats = (np.cumsum(count) - (count - 1) / 2)[place]
    centred: Floats = rank - rank.mean() if len(rank) else rank
    return centred


def thirds(by_order: npt.ArrayLike) -> tuple[float, float, float]:
    """Means over the low, the middle and the high orders.

    Args:
        by_order: for the orders 1..n, [n], n >= 3. The low and the high third are n // 3 orders each.

    Raises:
        ArgumentError: not a vector, or fewer than three orders.

    Example:
        >>> from harsanyi.experiments.measures import thirds
        >>> thirds([1.0, 2.0, 3.0, 4.0])
        (1.0, 2.5, 4.0)
    """
    x = np.asarray(by_order, dtype=np.float64)
    if x.ndim != 1 or len(x) < 3:
        raise ArgumentError("by_order", f"shape {x.shape}", "a vector of three orders or more")
    third = len(x) // 3
    return float(x[:third].mean()), float(x[third:-third].mean()), float(x[-third:].mean())


def area(epochs: Sequence[int], progress: npt.ArrayLike) -> float:
    """The area under a curve over the epochs, as a share of the training's length: its mean over the time.

    Args:
        epochs: ascending, two or more, [points].
        progress: [points].

    Raises:
        ArgumentError: not one value an epoch, or epochs that do not ascend.

    Example:
        >>> from harsanyi.experiments.measures import area
        >>> area([0, 1, 4], [0.0, 1.0, 1.0])
        0.875
    """
    t, y = np.asarray(epochs, dtype=np.float64), np.asarray(progress, dtype=np.float64)
    if t.ndim != 1 or t.shape != y.shape or len(t) < 2 or not (np.diff(t) > 0).all():
        raise ArgumentError(
            "epochs", f"{list(epochs)} for values of shape {y.shape}", "ascending, one a value"
        )
    return float(np.trapezoid(y, t) / (t[-1] - t[0]))


def explained(measured: npt.ArrayLike, model: npt.ArrayLike) -> float:
    """The share of the variance of what was measured that a model explains, R^2.

    Args:
        measured: [points].
        model: [points].

    Returns:
        At most 1; below 0 where the mean of the measured is closer to them than the model. NaN where all
        measured are equal.

    Raises:
        ArgumentError: not two vectors of the same length.

    Example:
        >>> from harsanyi.experiments.measures import explained
        >>> explained([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
        0.5
    """
    x, y = np.asarray(measured, dtype=np.float64), np.asarray(model, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ArgumentError("measured, model", f"shapes {x.shape}, {y.shape}", "vectors of one length")
    total = float(((x - x.mean()) ** 2).sum()) if len(x) else 0.0
    return 1 - float(((x - y) ** 2).sum()) / total if total > 0 else float("nan")
