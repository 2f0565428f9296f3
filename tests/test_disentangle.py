"""The spindle model, the fits that tell both parts apart, and what they recover of planted parameters."""

from __future__ import annotations

from functools import lru_cache
from math import comb
from typing import Any

import numpy as np
import pytest
import reference_dynamics
import torch
from harsanyi.analysis import (
    DecayTable,
    OrderStrength,
    decay_strengths,
    decay_table,
    disentangle,
    fit_decay,
    fit_spindle,
    spindle,
)
from harsanyi.analysis._search import nonnegative_pair
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.subsets import orders
from hypothesis import given, strategies as st


@lru_cache
def network(seed: int = 0, n: int = 10, samples: int = 10) -> DecayTable:
    """A table of pairs whose interactions shrink with the order, as those of networks do."""
    and_, or_ = np.random.default_rng(seed).normal(size=(2, samples, 1 << n)) * 0.3 ** orders(n)
    return decay_table((and_, or_))


def mixture(table: DecayTable, alpha: float, beta: float, sigma2: float, gamma: float) -> Any:
    """The strengths of both parts together, [2, n + 1]."""
    return gamma * table.evaluate(sigma2) + spindle(table.n, alpha, beta)


def both(strength: OrderStrength[Any]) -> Any:
    """Both signs as one array, [..., 2, n + 1]."""
    return np.stack([strength.positive, strength.negative], -2)


def without_empty(x: Any) -> Any:
    return np.concatenate([np.zeros_like(x[..., :1]), x[..., 1:]], -1)


# ---- the spindle ----


@pytest.mark.parametrize("n", [1, 2, 7, 10, 30])
@pytest.mark.parametrize("alpha", [0.0, 0.05, 0.31, 0.5, 0.77, 1.0, 1.3, 2.0])
def test_spindle_equals_the_gamma_functions(n: int, alpha: float) -> None:
    expected = reference_dynamics.spindle(n, alpha, 2.5)
    np.testing.assert_allclose(spindle(n, alpha, 2.5), expected, rtol=1e-11, atol=1e-12)


def test_spindle_is_binomial_where_all_variables_interact_and_ends_where_it_should() -> None:
    np.testing.assert_allclose(spindle(9, 1.0), [comb(9, m) for m in range(10)], rtol=1e-14)
    cut = spindle(10, 0.45)  # the ratio of gamma functions is negative at m = 6
    assert (cut[:6] > 0).all()
    assert (cut[6:] == 0).all()
    assert spindle(0, 1.0).tolist() == [1.0]


def test_spindle_of_arrays() -> None:
    alphas, betas = np.array([[0.3], [1.0]]), np.array([1.0, 2.0, 5.0])
    found = spindle(6, alphas, betas)
    assert found.shape == (2, 3, 7)
    for i, j in np.ndindex(2, 3):
        np.testing.assert_array_equal(found[i, j], spindle(6, alphas[i, 0], betas[j]))


@pytest.mark.parametrize("alpha", [0.15, 0.4, 0.5, 0.83, 1.0, 1.37, 2.0])
@pytest.mark.parametrize("n", [4, 10, 16])
def test_a_planted_spindle_comes_back(n: int, alpha: float) -> None:
    if alpha * n <= 1:  # only order 1 is left: alpha and beta are one number
        alpha = 1.5 / n
    planted = spindle(n, alpha, 0.3)
    found = fit_spindle(OrderStrength(planted, planted))
    np.testing.assert_allclose([found.alpha, found.beta], [alpha, 0.3], rtol=1e-8)
    assert found.relative_residual < 1e-9
    assert found.peak_order == planted[1:].argmax() + 1
    np.testing.assert_allclose(found.spindle, without_empty(planted), atol=1e-8 * planted.max())


def test_a_spindle_fit_is_the_best_one() -> None:
    """No alpha of a fine grid with its own best beta is nearer, whatever the strengths."""
    generator = np.random.default_rng(0)
    values = generator.uniform(size=(20, 2, 9))
    found = fit_spindle(OrderStrength(values[:, 0], values[:, 1]))
    assert found.alpha.shape == found.beta.shape == found.relative_residual.shape == (20,)
    shapes = np.tile(spindle(8, np.linspace(1 / 8, 2, 2000))[:, 1:], 2)
    for k in range(20):
        a = values[k, :, 1:].ravel()
        best = (a @ a - (shapes @ a) ** 2 / (shapes**2).sum(-1)).min()
        rest = both(found.residual)[k]
        assert (rest**2).sum() <= best * (1 + 1e-9)
        np.testing.assert_allclose(found.relative_residual[k], np.linalg.norm(rest) / np.linalg.norm(a))
        np.testing.assert_allclose(rest + found.spindle[k], without_empty(values[k]), atol=1e-14)


def test_a_spindle_of_nothing_is_nothing() -> None:
    found = fit_spindle(OrderStrength(np.zeros(6), np.zeros(6)))
    assert found.beta == 0
    assert np.isnan([found.alpha, found.relative_residual, found.peak_order]).all()
    assert (found.spindle == 0).all()


# ---- both parts ----


@given(st.integers(0, 2**32), st.integers(2, 6))
def test_nonnegative_least_squares_of_two_shapes(seed: int, length: int) -> None:
    a, s, d = np.random.default_rng(seed).normal(size=(3, length))
    x, y, gain = nonnegative_pair(s @ s, d @ d, s @ d, s @ a, d @ a)
    assert min(x, y) >= 0
    best = reference_dynamics.best_nonnegative(a, s, d)
    np.testing.assert_allclose(((a - x * s - y * d) ** 2).sum(), best, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(a @ a - gain, best, rtol=1e-9, atol=1e-12)


def test_nonnegative_least_squares_of_one_shape_twice_and_of_none() -> None:
    a, s = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    x, y, _ = nonnegative_pair(s @ s, 4 * s @ s, 2 * s @ s, s @ a, 2 * s @ a)
    np.testing.assert_allclose(x * s + y * 2 * s, [1.5, 1.5])
    x, y, gain = nonnegative_pair(0.0, 0.0, 0.0, 0.0, 0.0)
    assert x == y == gain == 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sigma2", [1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
def test_planted_parameters_come_back(sigma2: float, seed: int) -> None:
    table = network(seed)
    generator = np.random.default_rng(seed)
    alpha, gamma = generator.uniform(0.3, 1.5), generator.uniform(0.3, 3)
    share = np.linalg.norm(table.evaluate(sigma2)) / np.linalg.norm(spindle(10, alpha))
    beta = gamma * share * generator.uniform(0.2, 2)
    found = disentangle(OrderStrength(*mixture(table, alpha, beta, sigma2, gamma)), table)
    np.testing.assert_allclose([found.alpha, found.beta], [alpha, beta], rtol=1e-8)
    np.testing.assert_allclose([found.sigma2, found.gamma], [sigma2, gamma], rtol=1e-8)
    assert found.relative_residual < 1e-10
    assert found.sigma2_low <= sigma2 * (1 + 1e-9)
    assert found.sigma2_high >= sigma2 * (1 - 1e-9)
    assert found.status == ("upper_end" if sigma2 == 1e-1 else "identified")
    np.testing.assert_allclose(found.spindle, without_empty(spindle(10, alpha, beta)), rtol=1e-6)
    np.testing.assert_allclose(both(found.decay), gamma * table.evaluate(sigma2), rtol=1e-6)


@pytest.mark.parametrize("noise", [1e-3, 1e-2])
@pytest.mark.parametrize("seed", range(6))
def test_planted_parts_come_back_from_noise(seed: int, noise: float) -> None:
    """Noise of a relative size: alpha within 3, each part within 15 times as much, sigma2 in its range.

    The planted parameters miss the noisy strengths by the noise alone, so with the noise as the tolerance the
    range cannot leave them out.
    """
    table, generator = network(seed % 3), np.random.default_rng(100 + seed)
    sigma2, alpha = 10 ** generator.uniform(-5, -1), generator.uniform(0.6, 1.2)
    beta = np.linalg.norm(table.evaluate(sigma2)) / np.linalg.norm(spindle(10, alpha))
    clean = without_empty(mixture(table, alpha, beta, sigma2, 1.0))
    noisy = clean * (1 + noise * generator.normal(size=clean.shape))
    missed = np.linalg.norm(noisy - clean) / np.linalg.norm(noisy)
    found = disentangle(OrderStrength(*noisy), table, tolerance=missed)
    assert found.relative_residual <= missed
    assert found.sigma2_low <= sigma2 <= found.sigma2_high
    assert found.overlap < 0.9
    np.testing.assert_allclose(found.alpha, alpha, rtol=3 * noise)
    decayed, peaked = table.evaluate(sigma2), without_empty(spindle(10, alpha, beta))
    assert np.linalg.norm(both(found.decay) - decayed) <= 15 * noise * np.linalg.norm(decayed)
    assert np.linalg.norm(found.spindle - peaked) <= 15 * noise * np.linalg.norm(peaked)
    cosine = (both(found.decay) * found.spindle).sum()
    cosine /= np.linalg.norm(both(found.decay)) * np.linalg.norm(found.spindle) * np.sqrt(2)
    np.testing.assert_allclose(found.overlap, cosine)


def test_no_parameters_of_a_fine_grid_fit_better() -> None:
    generator = np.random.default_rng(0)
    table = network(n=6)
    values = generator.uniform(size=(4, 2, 7))
    found = disentangle(OrderStrength(values[:, 0], values[:, 1]), table)
    shapes = np.tile(spindle(6, np.linspace(1 / 6, 2, 60))[:, 1:], 2)
    decays = [table.evaluate(sigma2)[:, 1:].ravel() for sigma2 in np.geomspace(1e-12, 1e-1, 60)]
    for k in range(4):
        a = values[k, :, 1:].ravel()
        products = (shapes**2).sum(-1), shapes @ a
        best = min(
            (a @ a - nonnegative_pair(products[0], d @ d, shapes @ d, products[1], d @ a)[2]).min()
            for d in decays
        )
        assert found.relative_residual[k] ** 2 * (a @ a) <= best * (1 + 1e-6)
        rest = without_empty(values[k]) - both(found.decay)[k] - found.spindle[k]
        np.testing.assert_allclose(both(found.residual)[k], rest, atol=1e-14)
        np.testing.assert_allclose(found.relative_residual[k], np.linalg.norm(rest) / np.linalg.norm(a))


def test_what_the_strengths_do_not_tell_is_said() -> None:
    stars = np.random.default_rng(0).normal(size=(5, 32))
    table = decay_table(stars, sigma2_range=(1e-10, 1e6))
    # So much noise that only the scale is left of sigma2.
    found = fit_decay(OrderStrength(*(3 * table.evaluate(1e4))), table, gamma=None)
    assert found.status == "ratio"
    np.testing.assert_allclose(found.gamma / found.sigma2, 3 / 1e4, rtol=0.01)
    assert found.sigma2_high == table.sigma2[-1]
    # So little that there might be none.
    found = fit_decay(OrderStrength(*(3 * table.evaluate(1e-9))), table, gamma=None)
    assert found.status == "lower_end"
    np.testing.assert_allclose(found.gamma, 3, rtol=1e-3)
    assert found.sigma2_low == table.sigma2[0]
    assert found.sigma2_high < 1e-2
    # In between, at the end of the range.
    cut = decay_table(stars, sigma2_range=(1e-10, 1e-2))
    assert fit_decay(OrderStrength(*cut.evaluate(1e-2)), cut).status == "upper_end"
    assert fit_decay(OrderStrength(*cut.evaluate(1e-3)), cut).status == "identified"
    # One player has one interaction: its size is all there is.
    alone = decay_table(np.array([0.0, 2.0]))
    assert fit_decay(OrderStrength(*alone.evaluate(1e-3)), alone, gamma=None).status == "unidentified"


def test_parts_that_are_not_there_are_absent() -> None:
    table = network(n=6)
    peaked = spindle(6, 0.8, 2.0)
    # The decay part of these has nothing negative.
    positive = decay_table(np.eye(64)[63])
    found = disentangle(OrderStrength(np.zeros(7), peaked), positive)
    assert found.gamma >= 0
    found = disentangle(OrderStrength(peaked, peaked), table)
    assert found.gamma == 0
    assert found.status == "absent"
    assert np.isnan([found.sigma2, found.sigma2_low, found.sigma2_high]).all()
    assert (both(found.decay) == 0).all()
    np.testing.assert_allclose([found.alpha, found.beta], [0.8, 2.0], rtol=1e-8)
    found = disentangle(OrderStrength(*table.evaluate(1e-3)), table)
    assert found.beta == 0
    assert np.isnan(found.alpha)
    np.testing.assert_allclose([found.sigma2, found.gamma], [1e-3, 1.0], rtol=1e-7)
    found = disentangle(OrderStrength(np.zeros(7), np.zeros(7)), table)
    assert found.status == "absent"
    assert np.isnan(found.relative_residual)
    assert found.beta == found.gamma == 0


# ---- the decay part alone ----


@pytest.mark.parametrize("gamma", [1.0, 0.4, None])
@pytest.mark.parametrize("free_bias", [False, True])
def test_planted_decay_comes_back(gamma: float | None, free_bias: bool) -> None:
    stars = np.random.default_rng(1).normal(size=(2, 4, 128))
    table = decay_table(tuple(stars), free_bias=free_bias)
    sigma2 = np.array([1e-5, 3e-4, 2e-2])
    scale = 0.7 if gamma is None else gamma
    planted = decay_strengths(tuple(stars), sigma2, gamma=scale, free_bias=free_bias)
    found = fit_decay(planted, table, gamma=gamma)
    np.testing.assert_allclose(found.sigma2, sigma2, rtol=1e-7)
    np.testing.assert_allclose(found.gamma, scale, rtol=1e-7)
    np.testing.assert_allclose(found.decay.positive, planted.positive, rtol=1e-6)
    assert (found.relative_residual < 1e-9).all()
    assert found.status.tolist() == ["identified"] * 3


def test_batches_and_tensors_give_the_same_fits() -> None:
    table = network(n=6)
    values = np.abs(np.random.default_rng(2).normal(size=(2, 3, 2, 7)))
    given = OrderStrength(values[..., 0, :], values[..., 1, :])
    tensors = OrderStrength(torch.from_numpy(given.positive), torch.from_numpy(given.negative))
    for fit in (lambda a: disentangle(a, table), lambda a: fit_decay(a, table), fit_spindle):
        together, as_tensors = fit(given), fit(tensors)
        for name in ("relative_residual", "beta", "sigma2", "gamma", "spindle"):
            if hasattr(together, name):
                field = getattr(together, name)
                np.testing.assert_array_equal(getattr(as_tensors, name).numpy(), field)
                for place in np.ndindex(2, 3):
                    alone = fit(OrderStrength(given.positive[place], given.negative[place]))
                    np.testing.assert_array_equal(getattr(alone, name), field[place])
    counts = OrderStrength(np.array([0, 2, 1]), np.array([9, 1, 1]))  # order 0 is no interaction
    assert both(fit_spindle(counts).residual).dtype == np.float64
    assert fit_spindle(counts).residual.negative[0] == 0


# ---- bad input ----


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (np.ones((2, 5)), ArgumentTypeError, "strength: got ndarray"),
        ((np.ones(5), np.ones(5)), ArgumentTypeError, "strength: got tuple"),
        (OrderStrength(np.ones(5), np.ones(6)), ArgumentError, r"strength: got shapes \(5,\) and \(6,\)"),
        (OrderStrength(np.ones(1), np.ones(1)), ArgumentError, r"strength: got shapes \(1,\)"),
        (OrderStrength(np.array(1.0), np.array(1.0)), ArgumentError, "strength: got shapes"),
        (OrderStrength(np.ones((0, 5)), np.ones((0, 5))), ArgumentError, "strength: got shapes"),
        (OrderStrength(np.ones(5), -np.ones(5)), ArgumentError, r"strength: got -1\.0"),
        (OrderStrength(np.ones(5), np.full(5, np.nan)), ArgumentError, "strength: got nan"),
        (OrderStrength(np.ones(5, complex), np.ones(5)), ArgumentTypeError, "strength: got dtype complex128"),
    ],
)
def test_bad_strengths_are_named(given: Any, error: type[Exception], message: str) -> None:
    table = network(n=4)
    for fit in (fit_spindle, lambda a: disentangle(a, table), lambda a: fit_decay(a, table)):
        with pytest.raises(error, match=message):
            fit(given)


def test_bad_options_of_the_fits_are_named() -> None:
    table, given = network(n=4), OrderStrength(np.ones(5), np.ones(5))
    with pytest.raises(ArgumentError, match="strength: got 5 orders, but it must be the 7 orders"):
        disentangle(given, network(n=6))
    with pytest.raises(ArgumentTypeError, match="table: got ndarray"):
        disentangle(given, np.ones(16))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"tolerance: got -1\.0"):
        disentangle(given, table, tolerance=-1)
    for gamma in (0.0, -1.0, np.inf):
        with pytest.raises(ArgumentError, match="gamma: got"):
            fit_decay(given, table, gamma=gamma)
    with pytest.raises(ArgumentTypeError, match="gamma: got one"):
        fit_decay(given, table, gamma="one")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((64, 1.0), ArgumentError, "n: got 64"),
        ((2.0, 1.0), ArgumentTypeError, r"n: got 2\.0"),
        ((4, -0.1), ArgumentError, r"alpha: got -0\.1"),
        ((4, np.nan), ArgumentError, "alpha: got nan"),
        ((4, "half"), ArgumentTypeError, "alpha: got half"),
        ((4, 1.0, -1.0), ArgumentError, r"beta: got -1\.0"),
        ((4, [0.1, 0.2], [1.0, 2.0, 3.0]), ArgumentError, r"beta: got shape \(3,\)"),
    ],
)
def test_bad_spindles_are_named(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        spindle(*arguments)
