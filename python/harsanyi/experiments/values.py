"""The values of many games at once: networks by samples by subsets, kept on disk if they took long."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from tqdm import tqdm

from harsanyi._arrays import require_memory
from harsanyi.errors import ArgumentError
from harsanyi.experiments import cache
from harsanyi.experiments.players import Players
from harsanyi.games.evaluate import evaluate
from harsanyi.games.masking import host_array

__all__ = ["game_values"]

_FORMAT = "harsanyi.values"
_WORTH_KEEPING = 2.0  # seconds
_LEAST_ROWS = 128  # a batch: AlexNet and VGG-11, whose feature maps are large, run 1.4 times as fast as on 16


def game_values(
    networks: Sequence[nn.Sequential],
    samples: npt.ArrayLike,
    targets: npt.ArrayLike,
    players: Players,
    *,
    folder: Path | None = None,
    progress: bool = False,
) -> npt.NDArray[np.float64]:
    """The log-odds of each sample's target on all its masked versions, by each network.

    Args:
        networks: of one architecture, the checkpoints of a training, say.
        samples: [samples, ...], float32.
        targets: class indices, [samples].
        players: how samples are masked.
        folder: of the cache, where values that took more than two seconds are kept; None for
            `cache.cache_dir()`.
        progress: show a bar over networks and samples.

    Returns:
        float64 [networks, samples, 2**n], bit i of the last index set for player i kept.

    Raises:
        ArgumentError: not one target a sample, or none of either.
        NonFiniteError: NaN or infinity from a network.
        NotEnoughMemoryError: the values do not fit.

    Example:
        >>> from harsanyi.experiments import data, fit
        >>> from harsanyi.experiments.players import players
        >>> from harsanyi.experiments.values import game_values
        >>> tumours = data.breast_cancer()
        >>> network = fit.initial_network(fit.RECIPES["breast-cancer"], tumours)
        >>> game_values([network], tumours.x_test[:3], [0, 1, 1], players(tumours, "mlp")).shape
        (1, 3, 1024)
    """
    x, y = np.asarray(samples, dtype=np.float32), np.asarray(targets, dtype=np.int64)
    if not len(networks) or not len(x) or y.shape != (len(x),):
        raise ArgumentError(
            "targets", f"shape {y.shape} for {len(x)} samples, {len(networks)} networks", "one a sample"
        )
    shape = (len(networks), len(x), 1 << players.n)
    require_memory(8 * int(np.prod(shape)), f"the values of {shape[0]} networks on {shape[1]} samples")
    path = (folder or cache.cache_dir()) / f"values-{_key(networks, x, y, players)}.safetensors"
    found = cache.kept(path, _FORMAT, lambda arrays, facts: arrays["v"].reshape(shape))
    if found is not None:
        return found
    start = time.perf_counter()
    v = np.empty(shape)
    with tqdm(
        total=shape[0] * shape[1], desc="evaluating", unit="game", leave=None, disable=not progress
    ) as bar:
        for i, network in enumerate(networks):
            for j in range(len(x)):
                game = players.game(network, x[j], int(y[j]))
                rows = max(game.default_batch_size, _LEAST_ROWS)
                v[i, j] = host_array(evaluate(game, batch_size=rows))
                bar.update()
    if time.perf_counter() - start > _WORTH_KEEPING:
        cache.keep(path, _FORMAT, {"v": v}, {})
    return v


def _key(networks: Sequence[nn.Sequential], x: Any, y: Any, players: Players) -> str:
    digest = hashlib.sha256()
    for network in networks:
        digest.update(repr(network).encode())
        for name, tensor in network.state_dict().items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).data)
    for array in (x, y):
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return cache.key_of(
        {"inputs": digest.hexdigest(), "players": repr(players), "threads": torch.get_num_threads()}
    )
