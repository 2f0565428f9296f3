"""Whole samples as players: all 16x16 patches of an image, or the variables of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from harsanyi.experiments.data import Dataset
from harsanyi.games import outputs
from harsanyi.games.game import ModelGame
from harsanyi.games.maskers import Features, Patches
from harsanyi.games.multi_order import patch_positions

__all__ = ["GRID", "Cut", "cut"]

GRID = 16  # patches a side of an image


@dataclass(frozen=True, eq=False)
class Cut:
    """How the samples of a data set are cut into players, the same for every sample.

    Attributes:
        masker: that does it.
        player: of each element of a sample, int64 of its shape.
        baseline: what masked elements become, float32 of the shape of a sample.
        positions: row and column of each patch on the grid, int64 [n, 2]; None for a table.
    """

    masker: Patches | Features
    player: npt.NDArray[np.int64]
    baseline: npt.NDArray[np.float32]
    positions: npt.NDArray[np.int64] | None

    @property
    def n(self) -> int:
        """The number of players."""
        return int(self.player.max()) + 1

    def game(self, network: nn.Module, sample: npt.NDArray[Any], target: int) -> ModelGame:
        """The log-odds of a class on the masked versions of a sample, [...] without a batch axis."""
        return ModelGame(network, sample, masker=self.masker, output=outputs.log_odds(int(target)))


def cut(dataset: Dataset) -> Cut:
    """The players of the study of the representation bottleneck.

    Args:
        dataset: whose samples are masked.

    Returns:
        For images, a grid of 16x16 patches, masked with the mean colour of the training images; for tables,
        each variable (or group of them), masked with 0, the mean.

    Source: Deng et al., ICLR 2022, section 3.1.

    Example:
        >>> from harsanyi.experiments import data
        >>> from harsanyi.experiments.grid import cut
        >>> cut(data.mnist32()).n, cut(data.breast_cancer()).n
        (256, 10)
    """
    sample = dataset.x_train[0]
    if not dataset.is_image:
        features = Features(0.0, groups=dataset.groups)
        owner = np.asarray(features.bind(sample).player, dtype=np.int64).reshape(sample.shape)
        return Cut(features, owner, np.zeros_like(sample), None)
    colour = dataset.x_train.mean(axis=(0, 2, 3), dtype=np.float64)
    baseline = np.broadcast_to(colour[:, None, None], sample.shape).astype(np.float32)
    patches = Patches(GRID, baseline=baseline)
    owner = np.asarray(patches.bind(sample).player, dtype=np.int64).reshape(sample.shape)
    return Cut(patches, owner, baseline, patch_positions(GRID))
