"""Variance of interactions under noise on the input: by order, its exponential growth, and what theory says.

Conventions are those of `strength`: lattice vectors or pairs, axes in front kept, orders 0..n on the last
axis of a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import Array, ArrayT, as_array, check_number, check_players, is_tensor
from harsanyi.analysis._common import beside, counts_by_order, double, kinds, namespace, ratio
from harsanyi.analysis.strength import order_sums
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.reductions import like

if TYPE_CHECKING:
    from harsanyi.analysis._common import Interactions

__all__ = ["GrowthFit", "and_moment", "fit_growth", "interaction_variance", "white_noise_variance"]


@dataclass(frozen=True, eq=False, slots=True)
class GrowthFit(Generic[ArrayT]):
    """The line `log values[m] = intercept + slope m` of least squares; each of the shape of the batch.

    Attributes:
        slope: growth of the logarithm with one order: `log 2` where values double.
        intercept: the line at m = 0.
        r_squared: the share of the variance of the logarithms that the line explains; NaN where that is 0.
        points: orders that the line goes through, int64: those with a positive value.
    """

    slope: ArrayT
    intercept: ArrayT
    r_squared: ArrayT
    points: ArrayT


def interaction_variance(draws: Interactions[ArrayT]) -> ArrayT:
    """Variance of interactions over noise draws by order, `V[s] = E_x E_{|S| = s} Var_e I(S | x + e)`.

    Args:
        draws: interactions on noisy versions of each sample, [..., samples, draws, 2**n] with at least two
            draws, float32, float64 or int64, or a pair; [draws, 2**n] is one sample.

    Returns:
        float64, shape [..., n + 1], NaN at order 0: the mean over samples, and over the interactions of an
        order (of both kinds of a pair), of the unbiased variance over draws. Differentiable.

    Raises:
        ArgumentError: no axis of draws, a single draw, the last axis is not a power of two or holds no
            player, or the batch is empty.
        ArgumentTypeError: another dtype, or a pair of two.

    Source: Zhou et al., AAAI 2024, "Experimental verification of Theorem 2" and Fig. 6.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import interaction_variance
        >>> interaction_variance(np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 3.0, 2.0, 7.0]]))
        array([nan,  1.,  8.])
    """
    arrays, n = kinds(draws, "draws")
    shape = tuple(arrays[0].shape)
    if len(shape) < 2 or shape[-2] < 2:
        expected = "of shape [..., samples, draws, 2**n] with at least two draws"
        raise ArgumentError("draws", f"shape {shape}", expected)
    spread = [order_sums(_variance(x)).sum for x in arrays]
    total = spread[0] if len(spread) == 1 else spread[0] + spread[1]
    per_sample = ratio(total, len(arrays) * counts_by_order(n, total))
    variance: ArrayT = per_sample.mean(-2) if len(per_sample.shape) > 1 else per_sample
    return variance


def white_noise_variance(n: int, sigma2: float) -> npt.NDArray[np.float64]:
    """The null line beside V[s]: white noise on v gives a dividend of order s the variance `2**s sigma2`.

    A dividend is a signed sum of `2**s` outputs: if these have independent errors of variance sigma2, that is
    its variance, whatever the model. High orders are sensitive in a way of their own only where the logarithm
    of V[s] is steeper than log 2 an order.

    Args:
        n: number of players, 1 to 30.
        sigma2: variance of the noise on v, at least 0.

    Returns:
        float64, shape [n + 1].

    Raises:
        ArgumentError, ArgumentTypeError: `n` is not an integer from 1 to 30, or `sigma2` is negative or NaN.

    Example:
        >>> from harsanyi.analysis import white_noise_variance
        >>> white_noise_variance(3, 0.5)
        array([0.5, 1. , 2. , 4. ])
    """
    n = check_players(n, least=1)
    return np.exp2(np.arange(n + 1)) * check_number(sigma2, "sigma2")


def fit_growth(values: ArrayT) -> GrowthFit[ArrayT]:
    """How exponentially a quantity grows with the order: a straight line through its logarithm.

    Least squares of `log values[m]` on m over the orders m = 1..n whose value is positive; the others,
    without a logarithm, are left out, and `points` says how many remain.

    Args:
        values: by order m = 0..n, shape [..., n + 1], like `interaction_variance(...)`; order 0 is not read.

    Returns:
        GrowthFit; NaN where fewer than two orders remain. Differentiable.

    Raises:
        ArgumentError: no axis of orders 0..n with n >= 1.
        ArgumentTypeError: not real numbers.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import fit_growth, white_noise_variance
        >>> fit = fit_growth(white_noise_variance(10, 0.1))
        >>> np.exp(fit.slope).round(6), fit.r_squared.round(6)
        (np.float64(2.0), np.float64(1.0))
    """
    y = double(values, "values")
    if not len(y.shape) or y.shape[-1] < 2:
        expected = "by order, of shape [..., n + 1] with n >= 1"
        raise ArgumentError("values", f"shape {tuple(y.shape)}", expected)
    xp, y = namespace(y), y[..., 1:]
    used = y > 0
    weight = double(used)
    y = xp.log(xp.where(used, y, 1.0))
    x = beside(np.arange(1, y.shape[-1] + 1), y)
    points = weight.sum(-1, keepdims=True)
    centre_x, centre_y = (ratio((weight * z).sum(-1, keepdims=True), points) for z in (x, y))
    dx, dy = weight * (x - centre_x), weight * (y - centre_y)
    slope = ratio((dx * dy).sum(-1, keepdims=True), (dx * dx).sum(-1, keepdims=True))
    residual = ((dy - slope * dx) ** 2).sum(-1)
    r_squared = 1 - ratio(residual, (dy * dy).sum(-1))
    intercept = centre_y - slope * centre_x
    return GrowthFit(slope[..., 0], intercept[..., 0], r_squared, used.sum(-1))


def and_moment(degrees: npt.ArrayLike | Array, *, sigma: float, alpha: float = 1.0) -> Any:
    """The theory curve: second moment of a standard AND interaction under Gaussian noise, for growing sets.

    A standard AND interaction of degrees k is `product over i in S of (1 + e_i / alpha)**k_i`, of mean
    `1 + O(sigma**2)`. Its second moment is
    `product over i in S of (1 + sum over m = 1..k_i of C(2 k_i, 2m) E[e**(2m)] / alpha**(2m))`, where
    `E[e**(2m)] = (2m - 1)!! sigma**(2m)`: it grows exponentially with the order of S.

    Args:
        degrees: of the players, integers of at least 0, shape [..., n].
        sigma: standard deviation of the noise on each input, at least 0.
        alpha: the distance of an input from its baseline, more than 0, in the unit of `sigma`.

    Returns:
        float64, shape [..., n + 1]: entry s is the moment of the set of the first s players, so that the last
        entry is that of all, and with equal degrees entry s is that of any set of order s. A tensor for a
        tensor.

    Raises:
        ArgumentError: a negative degree, no axis, or a number outside its range.
        ArgumentTypeError: degrees that are not integers, or another type.

    Source: Zhou et al., AAAI 2024, Theorem 2, eq. 6.

    Example:
        >>> from harsanyi.analysis import and_moment
        >>> and_moment([1, 1, 2], sigma=1.0)
        array([ 1.,  2.,  4., 40.])
    """
    given: Any = as_array(degrees, "degrees")
    k = given.detach().cpu().numpy() if is_tensor(given) else given
    if k.dtype.kind not in "iu":
        raise ArgumentTypeError("degrees", f"dtype {k.dtype}", "integers")
    if not k.ndim or k.size == 0 or k.min() < 0:
        raise ArgumentError("degrees", f"{k.tolist()}", "at least one integer, each at least 0, [..., n]")
    noise = (check_number(sigma, "sigma") / check_number(alpha, "alpha", open_end=True)) ** 2
    factors = np.array([_moment(degree, noise) for degree in range(int(k.max()) + 1)])
    curve = np.ones((*k.shape[:-1], k.shape[-1] + 1))
    np.cumprod(factors[k], axis=-1, out=curve[..., 1:])
    return like(curve, given.double()) if is_tensor(given) else curve


def _moment(degree: int, noise: float) -> float:
    """`E (1 + e)**(2 degree)` of a Gaussian e with variance `noise`."""
    total = double_factorial = 1.0
    for m in range(1, degree + 1):
        double_factorial *= 2 * m - 1
        total += comb(2 * degree, 2 * m) * double_factorial * noise**m
    return total


def _variance(x: Any) -> Any:
    """The unbiased variance over the last axis but one, in float64, of deviations from the mean."""
    values = double(x)
    return ((values - values.mean(-2, keepdims=True)) ** 2).sum(-2) / (values.shape[-2] - 1)
