"""The spindle model: how interactions that do not generalise are distributed over the orders, and its fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import ArrayT, check_players
from harsanyi.analysis._common import beside, ratio, real_numbers
from harsanyi.analysis._search import local_minima, minimise
from harsanyi.analysis.strength import OrderStrength
from harsanyi.errors import ArgumentError, ArgumentTypeError

__all__ = ["SpindleFit", "fit_spindle", "spindle"]

Floats = npt.NDArray[np.float64]

HIGHEST_ALPHA = 2.0  # from here on the model rises with every order


@dataclass(frozen=True, eq=False, slots=True)
class SpindleFit(Generic[ArrayT]):
    """A spindle model fitted to strengths by order. Numbers have the shape of the batch.

    Attributes:
        alpha: share of the variables that interact, from 1/n to 2; NaN where beta is 0.
        beta: scale, at least 0.
        spindle: the model for either sign, shape [..., n + 1], order 0 set to 0.
        residual: the strengths minus the model, of either sign, order 0 set to 0.
        relative_residual: norm of the residual / norm of the strengths; NaN where there are none.
        peak_order: the order at which the model is largest; NaN where beta is 0.
    """

    alpha: Any
    beta: Any
    spindle: ArrayT
    residual: OrderStrength[ArrayT]
    relative_residual: Any
    peak_order: Any


def spindle(n: int, alpha: float | npt.ArrayLike, beta: float | npt.ArrayLike = 1.0) -> Floats:
    """`A_spindle[m] = beta Gamma(alpha n + 1) / (Gamma(m + 1) Gamma(alpha n - m + 1))`, for either sign.

    The binomial coefficient of alpha n and m, cut to 0 for m > alpha n + 1, where the ratio of gamma
    functions would alternate in sign. Computed as the product of `(alpha n - j + 1) / j` over j = 1..m, whose
    factors are then all positive: no cancellation, and no overflow that the result does not have.

    Args:
        n: number of players, 0 to 63.
        alpha: at least 0: a number or an array.
        beta: at least 0: a number or an array that broadcasts against alpha.

    Returns:
        float64 of the shape of alpha and beta, then n + 1, by order m = 0..n. Below `alpha = 1/n` only
        orders 0 and 1 are left.

    Raises:
        ArgumentError: n, alpha or beta out of range, or two shapes that do not broadcast.
        ArgumentTypeError: of another type.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions", eq. 6
        (whose Gamma(k) = (k + 1)! is meant as (k - 1)!).

    Example:
        >>> from harsanyi.analysis import spindle
        >>> spindle(4, 1.0, 0.5), spindle(4, 0.375)
        (array([0.5, 2. , 3. , 2. , 0.5]), array([1.   , 1.5  , 0.375, 0.   , 0.   ]))
    """
    n = check_players(n, most=63)
    expected = "finite and at least 0, a number or an array of numbers"
    alphas = real_numbers("alpha", alpha, expected, least=0.0)
    betas = real_numbers("beta", beta, expected, least=0.0)
    try:
        alphas, betas = np.broadcast_arrays(alphas, betas)
    except ValueError as error:
        expected = f"of a shape that broadcasts against {alphas.shape}, that of alpha"
        raise ArgumentError("beta", f"shape {betas.shape}", expected) from error
    m = np.arange(1, n + 1)
    factors = np.ones((*alphas.shape, n + 1))
    # The first factor that is not positive is that of the least m >= alpha n + 1.
    factors[..., 1:] = np.maximum(alphas[..., None] * n - (m - 1), 0) / m
    result: Floats = betas[..., None] * np.cumprod(factors, -1)
    return result


def fit_spindle(strength: OrderStrength[ArrayT]) -> SpindleFit[ArrayT]:
    """The alpha and beta, one pair for both signs, whose spindle is nearest to the strengths.

    Least squares over the orders 1..n and both signs, beta >= 0 by projection, alpha from a grid and its
    refinement. alpha is searched in 1/n..2: below, every shape is that of order 1 alone; above, the model
    has no peak inside the orders.

    Args:
        strength: `A+` and `A-`, such as those of newly emerged interactions, [..., n + 1] each.

    Returns:
        SpindleFit of float64 arrays, or of tensors on the device of the strengths.

    Raises:
        ArgumentError: shapes that differ or hold no order, NaN, infinity or negative numbers.
        ArgumentTypeError: not an OrderStrength.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions",
        section 3, fitness to the distribution of non-generalizable interactions.

    Example:
        >>> from harsanyi.analysis import OrderStrength, fit_spindle, spindle
        >>> planted = spindle(10, 0.8, 3.0)
        >>> found = fit_spindle(OrderStrength(planted, planted))
        >>> round(float(found.alpha), 9), round(float(found.beta), 9), int(found.peak_order)
        (0.8, 3.0, 4)
    """
    values = host_strengths(strength)
    batch, n = values.shape[:-2], values.shape[-1] - 1
    alphas, betas = np.full(batch, np.nan), np.zeros(batch)
    for place in np.ndindex(*batch):
        alphas[place], betas[place] = _fit_one(values[place], n)
    model = spindle_part(n, alphas, betas)
    residual = values - model[..., None, :]
    peak = np.where(betas > 0, model.argmax(-1), np.nan)
    alpha, beta, curve, error, order = (
        beside(x, strength.positive)[()]
        for x in (alphas, betas, model, relative_norm(residual, values), peak)
    )
    return SpindleFit(alpha, beta, curve, as_strength(residual, strength.positive), error, order)


def host_strengths(strength: object) -> Floats:
    """Strengths as one float64 array [..., 2, n + 1] on the CPU, order 0 set to 0.

    Raises:
        ArgumentError: not two arrays of one shape [..., n + 1] with n >= 1, finite and at least 0.
        ArgumentTypeError: not an OrderStrength.
    """
    if not isinstance(strength, OrderStrength):
        raise ArgumentTypeError("strength", type(strength).__name__, "an OrderStrength, of order_strength")
    expected = "finite and at least 0"
    parts = [real_numbers("strength", x, expected, least=0.0) for x in (strength.positive, strength.negative)]
    if parts[0].shape != parts[1].shape or not parts[0].ndim or parts[0].shape[-1] < 2 or not parts[0].size:
        shapes = f"shapes {parts[0].shape} and {parts[1].shape}"
        raise ArgumentError("strength", shapes, "two of one shape [..., n + 1], by order 0..n with n >= 1")
    values = np.stack(parts, -2)
    values[..., 0] = 0
    return values


def as_strength(values: Floats, given: Any) -> OrderStrength[Any]:
    """The inverse of `host_strengths`: both signs, [..., 2, n + 1], as arrays or tensors beside `given`."""
    return OrderStrength(beside(values[..., 0, :], given), beside(values[..., 1, :], given))


def alpha_grid(n: int) -> Floats:
    """Values of alpha from 1/n to 2, four to an order."""
    return np.linspace(1 / n, HIGHEST_ALPHA, 8 * n - 3)


def spindle_part(n: int, alphas: Floats, betas: Floats) -> Floats:
    """The spindle of each fit, order 0 set to 0; all 0 where beta is 0 and alpha NaN."""
    model = spindle(n, np.where(betas > 0, alphas, 1.0), betas)
    model[..., 0] = 0
    return model


def relative_norm(residual: Floats, values: Floats) -> Floats:
    """`|residual| / |values|` over the last two axes; 0/0 is NaN."""
    norms = (np.sqrt((x**2).sum((-2, -1))) for x in (residual, values))
    relative: Floats = ratio(*norms)
    return relative


def _fit_one(values: Floats, n: int) -> tuple[float, float]:
    both = values[:, 1:].mean(0)  # the best single curve for both signs is the best one for their mean
    size = float(np.sqrt(both @ both))
    if size == 0:
        return np.nan, 0.0
    target = both / size

    def shapes(alpha: Any) -> Floats:
        return spindle(n, alpha)[..., 1:]

    def residual(at: Floats) -> Floats:
        shape = shapes(at[0])
        rest: Floats = target - max(shape @ target, 0.0) / (shape @ shape) * shape
        return rest

    grid = alpha_grid(n)
    table = shapes(grid)
    costs = 1 - np.maximum(table @ target, 0) ** 2 / (table**2).sum(-1)
    starts = [grid[[place]] for place in local_minima(costs)]
    (alpha,), _ = minimise(residual, starts, grid[[0]], grid[[-1]])
    shape = shapes(alpha)
    return float(alpha), size * float(shape @ target / (shape @ shape))
