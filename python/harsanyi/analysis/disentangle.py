"""Telling the interactions that generalise from those that do not, by the shape of their distribution.

Strengths by order are fitted by the decayed interactions of the converged network (`fit_decay`), or by these
and a spindle together (`disentangle`). What the fits share is in a `DecayTable`, made once for one network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import ArrayT, check_number
from harsanyi.analysis._common import beside, ratio
from harsanyi.analysis._search import local_minima, minimise, nonnegative_pair
from harsanyi.analysis.decay import DecayTable
from harsanyi.analysis.spindle import (
    alpha_grid,
    as_strength,
    host_strengths,
    relative_norm,
    spindle,
    spindle_part,
)
from harsanyi.analysis.strength import OrderStrength
from harsanyi.errors import ArgumentError, ArgumentTypeError

__all__ = ["DecayFit", "Disentangled", "disentangle", "fit_decay"]

Floats = npt.NDArray[np.float64]

_ZOOMS = 5  # of the grid of alpha, by 4 each
_GAIN = 1e-6  # relative: on the kinks of the decay strengths many more steps would gain nearly nothing
_ROUNDING = 1e-12  # of strengths of norm 1
_PROPORTIONAL = 0.9  # elasticity of the decay strengths in -sigma2 from which they count as 1 / sigma2


@dataclass(frozen=True, eq=False, slots=True)
class DecayFit(Generic[ArrayT]):
    """Decay strengths fitted to strengths by order. Numbers have the shape of the batch.

    Attributes:
        sigma2: variance of the uncertainty; NaN where gamma is 0.
        gamma: scale, at least 0.
        decay: the fitted strengths `gamma A_decay(sigma2)`, shape [..., n + 1] each.
        residual: the strengths minus the fit, of either sign, order 0 set to 0.
        relative_residual: norm of the residual / norm of the strengths; NaN where there are none.
        sigma2_low: this grid point of the table and all below it fit worse than the best fit by more than the
            tolerance; the table's lowest sigma2 where there is no such point.
        sigma2_high: the same above.
        status: what the strengths say of sigma2: "identified"; "lower_end" or "upper_end", where any smaller
            or larger one of the range fits as well; "ratio", where moreover the decay strengths are
            proportional to 1/sigma2 up there, so that only gamma/sigma2 is identified; "unidentified", where
            both ends fit as well; "absent", where gamma is 0. A str, or an array of them.
    """

    sigma2: Any
    gamma: Any
    decay: OrderStrength[ArrayT]
    residual: OrderStrength[ArrayT]
    relative_residual: Any
    sigma2_low: Any
    sigma2_high: Any
    status: Any


@dataclass(frozen=True, eq=False, slots=True)
class Disentangled(DecayFit[ArrayT]):
    """Strengths by order as a decay part, with the attributes of DecayFit, and a spindle part.

    Attributes:
        alpha: share of the variables that interact in the spindle, from 1/n to 2; NaN where beta is 0.
        beta: scale of the spindle, at least 0.
        spindle: the spindle part for either sign, shape [..., n + 1], order 0 set to 0.
        overlap: cosine between both parts, 0..1; NaN where one is absent. The nearer to 1, the less the
            strengths tell which part is how large: up to 0.8, noise on them moved the parts by at most ten
            times as much in our trials, at 0.97 by up to forty times.
    """

    alpha: Any
    beta: Any
    spindle: ArrayT
    overlap: Any


def disentangle(
    strength: OrderStrength[ArrayT], table: DecayTable, *, tolerance: float = 1e-3
) -> Disentangled[ArrayT]:
    """The decay part and the spindle part of strengths by order.

    Least squares of `A+- - gamma A+-_decay(sigma2) - beta A_spindle(alpha)` over the orders 1..n and both
    signs. For given alpha and sigma2 the best gamma, beta >= 0 are exact; alpha in 1/n..2 and log sigma2 in
    the table's range are searched, on a grid and then by refinement from its two best local minima.

    Args:
        strength: `A+` and `A-` of the network in question, [..., n + 1] each, averaged over the samples.
        table: `decay_table` of the interactions of the fully converged network, on the same samples.
        tolerance: how much larger a relative residual still counts as fitting as well, for the status.

    Returns:
        A record of float64 arrays, or of tensors on the device of the strengths.

    Raises:
        ArgumentError: shapes that differ or are not those of the table's n, NaN, infinity, negative numbers.
        ArgumentTypeError: not an OrderStrength, or no DecayTable.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions", eq. 9.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import OrderStrength, decay_table, disentangle, spindle
        >>> table = decay_table(np.random.default_rng(0).normal(size=(4, 64)))
        >>> positive, negative = 2 * table.evaluate(1e-3) + spindle(6, 0.8, 0.5)
        >>> found = disentangle(OrderStrength(positive, negative), table)
        >>> [round(float(x), 6) for x in (found.alpha, found.beta, found.sigma2, found.gamma)]
        [0.8, 0.5, 0.001, 2.0]
        >>> str(found.status)
        'identified'
    """
    return Disentangled(**_fit(strength, table, tolerance, gamma=None, with_spindle=True))


def fit_decay(
    strength: OrderStrength[ArrayT],
    table: DecayTable,
    *,
    gamma: float | None = 1.0,
    tolerance: float = 1e-3,
) -> DecayFit[ArrayT]:
    """The sigma2 at which the decayed interactions are nearest to the strengths by order.

    The prediction of a checkpoint's distribution from the final interactions: its error is the
    `relative_residual`.

    Args:
        strength: `A+` and `A-` of the checkpoints, [..., n + 1] each, averaged over the samples.
        table: `decay_table` of the interactions of the final network, on the same samples.
        gamma: scale of the decay strengths; None fits it too (for strengths that are normalised).
        tolerance: as for `disentangle`.

    Returns:
        A record of float64 arrays, or of tensors on the device of the strengths.

    Raises:
        ArgumentError: as for `disentangle`, or a gamma that is not positive.
        ArgumentTypeError: as for `disentangle`.

    Source: Zhou et al., "Towards the first principles of explaining DNNs", figure 3; Cheng et al.,
        "Revisiting generalization power of a DNN in terms of symbolic interactions", appendix H.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import decay_strengths, decay_table, fit_decay
        >>> final = np.random.default_rng(0).normal(size=(4, 64))
        >>> found = fit_decay(decay_strengths(final, 2e-3), decay_table(final))
        >>> round(float(found.sigma2), 9), bool(found.relative_residual < 1e-9)
        (0.002, True)
    """
    if gamma is not None:
        gamma = check_number(gamma, "gamma", open_end=True)
    return DecayFit(**_fit(strength, table, tolerance, gamma=gamma, with_spindle=False))


def _fit(
    strength: Any, table: Any, tolerance: float, *, gamma: float | None, with_spindle: bool
) -> dict[str, Any]:
    """The fields of the record."""
    if not isinstance(table, DecayTable):
        raise ArgumentTypeError("table", type(table).__name__, "a DecayTable, of decay_table")
    tolerance = check_number(tolerance, "tolerance")
    values = host_strengths(strength)
    batch, n = values.shape[:-2], values.shape[-1] - 1
    if n != table.n:
        raise ArgumentError("strength", f"{n + 1} orders", f"the {table.n + 1} orders 0..n of the table")
    numbers = {name: np.full(batch, np.nan) for name in ("alpha", "sigma2", "sigma2_low", "sigma2_high")}
    numbers |= {name: np.zeros(batch) for name in ("beta", "gamma")}
    status = np.full(batch, "absent", dtype="U12")
    decayed = np.zeros(values.shape)
    for place in np.ndindex(*batch):
        found = _Problem(values[place], table, gamma, with_spindle).solve(tolerance)
        if found is not None:
            status[place], decayed[place] = found.pop("status"), found.pop("decay")
            for name, value in found.items():
                numbers[name][place] = value
    spindles = spindle_part(n, numbers["alpha"], numbers["beta"])
    residual = values - decayed - spindles[..., None, :]
    numbers["relative_residual"] = relative_norm(residual, values)
    if with_spindle:
        numbers["overlap"] = _overlap(decayed, spindles)
    else:
        del numbers["alpha"], numbers["beta"]
    given = strength.positive
    return {
        **{name: beside(x, given)[()] for name, x in numbers.items()},
        "decay": as_strength(decayed, given),
        "residual": as_strength(residual, given),
        "status": status[()],
        **({"spindle": beside(spindles, given)} if with_spindle else {}),
    }


class _Problem:
    """One fit: strengths scaled to norm 1 as one vector of both signs, and the shapes that make it up."""

    def __init__(self, values: Floats, table: DecayTable, gamma: float | None, with_spindle: bool) -> None:
        self.size = float(np.sqrt((values**2).sum()))
        self.target = _flat(values) / (self.size or 1.0)
        self.table = table
        self.gamma = None if gamma is None else gamma / (self.size or 1.0)
        self.with_spindle = with_spindle
        self.decays: dict[float, Floats] = {}  # the search comes back to a sigma2 with another alpha

    def solve(self, tolerance: float) -> dict[str, Any] | None:
        """Parameters, decay strengths and status; None where there is nothing to fit."""
        if self.size == 0:
            return None
        logs = np.log(self.table.sigma2)[:, None]
        alphas, costs = self.profile()
        grid = np.hstack([alphas, logs])
        low, high = logs[0], logs[-1]
        if self.with_spindle:
            low, high = (np.append(alpha_grid(self.table.n)[end], logs[end]) for end in (0, -1))
        starts = [grid[place] for place in local_minima(costs)]
        at, rest = minimise(lambda at: self.split(at)[0], starts, low, high, gain=_GAIN)
        _, beta, gamma = self.split(at)
        found: dict[str, Any] = {"beta": beta * self.size, "gamma": gamma * self.size}
        if beta > 0:
            found["alpha"] = float(at[0])
        if gamma == 0:
            return found | {"status": "absent", "decay": 0.0}
        found["sigma2"] = float(np.clip(np.exp(at[-1]), *self.table.sigma2[[0, -1]]))
        found["decay"] = found["gamma"] * self.table.evaluate(found["sigma2"])
        good = self.table.sigma2[np.sqrt(costs) <= np.sqrt(rest @ rest) + tolerance]
        return found | self.identified(np.append(good, found["sigma2"]))

    def profile(self) -> tuple[Floats, Floats]:
        """For each sigma2 of the grid the best alpha, [points, 1] (or [points, 0]), and `|residual|**2`."""
        decays = _flat(self.table.strengths)
        dd, da = (decays**2).sum(-1)[:, None], (decays @ self.target)[:, None]
        if not self.with_spindle:
            costs = 1 - self.scale(dd, da)[1]
            return np.empty((len(decays), 0)), np.maximum(costs[:, 0], 0)
        alphas = alpha_grid(self.table.n)
        lowest, highest, step = alphas[0], alphas[-1], alphas[1] - alphas[0]
        alphas = alphas[None]
        for _ in range(_ZOOMS):
            spindles = self.spindles(alphas)
            ss, sa = (spindles**2).sum(-1), spindles @ self.target
            sd = (spindles * decays[:, None]).sum(-1)
            costs = 1 - nonnegative_pair(ss, dd, sd, sa, da)[2]
            best = costs.argmin(-1)[:, None]
            alphas = np.take_along_axis(np.broadcast_to(alphas, costs.shape), best, -1)
            found = alphas, np.maximum(np.take_along_axis(costs, best, -1)[:, 0], 0)
            alphas = np.clip(alphas + step * np.linspace(-1, 1, 9), lowest, highest)
            step /= 4
        return found

    def split(self, at: Floats) -> tuple[Floats, float, float]:
        """The residual, beta and gamma at (alpha, log sigma2) or (log sigma2,)."""
        decay = self.decay(float(np.exp(at[-1])))
        dd, da = decay @ decay, decay @ self.target
        if not self.with_spindle:
            gamma, _ = self.scale(dd, da)
            return self.target - gamma * decay, 0.0, float(gamma)
        shape = self.spindles(at[0])
        ss = shape @ shape
        beta, gamma, _ = nonnegative_pair(ss, dd, shape @ decay, shape @ self.target, da)
        # A part as small as the rounding of the other is none.
        beta, gamma = beta * (beta * beta * ss > _ROUNDING**2), gamma * (gamma * gamma * dd > _ROUNDING**2)
        return self.target - beta * shape - gamma * decay, float(beta), float(gamma)

    def scale(self, dd: Any, da: Any) -> tuple[Any, Any]:
        """Gamma of a decay part alone, and by how much it lowers `|residual|**2`."""
        if self.gamma is not None:
            return self.gamma, 2 * self.gamma * da - self.gamma**2 * dd
        gamma, _, gain = nonnegative_pair(dd, 0.0, 0.0, da, 0.0)
        return gamma, gain

    def decay(self, sigma2: float) -> Floats:
        """Decay strengths of both signs, [2 n]."""
        if sigma2 not in self.decays:
            self.decays[sigma2] = _flat(self.table.evaluate(sigma2))
        return self.decays[sigma2]

    def spindles(self, alpha: Any) -> Floats:
        """The spindle for both signs, [..., 2 n]."""
        shape = spindle(self.table.n, alpha)[..., 1:]
        return np.concatenate([shape, shape], -1)

    def identified(self, good: Floats) -> dict[str, Any]:
        """Between which grid points sigma2 lies, given those that fit as well as the best, and the status."""
        grid = self.table.sigma2
        below, above = grid[grid < good.min()], grid[grid > good.max()]
        low = below[-1] if below.size else grid[0]
        high = above[0] if above.size else grid[-1]
        status = "identified"
        if not below.size and not above.size:
            status = "unidentified"
        elif not below.size:
            status = "lower_end"
        elif not above.size:
            # Where only the scale changes, as 1 / sigma2, gamma / sigma2 is all that can be told.
            sizes = [np.linalg.norm(self.decay(float(x))) for x in (low, high)]
            proportional = low < high and np.log(sizes[0] / sizes[1]) > _PROPORTIONAL * np.log(high / low)
            status = "ratio" if proportional else "upper_end"
        return {"sigma2_low": float(low), "sigma2_high": float(high), "status": status}


def _overlap(decayed: Floats, spindles: Floats) -> Floats:
    """The cosine between the two parts, [...]; 0/0 is NaN."""
    product = (decayed * spindles[..., None, :]).sum((-2, -1))
    sizes = np.sqrt((decayed**2).sum((-2, -1)) * 2 * (spindles**2).sum(-1))
    overlap: Floats = ratio(product, sizes)
    return overlap


def _flat(strengths: Floats) -> Floats:
    """Both signs of the orders 1..n as one vector, [..., 2 n]."""
    return strengths[..., 1:].reshape(*strengths.shape[:-2], -1)
