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

from harsanyi._arrays import ArrayT, as_array, is_tensor
from harsanyi.analysis.decay import DecayTable, decay_table, number
from harsanyi.analysis.disentangle import DecayFit, Disentangled, disentangle, fit_decay
from harsanyi.analysis.signed import (
    SignedStrengths,
    floating_pair,
    like_input,
    mean_order,
    signed_strengths,
    strength_change,
)
from harsanyi.errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    import torch

__all__ = ["PhaseTrack", "normal_phase_end", "track_phases"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class PhaseTrack(Generic[ArrayT]):
    """A training run by its checkpoints; every array has the checkpoints as its first axis.

    Attributes:
        strengths: `A+` and `A-` averaged over the samples, [checkpoints, n + 1] each.
        mean_order: of all interactions, weighted by strength, [checkpoints]; NaN where there are none.
        loss_gap: test loss - training loss, [checkpoints].
        phase_end: index of the checkpoint at which the normal learning phase ends.
        emerged: `|A_t - A_s|`, s the end of the normal learning phase, [checkpoints, n + 1] each.
        parts: decay and spindle part of each checkpoint, see `disentangle`.
        predicted: the decayed final interactions nearest to each checkpoint, see `fit_decay`; its
            `relative_residual` is the error of the prediction.
    """

    strengths: SignedStrengths[ArrayT]
    mean_order: ArrayT
    loss_gap: ArrayT
    phase_end: int
    emerged: SignedStrengths[ArrayT]
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
        >>> from harsanyi.analysis.phases import normal_phase_end
        >>> normal_phase_end([0.0, 0.01, -0.02, 0.03, 0.2, 0.9, 1.0])
        3
    """
    gap = _losses("loss_gap", loss_gap)
    limit = number("share", share, "a number from 0 to 1")
    if limit > 1:
        raise ArgumentError("share", limit, "a number from 0 to 1")
    closed = gap <= np.maximum(limit * gap.max(-1, keepdims=True), 0)
    last = gap.shape[-1] - 1
    ends = np.where(closed.any(-1), last - closed[..., ::-1].argmax(-1), 0)
    return int(ends) if ends.ndim == 0 else ends.astype(np.int64)


def track_phases(
    and_: ArrayT,
    or_: ArrayT | None,
    train_loss: npt.ArrayLike | torch.Tensor,
    test_loss: npt.ArrayLike | torch.Tensor,
    *,
    table: DecayTable | None = None,
    threshold: float | npt.ArrayLike | torch.Tensor | None = None,
    gamma: float | None = 1.0,
    share: float = 0.1,
) -> PhaseTrack[ArrayT]:
    """Everything about a training run that its interactions and its losses tell, checkpoint by checkpoint.

    Args:
        and_: AND interactions of the same samples at every checkpoint, [checkpoints, samples, 2**n].
        or_: OR interactions of the same shape and dtype, or None.
        train_loss: mean loss on the training samples, [checkpoints].
        test_loss: mean loss on the test samples, [checkpoints].
        table: `decay_table` of the fully converged network; None: of the last checkpoint.
        threshold: only `|I| > threshold` counts in the strengths: a number, or an array that broadcasts to
            [checkpoints, samples]. None: every interaction counts.
        gamma: scale of the predicted strengths, see `fit_decay`; None fits one a checkpoint.
        share: as for `normal_phase_end`.

    Returns:
        A record of float64 arrays, or of tensors on the device of the interactions.

    Raises:
        ArgumentError: interactions not of three axes, losses not of one per checkpoint, or as for the
            functions that this one calls.
        ArgumentTypeError: another dtype, or two kinds of array.

    Source: Zhou et al., "Towards the first principles of explaining DNNs", figures 2 and 3; Cheng et al.,
        "Revisiting generalization power of a DNN in terms of symbolic interactions", figures 2, 5 and 7.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> from harsanyi.analysis.phases import track_phases
        >>> final = np.random.default_rng(0).normal(size=(4, 64))
        >>> run = hs.decay(final, [0.1, 1e-2, 1e-3, 1e-4])  # less and less uncertainty
        >>> track = track_phases(run, None, [0.9, 0.5, 0.2, 0.0], [0.9, 0.5, 0.4, 0.7])
        >>> track.phase_end, bool((np.diff(track.mean_order) > 0).all())
        (1, True)
    """
    kinds, _ = floating_pair(and_, or_)
    first: Any = kinds[0]
    if first.ndim != 3:
        raise ArgumentError("and_", f"shape {tuple(first.shape)}", "of shape [checkpoints, samples, 2**n]")
    losses = {"train_loss": _losses("train_loss", train_loss), "test_loss": _losses("test_loss", test_loss)}
    for name, loss in losses.items():
        if loss.shape != first.shape[:1]:
            raise ArgumentError(name, f"shape {loss.shape}", f"one per checkpoint, of shape ({len(first)},)")
    gap = losses["test_loss"] - losses["train_loss"]
    end: int = normal_phase_end(gap, share=share)
    strengths = signed_strengths(and_, or_, threshold=threshold)
    reference = SignedStrengths(strengths.positive[end], strengths.negative[end])
    if table is None:
        table = decay_table(*(x[-1] for x in kinds))
    return PhaseTrack(
        strengths,
        mean_order(strengths),
        like_input(first)(gap),
        end,
        strength_change(reference, strengths),
        disentangle(strengths, table),
        fit_decay(strengths, table, gamma=gamma),
    )


def _losses(name: str, values: Any) -> Floats:
    expected = "finite numbers, one per checkpoint"
    array: Any = as_array(values, name)
    if is_tensor(array):
        array = array.detach().cpu().numpy()
    if array.dtype.kind not in "iuf":
        raise ArgumentTypeError(name, f"dtype {array.dtype}", expected)
    if not array.ndim or not array.size or not np.isfinite(array).all():
        shape = f"shape {array.shape}" if not array.size or not array.ndim else "NaN or infinity"
        raise ArgumentError(name, shape, expected)
    return np.asarray(array, dtype=np.float64)
