"""What holds for every lattice vector: inverses, adjoints, linearity, renaming of players, AND with OR."""

from __future__ import annotations

from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

INVERSE = {
    "zeta": "mobius",
    "mobius": "zeta",
    "superset_zeta": "superset_mobius",
    "superset_mobius": "superset_zeta",
    "or_transform": "or_inverse",
    "or_inverse": "or_transform",
}
ADJOINT = {
    "zeta": "superset_zeta",
    "mobius": "superset_mobius",
    "superset_zeta": "zeta",
    "superset_mobius": "mobius",
    "or_transform": "or_transform",
    "or_inverse": "or_inverse",
    "walsh_hadamard": "walsh_hadamard",
}
NAMES = sorted(ADJOINT)
names = st.sampled_from(NAMES)
players = st.integers(0, 9)
numbers = st.floats(-1e3, 1e3, width=32)  # exact in both floating dtypes
entries = st.floats(-2, 2)


def apply(name: str, x: Any) -> Any:
    return getattr(hs, name)(x)


def close(a: Any, b: Any, scale: float) -> None:
    """Equal up to rounding of sums whose terms add up to `scale` in absolute value."""
    assert np.shape(a) == np.shape(b)
    assert np.abs(np.asarray(a) - np.asarray(b)).max(initial=0) <= 1e-13 * scale


@st.composite
def lattice_vectors(draw: st.DrawFn, count: int = 1, dtype: Any = np.float64) -> list[Any]:
    n = draw(players)
    elements = st.integers(-(2**63), 2**63 - 1) if dtype == np.int64 else numbers
    return [draw(arrays(dtype, 1 << n, elements=elements, fill=elements)) for _ in range(count)]


@given(names, lattice_vectors())
def test_inverses(name: str, vectors: list[Any]) -> None:
    (x,) = vectors
    transformed = apply(name, x)
    scale = 1 + np.abs(x).sum() * x.size
    if name == "walsh_hadamard":
        close(apply(name, transformed) / x.size, x, scale)
    else:
        close(apply(INVERSE[name], transformed), x, scale)


@given(st.sampled_from(sorted(INVERSE)), lattice_vectors(dtype=np.int64))
def test_inverses_of_integers_are_exact(name: str, vectors: list[Any]) -> None:
    (x,) = vectors
    np.testing.assert_array_equal(apply(INVERSE[name], apply(name, x)), x)


@given(names, lattice_vectors(count=2))
def test_adjoints(name: str, vectors: list[Any]) -> None:
    x, y = vectors
    close(apply(name, x) @ y, x @ apply(ADJOINT[name], y), 1 + np.abs(x).sum() * np.abs(y).sum() * x.size)


@given(names, lattice_vectors(count=2, dtype=np.int64), st.integers(-(2**63), 2**63 - 1))
def test_linearity_of_integers_is_exact(name: str, vectors: list[Any], factor: int) -> None:
    x, y = vectors
    expected = np.int64(factor) * apply(name, x) + apply(name, y)
    np.testing.assert_array_equal(apply(name, np.int64(factor) * x + y), expected)


@given(names, lattice_vectors(count=2), st.floats(-4, 4), st.floats(-4, 4))
def test_linearity(name: str, vectors: list[Any], a: float, b: float) -> None:
    x, y = vectors
    scale = 1 + 8 * (np.abs(x).sum() + np.abs(y).sum())
    close(apply(name, a * x + b * y), a * apply(name, x) + b * apply(name, y), scale)


@given(names, lattice_vectors(dtype=np.int64), st.data())
def test_renaming_the_players_renames_the_sets(name: str, vectors: list[Any], data: st.DataObject) -> None:
    (x,) = vectors
    permutation = data.draw(st.permutations(range(x.size.bit_length() - 1)))
    renamed = apply(name, reference.permuted(x, permutation))
    np.testing.assert_array_equal(renamed, reference.permuted(apply(name, x), permutation))


@given(lattice_vectors(dtype=np.int64))
def test_or_is_minus_mobius_of_the_complement(vectors: list[Any]) -> None:
    (x,) = vectors
    np.testing.assert_array_equal(hs.or_transform(x), -hs.mobius(x[::-1]))  # full ^ S = full - S
    np.testing.assert_array_equal(hs.or_inverse(x), -hs.zeta(x)[::-1])


@given(lattice_vectors())
def test_the_spectrum_keeps_the_energy(vectors: list[Any]) -> None:
    (x,) = vectors
    close((hs.walsh_hadamard(x) ** 2).sum(), x.size * (x**2).sum(), 1 + x.size * (x**2).sum() * x.size)


@given(lattice_vectors(count=2))
def test_universal_matching(vectors: list[Any]) -> None:
    """Every output is the sum of the AND sets that are present and of the OR sets that are touched."""
    u_and, u_or = vectors
    and_, or_ = hs.mobius(u_and), hs.or_transform(u_or)
    sets = np.arange(u_and.size)
    scale = 1 + u_and.size * (np.abs(and_).sum() + np.abs(or_).sum())
    for t in {0, 1, u_and.size // 3, u_and.size - 1} & set(sets.tolist()):
        inside, touched = (sets != 0) & (sets & ~t == 0), sets & t != 0
        matched = u_and[0] + u_or[0] + and_[inside].sum() + or_[touched].sum()
        close(matched, u_and[t] + u_or[t], scale)


@given(
    arrays(np.float64, (2, 2), elements=entries),
    arrays(np.float64, (2, 2), elements=entries),
    st.integers(0, 7),
    st.integers(0, 2**32),
)
def test_kronecker_powers_multiply_like_their_matrices(k: Any, l: Any, n: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=1 << n)
    # On each axis |K| |L| at most multiplies by 16.
    close(hs.kronecker(hs.kronecker(x, l), k), hs.kronecker(x, k @ l), 16.0**n * np.abs(x).sum())


@given(arrays(np.float64, (2, 2), elements=entries), lattice_vectors(count=2))
def test_the_adjoint_of_kronecker_is_its_transpose(k: Any, vectors: list[Any]) -> None:
    x, y = vectors
    scale = 1 + 4.0 ** (x.size.bit_length() - 1) * np.abs(x).sum() * np.abs(y).sum()
    close(hs.kronecker(x, k) @ y, x @ hs.kronecker(y, k.T), scale)


@given(names, st.integers(0, 6), st.integers(0, 2**32))
def test_kronecker_includes_the_named_transforms(name: str, n: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=1 << n)
    matrix = reference.transform_rows(name, 1, np.arange(2))
    if name.startswith("or_"):
        close(-hs.kronecker(x, -matrix), apply(name, x), 2.0**n * np.abs(x).sum())
    else:
        close(hs.kronecker(x, matrix), apply(name, x), 2.0**n * np.abs(x).sum())


@given(names, lattice_vectors(dtype=np.float32))
def test_single_precision_rounds_the_double_result(name: str, vectors: list[Any]) -> None:
    (x,) = vectors
    n = x.size.bit_length() - 1
    difference = np.abs(apply(name, x) - apply(name, x.astype(np.float64))).max()
    assert difference <= (n + 1) * np.finfo(np.float32).eps * np.abs(x, dtype=np.float64).sum()


@pytest.mark.parametrize("subset", range(8))
def test_unit_vectors_give_the_columns_of_the_definition(subset: int) -> None:
    unit = np.eye(8)[subset]
    for name in NAMES:
        dense = reference.transform_rows(name, 3, np.arange(8))
        np.testing.assert_array_equal(apply(name, unit), dense[:, subset])
