"""Sums over the subset lattice: per order in one pass, per player, and per pair.

A lattice vector is an array whose last axis has length 2**n, indexed by subset: bit i set means player i is
in. Leading axes are batch axes. The order of a subset is the number of its players.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb, prod
from typing import TYPE_CHECKING, Any, Generic, TypeGuard

import numpy as np
import numpy.typing as npt

from harsanyi import _core, _cuda
from harsanyi._arrays import Array, ArrayT, is_tensor
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.lattice import INT64_CODE, as_lattice, superset_zeta
from harsanyi.subsets import orders, subsets_of_order, subsets_up_to_order

if TYPE_CHECKING:
    import torch

__all__ = ["OrderSums", "reduce_orders"]

Floats = npt.NDArray[np.float64]

_CACHED_PLAYERS = 16  # tables of up to 2**16 subsets (half a MiB) are kept


@dataclass(frozen=True, eq=False, slots=True)
class OrderSums(Generic[ArrayT]):
    """Sums over the subsets of each order m = 0..n, each of shape [..., n + 1].

    Attributes:
        sum: of x, float64.
        absolute: of |x|, float64.
        positive: of max(x, 0), float64.
        negative: of max(-x, 0), float64: a non-negative number.
        count: of the entries with |x| > threshold, int64.
    """

    sum: ArrayT
    absolute: ArrayT
    positive: ArrayT
    negative: ArrayT
    count: ArrayT


def reduce_orders(
    x: ArrayT, *, threshold: float | npt.ArrayLike | torch.Tensor | None = None, salient_only: bool = False
) -> OrderSums[ArrayT]:
    """Sums, strengths and counts of a lattice vector by order, all in one pass.

    Args:
        x: lattice vectors, shape [..., 2**n], float32, float64 or int64 (summed as float64).
        threshold: an entry is salient if |x| > threshold: one number, or one per vector, of a shape that
            broadcasts to the batch's; None is 0. No gradient flows to it.
        salient_only: whether the sums, too, leave out the entries that are not salient.

    Returns:
        OrderSums of arrays, or of tensors on the device of `x`, differentiable except for the count. A NaN is
        salient and reaches `sum`, `absolute` and `negative` of its order.

    Raises:
        ArgumentError: the last axis of `x` is not a power of two, the batch is empty, or `threshold` is
            negative, NaN, or of another shape.
        ArgumentTypeError: another dtype.

    Counts of salient sets by order are those of Ren et al., ICLR 2024; the positive and negative strengths
    those of Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions".
    Summed in float64, to the same bit for every number of threads.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> sums = hs.reduce_orders(np.array([0.5, 1.0, -3.0, 0.25]), threshold=0.3)
        >>> sums.sum, sums.positive, sums.negative, sums.count
        (array([ 0.5 , -2.  ,  0.25]), array([0.5 , 1.  , 0.25]), array([0., 3., 0.]), array([1, 2, 0]))
    """
    values, n = floating_lattice(x, "x")
    result: Any
    if _needs_torch(values):
        result = _reduce_torch(values, n, threshold, salient_only)
    else:
        result = _reduce_kernel(values, n, threshold, salient_only)
    sums: OrderSums[ArrayT] = result
    return sums


def player_sums(x: Any, n: int, weights: Floats) -> Any:
    """`y[..., i] = sum of weights[|T|] x[..., T] over T containing i`, in the floating dtype of x."""
    if _needs_torch(x):
        # The entries of the n singletons among the sums over supersets: differentiable, and for any device.
        weighted: Any = x * like(weights, x)[like(order_table(n), x)]
        singletons = like(np.left_shift(1, np.arange(n)), x)
        return superset_zeta(weighted)[..., singletons]
    values = _contiguous(x)
    if _on_cuda(values):
        return _player_sums_cuda(values, n, weights)
    batch = tuple(values.shape[:-1])
    sums = np.empty((*batch, n))
    _core.player_sums(as_lattice(values)[2], n, prod(batch), _address(values), weights, sums)
    if isinstance(values, np.ndarray):
        return sums.astype(values.dtype, copy=False)
    import torch

    return torch.from_numpy(sums).to(values.dtype)


@lru_cache(maxsize=64)
def _weights_on(weights: bytes, device: torch.device) -> torch.Tensor:
    """Weights on a device, kept there: a copy from the host could be no part of a graph."""
    import torch

    return torch.frombuffer(bytearray(weights), dtype=torch.float64).to(device)


def _player_sums_cuda(x: torch.Tensor, n: int, weights: Floats) -> torch.Tensor:
    import torch

    batch = tuple(x.shape[:-1])
    size = (as_lattice(x)[2], n, prod(batch))
    by_order = _weights_on(weights.tobytes(), x.device)
    sums = torch.empty((*batch, n), dtype=torch.float64, device=x.device)
    scratch = torch.empty(_core.cuda_player_sums_workspace(*size), dtype=torch.uint8, device=x.device)
    _core.cuda_player_sums(
        *_cuda.place(x),
        *size,
        x.data_ptr(),
        by_order.data_ptr(),
        sums.data_ptr(),
        scratch.data_ptr(),
        scratch.numel(),
    )
    return sums.to(x.dtype)


def pair_sums(x: Any) -> Any:
    """Sums by order m = 0..n over the sets that contain given players, float64 [..., 1 + n(n+1)/2, n + 1].

    Row 0: over all sets of order m; row 1 + j(j+1)/2 + i, i <= j: over those with players i and j. Takes
    lattice vectors as `floating_lattice` returns them, and keeps the device and the gradient of a tensor
    (float32 on a device without float64).
    """
    if is_tensor(x):
        from harsanyi import ops

        if ops.is_unwatched(x) and ops.has_kernel(x):
            return ops.pair_sums_kernel(x)
        return ops.call(x if x.device.type == "mps" else x.double(), "pair_sums")
    values: Any
    values, n, code = as_lattice(_contiguous(x))
    sums = np.empty((*values.shape[:-1], 1 + n * (n + 1) // 2, n + 1))
    _core.pair_sums(code, n, values.size >> n, values, sums)
    return sums


def floating_lattice(x: object, name: str) -> tuple[Any, int]:
    """X as a float32 or float64 lattice vector and its n; int64 becomes float64.

    Raises:
        ArgumentError: the last axis is not a power of two, or the batch is empty.
        ArgumentTypeError: a dtype besides float32, float64 and int64, or a tensor that is not dense.
    """
    array: Any
    array, n, code = as_lattice(x, name)
    if code == INT64_CODE:
        array = array.double() if is_tensor(array) else array.astype(np.float64)
    return array, n


def order_table(n: int) -> npt.NDArray[np.int64]:
    """`orders(n)`, read-only; kept for small n."""
    return _cached_orders(n) if n <= _CACHED_PLAYERS else orders(n)


@lru_cache(maxsize=_CACHED_PLAYERS + 1)
def _cached_orders(n: int) -> npt.NDArray[np.int64]:
    table = orders(n)
    table.setflags(write=False)
    return table


def like(table: npt.NDArray[Any], x: Array) -> Any:
    """A numpy table beside x: itself, or a copy on the device of a tensor; floats take the dtype of x."""
    if isinstance(x, np.ndarray):
        return table.astype(x.dtype, copy=False) if table.dtype.kind == "f" else table
    import torch

    return torch.tensor(table, dtype=x.dtype if table.dtype.kind == "f" else None, device=x.device)


def sets_of_order(n: int, k: int, x: Array) -> Any:
    """`subsets_of_order(n, k)` beside x, as `like` puts it there; a CUDA device enumerates its own."""
    if not _on_cuda(x):
        return like(subsets_of_order(n, k), x)
    import torch

    sets = x.new_empty(comb(n, k), dtype=torch.int64)
    _core.cuda_subsets_of_order(*_cuda.place(x), n, k, sets.data_ptr())
    return sets


def _needs_torch(x: Any) -> bool:
    """Whether x is a tensor out of the kernels' reach: of another device, or watched by autograd."""
    if not is_tensor(x):
        return False
    from harsanyi.ops import has_kernel, is_unwatched

    return not (is_unwatched(x) and has_kernel(x))


def _on_cuda(x: Array) -> TypeGuard[torch.Tensor]:
    return is_tensor(x) and _cuda.usable(x)


def _contiguous(x: Any) -> Any:
    return np.require(x, requirements=["C", "A"]) if isinstance(x, np.ndarray) else x.detach().contiguous()


def _address(x: Any) -> Any:
    return x if isinstance(x, np.ndarray) else x.data_ptr()


def per_vector(threshold: Any, batch: tuple[int, ...]) -> Floats | None:
    """One threshold per vector, in the shape of the batch."""
    if threshold is None:
        return None
    if is_tensor(threshold):
        threshold = threshold.detach().cpu().double().numpy()
    try:
        limits = np.asarray(threshold, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError("threshold", threshold, "a number or an array of numbers") from error
    if not (limits >= 0).all():
        raise ArgumentError("threshold", "a negative number or NaN", "at least 0")
    try:
        return np.array(np.broadcast_to(limits, batch), order="C")  # ascontiguousarray adds an axis
    except ValueError as error:
        expected = f"a number or one per vector, of shape {batch}"
        raise ArgumentError("threshold", f"shape {limits.shape}", expected) from error


def _reduce_kernel(x: Any, n: int, threshold: Any, salient_only: bool) -> OrderSums[Any]:
    batch = tuple(x.shape[:-1])
    limits = per_vector(threshold, batch)
    values = _contiguous(x)
    if _on_cuda(values):
        return _reduce_cuda(values, n, limits, bool(salient_only))
    shape = (*batch, n + 1)
    s, a, p, m = (np.empty(shape) for _ in range(4))
    count = np.empty(shape, np.int64)
    salient_only = bool(salient_only)
    address, code = _address(values), as_lattice(values)[2]
    _core.reduce_orders(code, n, prod(batch), address, limits, salient_only, s, a, p, m, count)
    if isinstance(values, np.ndarray):
        return OrderSums(s, a, p, m, count)
    from torch import from_numpy

    return OrderSums(from_numpy(s), from_numpy(a), from_numpy(p), from_numpy(m), from_numpy(count))


def _limits_on(limits: Floats, device: torch.device) -> torch.Tensor:
    """Thresholds on a device; one for all vectors is filled in there, which can be part of a graph."""
    import torch

    if limits.size and (limits == limits.flat[0]).all():
        return torch.full(limits.shape, float(limits.flat[0]), dtype=torch.float64, device=device)
    return torch.tensor(limits, device=device)


def _reduce_cuda(x: torch.Tensor, n: int, limits: Floats | None, salient_only: bool) -> OrderSums[Any]:
    import torch

    batch = tuple(x.shape[:-1])
    size = (as_lattice(x)[2], n, prod(batch))
    limit = None if limits is None else _limits_on(limits, x.device)
    shape = (*batch, n + 1)
    s, a, p, m = (torch.empty(shape, dtype=torch.float64, device=x.device) for _ in range(4))
    count = torch.empty(shape, dtype=torch.int64, device=x.device)
    scratch = torch.empty(_core.cuda_reduce_orders_workspace(*size), dtype=torch.uint8, device=x.device)
    _core.cuda_reduce_orders(
        *_cuda.place(x),
        *size,
        x.data_ptr(),
        0 if limit is None else limit.data_ptr(),
        salient_only,
        s.data_ptr(),
        a.data_ptr(),
        p.data_ptr(),
        m.data_ptr(),
        count.data_ptr(),
        scratch.data_ptr(),
        scratch.numel(),
    )
    return OrderSums(s, a, p, m, count)


def _reduce_torch(x: torch.Tensor, n: int, threshold: Any, salient_only: bool) -> OrderSums[Any]:
    """The same in torch operations, one sum an order: unlike index_add, to the same bit on every run."""
    import torch

    limits = per_vector(threshold, tuple(x.shape[:-1]))
    limit = 0.0 if limits is None else torch.tensor(limits, device=x.device).unsqueeze(-1)
    by_order = like(subsets_up_to_order(n, n), x)
    values = x.double().index_select(-1, by_order)
    salient = ~(values.abs() <= limit)
    if salient_only:
        values = torch.where(salient, values, 0.0)

    def total(entries: torch.Tensor) -> torch.Tensor:
        parts = torch.split(entries, [comb(n, m) for m in range(n + 1)], -1)
        return torch.stack([part.sum(-1) for part in parts], -1)

    return OrderSums(
        total(values),
        total(values.abs()),
        total(torch.where(values > 0, values, 0.0)),
        total(torch.where(values >= 0, 0.0, -values)),
        total(salient),
    )
