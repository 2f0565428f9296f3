"""Strength by order against loops over the sets, for arrays, tensors, pairs and records."""

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
from harsanyi.explanation import SparsePair
from hypothesis import given, strategies as st


def kinds(seed: int, count: int, n: int = 5, samples: int = 4) -> tuple[Any, ...]:
    """Interactions with exact zeros, and sets whose sign differs between samples."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, samples, 1 << n)) * random.exponential(size=1 << n)
    x[random.random(x.shape) < 0.2] = 0
    return tuple(x)


def given_as(found: tuple[Any, ...]) -> Any:
    return found if len(found) == 2 else found[0]


def close(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_sums_of_each_sample_equal_the_loop(n: int, count: int) -> None:
    found = kinds(n, count, n)
    taus = [0.3 * reference.largest(reference.sample(found, i)) for i in range(4)]
    close(analysis.largest_strength(given_as(found)) * 0.3, taus)
    sums = analysis.order_sums(given_as(found), threshold=np.array(taus))
    masks = analysis.salient(given_as(found), threshold=np.array(taus))
    for i, tau in enumerate(taus):
        one = reference.sample(found, i)
        positive, negative = (reference.strength(one, tau, sign) for sign in (1, -1))
        close(sums.positive[i], positive)
        close(sums.negative[i], negative)
        close(sums.absolute[i], np.add(positive, negative))
        close(sums.sum[i], np.subtract(positive, negative))
        assert sums.count[i].tolist() == reference.salient_count(one, tau)
        for x, mask in zip(one, masks if count == 2 else (masks,), strict=True):
            assert mask[i].tolist() == [s > 0 and abs(value) > tau for s, value in enumerate(x)]


@pytest.mark.parametrize("count", [1, 2])
def test_every_normalisation_equals_its_formula(count: int) -> None:
    found, v = kinds(0, count), np.random.default_rng(1).normal(size=(4, 32))
    scale = reference.output_range(v)
    close(analysis.output_range(v), [scale])
    for share in (0.02, 0.03, 0.5):
        threshold = share * analysis.output_range(v)
        taus = [share * scale] * 4
        positive, negative = (np.array(reference.mean_strength(found, taus, sign)) for sign in (1, -1))
        absolute = positive + negative
        plain = analysis.order_strength(given_as(found), threshold=threshold)
        close(plain.positive, positive)
        close(plain.negative, negative)
        close(plain.absolute, absolute)
        first = analysis.order_strength(given_as(found), threshold=threshold, relative_to="first_order")
        z = reference.first_order_scale(found, taus)
        close(first.positive, positive / z)
        close(first.negative, negative / z)
        relative = analysis.order_strength(given_as(found), threshold=threshold, relative_to="mean_order")
        close(relative.absolute, absolute / absolute[1:].mean())
        close(relative.absolute[1:].mean(), 1)
    per_set = analysis.order_strength(
        given_as(found), relative_to=analysis.output_range(v), mean_over_sets=True
    )
    expected = [
        reference.mean(abs(x) for i in range(4) for x in reference.effects(reference.sample(found, i), m))
        for m in range(6)
    ]
    close(per_set.absolute, np.array(expected) / scale)


def test_a_pair_is_given_in_any_of_its_forms() -> None:
    and_, or_ = kinds(2, 2)
    expected = analysis.order_strength((and_, or_), relative_to="first_order").positive
    found = hs.decompose(hs.zeta(and_), noise=0, gap=0.1)
    for pair in (SparsePair(and_, or_), (torch.tensor(and_), torch.tensor(or_))):
        close(analysis.order_strength(pair, relative_to="first_order").positive, expected)
    ours = analysis.order_strength(found).absolute
    close(ours, analysis.order_strength((found.and_, found.or_)).absolute)
    close(analysis.order_sums([1.0, 2.0, -3.0, 4.0]).negative, [0, 3, 0])  # a list is an array


def test_batch_axes_stay_and_a_lone_vector_is_a_set_of_one() -> None:
    x = np.random.default_rng(3).normal(size=(2, 3, 4, 16))
    v = np.random.default_rng(4).normal(size=x.shape)
    threshold = 0.5 * analysis.output_range(v)
    assert threshold.shape == (2, 3, 1)
    many = analysis.order_strength(x, threshold=threshold, relative_to="first_order")
    for i in np.ndindex(2, 3):
        own = 0.5 * analysis.output_range(v[i])
        one = analysis.order_strength(x[i], threshold=own, relative_to="first_order")
        close(many.absolute[i], one.absolute)
    lone = x[0, 0, 0]
    close(analysis.order_strength(lone).positive, analysis.order_strength(lone[None]).positive)
    assert analysis.output_range(lone) == abs(lone[-1] - lone[0])


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 2))
def test_properties(seed: int, n: int, count: int) -> None:
    found = kinds(seed, count, n)
    curve = analysis.sorted_strengths(given_as(found))
    assert curve.shape == (4, count * ((1 << n) - 1))
    assert (np.diff(curve) <= 0).all()
    close(curve[:, 0], analysis.largest_strength(given_as(found)))
    sums = analysis.order_sums(given_as(found))
    close(curve.sum(-1), sums.absolute.sum(-1))
    close(sums.positive - sums.negative, sums.sum)
    shifted = tuple(np.concatenate([x[:, :1] + 100, x[:, 1:]], -1) for x in found)  # the empty set is none
    close(analysis.order_sums(given_as(shifted)).absolute, sums.absolute)
    scaled = analysis.order_strength(given_as(tuple(7.5 * x for x in found)), relative_to="mean_order")
    close(scaled.positive, analysis.order_strength(given_as(found), relative_to="mean_order").positive)
    order = analysis.mean_order(sums.absolute)
    assert (np.isnan(order) | ((order >= 1) & (order <= n + 1e-12))).all()


def test_mean_order() -> None:
    close(analysis.mean_order(np.array([[9.0, 1.0, 0.0, 3.0], [0.0, 0.0, 2.0, 0.0]])), [2.5, 2])
    assert math.isnan(analysis.mean_order(np.zeros(4)))


@pytest.mark.parametrize("n", [1, 3, 4])
def test_boolean_strength_is_the_mean_over_all_inputs(n: int) -> None:
    weights = np.random.default_rng(n).normal(size=(n, n))

    def function(x: tuple[int, ...]) -> float:
        return math.tanh(float(weights.sum(1) @ x) + float(np.array(x) @ weights @ x)) - 0.3

    v = np.array([function(tuple(s >> i & 1 for i in range(n))) for s in range(1 << n)])
    dividends = hs.mobius(v)
    close(analysis.boolean_strength(dividends), reference.boolean_strength(function, n))
    ones = analysis.boolean_strength(dividends, inputs="ones")
    close(ones, reference.strength([np.abs(dividends)], 0, 1))
    close(analysis.boolean_strength(torch.tensor(dividends)), 0.5 ** np.arange(n + 1) * ones)


def test_a_scale_of_zero_is_nan_and_warns_not() -> None:
    x = np.zeros((2, 8))
    x[:, 7] = 1
    assert np.isnan(analysis.order_strength(x, relative_to="first_order").absolute).all()
    assert np.isnan(analysis.order_strength(x, relative_to=0.0).absolute).all()
    close(analysis.order_strength(x, relative_to="mean_order").absolute, [0, 0, 0, 3])


def test_means_leave_nan_out() -> None:
    x = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, 5.0], [4.0, np.nan, 10.0]])
    close(analysis.nan_mean(x, 0), [2.5, np.nan, 6])
    close(analysis.nan_mean(x), [2, 5, 7])
    close(analysis.nan_std(x, 0), [np.std([1, 4], ddof=1), np.nan, np.std([3, 5, 10], ddof=1)])
    close(analysis.nan_mean(torch.tensor(x), 0), [2.5, np.nan, 6])
    close(analysis.nan_std(torch.tensor(x), -1), analysis.nan_std(x, -1))
    assert isinstance(analysis.nan_mean(np.array([1, 2])), float)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_tensors_give_tensors(dtype: torch.dtype) -> None:
    and_, or_ = ((3 * torch.tensor(x)).to(dtype) for x in kinds(5, 2))
    pair, arrays = (and_, or_), (and_.numpy(), or_.numpy())
    for function in (analysis.largest_strength, analysis.sorted_strengths, analysis.salient):
        for ours, theirs in zip(np.atleast_2d(function(pair)), np.atleast_2d(function(arrays)), strict=True):
            close(ours, theirs)
        assert torch.is_tensor(function(and_))
    found = analysis.order_strength(pair, relative_to="mean_order", mean_over_sets=True)
    expected = analysis.order_strength(arrays, relative_to="mean_order", mean_over_sets=True)
    for name in ("positive", "negative", "absolute"):
        assert getattr(found, name).dtype == torch.float64
        close(getattr(found, name), getattr(expected, name))
    close(analysis.output_range(and_), analysis.output_range(arrays[0]))
    close(analysis.mean_order(found.absolute), analysis.mean_order(expected.absolute))


def test_everything_stays_on_the_device() -> None:
    """The meta device refuses whatever would read a number or mix devices."""
    x = torch.empty(3, 2, 16, device="meta")
    results = [
        analysis.order_strength((x, x), relative_to=analysis.output_range(x), mean_over_sets=True).absolute,
        analysis.order_strength(x, relative_to="mean_order").positive,
        analysis.mean_order(analysis.order_sums((x, x)).absolute),
        analysis.salient((x, x), threshold=0.1)[1],
        analysis.sorted_strengths(x),
        analysis.boolean_strength(x),
        analysis.class_similarity(x, x, [0, 1], [1, 1]),
        analysis.inconsistency(x, x, threshold=0.1),
        analysis.learning_progress((x, x), (x[0], x[0])),
        analysis.fit_growth(analysis.interaction_variance(x)).slope,
    ]
    assert {result.device.type for result in results} == {"meta"}


def test_gradients() -> None:
    pair = tuple(torch.tensor(x[:2], requires_grad=True) for x in kinds(6, 2, n=3))

    def curves(and_: torch.Tensor, or_: torch.Tensor) -> tuple[torch.Tensor, ...]:
        strength = analysis.order_strength((and_, or_), relative_to="first_order")
        mean = analysis.mean_order(strength.absolute)
        return (
            *(strength.positive, strength.negative, mean, analysis.boolean_strength(and_)),
            *(analysis.largest_strength((and_, or_)), analysis.output_range(and_)),
            analysis.sorted_strengths(and_).cumsum(-1),
        )

    moved = tuple((x + 0.01 * torch.sign(x) + 1e-2).detach().requires_grad_() for x in pair)  # off the kinks
    assert torch.autograd.gradcheck(curves, moved)
    values = torch.tensor([1.0, np.nan, 3.0], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(analysis.nan_mean(values), values)
    assert gradient.tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.order_sums(np.ones(6)), "interactions: got a last axis of length 6"),
        (lambda: analysis.order_sums(np.ones(1)), "interactions: got the interactions of no player"),
        (lambda: analysis.order_sums((np.ones(4), np.ones(8))), r"interactions: got a pair of shapes \(4,\)"),
        (lambda: analysis.order_sums((np.ones(4),) * 3), "interactions: got a tuple of 3"),
        (lambda: analysis.order_sums(np.ones(4), threshold=-1), "threshold: got a negative number"),
        (lambda: analysis.salient(np.ones((3, 4)), threshold=[1.0, 2.0]), r"threshold: got shape \(2,\)"),
        (lambda: analysis.order_strength(np.ones(4), relative_to="second"), "relative_to: got second"),
        (
            lambda: analysis.order_strength(np.ones((2, 4)), relative_to=np.ones(3)),
            r"relative_to: got shape \(3,\), .* shape \(1,\)",
        ),
        (lambda: analysis.boolean_strength(np.ones(4), inputs="some"), "inputs: got some"),
        (lambda: analysis.mean_order(np.ones(1)), r"strength: got shape \(1,\)"),
        (lambda: analysis.nan_mean(np.ones(3), 1), "axis: got 1"),
        (lambda: analysis.output_range(np.ones(3)), "v: got a last axis of length 3"),
    ],
)
def test_bad_values_are_named(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analysis.order_sums(np.ones(4, np.int32)), "interactions: got dtype int32"),
        (lambda: analysis.order_sums((np.ones(4), np.ones(4, np.float32))), "interactions: .* of one type"),
        (lambda: analysis.order_sums((np.ones(4), torch.ones(4).double())), "interactions: got a Tensor"),
        (lambda: analysis.order_sums(np.ones(4), threshold="high"), "threshold: got high"),
        (lambda: analysis.nan_mean(np.array(["a"])), "x: got dtype <U1"),
    ],
)
def test_other_types_are_named(call: Any, message: str) -> None:
    with pytest.raises(ArgumentTypeError, match=message):
        call()
