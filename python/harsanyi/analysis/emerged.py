"""What a change of a network or of a sample brings: new interactions, and strengths that changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from harsanyi._arrays import ArrayT
from harsanyi.analysis._common import two_of_a_kind
from harsanyi.analysis.strength import OrderStrength
from harsanyi.errors import ArgumentError

if TYPE_CHECKING:
    from harsanyi.analysis._common import Pair

__all__ = ["newly_emerged", "strength_change"]


@overload
def newly_emerged(interactions: ArrayT, changed: ArrayT) -> ArrayT: ...
@overload
def newly_emerged(interactions: Pair[ArrayT], changed: Pair[ArrayT]) -> tuple[ArrayT, ArrayT]: ...
def newly_emerged(interactions: Any, changed: Any) -> Any:
    """Interactions that noise on the parameters or on the sample brings, `Delta I = I - I_noise`.

    Their strengths by order, `Delta A+` and `Delta A-`, are `order_strength(newly_emerged(...))`, without a
    threshold.

    Args:
        interactions: of the network as it was, [..., samples, 2**n], float32, float64 or int64, or a pair.
        changed: those with the noise, of a shape that broadcasts against it (such as one noise level a batch
            entry) and of its dtype.

    Returns:
        The differences, an array, or a tuple of two. Differentiable.

    Raises:
        ArgumentError: a shape that does not fit, one kind beside two, or as for `salient`.
        ArgumentTypeError: another dtype, two dtypes, or an array beside a tensor.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions", eq. 5.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import newly_emerged
        >>> newly_emerged(np.array([0.0, 1.0, 2.0, 0.0]), np.array([0.0, 1.5, 2.0, -3.0]))
        array([ 0. , -0.5,  0. ,  3. ])
    """
    before, after = two_of_a_kind(interactions, changed, ("interactions", "changed"))
    try:
        changes = tuple(x - y for x, y in zip(before, after, strict=True))
    except (ValueError, RuntimeError) as error:
        expected = f"of a shape that broadcasts against {tuple(before[0].shape)}, that of interactions"
        raise ArgumentError("changed", f"shape {tuple(after[0].shape)}", expected) from error
    return changes if len(changes) == 2 else changes[0]


def strength_change(
    reference: OrderStrength[ArrayT], strength: OrderStrength[ArrayT]
) -> OrderStrength[ArrayT]:
    """What emerged between two checkpoints, `|A_t - A_s|` for either sign.

    Args:
        reference: strengths `A_s` at the end of the normal learning phase, [..., n + 1] each.
        strength: strengths `A_t` later on, of a shape that broadcasts against it.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions",
        section 2.2.1, stage 2.

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import OrderStrength, strength_change
        >>> s, t = np.array([0.0, 3.0, 1.0]), np.array([0.0, 2.0, 4.0])
        >>> strength_change(OrderStrength(s, s), OrderStrength(t, s)).positive
        array([0., 1., 3.])
    """
    earlier: Any = reference
    later: Any = strength
    return OrderStrength(abs(later.positive - earlier.positive), abs(later.negative - earlier.negative))
