"""Sampled multi-order interactions of a network with hundreds of players, beside its bare forward passes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import comb
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi.bench.case import Case, Data, Series
from harsanyi.bench.model_cases import beside_forward_passes

__all__ = ["sampled_orders"]

_SIDE, _GRID = 32, 16  # of the image and of its patches: 256 players
_PAIRS, _CONTEXTS = 12, 8


def sampled_orders(n: int) -> Case:
    """`sample_multi_order` on a LeNet, beside as many rows through the network in the same batches."""
    ours = Series(
        "sample_multi_order",
        _sample,
        _exact,
        read=lambda data, found: found.mean,
        quantity="value",
        requires=("torch",),
    )
    return beside_forward_passes(f"sampled-orders-lenet-n{n}", n, ours, _forward, setup=_setup, target=1.05)


def _setup(n: int) -> SimpleNamespace:
    """A LeNet as initialised, an image whose first n of 16x16 patches are the players, and pairs of them."""
    import torch

    from harsanyi.experiments.networks import lenet
    from harsanyi.games.game import ModelGame
    from harsanyi.games.maskers import Patches
    from harsanyi.games.multi_order import relative_orders, sample_pairs
    from harsanyi.games.outputs import log_odds

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = lenet(size=_SIDE).eval()
        image = torch.rand(1, _SIDE, _SIDE)
    masker = Patches(_GRID, baseline=0.5, players=range(n))
    game = ModelGame(network, image, masker=masker, output=log_odds(0))
    pairs = sample_pairs(n, min(_PAIRS, comb(n, 2)), generator=0)
    rows = 4 * len(pairs) * sum(min(comb(n - 2, int(m)), _CONTEXTS) for m in relative_orders(n))
    batch = torch.rand(min(rows, game.default_batch_size), 1, _SIDE, _SIDE)

    def logits() -> npt.NDArray[np.float64]:
        with torch.inference_mode():
            return np.asarray(network(batch), dtype=np.float64)

    return SimpleNamespace(
        network=network, game=game, pairs=pairs, rows=rows, batch=batch, logits=logits, details={"rows": rows}
    )


def _sample(data: Data) -> Callable[[], Any]:
    from harsanyi.games.multi_order import sample_multi_order

    return partial(sample_multi_order, data.game, data.pairs, contexts=_CONTEXTS, generator=0)


def _exact(data: Data) -> npt.NDArray[np.float64]:
    """Of few players, from all masked versions."""
    from harsanyi.games.evaluate import evaluate
    from harsanyi.games.multi_order import relative_orders
    from harsanyi.pairwise import multi_order

    every = multi_order(np.asarray(evaluate(data.game), dtype=np.float64))
    i, j = data.pairs.T
    return np.asarray(every[i, j][:, relative_orders(data.game.n)])


def _forward(data: Data) -> Callable[[], Any]:
    import torch

    whole, rest = divmod(data.rows, len(data.batch))
    parts = [data.batch] * whole + ([data.batch[:rest]] if rest else [])

    def passes() -> list[Any]:
        with torch.inference_mode():
            return [data.network(part) for part in parts]

    return passes
