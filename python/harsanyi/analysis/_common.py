"""What the analyses share: interactions of one kind or two, samples, ratios, means that leave NaN out."""

from __future__ import annotations

import sys
from math import comb
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from harsanyi._arrays import ArrayT, is_tensor
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.games.outputs import as_float64
from harsanyi.reductions import floating_lattice, like

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    from harsanyi.explanation import SparsePair
    from harsanyi.sparse import Decomposition

    Pair: TypeAlias = tuple[ArrayT, ArrayT] | SparsePair | Decomposition[ArrayT]
    Interactions: TypeAlias = ArrayT | Pair[ArrayT]
    Threshold: TypeAlias = float | npt.ArrayLike | torch.Tensor

_EXPECTED = "lattice vectors [..., 2**n], a tuple (and_, or_) of them, or a record with both"


def kinds(interactions: object, name: str = "interactions") -> tuple[tuple[Any, ...], int]:
    """The lattice vectors, one or a pair of one shape and dtype in float32 or float64, and their n.

    Raises:
        ArgumentError: a tuple that is not a pair, two shapes, no player, or what `floating_lattice` refuses.
        ArgumentTypeError: an array beside a tensor, two dtypes, or what `floating_lattice` refuses.
    """
    if isinstance(interactions, np.ndarray) or is_tensor(interactions):
        given: tuple[Any, ...] = (interactions,)
    elif isinstance(interactions, tuple):
        given = interactions
    elif hasattr(interactions, "and_") and hasattr(interactions, "or_"):
        given = (interactions.and_, interactions.or_)
    else:
        given = (interactions,)
    if len(given) not in (1, 2):
        raise ArgumentError(name, f"a tuple of {len(given)}", _EXPECTED)
    found = tuple(floating_lattice(x, name) for x in given)
    arrays, n = tuple(x for x, _ in found), found[0][1]
    if n == 0:
        raise ArgumentError(name, "the interactions of no player", "those of at least one player")
    alike(arrays[-1], arrays[0], name)
    if arrays[-1].shape != arrays[0].shape:
        shapes = " and ".join(str(tuple(x.shape)) for x in arrays)
        raise ArgumentError(name, f"a pair of shapes {shapes}", "a pair of one shape")
    return arrays, n


def two_of_a_kind(first: Any, second: Any, names: tuple[str, str]) -> tuple[Any, Any]:
    """The vectors of two arguments compared set by set: of one n and dtype, pairs both or neither."""
    (a, n), (b, m) = kinds(first, names[0]), kinds(second, names[1])
    if n != m:
        raise ArgumentError(names[1], f"2**{m} entries", f"like {names[0]}, of 2**{n} entries")
    if len(a) != len(b):
        shown = ("one array", "a pair")
        raise ArgumentError(names[1], shown[len(b) - 1], f"like {names[0]}, {shown[len(a) - 1]}")
    alike(b[0], a[0], names[1])
    return a, b


def alike(x: Any, model: Any, name: str) -> None:
    """Raises ArgumentTypeError unless x is of the kind (numpy or torch) and dtype of the model array."""
    if is_tensor(x) != is_tensor(model) or x.dtype != model.dtype:
        shown, expected = (f"{type(a).__name__} of dtype {a.dtype}" for a in (x, model))
        raise ArgumentTypeError(name, f"a {shown} beside a {expected}", "of one type and dtype throughout")


def namespace(x: object) -> Any:
    """Numpy, or torch for a tensor."""
    return sys.modules["torch"] if is_tensor(x) else np


def double(x: Any, name: str = "interactions") -> Any:
    """X in float64; checked to be real numbers."""
    return as_float64(x, name)


def beside(value: Any, x: Any) -> Any:
    """A number, an array or a tensor as float64 beside x: an array, or a tensor on its device."""
    if is_tensor(value):
        return value.to(x.device).double() if is_tensor(x) else value.detach().cpu().double().numpy()
    array = np.asarray(value, dtype=np.float64)
    return namespace(x).tensor(array, device=x.device) if is_tensor(x) else array


def ratio(over: Any, under: Any) -> Any:
    """`over / under`, NaN where `under` is 0; such entries pass no gradient on."""
    xp = namespace(over)
    zero = under == 0
    return xp.where(zero, xp.nan, over / xp.where(zero, 1.0, under))[()]


def sample_axis(x: Any) -> Any:
    """X with a sample axis in front of its last: a lone vector is a set of one sample."""
    return x[None] if len(x.shape) == 1 else x


def counts_by_order(n: int, x: Any) -> Any:
    """The number of interactions of each order of one kind, float64 [n + 1]; the empty set is none."""
    return beside([0, *(comb(n, m) for m in range(1, n + 1))], x)


def without_empty(sums: Any) -> Any:
    """Sums by order [..., n + 1] with 0 for order 0: the empty set is not an interaction."""
    xp = namespace(sums)
    return xp.where(like(np.arange(sums.shape[-1]) > 0, sums), sums, 0)


def nan_mean(x: ArrayT, axis: int = -1) -> ArrayT:
    """The mean along an axis of the entries that are not NaN: how an undefined ratio stays out of a mean.

    Args:
        x: real numbers, shape [...].
        axis: the axis.

    Returns:
        float64, the shape of `x` without the axis; NaN where all entries are. A gradient flows to the entries
        that are not NaN.

    Raises:
        ArgumentError: `x` has no such axis.
        ArgumentTypeError: not real numbers.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import nan_mean
        >>> nan_mean(np.array([[1.0, np.nan], [3.0, np.nan]]), 0)
        array([ 2., nan])
    """
    values, _, count = _known(x, axis)
    mean: ArrayT = ratio(values.sum(axis, keepdims=True), count).squeeze(axis)[()]
    return mean


def nan_std(x: ArrayT, axis: int = -1) -> ArrayT:
    """The standard deviation along an axis of the entries that are not NaN, with `count - 1` below.

    Args:
        x: real numbers, shape [...].
        axis: the axis.

    Returns:
        float64, the shape of `x` without the axis; NaN where fewer than two entries are numbers.

    Raises:
        ArgumentError, ArgumentTypeError: as for `nan_mean`.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import nan_std
        >>> nan_std(np.array([1.0, 3.0, np.nan])).round(3)
        np.float64(1.414)
    """
    values, known, count = _known(x, axis)
    mean = ratio(values.sum(axis, keepdims=True), count)
    squares = namespace(values).where(known, (values - mean) ** 2, 0.0).sum(axis, keepdims=True)
    variance = ratio(squares, (count - 1).clip(0))
    deviation: ArrayT = (variance**0.5).squeeze(axis)[()]
    return deviation


def _known(x: object, axis: int) -> tuple[Any, Any, Any]:
    """X in float64 with 0 for NaN, where it is not NaN, and how often along the axis."""
    values = double(x, "x")
    if not -len(values.shape) <= axis < len(values.shape):
        raise ArgumentError("axis", axis, f"an axis of x, of shape {tuple(values.shape)}")
    known = values == values
    filled = namespace(values).where(known, values, 0.0)
    return filled, known, double(known.sum(axis, keepdims=True))
