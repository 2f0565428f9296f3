"""The published optimiser as it is written down: dense matrices from the formulas, torch autograd and SGD."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from reference import size, subsets_within


@dataclass
class History:
    """What every iteration computed, float64; the parameters are those that it started with."""

    objective: list[float] = field(default_factory=list)
    gamma: list[Any] = field(default_factory=list)
    delta: list[Any] = field(default_factory=list)
    and_: list[Any] = field(default_factory=list)
    or_: list[Any] = field(default_factory=list)


def interaction_matrices(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """`I_and[S] = sum over T in S of (-1)**(|S|-|T|) u[T]`, `I_or[S] = -(the same of u[N without T])`."""
    full = (1 << n) - 1
    to_and = torch.zeros(1 << n, 1 << n, dtype=torch.float64)
    to_or = torch.zeros_like(to_and)
    for s in range(1 << n):
        for t in subsets_within(s):
            sign = (-1) ** (size(s) - size(t))
            to_and[s, t] = sign
            to_or[s, full ^ t] = -sign
    return to_and, to_or


def first_order(
    v: Any,
    *,
    steps: int,
    lr: float,
    lr_delta: float | None = None,
    decades: float = 1.0,
    momentum: float = 0.9,
    zeta: float = 0.0,
    empty_set: str = "ignored",
) -> History:
    """Learning rates from `lr` down by so many decades; the box is enforced before every evaluation."""
    n = len(v).bit_length() - 1
    to_and, to_or = interaction_matrices(n)
    output = torch.tensor(v, dtype=torch.float64)
    gamma = torch.zeros_like(output, requires_grad=True)
    delta = torch.zeros_like(output, requires_grad=True)
    groups = [{"params": [gamma], "lr": 0.0}, {"params": [delta], "lr": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=0.0, momentum=momentum)
    rates = [np.logspace(np.log10(first), np.log10(first) - decades, steps) for first in (lr, lr_delta or lr)]
    history = History()
    for step in range(steps):
        delta.data.clamp_(-zeta, zeta)
        u_and = 0.5 * (output - delta) + gamma
        u_or = 0.5 * (output - delta) - gamma
        and_, or_ = to_and @ u_and, to_or @ u_or
        terms = [and_[1:].abs().sum(), or_[1:].abs().sum()]
        if empty_set != "ignored":
            terms += [and_[0].abs(), or_[0].abs() if empty_set == "printed" else u_or[0].abs()]
        loss = sum(terms[1:], terms[0])
        history.objective.append(loss.item())
        for name, x in (("gamma", gamma), ("delta", delta), ("and_", and_), ("or_", or_)):
            getattr(history, name).append(x.detach().clone().numpy())
        optimizer.zero_grad()
        loss.backward()
        for group, schedule in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = schedule[step]
        optimizer.step()
    return history
