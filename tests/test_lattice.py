"""Every transform against its definition, in every dtype, tier and layout; needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference
from harsanyi.errors import ArgumentError, ArgumentTypeError, NotEnoughMemoryError

NAMES = (
    "zeta",
    "mobius",
    "superset_zeta",
    "superset_mobius",
    "or_transform",
    "or_inverse",
    "walsh_hadamard",
)
DTYPES = (np.float32, np.float64, np.int64)
MATRIX = [[0.3, -1.25], [2.0, 0.7]]
CALLS: dict[str, Callable[..., Any]] = {
    **{name: getattr(hs, name) for name in NAMES},
    "kronecker": lambda x, **options: hs.kronecker(x, MATRIX, **options),
}


def isas() -> list[str]:
    found = hs.build_config()["isas"]
    assert isinstance(found, list)
    return found


def random_vectors(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Any:
    """Normal numbers; integers over the whole range, so that sums wrap around."""
    generator = np.random.default_rng(seed)
    if dtype == np.int64:
        return generator.integers(-(2**63), 2**63 - 1, shape, endpoint=True)
    return generator.normal(size=shape).astype(dtype)


def same_bits(a: Any, b: Any) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


# ---- the definition ----


@pytest.mark.parametrize("n", range(13))
@pytest.mark.parametrize("name", NAMES)
def test_transforms_equal_their_definition(name: str, n: int, kernel_settings: None) -> None:
    batch = 3 if n < 9 else 1
    for dtype in DTYPES:
        x = random_vectors((batch, 1 << n), dtype, seed=n)
        exact = x if dtype == np.int64 else x.astype(np.float64)
        expected, scale = reference.apply_rows(lambda rows: reference.transform_rows(name, n, rows), exact)
        for isa in isas():
            hs.set_isa(isa)
            found = CALLS[name](x)
            assert found.dtype == dtype
            if dtype == np.int64:
                np.testing.assert_array_equal(found, expected)
            else:
                assert (np.abs(found - expected) <= (n + 4) * np.finfo(dtype).eps * scale).all()


@pytest.mark.parametrize(
    ("matrix", "n"),
    [
        *((MATRIX, n) for n in range(13)),
        *((k, n) for k in ([[1, 0], [0, 1]], [[0, 0], [0, 0]], [[0, 1], [1, 0]]) for n in (1, 4, 7)),
    ],
)
def test_kronecker_equals_its_definition(matrix: list[list[float]], n: int, kernel_settings: None) -> None:
    k, x = np.array(matrix), random_vectors((3 if n < 9 else 1, 1 << n), np.float64, seed=n)
    expected, scale = reference.apply_rows(lambda rows: reference.kronecker_rows(k, n, rows), x)
    for isa in isas():
        hs.set_isa(isa)
        for dtype in (np.float32, np.float64):
            found = hs.kronecker(x.astype(dtype), matrix)
            assert found.dtype == dtype
            assert (np.abs(found - expected) <= (3 * n + 4) * np.finfo(dtype).eps * scale).all()


def test_the_dense_matrix_is_the_kronecker_power() -> None:
    """The reference itself: its rows are what numpy's kron builds, in our order of bits."""
    two_by_two = {
        "zeta": [[1, 0], [1, 1]],
        "mobius": [[1, 0], [-1, 1]],
        "superset_zeta": [[1, 1], [0, 1]],
        "superset_mobius": [[1, -1], [0, 1]],
        "or_transform": [[0, 1], [1, -1]],
        "or_inverse": [[1, 1], [1, 0]],
        "walsh_hadamard": [[1, 1], [1, -1]],
    }
    for n in range(6):
        for name, matrix in two_by_two.items():
            dense = np.ones((1, 1), dtype=np.int64)
            for _ in range(n):
                dense = np.kron(np.array(matrix), dense)
            sign, rows = -1 if name.startswith("or_") else 1, np.arange(1 << n)
            np.testing.assert_array_equal(reference.transform_rows(name, n, rows), sign * dense)
            np.testing.assert_array_equal(reference.kronecker_rows(np.array(matrix), n, rows), dense)


def test_bit_i_is_player_i() -> None:
    """The game "player 1 and player 3 are in" has one dividend, at the integer with bits 1 and 3."""
    v = np.array([float(s & 0b1010 == 0b1010) for s in range(32)])
    assert np.flatnonzero(hs.mobius(v)).tolist() == [0b1010]
    either = np.array([float(s & 0b1010 != 0) for s in range(32)])
    interactions = hs.or_transform(either)
    assert np.flatnonzero(interactions[1:]).tolist() == [0b1010 - 1]
    assert interactions[0b1010] == 1


def test_integers_wrap_around_and_come_back() -> None:
    x = np.array([2**62, 2**62, 2**62, 2**62])
    summed = hs.zeta(x)
    assert summed[3] == 0  # 2**64
    np.testing.assert_array_equal(hs.mobius(summed), x)


@pytest.mark.parametrize("name", NAMES)
def test_a_nan_reaches_only_the_sums_that_contain_it(name: str, kernel_settings: None) -> None:
    n = 7
    matrix = reference.transform_rows(name, n, np.arange(1 << n))
    for isa in isas():
        hs.set_isa(isa)
        for subset in (0, 1, 37, 101, 127):
            for value in (np.nan, np.inf):
                x = random_vectors((1 << n,), np.float64)
                x[subset] = value
                np.testing.assert_array_equal(np.isfinite(CALLS[name](x)), matrix[:, subset] == 0)


# ---- shapes and memory layouts ----


@pytest.mark.parametrize("name", CALLS)
def test_every_batch_axis_is_its_own_vector(name: str) -> None:
    for shape in ((5, 8), (2, 3, 16), (1, 1, 2), (7, 1), (2, 1, 3, 4), (33, 64)):
        x = random_vectors(shape, np.float64)
        found = CALLS[name](x)
        assert found.shape == shape
        for place in np.ndindex(shape[:-1]):
            assert same_bits(found[place], CALLS[name](x[place].copy()))


def unaligned(x: Any) -> Any:
    return np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape)


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 3, axis=-1)[..., ::3],
    "strided batch": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards": lambda x: x[..., ::-1].copy()[..., ::-1],
    "backwards batch": lambda x: x[::-1].copy()[::-1],
    "transposed": lambda x: x.transpose(1, 0, 2).copy().transpose(1, 0, 2),
    "broadcast": lambda x: np.broadcast_to(x[:1, :1], x.shape),
    "unaligned": unaligned,
    "a list": lambda x: x.tolist(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CALLS)
def test_layouts_do_not_matter(name: str, layout: str) -> None:
    for dtype in DTYPES:
        if (dtype == np.int64 and name == "kronecker") or (dtype == np.float32 and layout == "a list"):
            continue
        for n in (0, 1, 3, 6, 9):
            x = LAYOUTS[layout](random_vectors((4, 3, 1 << n), dtype, seed=n))
            if isinstance(x, np.ndarray):
                x.setflags(write=False)  # inputs are never written to
            expected = CALLS[name](np.array(x, order="C"))
            assert same_bits(CALLS[name](x), expected)
            out = np.empty(expected.shape, dtype)
            assert CALLS[name](x, out=out) is out
            assert same_bits(out, expected)


OUTPUTS: dict[str, Callable[[Any], Any]] = {
    "contiguous": lambda x: np.empty(x.shape, x.dtype),
    "fortran": lambda x: np.empty(x.shape, x.dtype, order="F"),
    "strided": lambda x: np.empty((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)[..., ::2],
    "backwards": lambda x: np.empty(x.shape, x.dtype)[..., ::-1],
    "unaligned": lambda x: np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape),
    "itself": lambda x: x,
    "its own memory": lambda x: x[:],
    "its own memory, backwards": lambda x: x[..., ::-1],
    "its own memory, rows exchanged": lambda x: x[::-1],
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("name", CALLS)
def test_results_go_where_they_are_told(name: str, output: str) -> None:
    for n in (0, 2, 5, 10):
        x = random_vectors((4, 1 << n), np.float64, seed=n)
        expected = CALLS[name](x)
        out = OUTPUTS[output](x)
        assert CALLS[name](x, out=out) is out
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("shift", [-64, -3, 1, 64])
@pytest.mark.parametrize("name", CALLS)
def test_an_output_may_overlap_its_input(name: str, shift: int) -> None:
    memory = random_vectors((1024,), np.float64)
    x, out = memory[256:512], memory[256 + shift : 512 + shift]
    expected = CALLS[name](x.copy())
    before, after = memory[: 256 + min(shift, 0)].copy(), memory[512 + max(shift, 0) :].copy()
    CALLS[name](x, out=out)
    assert same_bits(out, expected)
    assert same_bits(memory[: 256 + min(shift, 0)], before)  # and nothing around them changes
    assert same_bits(memory[512 + max(shift, 0) :], after)


def test_strided_in_place_leaves_the_gaps_alone() -> None:
    memory = random_vectors((4, 64), np.float64)
    gaps, x = memory[:, 1::2].copy(), memory[:, ::2]
    expected = hs.mobius(x.copy())
    hs.mobius(x, out=x)
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(memory[:, 1::2], gaps)


def test_the_input_is_left_alone() -> None:
    for dtype in DTYPES:
        x = random_vectors((3, 256), dtype)
        kept = x.copy()
        for name in NAMES:
            assert not np.shares_memory(CALLS[name](x), x)
            assert same_bits(x, kept)


# ---- bad input ----


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones(3), "x: got a last axis of length 3"),
        (np.ones((4, 6)), "x: got a last axis of length 6"),
        (np.ones((4, 0)), "x: got a last axis of length 0"),
        (np.ones((0, 4)), r"x: got an empty batch of shape \(0, 4\)"),
        (np.ones((2, 0, 4)), "x: got an empty batch"),
        (np.array(1.0), "x: got a scalar"),
        (1.0, "x: got a scalar"),
        (np.broadcast_to(np.float64(0), 1 << 31), r"x: got 2\*\*31 entries"),
    ],
)
def test_shapes_that_are_no_lattice_are_named(name: str, x: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        CALLS[name](x)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["bool", "int32", "uint64", "half", "longdouble", "complex", "O", ">f8"])
def test_other_dtypes_are_named(name: str, dtype: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"x: got dtype .* of dtype float32, float64 or int64"):
        CALLS[name](np.zeros(4, dtype))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("x", [[[1.0], [1.0, 2.0]], "abcd", None, {"a": 1}])
def test_what_is_no_array_is_named(name: str, x: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="x: got"):
        CALLS[name](x)


def read_only(x: Any) -> Any:
    x.setflags(write=False)
    return x


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.empty(8), ArgumentError, r"out: got shape \(8,\), .* \(4,\)"),
        (np.empty((1, 4)), ArgumentError, r"out: got shape \(1, 4\)"),
        (read_only(np.empty(4)), ArgumentError, "out: got a read-only array"),
        (np.empty(4, np.float32), ArgumentTypeError, "out: got dtype float32"),
        (np.empty(4, np.int64), ArgumentTypeError, "out: got dtype int64"),
        ([0.0] * 4, ArgumentTypeError, "out: got list"),
    ],
)
def test_outputs_that_do_not_match_are_named(
    name: str, out: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        CALLS[name](np.ones(4), out=out)


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        ([1, 2], ArgumentError, r"matrix: got shape \(2,\)"),
        ([[1, 2, 3], [4, 5, 6]], ArgumentError, r"matrix: got shape \(2, 3\)"),
        (np.ones((1, 2, 2)), ArgumentError, r"matrix: got shape \(1, 2, 2\)"),
        (3.0, ArgumentError, r"matrix: got shape \(\)"),
        ([[1, np.nan], [0, 1]], ArgumentError, "matrix: got .* finite"),
        ([[np.inf, 0], [0, 1]], ArgumentError, "matrix: got .* finite"),
        ([["a", "b"], ["c", "d"]], ArgumentTypeError, "matrix: got"),
        ([[1, 2], [3]], ArgumentTypeError, "matrix: got list"),
        ([[1j, 0], [0, 1]], ArgumentTypeError, "matrix: got"),
        (np.array([[1j, 0], [0, 1]]), ArgumentTypeError, "matrix: got"),
        (None, ArgumentTypeError, "matrix: got"),
    ],
)
def test_matrices_that_are_not_two_by_two_are_named(
    matrix: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        hs.kronecker(np.ones(4), matrix)


def test_a_real_matrix_needs_a_floating_dtype() -> None:
    with pytest.raises(ArgumentTypeError, match=r"x: got dtype int64, .* float32 or float64"):
        hs.kronecker(np.ones(4, np.int64), MATRIX)


def test_a_result_that_cannot_fit_says_what_it_needs() -> None:
    x = np.broadcast_to(np.float64(0), (1 << 20, 1 << 30))  # 8 bytes of memory, 8 PiB of result
    with pytest.raises(NotEnoughMemoryError, match=r"needs 8 PiB, but .* available"):
        hs.zeta(x)
