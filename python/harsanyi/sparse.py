"""Sparse AND-OR decomposition: the pair of least l1 norm that explains a game, with proof.

A game `v` is the sum of what AND interactions, OR interactions and a small noise term explain:
`v[T] - delta[T] = v[0] - delta[0] + sum of and_[S] over {} != S within T + sum of or_[S] over S meeting T`.
Among all such pairs, `decompose` finds one of least weighted l1 norm. A lattice vector is an array whose last
axis has length 2**n, indexed by subset: bit i set means player i is in. Leading axes are batch axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, prod
from typing import TYPE_CHECKING, Any, Generic, cast

import numpy as np
import numpy.typing as npt

from harsanyi import _core
from harsanyi._arrays import ArrayT, as_array, check_players, is_tensor, lattice_players, require_memory
from harsanyi.errors import ArgumentError, ArgumentTypeError, NonFiniteError
from harsanyi.lattice import mobius, or_inverse, superset_zeta, zeta as zeta_transform
from harsanyi.reductions import order_table

if TYPE_CHECKING:
    import torch

__all__ = ["MAX_DECOMPOSE_PLAYERS", "Decomposition", "decompose"]

Floats = npt.NDArray[np.float64]

MAX_DECOMPOSE_PLAYERS = 22
_REPORT = np.dtype([("objective", "f8"), ("bound", "f8"), ("steps", "i8"), ("status", "i8")])
_ROUNDING = 1e-12  # an objective below this share of the dividends' l1 norm is zero


@dataclass(frozen=True, eq=False, slots=True)
class Decomposition(Generic[ArrayT]):
    """A sparse AND-OR pair with its certificate. Vectors have the shape of `v`, numbers that of its batch.

    All floating-point values are float64. Everything from `objective` on is computed from the vectors here,
    not taken from the iteration; for a single sample it is a scalar.

    Attributes:
        and_: AND interactions; the entry of the empty set is `v[0] - delta[0]`.
        or_: OR interactions; the entry of the empty set is minus the sum of the others, so that `or_inverse`
            of it vanishes on the empty set.
        gamma: `zeta(and_) - (v - delta) / 2`: the AND part of the output is `(v - delta) / 2 + gamma`.
        delta: the noise term, `|delta| <= zeta`.
        dual: the vector y that proves the bounds: subset sums of y over supersets, and over disjoint sets,
            are at most the weight in size.
        zeta: half the width of the noise term's box.
        objective: weighted l1 norm of the pair, the empty set left out.
        lower_bound: no pair has a smaller weighted l1 norm: `max(0, sum((v - v[0]) y) - zeta sum|y|)`.
        l1: plain l1 norm of the pair, the empty set left out.
        l1_lower_bound: no pair has a smaller one: the same y, divided by the largest sum in size.
        gap: `(objective - lower_bound) / objective`; 0 where the objective is zero up to rounding.
        steps: steps taken.
        status: "optimal", "max_steps" (the gap asked for is not reached) or "not_found" (no pair without the
            excluded sets was found; the vectors are NaN): a str, or an array of them.
    """

    and_: ArrayT
    or_: ArrayT
    gamma: ArrayT
    delta: ArrayT
    dual: ArrayT
    zeta: Any
    objective: Any
    lower_bound: Any
    l1: Any
    l1_lower_bound: Any
    gap: Any
    steps: Any
    status: Any


def decompose(
    v: ArrayT,
    *,
    noise: float = 0.02,
    gap: float = 1e-3,
    tie_break: float = 0.01,
    max_steps: int = 20000,
    weights: npt.ArrayLike | None = None,
    zeta: float | npt.ArrayLike | torch.Tensor | None = None,
    merge_singletons: bool = True,
) -> Decomposition[ArrayT]:
    """The sparsest AND-OR pair of a game by l1 norm, with a certificate.

    Minimises `sum of w(|S|) (|and_[S]| + |or_[S]|)` over S != {} and over `|delta| <= zeta`,
    with `w(m) = weights[m] * (1 + tie_break * (m - 1))`. The plain l1 norm has many minimisers, of
    different strengths per order; a small `tie_break` chooses the one of the lowest orders (negative: of the
    highest).

    Args:
        v: the game, shape [..., 2**n], n <= 22, float32, float64 or int64, finite.
        noise: `zeta / |v[full] - v[0]|`, for each sample; 0 is no noise term.
        gap: `(objective - lower_bound) / objective` to reach.
        tie_break: growth of the weights with the order, larger than `-1 / (n - 1)`.
        max_steps: steps of the iteration, at most, for each sample.
        weights: one by order, n + 1 of them (the first is not read) or n (from order 1 on). 0 from some
            order on leaves those orders free; infinity excludes an order.
        zeta: the noise term's bound itself, instead of `noise`: a number, or one for each sample, such as
            the mean over a data set.
        merge_singletons: whether `or_[{i}]`, which means the same as `and_[{i}]`, is added to it.

    Returns:
        A Decomposition of arrays, or of tensors on the device of `v`, in float64 whatever the dtype of `v`.
        It is solved on the CPU; no gradient flows. A sample's result depends neither on the rest of its batch
        nor on the number of threads, to the bit.

    Raises:
        ArgumentError: the last axis is not a power of two, n > 22, the batch is empty, or an option is out
            of its range.
        ArgumentTypeError: another dtype.
        NonFiniteError: `v` holds NaN or infinity; names the subset.
        NotEnoughMemoryError: the work does not fit.

    Source: the problem is that of Cheng et al., "Revisiting generalization power of a DNN in terms of
    symbolic interactions" (there by gradient descent, without a bound). The bound is Lagrange's, valid for
    any y of mean zero. Universal matching holds up to rounding.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> found = hs.decompose(np.array([0.0, 1.0, 1.0, 1.0]), noise=0)  # player 0 OR player 1
        >>> found.or_.round(3) + 0.0, bool(found.gap < 1e-3), str(found.status)
        (array([-1.,  0.,  0.,  1.]), True, 'optimal')
    """
    values, n = _values(v)
    batch = values.shape[:-1]
    gap = _number("gap", gap, "a number of at least 0")
    max_steps = check_players(max_steps, name="max_steps", least=1, most=(1 << 62))
    by_order = _weights(weights, _number("tie_break", tie_break, "a finite number", least=None), n)
    boxes = _boxes(values, _number("noise", noise, "a finite number of at least 0"), zeta, batch)
    count = prod(batch)
    with_noise = bool((boxes > 0).any())
    workspace = _core.decompose_workspace(n, count, int(with_noise))
    require_memory(workspace + 10 * values.nbytes, f"the decomposition of {count} samples at n = {n}")
    and_, or_, dual = (np.empty_like(values) for _ in range(3))
    delta = np.zeros_like(values)
    reports = np.zeros(batch, _REPORT)
    _core.decompose(
        n,
        count,
        gap * (1 - 1e-6),  # so that the gap of the returned vectors, which rounds differently, is reached too
        max_steps,
        bool(merge_singletons),
        by_order,
        values,
        boxes if with_noise else None,
        and_,
        or_,
        delta if with_noise else None,
        dual,
        reports,
    )
    gamma = zeta_transform(and_) - (values - delta) / 2
    like = _like(v)
    vectors = {"and_": and_, "or_": or_, "gamma": gamma, "delta": delta, "dual": dual}
    numbers = _certificate(values, and_, or_, dual, boxes, by_order, gap)
    numbers |= {"zeta": boxes, "steps": reports["steps"].copy()}
    vectors = {name: like(x) for name, x in vectors.items()}
    numbers = {name: x[()] if name == "status" else like(x[()]) for name, x in numbers.items()}
    return cast(
        "Decomposition[ArrayT]",
        Decomposition(**vectors, **numbers),
    )


def _values(v: object) -> tuple[Floats, int]:
    """V as a contiguous float64 array and its n, finite."""
    array: Any = as_array(v, "v")
    if is_tensor(array):
        array = array.detach().cpu().numpy()
    if array.dtype not in (np.float32, np.float64, np.int64):
        raise ArgumentTypeError("v", f"dtype {array.dtype}", "of dtype float32, float64 or int64")
    n = lattice_players(array, "v")
    if n > MAX_DECOMPOSE_PLAYERS:
        raise ArgumentError("v", f"2**{n} entries", f"of at most 2**{MAX_DECOMPOSE_PLAYERS} entries")
    values = np.ascontiguousarray(array, dtype=np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        *sample, subset = (int(i) for i in np.argwhere(~finite)[0])
        where = f" of sample {tuple(sample)}" if sample else ""
        raise NonFiniteError(f"v: got {values[(*sample, subset)]} at subset {subset}{where}", subset)
    return values, n


def _number(name: str, value: object, expected: str, *, least: float | None = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(name, value, expected)
    if not isfinite(value) or (least is not None and value < least):
        raise ArgumentError(name, float(value), expected)
    return float(value)


def _weights(weights: Any, tie_break: float, n: int) -> Floats:
    """W by order, n + 1 of them, 0 for the empty set."""
    tilt = 1 + tie_break * (np.arange(n + 1.0) - 1)
    tilt[0] = 0
    if not (tilt[1:] > 0).all():
        raise ArgumentError("tie_break", tie_break, f"larger than -1 / (n - 1) = {-1 / (n - 1):.4g}")
    if weights is None:
        return tilt
    expected = f"{n + 1} or {n} numbers by order, at least 0, and 0 only from some order on"
    try:
        given = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError("weights", type(weights).__name__, expected) from error
    if given.shape not in ((n + 1,), (n,)):
        raise ArgumentError("weights", f"shape {given.shape}", expected)
    given = given[given.size - n :]
    if not (given >= 0).all() or (np.diff((given == 0).astype(int)) < 0).any():
        raise ArgumentError("weights", given.tolist(), expected)
    return np.concatenate([[0.0], given * tilt[1:]])


def _boxes(v: Floats, noise: float, zeta: Any, batch: tuple[int, ...]) -> Floats:
    """Zeta for each sample."""
    if zeta is None:
        return np.array(noise * np.abs(v[..., -1] - v[..., 0]), order="C")  # ascontiguousarray adds an axis
    if is_tensor(zeta):
        zeta = zeta.detach().cpu().numpy()
    expected = f"a finite number of at least 0, or one per sample, of shape {batch}"
    try:
        boxes = np.asarray(zeta, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError("zeta", type(zeta).__name__, expected) from error
    if not (np.isfinite(boxes).all() and (boxes >= 0).all()):
        raise ArgumentError("zeta", "a negative number, NaN or infinity", expected)
    try:
        return np.array(np.broadcast_to(boxes, batch), order="C")
    except ValueError as error:
        raise ArgumentError("zeta", f"shape {boxes.shape}", expected) from error


def _certificate(
    v: Floats, and_: Floats, or_: Floats, dual: Floats, boxes: Floats, by_order: Floats, gap: float
) -> dict[str, Any]:
    """Objective, bound, l1, its bound, gap and status, each of the shape of the batch."""
    n = len(by_order) - 1
    order = order_table(n)
    weight = by_order[order]
    size = np.abs(and_) + np.abs(or_)
    size[..., 0] = 0
    l1 = size.sum(-1)
    limited = np.isfinite(weight)
    cost = np.where(limited, weight, 0.0)
    objective = np.where((size[..., ~limited] > 0).any(-1), np.inf, (cost * size).sum(-1))
    objective = np.where(np.isnan(l1), np.inf, objective)
    l1 = np.where(np.isnan(l1), np.inf, l1)

    # A free set needs sums of exactly zero: y vanishes outside the band of orders n - top..top.
    top = max((m for m in range(n + 1) if by_order[m] > 0), default=0)
    band = (order <= top) & (order >= n - top) if top < n else np.ones(1 << n, bool)
    y = np.where(band, dual, 0.0)
    if band.any():
        y -= np.where(band, y.sum(-1, keepdims=True) / band.sum(), 0.0)
    origin = v[..., :1]
    product = ((v - origin) * y).sum(-1) - boxes * np.abs(y).sum(-1)
    sums = np.maximum(np.abs(superset_zeta(y)), np.abs(or_inverse(y)))
    counted = limited & (weight > 0)
    norm = np.max(sums[..., counted] / weight[counted], -1, initial=0.0)
    plain = np.max(sums[..., 1:][..., limited[1:]], -1, initial=0.0)
    bound = np.maximum(np.divide(product, norm, out=np.zeros_like(product), where=norm > 0), 0.0)
    l1_bound = np.maximum(np.divide(product, plain, out=np.zeros_like(product), where=plain > 0), 0.0)

    zero = objective <= _ROUNDING * np.abs(mobius(v - origin)[..., 1:]).sum(-1)
    known = np.isfinite(objective)
    gaps = np.array(np.where(known, 0.0, np.inf))
    np.divide(objective - bound, objective, out=gaps, where=known & ~zero)
    status = np.where(gaps <= gap, "optimal", np.where(known, "max_steps", "not_found"))
    return {
        "objective": objective,
        "lower_bound": bound,
        "l1": l1,
        "l1_lower_bound": l1_bound,
        "gap": gaps,
        "status": status,
    }


def _like(v: object) -> Any:
    """Turns a numpy result into what `v` was: itself, or a tensor on its device."""
    if not is_tensor(v):
        return lambda x: x
    import torch

    device = v.device
    return lambda x: torch.from_numpy(np.asarray(x)).to(device)
