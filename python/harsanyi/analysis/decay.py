"""The decay operator: what uncertainty of size sigma2 leaves of a network's interactions.

`decay` returns the w that minimises `E_eps E_S (y[S] - sum over T of w[T] (J[S, T] + eps[T]))**2`, where J is
the zeta matrix, `y = J I*` the converged network's outputs and eps noise of variance `c[T] = 2**|T| sigma2`:

    I_hat = (J'J + 2**n diag(c))^-1 J'J I*

Both terms are Kronecker powers: `J'J` of A = [[2, 1], [1, 1]], and `2**n diag(c)` of B = diag(1, 2), times
s = 2**n sigma2. One 2x2 basis X serves both, `X'BX = 1`, `X'AX = diag(l)`, `l = (5 -+ sqrt(17)) / 4`:

    I_hat = kron(X) diag(L / (L + s)) kron(X^-1) I*,    L = kron(l), a function of the popcount

Two transforms and a diagonal: exact, `O(n 2**n)`. As `X = B**-0.5 U` with a rotation U, rounding grows by no
more than the condition of kron(X), `2**(n/2)`, whatever sigma2. The OR matrix Q has `Q'Q = J'J`: the same
operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log10
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import ArrayT, check_number, is_tensor, require_memory
from harsanyi.analysis._common import kinds, real_numbers, sample_axis
from harsanyi.analysis.strength import OrderStrength, order_strength
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.lattice import kronecker
from harsanyi.reductions import floating_lattice, like, order_table

if TYPE_CHECKING:
    import torch

    from harsanyi.analysis._common import Interactions

__all__ = ["DecayTable", "decay", "decay_strengths", "decay_table"]

Floats = npt.NDArray[np.float64]

_ROOT = np.sqrt([1.0, 2.0])  # of B
_EIGENVALUES, _ROTATION = np.linalg.eigh(np.array([[2.0, 1.0], [1.0, 1.0]]) / np.outer(_ROOT, _ROOT))
_BASIS = _ROTATION / _ROOT[:, None]  # X
_INVERSE = _ROTATION.T * _ROOT  # X^-1
_PER_DECADE = 4  # grid points of a DecayTable


def decay(
    interactions: ArrayT, sigma2: float | npt.ArrayLike | torch.Tensor, *, free_bias: bool = False
) -> ArrayT:
    """Interactions under uncertainty, `I_hat = (J'J + 2**n diag(c))^-1 J'J I*`, `c[T] = 2**|T| sigma2`.

    Args:
        interactions: `I*` of the converged network, AND or OR (for both the operator is the same), shape
            [..., 2**n], float32, float64 or int64. The entry of the empty set is taken as 0.
        sigma2: variance of the noise on a trigger, finite and at least 0: one number, or an array of them.
            No gradient flows to it.
        free_bias: whether the empty set, which is always triggered, has no noise (`c[{}] = 0`): then a
            constant added to all outputs changes nothing but the empty entry.

    Returns:
        `I_hat`, of the shape of `sigma2` followed by that of `interactions`; for one number the latter alone.
        The empty entry is the bias that the regression finds. Tensors keep device and gradient.

    Raises:
        ArgumentError: the last axis is not a power of two, the batch is empty, or a bad `sigma2`.
        ArgumentTypeError: another dtype.
        NotEnoughMemoryError: the result does not fit.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions",
        theorem 2.3 and appendix H; Zhou et al., "Towards the first principles of explaining DNNs", eq. 2.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.decay(np.array([0.0, 1.0, 0.0, -2.0]), 0.0).round(9) + 0.0
        array([ 0.,  1.,  0., -2.])
        >>> hs.decay(np.array([0.0, 1.0, 0.0, -2.0]), [0.01, 1.0]).round(3)
        array([[ 0.201,  0.562, -0.364, -1.205],
               [ 0.03 ,  0.01 , -0.101, -0.055]])
    """
    stars, n = floating_lattice(interactions, "interactions")
    noise = _noise(sigma2)
    kept = _kept(noise, n)
    if isinstance(stars, np.ndarray):
        require_memory((max(noise.size, 1) + 2) * stars.nbytes, f"decayed interactions at n = {n}")
    spread = (*noise.shape, *(1 for _ in stars.shape[:-1]))  # one factor for all vectors of a batch
    found: Any = kronecker(_without_empty(stars), _INVERSE)
    found = kronecker(found * like(kept[..., order_table(n)].reshape(*spread, 1 << n), stars), _BASIS)
    if free_bias:
        found = found + found[..., :1] * like(_bias_response(kept, n).reshape(*spread, 1 << n), stars)
    result: ArrayT = found
    return result


def decay_strengths(
    interactions: Interactions[ArrayT],
    sigma2: float | npt.ArrayLike | torch.Tensor,
    *,
    gamma: float = 1.0,
    free_bias: bool = False,
) -> OrderStrength[ArrayT]:
    """Strengths of the decayed interactions by order: `A+-_decay[m] = gamma * sum of max(+-I_hat, 0)`.

    Args:
        interactions: of the converged network, [..., samples, 2**n], float32, float64 or int64, or a pair.
        sigma2: as for `decay`.
        gamma: scale, finite and at least 0.
        free_bias: as for `decay`.

    Returns:
        Sums per sample, averaged over the samples: the shape of `sigma2`, batch axes, n + 1; order 0 is 0.
        For many values of sigma2 and one set of interactions `decay_table` is faster.

    Raises:
        ArgumentError: as for `decay` and `order_strength`, or a bad `gamma`.
        ArgumentTypeError: another dtype, or a pair of two.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions", eq. 8.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import decay_strengths
        >>> found = decay_strengths(np.array([0.0, 1.0, 0.0, -2.0]), 0.01, gamma=2.0)
        >>> found.positive.round(3), found.negative.round(3)
        (array([0.   , 1.123, 0.   ]), array([0.   , 0.729, 2.41 ]))
    """
    scale = check_number(gamma, "gamma")
    # One sample has an axis of its own: that of sigma2 is none of samples.
    arrays: list[Any] = [sample_axis(x) for x in kinds(interactions)[0]]
    decayed: Any = tuple(decay(x, sigma2, free_bias=free_bias) for x in arrays)
    strength: Any = order_strength(decayed if len(decayed) == 2 else decayed[0])
    return OrderStrength(scale * strength.positive, scale * strength.negative)


@dataclass(frozen=True, eq=False, slots=True)
class DecayTable:
    """The decay strengths of one set of interactions, ready for many values of sigma2; made by `decay_table`.

    Attributes:
        n: number of players.
        free_bias: as for `decay`.
        sigma2: the grid, ascending, shape [points].
        strengths: positive and negative decay strengths on it with gamma = 1, shape [points, 2, n + 1].
        coefficients: the interactions in the basis of the operator, [kinds, samples, 2**n].
    """

    n: int
    free_bias: bool
    sigma2: Floats
    strengths: Floats
    coefficients: Floats

    def evaluate(self, sigma2: float) -> Floats:
        """The strengths at any sigma2, exactly, shape [2, n + 1]: one transform of all the interactions."""
        return _strengths(self.coefficients, self.n, sigma2, self.free_bias)


def decay_table(
    interactions: Interactions[ArrayT],
    *,
    sigma2_range: tuple[float, float] = (1e-12, 1e-1),
    free_bias: bool = False,
) -> DecayTable:
    """What fits of sigma2 to the interactions of one converged network share, computed once.

    Args:
        interactions: [samples, 2**n] or [2**n], float32, float64 or int64, finite, or a pair.
        sigma2_range: lowest and highest sigma2 that fits may find, `0 < lowest < highest`. The grid has four
            points a decade.
        free_bias: as for `decay`.

    Raises:
        ArgumentError: not lattice vectors of at least one player, more axes, NaN or infinity, or a bad range.
        ArgumentTypeError: another dtype, or a pair of two.
        NotEnoughMemoryError: the working copies do not fit.

    Computed in float64 on the CPU; the strengths are those of `decay_strengths` averaged over the samples.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import decay_table
        >>> table = decay_table(np.array([0.0, 1.0, 0.0, -2.0]), sigma2_range=(1e-4, 1e-1))
        >>> table.sigma2.shape, table.evaluate(0.01).round(3)[0]
        ((13,), array([0.   , 0.562, 0.   ]))
    """
    lowest, highest = _range(sigma2_range)
    found, n = kinds(interactions)
    if found[0].ndim > 2:
        shape = tuple(found[0].shape)
        raise ArgumentError("interactions", f"shape {shape}", "of shape [samples, 2**n] or [2**n]")
    arrays = [x.detach().cpu().numpy() if is_tensor(x) else x for x in found]
    require_memory(3 * 8 * len(arrays) * arrays[0].size, f"a table of decay strengths at n = {n}")
    stars = np.stack(arrays).astype(np.float64).reshape(len(arrays), -1, 1 << n)
    stars[..., 0] = 0
    if not np.isfinite(stars).all():
        raise ArgumentError("interactions", "NaN or infinity", "finite")
    coefficients = kronecker(stars, _INVERSE, out=stars)
    points = ceil(_PER_DECADE * log10(highest / lowest)) + 1
    grid = np.geomspace(lowest, highest, points)
    strengths = np.stack([_strengths(coefficients, n, sigma2, free_bias) for sigma2 in grid.tolist()])
    return DecayTable(n, free_bias, grid, strengths, coefficients)


def _strengths(coefficients: Floats, n: int, sigma2: float, free_bias: bool) -> Floats:
    """Positive and negative decay strengths, [2, n + 1], in as few passes over memory as numpy needs."""
    noise = np.asarray(sigma2)
    kept = _kept(noise, n)
    orders = order_table(n)
    found = coefficients * kept[orders]
    kronecker(found, _BASIS, out=found)
    if free_bias:
        found += found[..., :1] * _bias_response(kept, n)
    # Over the vectors first, which leaves 2**n entries to sort by order; the sums of |I| and of I have the
    # same rounding, so that a part of one sign alone has exactly nothing in the other.
    vectors = (0, 1)
    total = found.sum(vectors)
    size = np.abs(found, out=found).sum(vectors)
    by_order = [np.bincount(orders, weights, minlength=n + 1) for weights in (size + total, size - total)]
    result: Floats = np.stack(by_order) / (2 * coefficients.shape[1])
    result[:, 0] = 0
    return result


def _kept(noise: Floats, n: int) -> Floats:
    """`L / (L + s)` by popcount, [..., n + 1]."""
    spectrum = _powers(_EIGENVALUES, n)
    kept: Floats = spectrum / (spectrum + noise[..., None] * 2.0**n)
    return kept


def _powers(pair: Floats, n: int) -> Floats:
    """The diagonal of a Kronecker power by popcount k, `pair[0]**(n - k) * pair[1]**k`, [n + 1]."""
    k = np.arange(n + 1)
    powers: Floats = pair[0] ** (n - k) * pair[1] ** k
    return powers


def _bias_response(kept: Floats, n: int) -> Floats:
    """What to add to I_hat a unit of `I_hat[{}]` so that the empty set goes without noise, [..., 2**n].

    Sherman and Morrison: `s P e0 / (1 - s (P e0)[0])` with P = (J'J + 2**n diag(c))^-1 and e0 the unit vector
    of the empty set. As B e0 = e0, `s P e0 = e0 - r` with r = P J'J e0, the operator on e0: so it is
    `(e0 - r) / r[0]`, where r[0] is a sum of positive terms and nothing cancels however large s is.
    """
    decayed = (kept * _powers(_INVERSE[:, 0], n))[..., order_table(n)]
    response: Floats = kronecker(decayed, _BASIS)
    own = response[..., :1].copy()
    response /= -own
    response[..., 0] = 1 / own[..., 0] - 1
    return response


def _without_empty(stars: Any) -> Any:
    copy = stars.copy() if isinstance(stars, np.ndarray) else stars.clone()
    copy[..., 0] = 0
    return copy


def _noise(sigma2: Any) -> Floats:
    expected = "finite and at least 0, a number or an array of numbers"
    noise = real_numbers("sigma2", sigma2, expected, least=0.0)
    if not noise.size:
        raise ArgumentError("sigma2", f"shape {noise.shape}", expected)
    return noise


def _range(sigma2_range: object) -> tuple[float, float]:
    expected = "two finite numbers, 0 < lowest < highest"
    if not isinstance(sigma2_range, (tuple, list)) or len(sigma2_range) != 2:
        raise ArgumentTypeError("sigma2_range", sigma2_range, expected)
    lowest, highest = (check_number(x, "sigma2_range", open_end=True) for x in sigma2_range)
    if not lowest < highest:
        raise ArgumentError("sigma2_range", tuple(sigma2_range), expected)
    return lowest, highest
