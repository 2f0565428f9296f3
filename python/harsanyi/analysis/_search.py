"""Least squares with few parameters: non-negative coefficients inside a search from the places of a grid.

Variable projection: for given parameters of the shapes the best coefficients are found exactly, so that only
the parameters are searched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["local_minima", "minimise", "nonnegative_pair"]

Floats = npt.NDArray[np.float64]

_STARTS = 2
_STEPS = 50
_DIFFERENCE = 1e-6  # of the forward differences; parameters are of order 1 by their choice
_COLLINEAR = 1e-12  # squared sine below which two shapes are one
_TINY = 1e-300


def nonnegative_pair(ss: Any, dd: Any, sd: Any, sa: Any, da: Any) -> tuple[Floats, Floats, Floats]:
    """The x, y >= 0 that minimise `|a - x s - y d|**2`, and by how much that is below `|a|**2`.

    Args:
        ss: inner products `s.s`; `dd`, `sd`, `sa`, `da` likewise, of shapes that broadcast.
        dd: see ss.
        sd: see ss.
        sa: see ss.
        da: see ss.

    A minimum inside the quadrant solves the normal equations; otherwise one of the two is 0, and the better
    of both cases is taken.
    """
    ss, dd, sd, sa, da = np.broadcast_arrays(ss, dd, sd, sa, da)
    only_s = np.where(ss > _TINY, np.maximum(sa, 0) / np.maximum(ss, _TINY), 0.0)
    only_d = np.where(dd > _TINY, np.maximum(da, 0) / np.maximum(dd, _TINY), 0.0)
    prefers_s = only_s * sa >= only_d * da
    det = ss * dd - sd * sd
    inside = det > _COLLINEAR * ss * dd
    safe = np.where(inside, det, 1.0)
    x, y = (sa * dd - da * sd) / safe, (da * ss - sa * sd) / safe
    inside &= (x >= 0) & (y >= 0)
    x = np.where(inside, x, np.where(prefers_s, only_s, 0.0))
    y = np.where(inside, y, np.where(prefers_s, 0.0, only_d))
    return x, y, x * sa + y * da


def local_minima(costs: Floats) -> list[int]:
    """Places of the least entries that neither neighbour undercuts, at most two, best first."""
    beside = np.pad(costs, 1, constant_values=np.inf)
    places = np.flatnonzero((costs <= beside[:-2]) & (costs <= beside[2:]))
    ranked: list[int] = places[np.argsort(costs[places], kind="stable")].tolist()
    return ranked[:_STARTS]


def minimise(
    residual: Callable[[Floats], Floats],
    starts: list[Floats],
    low: Floats,
    high: Floats,
    *,
    gain: float = 1e-12,
) -> tuple[Floats, Floats]:
    """The parameters of least `|residual|` in a box, refined from each start, and the residual there.

    Args:
        residual: of the parameters; of norm at most about 1, so that its rounding is known.
        starts: at least one, the most promising first.
        low: least value of each parameter.
        high: largest value of each parameter.
        gain: relative, of `|residual|**2`: refinement ends with a step that gains less.
    """
    best: tuple[float, Floats, Floats] | None = None
    for start in starts:
        found, rest = _refine(residual, start, low, high, gain, np.inf if best is None else best[0])
        cost = float(rest @ rest)
        if best is None or cost < best[0]:
            best = cost, found, rest
        if cost < 1e-20:  # an exact fit: no other start can be better
            break
    if best is None:
        raise ValueError("no start")
    return best[1], best[2]


def _refine(
    residual: Callable[[Floats], Floats],
    start: Floats,
    low: Floats,
    high: Floats,
    gain: float,
    to_beat: float,
) -> tuple[Floats, Floats]:
    """Levenberg and Marquardt in a box, with forward differences. Never leaves a better point for a worse.

    Gives up where ten more steps like the last would not bring `|residual|**2` down to `to_beat`.
    """
    at, r = start, residual(start)
    cost, damping = float(r @ r), 1e-4
    for _ in range(_STEPS):
        jacobian = np.empty((r.size, at.size))
        for i in range(at.size):
            step = _DIFFERENCE if at[i] + _DIFFERENCE <= high[i] else -_DIFFERENCE
            beside = at.copy()
            beside[i] += step
            jacobian[:, i] = (residual(beside) - r) / step
        gradient, gram = jacobian.T @ r, jacobian.T @ jacobian
        free = ~((at <= low) & (gradient > 0) | (at >= high) & (gradient < 0)) & (gram.diagonal() > _TINY)
        moved = at
        while free.any() and damping < 1e6:
            system = gram[np.ix_(free, free)]
            system = system + np.diag(damping * system.diagonal() + _TINY)
            candidate = at.copy()
            candidate[free] -= np.linalg.solve(system, gradient[free])
            candidate = np.clip(candidate, low, high)
            rest = residual(candidate)
            if float(rest @ rest) < cost:
                moved, r, damping = candidate, rest, max(damping / 10, 1e-10)
                break
            damping *= 10
        change, gained = np.abs(moved - at).max(), cost - float(r @ r)
        at, cost = moved, float(r @ r)
        if change < 1e-12 or gained <= gain * cost or cost < 1e-28 or cost - 10 * gained > to_beat:
            break
    return at, r
