"""Training of the small networks: seeded, short, on as many threads as told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import nn

from harsanyi.errors import ArgumentError
from harsanyi.experiments import networks
from harsanyi.experiments.data import Dataset
from harsanyi.experiments.grid import cut
from harsanyi.training import OrderRecipe, order_loss

__all__ = ["RECIPES", "Fit", "Recipe", "accuracy", "assess", "fit", "initial_network", "train"]

_EVALUATION_BATCH = 512
_CHOICES = {"schedule": ("one-cycle", "constant"), "loss": ("cross-entropy", "squared")}


@dataclass(frozen=True)
class Recipe:
    """Everything but the data that determines the weights of a trained network.

    Attributes:
        network: a name in `networks.NETWORKS`, such as "lenet" or "mlp" (five layers of 100 units).
        epochs: passes over the training data.
        seed: of the initial weights and of the order of the samples.
        batch_size: samples per step; the last batch of an epoch may be smaller.
        learning_rate: of Adam; with "one-cycle", the highest.
        schedule: of the learning rate: "one-cycle", up and down once over the whole run, or "constant".
        loss: "cross-entropy" of the logits, or "squared" error of a network with one output, where the labels
            are the numbers to fit.
        orders: of interactions that are encouraged or penalised, by losses added to `loss`; None: none are.
        width: of the network, as `networks.build` takes it; None: the network's own.
        threads: that torch trains on. It belongs here because the order of floating-point sums depends on it.
    """

    network: str
    epochs: int
    seed: int = 0
    batch_size: int = 64
    learning_rate: float = 3e-3
    schedule: str = "one-cycle"
    loss: str = "cross-entropy"
    orders: OrderRecipe | None = None
    width: int | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.network not in networks.NETWORKS:
            raise ArgumentError("network", self.network, f"one of {', '.join(networks.NETWORKS)}")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ArgumentError(name, getattr(self, name), " or ".join(choices))
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
RECIPES = {
    "mnist": Recipe("lenet", epochs=12),
    "breast-cancer": Recipe("mlp", epochs=20),
    "mnist32": Recipe("lenet", epochs=12),
    "census": Recipe("mlp-7", epochs=5, batch_size=256),
    "photographs": Recipe("lenet", epochs=12),
}


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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return networks.build(
            recipe.network, dataset.x_train.shape[1:], len(dataset.class_names), width=recipe.width
        )


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
    start = time.perf_counter()
    network = initial_network(recipe, dataset)
    train(network, recipe, dataset, progress=progress)
    seconds = time.perf_counter() - start
    return Fit(
        network=network,
        train_accuracy=accuracy(network, dataset.x_train, dataset.y_train),
        test_accuracy=accuracy(network, dataset.x_test, dataset.y_test),
        seconds=seconds,
    )


def train(
    network: nn.Sequential,
    recipe: Recipe,
    dataset: Dataset,
    *,
    watch: Callable[[int], object] | None = None,
    progress: bool = False,
) -> None:
    """Trains a network in place; it ends in evaluation mode.

    Args:
        network: what `initial_network` gives, or a network trained before.
        recipe: how; its network is not built.
        dataset: on what.
        watch: called with the number of epochs done, 0 to `recipe.epochs`, while the network is in
            evaluation mode. It does not change the weights that come out.
        progress: whether to show a progress bar over the epochs on stderr.

    Example:
        >>> from harsanyi.experiments import data, fit
        >>> recipe, tumours, epochs = fit.Recipe("mlp", epochs=2), data.breast_cancer(), []
        >>> fit.train(fit.initial_network(recipe, tumours), recipe, tumours, watch=epochs.append)
        >>> epochs
        [0, 1, 2]
    """
    from tqdm import tqdm

    x, y = torch.from_numpy(dataset.x_train), torch.from_numpy(dataset.y_train)
    generator = torch.Generator().manual_seed(recipe.seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    regularise = _order_loss(recipe, dataset)
    steps = recipe.epochs * -(-len(x) // recipe.batch_size)
    schedule: torch.optim.lr_scheduler.LRScheduler
    if recipe.schedule == "one-cycle":
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.learning_rate, total_steps=max(steps, 2)
        )
    else:
        schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    bar = tqdm(
        range(recipe.epochs),
        desc=f"training {recipe.network}",
        unit="epoch",
        leave=None,
        disable=not progress,
    )
    with _threads(recipe.threads), torch.enable_grad():
        network.eval()
        if watch is not None:
            watch(0)
        for epoch in bar:
            network.train()
            total = 0.0
            for batch in torch.split(torch.randperm(len(x), generator=generator), recipe.batch_size):
                loss = _loss(network(x[batch]), y[batch], recipe.loss)
                if regularise is not None:
                    loss = loss + regularise(network, x[batch], y[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                total += loss.item() * len(batch)
            bar.set_postfix(loss=f"{total / len(x):.3f}")
            network.eval()
            if watch is not None:
                watch(epoch + 1)


def assess(network: nn.Module, x: object, y: object, *, loss: str = "cross-entropy") -> tuple[float, float]:
    """Mean loss and accuracy of a network in evaluation mode.

    Args:
        network: from [batch, ...] to logits [batch, classes], or for the squared error to [batch, 1].
        x: samples [samples, ...], numpy or torch.
        y: class indices, or numbers to fit, [samples].
        loss: as in a Recipe.

    Returns:
        The loss, and the share of samples whose largest logit is the label's, or whose output is nearer than
        1/2 to the number.

    Example:
        >>> import torch
        >>> from harsanyi.experiments.fit import assess
        >>> loss, hits = assess(torch.nn.Identity(), torch.eye(2), torch.tensor([0, 0]))
        >>> round(loss, 3), hits
        (0.813, 0.5)
    """
    samples, labels = torch.as_tensor(x), torch.as_tensor(y)
    total = hits = 0.0
    with torch.inference_mode():
        for part, answers in zip(
            torch.split(samples, _EVALUATION_BATCH), torch.split(labels, _EVALUATION_BATCH), strict=True
        ):
            out = network(part)
            total += float(_loss(out, answers, loss)) * len(part)
            right = (out[:, 0] - answers).abs() < 0.5 if loss == "squared" else out.argmax(1) == answers
            hits += int(right.sum())
    return total / len(labels), hits / len(labels)


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
    return assess(network, x, y)[1]


def _loss(out: torch.Tensor, y: torch.Tensor, kind: str) -> torch.Tensor:
    if kind == "squared":
        return nn.functional.mse_loss(out[:, 0], y.to(out.dtype))
    return nn.functional.cross_entropy(out, y)


def _order_loss(
    recipe: Recipe, dataset: Dataset
) -> Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor] | None:
    """The losses of the recipe's orders, on sets of players that depend on its seed alone."""
    if recipe.orders is None:
        return None
    orders, players = recipe.orders, cut(dataset)
    baseline, generator = torch.from_numpy(players.baseline), torch.Generator().manual_seed(recipe.seed)
    return lambda network, x, y: order_loss(
        network, x, y, orders, player=players.player, baseline=baseline, generator=generator
    )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Torch on `count` threads inside the block, and on as many as before after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
