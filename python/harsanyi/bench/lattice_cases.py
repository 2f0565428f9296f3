"""Cases on lattice vectors: transforms, batches of them, table games."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from math import comb
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi import lattice
from harsanyi.bench import peers
from harsanyi.bench.case import Case, Data, Quantity, Series

__all__ = ["batch", "copyto", "mobius", "table_mobius", "table_shapley", "walsh_hadamard"]

_SHOWN = (8, 12, 16, 20, 22, 24, 26)
_SHORT = {"float32": "f32", "float64": "f64"}


def _vectors(shape: Sequence[int], dtype: str) -> SimpleNamespace:
    """Small integers: no sum of theirs is a denormal, and with one transform a call none overflows."""
    original = np.random.default_rng(0).integers(-8, 9, size=shape).astype(dtype)
    return SimpleNamespace(original=original, x=original.copy(), buffer=original.copy())


def _restore(data: Data) -> None:
    np.copyto(data.x, data.original)


def _kron(matrix: Sequence[Sequence[int]]) -> Callable[[Data], npt.NDArray[Any]]:
    """From the data to the definition of a transform: the whole matrix times the vectors."""

    def expected(data: Data) -> npt.NDArray[Any]:
        n = data.original.shape[-1].bit_length() - 1
        dense: npt.NDArray[Any] = reduce(np.kron, [np.array(matrix)] * n, np.array([[1]]))
        result: npt.NDArray[Any] = data.original.astype(np.float64) @ dense.T
        return result

    return expected


_BY_MOBIUS = _kron([[1, 0], [-1, 1]])
_BY_WALSH_HADAMARD = _kron([[1, 1], [1, -1]])


def _in_place(transform: Callable[..., Any]) -> Callable[[Data], Callable[[], Any]]:
    return lambda data: partial(transform, data.x, out=data.x)


def copyto(quantity: Quantity, target: float | None = None) -> Series:
    """`numpy.copyto` of the same bytes into another buffer, touched before: the speed of memory.

    Copies `x` of the case's data into its `buffer`.
    """
    return Series(
        "numpy.copyto",
        lambda data: partial(np.copyto, data.buffer, data.x),
        expected=lambda data: data.x,
        read=lambda data, _: data.buffer,
        quantity=quantity,
        target=target,
    )


def _transform(name: str, n: int, dtype: str, ours: Series, rivals: tuple[Series, ...]) -> Case:
    nbytes = np.dtype(dtype).itemsize << n
    return Case(
        name=f"{name}-{_SHORT[dtype]}-n{n}",
        group="transforms",
        n=n,
        dtype=dtype,
        ours=ours,
        rivals=rivals,
        setup=lambda n: _vectors((1 << n,), dtype),
        restore=_restore,
        nbytes=nbytes,
        # three vectors, and the int64 draws that one of them is made from
        memory=3 * nbytes + (8 << n),
        headline=n in _SHOWN,
    )


def mobius(n: int, dtype: str) -> Case:
    """The Möbius transform of one vector in place, beside memory, fht-cpu, numpy and torch."""
    butterfly = partial(Series, expected=_BY_MOBIUS, quantity="speed")
    butterflies = (
        butterfly("numpy butterfly", lambda data: peers.numpy_butterfly(data.x)),
        butterfly("torch butterfly", lambda data: peers.torch_butterfly(data.x), requires=("torch",)),
    )
    rivals = (
        copyto("cost", 2.0 if 20 <= n <= 24 else 3.0 if n == 26 else None),
        _fht(1.0),
        *(butterflies if n <= 20 else ()),  # beyond it they take seconds
    )
    ours = Series("mobius", _in_place(lattice.mobius), _BY_MOBIUS, quantity="value")
    return _transform("mobius", n, dtype, ours, rivals)


def walsh_hadamard(n: int, dtype: str) -> Case:
    """The Walsh-Hadamard transform of one vector in place: like for like with fht-cpu."""
    ours = Series("walsh_hadamard", _in_place(lattice.walsh_hadamard), _BY_WALSH_HADAMARD, quantity="value")
    return _transform("walsh_hadamard", n, dtype, ours, (copyto("cost"), _fht(None)))


def _fht(target: float | None) -> Series:
    return Series(
        "fht_cpu", lambda data: peers.fht(data.x), _BY_WALSH_HADAMARD, target=target, requires=("fht_cpu",)
    )


def batch(dtype: str) -> Case:
    """A batch in place on two threads, beside one thread and copyto."""
    vectors, players = 4096, 10
    nbytes = np.dtype(dtype).itemsize * vectors << players
    mobius = _in_place(lattice.mobius)
    return Case(
        name=f"batch-{_SHORT[dtype]}-n{players}",
        group="batch",
        n=players,
        dtype=dtype,
        ours=Series("two threads", mobius, _BY_MOBIUS, quantity="value", threads=2),
        rivals=(Series("one thread", mobius, _BY_MOBIUS, quantity="speed", target=1.7), copyto("cost")),
        setup=lambda n: _vectors((vectors, 1 << n), dtype),
        restore=_restore,
        nbytes=nbytes,
        memory=3 * nbytes + (8 * vectors << players),
        check_n=5,
    )


# ---- table games ----


def _game(n: int) -> SimpleNamespace:
    return SimpleNamespace(original=np.random.default_rng(0).normal(size=1 << n), n=n)


def table_mobius(n: int) -> Case:
    """Dividends of a table game, from call to return, beside shapiq."""
    return Case(
        name=f"table-mobius-n{n}",
        group="tables",
        n=n,
        dtype="float64",
        ours=Series(
            "mobius",
            lambda data: partial(lattice.mobius, data.original),
            _BY_MOBIUS,
            quantity="value",
            target=0.3e-3 if n == 16 else None,
        ),
        rivals=(
            Series(
                "shapiq",
                lambda data: peers.shapiq_exact(data.original, "Moebius", data.n),
                _BY_MOBIUS,
                read=lambda data, values: peers.shapiq_values(values, range(1 << data.n)),
                quantity="speed",
                requires=("shapiq",),
                slow=n > 12,
            ),
        ),
        setup=_game,
        nbytes=8 << n,
    )


def table_shapley(n: int) -> Case:
    """Shapley values of a table game, from call to return, beside shapley-numba and shapiq."""

    def ours(data: Data) -> Callable[[], Any]:
        from harsanyi.indices import shapley_values

        return lambda: shapley_values(lattice.mobius(data.original))

    return Case(
        name=f"table-shapley-n{n}",
        group="tables",
        n=n,
        dtype="float64",
        ours=Series("shapley_values", ours, _shapley_by_definition, quantity="value", target=0.3e-3),
        rivals=(
            Series(
                "shapley-numba",
                lambda data: peers.shapley_numba_shapley(data.original),
                _shapley_by_definition,
                quantity="speed",
                requires=("shapley_numba",),
            ),
            Series(
                "shapiq",
                lambda data: peers.shapiq_exact(data.original, "SV", 1),
                _shapley_by_definition,
                read=lambda data, values: peers.shapiq_values(values, (1 << i for i in range(data.n))),
                quantity="speed",
                requires=("shapiq",),
            ),
        ),
        setup=_game,
    )


def _shapley_by_definition(data: Data) -> npt.NDArray[np.float64]:
    """`phi_i = sum over S without i of (v[S + i] - v[S]) / (n C(n-1, |S|))`."""
    v, n = data.original, data.n
    return np.array(
        [
            sum(
                (v[s | 1 << i] - v[s]) / (n * comb(n - 1, s.bit_count()))
                for s in range(1 << n)
                if not s >> i & 1
            )
            for i in range(n)
        ]
    )
