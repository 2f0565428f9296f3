"""The decay operator and decay strengths against dense linear algebra, their limits, and bad input."""

from __future__ import annotations

from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference
import reference_dynamics
import torch
from harsanyi.analysis import decay, decay_strengths, decay_table
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.subsets import orders
from hypothesis import given, strategies as st

SIGMA2 = (0.0, 1e-12, 1e-5, 1e-3, 0.1, 1.0, 1e4, 1e12)


def random_interactions(n: int, *batch: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(*batch, 1 << n))


@pytest.mark.parametrize("free_bias", [False, True])
@pytest.mark.parametrize("kind", ["and", "or"])
@pytest.mark.parametrize("n", range(7))
def test_decay_equals_the_dense_solve(n: int, kind: str, free_bias: bool) -> None:
    stars = random_interactions(n, seed=n)
    for sigma2 in SIGMA2:
        expected = reference_dynamics.decay(stars, sigma2, kind=kind, free_bias=free_bias)
        found = decay(stars, sigma2, free_bias=free_bias)
        np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("sigma2", SIGMA2)
@pytest.mark.parametrize("n", [10, 18])
def test_decay_solves_its_equations_for_many_players(n: int, sigma2: float) -> None:
    """Both matrices are applied by transforms: J'J is a zeta and then a superset zeta."""
    stars = random_interactions(n)
    stars[0] = 0
    found = decay(stars, sigma2)
    right = hs.superset_zeta(hs.zeta(stars))
    left = hs.superset_zeta(hs.zeta(found)) + 2.0**n * 2.0 ** orders(n) * sigma2 * found
    np.testing.assert_allclose(left, right, atol=1e-12 * np.abs(right).max(), rtol=0)


@pytest.mark.parametrize("free_bias", [False, True])
@pytest.mark.parametrize("n", [1, 5, 12])
def test_limits_without_and_with_all_noise(n: int, free_bias: bool) -> None:
    stars = random_interactions(n)
    stars[0] = 0
    for sigma2 in (0.0, 1e-300):
        np.testing.assert_allclose(decay(stars, sigma2, free_bias=free_bias), stars, atol=1e-13)
    # However much noise: the gradient of the fit, divided by the noise.
    outputs = hs.zeta(stars)
    if free_bias:
        outputs -= outputs.mean()  # the bias takes the mean of the outputs
    limit = hs.superset_zeta(outputs) / 2.0 ** (n + orders(n))
    for sigma2 in (1e9, 1e12):
        found = decay(stars, sigma2, free_bias=free_bias)
        scale = np.abs(limit).max()
        np.testing.assert_allclose(found[1:] * sigma2, limit[1:], atol=1e-6 * scale, rtol=0)
        if free_bias:
            np.testing.assert_allclose(found[0], hs.zeta(stars).mean(), rtol=1e-8)


@given(st.integers(1, 7), st.integers(0, 2**32), st.floats(1e-12, 1e3), st.booleans())
def test_decay_is_linear_symmetric_and_shrinks(n: int, seed: int, sigma2: float, free_bias: bool) -> None:
    x, y = random_interactions(n, 2, seed=seed)
    x[0] = y[0] = 0
    found_x, found_y = decay(x, sigma2, free_bias=free_bias), decay(y, sigma2, free_bias=free_bias)
    both = decay(2 * x - 3 * y, sigma2, free_bias=free_bias)
    np.testing.assert_allclose(both, 2 * found_x - 3 * found_y, atol=1e-10)
    if not free_bias:
        # J'J and the noise have a common basis, orthogonal for the product <x, y> = sum of 2**|T| x[T] y[T].
        weight = 2.0 ** orders(n)
        scale = np.sqrt((weight * x * x).sum() * (weight * y * y).sum())
        assert abs((weight * found_x * y).sum() - (weight * x * found_y).sum()) <= 1e-12 * scale
        assert (weight * found_x**2).sum() <= (weight * x**2).sum() * (1 + 1e-12)
        more = decay(x, 2 * sigma2)
        assert (weight * more**2).sum() <= (weight * found_x**2).sum() * (1 + 1e-12)


@given(st.integers(1, 6), st.data())
def test_players_may_be_renamed(n: int, data: st.DataObject) -> None:
    permutation = data.draw(st.permutations(range(n)))
    stars = random_interactions(n)
    for free_bias in (False, True):
        found = decay(reference.permuted(stars, permutation), 0.01, free_bias=free_bias)
        expected = reference.permuted(decay(stars, 0.01, free_bias=free_bias), permutation)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_empty_entry_does_not_count_and_the_input_is_left_alone() -> None:
    stars = random_interactions(5)
    kept = stars.copy()
    other = stars.copy()
    other[0] += 100
    for free_bias in (False, True):
        np.testing.assert_array_equal(
            decay(stars, 0.01, free_bias=free_bias), decay(other, 0.01, free_bias=free_bias)
        )
    np.testing.assert_array_equal(stars, kept)


@pytest.mark.parametrize("free_bias", [False, True])
def test_batches_and_several_sigma2(free_bias: bool) -> None:
    stars = random_interactions(4, 2, 3)
    sigma2 = np.array([[0.0, 1e-3], [0.1, 10.0], [1e-5, 1.0]])
    found = decay(stars, sigma2, free_bias=free_bias)
    assert found.shape == (3, 2, 2, 3, 16)
    for place in np.ndindex(3, 2):
        for sample in np.ndindex(2, 3):
            expected = decay(stars[sample], sigma2[place], free_bias=free_bias)
            np.testing.assert_allclose(found[place][sample], expected, atol=1e-14)


@pytest.mark.parametrize("free_bias", [False, True])
def test_types_are_kept_and_tensors_agree(free_bias: bool) -> None:
    stars = random_interactions(6, 3)
    expected = decay(stars, [1e-3, 0.1], free_bias=free_bias)
    single = decay(stars.astype(np.float32), [1e-3, 0.1], free_bias=free_bias)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-5)
    assert decay((10 * stars).astype(np.int64), 0.1, free_bias=free_bias).dtype == np.float64
    for dtype in (torch.float32, torch.float64, torch.int64):
        found = decay(torch.from_numpy(10 * stars).to(dtype), torch.tensor([1e-3, 0.1]), free_bias=free_bias)
        assert found.dtype == (torch.float64 if dtype == torch.int64 else dtype)
    tensor = torch.from_numpy(stars)
    torch.testing.assert_close(
        decay(tensor, [1e-3, 0.1], free_bias=free_bias), torch.from_numpy(expected), rtol=0, atol=1e-14
    )
    assert decay(tensor.to("meta"), [1e-3, 0.1], free_bias=free_bias).shape == expected.shape
    mapped = torch.vmap(lambda x: decay(x, 0.1, free_bias=free_bias))(tensor)
    torch.testing.assert_close(mapped, torch.from_numpy(expected[1]), rtol=0, atol=1e-13)
    watched = tensor[0].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: decay(x, [1e-3, 0.1], free_bias=free_bias), (watched,))


# ---- strengths ----


@pytest.mark.parametrize("with_or", [False, True])
@pytest.mark.parametrize("n", [1, 4, 5])
def test_decay_strengths_equal_their_definition(n: int, with_or: bool) -> None:
    and_, or_ = random_interactions(n, 3, seed=1), random_interactions(n, 3, seed=2)
    pair = (and_, or_) if with_or else (and_,)
    sigma2 = [1e-4, 1e-2, 0.3]
    table = decay_table(pair)
    found = decay_strengths(pair, sigma2, gamma=2.5)
    assert found.positive.shape == (3, n + 1)
    for k, s in enumerate(sigma2):
        decayed = [np.array([reference_dynamics.decay(sample, s) for sample in x]) for x in pair]
        expected = reference_dynamics.strengths(*decayed)
        np.testing.assert_allclose(found.positive[k], 2.5 * expected[0], atol=1e-12)
        np.testing.assert_allclose(found.negative[k], 2.5 * expected[1], atol=1e-12)
        np.testing.assert_allclose(table.evaluate(s), expected, atol=1e-12)


@pytest.mark.parametrize("free_bias", [False, True])
def test_a_table_holds_the_strengths_of_its_grid(free_bias: bool) -> None:
    pair = random_interactions(6, 5, seed=1), random_interactions(6, 5, seed=2)
    table = decay_table(pair, sigma2_range=(1e-6, 1e-2), free_bias=free_bias)
    assert table.sigma2.shape == (17,)
    np.testing.assert_allclose(table.sigma2[[0, 4, -1]], [1e-6, 1e-5, 1e-2], rtol=1e-12)
    expected = decay_strengths(pair, table.sigma2, free_bias=free_bias)
    np.testing.assert_allclose(
        table.strengths, np.stack([expected.positive, expected.negative], -2), atol=1e-12
    )
    from_tensors = decay_table(
        tuple(torch.from_numpy(x) for x in pair), sigma2_range=(1e-6, 1e-2), free_bias=free_bias
    )
    np.testing.assert_array_equal(from_tensors.strengths, table.strengths)


def test_strengths_of_one_sample_of_one_sign_and_of_tensors() -> None:
    stars = np.abs(random_interactions(4))
    alone = decay_strengths(stars, [0.0, 0.1])
    np.testing.assert_allclose(alone.positive, decay_strengths(stars[None], [0.0, 0.1]).positive)
    assert (decay_table(stars).evaluate(0.0)[1] <= 1e-14).all()  # nothing negative
    watched = torch.from_numpy(stars).requires_grad_()
    found = decay_strengths(watched, [0.0, 0.1])
    torch.testing.assert_close(found.positive.detach(), torch.from_numpy(alone.positive), rtol=0, atol=1e-13)
    found.positive.sum().backward()
    assert watched.grad is not None
    assert watched.grad[0] == 0


# ---- bad input ----


@pytest.mark.parametrize(
    ("sigma2", "error"),
    [
        (-1e-9, ArgumentError),
        (np.inf, ArgumentError),
        (np.nan, ArgumentError),
        ([1.0, -1.0], ArgumentError),
        ([], ArgumentError),
        ("large", ArgumentTypeError),
        (1j, ArgumentTypeError),
        (None, ArgumentTypeError),
        ([[1.0], [1.0, 2.0]], ArgumentTypeError),
    ],
)
def test_bad_sigma2_is_named(sigma2: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="sigma2: got"):
        decay(np.ones(4), sigma2)


def test_bad_interactions_are_named() -> None:
    with pytest.raises(ArgumentError, match="interactions: got a last axis of length 3"):
        decay(np.ones(3), 0.1)
    with pytest.raises(ArgumentTypeError, match="interactions: got dtype complex128"):
        decay(np.ones(4, complex), 0.1)
    with pytest.raises(ArgumentError, match=r"interactions: got a pair of shapes \(4,\) and \(8,\)"):
        decay_strengths((np.ones(4), np.ones(8)), 0.1)
    with pytest.raises(ArgumentTypeError, match="interactions: got a Tensor"):
        decay_strengths((np.ones(4), torch.ones(4)), 0.1)  # type: ignore[type-var]
    with pytest.raises(ArgumentError, match=r"gamma: got -1\.0"):
        decay_strengths(np.ones(4), 0.1, gamma=-1)
    with pytest.raises(ArgumentTypeError, match="gamma: got big"):
        decay_strengths(np.ones(4), 0.1, gamma="big")  # type: ignore[arg-type]


def test_bad_tables_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"interactions: got shape \(2, 3, 4\)"):
        decay_table(np.ones((2, 3, 4)))
    with pytest.raises(ArgumentError, match="interactions: got the interactions of no player"):
        decay_table(np.ones(1))
    with pytest.raises(ArgumentError, match="interactions: got NaN or infinity"):
        decay_table((np.ones(4), np.array([0.0, 1.0, np.nan, 0.0])))
    for bad in ((1.0, 0.5), (0.0, 1.0), (1e-3, 1e-3), (1e-3, np.inf), (-1.0, 1.0)):
        with pytest.raises(ArgumentError, match="sigma2_range: got"):
            decay_table(np.ones(4), sigma2_range=bad)
    for wrong in (1e-3, (1e-3,), ("a", "b")):
        with pytest.raises(ArgumentTypeError, match="sigma2_range: got"):
            decay_table(np.ones(4), sigma2_range=wrong)  # type: ignore[arg-type]
