"""Strength of interactions by order, over salient sets, in every normalisation that the papers use.

Wherever an analysis takes `interactions`, that is lattice vectors such as dividends, [..., 2**n], or a sparse
pair: a tuple `(and_, or_)` of them or a record with both, as `decompose` returns. A lattice vector is indexed
by subset: bit i set means player i is in. The last axis but one is the axis of samples; a lone vector is a
set of one sample. Results by order have the order m = 0..n on their last axis. The empty set is not an
interaction: order 0 holds 0 in a sum or count and NaN in a ratio.

Thresholds in use: `0.05 * largest_strength(interactions)` (Zhou et al., AAAI 2024; Ren et al., ICLR 2024),
`0.02 * output_range(v)` (Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic
interactions") and `0.03 * output_range(v)` (Zhou et al., "Towards the first principles of
explaining DNNs", Fig. 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, overload

import numpy as np

from harsanyi._arrays import ArrayT
from harsanyi.analysis._common import (
    beside,
    counts_by_order,
    double,
    kinds,
    namespace,
    ratio,
    sample_axis,
    without_empty,
)
from harsanyi.errors import ArgumentError
from harsanyi.reductions import OrderSums, floating_lattice, like, per_vector, reduce_orders

if TYPE_CHECKING:
    from harsanyi.analysis._common import Interactions, Pair, Threshold

__all__ = [
    "OrderStrength",
    "boolean_strength",
    "largest_strength",
    "mean_order",
    "order_strength",
    "order_sums",
    "output_range",
    "salient",
    "sorted_strengths",
]

DEFAULT_SHARE = 0.05  # of the largest |I|: the threshold where none is given


@dataclass(frozen=True, eq=False, slots=True)
class OrderStrength(Generic[ArrayT]):
    """Mean strength over samples of the interactions of each order, each of shape [..., n + 1], float64.

    Attributes:
        positive: of the positive interactions, `A+`.
        negative: of the negative ones, `A-`, a non-negative number.
        absolute: of both.
    """

    positive: ArrayT
    negative: ArrayT
    absolute: ArrayT


def largest_strength(interactions: Interactions[ArrayT]) -> ArrayT:
    """The largest `|I[S]|` of each vector over S != {}, over both kinds of a pair together.

    Args:
        interactions: [..., 2**n], float32, float64 or int64, or a pair.

    Returns:
        float64, shape [...]. Differentiable.

    Raises:
        ArgumentError: the last axis is not a power of two or holds no player, or the batch is empty.
        ArgumentTypeError: another dtype, or a pair of two.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import largest_strength
        >>> largest_strength(np.array([9.0, 1.0, -4.0, 2.0]))
        np.float64(4.0)
    """
    arrays, _ = kinds(interactions)
    xp = namespace(arrays[0])
    sizes = [xp.maximum(xp.amax(x[..., 1:], -1), -xp.amin(x[..., 1:], -1)) for x in arrays]
    largest: ArrayT = double(xp.maximum(sizes[0], sizes[-1]))[()]
    return largest


def output_range(v: ArrayT) -> ArrayT:
    """How far the output moves from everything masked to nothing masked: `E_x |v(N) - v({})|`.

    Args:
        v: games of a set of samples, shape [..., samples, 2**n], float32, float64 or int64; one game, [2**n].

    Returns:
        float64, shape [..., 1], to stand beside numbers of each sample, as in
        `threshold=0.02 * output_range(v)` or `decompose(v, zeta=0.02 * output_range(v))`; a scalar for one
        game. Differentiable.

    Raises:
        ArgumentError: the last axis of `v` is not a power of two, or the batch is empty.
        ArgumentTypeError: another dtype.

    Source: Cheng et al., "Revisiting generalization power", Table 1, which prints it without the bars: then
    samples of opposite sign would cancel, and the threshold could be negative.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import output_range
        >>> output_range(np.array([[1.0, 2.0, 2.0, 4.0], [1.0, 0.0, 0.0, 0.0]]))
        array([2.])
    """
    values, _ = floating_lattice(v, "v")
    moved = abs(double(values[..., -1], "v") - double(values[..., 0], "v"))
    mean: ArrayT = moved.mean(-1, keepdims=True) if len(moved.shape) else moved
    return mean


@overload
def salient(interactions: ArrayT, *, threshold: Threshold | None = None) -> ArrayT: ...
@overload
def salient(interactions: Pair[ArrayT], *, threshold: Threshold | None = None) -> tuple[ArrayT, ArrayT]: ...
def salient(interactions: Any, *, threshold: Threshold | None = None) -> Any:
    """Which sets are salient: `|I[S]| > threshold`, never the empty one.

    Args:
        interactions: [..., 2**n], float32, float64 or int64, or a pair.
        threshold: a number, or one per vector, of a shape that broadcasts to the batch's; None: 0.05 of the
            largest `|I|` of the vector, both kinds together.

    Returns:
        bool, shape [..., 2**n]; of a pair, a tuple of two.

    Raises:
        ArgumentError: a threshold that is negative, NaN or of another shape, or as for `largest_strength`.
        ArgumentTypeError: as for `largest_strength`.

    Source: Zhou et al., AAAI 2024, "Definition of interactive concepts".

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import salient
        >>> salient(np.array([9.0, 1.0, -4.0, 0.1]))
        array([False,  True,  True, False])
    """
    arrays, n = kinds(interactions)
    limit = salience_limit(arrays, threshold)
    within = like(np.arange(1 << n) > 0, arrays[0])
    masks = tuple((abs(double(x)) > limit[..., None]) & within for x in arrays)
    return masks if len(masks) == 2 else masks[0]


def order_sums(interactions: Interactions[ArrayT], *, threshold: Threshold = 0.0) -> OrderSums[ArrayT]:
    """Sums and counts of the salient interactions of each vector by order; of a pair, of both kinds together.

    Args:
        interactions: [..., 2**n], float32, float64 or int64, or a pair.
        threshold: a set is salient if `|I[S]|` is larger: a number, or one per vector, of a shape that
            broadcasts to the batch's; 0 leaves nothing out.

    Returns:
        OrderSums, each [..., n + 1] with 0 at order 0: `positive` is `A+`, `negative` is `A-`, `absolute`
        their sum, `sum` their difference and `count` the number of salient sets. Differentiable but for the
        count.

    Raises:
        ArgumentError, ArgumentTypeError: as for `salient`.

    Source: Cheng et al., "Revisiting generalization power", eq. 4; Zhou et al., AAAI 2024, Fig. 3 (counts).

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import order_sums
        >>> sums = order_sums((np.array([9.0, 1.0, -4.0, 2.0]), np.array([0.0, 0.5, 0.0, -1.0])))
        >>> sums.positive, sums.negative, sums.count
        (array([0. , 1.5, 2. ]), array([0., 4., 1.]), array([0, 3, 2]))
    """
    arrays, _ = kinds(interactions)
    each = [reduce_orders(x, threshold=threshold, salient_only=True) for x in arrays]

    def total(field: str) -> Any:
        return without_empty(sum(getattr(sums, field) for sums in each[1:]) + getattr(each[0], field))

    return OrderSums(*(total(field) for field in ("sum", "absolute", "positive", "negative", "count")))


def order_strength(
    interactions: Interactions[ArrayT],
    *,
    threshold: Threshold = 0.0,
    relative_to: Literal["first_order", "mean_order"] | Threshold | None = None,
    mean_over_sets: bool = False,
) -> OrderStrength[ArrayT]:
    """Mean strength over samples by order, normalised as one of the papers does.

    `A+[m] = E_x sum over |S| = m of max(I[S], 0)` over salient sets, AND and OR together, and `A-` likewise.
    The papers' curves are

    - `order_strength(pair, threshold=0.02 * output_range(v), relative_to="first_order")`: divided by
      `Z = E_x sum over |S| = 1 of |I[S]|` (Cheng et al., "Revisiting generalization power", eq. 4 and I.3);
    - `order_strength(pair, threshold=0.03 * output_range(v), relative_to="mean_order").absolute`: divided by
      the mean of that strength over the orders 1..n (Zhou et al., "Towards the first principles", Fig. 2);
    - `order_strength(dividends, relative_to=output_range(v), mean_over_sets=True).absolute`:
      `E_x E_{|S| = m} |I[S]| / E_x |v(N) - v({})|` (Zhou et al., AAAI 2024, Fig. 7).

    Args:
        interactions: of a set of samples, [..., samples, 2**n], float32, float64 or int64, or a pair.
        threshold: as for `order_sums`; 0 leaves nothing out.
        relative_to: what strengths are divided by: "first_order", "mean_order", a number or one per set of
            samples, [..., 1], such as `output_range(v)`; None: 1. Where it is 0 the result is NaN.
        mean_over_sets: the mean over the interactions of an order instead of their sum. It counts all of
            them, C(n, m) of each kind, salient or not.

    Returns:
        OrderStrength, each [..., n + 1], order 0 being 0 (NaN for `mean_over_sets`). Differentiable.

    Raises:
        ArgumentError: `relative_to` is another word or of another shape, or as for `salient`.
        ArgumentTypeError: as for `salient`.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import order_strength
        >>> dividends = np.array([[0.0, 1.0, -2.0, 3.0], [0.0, 1.0, 0.0, -3.0]])
        >>> order_strength(dividends, relative_to="first_order").positive
        array([0.  , 0.5 , 0.75])
    """
    arrays, n = kinds(interactions)
    sums = order_sums(interactions, threshold=threshold)
    parts = [sample_axis(x).mean(-2) for x in (sums.positive, sums.negative, sums.absolute)]
    absolute = parts[-1]
    if mean_over_sets:
        counts = len(arrays) * counts_by_order(n, absolute)
        parts = [ratio(part, counts) for part in parts]
    if relative_to is not None:
        scale = _scale(relative_to, parts[-1])
        parts = [ratio(part, scale) for part in parts]
    return OrderStrength(*parts)


def mean_order(strength: ArrayT) -> ArrayT:
    """The mean order, `sum of m A[m] / sum of A[m]`: how complex what a network uses is, in one number.

    Args:
        strength: non-negative strength by order m = 0..n, shape [..., n + 1]; order 0 is not counted.

    Returns:
        float64, shape [...], from 1 to n; NaN where all strengths are 0.

    Raises:
        ArgumentError: no axis of orders 0..n with n >= 1.
        ArgumentTypeError: not real numbers.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import mean_order
        >>> mean_order(np.array([0.0, 3.0, 1.0]))
        np.float64(1.25)
    """
    values = double(strength, "strength")
    if not len(values.shape) or values.shape[-1] < 2:
        expected = "strengths by order of shape [..., n + 1] with n >= 1"
        raise ArgumentError("strength", f"shape {tuple(values.shape)}", expected)
    values = values[..., 1:]
    order = beside(np.arange(1, values.shape[-1] + 1), values)
    mean: ArrayT = ratio((order * values).sum(-1), values.sum(-1))
    return mean


def sorted_strengths(interactions: Interactions[ArrayT]) -> ArrayT:
    """The curve of sparsity: `|I[S]|` over S != {} in descending order, both kinds of a pair together.

    Args:
        interactions: [..., 2**n], float32, float64 or int64, or a pair.

    Returns:
        float64, shape [..., 2**n - 1], or [..., 2 (2**n - 1)] of a pair. Differentiable.

    Raises:
        ArgumentError, ArgumentTypeError: as for `largest_strength`.

    Source: Zhou et al., AAAI 2024, Fig. 2.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import sorted_strengths
        >>> sorted_strengths(np.array([9.0, 1.0, -4.0, 2.0]))
        array([4., 2., 1.])
    """
    arrays, _ = kinds(interactions)
    xp = namespace(arrays[0])
    sizes = xp.concatenate([-abs(double(x[..., 1:])) for x in arrays], -1)
    descending: Any = np.sort(sizes, -1) if xp is np else sizes.sort(-1).values
    curve: ArrayT = -descending
    return curve


def boolean_strength(dividends: ArrayT, *, inputs: Literal["all", "ones"] = "all") -> ArrayT:
    """Strength by order of a function of boolean inputs, from its dividends at the input of ones.

    For a function on {0, 1}**n whose masked inputs are 0, an input x switches off the interactions outside of
    its ones: `I(S|x) = I(S|1)` if x is 1 on all of S, else 0. Of all inputs, `2**-m` are 1 on a set of order
    m, whence `E_x sum over |S| = m of |I(S|x)| = 2**-m sum over |S| = m of |I(S|1)|`.

    Args:
        dividends: `mobius` of the function's values on {0, 1}**n, bit i being input i: [..., 2**n], float32,
            float64 or int64.
        inputs: "all" for the left side, the mean over {0, 1}**n that the paper plots; "ones" for the sum
            on the right, the strength on the input of ones.

    Returns:
        float64, shape [..., n + 1], 0 at order 0. Differentiable.

    Raises:
        ArgumentError: another word, or as for `largest_strength`.
        ArgumentTypeError: another dtype.

    Source: Zhou et al., AAAI 2024, "Detouring dynamics of high-order concepts", Fig. 9.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import boolean_strength
        >>> product = np.array([0.0, 0.0, 0.0, 1.0])  # the dividends of x0 * x1
        >>> boolean_strength(product), boolean_strength(product, inputs="ones")
        (array([0.  , 0.  , 0.25]), array([0., 0., 1.]))
    """
    if inputs not in ("all", "ones"):
        raise ArgumentError("inputs", inputs, '"all" or "ones"')
    (values,), n = kinds(floating_lattice(dividends, "dividends")[0], "dividends")
    strength: Any = order_sums(values).absolute
    if inputs == "all":
        strength = strength * beside(0.5 ** np.arange(n + 1), strength)
    result: ArrayT = strength
    return result


def salience_limit(arrays: tuple[Any, ...], threshold: Any) -> Any:
    """The threshold of each vector, in the shape of their batch: 0.05 of the largest |I|, or as given."""
    if threshold is None:
        return DEFAULT_SHARE * largest_strength(arrays if len(arrays) == 2 else arrays[0])
    return beside(per_vector(threshold, tuple(arrays[0].shape[:-1])), arrays[0])


def _scale(relative_to: Any, absolute: Any) -> Any:
    """What the strengths are divided by, of a shape that broadcasts to [..., 1]."""
    if isinstance(relative_to, str):
        if relative_to == "first_order":
            return absolute[..., 1:2]
        if relative_to == "mean_order":
            return absolute[..., 1:].mean(-1, keepdims=True)
        expected = '"first_order", "mean_order", a number or one per set of samples'
        raise ArgumentError("relative_to", relative_to, expected)
    scale = beside(relative_to, absolute)
    batch = (*absolute.shape[:-1], 1)
    try:
        fits = np.broadcast_shapes(tuple(scale.shape), batch) == batch
    except ValueError:
        fits = False
    if not fits:
        expected = f"a number or one per set of samples, of shape {batch}"
        raise ArgumentError("relative_to", f"shape {tuple(scale.shape)}", expected)
    return scale
