"""Subsets of the players as integers and as masks: enumerate, rank, convert.

A subset of n players is an integer, bit i set if player i is in, or a mask: n booleans, entry i for player i.
Integers are int64 and hold n <= 63 players; masks hold any number. Functions that take subsets accept a numpy
array, a sequence or a torch tensor and answer in kind, a tensor on its own device; functions that take only
numbers return numpy arrays (`torch.from_numpy` shares their memory). Nothing is converted silently: floats
are an error, and so is a subset that names a player outside 0..n-1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi import _core, _cuda
from harsanyi._arrays import (
    MAX_SUBSET_PLAYERS,
    Array,
    ArrayT,
    as_array,
    check_players,
    is_tensor,
    require_memory,
)
from harsanyi.errors import ArgumentError, ArgumentTypeError

__all__ = [
    "all_subsets",
    "masks_to_subsets",
    "orders",
    "players_of",
    "rank_subsets",
    "subsets_of_order",
    "subsets_to_masks",
    "subsets_up_to_order",
    "unrank_subsets",
]

Integers = npt.NDArray[np.int64]


def orders(n: int) -> Integers:
    """The order of every subset, `|S|` for `S = 0..2**n - 1`.

    Args:
        n: number of players, 0 to 30.

    Returns:
        int64, shape [2**n]: signed, so that `orders(n) - 1` and `2 ** orders(n)` are what they say.

    Raises:
        ArgumentError, ArgumentTypeError: `n` is not an integer from 0 to 30.
        NotEnoughMemoryError: the table does not fit; says how much it needs.

    Example:
        >>> import harsanyi as hs
        >>> hs.orders(3)
        array([0, 1, 1, 2, 1, 2, 2, 3])
    """
    n = check_players(n)
    require_memory(9 << n, f"orders({n})")
    table = np.empty(1 << n, np.uint8)
    _core.orders(n, table)
    return table.astype(np.int64)


def all_subsets(n: int) -> Integers:
    """Every subset of n players in increasing integer order: `0..2**n - 1`.

    Args:
        n: number of players, 0 to 63.

    Returns:
        int64, shape [2**n].

    Raises:
        ArgumentError, ArgumentTypeError: `n` is not an integer from 0 to 63.
        NotEnoughMemoryError: the subsets do not fit; says how much they need.

    Example:
        >>> import harsanyi as hs
        >>> hs.all_subsets(2)
        array([0, 1, 2, 3])
    """
    n = check_players(n, most=MAX_SUBSET_PLAYERS)
    require_memory(8 << n, f"all_subsets({n})")
    return np.arange(1 << n, dtype=np.int64)


def subsets_of_order(n: int, k: int) -> Integers:
    """The subsets with exactly k of n players, in increasing integer order.

    Args:
        n: number of players, 0 to 63.
        k: order, 0 to n.

    Returns:
        int64, shape [C(n, k)].

    Raises:
        ArgumentError, ArgumentTypeError: `n` or `k` is not an integer in its range.
        NotEnoughMemoryError: the subsets do not fit; says how much they need.

    Example:
        >>> import harsanyi as hs
        >>> hs.subsets_of_order(4, 2)
        array([ 3,  5,  6,  9, 10, 12])
    """
    n = check_players(n, most=MAX_SUBSET_PLAYERS)
    k = check_players(k, most=n, name="k")
    require_memory(8 * comb(n, k), f"subsets_of_order({n}, {k})")
    subsets = np.empty(comb(n, k), np.int64)
    _core.subsets_of_order(n, k, subsets)
    return subsets


def subsets_up_to_order(n: int, k: int) -> Integers:
    """The subsets with at most k of n players, by order, then in increasing integer order.

    The empty set comes first. With k = n this is the permutation that sorts a lattice vector by order.

    Args:
        n: number of players, 0 to 63.
        k: highest order, 0 to n.

    Returns:
        int64, shape [C(n, 0) + ... + C(n, k)].

    Raises:
        ArgumentError, ArgumentTypeError: `n` or `k` is not an integer in its range.
        NotEnoughMemoryError: the subsets do not fit; says how much they need.

    Example:
        >>> import harsanyi as hs
        >>> hs.subsets_up_to_order(3, 2)
        array([0, 1, 2, 4, 3, 5, 6])
    """
    n = check_players(n, most=MAX_SUBSET_PLAYERS)
    k = check_players(k, most=n, name="k")
    counts = [comb(n, m) for m in range(k + 1)]
    require_memory(8 * sum(counts), f"subsets_up_to_order({n}, {k})")
    subsets = np.empty(sum(counts), np.int64)
    first = 0
    for m, count in enumerate(counts):
        _core.subsets_of_order(n, m, subsets[first : first + count])
        first += count
    return subsets


def rank_subsets(subsets: ArrayT) -> ArrayT:
    """The position of each subset in `subsets_of_order(n, k)` of its own order k; it does not depend on n.

    With members `c_1 < ... < c_k` the rank is `C(c_1, 1) + ... + C(c_k, k)`, the combinatorial number system.

    Args:
        subsets: integers from 0 to 2**63 - 1, any shape.

    Returns:
        int64 of the same shape.

    Raises:
        ArgumentError: a negative entry, or one above 2**63 - 1.
        ArgumentTypeError: not of an integer dtype.

    Example:
        >>> import harsanyi as hs
        >>> hs.rank_subsets([3, 5, 6, 9])
        array([0, 1, 2, 3])
    """

    def rank(array: Array) -> Array:
        sets = _integers(array, "subsets", 1 << MAX_SUBSET_PLAYERS, "made of subsets, 0 to 2**63 - 1")
        ranks = _empty(sets.shape, "int64", sets)
        _cuda.run("rank_subsets", prod(sets.shape), sets, ranks)
        return ranks

    return _in_kind(rank, subsets, "subsets")


def unrank_subsets(ranks: ArrayT, n: int, k: int) -> ArrayT:
    """`subsets_of_order(n, k)[ranks]` without the list: the inverse of rank_subsets for one order.

    Args:
        ranks: integers from 0 to C(n, k) - 1, any shape.
        n: number of players, 0 to 63.
        k: order, 0 to n.

    Returns:
        int64 of the shape of `ranks`.

    Raises:
        ArgumentError: a rank outside its range, or `n` or `k` outside theirs.
        ArgumentTypeError: `ranks` is not of an integer dtype, or `n` or `k` is not an integer.

    Example:
        >>> import harsanyi as hs
        >>> hs.unrank_subsets([0, 5], 4, 2)
        array([ 3, 12])
    """
    n = check_players(n, most=MAX_SUBSET_PLAYERS)
    k = check_players(k, most=n, name="k")
    total = comb(n, k)

    def unrank(array: Array) -> Array:
        positions = _integers(array, "ranks", total, f"made of ranks of {total} subsets, 0 to {total - 1}")
        subsets = _empty(positions.shape, "int64", positions)
        _cuda.run("unrank_subsets", n, k, prod(positions.shape), positions, subsets)
        return subsets

    return _in_kind(unrank, ranks, "ranks")


def subsets_to_masks(subsets: ArrayT, n: int) -> ArrayT:
    """Subsets as booleans: `masks[..., i]` is bit i of the subset.

    Args:
        subsets: integers from 0 to 2**n - 1, any shape.
        n: number of players, 0 to 63.

    Returns:
        bool, shape [..., n].

    Raises:
        ArgumentError: a subset with a player outside 0..n-1, or `n` outside 0..63.
        ArgumentTypeError: `subsets` is not of an integer dtype.

    Example:
        >>> import harsanyi as hs
        >>> hs.subsets_to_masks([0, 5], 3)
        array([[False, False, False],
               [ True, False,  True]])
    """
    n = check_players(n, most=MAX_SUBSET_PLAYERS)

    def to_masks(array: Array) -> Array:
        expected = f"made of subsets of {n} players, 0 to {(1 << n) - 1}"
        sets = _integers(array, "subsets", 1 << n, expected)
        count = prod(sets.shape)
        if isinstance(sets, np.ndarray):
            require_memory(count * n, f"subsets_to_masks of {count} subsets")
        masks = _empty((*sets.shape, n), "bool", sets)
        _cuda.run("masks_from_subsets", n, count, sets, masks)
        return masks

    return _in_kind(to_masks, subsets, "subsets")


def masks_to_subsets(masks: ArrayT, *, n: int | None = None) -> ArrayT:
    """Masks as integers, the inverse of subsets_to_masks.

    Args:
        masks: bool, or integers that are 0 or 1, shape [..., n] with n <= 63.
        n: number of players that the masks must have; None takes what the last axis says.

    Returns:
        int64, shape [...].

    Raises:
        ArgumentError: no axis, more than 63 columns, not exactly `n` columns, or an integer besides 0 and 1.
        ArgumentTypeError: not of a boolean or integer dtype.

    Example:
        >>> import harsanyi as hs
        >>> hs.masks_to_subsets([[False, False, False], [True, False, True]])
        array([0, 5])
    """
    most = MAX_SUBSET_PLAYERS if n is None else check_players(n, most=MAX_SUBSET_PLAYERS)

    def to_subsets(array: Array) -> Array:
        if isinstance(array, np.ndarray) and array.dtype.kind not in "biu":
            raise ArgumentTypeError("masks", f"dtype {array.dtype}", "of dtype bool, or integers 0 and 1")
        if array.ndim == 0:
            raise ArgumentError("masks", "a scalar", "of shape [..., n]")
        columns = array.shape[-1]
        if columns > most or (n is not None and columns != n):
            expected = "of at most 63 columns" if n is None else f"of {n} columns, one a player"
            raise ArgumentError("masks", f"{columns} columns", expected)
        keep, exact = _flags(array)
        if not exact:
            raise ArgumentError("masks", "integers other than 0 and 1", "bool, or integers 0 and 1")
        subsets = _empty(array.shape[:-1], "int64", keep)
        _cuda.run("subsets_from_masks", columns, prod(array.shape[:-1]), keep, subsets)
        return subsets

    return _in_kind(to_subsets, masks, "masks")


def players_of(subset: int) -> tuple[int, ...]:
    """The players of one subset, ascending.

    Args:
        subset: a non-negative integer of any size.

    Raises:
        ArgumentError: a negative number.
        ArgumentTypeError: not an integer.

    Example:
        >>> import harsanyi as hs
        >>> hs.players_of(0b1101)
        (0, 2, 3)
    """
    if isinstance(subset, bool) or not isinstance(subset, (int, np.integer)):
        raise ArgumentTypeError("subset", subset, "a non-negative integer")
    rest = int(subset)
    if rest < 0:
        raise ArgumentError("subset", rest, "a non-negative integer")
    return tuple(i for i in range(rest.bit_length()) if rest >> i & 1)


def _integers(array: Array, name: str, stop: int, expected: str) -> Array:
    """Contiguous int64 of the same shape and value, all in range(stop)."""
    integers: Array
    bounds: tuple[int, ...] = ()
    if isinstance(array, np.ndarray):
        integral = array.dtype.kind in "iu"
        if integral and array.size:
            bounds = int(array.min()), int(array.max())
        integers = np.asarray(array, dtype=np.int64, order="C") if integral else array
    else:
        import torch

        integral = array.dtype != torch.bool
        integers = array.long().contiguous()
        if array.numel():
            wrap = 1 << 64 if array.dtype == torch.uint64 else 0  # from 2**63 on they are negative now
            bounds = tuple(x + wrap * (x < 0) for x in torch.stack(integers.aminmax()).tolist())
    if not integral:
        raise ArgumentTypeError(name, f"dtype {array.dtype}", "of an integer dtype")
    for entry in bounds:
        if not 0 <= entry < stop:
            raise ArgumentError(name, f"the entry {entry}", expected)
    return integers


def _flags(array: Array) -> tuple[Array, bool]:
    """Integers as contiguous bool, and whether all of them are 0 or 1."""
    if isinstance(array, np.ndarray):
        keep = np.asarray(array, dtype=np.bool_, order="C")
        return keep, array.dtype.kind == "b" or np.array_equal(keep, array)
    integers = array.long()
    return (integers != 0).contiguous(), bool((integers >> 1 == 0).all())


def _empty(shape: Sequence[int], dtype: str, like: Array) -> Array:
    if isinstance(like, np.ndarray):
        return np.empty(shape, dtype)
    import torch

    return like.new_empty(shape, dtype=getattr(torch, dtype))


def _in_kind(f: Callable[[Array], Array], x: ArrayT, name: str) -> ArrayT:
    """`f(x)` for an array or a tensor that the CUDA kernels take; other tensors go to numpy and back.

    A CPU tensor lends its memory to numpy, one of another device is copied.
    """
    source: Any = as_array(x, name)
    result: Any
    if is_tensor(source):
        import torch

        if source.is_floating_point() or source.is_complex():  # numpy lacks some of these dtypes
            raise ArgumentTypeError(name, f"dtype {source.dtype}", "of an integer dtype, or bool for masks")
        if _cuda.usable(source):
            result = f(source)
        else:
            result = torch.as_tensor(f(source.cpu().numpy())).to(source.device)
    else:
        if source.size == 0 and not isinstance(x, np.ndarray):  # numpy reads an empty list as float64
            source = source.astype(np.int64)
        result = f(source)
    answer: ArrayT = result
    return answer
