"""Strength by context size, its theory and its stability, against loops over the definitions."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference_bottleneck as reference
import torch
from harsanyi.analysis import (
    area_between,
    difference_weights,
    each_pair,
    expected_difference,
    fit_dimension,
    instability,
    interaction_strength,
    learning_strength,
    noise_floor,
    order_weights,
)
from harsanyi.errors import ArgumentError, ArgumentTypeError
from hypothesis import given, strategies as st


def values(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def test_pairs_come_once() -> None:
    full = hs.multi_order(values(3, 1 << 4))
    found = each_pair(full)
    assert found.shape == (3, 6, 3)
    at = 0
    for i in range(4):
        for j in range(i + 1, 4):
            np.testing.assert_array_equal(found[:, at], full[:, i, j])
            at += 1
    np.testing.assert_array_equal(each_pair(torch.from_numpy(full)), found)


@pytest.mark.parametrize("signed", [False, True])
def test_strength_is_the_ratio_of_means(signed: bool) -> None:
    x = values(2, 4, 5, 3)
    found = interaction_strength(x, signed=signed)
    each = interaction_strength(x, signed=signed, per_sample=True)
    for checkpoint in range(2):
        size = (lambda value: value) if signed else abs
        means = [
            math.fsum(size(x[checkpoint, s, p, m]) for s in range(4) for p in range(5)) / 20 for m in range(3)
        ]
        np.testing.assert_allclose(found[checkpoint], np.array(means) / (sum(means) / 3))
        for s in range(4):
            alone = interaction_strength(x[checkpoint, s], signed=signed)
            np.testing.assert_allclose(each[checkpoint, s], alone)
    np.testing.assert_allclose(interaction_strength(torch.from_numpy(x), signed=signed), found)


@given(st.integers(0, 2**32), st.floats(0.01, 100))
def test_strength_has_mean_one_and_no_unit(seed: int, scale: float) -> None:
    x = values(3, 4, 6, seed=seed)
    found = interaction_strength(x)
    assert np.isclose(found.mean(), 1)
    np.testing.assert_allclose(interaction_strength(scale * x), found)


def test_undefined_strengths_are_left_out() -> None:
    assert np.isnan(interaction_strength(np.zeros((2, 3)))).all()
    x = np.array([[[1.0, 2.0], [np.nan, 4.0]], [[np.nan, 1.0], [np.nan, 1.0]]])
    np.testing.assert_allclose(interaction_strength(x), np.array([1.0, 2.0]) / 1.5)


def test_strength_is_differentiable() -> None:
    x = torch.from_numpy(values(2, 3, 4)).requires_grad_()
    assert torch.autograd.gradcheck(interaction_strength, (x,))


def test_noise_floor_is_the_strength_of_noise() -> None:
    s = np.abs(values(1, 20_000, 3)) + 0.1
    noise = s * values(1, 20_000, 3, seed=1)
    np.testing.assert_allclose(noise_floor(noise, s), interaction_strength(noise), rtol=0.05)
    assert not noise_floor(noise, np.zeros_like(noise)).any()


def test_instability_is_the_mean_over_pairs_of_repetitions() -> None:
    x = np.abs(values(4, 3, 2))
    expected = []
    for s in range(3):
        for m in range(2):
            apart = [abs(x[u, s, m] - x[w, s, m]) for u, w in permutations(range(4), 2)]
            expected.append((sum(apart) / len(apart)) / x[:, s, m].mean())
    assert np.isclose(instability(x), sum(expected) / len(expected))
    assert instability(np.broadcast_to(x[:1], x.shape)) == 0
    assert np.isclose(instability(np.concatenate((x, np.zeros((4, 1, 2))), axis=1)), instability(x))


# ---- theory ----


@pytest.mark.parametrize("n", range(2, 7))
def test_theorem_2_by_enumeration_of_all_nested_sets(n: int) -> None:
    v = values(1 << n, seed=n)
    interactions = reference.multi_order(v)
    for k2 in range(1, n + 1):
        for k1 in range(k2):
            weights = difference_weights(n, k1, k2)
            single = math.fsum(v[1 << i] - v[0] for i in range(n))
            made_of = weights.empty * v[0] + weights.single * single + (interactions @ weights.pairs).sum()
            expected = reference.nested_mean(v, k1, k2)
            assert np.isclose(made_of, expected, atol=1e-11), (k1, k2)
            assert np.isclose(expected_difference(v, k1, k2), expected, atol=1e-11)


def test_the_expected_difference_is_batched_and_differentiable() -> None:
    v = torch.from_numpy(values(2, 3, 16)).requires_grad_()
    found = expected_difference(v, 1, 3)
    assert found.shape == (2, 3)
    assert np.isclose(found[1, 2].item(), expected_difference(v[1, 2].detach().numpy(), 1, 3))
    assert torch.autograd.gradcheck(lambda x: expected_difference(x, 1, 3), (v,))


@given(st.integers(2, 300), st.data())
def test_difference_weights_peak_at_the_smaller_set(n: int, data: Any) -> None:
    k2 = data.draw(st.integers(1, n))
    k1 = data.draw(st.integers(0, k2 - 1))
    weights = difference_weights(n, k1, k2).pairs * n * (n - 1)
    assert weights.shape == (n - 1,)
    assert (weights >= 0).all()
    assert not weights[max(k2 - 1, 0) :].any()
    if k1 >= 2:
        assert weights.argmax() in (k1 - 2, k1 - 1)


def test_all_sets_are_the_nested_sets_of_nobody_and_everybody() -> None:
    weights = difference_weights(9, 0, 9)
    np.testing.assert_allclose(weights.pairs, order_weights(9))
    assert (weights.empty, weights.single) == (0.0, 1.0)


@pytest.mark.parametrize("n", [2, 3, 10, 60])
def test_learning_strength_is_the_formula_at_integers(n: int) -> None:
    expected = [w / math.sqrt(math.comb(n - 2, m)) for m, w in enumerate(order_weights(n))]
    np.testing.assert_allclose(learning_strength(n), expected, rtol=1e-10)
    np.testing.assert_allclose(
        learning_strength(n, relative=True), np.array(expected) / expected[0], rtol=1e-10
    )


def test_learning_strength_between_integers() -> None:
    between = learning_strength(12.5, np.array([0.0, 3.7, 10.5]), relative=True)
    log_binomial = math.lgamma(11.5) - math.lgamma(4.7) - math.lgamma(7.8)
    assert between[0] == 1
    assert np.isclose(between[1], (11.5 - 3.7) / 11.5 * math.exp(-log_binomial / 2))
    assert np.isclose(between[2], 1 / 11.5)


@given(st.floats(2.0, 250.0), st.integers(0, 2**32))
def test_a_fit_finds_the_dimension_of_a_theoretical_curve(dimension: float, seed: int) -> None:
    n, orders = 256, np.array([0, 13, 26, 51, 77, 102, 128, 154, 179, 205, 230, 243, 254])
    at = (dimension - 2) * orders / (n - 2)
    curve = learning_strength(dimension, at)
    fit = fit_dimension(7.0 * curve, orders, n)
    assert fit.residual < 1e-6
    np.testing.assert_allclose(fit.curve, curve / curve[0], atol=1e-6)
    if dimension < 30:  # beyond, nearly all of the curve is 0 and says little of the dimension
        assert np.isclose(fit.dimension, dimension, rtol=1e-3)
    worse = fit_dimension(curve + 0.01 * values(13, seed=seed) * (orders > 0), orders, n)
    assert worse.residual > fit.residual


def test_no_dimension_fits_better_than_the_one_found() -> None:
    orders, n = np.arange(0, 11), 12
    strength = np.linspace(1, 2, 11) + 0.3 * np.abs(values(11))
    fit = fit_dimension(strength, orders, n)
    for dimension in np.linspace(2, 12, 300):
        curve = learning_strength(dimension, (dimension - 2) * orders / (n - 2), relative=True)
        assert np.sqrt(np.mean((curve - strength / strength[0]) ** 2)) >= fit.residual - 1e-9


def test_the_area_is_that_of_trapezoids() -> None:
    x, first, second = np.sort(values(7)), values(2, 7, seed=1), values(2, 7, seed=2)
    expected = [
        sum((x[k + 1] - x[k]) * (b[k] - a[k] + b[k + 1] - a[k + 1]) / 2 for k in range(6))
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(area_between(x, first, second), expected)
    np.testing.assert_allclose(area_between(x, torch.from_numpy(first), torch.from_numpy(second)), expected)
    np.testing.assert_allclose(area_between(x, second, first), -np.array(expected))


# ---- bad input ----


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: each_pair(np.ones((3, 3, 3))), r"interactions: got shape \(3, 3, 3\)"),
        (lambda: each_pair(np.ones((1, 1, 0))), r"interactions: got shape \(1, 1, 0\)"),
        (lambda: interaction_strength(np.ones(3)), r"interactions: got shape \(3,\)"),
        (lambda: interaction_strength(np.ones((0, 3))), r"interactions: got shape \(0, 3\)"),
        (lambda: noise_floor(np.ones((2, 3)), np.ones((2, 4))), r"standard_error: got shape"),
        (lambda: instability(np.ones((1, 2, 3))), "strengths: got shape .* at least two repetitions"),
        (lambda: order_weights(1), "n: got 1"),
        (lambda: difference_weights(5, 3, 3), "k1: got 3, .* from 0 to 2"),
        (lambda: difference_weights(5, 0, 6), "k2: got 6, .* from 1 to 5"),
        (lambda: difference_weights(1, 0, 1), "n: got 1"),
        (lambda: expected_difference(np.ones(2), 0, 1), "v: got a game of 1 player"),
        (lambda: learning_strength(1.5), "n: got 1.5"),
        (lambda: learning_strength(8, [7]), r"orders: got \[7.0\], .* from 0 to n - 2 = 6"),
        (lambda: fit_dimension([1, 2], [0, 11], 12), "orders: got .* n - 2 = 10"),
        (lambda: fit_dimension([1, 2], [1, 2], 12), "orders: got .* 0 among them"),
        (lambda: fit_dimension([0, 2], [0, 2], 12), "strength: got .* positive at order 0"),
        (lambda: fit_dimension([1, np.nan], [0, 2], 12), "strength: got .* finite"),
        (lambda: fit_dimension([1], [0, 2], 12), "strength, orders: got shapes"),
        (lambda: area_between([0, 0], [1, 2], [1, 2]), "x: got .* ascending"),
        (lambda: area_between([0, 1], [1, 2, 3], [1, 2]), r"first: got shape \(3,\)"),
    ],
)
def test_bad_arguments_are_named(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()


def test_bad_types_are_named() -> None:
    with pytest.raises(ArgumentTypeError, match="interactions: got dtype complex128"):
        interaction_strength(np.ones((2, 2), complex))
    with pytest.raises(ArgumentTypeError, match=r"k1: got 1\.5"):
        difference_weights(5, 1.5, 3)  # type: ignore[arg-type]
