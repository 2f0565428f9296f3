"""Training that keeps what the network was on the way: its weights and losses at chosen epochs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from harsanyi.errors import ArgumentError
from harsanyi.experiments import cache
from harsanyi.experiments.data import Dataset
from harsanyi.experiments.fit import Recipe, assess, initial_network, train

__all__ = ["Trajectory", "cached_trajectory", "spread_epochs", "trajectory"]

_FORMAT = "harsanyi.trajectory"
_CURVES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A network at several epochs of its training.

    Attributes:
        recipe: how it was trained.
        dataset: on what, label noise included.
        epochs: at which weights were kept, ascending; the last is the end of the training. 0 is the untrained
            network.
        states: the weights at each of them, by name.
        train_loss: at each of them, on the labels trained on, [epochs].
        test_loss: the same on the test data.
        train_accuracy: share of the training labels predicted, likewise.
        test_accuracy: the same on the test data.
        seconds: time spent; 0 if it came from the cache.
        from_cache: whether it did.
    """

    recipe: Recipe
    dataset: Dataset
    epochs: tuple[int, ...]
    states: tuple[dict[str, torch.Tensor], ...]
    train_loss: Floats
    test_loss: Floats
    train_accuracy: Floats
    test_accuracy: Floats
    seconds: float
    from_cache: bool = False

    def network(self, epoch: int | None = None) -> nn.Sequential:
        """The network after so many epochs, one of `epochs`, in evaluation mode; None: at the end.

        Raises:
            ArgumentError: an epoch at which no weights were kept.
        """
        chosen = self.epochs[-1] if epoch is None else epoch
        if chosen not in self.epochs:
            raise ArgumentError("epoch", epoch, f"one of {', '.join(map(str, self.epochs))}")
        network = initial_network(self.recipe, self.dataset)
        network.load_state_dict(self.states[self.epochs.index(chosen)])
        return network.eval()

    def networks(self) -> list[nn.Sequential]:
        """The network at each of `epochs`."""
        return [self.network(epoch) for epoch in self.epochs]


def spread_epochs(total: int, count: int) -> tuple[int, ...]:
    """Epochs from 0 to `total`, spaced ever wider: about `count`, fewer where they would coincide.

    Args:
        total: the last one, at least 1.
        count: how many, at least 2.

    Raises:
        ArgumentError: smaller numbers.

    Example:
        >>> from harsanyi.experiments.checkpoints import spread_epochs
        >>> spread_epochs(40, 7)
        (0, 1, 2, 4, 9, 19, 40)
    """
    for name, value, least in (("total", total, 1), ("count", count, 2)):
        if value < least:
            raise ArgumentError(name, value, f"at least {least}")
    return (0, *sorted({round(float(x)) for x in np.geomspace(total, 1, count - 1)}))


def trajectory(
    recipe: Recipe, dataset: Dataset, *, epochs: Iterable[int] = (), progress: bool = False
) -> Trajectory:
    """Trains as `fit` does, to the same weights, and keeps them at `epochs` and at the end.

    Args:
        recipe: what to train and how.
        dataset: what to train on.
        epochs: at which weights are kept besides the last, 0 to `recipe.epochs`.
        progress: whether to show a progress bar over the epochs on stderr.

    Raises:
        ArgumentError: an epoch outside the training, or a network that does not take the samples.

    Example:
        >>> from harsanyi.experiments import data
        >>> from harsanyi.experiments.checkpoints import trajectory
        >>> from harsanyi.experiments.fit import Recipe
        >>> path = trajectory(Recipe("mlp", epochs=3), data.breast_cancer(), epochs=[0, 1])
        >>> path.epochs, bool(path.test_loss[-1] < path.test_loss[0])
        ((0, 1, 3), True)
    """
    chosen = _checked(epochs, recipe)
    start = time.perf_counter()
    network = initial_network(recipe, dataset)
    states: list[dict[str, torch.Tensor]] = []
    rows: list[tuple[float, ...]] = []

    def watch(epoch: int) -> None:
        if epoch not in chosen:
            return
        train_part = assess(network, dataset.x_train, dataset.y_train, loss=recipe.loss)
        test_part = assess(network, dataset.x_test, dataset.y_test, loss=recipe.loss)
        rows.append((train_part[0], test_part[0], train_part[1], test_part[1]))
        states.append({name: tensor.clone() for name, tensor in network.state_dict().items()})

    train(network, recipe, dataset, watch=watch, progress=progress)
    curves = dict(zip(_CURVES, np.array(rows).T, strict=True))
    return Trajectory(recipe, dataset, chosen, tuple(states), **curves, seconds=time.perf_counter() - start)


def cached_trajectory(
    recipe: Recipe,
    dataset: Dataset,
    *,
    epochs: Iterable[int] = (),
    folder: Path | None = None,
    progress: bool = False,
) -> Trajectory:
    """`trajectory`, or its result of an earlier run if the cache holds it.

    Args:
        recipe: as for `trajectory`.
        dataset: as for `trajectory`.
        epochs: as for `trajectory`; an entry belongs to one choice of them.
        folder: of the cache; None for `cache.cache_dir()`.
        progress: as for `trajectory`.

    Raises:
        ArgumentError: as for `trajectory`.

    Example:
        >>> import tempfile, pathlib
        >>> from harsanyi.experiments import checkpoints, data, fit
        >>> recipe, tumours = fit.Recipe("mlp", epochs=1), data.breast_cancer()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     again = [
        ...         checkpoints.cached_trajectory(recipe, tumours, folder=pathlib.Path(folder))
        ...         for _ in range(2)
        ...     ]
        >>> [one.from_cache for one in again]
        [False, True]
    """
    chosen = _checked(epochs, recipe)
    path = cache.entry_path(recipe, dataset, folder=folder, epochs=chosen)

    def unpack(arrays: cache.Arrays, facts: cache.Facts) -> Trajectory:
        states: list[dict[str, torch.Tensor]] = [{} for _ in chosen]
        for name, array in arrays.items():
            epoch, _, weight = name.partition("/")
            if epoch != "curve":
                states[chosen.index(int(epoch))][weight] = torch.from_numpy(array)
        curves = {name: arrays[f"curve/{name}"] for name in _CURVES}
        result = Trajectory(recipe, dataset, chosen, tuple(states), **curves, seconds=0.0, from_cache=True)
        result.networks()  # weights that do not fit are noticed here
        return result

    found = cache.kept(path, _FORMAT, unpack)
    if found is not None:
        return found
    trained = trajectory(recipe, dataset, epochs=chosen, progress=progress)
    arrays = {
        f"{epoch}/{name}": tensor.numpy()
        for epoch, state in zip(trained.epochs, trained.states, strict=True)
        for name, tensor in state.items()
    }
    cache.keep(path, _FORMAT, {**arrays, **{f"curve/{name}": getattr(trained, name) for name in _CURVES}}, {})
    return trained


def _checked(epochs: Iterable[int], recipe: Recipe) -> tuple[int, ...]:
    chosen = sorted({*epochs, recipe.epochs})
    if chosen[0] < 0 or chosen[-1] > recipe.epochs:
        raise ArgumentError("epochs", chosen, f"from 0 to {recipe.epochs}, the end of the training")
    return tuple(chosen)
