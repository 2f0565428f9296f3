"""What the tests of the transforms as torch ops share: the calls, and tensors that make rounding visible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import harsanyi as hs
import pytest
import torch
from harsanyi import ops

MATRIX = [[0.3, -1.25], [2.0, 0.7]]
CALLS: dict[str, Callable[..., Any]] = {
    **{name: getattr(hs, name) for name in ops.TRANSFORMS},
    "kronecker": lambda x, **options: hs.kronecker(x, MATRIX, **options),
}
OP_ARGUMENTS = dict.fromkeys(ops.TRANSFORMS, ()) | {"kronecker": (0.3, -1.25, 2.0, 0.7)}
CASES = [
    pytest.param(name, dtype, id=f"{name}-{str(dtype)[6:]}")
    for name in CALLS
    for dtype in (torch.float32, torch.float64, torch.int64)
    if not (name == "kronecker" and dtype == torch.int64)
]


def random_tensor(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    if dtype == torch.int64:
        return torch.randint(-(2**63), 2**63 - 1, shape, generator=generator)
    x = torch.randn(shape, generator=generator, dtype=dtype)
    x[..., ::5] = -0.0
    return x


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    a, b = a.detach().cpu().contiguous(), b.detach().cpu().contiguous()
    return a.shape == b.shape and a.dtype == b.dtype and a.numpy().tobytes() == b.numpy().tobytes()


def from_numpy(name: str, x: torch.Tensor) -> torch.Tensor:
    """By the CPU's kernels on an array."""
    return torch.from_numpy(CALLS[name](x.detach().resolve_neg().numpy()))
