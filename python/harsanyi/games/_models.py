"""A model during a computation: where it lies, in evaluation mode, and afterwards as it was before."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from harsanyi._arrays import Array, is_tensor
from harsanyi.errors import ArgumentTypeError


def is_module(model: object) -> bool:
    """Whether the model is a torch module, as script modules and exported programs' modules are."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def check_model(model: object, name: str) -> None:
    """Raises ArgumentTypeError if the model cannot be called on a batch."""
    if not callable(model):
        raise ArgumentTypeError(
            name, type(model).__name__, "callable on a batch (of an exported program: program.module())"
        )


def to_model(sample: Array, model: Any) -> Array:
    """The sample as the model takes it: unchanged for a plain callable, a tensor on its device for a module.

    A floating numpy array takes the dtype of the model's parameters: numpy's default of float64 is rarely
    meant. A tensor keeps the dtype that its owner chose.
    """
    if not is_module(model):
        return sample
    import torch

    held = list(itertools.chain(model.parameters(), model.buffers()))
    tensor = sample if isinstance(sample, torch.Tensor) else torch.tensor(sample)
    if held:
        tensor = tensor.to(held[0].device)
    if isinstance(sample, np.ndarray) and tensor.is_floating_point():
        tensor = tensor.to(next((x.dtype for x in held if x.is_floating_point()), tensor.dtype))
    return tensor


@contextmanager
def evaluating(model: Any, like: Array) -> Iterator[None]:
    """Evaluation and inference mode, for batches of the kind of `like`; every submodule's mode is restored.

    Only the flags change. Calling `eval()` would run hooks that cannot be undone one submodule at a time
    (some modules merge weights there), and exported programs refuse it: they keep the mode in which they were
    exported.
    """
    if not is_tensor(like):
        yield
        return
    import torch

    trained = [m for m in model.modules() if getattr(m, "training", False)] if is_module(model) else []
    try:
        for module in trained:
            module.training = False
        with torch.inference_mode():
            yield
    finally:
        for module in trained:
            module.training = True


def ordinary(x: Array) -> Array:
    """X, or its copy if it is an inference tensor, which autograd would refuse later."""
    return x.clone() if not isinstance(x, np.ndarray) and x.is_inference() else x
