"""The published optimiser of the sparse AND-OR decomposition: subgradient descent with momentum.

`decompose` solves the same problem with a certificate. This is for repeating results that were found by
gradient descent, and for seeing how far from the optimum they are. A lattice vector is an array whose last
axis has length 2**n, indexed by subset: bit i set means player i is in. Leading axes are batch axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Literal, cast

import numpy as np
import numpy.typing as npt

# One reading of games and noise boxes, so that both optimisers solve the same problem.
from harsanyi import _sparse_arguments as arguments
from harsanyi._arrays import ArrayT, check_number, check_players, require_memory
from harsanyi._sparse_arguments import Floats
from harsanyi.errors import ArgumentError
from harsanyi.lattice import mobius, or_transform, superset_mobius

if TYPE_CHECKING:
    import torch

__all__ = ["FirstOrderRun", "first_order"]

EmptySet = Literal["ignored", "printed", "released"]


@dataclass(frozen=True, eq=False, slots=True)
class FirstOrderRun(Generic[ArrayT]):
    """Where gradient descent stopped, and how it came there. Everything is float64 unless it says otherwise.

    Attributes:
        and_: AND interactions, shape of `v`; the entry of the empty set is `v[0] - delta[0]`.
        or_: OR interactions, shape of `v`; the entry of the empty set is minus the sum of the others, so that
            `or_inverse` of it vanishes on the empty set.
        gamma: the parameter, shape of `v`: the AND part of the output is `(v - delta) / 2 + gamma` and the OR
            part `(v - delta) / 2 - gamma`, each up to a constant, which belongs to no interaction.
        delta: the noise term, shape of `v`, `|delta| <= zeta`.
        zeta: half the width of the noise term's box, shape of the batch.
        l1: plain l1 norm of the pair, the empty set left out, shape of the batch.
        steps: the recorded iterations, from 0, int64 [records].
        objective: what was minimised, at the recorded iterations, shape of the batch and then [records].
        seconds: since the start, at the recorded iterations, [records].
    """

    and_: ArrayT
    or_: ArrayT
    gamma: ArrayT
    delta: ArrayT
    zeta: Any
    l1: Any
    steps: ArrayT
    objective: ArrayT
    seconds: ArrayT


def first_order(
    v: ArrayT,
    *,
    steps: int,
    lr: float,
    lr_delta: float | None = None,
    lr_decay: float = 0.1,
    momentum: float = 0.9,
    noise: float = 0.02,
    zeta: float | npt.ArrayLike | torch.Tensor | None = None,
    empty_set: EmptySet = "ignored",
    record_every: int = 1,
) -> FirstOrderRun[ArrayT]:
    """The sparse AND-OR pair by the published optimiser, step for step, without its dense matrices.

    Minimises `sum of |and_[S]| + |or_[S]|` over gamma and delta, where
    `and_ = mobius((v - delta) / 2 + gamma)` and `or_ = or_transform((v - delta) / 2 - gamma)`. Both start
    at 0. Iteration t computes the objective and, unless it is the last, a subgradient g (with 0 for the sign
    of 0), `velocity = momentum * velocity + g` and `parameter -= rate[t] * velocity`; then delta, but not its
    velocity, is clamped to its box. The rate falls from `lr` to `lr * lr_decay` evenly on a logarithmic
    scale. It stops after `steps` iterations wherever it is, and does not know how far from the optimum.

    Args:
        v: the game, shape [..., 2**n], n <= 22, float32, float64 or int64, finite.
        steps: iterations; one fewer updates.
        lr: the first learning rate, in units of `v`. What is best depends on the game; 1e-5 to 1e-7 are in
            use.
        lr_delta: the first learning rate of delta; None: `lr`, as published.
        lr_decay: the last learning rate as a share of the first.
        momentum: from 0 to below 1.
        noise: `zeta / |v[full] - v[0]|`, for each sample; 0 is no noise term.
        zeta: the noise term's bound itself, instead of `noise`: a number, or one for each sample, such as
            the mean over a data set.
        empty_set: "ignored": not in the objective, as in `decompose`. "printed": `|u_and[0]| + |u_or[full]|`
            are, the two entries of the empty set by the formulas. "released": `|u_and[0]| + |u_or[0]|` are.
        record_every: records iterations 0, record_every, 2 * record_every, ... and the last.

    Returns:
        A FirstOrderRun of arrays, or of tensors on the device of `v`. It runs on the CPU in float64; no
        gradient flows. Singletons stay where they are, as AND or as OR.

    Raises:
        ArgumentError: the last axis is not a power of two, n > 22, the batch is empty, or an option is out
            of its range.
        ArgumentTypeError: another dtype.
        NonFiniteError: `v` holds NaN or infinity; names the subset.
        NotEnoughMemoryError: the work does not fit.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions",
        appendix D, eq. 12; the optimiser's settings are those of the implementation released with Chen et
        al., ICLR 2024.

    A step is four transforms, O(n 2**n). Where an interaction is exactly zero, its sign is that of a rounding
    error and so differs from that of another implementation.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> v = np.array([0.0, 1.0, 1.0, 1.0])  # player 0 OR player 1
        >>> run = hs.first_order(v, steps=200, lr=1e-2, noise=0)
        >>> run.objective[[0, -1]].round(2), round(float(hs.decompose(v, noise=0).l1), 3)
        (array([2.  , 1.03]), 1.0)
    """
    values, n = arguments.values_of(v)
    steps = check_players(steps, name="steps", least=1, most=1 << 62)
    record_every = check_players(record_every, name="record_every", least=1, most=1 << 62)
    rate = check_number(lr, "lr", open_end=True)
    relative = 1.0 if lr_delta is None else check_number(lr_delta, "lr_delta", open_end=True) / rate
    decades = np.log10(check_number(lr_decay, "lr_decay", open_end=True))
    momentum = check_number(momentum, "momentum", expected="a number from 0 to below 1")
    if momentum >= 1:
        raise ArgumentError("momentum", momentum, "a number from 0 to below 1")
    if empty_set not in ("ignored", "printed", "released"):
        raise ArgumentError("empty_set", empty_set, '"ignored", "printed" or "released"')
    batch = values.shape[:-1]
    boxes = arguments.boxes_of(values, check_number(noise, "noise"), zeta, batch)
    count = prod(batch)
    trace_bytes = 8 * (steps + (steps // record_every + 2) * (count + 4))
    require_memory(9 * values.nbytes + trace_bytes, f"the descent of {count} samples at n = {n}")

    rates = rate * np.logspace(0.0, decades, steps)
    recorded = np.unique(np.append(np.arange(0, steps, record_every), steps - 1))
    objective, seconds = np.empty((*batch, len(recorded))), np.empty(len(recorded))
    descent = _Descent(values, boxes, momentum, empty_set)
    start, record = perf_counter(), 0
    for step in range(steps):
        descent.transform()
        if step == recorded[record]:
            objective[..., record] = descent.objective()
            seconds[record] = perf_counter() - start
            record += 1
        if step < steps - 1:
            descent.update(rates[step], rates[step] * relative)

    and_, or_, delta = descent.and_, descent.or_, descent.delta
    and_[..., 0] = values[..., 0] - delta[..., 0]
    or_[..., 0] = -or_[..., 1:].sum(-1)
    l1 = np.abs(and_[..., 1:]).sum(-1) + np.abs(or_[..., 1:]).sum(-1)
    back = arguments.like(v)
    found = {"and_": and_, "or_": or_, "gamma": descent.gamma, "delta": delta, "zeta": boxes[()], "l1": l1}
    trace = {"steps": recorded, "objective": objective, "seconds": seconds}
    return cast(
        "FirstOrderRun[ArrayT]",
        FirstOrderRun(**{name: back(x) for name, x in (found | trace).items()}),
    )


class _Descent:
    """The parameters with their velocities, and the interactions at them; every array is written in place."""

    def __init__(self, v: Floats, boxes: Floats, momentum: float, empty_set: EmptySet) -> None:
        self.momentum, self.empty_set = momentum, empty_set
        self.counted = (empty_set != "ignored", empty_set == "printed")  # the first entry of and_, of or_
        self.v, self.box = v, boxes[..., None]
        self.noise = bool((boxes > 0).any())
        self.gamma, self.delta = np.zeros_like(v), np.zeros_like(v)
        self.gamma_velocity = np.zeros_like(v)
        self.delta_velocity = np.zeros_like(v) if self.noise else self.delta
        self.and_, self.or_, self.half = np.empty_like(v), np.empty_like(v), v / 2
        self.scratch = np.empty_like(v)
        self.or_origin = np.zeros(v.shape[:-1])  # the OR part of the output on the empty set

    def transform(self) -> None:
        """The interactions at the parameters."""
        if self.noise:
            np.subtract(self.v, self.delta, out=self.half)
            self.half *= 0.5
        mobius(np.add(self.half, self.gamma, out=self.and_), out=self.and_)
        np.subtract(self.half, self.gamma, out=self.or_)
        self.or_origin[...] = self.or_[..., 0]
        or_transform(self.or_, out=self.or_)

    def objective(self) -> Any:
        """What is minimised, of the shape of the batch."""
        total = 0.0
        for x, counted in zip((self.and_, self.or_), self.counted, strict=True):
            size = np.abs(x, out=self.scratch)
            total += size.sum(-1) if counted else size[..., 1:].sum(-1)
        return total + np.abs(self.or_origin) if self.empty_set == "released" else total

    def update(self, gamma_rate: float, delta_rate: float) -> None:
        """A step along the subgradient: the adjoint transforms of the signs."""
        for x, counted in zip((self.and_, self.or_), self.counted, strict=True):
            np.sign(x, out=x)
            if not counted:
                x[..., 0] = 0.0
        superset_mobius(self.and_, out=self.and_)
        or_transform(self.or_, out=self.or_)
        if self.empty_set == "released":
            self.or_[..., 0] += np.sign(self.or_origin)
        if self.noise:
            gradient = np.add(self.and_, self.or_, out=self.scratch)
            gradient *= -0.5
            self._move(self.delta, self.delta_velocity, gradient, delta_rate)
            np.clip(self.delta, -self.box, self.box, out=self.delta)
        gradient = np.subtract(self.and_, self.or_, out=self.scratch)
        self._move(self.gamma, self.gamma_velocity, gradient, gamma_rate)

    def _move(self, parameter: Floats, velocity: Floats, gradient: Floats, rate: float) -> None:
        """`gradient` is written over."""
        velocity *= self.momentum
        velocity += gradient
        parameter -= np.multiply(velocity, rate, out=gradient)
