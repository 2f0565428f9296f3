"""Training of the small networks: seeded, short, on as many threads as told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import nn

from harsanyi.errors import ArgumentError
from harsanyi.experiments import networks
from harsanyi.experiments.data import Dataset

__all__ = ["RECIPES", "Fit", "Recipe", "accuracy", "fit", "initial_network"]

_EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Recipe:
    """Everything but the data that determines the weights of a trained network.

    Attributes:
        network: "lenet" or "mlp" (five layers of 100 units).
        epochs: passes over the training data.
        seed: of the initial weights and of the order of the samples.
        batch_size: samples per step; the last batch of an epoch may be smaller.
        learning_rate: the highest of Adam's one-cycle schedule.
        threads: that torch trains on. It belongs here because the order of floating-point sums depends on it.
    """

    network: str
    epochs: int
    seed: int = 0
    batch_size: int = 64
    learning_rate: float = 3e-3
    threads: int = 1

    def __post_init__(self) -> None:
        if self.network not in ("lenet", "mlp"):
            raise ArgumentError("network", self.network, "lenet or mlp")
        for name in ("epochs", "batch_size", "threads"):
            if getattr(self, name) < 1:
                raise ArgumentError(name, getattr(self, name), "at least 1")
        if not 0 <= self.seed < 2**63:
            raise ArgumentError("seed", self.seed, "from 0 to 2**63 - 1")
        if not self.learning_rate > 0:
            raise ArgumentError("learning_rate", self.learning_rate, "greater than 0")

    def with_(self, *, epochs: int | None = None, seed: int | None = None) -> Recipe:
        """This recipe with what is not None replaced."""
        return replace(
            self, epochs=self.epochs if epochs is None else epochs, seed=self.seed if seed is None else seed
        )


# The demo's recipe for each data set: about 97 % accuracy on the test data, after seconds on one thread.
RECIPES = {"mnist": Recipe("lenet", epochs=12), "breast-cancer": Recipe("mlp", epochs=20)}


@dataclass(frozen=True, eq=False)
class Fit:
    """A trained network, in evaluation mode, and how good it is.

    Attributes:
        network: from [batch, ...] to logits [batch, classes].
        train_accuracy: share of the training samples whose largest logit is the label's, 0..1.
        test_accuracy: the same on the test samples.
        seconds: time spent in training; 0 if the weights came from the cache.
        from_cache: whether they did.
    """

    network: nn.Sequential
    train_accuracy: float
    test_accuracy: float
    seconds: float
    from_cache: bool = False


def initial_network(recipe: Recipe, dataset: Dataset) -> nn.Sequential:
    """The untrained network of a recipe, with seeded weights; torch's global generator is left as it was.

    Example:
        >>> from harsanyi.experiments import data, fit
        >>> fit.initial_network(fit.RECIPES["breast-cancer"], data.breast_cancer())[-1]
        Linear(in_features=100, out_features=2, bias=True)
    """
    classes = len(dataset.class_names)
    shape = dataset.x_train.shape[1:]
    if (recipe.network == "lenet") != dataset.is_image:
        raise ArgumentError(
            "recipe",
            f"network {recipe.network} for samples of shape {shape}",
            "lenet for images, mlp otherwise",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        if recipe.network == "lenet":
            return networks.lenet(classes, size=shape[-1], channels=shape[0])
        return networks.mlp(shape[0], classes)


def fit(recipe: Recipe, dataset: Dataset, *, progress: bool = False) -> Fit:
    """Trains a network: Adam on the cross-entropy, learning rate up and down once over the whole run.

    Args:
        recipe: what to train and how. The same recipe, data, machine and torch give the same weights, to the
            bit.
        dataset: what to train on.
        progress: whether to show a progress bar over the epochs on stderr.

    Returns:
        The network in evaluation mode with its accuracies.

    Raises:
        ArgumentError: a network that does not take the samples of this data set.

    Example:
        >>> from harsanyi.experiments import data
        >>> from harsanyi.experiments.fit import Recipe, fit
        >>> fit(Recipe("mlp", epochs=3), data.breast_cancer()).test_accuracy > 0.9
        True
    """
    from tqdm import tqdm

    start = time.perf_counter()
    network = initial_network(recipe, dataset)
    x, y = torch.from_numpy(dataset.x_train), torch.from_numpy(dataset.y_train)
    generator = torch.Generator().manual_seed(recipe.seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    steps = recipe.epochs * -(-len(x) // recipe.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=max(steps, 2))
    with _threads(recipe.threads), torch.enable_grad():
        network.train()
        bar = tqdm(
            range(recipe.epochs), desc=f"training {recipe.network}", unit="epoch", disable=not progress
        )
        for _ in bar:
            total = 0.0
            for batch in torch.split(torch.randperm(len(x), generator=generator), recipe.batch_size):
                loss = nn.functional.cross_entropy(network(x[batch]), y[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                total += loss.item() * len(batch)
            bar.set_postfix(loss=f"{total / len(x):.3f}")
        network.eval()
        seconds = time.perf_counter() - start
        return Fit(
            network=network,
            train_accuracy=accuracy(network, dataset.x_train, dataset.y_train),
            test_accuracy=accuracy(network, dataset.x_test, dataset.y_test),
            seconds=seconds,
        )


def accuracy(network: nn.Module, x: object, y: object) -> float:
    """Share of samples whose largest logit is the label's, 0..1.

    Args:
        network: from [batch, ...] to logits [batch, classes].
        x: samples [samples, ...], numpy or torch.
        y: class indices [samples], numpy or torch.

    Example:
        >>> import torch
        >>> from harsanyi.experiments.fit import accuracy
        >>> accuracy(torch.nn.Identity(), torch.eye(3), torch.tensor([0, 1, 1]))  # doctest: +ELLIPSIS
        0.666...
    """
    samples, labels = torch.as_tensor(x), torch.as_tensor(y)
    with torch.inference_mode():
        hits = [
            (network(part).argmax(1) == answers).sum()
            for part, answers in zip(
                torch.split(samples, _EVALUATION_BATCH), torch.split(labels, _EVALUATION_BATCH), strict=True
            )
        ]
    return int(torch.stack(hits).sum()) / len(labels)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Torch on `count` threads inside the block, and on as many as before after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
