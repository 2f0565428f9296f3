"""Strength of the positive and of the negative interactions of each order, and how both change.

A pair of AND and OR interactions is two lattice vectors, arrays whose last axis has length 2**n, indexed by
subset: bit i set means player i is in. The axis before it, where there is one, is that of the samples. OR
interactions may be left out: then the AND interactions (the dividends of the whole output) stand alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NamedTuple

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import ArrayT, as_array, is_tensor
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.reductions import floating_lattice, like, reduce_orders

if TYPE_CHECKING:
    import torch

__all__ = [
    "NewInteractions",
    "SignedStrengths",
    "mean_order",
    "newly_emerged",
    "signed_strengths",
    "strength_change",
]


class SignedStrengths(NamedTuple, Generic[ArrayT]):
    """Strengths by order m = 0..n, positive and negative interactions apart; order 0 is no interaction.

    Attributes:
        positive: `A+`, shape [..., n + 1], `A+[0] = 0`.
        negative: `A-`, likewise, a non-negative number.
    """

    positive: ArrayT
    negative: ArrayT


class NewInteractions(NamedTuple, Generic[ArrayT]):
    """Interactions that a change of the network or of the sample brought or took.

    Attributes:
        and_: the AND interactions before the change minus those after it, shape [..., 2**n].
        or_: the OR interactions likewise, or None.
        strengths: per order of these differences, averaged over the samples.
    """

    and_: ArrayT
    or_: ArrayT | None
    strengths: SignedStrengths[ArrayT]


def signed_strengths(
    and_: ArrayT,
    or_: ArrayT | None = None,
    *,
    threshold: float | npt.ArrayLike | torch.Tensor | None = None,
) -> SignedStrengths[ArrayT]:
    """`A+[m]` and `A-[m]`: sums of `max(I, 0)` and `max(-I, 0)` over the sets of order m, mean over samples.

    Args:
        and_: AND interactions, shape [samples, 2**n] after any batch axes, or [2**n] for one sample; float32,
            float64 or int64.
        or_: OR interactions of the same shape and dtype, or None.
        threshold: only `|I| > threshold` counts: one number, or an array that broadcasts to the vectors, such
            as [checkpoints, 1]. None: every interaction counts.

    Returns:
        SignedStrengths of shape [batch, n + 1] each, float64, order 0 set to 0; differentiable for tensors.

    Raises:
        ArgumentError: the last axis is not a power of two, the batch is empty, the two shapes differ, or a
            bad `threshold`.
        ArgumentTypeError: another dtype, or two kinds of array.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions", eq. 4.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis.signed import signed_strengths
        >>> signed_strengths(np.array([9.0, 1.0, -2.0, 3.0]), np.array([-4.0, 1.0, 1.0, 2.0]))
        SignedStrengths(positive=array([0., 3., 5.]), negative=array([0., 2., 0.]))
    """
    kinds, _ = floating_pair(and_, or_)
    sums = [reduce_orders(x, threshold=threshold, salient_only=threshold is not None) for x in kinds]
    return SignedStrengths(
        _mean_over_samples([x.positive for x in sums]), _mean_over_samples([x.negative for x in sums])
    )


def newly_emerged(
    and_: ArrayT, and_noise: ArrayT, or_: ArrayT | None = None, or_noise: ArrayT | None = None
) -> NewInteractions[ArrayT]:
    """Interactions that noise on the parameters or on the sample brings, `Delta I = I - I_noise`.

    Args:
        and_: AND interactions of the network as it was, [samples, 2**n] after any batch axes, or [2**n].
        and_noise: AND interactions with the noise, of a shape that broadcasts against `and_` (such as one
            noise level a batch entry) and of its dtype.
        or_: OR interactions as `and_`, or None for both.
        or_noise: OR interactions as `and_noise`, or None for both.

    Returns:
        The differences, and their strengths by order averaged over the samples, without a threshold.

    Raises:
        ArgumentError: a shape that does not fit, or only one of the two OR interactions.
        ArgumentTypeError: a dtype besides float32, float64 and int64, two dtypes, or two kinds of array.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions", eq. 5.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis.signed import newly_emerged
        >>> newly_emerged(np.array([0.0, 1.0, 2.0, 0.0]), np.array([0.0, 1.5, 2.0, -3.0])).strengths
        SignedStrengths(positive=array([0., 0., 3.]), negative=array([0. , 0.5, 0. ]))
    """
    if (or_ is None) != (or_noise is None):
        raise ArgumentError(
            "or_noise", "OR interactions of one side", "given together with or_, or both None"
        )
    before, n = floating_pair(and_, or_)
    after, n_after = floating_pair(and_noise, or_noise, ("and_noise", "or_noise"))
    _same_kind(before[0], after[0], "and_", "and_noise")
    if n != n_after:
        raise ArgumentError("and_noise", f"interactions of {n_after} players", f"of {n}, as and_")
    try:
        changes: list[Any] = [x - y for x, y in zip(before, after, strict=True)]
    except (ValueError, RuntimeError) as error:
        expected = f"of a shape that broadcasts against {tuple(before[0].shape)}, that of and_"
        raise ArgumentError("and_noise", f"shape {tuple(after[0].shape)}", expected) from error
    new_or = changes[1] if len(changes) == 2 else None
    return NewInteractions(changes[0], new_or, signed_strengths(changes[0], new_or))


def strength_change(
    reference: SignedStrengths[ArrayT], strengths: SignedStrengths[ArrayT]
) -> SignedStrengths[ArrayT]:
    """What emerged between two checkpoints, `|A_t - A_s|` for either sign.

    Args:
        reference: strengths `A_s` at the end of the normal learning phase, [..., n + 1] each.
        strengths: strengths `A_t` later on, of a shape that broadcasts against it.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions",
        section 2.2.1, stage 2.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis.signed import SignedStrengths, strength_change
        >>> s, t = np.array([0.0, 3.0, 1.0]), np.array([0.0, 2.0, 4.0])
        >>> strength_change(SignedStrengths(s, s), SignedStrengths(t, s)).positive
        array([0., 1., 3.])
    """
    earlier: Any = reference
    later: Any = strengths
    return SignedStrengths(abs(later[0] - earlier[0]), abs(later[1] - earlier[1]))


def mean_order(strengths: SignedStrengths[ArrayT]) -> ArrayT:
    """Mean order of the interactions, each weighted by its strength: `sum of m A[m] / sum of A[m]`.

    Args:
        strengths: [..., n + 1] each; order 0 does not count.

    Returns:
        Shape [...], with `A = A+ + A-`; NaN where there are no interactions.

    Our summary of the distributions of Ren et al., "Towards the dynamics of a DNN learning symbolic
    interactions", figure 2.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis.signed import SignedStrengths, mean_order
        >>> float(mean_order(SignedStrengths(np.array([0.0, 3.0, 0.0]), np.array([0.0, 0.0, 1.0]))))
        1.25
    """
    parts: Any = strengths
    total = (parts[0] + parts[1])[..., 1:]
    moment = (total * like(np.arange(1.0, total.shape[-1] + 1), total)).sum(-1)
    size = total.sum(-1)
    result: ArrayT
    if is_tensor(total):
        result = moment / size
    else:  # 0/0 is meant, numpy's warning is not
        result = np.divide(moment, size, out=np.full(size.shape, np.nan), where=size > 0)[()]
    return result


def floating_pair(
    and_: object, or_: object | None, names: tuple[str, str] = ("and_", "or_")
) -> tuple[list[Any], int]:
    """The one or two kinds of interactions as floating lattice vectors of one shape and dtype, and their n.

    Raises:
        ArgumentError: not lattice vectors, or of two shapes.
        ArgumentTypeError: another dtype, two dtypes, or an array beside a tensor.
    """
    first, n = floating_lattice(and_, names[0])
    kinds = [first]
    if or_ is not None:
        kinds.append(floating_lattice(or_, names[1])[0])
        _same_kind(kinds[0], kinds[1], *names)
        if kinds[0].shape != kinds[1].shape:
            expected = f"of the shape of {names[0]}, {tuple(kinds[0].shape)}"
            raise ArgumentError(names[1], f"shape {tuple(kinds[1].shape)}", expected)
    return kinds, n


def host_strengths(strengths: object, name: str = "strengths") -> tuple[npt.NDArray[np.float64], Any]:
    """Strengths as one float64 array [..., 2, n + 1], order 0 set to 0; and a table's way back to their kind.

    Raises:
        ArgumentError: not two arrays of one shape [..., n + 1] with n >= 1, finite and at least 0.
        ArgumentTypeError: not a pair of arrays.
    """
    if not isinstance(strengths, tuple) or len(strengths) != 2:
        raise ArgumentTypeError(name, type(strengths).__name__, "a pair (positive, negative) of strengths")
    given = as_array(strengths[0], name)
    parts: list[Any] = [x.detach().cpu().numpy() if is_tensor(x) else as_array(x, name) for x in strengths]
    if any(x.dtype.kind not in "iuf" for x in parts):
        raise ArgumentTypeError(name, f"dtype {parts[0].dtype}, {parts[1].dtype}", "real numbers")
    if parts[0].shape != parts[1].shape or not parts[0].ndim or parts[0].shape[-1] < 2 or not parts[0].size:
        shapes = f"shapes {parts[0].shape} and {parts[1].shape}"
        raise ArgumentError(name, shapes, "two of one shape [..., n + 1], by order 0..n with n >= 1")
    values = np.stack(parts, -2).astype(np.float64)
    values[..., 0] = 0
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ArgumentError(name, "a negative number, NaN or infinity", "finite and at least 0")
    return values, like_input(given)


def like_input(x: object) -> Any:
    """Turns a numpy result into what x is: itself, or a float64 tensor on the device of x."""
    if not is_tensor(x):
        return lambda table: table
    import torch

    device = x.device
    return lambda table: torch.from_numpy(np.array(table)).to(device)


def _mean_over_samples(parts: list[Any]) -> Any:
    total = sum(parts[1:], start=parts[0])
    if total.ndim > 1:
        total = total.mean(-2)
    total[..., 0] = 0
    return total


def _same_kind(first: Any, second: Any, name: str, other: str) -> None:
    if is_tensor(first) != is_tensor(second) or first.dtype != second.dtype:
        found = f"{type(second).__name__} of dtype {second.dtype}"
        raise ArgumentTypeError(other, found, f"like {name}, {type(first).__name__} of dtype {first.dtype}")
