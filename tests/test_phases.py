"""Strengths by sign, newly emerged interactions, and training runs followed over their checkpoints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import reference_dynamics
import torch
from harsanyi.analysis.decay import decay, decay_table
from harsanyi.analysis.disentangle import disentangle, fit_decay
from harsanyi.analysis.phases import normal_phase_end, track_phases
from harsanyi.analysis.signed import (
    SignedStrengths,
    mean_order,
    newly_emerged,
    signed_strengths,
    strength_change,
)
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.subsets import orders


def random_pair(n: int, *batch: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(2, *batch, 1 << n))


# ---- strengths by sign ----


@pytest.mark.parametrize("threshold", [None, 0.7])
@pytest.mark.parametrize("n", range(6))
def test_signed_strengths_equal_their_definition(n: int, threshold: float | None) -> None:
    and_, or_ = random_pair(n, 4)
    for pair in ((and_, or_), (and_, None)):
        found = signed_strengths(*pair, threshold=threshold)
        expected = reference_dynamics.strengths(*pair, -1.0 if threshold is None else threshold)
        np.testing.assert_allclose(found.positive, expected[0], atol=1e-13)
        np.testing.assert_allclose(found.negative, expected[1], atol=1e-13)


def test_signed_strengths_of_batches_and_of_one_sample() -> None:
    and_, or_ = random_pair(4, 3, 5)
    limits = np.array([0.0, 0.5, 1.0])
    found = signed_strengths(and_, or_, threshold=limits[:, None])
    for k in range(3):
        alone = signed_strengths(and_[k], or_[k], threshold=limits[k])
        np.testing.assert_array_equal(np.stack(found)[:, k], np.stack(alone))
    single = signed_strengths(and_[0, 0])
    np.testing.assert_array_equal(np.stack(single), np.stack(signed_strengths(and_[0, :1])))


def test_signed_strengths_of_tensors_carry_gradients() -> None:
    and_, or_ = (torch.from_numpy(x) for x in random_pair(4, 3))
    expected = signed_strengths(and_.numpy(), or_.numpy())
    np.testing.assert_allclose(np.stack([x.numpy() for x in signed_strengths(and_, or_)]), np.stack(expected))

    def both(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.stack(signed_strengths(x, y))

    assert torch.autograd.gradcheck(both, (and_.clone().requires_grad_(), or_.clone().requires_grad_()))


def test_newly_emerged_interactions() -> None:
    (and_, or_), (and_noise, or_noise) = random_pair(4, 5), random_pair(4, 5, seed=1)
    found = newly_emerged(and_, and_noise, or_, or_noise)
    np.testing.assert_array_equal(found.and_, and_ - and_noise)
    np.testing.assert_array_equal(found.or_, or_ - or_noise)
    expected = reference_dynamics.strengths(and_ - and_noise, or_ - or_noise)
    np.testing.assert_allclose(np.stack(found.strengths), np.stack(expected), atol=1e-13)
    assert newly_emerged(and_, and_noise).or_ is None
    assert (np.stack(newly_emerged(and_, and_).strengths) == 0).all()
    # Several noise levels beside one network.
    levels = np.stack([and_noise, 2 * and_noise])
    several = newly_emerged(and_, levels)
    assert several.strengths.positive.shape == (2, 5)
    np.testing.assert_array_equal(
        several.strengths.negative[0], newly_emerged(and_, and_noise).strengths.negative
    )


def test_strength_change_is_the_distance_by_sign() -> None:
    s = SignedStrengths(np.array([0.0, 3.0, 1.0]), np.array([0.0, 1.0, 1.0]))
    t = SignedStrengths(np.array([[0.0, 1.0, 5.0], [0.0, 3.0, 1.0]]), np.array([[0.0, 1.0, 0.0]] * 2))
    found = strength_change(s, t)
    np.testing.assert_array_equal(found.positive, [[0, 2, 4], [0, 0, 0]])
    np.testing.assert_array_equal(found.negative, [[0, 0, 1], [0, 0, 1]])


def test_mean_order_weighs_by_strength() -> None:
    positive = np.array([[7.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    negative = np.array([[0.0, 0.0, 2.0, 0.0], [5.0, 0.0, 0.0, 0.0]])
    expected = [(1 * 1 + 2 * 2 + 3 * 1) / 4, np.nan]  # order 0 does not count
    np.testing.assert_allclose(mean_order(SignedStrengths(positive, negative)), expected)
    tensors = SignedStrengths(torch.from_numpy(positive), torch.from_numpy(negative))
    np.testing.assert_allclose(mean_order(tensors).numpy(), expected)


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
    pair = (run[0], run[1] if with_or else None)
    train, test = np.array([0.8, 0.5, 0.2, 0.1]), np.array([0.8, 0.5, 0.5, 0.9])
    track = track_phases(*pair, train, test)
    np.testing.assert_allclose(track.loss_gap, test - train)
    assert track.phase_end == 1
    strengths = signed_strengths(*pair)
    np.testing.assert_array_equal(np.stack(track.strengths), np.stack(strengths))
    np.testing.assert_array_equal(track.mean_order, mean_order(strengths))
    assert (np.diff(track.mean_order) > 0).all()
    for sign in (0, 1):
        change = np.abs(strengths[sign] - strengths[sign][1])
        np.testing.assert_array_equal(track.emerged[sign], change)
    np.testing.assert_allclose(track.predicted.sigma2[:3], sigma2, rtol=1e-6)
    assert (track.predicted.relative_residual < 1e-5).all()
    assert track.predicted.status[3] == "lower_end"
    table = decay_table(run[0][-1], run[1][-1] if with_or else None)
    np.testing.assert_array_equal(track.parts.gamma, disentangle(strengths, table).gamma)
    np.testing.assert_allclose(track.parts.gamma[:3], 1, rtol=1e-5)
    assert (track.parts.relative_residual < 1e-5).all()


def test_options_of_a_track_reach_what_they_are_for() -> None:
    run = random_pair(5, 3, 4)
    losses = np.zeros(3), np.array([0.0, 0.4, 1.0])
    table = decay_table(*random_pair(5, 4, seed=1))
    limits = np.full((3, 1), 0.5)
    track = track_phases(*run, *losses, table=table, threshold=limits, gamma=None, share=0.5)
    strengths = signed_strengths(*run, threshold=0.5)
    np.testing.assert_array_equal(np.stack(track.strengths), np.stack(strengths))
    np.testing.assert_array_equal(track.predicted.gamma, fit_decay(strengths, table, gamma=None).gamma)
    assert track.phase_end == 1


def test_a_track_of_tensors_is_one_of_tensors() -> None:
    run = random_pair(5, 3, 4)
    losses = [0.0, 0.1, 0.2], [0.0, 0.4, 1.0]
    expected = track_phases(*run, *losses)
    found = track_phases(
        *(torch.from_numpy(x) for x in run), *(torch.tensor(x, dtype=torch.float64) for x in losses)
    )
    for name in ("mean_order", "loss_gap"):
        np.testing.assert_allclose(getattr(found, name).numpy(), getattr(expected, name), rtol=1e-12)
    np.testing.assert_allclose(found.parts.spindle.numpy(), expected.parts.spindle, rtol=1e-12)
    np.testing.assert_allclose(found.emerged.positive.numpy(), expected.emerged.positive, atol=1e-12)


# ---- bad input ----


def test_bad_pairs_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"or_: got shape \(8,\)"):
        signed_strengths(np.ones(4), np.ones(8))
    with pytest.raises(ArgumentError, match="and_: got a last axis of length 3"):
        signed_strengths(np.ones(3))
    with pytest.raises(ArgumentTypeError, match="or_: got ndarray of dtype float32"):
        signed_strengths(np.ones(4), np.ones(4, np.float32))
    with pytest.raises(ArgumentError, match="threshold: got"):
        signed_strengths(np.ones(4), threshold=-1)


def test_bad_changes_are_named() -> None:
    with pytest.raises(ArgumentError, match="or_noise: got OR interactions of one side"):
        newly_emerged(np.ones(4), np.ones(4), np.ones(4))
    with pytest.raises(ArgumentError, match="and_noise: got interactions of 3 players"):
        newly_emerged(np.ones(4), np.ones(8))
    with pytest.raises(ArgumentError, match=r"and_noise: got shape \(3, 4\)"):
        newly_emerged(np.ones((2, 4)), np.ones((3, 4)))
    with pytest.raises(ArgumentTypeError, match="and_noise: got Tensor"):
        newly_emerged(np.ones(4), torch.ones(4))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gap", "share", "error", "message"),
    [
        ([], 0.1, ArgumentError, r"loss_gap: got shape \(0,\)"),
        (1.0, 0.1, ArgumentError, r"loss_gap: got shape \(\)"),
        ([0.0, np.nan], 0.1, ArgumentError, "loss_gap: got NaN"),
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
    with pytest.raises(
        ArgumentError, match=r"and_: got shape \(2, 8\), but it must be of shape \[checkpoints"
    ):
        track_phases(run[0], None, [0.0, 0.0], [0.0, 0.0])
    with pytest.raises(ArgumentError, match=r"test_loss: got shape \(2,\)"):
        track_phases(run, None, [0.0, 0.0, 0.0], [0.0, 0.0])
    with pytest.raises(ArgumentError, match="train_loss: got NaN or infinity"):
        track_phases(run, None, [0.0, np.inf, 0.0], [0.0, 0.0, 0.0])
