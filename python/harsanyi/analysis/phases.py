"""The two phases of training, followed over checkpoints by the interactions and by the loss.

First a network drops the interactions of its random start and learns those of low order, while the loss on
test samples keeps to that on training samples; then, as the gap between them opens, it learns higher and
higher orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import ArrayT, check_number
from harsanyi.analysis._common import beside, kinds, real_numbers
from harsanyi.analysis.decay import DecayTable, decay_table
from harsanyi.analysis.disentangle import DecayFit, Disentangled, disentangle, fit_decay
from harsanyi.analysis.emerged import strength_change
from harsanyi.analysis.strength import OrderStrength, mean_order, order_strength
from harsanyi.errors import ArgumentError

if TYPE_CHECKING:
    import torch

    from harsanyi.analysis._common import Interactions, Threshold

__all__ = ["PhaseTrack", "normal_phase_end", "track_phases"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class PhaseTrack(Generic[ArrayT]):
    """A training run by its checkpoints; every array has the checkpoints as its first axis.

    Attributes:
        strength: `A+` and `A-` averaged over the samples, [checkpoints, n + 1] each.
        mean_order: of all interactions, weighted by strength, [checkpoints]; NaN where there are none.
        loss_gap: test loss - training loss, [checkpoints].
        phase_end: index of the checkpoint at which the normal learning phase ends.
        emerged: `|A_t - A_s|`, s the end of the normal learning phase, [checkpoints, n + 1] each.
        parts: decay and spindle part of each checkpoint, see `disentangle`.
        predicted: the decayed final interactions nearest to each checkpoint, see `fit_decay`; its
            `relative_residual` is the error of the prediction.
    """

    strength: OrderStrength[ArrayT]
    mean_order: ArrayT
    loss_gap: ArrayT
    phase_end: int
    emerged: OrderStrength[ArrayT]
    parts: Disentangled[ArrayT]
    predicted: DecayFit[ArrayT]


def normal_phase_end(loss_gap: npt.ArrayLike | torch.Tensor, *, share: float = 0.1) -> Any:
    """The checkpoint at which the normal learning phase ends: the last one with the loss gap near zero.

    Args:
        loss_gap: test loss - training loss, [..., checkpoints] in the order of training, finite.
        share: "near zero" is a gap of at most this share of the largest one, 0..1.

    Returns:
        Index of the last checkpoint whose gap is near zero: after it the gap stays open. 0 where it is open
        from the start; the last checkpoint where it never opens. An int, or an int64 array [...].

    Raises:
        ArgumentError: no checkpoint, NaN or infinity, or a bad share.
        ArgumentTypeError: not numbers.

    The papers draw the line by eye, where the gap "suddenly begins to increase" (Cheng et al., "Revisiting
    generalization power of a DNN in terms of symbolic interactions", section 2.2.1); the share is ours.

    Example:
        >>> from harsanyi.analysis import normal_phase_end
        >>> normal_phase_end([0.0, 0.01, -0.02, 0.03, 0.2, 0.9, 1.0])
        3
    """
    gap = _losses("loss_gap", loss_gap)
    limit = check_number(share, "share")
    if limit > 1:
        raise ArgumentError("share", limit, "a number from 0 to 1")
    closed = gap <= np.maximum(limit * gap.max(-1, keepdims=True), 0)
    last = gap.shape[-1] - 1
    ends = np.where(closed.any(-1), last - closed[..., ::-1].argmax(-1), 0)
    return int(ends) if ends.ndim == 0 else ends.astype(np.int64)


def track_phases(
    interactions: Interactions[ArrayT],
    train_loss: npt.ArrayLike | torch.Tensor,
    test_loss: npt.ArrayLike | torch.Tensor,
    *,
    table: DecayTable | None = None,
    threshold: Threshold = 0.0,
    gamma: float | None = 1.0,
    share: float = 0.1,
) -> PhaseTrack[ArrayT]:
    """Everything about a training run that its interactions and its losses tell, checkpoint by checkpoint.

    Args:
        interactions: of the same samples at every checkpoint, [checkpoints, samples, 2**n], float32, float64
            or int64, or a pair.
        train_loss: mean loss on the training samples, [checkpoints].
        test_loss: mean loss on the test samples, [checkpoints].
        table: `decay_table` of the fully converged network; None: of the last checkpoint.
        threshold: only `|I| > threshold` counts in the strengths: a number, or an array that broadcasts to
            [checkpoints, samples], such as `0.02 * output_range(v)`; 0 leaves nothing out.
        gamma: scale of the predicted strengths, see `fit_decay`; None fits one a checkpoint.
        share: as for `normal_phase_end`.

    Returns:
        A record of float64 arrays, or of tensors on the device of the interactions.

    Raises:
        ArgumentError: interactions not of three axes, losses not of one per checkpoint, or as for the
            functions that this one calls.
        ArgumentTypeError: another dtype, or a pair of two.

    Source: Zhou et al., "Towards the first principles of explaining DNNs", figures 2 and 3; Cheng et al.,
        "Revisiting generalization power of a DNN in terms of symbolic interactions", figures 2, 5 and 7.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> from harsanyi.analysis import track_phases
        >>> final = np.random.default_rng(0).normal(size=(4, 64))
        >>> run = hs.decay(final, [0.1, 1e-2, 1e-3, 1e-4])  # less and less uncertainty
        >>> track = track_phases(run, [0.9, 0.5, 0.2, 0.0], [0.9, 0.5, 0.4, 0.7])
        >>> track.phase_end, bool((np.diff(track.mean_order) > 0).all())
        (1, True)
    """
    arrays, _ = kinds(interactions)
    first = arrays[0]
    if first.ndim != 3:
        raise ArgumentError(
            "interactions", f"shape {tuple(first.shape)}", "of shape [checkpoints, samples, 2**n]"
        )
    losses = {"train_loss": _losses("train_loss", train_loss), "test_loss": _losses("test_loss", test_loss)}
    for name, loss in losses.items():
        if loss.shape != first.shape[:1]:
            raise ArgumentError(name, f"shape {loss.shape}", f"one per checkpoint, of shape ({len(first)},)")
    gap = losses["test_loss"] - losses["train_loss"]
    end: int = normal_phase_end(gap, share=share)
    strength: Any = order_strength(interactions, threshold=threshold)
    if table is None:
        final: Any = tuple(x[-1] for x in arrays)
        table = decay_table(final if len(final) == 2 else final[0])
    return PhaseTrack(
        strength,
        mean_order(strength.absolute),
        beside(gap, first),
        end,
        strength_change(OrderStrength(strength.positive[end], strength.negative[end]), strength),
        disentangle(strength, table),
        fit_decay(strength, table, gamma=gamma),
    )


def _losses(name: str, values: Any) -> Floats:
    array = real_numbers(name, values, "finite numbers, one per checkpoint")
    if not array.size or not array.ndim:
        raise ArgumentError(name, f"shape {array.shape}", "finite numbers, one per checkpoint")
    return array
