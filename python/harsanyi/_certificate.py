"""What proves a sparse pair: objective, bound and gap, from the returned vectors alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi._sparse_arguments import Floats
from harsanyi.lattice import mobius, or_inverse, superset_zeta
from harsanyi.reductions import order_table

_CACHED_PLAYERS = 14  # up to as many, the tables of the last weights are kept
_TOGETHER = 1 << 15  # entries of a vector looked at together: what is made of them stays in the cache
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
    batch, sample = v.shape[:-2], v.shape[-2:]
    vectors = [x.reshape(-1, *sample) for x in (v, and_, or_, dual)]
    boxes = problem.boxes.reshape(-1, sample[0])
    some = max(1, _TOGETHER // (sample[0] * sample[1]))
    if len(boxes) <= some:
        whole = _certify_some(problem, boxes, vectors, gap)
        return {name: x.reshape(batch) for name, x in whole.items()}
    parts = []
    for i in range(0, len(boxes), some):
        part = [x[i : i + some] for x in vectors]
        parts.append(_certify_some(problem, boxes[i : i + some], part, gap))
    return {name: np.concatenate([part[name] for part in parts]).reshape(batch) for name in parts[0]}


def _certify_some(problem: Problem, boxes: Floats, vectors: list[Floats], gap: float) -> dict[str, Any]:
    v, and_, or_, dual = vectors
    tables = _tables(problem.by_order.tobytes())
    sizes = [np.abs(x) for x in ((and_,) if problem.and_only else (and_, or_))]
    unknown = np.isnan(and_[..., -1]).any(-1)
    if tables.excluded is not None:
        unknown |= np.any([(x[..., tables.excluded] > 0).any((-1, -2)) for x in sizes], 0)
    norms = _norm(problem, sizes[0])
    if not problem.and_only:
        norms = norms + _norm(problem, sizes[1])
    l1 = np.where(unknown, np.inf, norms[..., 1:].sum(-1))
    costs = _smallest(problem, sizes) if problem.share < 1 else (norms * tables.weight).sum(-1)
    objective = np.where(unknown, np.inf, costs)

    effects = v - v[..., :1]
    y = _centred(problem, dual)
    products, y_size = effects * y, np.abs(y).sum(-1)
    box = boxes * y_size
    # Multipliers that cancel could promise more than there is: what f64 may lose of the sums is taken off.
    lost = (len(problem.by_order) + 1) * 2.0**-53
    product = (products.sum(-1) - box - lost * (np.abs(products).sum(-1) + box)).sum(-1)
    y_lost = lost * y_size.sum(-1)
    sums = _dual_norm(problem, superset_zeta(y))
    if not problem.and_only:
        np.maximum(sums, _dual_norm(problem, or_inverse(y)), out=sums)
    norm = (sums * tables.inverse).max(-1)
    allowed = sums if tables.excluded is None else sums * ~tables.excluded
    plain = allowed[..., 1:].max(-1, initial=0.0)
    norm = np.where(norm > 0, norm + y_lost * tables.inverse.max(), 0.0)
    plain = np.where(plain > 0, plain + y_lost, 0.0)
    bound = np.maximum(np.divide(product, norm, out=np.zeros_like(product), where=norm > 0), 0.0)
    l1_bound = np.maximum(np.divide(product, plain, out=np.zeros_like(product), where=plain > 0), 0.0)
    if problem.share < 1:
        bound = np.zeros_like(product)

    dividends = np.abs(mobius(effects)[..., 1:]).sum((-1, -2))
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


@dataclass(frozen=True)
class _Tables:
    """By subset: weights, 0 where infinite, one over them, 0 where they are 0, and what is excluded."""

    weight: Floats
    inverse: Floats
    excluded: npt.NDArray[np.bool_] | None


def _tables(by_order: bytes) -> _Tables:
    return _cached_tables(by_order) if len(by_order) <= 8 * (_CACHED_PLAYERS + 1) else _new_tables(by_order)


@lru_cache(maxsize=8)
def _cached_tables(by_order: bytes) -> _Tables:
    return _new_tables(by_order)


def _new_tables(by_order: bytes) -> _Tables:
    weights = np.frombuffer(by_order)
    order = order_table(len(weights) - 1)
    finite = np.isfinite(weights)
    known = np.where(finite, weights, 0.0)
    inverse = np.divide(1.0, known, out=np.zeros_like(known), where=known > 0)
    return _Tables(known[order], inverse[order], None if finite.all() else ~finite[order])


def _norm(problem: Problem, size: Floats) -> Floats:
    """The norm over networks of sizes [..., networks, 2**n]: [..., 2**n]."""
    if size.shape[-2] == 1:
        return np.asarray(size[..., 0, :])
    return np.asarray((1 - problem.alpha) * size.max(-2) + problem.alpha * size.sum(-2))


def _smallest(problem: Problem, sizes: list[Floats]) -> Floats:
    together = np.concatenate([x[..., 0, 1:] for x in sizes], -1)
    counted = round(problem.share * together.shape[-1])
    return np.asarray(np.sort(together, -1)[..., :counted].sum(-1))


def _centred(problem: Problem, dual: Floats) -> Floats:
    """Y less its mean; zero where the sums of a free order could not vanish otherwise."""
    by_order = problem.by_order
    n = len(by_order) - 1
    top = max((m for m in range(n + 1) if by_order[m] > 0), default=0)
    if top == n:
        return np.asarray(dual - dual.sum(-1, keepdims=True) / dual.shape[-1])
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
