"""Masked batches of many samples, accuracy under masks and under attack."""

from __future__ import annotations

from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.games.multi_order import patch_positions
from harsanyi.games.structure import adversarial_accuracy, mask_samples, masked_accuracy, player_ranks
from hypothesis import given, strategies as st


def images(rows: int = 6) -> torch.Tensor:
    return 1 + torch.rand((rows, 2, 8, 8), generator=torch.Generator().manual_seed(0))


def brightest(x: torch.Tensor) -> torch.Tensor:
    """Class 1 if the centre of the image is kept, else class 0."""
    centre = x[:, 0, 3:5, 3:5].mean((1, 2))
    return torch.stack((torch.full_like(centre, 0.5), centre), 1)


def test_rows_are_those_of_one_sample_masked_alone() -> None:
    x = images()
    masking = hs.maskers.Patches((4, 2), players=[0, 3, 6]).bind(x[0])
    keep = torch.rand((6, 3), generator=torch.Generator().manual_seed(1)) < 0.5
    found = mask_samples(x, keep, masking.player, baseline=-1.0)
    for row in range(6):
        alone = hs.maskers.Patches((4, 2), players=[0, 3, 6], baseline=-1.0).bind(x[row])
        assert torch.equal(found[row], torch.as_tensor(alone.batch(keep[row : row + 1].numpy())[0]))


def test_baselines_broadcast_and_gradients_flow() -> None:
    x = images(2).requires_grad_()
    colour = torch.tensor([[[3.0]], [[4.0]]])
    keep = torch.tensor([[True, False], [False, True]])
    player = np.repeat([0, 1], 64)
    found = mask_samples(x, keep, player, baseline=colour)
    assert torch.equal(found[0, 0], x[0, 0])
    assert (found[0, 1] == 4).all()
    assert (found[1, 0] == 3).all()
    (gradient,) = torch.autograd.grad(found.sum(), x)
    assert gradient[:, :, 0, 0].tolist() == [[1, 0], [0, 1]]


@given(st.integers(1, 5), st.integers(1, 30), st.integers(0, 2**32))
def test_ranks_are_permutations_in_the_order_of_depth(rows: int, n: int, seed: int) -> None:
    depth = np.random.default_rng(seed).integers(0, 4, n)
    ranks = player_ranks(rows, n, depth=depth, generator=seed)
    assert torch.equal(ranks.sort(1).values, torch.arange(n).expand(rows, n))
    for row in ranks.numpy():
        assert (np.diff(depth[np.argsort(row)]) >= 0).all()
    assert torch.equal(ranks, player_ranks(rows, n, depth=depth, generator=seed))


def test_ranks_are_uniform() -> None:
    ranks = player_ranks(20_000, 5, generator=0)
    share = (ranks[:, :, None] == torch.arange(5)).double().mean(0)
    assert (share - 0.2).abs().max() < 5 * np.sqrt(0.16 / 20_000)


def test_accuracy_counts_the_samples_that_are_still_right() -> None:
    x = images(50)
    player = hs.maskers.Patches(4).bind(x[0]).player
    labels = torch.ones(50, dtype=torch.int64)
    options: dict[str, Any] = {"player": player, "counts": [0, 4, 8, 12, 13, 16], "generator": 0}
    around = masked_accuracy(brightest, x, labels, positions=patch_positions(4), **options)
    assert around.tolist() == [1, 1, 1, 1, around[4], 0]  # twelve patches surround the centre of four
    at_random = masked_accuracy(brightest, x, labels, batch_size=7, **options)
    assert at_random[0] == 1
    assert at_random[-1] == 0
    assert (np.diff(at_random) <= 0).all()  # nested masks
    assert at_random[3] < 1
    np.testing.assert_array_equal(at_random, masked_accuracy(brightest, x, labels, **options))
    assert hs.analysis.area_between(options["counts"], at_random, around) > 0


def test_modules_keep_their_mode_and_one_logit_is_enough() -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.9), torch.nn.Linear(2, 1, bias=False))
    torch.nn.init.ones_(model[2].weight)
    x = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    found = masked_accuracy(model, x, [1, 0], player=[0, 1], counts=[0, 1, 2])
    assert found.tolist() == [1, 1, 0.5]
    assert model.training
    assert model[1].training


def test_accuracy_under_attack() -> None:
    model = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.ones_(model.weight)
    x = torch.tensor([[0.5, 0.5], [0.1, 0.1], [-0.3, -0.3], [0.5, 0.5]])
    labels = [1, 1, 0, 0]  # margins 1, 0.2, 0.6 in the l1 norm, and one that is wrong from the start
    for radius, expected in ((0.0, 0.75), (0.05, 0.75), (0.2, 0.5), (0.4, 0.25), (0.6, 0.0)):
        found = adversarial_accuracy(model, x, labels, radius=radius, steps=200, generator=0, batch_size=3)
        assert found == expected, radius
    clipped = adversarial_accuracy(model, x.abs(), [1] * 4, radius=0.6, steps=200, clip=(0.05, 1.0))
    assert clipped == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: mask_samples(x.numpy(), torch.ones(6, 1).bool(), [0]),
            ArgumentTypeError,
            "samples: got nd",
        ),
        (lambda x: mask_samples(x, torch.ones(6, 2), [0] * 128), ArgumentTypeError, "keep: got Tensor"),
        (
            lambda x: mask_samples(x, torch.ones(5, 2).bool(), [0] * 128),
            ArgumentError,
            r"keep: got shape \(5",
        ),
        (lambda x: mask_samples(x, torch.ones(6, 2).bool(), [0] * 5), ArgumentError, "player: got 5 entries"),
        (lambda x: mask_samples(x, torch.ones(6, 2).bool(), [2] * 128), ArgumentError, "player: got entries"),
        (
            lambda x: mask_samples(x, torch.ones(6, 2).bool(), [-2] * 128),
            ArgumentError,
            "player: got entries",
        ),
        (
            lambda x: masked_accuracy(brightest, x, [0] * 6, player=range(128), counts=[129]),
            ArgumentError,
            "counts: got 129, .* from 0 to 128",
        ),
        (
            lambda x: masked_accuracy(brightest, x, [0] * 5, player=range(128), counts=[1]),
            ArgumentError,
            r"labels: got shape \(5,\)",
        ),
        (
            lambda x: masked_accuracy(brightest, x, [0.5] * 6, player=range(128), counts=[1]),
            ArgumentTypeError,
            "labels: got dtype float64",
        ),
        (
            lambda x: masked_accuracy(
                brightest, x, [0] * 6, player=range(128), counts=[1], positions=patch_positions(4)
            ),
            ArgumentError,
            r"positions: got shape \(16, 2\)",
        ),
        (
            lambda x: masked_accuracy("model", x, [0] * 6, player=range(128), counts=[1]),
            ArgumentTypeError,
            "model: got str",
        ),
        (
            lambda x: adversarial_accuracy(brightest, x, [0] * 6, radius=-1.0, steps=1),
            ArgumentError,
            "radius: got",
        ),
    ],
)
def test_bad_arguments_are_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(images())
