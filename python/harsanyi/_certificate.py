"""What proves a sparse pair: objective, bound and gap, from the returned vectors alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi._sparse_arguments import Floats
from harsanyi.lattice import mobius, or_inverse, superset_zeta
from harsanyi.reductions import order_table

_ROUNDING = 1e-12  # an objective below this share of the dividends' l1 norm is zero


@dataclass(frozen=True)
class Problem:
    """What was minimised, over vectors of shape [..., networks, 2**n].

    Attributes:
        by_order: the weights, n + 1.
        boxes: zeta, [..., networks].
        and_only: no OR interactions.
        alpha: a coefficient costs `(1 - alpha) * max + alpha * sum` of its sizes over the networks.
        share: below 1, only the smallest share of the coefficients counts: nothing is proved.
    """

    by_order: Floats
    boxes: Floats
    and_only: bool = False
    alpha: float = 0.0
    share: float = 1.0


def certify(
    problem: Problem, v: Floats, and_: Floats, or_: Floats, dual: Floats, gap: float
) -> dict[str, Any]:
    """Objective, bound, l1, its bound, gap and status, each of the shape of the batch [...]."""
    by_order = problem.by_order
    n = len(by_order) - 1
    order = order_table(n)
    finite = np.isfinite(by_order)
    limited = finite[order]
    weight = np.where(finite, by_order, 0.0)[order]
    ones = np.ones(1 << n)
    ones[0] = 0
    pair = (and_, or_)
    excluded = np.zeros(v.shape[:-2], bool)
    if not finite.all():
        for x in pair:
            excluded |= (np.abs(x[..., ~limited]) > 0).any((-1, -2))
    unknown = excluded | np.isnan(and_[..., -1]).any(-1)
    l1 = np.where(unknown, np.inf, sum(_cost(problem, x, ones) for x in pair))
    if problem.share < 1:
        objective = np.where(unknown, np.inf, _smallest(problem, pair))
    else:
        objective = np.where(unknown, np.inf, sum(_cost(problem, x, weight) for x in pair))

    origin = v[..., :1]
    y = _centred(problem, dual)
    product = ((v - origin) * y).sum(-1) - problem.boxes * np.abs(y).sum(-1)
    product = product.sum(-1)
    inverse = np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)
    norm = plain = np.zeros(product.shape)
    for adjoint in (superset_zeta,) if problem.and_only else (superset_zeta, or_inverse):
        sums = _dual_norm(problem, adjoint(y))
        norm = np.maximum(norm, (sums * inverse).max(-1))
        plain = np.maximum(plain, (sums * (limited * ones)).max(-1))
    bound = np.maximum(np.divide(product, norm, out=np.zeros_like(product), where=norm > 0), 0.0)
    l1_bound = np.maximum(np.divide(product, plain, out=np.zeros_like(product), where=plain > 0), 0.0)
    if problem.share < 1:
        bound = np.zeros_like(product)

    dividends = np.abs(mobius(v - origin)[..., 1:]).sum((-1, -2))
    zero = objective <= _ROUNDING * dividends
    known = np.isfinite(objective)
    gaps: Floats = np.array(np.where(known, 0.0, np.inf))
    np.divide(objective - bound, objective, out=gaps, where=known & ~zero)
    status = np.where(gaps <= gap, "optimal", np.where(known, "max_steps", "not_found"))
    if problem.share < 1:
        status = np.where(known, "heuristic", status)
    return {
        "objective": objective,
        "lower_bound": bound,
        "l1": l1,
        "l1_lower_bound": l1_bound,
        "gap": gaps,
        "status": status,
    }


def _cost(problem: Problem, x: Floats, weight: Floats) -> Floats:
    """The sum over S of weight times the norm over networks, [...]."""
    size = np.abs(x)
    if x.shape[-2] == 1:
        return np.asarray(size[..., 0, :] @ weight)
    together = (1 - problem.alpha) * size.max(-2) + problem.alpha * size.sum(-2)
    return np.asarray(together @ weight)


def _smallest(problem: Problem, pair: tuple[Floats, Floats]) -> Floats:
    kinds = pair[:1] if problem.and_only else pair
    sizes = np.concatenate([np.abs(x[..., 0, 1:]) for x in kinds], -1)
    counted = round(problem.share * sizes.shape[-1])
    return np.asarray(np.sort(sizes, -1)[..., :counted].sum(-1))


def _centred(problem: Problem, dual: Floats) -> Floats:
    """Y less its mean; zero where the sums of a free order could not vanish otherwise."""
    by_order = problem.by_order
    n = len(by_order) - 1
    top = max((m for m in range(n + 1) if by_order[m] > 0), default=0)
    if top == n:
        return np.asarray(dual - dual.mean(-1, keepdims=True))
    order = order_table(n)
    band: npt.NDArray[np.bool_] = (order <= top) & (order >= (0 if problem.and_only else n - top))
    y = np.where(band, dual, 0.0)
    return y - np.where(band, y.sum(-1, keepdims=True) / max(int(band.sum()), 1), 0.0)


def _dual_norm(problem: Problem, sums: Floats) -> Floats:
    """The dual of the norm over networks, for each subset: [..., 2**n]."""
    size = np.abs(sums)
    networks = size.shape[-2]
    if networks == 1:
        return np.asarray(size[..., 0, :])
    together = np.cumsum(-np.sort(-size, -2), -2)
    share = (1 - problem.alpha) + problem.alpha * np.arange(1.0, networks + 1)
    return np.asarray((together / share[:, None]).max(-2))
