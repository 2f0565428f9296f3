"""Whether and where a tensor meets the CUDA kernels.

The kernels live in a plugin that the core loads at the first call (see harsanyi/cuda.h); without it tensors
of CUDA devices take the torch implementation, like those of any other device.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi import _core
from harsanyi._arrays import is_tensor

if TYPE_CHECKING:
    import torch

__all__ = ["place", "run", "usable"]

_available = lru_cache(maxsize=1)(_core.cuda_available)


def usable(x: torch.Tensor) -> bool:
    """Whether the kernels take the memory of this tensor: it is on a CUDA device and the plugin is loaded."""
    return x.is_cuda and _available()


def place(x: torch.Tensor) -> tuple[int, int]:
    """The device of a CUDA tensor and torch's current stream there, as the kernels take them."""
    import torch

    return x.device.index, torch.cuda.current_stream(x.device).cuda_stream


def run(kernel: str, *arguments: Any) -> None:
    """The kernel on numpy arrays, or its CUDA twin on tensors; the last argument is the result."""
    result = arguments[-1]
    if isinstance(result, np.ndarray):
        getattr(_core, kernel)(*arguments)
    else:
        addresses = (x.data_ptr() if is_tensor(x) else x for x in arguments)
        getattr(_core, f"cuda_{kernel}")(*place(result), *addresses)
