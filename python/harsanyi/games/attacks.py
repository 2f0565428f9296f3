"""Adversarial samples: FGSM and PGD on any number that a model gives for each sample.

What is attacked is a value a row, given in one of three ways:

- a function of a batch, [rows, ...], to values [rows], as `model` alone;
- a model and one of `harsanyi.outputs` with its target, as `output=log_odds(3)`;
- a classifier and the class of each row, as `labels`: the value is the log-odds of that class, or another
  output of it, as `output=logit(), labels=labels`.

The value is lowered: with the true classes as labels that is the untargeted attack, since log-odds and the
negative cross-entropy have gradients of the same direction. `maximise=True` raises it: for a loss, or for the
classes that a targeted attack is to reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import Array, as_array, check_number, check_players, is_tensor
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.games._models import check_model, evaluating, to_model
from harsanyi.games.masking import host_array
from harsanyi.games.outputs import ClassOutput, Output, as_float64, log_odds
from harsanyi.sampling import draw_seed

if TYPE_CHECKING:
    import torch

    from harsanyi.sampling import RandomSource

    Clip = tuple[float | torch.Tensor, float | torch.Tensor] | None
    Labels = npt.ArrayLike | Array | None

__all__ = ["fgsm", "pgd"]


def fgsm(
    model: Any,
    samples: torch.Tensor,
    *,
    radius: float,
    output: Output | None = None,
    labels: Labels = None,
    maximise: bool = False,
    clip: Clip = None,
) -> torch.Tensor:
    """The fast gradient sign method: one step, `x - radius sign(dv/dx)`.

    With `maximise=True` the step is `x + radius sign(dv/dx)`, by which noise is injected into samples.

    Args:
        model: a function of batches to values [rows], or to what `output` takes; see `pgd`.
        samples: a floating tensor, [rows, ...].
        radius: size of the step in every element, in the unit of the samples.
        output: one of `harsanyi.outputs`; None: log-odds with `labels`, else the model's own output.
        labels: the class of each row, integers [rows].
        maximise: raise the value instead of lowering it.
        clip: the range of valid samples, (low, high), numbers or tensors that broadcast to a sample.

    Returns:
        The attacked samples, of the shape, dtype and device of `samples`, detached.

    Raises:
        ArgumentError, ArgumentTypeError: as for `pgd`.

    Source: Goodfellow et al., ICLR 2015; with `maximise`, Cheng et al., "Revisiting generalization power of a
    DNN in terms of symbolic interactions", footnote 8.

    Example:
        >>> import torch, harsanyi as hs
        >>> value = lambda x: x[:, 0] * x[:, 1]
        >>> hs.attacks.fgsm(value, torch.tensor([[1.0, 2.0], [1.0, -2.0]]), radius=0.5)
        tensor([[ 0.5000,  1.5000],
                [ 1.5000, -2.5000]])
    """
    return pgd(
        model,
        samples,
        radius=radius,
        steps=1,
        step_size=radius,
        output=output,
        labels=labels,
        maximise=maximise,
        random_start=False,
        clip=clip,
    )


def pgd(
    model: Any,
    samples: torch.Tensor,
    *,
    radius: float,
    steps: int,
    step_size: float | None = None,
    output: Output | None = None,
    labels: Labels = None,
    maximise: bool = False,
    random_start: bool = True,
    clip: Clip = None,
    generator: RandomSource = None,
) -> torch.Tensor:
    """Projected gradient descent in the L-infinity ball around each sample.

    From a uniformly random point of the ball, `steps` times: a step of `step_size` against the sign of the
    gradient in every element, then back into the ball and into the range of `clip`. All rows are attacked at
    once, each on its own value: the model must treat rows independently, as it does in evaluation mode.

    Args:
        model: a function of batches [rows, ...] to values [rows], or to what `output` takes, differentiable.
            A torch module runs on its device in evaluation mode and is given back in the mode it was in; any
            other callable runs as it is. Gradients of parameters are neither computed nor touched.
        samples: a floating tensor, [rows, ...].
        radius: of the ball, in the unit of the samples, at least 0.
        steps: number of steps, at least 1.
        step_size: in the unit of the samples; None: `2.5 radius / steps`.
        output: one of `harsanyi.outputs`; None: log-odds with `labels`, else the model's own output.
        labels: the class of each row, integers [rows], for an output of a class without a target of its own.
        maximise: raise the value instead of lowering it.
        random_start: start from a random point of the ball, not from the sample.
        clip: the range of valid samples, (low, high), numbers or tensors that broadcast to a sample.
        generator: of the random start: None for fresh entropy, a seed, or a numpy or torch Generator. torch's
            global generator is left alone.

    Returns:
        The attacked samples after the last step, of the shape, dtype and device of `samples`, detached.

    Raises:
        ArgumentError: a number outside its range, a sample outside `clip`, labels of another length or beside
            an output that does not take them, values of another shape than [rows], or no gradient.
        ArgumentTypeError: samples that are no floating tensor, a model that is not callable, or an argument
            of another type.

    Source: Madry et al., ICLR 2018.

    Example:
        >>> import torch, harsanyi as hs
        >>> model = torch.nn.Linear(4, 3)
        >>> x, labels = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
        >>> attacked = hs.attacks.pgd(model, x, labels=labels, radius=0.1, steps=10, generator=0)
        >>> bool(((attacked - x).abs() < 0.1 + 1e-6).all())
        True
    """
    import torch

    check_model(model, "model")
    _check_samples(samples)
    radius = check_number(radius, "radius")
    steps = check_players(steps, name="steps", least=1, most=1 << 31)
    size = 2.5 * radius / steps if step_size is None else check_number(step_size, "step_size")
    total = _total(model, output, labels, len(samples))
    with evaluating(model, samples), torch.inference_mode(False), torch.enable_grad():
        # Only the mode of the model is wanted of `evaluating`: the two that follow let gradients flow again.
        held: Any = to_model(samples, model)
        x0: torch.Tensor = held.detach().clone()
        low, high = _box(x0, radius, clip)
        x = x0.clone()
        if random_start:
            source = torch.Generator().manual_seed(draw_seed(generator))
            x += radius * (2 * torch.rand(x.shape, generator=source, dtype=x.dtype) - 1).to(x.device)
            x = x.clamp(low, high)
        for _ in range(steps):
            step = size * _gradient(total, x).sign()
            x = (x + step if maximise else x - step).clamp(low, high)
    return x.to(samples.device)


def _check_samples(samples: Any) -> None:
    expected = "a floating tensor of shape [rows, ...] with at least one row"
    if not is_tensor(samples):
        raise ArgumentTypeError("samples", type(samples).__name__, expected)
    if not samples.is_floating_point():
        raise ArgumentTypeError("samples", f"dtype {samples.dtype}", expected)
    if not samples.ndim or samples.numel() == 0:
        raise ArgumentError("samples", f"shape {tuple(samples.shape)}", expected)


def _total(model: Any, output: Output | None, labels: Labels, rows: int) -> Callable[[torch.Tensor], Any]:
    """The sum of the values of a batch: its gradient in a row is that of the row's own value."""
    if labels is None:
        if isinstance(output, ClassOutput) and output.target is None:
            raise ArgumentError("output", f"{output.kind} without a target", "of a class, or beside labels")
        return lambda x: _checked(model(x) if output is None else output(model(x)), rows).sum()
    if output is None:
        output = log_odds()
    if not isinstance(output, ClassOutput) or output.target is not None:
        raise ArgumentError("labels", "given", "None beside an output that is not of each row's own class")
    of_class = output
    classes = host_array(as_array(labels, "labels"))
    if classes.dtype.kind not in "iu":
        raise ArgumentTypeError("labels", f"dtype {classes.dtype}", "integers")
    if classes.shape != (rows,) or classes.min() < 0:
        got = f"shape {classes.shape}" if classes.shape != (rows,) else int(classes.min())
        raise ArgumentError("labels", got, f"classes, one for each sample, of shape ({rows},)")
    rows_of = {int(label): np.flatnonzero(classes == label) for label in np.unique(classes)}

    def total(x: torch.Tensor) -> Any:
        raw = model(x)
        if not is_tensor(raw) or len(raw) != rows:
            got = f"shape {tuple(raw.shape)}" if is_tensor(raw) else type(raw).__name__
            raise ArgumentError("model's output", got, f"logits, one row for each of {rows} samples")
        return sum(replace(of_class, target=label)(raw[chosen]).sum() for label, chosen in rows_of.items())

    return total


def _checked(values: Any, rows: int) -> Any:
    result = as_float64(values, "output")
    if tuple(result.shape) != (rows,) or not is_tensor(result):
        got = f"{type(result).__name__} of shape {tuple(result.shape)}"
        raise ArgumentError(
            "output", got, f"a tensor of one value a sample, ({rows},); see output and labels"
        )
    return result


def _gradient(total: Callable[[torch.Tensor], Any], x: torch.Tensor) -> torch.Tensor:
    import torch

    x.requires_grad_()
    value = total(x)
    expected = "differentiable with respect to the samples"
    if not value.requires_grad:
        raise ArgumentError("model", "a value without gradient", expected)
    (gradient,) = torch.autograd.grad(value, x, allow_unused=True)
    x.requires_grad_(False)
    if gradient is None:
        raise ArgumentError("model", "a value that does not depend on the samples", expected)
    bad = gradient.isnan().flatten(1).any(1) if gradient.ndim > 1 else gradient.isnan()
    if bool(bad.any()):
        raise ArgumentError("model", f"a gradient of NaN at sample {int(bad.nonzero()[0])}", expected)
    return gradient


def _box(x: torch.Tensor, radius: float, clip: Clip) -> tuple[torch.Tensor, torch.Tensor]:
    """The smallest and the largest that every element may become."""
    import torch

    low, high = x - radius, x + radius
    if clip is None:
        return low, high
    expected = "two numbers or tensors (low, high) that broadcast to a sample"
    try:
        least, most = (
            torch.as_tensor(limit, dtype=x.dtype, device=x.device).expand(x.shape) for limit in clip
        )
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError("clip", repr(clip), expected) from error
    outside = (x < least) | (x > most)
    if bool(outside.any()):
        value = float(x[outside][0])
        raise ArgumentError("samples", f"an element of {value:g} outside clip", "within the range of clip")
    return torch.maximum(low, least), torch.minimum(high, most)
