"""The conditions of sparsity and the bound on the number of interactions, against their definitions."""

from __future__ import annotations

import math
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference_analysis as reference
import torch
from harsanyi import analysis
from harsanyi.errors import ArgumentError
from hypothesis import given, strategies as st
from reference import size


def rising(seed: int, n: int, rows: int = 3) -> Any:
    """Games whose mean output is positive."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(rows, 1 << n)) * 0.05
    return hs.orders(n) ** random.uniform(0.5, 2) + noise + 5.0 * (hs.orders(n) > 0)


def close(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("n", [2, 3, 6])
def test_conditions_equal_their_definitions(n: int) -> None:
    games = rising(n, n)
    found = analysis.sparsity_conditions(games)
    for i, v in enumerate(games):
        dividends = hs.mobius(v)
        tau = 0.05 * np.abs(dividends[1:]).max()
        expected = max(size(s) for s in range(1, 1 << n) if abs(dividends[s]) >= tau)
        assert found.highest_order[i] == expected
        mean = reference.mean_outputs(v)
        close(found.mean_output[i], mean)
        assert found.falls[i].tolist() == [m > 0 and mean[m] < mean[m - 1] for m in range(n + 1)]
        assert found.monotone[i] == (not found.falls[i].any())
        assert math.isclose(found.exponent[i], reference.exponent(mean), rel_tol=1e-6, abs_tol=1e-6)
        assert reference.holds(mean, float(found.exponent[i]), 1e-12)
        assert not reference.holds(mean, float(found.exponent[i]) - 1e-3, 1e-12)


@pytest.mark.parametrize("p", [0.5, 1.0, 1.18, 3.0])
def test_a_planted_exponent_comes_back(p: float) -> None:
    found = analysis.sparsity_conditions(3.0 + 2.0 * hs.orders(7) ** p)
    close(found.exponent, p)
    assert found.monotone


def test_no_finite_exponent() -> None:
    order = hs.orders(4)
    late = analysis.sparsity_conditions(np.maximum(order - 1.0, 0))  # nothing at order 1
    assert late.exponent == math.inf
    assert late.monotone
    negative = analysis.sparsity_conditions(-1.0 * order)
    assert negative.exponent == math.inf
    assert negative.falls.tolist() == [False, True, True, True, True]
    assert math.isnan(analysis.sparsity_conditions(np.array([0.0, 1.0])).exponent)


def test_rounding_is_no_fall() -> None:
    flat = np.full(1 << 12, 0.1)
    flat[0] = 0
    found = analysis.sparsity_conditions(flat)
    assert found.monotone
    close(found.exponent, 0)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_game_of_one_order_has_that_highest_order(order: int) -> None:
    dividends = np.where(hs.orders(5) == order, 1.0, 0.0)
    v = hs.zeta(dividends)
    assert analysis.sparsity_conditions(v).highest_order == order
    assert analysis.sparsity_conditions(v, threshold=1.0).highest_order == order  # at the threshold is valid
    assert analysis.sparsity_conditions(v, threshold=1.01).highest_order == 0
    assert analysis.sparsity_conditions(np.ones(32)).highest_order == 0


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("threshold", [None, 0.5])
def test_the_bound_equals_its_definition(threshold: float | None, count: int) -> None:
    random = np.random.default_rng(0)
    found = tuple(np.round(random.normal(size=(count, 3, 64)), 1))  # ties with the threshold
    bound = analysis.sparsity_bound(found if count == 2 else found[0], threshold=threshold)
    for i in range(3):
        one = reference.sample(found, i)
        tau = 0.05 * reference.largest(one) if threshold is None else threshold
        for k in range(1, 7):
            values = reference.effects(one, k)
            effect, total = math.fsum(values), math.fsum(map(abs, values))
            real = sum(abs(x) >= tau for x in values)
            close(bound.effect[i, k], effect)
            close(bound.cancellation[i, k], effect / total)
            assert bound.count[i, k] == real
            close(bound.bound[i, k], abs(effect) / (tau * abs(effect / total)))
            close(bound.tightness[i, k], real * tau / total)
        assert bound.total_count[i] == bound.count[i].sum()
        close(bound.total_bound[i], bound.bound[i].sum())
        close(bound.total_tightness[i], bound.count[i].sum() / bound.bound[i].sum())
    assert np.isnan(bound.cancellation[:, 0]).all()
    assert (bound.count[:, 0] == 0).all()


@given(st.integers(0, 2**32), st.floats(0.01, 3))
def test_the_bound_holds_and_scales(seed: int, threshold: float) -> None:
    x = np.random.default_rng(seed).normal(size=(2, 32))
    found = analysis.sparsity_bound(x, threshold=threshold)
    assert (found.count <= found.bound * (1 + 1e-12)).all()
    scaled = analysis.sparsity_bound(8 * x, threshold=8 * threshold)
    assert (scaled.count == found.count).all()
    close(scaled.bound, found.bound)
    share = analysis.near_zero_share(x, threshold=threshold)
    close(share, [np.mean(np.abs(row[1:]) <= threshold) for row in x])


def test_near_zero_share_of_a_pair() -> None:
    and_, or_ = np.array([9.0, 1.0, 0.0, 0.04]), np.array([9.0, 0.0, 0.0, -0.06])
    assert analysis.near_zero_share((and_, or_)) == 4 / 6
    assert analysis.near_zero_share(np.zeros(8)) == 1


def test_a_game_of_zeros() -> None:
    found = analysis.sparsity_bound(np.zeros(8))
    assert found.total_count == 0
    assert math.isnan(found.total_tightness)


def test_tensors_give_tensors() -> None:
    games = rising(1, 4)
    found, expected = analysis.sparsity_conditions(torch.tensor(games)), analysis.sparsity_conditions(games)
    for name in ("highest_order", "mean_output", "falls", "monotone", "exponent"):
        assert torch.is_tensor(getattr(found, name))
        close(getattr(found, name), getattr(expected, name))
    ours = analysis.sparsity_bound(torch.tensor(games, requires_grad=True))
    theirs = analysis.sparsity_bound(games)
    for name in ("effect", "cancellation", "count", "bound", "tightness", "total_bound", "total_tightness"):
        close(getattr(ours, name).detach(), getattr(theirs, name))
    ours.total_bound.sum().backward()
    close(analysis.near_zero_share(torch.tensor(games)), analysis.near_zero_share(games))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.sparsity_conditions(np.ones(1)), "v: got the interactions of no player"),
        (lambda: analysis.sparsity_conditions(np.ones(6)), "v: got a last axis of length 6"),
        (lambda: analysis.sparsity_bound(np.ones(4), threshold=-1.0), "threshold: got a negative"),
        (lambda: analysis.near_zero_share(np.ones((3, 4)), threshold=[1.0, 1.0]), "threshold: got shape"),
    ],
)
def test_bad_values_are_named(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()
