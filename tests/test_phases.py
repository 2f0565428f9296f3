"""Strengths by sign, newly emerged interactions, and training runs followed over their checkpoints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference_dynamics
import torch
from harsanyi.analysis import (
    OrderStrength,
    decay,
    decay_table,
    disentangle,
    fit_decay,
    mean_order,
    newly_emerged,
    normal_phase_end,
    order_strength,
    strength_change,
    track_phases,
)
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.subsets import orders


def random_pair(n: int, *batch: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(2, *batch, 1 << n))


def both(strength: OrderStrength[Any]) -> Any:
    """Both signs as one array, [..., 2, n + 1]."""
    return np.stack([strength.positive, strength.negative], -2)


# ---- strengths by sign ----


@pytest.mark.parametrize("threshold", [0.0, 0.7])
@pytest.mark.parametrize("n", range(1, 6))
def test_strengths_by_sign_equal_their_definition(n: int, threshold: float) -> None:
    and_, or_ = random_pair(n, 4)
    for pair in ((and_, or_), (and_,)):
        found = order_strength(pair, threshold=threshold)
        expected = reference_dynamics.strengths(*pair, threshold=threshold)
        np.testing.assert_allclose(both(found), expected, atol=1e-13)
        np.testing.assert_allclose(found.absolute, np.add(*expected), atol=1e-13)


def test_strengths_of_batches_and_of_one_sample() -> None:
    and_, or_ = random_pair(4, 3, 5)
    limits = np.array([0.0, 0.5, 1.0])
    found = order_strength((and_, or_), threshold=limits[:, None])
    for k in range(3):
        alone = order_strength((and_[k], or_[k]), threshold=limits[k])
        np.testing.assert_array_equal(both(found)[k], both(alone))
    np.testing.assert_array_equal(both(order_strength(and_[0, 0])), both(order_strength(and_[0, :1])))


def test_strengths_of_tensors_carry_gradients() -> None:
    pair = random_pair(4, 3)
    tensors = tuple(torch.from_numpy(x) for x in pair)
    np.testing.assert_allclose(both(order_strength(tensors)), both(order_strength(tuple(pair))))

    def by_sign(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        found = order_strength((x, y))
        return torch.stack([found.positive, found.negative])

    assert torch.autograd.gradcheck(by_sign, tuple(x.clone().requires_grad_() for x in tensors))


def test_newly_emerged_interactions() -> None:
    pair, noisy = tuple(random_pair(4, 5)), tuple(random_pair(4, 5, seed=1))
    found = newly_emerged(pair, noisy)
    for change, before, after in zip(found, pair, noisy, strict=True):
        np.testing.assert_array_equal(change, before - after)
    expected = reference_dynamics.strengths(pair[0] - noisy[0], pair[1] - noisy[1])
    np.testing.assert_allclose(both(order_strength(found)), expected, atol=1e-13)
    alone = newly_emerged(pair[0], noisy[0])
    np.testing.assert_array_equal(alone, pair[0] - noisy[0])
    assert (both(order_strength(newly_emerged(pair, pair))) == 0).all()
    # Several noise levels beside one network.
    several = newly_emerged(pair[0], np.stack([noisy[0], 2 * noisy[0]]))
    assert several.shape == (2, 5, 16)
    np.testing.assert_array_equal(several[0], alone)
    tensors = newly_emerged(*(tuple(torch.from_numpy(x) for x in one) for one in (pair, noisy)))
    np.testing.assert_array_equal(tensors[1].numpy(), found[1])


def test_strength_change_is_the_distance_by_sign() -> None:
    s = OrderStrength(np.array([0.0, 3.0, 1.0]), np.array([0.0, 1.0, 1.0]))
    t = OrderStrength(np.array([[0.0, 1.0, 5.0], [0.0, 3.0, 1.0]]), np.array([[0.0, 1.0, 0.0]] * 2))
    found = strength_change(s, t)
    np.testing.assert_array_equal(found.positive, [[0, 2, 4], [0, 0, 0]])
    np.testing.assert_array_equal(found.negative, [[0, 0, 1], [0, 0, 1]])


# ---- the two phases ----


@pytest.mark.parametrize(
    ("gap", "share", "expected"),
    [
        ([0.0, 0.0, 0.0], 0.1, 2),  # never opens
        ([-0.1, -0.2, -0.1], 0.1, 2),
        ([0.0, 0.05, 0.2, 1.0], 0.1, 1),
        ([0.0, 0.05, 0.2, 1.0], 0.0, 0),
        ([0.0, 0.05, 0.2, 1.0], 0.3, 2),
        ([0.0, 0.5, 0.01, 0.6, 1.0], 0.1, 2),  # a gap that closes again is none
        ([0.5, 0.7, 1.0], 0.1, 0),  # open from the start
        ([0.3], 0.1, 0),
        ([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]], 0.1, [1, 0]),
    ],
)
def test_end_of_the_normal_learning_phase(gap: Any, share: float, expected: Any) -> None:
    found = normal_phase_end(gap, share=share)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(normal_phase_end(torch.tensor(gap), share=share), expected)


@pytest.mark.parametrize("with_or", [False, True])
def test_a_run_of_decaying_uncertainty_is_followed(with_or: bool) -> None:
    """Checkpoints that are the final interactions under less and less noise, and at last without any."""
    final = random_pair(6, 8) * 0.5 ** orders(6)
    sigma2 = np.array([3e-2, 1e-3, 1e-5])
    run = [np.concatenate([decay(x, sigma2), x[None]]) for x in final]
    pair = tuple(run) if with_or else run[0]
    train, test = np.array([0.8, 0.5, 0.2, 0.1]), np.array([0.8, 0.5, 0.5, 0.9])
    track = track_phases(pair, train, test)
    np.testing.assert_allclose(track.loss_gap, test - train)
    assert track.phase_end == 1
    strength = order_strength(pair)
    np.testing.assert_array_equal(both(track.strength), both(strength))
    np.testing.assert_array_equal(track.mean_order, mean_order(strength.absolute))
    assert (np.diff(track.mean_order) > 0).all()
    np.testing.assert_array_equal(both(track.emerged), np.abs(both(strength) - both(strength)[1]))
    np.testing.assert_allclose(track.predicted.sigma2[:3], sigma2, rtol=1e-6)
    assert (track.predicted.relative_residual < 1e-5).all()
    assert track.predicted.status[3] == "lower_end"
    table = decay_table((run[0][-1], run[1][-1]) if with_or else run[0][-1])
    np.testing.assert_array_equal(track.parts.gamma, disentangle(strength, table).gamma)
    np.testing.assert_allclose(track.parts.gamma[:3], 1, rtol=1e-5)
    assert (track.parts.relative_residual < 1e-5).all()


def test_options_of_a_track_reach_what_they_are_for() -> None:
    run = tuple(random_pair(5, 3, 4))
    losses = np.zeros(3), np.array([0.0, 0.4, 1.0])
    table = decay_table(tuple(random_pair(5, 4, seed=1)))
    limits = np.full((3, 1), 0.5)
    track = track_phases(run, *losses, table=table, threshold=limits, gamma=None, share=0.5)
    strength = order_strength(run, threshold=0.5)
    np.testing.assert_array_equal(both(track.strength), both(strength))
    np.testing.assert_array_equal(track.predicted.gamma, fit_decay(strength, table, gamma=None).gamma)
    assert track.phase_end == 1


def test_a_track_of_tensors_is_one_of_tensors() -> None:
    run = tuple(random_pair(5, 3, 4))
    losses = [0.0, 0.1, 0.2], [0.0, 0.4, 1.0]
    expected = track_phases(run, *losses)
    found = track_phases(
        tuple(torch.from_numpy(x) for x in run), *(torch.tensor(x, dtype=torch.float64) for x in losses)
    )
    for name in ("mean_order", "loss_gap"):
        np.testing.assert_allclose(getattr(found, name).numpy(), getattr(expected, name), rtol=1e-12)
    np.testing.assert_allclose(found.parts.spindle.numpy(), expected.parts.spindle, rtol=1e-12)
    np.testing.assert_allclose(found.emerged.positive.numpy(), expected.emerged.positive, atol=1e-12)


# ---- bad input ----


def test_bad_changes_are_named() -> None:
    with pytest.raises(
        ArgumentError, match="changed: got one array, but it must be like interactions, a pair"
    ):
        newly_emerged((np.ones(4), np.ones(4)), np.ones(4))  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match=r"changed: got 2\*\*3 entries"):
        newly_emerged(np.ones(4), np.ones(8))
    with pytest.raises(ArgumentError, match=r"changed: got shape \(3, 4\)"):
        newly_emerged(np.ones((2, 4)), np.ones((3, 4)))
    with pytest.raises(ArgumentTypeError, match="changed: got a Tensor"):
        newly_emerged(np.ones(4), torch.ones(4))  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("gap", "share", "error", "message"),
    [
        ([], 0.1, ArgumentError, r"loss_gap: got shape \(0,\)"),
        (1.0, 0.1, ArgumentError, r"loss_gap: got shape \(\)"),
        ([0.0, np.nan], 0.1, ArgumentError, "loss_gap: got nan"),
        (["a"], 0.1, ArgumentTypeError, "loss_gap: got dtype"),
        ([0.0, 1.0], -0.1, ArgumentError, r"share: got -0\.1"),
        ([0.0, 1.0], 1.5, ArgumentError, r"share: got 1\.5"),
        ([0.0, 1.0], "all", ArgumentTypeError, "share: got all"),
    ],
)
def test_bad_gaps_are_named(gap: Any, share: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        normal_phase_end(gap, share=share)


def test_bad_tracks_are_named() -> None:
    run = np.ones((3, 2, 8))
    expected = r"interactions: got shape \(2, 8\), but it must be of shape \[checkpoints"
    with pytest.raises(ArgumentError, match=expected):
        track_phases(run[0], [0.0, 0.0], [0.0, 0.0])
    with pytest.raises(ArgumentError, match=r"test_loss: got shape \(2,\)"):
        track_phases(run, [0.0, 0.0, 0.0], [0.0, 0.0])
    with pytest.raises(ArgumentError, match="train_loss: got inf"):
        track_phases(run, [0.0, np.inf, 0.0], [0.0, 0.0, 0.0])
