"""The small networks of the demo and of the experiments, freshly initialised.

Each is an `nn.Sequential` with the usual layer names, so that it can be cut behind any of its layers. The
convolutional ones take images of 28x28 or 32x32 pixels; `width` scales their channels, and is small by
default so that they train on two cores.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from harsanyi.errors import ArgumentError

__all__ = ["NETWORKS", "Architecture", "alexnet", "build", "lenet", "mlp", "resnet20", "vgg11"]


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
    _check_size(size)
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


def alexnet(classes: int = 10, *, size: int = 32, channels: int = 1, width: int = 16) -> nn.Sequential:
    """AlexNet's five convolutions and three linear layers, for small images, without dropout.

    Args:
        classes: length of the logits.
        size: height and width of the images, 28 or 32.
        channels: channels of the images.
        width: channels of the first convolution; 64 are those of Krizhevsky's later version.

    Returns:
        A network from [batch, channels, size, size] to logits [batch, classes]; its first feature map, behind
        `relu1`, is as large as the image.

    Raises:
        ArgumentError: another size.

    After Krizhevsky et al., NIPS 2012; strides, kernels and linear layers are shrunk with the image.

    Example:
        >>> from harsanyi.experiments import networks
        >>> [name for name, _ in networks.alexnet().named_children()][:4]
        ['conv1', 'relu1', 'pool1', 'conv2']
    """
    _check_size(size)
    widths = [width, 3 * width, 6 * width, 4 * width, 4 * width]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    before, kernels = channels, (5, 5, 3, 3, 3)
    for i, (after, kernel) in enumerate(zip(widths, kernels, strict=True), start=1):
        layers[f"conv{i}"] = nn.Conv2d(before, after, kernel, padding=kernel // 2)
        layers[f"relu{i}"] = nn.ReLU()
        if i in (1, 2, 5):
            layers[f"pool{i}"] = nn.MaxPool2d(2)
        before = after
    layers["flatten"] = nn.Flatten()
    side = size // 8
    layers |= _head([before * side * side, 16 * width, 16 * width, classes], first_relu=6)
    return nn.Sequential(layers)


def vgg11(classes: int = 10, *, size: int = 32, channels: int = 1, width: int = 16) -> nn.Sequential:
    """VGG-11: eight 3x3 convolutions with batch normalisation in five blocks, three linear layers.

    Args:
        classes: length of the logits.
        size: height and width of the images, 28 or 32.
        channels: channels of the images.
        width: channels of the first convolution; 64 are the paper's.

    Returns:
        A network from [batch, channels, size, size] to logits [batch, classes]. The fifth pooling layer is
        left out: at these sizes nothing would remain.

    Raises:
        ArgumentError: another size.

    After Simonyan and Zisserman, ICLR 2015, configuration A.

    Example:
        >>> from harsanyi.experiments import networks
        >>> sum(name.startswith("conv") for name, _ in networks.vgg11().named_children())
        8
    """
    _check_size(size)
    blocks = ((1,), (2,), (4, 4), (8, 8), (8, 8))
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    before, i = channels, 0
    for block, factors in enumerate(blocks, start=1):
        for factor in factors:
            i += 1
            layers[f"conv{i}"] = nn.Conv2d(before, factor * width, 3, padding=1, bias=False)
            layers[f"bn{i}"] = nn.BatchNorm2d(factor * width)
            layers[f"relu{i}"] = nn.ReLU()
            before = factor * width
        if block < len(blocks):
            layers[f"pool{block}"] = nn.MaxPool2d(2)
    layers["flatten"] = nn.Flatten()
    side = size // 16
    layers |= _head([before * side * side, 8 * width, 8 * width, classes], first_relu=9)
    return nn.Sequential(layers)


def resnet20(classes: int = 10, *, size: int = 32, channels: int = 1, width: int = 8) -> nn.Sequential:
    """ResNet-20: a convolution, three stages of three residual blocks of two, one linear layer.

    Args:
        classes: length of the logits.
        size: height and width of the images, 28 or 32.
        channels: channels of the images.
        width: channels of the first stage; 16 are the paper's.

    Returns:
        A network from [batch, channels, size, size] to logits [batch, classes].

    Raises:
        ArgumentError: another size.

    After He et al., CVPR 2016, section 4.2, with identity shortcuts (option A).

    Example:
        >>> from harsanyi.experiments import networks
        >>> sum(isinstance(layer, networks.nn.Conv2d) for layer in networks.resnet20().modules())
        19
    """
    _check_size(size)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(channels, width, 3, padding=1, bias=False),
        bn1=nn.BatchNorm2d(width),
        relu1=nn.ReLU(),
    )
    before = width
    for stage, factor in enumerate((1, 2, 4), start=1):
        after = factor * width
        layers[f"layer{stage}"] = nn.Sequential(
            *(_Residual(before if block == 0 else after, after) for block in range(3))
        )
        before = after
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(before, classes)
    return nn.Sequential(layers)


class _Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut; where the channels double, the image is halved."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.stride, self.added = after // before, after - before
        self.conv1 = nn.Conv2d(before, after, 3, stride=self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        shortcut = nn.functional.pad(
            x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added)
        )  # the new channels start from zero
        return torch.relu(y + shortcut)


@dataclass(frozen=True)
class Architecture:
    """A kind of network that a recipe can name.

    Attributes:
        build: from (shape of a sample, classes, width or None for its own default) to the network.
        images: whether it takes images, or else tables.
        masked_layer: the layer whose feature map's patches are masked; None for tables.
    """

    build: Callable[[tuple[int, ...], int, int | None], nn.Sequential]
    images: bool
    masked_layer: str | None = None


def _convolutional(
    function: Callable[..., nn.Sequential],
    masked_layer: str,
    memory_format: torch.memory_format = torch.channels_last,
) -> Architecture:
    """With its weights' channels last: a quarter to a half faster on a CPU where the channels are many."""

    def made(shape: tuple[int, ...], classes: int, width: int | None) -> nn.Sequential:
        options = {} if width is None else {"width": width}
        network = function(classes, size=shape[-1], channels=shape[0], **options)
        return network.to(memory_format=memory_format)  # type: ignore[call-overload, no-any-return]

    return Architecture(made, images=True, masked_layer=masked_layer)


def _perceptron(depth: int) -> Architecture:
    def made(shape: tuple[int, ...], classes: int, width: int | None) -> nn.Sequential:
        return mlp(shape[0], classes, depth=depth, width=100 if width is None else width)

    return Architecture(made, images=False)


# Masked behind the first ReLU, of VGG behind the second: Cheng et al., "Revisiting generalization power",
# appendix I.2.
NETWORKS = {
    "lenet": _convolutional(lenet, "relu1", torch.contiguous_format),
    "mlp": _perceptron(5),
    "mlp-7": _perceptron(7),
    "mlp-8": _perceptron(8),
    "alexnet": _convolutional(alexnet, "relu1"),
    "vgg-11": _convolutional(vgg11, "relu2"),
    "resnet-20": _convolutional(resnet20, "relu1"),
}


def build(name: str, shape: tuple[int, ...], classes: int, *, width: int | None = None) -> nn.Sequential:
    """A network by name, for samples of a shape.

    Args:
        name: one of NETWORKS.
        shape: of a sample, without batch axis.
        classes: length of the logits.
        width: channels of the first convolution, or units of a perceptron's layers; None: the network's own.

    Raises:
        ArgumentError: another name, samples that it does not take, or a width for LeNet, which has none.

    Example:
        >>> from harsanyi.experiments import networks
        >>> networks.build("mlp-7", (12,), 2).fc7
        Linear(in_features=100, out_features=2, bias=True)
    """
    if name not in NETWORKS:
        raise ArgumentError("network", name, f"one of {', '.join(NETWORKS)}")
    if name == "lenet" and width is not None:
        raise ArgumentError("width", width, "None for lenet")
    if NETWORKS[name].images != (len(shape) == 3):
        fitting = ", ".join(key for key, one in NETWORKS.items() if one.images == (len(shape) == 3))
        raise ArgumentError("network", f"{name} for samples of shape {shape}", f"one of {fitting}")
    return NETWORKS[name].build(shape, classes, width)


def _head(sizes: list[int], *, first_relu: int) -> OrderedDict[str, nn.Module]:
    """Linear layers fc1, fc2, ... with ReLUs between, numbered on from the convolutions' ones."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), start=1):
        layers[f"fc{i}"] = nn.Linear(fan_in, fan_out)
        if i < len(sizes) - 1:
            layers[f"relu{first_relu + i - 1}"] = nn.ReLU()
    return layers


def _check_size(size: int) -> None:
    if size not in (28, 32):
        raise ArgumentError("size", size, "28 or 32")
