"""What the players are, for each kind of data: ten patches of a feature map, or the variables of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from harsanyi.errors import ArgumentError
from harsanyi.experiments import networks
from harsanyi.experiments.data import Dataset
from harsanyi.games import outputs
from harsanyi.games.game import ModelGame
from harsanyi.games.maskers import FeatureMap, Features, Patches

__all__ = ["Players", "players"]

GRID, MARGIN = 8, 1  # patches a side of the map; rings of patches at its edge that are never players


@dataclass(frozen=True)
class Players:
    """How the samples of a data set are masked, the same for every sample.

    Attributes:
        layer: the layer whose feature map is cut into 8x8 patches, masked with 0; "input" for the image
            itself, masked with 0 (black); None for a table.
        patches: for an image, the row-major indices of the patches that are players.
        groups: for a table, the columns of each player, masked with 0, the mean.
    """

    layer: str | None
    patches: tuple[int, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()

    @property
    def n(self) -> int:
        """The number of players."""
        return len(self.patches or self.groups)

    def game(self, network: nn.Sequential, sample: npt.NDArray[Any], target: int) -> ModelGame:
        """The log-odds of a class on the masked versions of a sample.

        Args:
            network: that has `layer`; the layers up to it run once.
            sample: without a batch axis.
            target: the class.

        Raises:
            ArgumentError: no such layer or class.
        """
        output = outputs.log_odds(int(target))
        if self.layer is None:
            return ModelGame(network, sample, masker=Features(0.0, groups=self.groups), output=output)
        if self.layer == "input":
            masker = Patches(GRID, baseline=0.0, players=self.patches)
            return ModelGame(network, sample, masker=masker, output=output)
        names = [name for name, _ in network.named_children()]
        if self.layer not in names:
            raise ArgumentError("layer", self.layer, f"one of {', '.join(names)}")
        cut = names.index(self.layer) + 1
        feature_map = FeatureMap(network[:cut], GRID, players=self.patches)
        return ModelGame(network[cut:], sample, masker=feature_map, output=output)


def players(
    dataset: Dataset, network: str, *, seed: int = 0, count: int = 10, layer: str | None = None
) -> Players:
    """The players of the papers' experiments.

    Args:
        dataset: whose samples are masked.
        network: the kind of network, one of `networks.NETWORKS`; it decides the layer.
        seed: of the choice of patches.
        count: of patches; a table's players are all of its variables, or groups of them.
        layer: of an image's network, by name, or "input"; None: behind the first ReLU, of VGG behind the
            second.

    Returns:
        For an image, `count` of the 6x6 patches that remain of an 8x8 grid without its edge, chosen once for
        all samples, so that one subset means the same in all of them.

    Raises:
        ArgumentError: another network, or more patches than there are.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions",
    appendix I.2 (there the patches are chosen anew for each sample).

    Example:
        >>> from harsanyi.experiments import data
        >>> from harsanyi.experiments.players import players
        >>> players(data.breast_cancer(), "mlp").n
        10
    """
    if network not in networks.NETWORKS:
        raise ArgumentError("network", network, f"one of {', '.join(networks.NETWORKS)}")
    if not dataset.is_image:
        return Players(layer=None, groups=dataset.groups)
    inner = [
        row * GRID + column for row in range(MARGIN, GRID - MARGIN) for column in range(MARGIN, GRID - MARGIN)
    ]
    if not 1 <= count <= len(inner):
        raise ArgumentError("count", count, f"from 1 to {len(inner)}")
    chosen = np.random.default_rng(seed).choice(inner, size=count, replace=False)
    return Players(
        layer=layer or networks.NETWORKS[network].masked_layer,
        patches=tuple(sorted(int(patch) for patch in chosen)),
    )
