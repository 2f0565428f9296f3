"""The published optimiser on fast transforms, against its definition by dense matrices and autograd."""

from __future__ import annotations

import re
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference_first_order as definition
import torch
from harsanyi.errors import ArgumentError, ArgumentTypeError, NonFiniteError, NotEnoughMemoryError
from harsanyi.subgradient import FirstOrderRun

torch.set_num_threads(1)
Array = Any


def game(n: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=1 << n) * 3


def close(actual: Array, expected: Array, scale: float) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize("empty_set", ["ignored", "printed", "released"])
@pytest.mark.parametrize("zeta", [0.0, 0.1])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_every_step_is_that_of_the_definition(n: int, zeta: float, empty_set: Any) -> None:
    v, steps, lr = game(n, seed=n), 300, 1e-2 / 2**n
    expected = definition.first_order(v, steps=steps, lr=lr, zeta=zeta, empty_set=empty_set)
    run = hs.first_order(v, steps=steps, lr=lr, zeta=zeta, empty_set=empty_set)
    assert run.steps.tolist() == list(range(steps))
    close(run.objective, expected.objective, 0.0)
    scale = float(np.abs(v).max())
    for name in ("gamma", "delta"):
        close(getattr(run, name), getattr(expected, name)[-1], scale)
    for name in ("and_", "or_"):
        close(getattr(run, name)[1:], getattr(expected, name)[-1][1:], scale)
    assert expected.objective[-1] < expected.objective[0] or n == 1  # alone, all splits are equally good


def test_the_parameters_between_are_those_of_the_definition() -> None:
    """A run of fewer steps has other learning rates, so the schedule is made flat to look inside."""
    v, lr = game(4), 1e-3
    expected = definition.first_order(v, steps=40, lr=lr, decades=0.0, zeta=0.05)
    for steps in (1, 2, 3, 17, 40):
        run = hs.first_order(v, steps=steps, lr=lr, lr_decay=1.0, zeta=0.05)
        close(run.gamma, expected.gamma[steps - 1], 3.0)
        close(run.delta, expected.delta[steps - 1], 3.0)


def test_two_learning_rates_another_decay_and_momentum() -> None:
    v = game(5)
    options = {"lr": 3e-4, "lr_delta": 1e-5, "momentum": 0.5, "zeta": 0.2}
    expected = definition.first_order(v, steps=300, decades=2.0, **options)
    run = hs.first_order(v, steps=300, lr_decay=0.01, **options)
    close(run.objective, expected.objective, 0.0)
    close(run.delta, expected.delta[-1], 0.2)
    assert (
        np.abs(
            run.delta - hs.first_order(v, steps=300, lr_decay=0.01, **options | {"lr_delta": None}).delta
        ).max()
        > 1e-3
    )


@pytest.mark.parametrize("empty_set", ["ignored", "printed", "released"])
def test_the_sign_of_zero_is_zero(empty_set: Any) -> None:
    """In integers and powers of two nothing is rounded: sparse games, full of exact zeros, agree exactly."""
    a, o = np.zeros((2, 16))
    a[[3, 4]], o[[1, 14]] = [128, -320], [192, 448]
    o[0] = -o[1:].sum()
    v = hs.zeta(a) + hs.or_inverse(o)
    options: dict[str, Any] = {
        "steps": 25,
        "lr": 1.0,
        "momentum": 0.5,
        "zeta": 16.0,
        "empty_set": empty_set,
    }
    expected = definition.first_order(v, decades=0.0, **options)
    run = hs.first_order(v, lr_decay=1.0, **options)
    assert any((x == 0).any() for x in expected.and_)
    assert run.objective.tolist() == expected.objective
    assert run.gamma.tolist() == expected.gamma[-1].tolist()
    assert run.delta.tolist() == expected.delta[-1].tolist()


@pytest.mark.parametrize("zeta", [0.0, 0.3])
def test_what_comes_back_fits_together(zeta: float) -> None:
    v = game(5)
    run = hs.first_order(v, steps=200, lr=1e-3, zeta=zeta)
    assert isinstance(run, FirstOrderRun)
    np.testing.assert_allclose(hs.zeta(run.and_) + hs.or_inverse(run.or_) + run.delta, v, atol=1e-13)
    assert run.and_[0] == v[0] - run.delta[0]
    assert hs.or_inverse(run.or_)[0] == pytest.approx(0, abs=1e-13)
    # gamma is the parameter itself; in the stored pair a constant went from the OR to the AND part
    shift = hs.zeta(run.and_) - (v - run.delta) / 2 - run.gamma
    np.testing.assert_allclose(shift, shift[0], atol=1e-13)
    assert run.l1 == pytest.approx(np.abs(run.and_[1:]).sum() + np.abs(run.or_[1:]).sum(), rel=1e-14)
    assert run.objective[-1] == pytest.approx(run.l1, rel=1e-13)
    assert np.abs(run.delta).max() <= run.zeta == zeta
    assert (np.abs(run.delta).max() == zeta) or not zeta  # some of it is at the wall


def test_no_run_beats_the_certificate_and_a_long_one_comes_near() -> None:
    for seed in range(3):
        v = game(4, seed)
        best = hs.decompose(v, noise=0.05, tie_break=0.0, gap=1e-4)
        run = hs.first_order(v, steps=4000, lr=1e-3, noise=0.05)
        assert run.zeta == best.zeta == pytest.approx(0.05 * abs(v[-1] - v[0]))
        assert best.l1_lower_bound <= run.l1 * (1 + 1e-12)
        assert run.l1 <= best.l1 * 1.02
        assert run.objective[0] == pytest.approx(
            np.abs(hs.mobius(v / 2)[1:]).sum() + np.abs(hs.or_transform(v / 2)[1:]).sum()
        )


def test_one_iteration_is_the_start() -> None:
    v = game(3)
    run = hs.first_order(v, steps=1, lr=1.0)
    assert not run.gamma.any()
    assert not run.delta.any()
    np.testing.assert_allclose(run.and_[1:], hs.mobius(v / 2)[1:])
    assert (run.steps.tolist(), run.objective.shape, run.seconds.shape) == ([0], (1,), (1,))


def test_records() -> None:
    v = np.stack([game(3, 1), game(3, 2)])
    every = hs.first_order(v, steps=12, lr=1e-3)
    some = hs.first_order(v, steps=12, lr=1e-3, record_every=5)
    assert some.steps.tolist() == [0, 5, 10, 11]
    assert hs.first_order(v, steps=11, lr=1e-3, record_every=5).steps.tolist() == [0, 5, 10]
    assert every.objective.shape == (2, 12)
    assert (some.objective == every.objective[:, [0, 5, 10, 11]]).all()
    assert (some.gamma == every.gamma).all()
    assert (np.diff(every.seconds) >= 0).all()
    assert every.seconds[0] >= 0


def test_a_sample_has_the_same_bits_in_a_batch() -> None:
    v = np.random.default_rng(3).normal(size=(2, 3, 32))
    zeta = np.array([[0.0, 0.1, 0.2], [0.3, 0.0, 0.1]])
    run = hs.first_order(v, steps=50, lr=1e-3, zeta=zeta)
    assert run.objective.shape == (2, 3, 50)
    for i, j in np.ndindex(2, 3):
        alone = hs.first_order(v[i, j], steps=50, lr=1e-3, zeta=zeta[i, j])
        for name in ("and_", "or_", "gamma", "delta", "l1", "objective"):
            assert (getattr(run, name)[i, j] == getattr(alone, name)).all(), name


def test_tensors_and_dtypes() -> None:
    v = game(4).round()
    run = hs.first_order(v, steps=20, lr=1e-3)
    tensors = hs.first_order(torch.tensor(v, requires_grad=True), steps=20, lr=1e-3)
    for name in FirstOrderRun.__dataclass_fields__:
        value = getattr(tensors, name)
        assert isinstance(value, torch.Tensor), name
        assert not value.requires_grad
        if name != "seconds":
            np.testing.assert_array_equal(value.numpy(), getattr(run, name))
    for dtype in (np.float32, np.int64):
        again = hs.first_order(v.astype(dtype), steps=20, lr=1e-3)
        assert again.and_.dtype == np.float64
        assert (again.and_ == run.and_).all()
    before = v.copy()
    hs.first_order(v, steps=5, lr=1e-3)
    assert (v == before).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": 0}, ArgumentError, "steps: got 0"),
        ({"steps": 2.5}, ArgumentTypeError, "steps: got 2.5"),
        ({"lr": 0.0}, ArgumentError, "lr: got 0.0, but it must be a finite number larger than 0"),
        ({"lr": float("nan")}, ArgumentError, "lr: got nan"),
        ({"lr": "fast"}, ArgumentTypeError, "lr: got fast"),
        ({"lr_delta": -1.0}, ArgumentError, "lr_delta: got -1.0"),
        ({"lr_decay": 0.0}, ArgumentError, "lr_decay: got 0.0"),
        ({"momentum": 1.0}, ArgumentError, "momentum: got 1.0, but it must be a number from 0 to below 1"),
        ({"momentum": -0.1}, ArgumentError, "momentum: got -0.1"),
        ({"noise": -0.1}, ArgumentError, "noise: got -0.1"),
        ({"zeta": [0.1, 0.2]}, ArgumentError, "zeta: got shape (2,)"),
        ({"empty_set": "kept"}, ArgumentError, 'empty_set: got kept, but it must be "ignored"'),
        ({"record_every": 0}, ArgumentError, "record_every: got 0"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        hs.first_order(game(3), **{"steps": 3, "lr": 1e-3} | options)


def test_a_trace_that_cannot_fit_is_refused() -> None:
    with pytest.raises(NotEnoughMemoryError, match="the descent of 1 samples at n = 3 needs"):
        hs.first_order(game(3), steps=1 << 50, lr=1e-3)


def test_bad_games() -> None:
    with pytest.raises(ArgumentError, match="a last axis of length 6"):
        hs.first_order(np.zeros(6), steps=3, lr=1e-3)
    with pytest.raises(NonFiniteError, match="v: got nan at subset 2"):
        hs.first_order(np.array([0.0, 1.0, np.nan, 2.0]), steps=3, lr=1e-3)
    with pytest.raises(ArgumentTypeError, match="dtype complex128"):
        hs.first_order(np.zeros(4, complex), steps=3, lr=1e-3)
