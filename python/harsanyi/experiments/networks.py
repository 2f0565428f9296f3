"""The small networks of the demo and of the experiments, freshly initialised."""

from __future__ import annotations

import itertools
from collections import OrderedDict

from torch import nn

from harsanyi.errors import ArgumentError

__all__ = ["lenet", "mlp"]


def lenet(classes: int = 10, *, size: int = 28, channels: int = 1) -> nn.Sequential:
    """LeNet-5 as it is built today: two convolutions, three linear layers, ReLU, max-pooling; 61,706 weights.

    Args:
        classes: length of the logits.
        size: height and width of the images, 28 (padded to 32 by the first layer) or 32.
        channels: channels of the images.

    Returns:
        A network from [batch, channels, size, size] to logits [batch, classes].

    Raises:
        ArgumentError: another size.

    After LeCun et al., Proceedings of the IEEE 1998.

    Example:
        >>> import torch
        >>> from harsanyi.experiments import networks
        >>> networks.lenet()(torch.zeros(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """
    if size not in (28, 32):
        raise ArgumentError("size", size, "28 or 32")
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 6, 5, padding=2 if size == 28 else 0),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(6, 16, 5),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(400, 120),
            relu3=nn.ReLU(),
            fc2=nn.Linear(120, 84),
            relu4=nn.ReLU(),
            fc3=nn.Linear(84, classes),
        )
    )


def mlp(features: int, classes: int, *, depth: int = 5, width: int = 100) -> nn.Sequential:
    """A multi-layer perceptron with ReLU: `depth` linear layers, all but the last with `width` units.

    Args:
        features: length of a sample.
        classes: length of the logits.
        depth: number of linear layers, at least 1.
        width: units in each hidden layer.

    Returns:
        A network from [batch, features] to logits [batch, classes].

    Raises:
        ArgumentError: depth below 1.

    Example:
        >>> from harsanyi.experiments import networks
        >>> sum(1 for layer in networks.mlp(30, 2) if hasattr(layer, "weight"))
        5
    """
    if depth < 1:
        raise ArgumentError("depth", depth, "at least 1")
    sizes = [features, *[width] * (depth - 1), classes]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), start=1):
        layers[f"fc{i}"] = nn.Linear(fan_in, fan_out)
        if i < depth:
            layers[f"relu{i}"] = nn.ReLU()
    return nn.Sequential(layers)
