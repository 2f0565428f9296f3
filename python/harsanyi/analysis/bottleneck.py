"""The representation bottleneck: the strength of interactions against the size of their context.

Interactions are multi-order interactions `I^(m)(i, j)`, shape [..., samples, pairs, orders]: exact ones from
`each_pair(harsanyi.multi_order(v))`, sampled ones from `games.multi_order.sample_multi_order`. A single
[pairs, orders] is a set of one sample. What theory says of them is in `bottleneck_theory`.

Source of all: Deng et al., ICLR 2022.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi._arrays import ArrayT, as_array
from harsanyi.analysis._common import double, nan_mean, ratio
from harsanyi.errors import ArgumentError
from harsanyi.games.masking import host_array
from harsanyi.reductions import like

if TYPE_CHECKING:
    from harsanyi._arrays import Array

__all__ = ["area_between", "each_pair", "instability", "interaction_strength", "noise_floor"]


def each_pair(interactions: ArrayT) -> ArrayT:
    """The pairs i < j of exact interactions, without the diagonal and each once.

    Args:
        interactions: as `harsanyi.multi_order` returns them, [..., n, n, n-1].

    Returns:
        [..., n(n-1)/2, n-1], pairs in the order (0, 1), (0, 2), ..., (n-2, n-1).

    Raises:
        ArgumentError: another shape.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> from harsanyi.analysis.bottleneck import each_pair
        >>> each_pair(hs.multi_order(np.arange(8.0) ** 2)).shape
        (3, 2)
    """
    x: Any = as_array(interactions, "interactions")
    n = int(x.shape[-2]) if len(x.shape) > 2 else 0
    if n < 2 or tuple(x.shape[-3:]) != (n, n, n - 1):
        raise ArgumentError("interactions", f"shape {tuple(x.shape)}", "of shape [..., n, n, n-1], n >= 2")
    first, second = (like(index, x) for index in np.triu_indices(n, 1))
    pairs: ArrayT = x[..., first, second, :]
    return pairs


def interaction_strength(interactions: ArrayT, *, signed: bool = False, per_sample: bool = False) -> ArrayT:
    """The relative strength of the interactions of each order, `J^(m)`; its mean over the orders is 1.

    `J^(m) = E_x E_ij |I^(m)(i, j)| / E_m' E_x E_ij |I^(m')(i, j)|`.

    Args:
        interactions: [..., samples, pairs, orders].
        signed: without the absolute values, as eq. 3 is printed; the text of the paper takes them.
        per_sample: each sample for itself, `J^(m)(x)`.

    Returns:
        float64 [..., orders], with `per_sample` [..., samples, orders]. NaN in the interactions is left out
        of the means; where all are 0, J is NaN.

    Raises:
        ArgumentError: fewer than two axes, or an empty one.
        ArgumentTypeError: not real numbers.

    The absolute value of an estimate is too large on average, the more so the fewer contexts it has:
    `noise_floor` says by how much at most.

    Source: eq. 3.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis.bottleneck import interaction_strength
        >>> interaction_strength(np.array([[2.0, 0.0, -4.0], [-2.0, 0.0, 4.0]]))
        array([1., 0., 2.])
    """
    x = _samples(interactions, "interactions")
    strength = _mean_strength(x if signed else abs(x), per_sample)
    relative: ArrayT = ratio(strength, nan_mean(strength, -1)[..., None])
    return relative


def noise_floor(interactions: ArrayT, standard_error: ArrayT) -> ArrayT:
    """What `J^(m)` would be if all interactions were 0 and their estimates noise of the given size.

    `sqrt(2 / pi) E_x E_ij s^(m)(i, j) / E_m' E_x E_ij |I^(m')(i, j)|`: the mean absolute value of a normal
    variable of standard deviation s. The mean of |estimate| exceeds |I| by no more than that.

    Args:
        interactions: estimates, [..., samples, pairs, orders].
        standard_error: s, of the same shape.

    Returns:
        float64 [..., orders].

    Raises:
        ArgumentError: shapes that differ, fewer than two axes, or an empty one.
        ArgumentTypeError: not real numbers.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis.bottleneck import noise_floor
        >>> noise_floor(np.array([[2.0, 4.0]]), np.array([[0.3, 0.0]])).round(3)
        array([0.08, 0.  ])
    """
    x, s = _samples(interactions, "interactions"), _samples(standard_error, "standard_error")
    if x.shape != s.shape:
        raise ArgumentError(
            "standard_error", f"shape {tuple(s.shape)}", f"of the shape of interactions, {tuple(x.shape)}"
        )
    total = nan_mean(_mean_strength(abs(x), False), -1)[..., None]
    floor: ArrayT = ratio(sqrt(2 / pi) * _mean_strength(s, False), total)
    return floor


def instability(strengths: ArrayT) -> ArrayT:
    """How much strengths differ between repeated samplings, relative to their size.

    `E_{u != v} |J_u - J_v| / E_w |J_w|` for each sample and order, then the mean over both.

    Args:
        strengths: `J^(m)(x)` of each repetition, [..., repetitions, samples, orders].

    Returns:
        float64 [...]. Samples and orders of strength 0 are left out.

    Raises:
        ArgumentError: fewer than two repetitions, fewer than three axes, or an empty one.
        ArgumentTypeError: not real numbers.

    Source: appendix C.1.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis.bottleneck import instability
        >>> instability(np.array([[[1.0, 2.0]], [[3.0, 2.0]]]))
        np.float64(0.5)
    """
    x: Any = double(strengths, "strengths")
    if len(x.shape) < 3 or 0 in x.shape or x.shape[-3] < 2:
        expected = "of shape [..., repetitions, samples, orders], at least two repetitions"
        raise ArgumentError("strengths", f"shape {tuple(x.shape)}", expected)
    repetitions = x.shape[-3]
    apart = abs(x[..., :, None, :, :] - x[..., None, :, :, :]).sum((-4, -3)) / (
        repetitions * (repetitions - 1)
    )
    relative = ratio(apart, abs(x).mean(-3))
    mean: ArrayT = nan_mean(relative.reshape(*relative.shape[:-2], -1), -1)
    return mean


def area_between(x: Any, first: ArrayT, second: ArrayT) -> ArrayT:
    """The area from the first curve up to the second, by trapezoids; negative where the first is above.

    Args:
        x: where the curves are known, ascending, [points].
        first: [..., points].
        second: [..., points].

    Returns:
        float64 [...], in the units of x times those of the curves.

    Raises:
        ArgumentError: shapes that do not agree, fewer than two points, or x not ascending.
        ArgumentTypeError: not real numbers.

    With the accuracies of `games.structure.masked_accuracy` under random and surrounding masks against the
    number of masked patches: the sensitivity to the destruction of structure (section 3.4, Fig. 6).

    Example:
        >>> from harsanyi.analysis.bottleneck import area_between
        >>> area_between([0, 1, 2], [1.0, 0.5, 0.5], [1.0, 1.0, 1.0])
        np.float64(0.75)
    """
    at = np.asarray(host_array(double(x, "x")))
    a, b = double(first, "first"), double(second, "second")
    if at.ndim != 1 or at.size < 2 or not (np.diff(at) > 0).all():
        raise ArgumentError("x", at.tolist(), "at least two ascending numbers")
    for name, curve in (("first", a), ("second", b)):
        if len(curve.shape) == 0 or curve.shape[-1] != at.size:
            raise ArgumentError(name, f"shape {tuple(curve.shape)}", f"of shape [..., {at.size}], as x")
    gap = b - a
    area: ArrayT = ((gap[..., 1:] + gap[..., :-1]) / 2 * like(np.diff(at), gap)).sum(-1)
    return area


def _samples(x: Array, name: str) -> Any:
    """X in float64 as [..., samples, pairs, orders]."""
    values: Any = double(x, name)
    if len(values.shape) < 2 or 0 in values.shape:
        raise ArgumentError(
            name, f"shape {tuple(values.shape)}", "of shape [..., samples, pairs, orders], not empty"
        )
    return values[None] if len(values.shape) == 2 else values


def _mean_strength(x: Any, per_sample: bool) -> Any:
    """Mean over pairs and, unless each is asked for, samples."""
    over_pairs = nan_mean(x, -2)
    return over_pairs if per_sample else nan_mean(over_pairs, -2)
