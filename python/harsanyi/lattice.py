"""Lattice transforms: one 2x2 matrix applied on every axis of the subset lattice, in O(n 2**n).

A lattice vector is an array whose last axis has length 2**n, indexed by subset: bit i set means player i is
in. Leading
axes are batch axes. Every function takes a numpy array or a torch tensor of dtype float32, float64 or int64
and returns
the same type; tensors keep device, dtype and gradient. int64 is exact modulo 2**64: a sum that exceeds int64
wraps
around, and the inverse transform still restores its input.

Results are the same to the bit for every number of threads and every instruction set.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from harsanyi import _core
from harsanyi._arrays import DTYPE_CODES, Array, ArrayT, as_array, is_tensor, lattice_players, require_memory
from harsanyi.errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    import torch

__all__ = [
    "kronecker",
    "mobius",
    "or_inverse",
    "or_transform",
    "superset_mobius",
    "superset_zeta",
    "walsh_hadamard",
    "zeta",
]

# Codes of harsanyi_kind in harsanyi.h.
KIND_CODES = {
    "zeta": 0,
    "mobius": 1,
    "superset_zeta": 2,
    "superset_mobius": 3,
    "or_transform": 4,
    "or_inverse": 5,
    "walsh_hadamard": 6,
}
_MATRIX = "a 2x2 array of real numbers"
INT64_CODE = DTYPE_CODES[np.dtype(np.int64)]
_DIRECT_ENTRIES = 1 << 22  # numpy arrays up to here skip the memory check
_DIRECT_TENSOR_ENTRIES = 1 << 14  # below this a dispatched torch op costs more than the transform


def zeta(x: ArrayT, *, out: ArrayT | None = None) -> ArrayT:
    """Sums over subsets, `y[S] = sum of x[T] over T in S`: the inverse of mobius.

    Args:
        x: lattice vectors, shape [..., 2**n], float32, float64 or int64.
        out: where to write the result, same shape and dtype; `out=x` works in place, without a second buffer.

    Returns:
        The transformed vectors: a new array, or `out`.

    Raises:
        ArgumentError: the last axis is not a power of two, the batch is empty, or `out` does not match.
        ArgumentTypeError: another dtype.

    Matrix [[1, 0], [1, 1]] on every axis.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.zeta(np.array([1.0, 2.0, 3.0, 4.0]))
        array([ 1.,  3.,  4., 10.])
    """
    return cast("ArrayT", _named("zeta", x, out))


def mobius(x: ArrayT, *, out: ArrayT | None = None) -> ArrayT:
    """Harsanyi dividends, `y[S] = sum of (-1)**(|S|-|T|) x[T] over T in S`.

    These are the AND interactions of the whole output.

    Arguments, result and errors as for `zeta`, whose inverse this is. Matrix [[1, 0], [-1, 1]].

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.mobius(np.array([1.0, 3.0, 4.0, 10.0]))
        array([1., 2., 3., 4.])
    """
    return cast("ArrayT", _named("mobius", x, out))


def superset_zeta(x: ArrayT, *, out: ArrayT | None = None) -> ArrayT:
    """Sums over supersets, `y[S] = sum of x[T] over T containing S`: the adjoint of zeta.

    Arguments, result and errors as for `zeta`. Matrix [[1, 1], [0, 1]].

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.superset_zeta(np.array([1.0, 2.0, 3.0, 4.0]))
        array([10.,  6.,  7.,  4.])
    """
    return cast("ArrayT", _named("superset_zeta", x, out))


def superset_mobius(x: ArrayT, *, out: ArrayT | None = None) -> ArrayT:
    """The inverse of superset_zeta and the adjoint of mobius.

    Arguments, result and errors as for `zeta`. Matrix [[1, -1], [0, 1]].

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.superset_mobius(np.array([10.0, 6.0, 7.0, 4.0]))
        array([1., 2., 3., 4.])
    """
    return cast("ArrayT", _named("superset_mobius", x, out))


def or_transform(x: ArrayT, *, out: ArrayT | None = None) -> ArrayT:
    """OR interactions, `y[S] = -sum of (-1)**(|S|-|T|) x[full ^ T] over T in S`.

    The entry of the empty set is `-x[full]`. Arguments, result and errors as for `zeta`. The matrix, -[[0,
    1], [1, -1]]
    on every axis with one minus sign in all, is symmetric: this transform is its own adjoint.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.or_transform(np.array([0.0, 1.0, 1.0, 1.0]))  # player 0 OR player 1
        array([-1.,  0.,  0.,  1.])
    """
    return cast("ArrayT", _named("or_transform", x, out))


def or_inverse(x: ArrayT, *, out: ArrayT | None = None) -> ArrayT:
    """The inverse of or_transform, its own adjoint.

    Arguments, result and errors as for `zeta`.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.or_inverse(np.array([-1.0, 0.0, 0.0, 1.0])) + 0.0
        array([0., 1., 1., 1.])
    """
    return cast("ArrayT", _named("or_inverse", x, out))


def walsh_hadamard(x: ArrayT, *, out: ArrayT | None = None) -> ArrayT:
    """Unnormalised Walsh-Hadamard transform, `y[S] = sum of (-1)**|S & T| x[T]`: its own inverse up to 2**n.

    Arguments, result and errors as for `zeta`. Banzhaf interactions are `(-2)**|S| 2**-n` times this.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.walsh_hadamard(np.array([1.0, 2.0, 3.0, 4.0]))
        array([10., -2., -4.,  0.])
    """
    return cast("ArrayT", _named("walsh_hadamard", x, out))


def kronecker(
    x: ArrayT, matrix: Sequence[Sequence[float]] | npt.ArrayLike, *, out: ArrayT | None = None
) -> ArrayT:
    """`kron(K) x`: any 2x2 matrix K applied on every axis.

    For each bit i, every pair `(x[S], x[S | 1 << i])` with bit i clear becomes K times the pair.

    Args:
        x: lattice vectors, shape [..., 2**n], float32 or float64.
        matrix: K, 2x2, finite; rows give the new entry with the bit clear and with the bit set. No gradient
        flows to it.
        out: as for `zeta`.

    Raises:
        ArgumentError: `matrix` is not 2x2 or not finite; and as for `zeta`.
        ArgumentTypeError: dtype int64, or another that is not real floating point.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> hs.kronecker(np.array([1.0, 2.0, 3.0, 4.0]), [[1, 0], [1, 1]])  # zeta
        array([ 1.,  3.,  4., 10.])
    """
    entries = _entries(matrix)
    array, n, code = as_lattice(x)
    if code == INT64_CODE:
        raise ArgumentTypeError("x", "dtype int64", "of dtype float32 or float64 for a real matrix")
    return cast("ArrayT", _apply(array, n, code, out, entries))


def _entries(matrix: Any) -> list[float]:
    """The four entries of a 2x2 matrix, row by row. Nested lists stay in Python, where compilers follow."""
    match matrix:
        case [[int() | float() as a, int() | float() as b], [int() | float() as c, int() | float() as d]]:
            entries = [float(a), float(b), float(c), float(d)]
        case _:
            try:
                k = np.asarray(matrix)
            except (TypeError, ValueError, RuntimeError) as error:  # the last: a tensor with a gradient
                raise ArgumentTypeError("matrix", type(matrix).__name__, _MATRIX) from error
            if k.dtype.kind not in "biuf":
                raise ArgumentTypeError("matrix", f"dtype {k.dtype}", _MATRIX)
            if k.shape != (2, 2):
                raise ArgumentError("matrix", f"shape {k.shape}", "of shape (2, 2)")
            entries = k.astype(np.float64).ravel().tolist()
    if not all(map(isfinite, entries)):
        raise ArgumentError("matrix", entries, "finite")
    return entries


def _named(name: str, x: Any, out: Any) -> Any:
    # Small transforms take about a microsecond, as long as a handful of Python calls: the plain case is
    # decided first.
    if type(x) is np.ndarray and (out is None or out is x) and x.flags.carray:
        length = x.shape[-1] if x.ndim else 0
        code = DTYPE_CODES.get(x.dtype)
        n = length.bit_length() - 1
        if code is not None and n >= 0 and length == 1 << n and 0 < x.size <= _DIRECT_ENTRIES:
            if out is None:
                out = np.empty_like(x)
            _core.transform(KIND_CODES[name], code, n, x.size >> n, x, out)
            return out
    array, n, code = as_lattice(x)
    return _apply(array, n, code, out, name)


def as_lattice(x: object, name: str = "x") -> tuple[Array, int, int]:
    """X as an array or a tensor of lattice vectors, their n, and the kernels' code of their dtype.

    Raises:
        ArgumentError: the last axis is not a power of two, or the batch is empty.
        ArgumentTypeError: a dtype besides float32, float64 and int64, or a tensor that is not dense.
    """
    array = as_array(x, name)
    if isinstance(array, np.ndarray):
        code = DTYPE_CODES.get(array.dtype)
    else:
        from harsanyi import ops

        code = ops.dtype_code(array, name)
    if code is None:
        raise ArgumentTypeError(name, f"dtype {array.dtype}", "of dtype float32, float64 or int64")
    return array, lattice_players(array, name), code


def run_kernel(transform: str | list[float], dtype: int, n: int, batch: int, src: Any, dst: Any) -> None:
    """Calls the kernel on contiguous arrays or addresses; `transform`: a name or four matrix entries."""
    if isinstance(transform, str):
        _core.transform(KIND_CODES[transform], dtype, n, batch, src, dst)
    else:
        _core.kronecker(transform, dtype, n, batch, src, dst)


def _apply(x: Array, n: int, code: int, out: Array | None, transform: str | list[float]) -> Array:
    if is_tensor(x):
        return _apply_tensor(x, n, out, transform)
    assert isinstance(x, np.ndarray)
    if out is None:
        require_memory(x.nbytes, f"the result of a transform at n = {n}")
        out = np.empty(x.shape, x.dtype)
    else:
        _check_out(x, out)
        assert isinstance(out, np.ndarray)
        if not out.flags.writeable:
            raise ArgumentError("out", "a read-only array", "writeable")
    batch = x.size >> n
    if not (out.flags.c_contiguous and out.flags.aligned):
        result = np.array(x, order="C")
        run_kernel(transform, code, n, batch, result, result)
        np.copyto(out, result)
        return out
    if out is not x and not (x.flags.c_contiguous and x.flags.aligned and not np.may_share_memory(x, out)):
        np.copyto(out, x)  # numpy buffers an overlap itself
        x = out
    run_kernel(transform, code, n, batch, x, out)
    return out


def _check_out(x: Array, out: Any) -> None:
    if is_tensor(out) != is_tensor(x) or not (is_tensor(out) or isinstance(out, np.ndarray)):
        raise ArgumentTypeError("out", type(out).__name__, f"of the type of x, {type(x).__name__}")
    if tuple(out.shape) != tuple(x.shape):
        raise ArgumentError("out", f"shape {tuple(out.shape)}", f"of the shape of x, {tuple(x.shape)}")
    if out.dtype != x.dtype:
        raise ArgumentTypeError("out", f"dtype {out.dtype}", f"of the dtype of x, {x.dtype}")


def _apply_tensor(x: torch.Tensor, n: int, out: Any, transform: str | list[float]) -> torch.Tensor:
    from harsanyi import ops

    if out is not None:
        _check_out(x, out)
        return ops.transform_into(x, n, out, transform)
    if x.numel() <= _DIRECT_TENSOR_ENTRIES and ops.is_unwatched(x) and ops.has_kernel(x):
        return ops.transform_kernel(x, n, transform)
    return ops.call(x, transform)
