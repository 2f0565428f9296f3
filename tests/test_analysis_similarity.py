"""Similarity, sign changes and variance by order against loops over samples and sets."""

from __future__ import annotations

import math
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference_analysis as reference
import torch
from harsanyi import analysis
from harsanyi.errors import ArgumentError, ArgumentTypeError
from hypothesis import given, strategies as st


def kinds(seed: int, count: int, *shape: int) -> tuple[Any, ...]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, *shape)) + random.normal(size=shape[-1])
    x[random.random(x.shape) < 0.2] = 0
    return tuple(x)


def given_as(found: tuple[Any, ...]) -> Any:
    return found if len(found) == 2 else found[0]


def close(got: Any, expected: Any, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("n", [1, 3, 6])
def test_jaccard_equals_the_loop(n: int, count: int) -> None:
    a, b = kinds(n, count, 3, 1 << n), kinds(n + 1, count, 3, 1 << n)
    found = analysis.jaccard(given_as(a), given_as(b))
    close(found, [reference.jaccard(reference.sample(a, i), reference.sample(b, i)) for i in range(3)])


@given(st.integers(0, 2**32), st.floats(1e-3, 1e3))
def test_jaccard_properties(seed: int, factor: float) -> None:
    a, b = kinds(seed, 2, 16)
    found = analysis.jaccard(a, b)
    close(analysis.jaccard(b, a), found)
    close(analysis.jaccard(-a, -b), found)
    close(analysis.jaccard(factor * a, factor * b), found)
    assert (np.isnan(found) | ((found >= 0) & (found <= 1))).all()
    own = analysis.jaccard(a, a)
    assert (np.isnan(own) | (own == 1)).all()
    assert np.nanmax(np.nan_to_num(analysis.jaccard(a, -a))) == 0
    assert math.isnan(found[0])


@pytest.mark.parametrize("parts", ["of_mean", "mean_of_parts"])
@pytest.mark.parametrize("count", [1, 2])
def test_class_similarity_equals_the_loop(count: int, parts: Any) -> None:
    train, test = kinds(0, count, 7, 32), kinds(1, count, 5, 32)
    y, z = [3, 3, 8, 3, 8, 5, 5], [8, 3, 3, 9, 8]  # no test sample of 5, no training sample of 9
    found = analysis.class_similarity(given_as(train), given_as(test), y, z, parts=parts)
    expected = reference.class_similarity(train, test, y, z, parts)
    close(found, expected)
    assert np.isnan(found[[1, 3]]).all()
    assert not np.isnan(found[[0, 2], 1:]).any()
    close(analysis.nan_mean(found, -2)[1:], np.nanmean(np.array(expected)[:, 1:], 0))


def test_the_two_readings_differ_where_samples_disagree() -> None:
    train = np.array([[0.0, 1.0], [0.0, -1.0]])
    for parts, expected in (("of_mean", math.nan), ("mean_of_parts", 1.0)):
        found = analysis.class_similarity(train, train, [0, 0], [0, 0], parts=parts)  # type: ignore[arg-type]
        close(found, [[math.nan, expected]])


def test_class_similarity_keeps_axes_in_front() -> None:
    train, test = kinds(2, 2, 2, 3, 6, 16), kinds(3, 2, 2, 3, 4, 16)
    y, z = np.array([0, 1, 0, 1, 0, 1]), torch.tensor([1, 1, 0, 0])
    found = analysis.class_similarity(train, test, y, z)
    assert found.shape == (2, 3, 2, 5)
    for i in np.ndindex(2, 3):
        one = tuple(x[i] for x in train), tuple(x[i] for x in test)
        close(found[i], analysis.class_similarity(*one, y, z))


@pytest.mark.parametrize("count", [1, 2])
def test_inconsistency_equals_the_loop(count: int) -> None:
    clean, attacked = kinds(4, count, 5, 64), kinds(5, count, 5, 64)
    attacked = tuple(np.where(np.abs(x) < 1, x, y) for x, y in zip(clean, attacked, strict=True))
    taus = [0.05 * reference.largest(reference.sample(clean, i)) for i in range(5)]
    found = analysis.inconsistency(given_as(clean), given_as(attacked))
    close(found, reference.inconsistency(clean, attacked, taus))
    fixed = analysis.inconsistency(given_as(clean), given_as(attacked), threshold=2.0)
    close(fixed, reference.inconsistency(clean, attacked, [2.0] * 5))
    alone = [tuple(x[:, None] for x in found) for found in (clean, attacked)]  # a set of one sample each
    each = analysis.inconsistency(given_as(alone[0]), given_as(alone[1]))
    assert each.shape == (5, 7)
    close(analysis.nan_mean(each, 0), found)


def test_inconsistency_counts_signs_not_sizes() -> None:
    clean = np.array([0.0, 1e-200, -1e-200, 1.0])
    attacked = np.array([0.0, -1e-200, -5.0, 0.0])  # the product of the first two rounds to zero
    found = analysis.inconsistency(clean, attacked, threshold=0.0)
    close(found, [math.nan, 0.5, 0])
    assert np.isnan(analysis.inconsistency(clean, attacked, threshold=9.0)).all()


def test_learning_progress_is_the_mean_similarity_with_the_end() -> None:
    checkpoints = kinds(6, 2, 4, 3, 32)
    final = tuple(x[-1] for x in checkpoints)
    found = analysis.learning_progress(checkpoints, final)
    expected = [
        [
            reference.mean(column)
            for column in zip(
                *(reference.jaccard([x[t, i] for x in checkpoints], [x[i] for x in final]) for i in range(3)),
                strict=True,
            )
        ]
        for t in range(4)
    ]
    close(found, expected)
    assert (found[-1, 1:] == 1).all()


@pytest.mark.parametrize("count", [1, 2])
def test_variance_equals_the_loop(count: int) -> None:
    draws = kinds(7, count, 3, 6, 16)
    close(analysis.interaction_variance(given_as(draws)), reference.interaction_variance(draws))
    one = tuple(x[0] for x in draws)
    close(
        analysis.interaction_variance(given_as(one)), reference.interaction_variance([x[:1] for x in draws])
    )
    many = kinds(8, count, 2, 3, 6, 16)
    expected = [reference.interaction_variance([x[i] for x in many]) for i in range(2)]
    close(analysis.interaction_variance(given_as(many)), expected)


def test_white_noise_gives_the_null_line() -> None:
    """The variance of all dividends of independent outputs, exactly: from the rows of the transform."""
    n, sigma2 = 6, 0.3
    rows = hs.mobius(np.eye(1 << n)).T  # dividends as combinations of outputs
    exact = sigma2 * (rows**2).sum(1)
    close([exact[hs.orders(n) == s].mean() for s in range(n + 1)], analysis.white_noise_variance(n, sigma2))
    draws = np.random.default_rng(0).normal(size=(4000, 1 << n)) * math.sqrt(sigma2)
    found = analysis.interaction_variance(hs.mobius(draws))
    close(found[1:], analysis.white_noise_variance(n, sigma2)[1:], rtol=0.1)
    fit = analysis.fit_growth(found)
    assert abs(fit.slope - math.log(2)) < 0.03
    assert fit.r_squared > 0.99


def test_growth_is_the_line_of_least_squares() -> None:
    values = np.random.default_rng(1).exponential(size=(3, 8))
    values[1, [2, 5]] = 0  # no logarithm
    values[2, 4] = np.nan
    fit = analysis.fit_growth(values)
    for i, row in enumerate(values):
        used = [m for m in range(1, 8) if row[m] > 0]
        slope, intercept, r_squared = reference.line(used, [math.log(row[m]) for m in used])
        close([fit.slope[i], fit.intercept[i], fit.r_squared[i]], [slope, intercept, r_squared], rtol=1e-9)
        assert fit.points[i] == len(used)
    planted = analysis.fit_growth(5 * np.exp(0.7 * np.arange(9)))
    close([planted.slope, planted.intercept, planted.r_squared], [0.7, math.log(5), 1])
    assert math.isnan(analysis.fit_growth(np.array([1.0, 2.0, 0.0])).slope)
    flat = analysis.fit_growth(np.ones(5))
    assert flat.slope == 0
    assert math.isnan(flat.r_squared)


@pytest.mark.parametrize("degrees", [[1], [2, 1, 0], [3, 3, 3, 3]])
def test_theory_curve_equals_the_integrals(degrees: list[int]) -> None:
    curve = analysis.and_moment(degrees, sigma=0.4, alpha=1.5)
    expected = [reference.and_second_moment(degrees[:s], 0.4, 1.5) for s in range(len(degrees) + 1)]
    close(curve, expected)
    close(analysis.and_moment(torch.tensor([degrees] * 2), sigma=0.4, alpha=1.5), [expected] * 2)
    close(analysis.and_moment(degrees, sigma=0.0), np.ones(len(degrees) + 1))


def test_tensors_give_tensors() -> None:
    a, b = kinds(9, 2, 4, 3, 16)
    clean, attacked = torch.tensor(a), torch.tensor(b)
    close(analysis.jaccard(clean, attacked), analysis.jaccard(a, b))
    close(analysis.inconsistency(clean, attacked), analysis.inconsistency(a, b))
    close(analysis.interaction_variance(clean), analysis.interaction_variance(a))
    close(analysis.learning_progress(clean, attacked[-1]), analysis.learning_progress(a, b[-1]))
    found = analysis.class_similarity(clean.float(), attacked.float(), torch.tensor([0, 1, 0]), [1, 1, 0])
    assert found.dtype == torch.float64
    close(found, analysis.class_similarity(a, b, [0, 1, 0], [1, 1, 0]), rtol=1e-5)
    fit, expected = (
        analysis.fit_growth(torch.tensor(a[0, :, :5]).abs()),
        analysis.fit_growth(abs(a[0, :, :5])),
    )
    for name in ("slope", "intercept", "r_squared", "points"):
        assert torch.is_tensor(getattr(fit, name))
        close(getattr(fit, name), getattr(expected, name))


def test_gradients() -> None:
    random = torch.Generator().manual_seed(0)
    x, y = (torch.randn(3, 8, dtype=torch.float64, generator=random).requires_grad_() for _ in range(2))

    def curves(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, ...]:
        variance = analysis.interaction_variance(x)
        fit = analysis.fit_growth(variance)
        return (
            analysis.jaccard(x, y)[..., 1:],
            analysis.class_similarity(x, y, [0, 1, 0], [0, 1, 1])[..., 1:],
            variance[..., 1:],
            fit.slope,
            fit.r_squared,
        )

    assert torch.autograd.gradcheck(curves, (x, y))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.jaccard(np.ones(4), np.ones(8)), r"second: got 2\*\*3 entries"),
        (lambda: analysis.jaccard(np.ones(4), (np.ones(4), np.ones(4))), "second: got a pair"),
        (lambda: analysis.jaccard(np.ones((2, 4)), np.ones((3, 4))), r"second: got shape \(3, 4\)"),
        (lambda: analysis.inconsistency(np.ones((2, 4)), np.ones(4)), r"attacked: got shape \(4,\)"),
        (
            lambda: analysis.class_similarity(np.ones((2, 4)), np.ones((2, 4)), [0], [0, 1]),
            r"train_labels: got shape \(1,\), .* shape \(2,\)",
        ),
        (
            lambda: analysis.class_similarity(np.ones((3, 2, 4)), np.ones((2, 4)), [0, 1], [0, 1]),
            r"test: got shape \(2, 4\)",
        ),
        (
            lambda: analysis.class_similarity(np.ones((1, 4)), np.ones((1, 4)), [0], [0], parts="both"),  # type: ignore[arg-type]
            "parts: got both",
        ),
        (lambda: analysis.interaction_variance(np.ones((3, 1, 4))), r"draws: got shape \(3, 1, 4\)"),
        (lambda: analysis.interaction_variance(np.ones(4)), r"draws: got shape \(4,\)"),
        (lambda: analysis.fit_growth(np.ones(1)), r"values: got shape \(1,\)"),
        (lambda: analysis.white_noise_variance(3, -1.0), "sigma2: got -1.0"),
        (lambda: analysis.white_noise_variance(0, 1.0), "n: got 0"),
        (lambda: analysis.and_moment([1, -1], sigma=1.0), r"degrees: got \[1, -1\]"),
        (lambda: analysis.and_moment([1], sigma=1.0, alpha=0.0), "alpha: got 0.0, .* larger than 0"),
        (lambda: analysis.and_moment([1], sigma=float("nan")), "sigma: got nan"),
    ],
)
def test_bad_values_are_named(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.jaccard(np.ones(4), np.ones(4, np.float32)), "second: .* of one type"),
        (lambda: analysis.jaccard(np.ones(4), torch.ones(4).double()), "second: got a Tensor"),
        (
            lambda: analysis.class_similarity(np.ones((1, 4)), np.ones((1, 4)), [0.5], [0]),
            "train_labels: got dtype float64",
        ),
        (lambda: analysis.and_moment([1.5], sigma=1.0), "degrees: got dtype float64"),
        (lambda: analysis.and_moment([1], sigma="much"), "sigma: got much"),  # type: ignore[arg-type]
        (lambda: analysis.fit_growth(np.ones(3, complex)), "values: got dtype complex128"),
    ],
)
def test_other_types_are_named(call: Any, message: str) -> None:
    with pytest.raises(ArgumentTypeError, match=message):
        call()
