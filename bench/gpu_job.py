"""How gpu.py runs a kernel, and how it compares the result with that of the CPU's twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from harsanyi import _core, _cuda
from harsanyi.ops import DTYPE_CODES

F32, F64 = torch.float32, torch.float64
FLOAT32_ERROR = 1e-4  # of the largest value: how far float32 may be from float64


@dataclass(frozen=True)
class Job:
    """One call: the arguments of the CPU's function, a dtype for its code, and tensors on the device."""

    kernel: str
    arguments: tuple[Any, ...]
    outputs: tuple[torch.Tensor, ...]  # those of the tensors that it writes
    nbytes: int  # the fewest that must move through the device's memory
    batch: int
    passes: int = 1
    workspace: tuple[Any, ...] | None = None  # arguments of the query of its size; None: it takes none
    tolerance: float = 0.0  # of the largest value; 0: the CPU's bits
    # In place of the kernel with these arguments, and of the comparison with its CPU twin:
    run: Callable[[], None] | None = None
    check: Callable[[Callable[[], None]], Agreement] | None = None


@dataclass(frozen=True)
class Case:
    """A named job, made when its turn comes: prepare(device, bytes of the largest buffer)."""

    name: str
    prepare: Callable[[torch.device, int], Job]


@dataclass(frozen=True)
class Agreement:
    """How a result differs from the CPU's and from float64: by the largest value, at most."""

    bits: bool
    error: float
    float64_error: float
    passed: bool


def launcher(job: Job) -> Callable[[], None]:
    """What queues the kernel once; memory is taken here, not there."""
    if job.run is not None:
        return job.run
    kernel = getattr(_core, f"cuda_{job.kernel}")
    like = job.outputs[0]
    arguments = [_plain(value, torch.Tensor.data_ptr) for value in job.arguments]
    if job.workspace is None:
        return lambda: kernel(*_cuda.place(like), *arguments)
    query = [_plain(value, torch.Tensor.data_ptr) for value in job.workspace]
    count = getattr(_core, f"cuda_{job.kernel}_workspace")(*query)
    scratch = torch.empty(count, dtype=torch.uint8, device=like.device)
    return lambda: kernel(*_cuda.place(like), *arguments, scratch.data_ptr(), count)


def agreement(job: Job, run: Callable[[], None]) -> Agreement:
    """Runs the kernel and the CPU's on the same data, and the CPU's on float64 if that is another."""
    if job.check is not None:
        return job.check(run)
    tensors = [value for value in job.arguments if isinstance(value, torch.Tensor)]
    host = {id(x): x.to("cpu", copy=True) for x in tensors}
    single = any(x.dtype == F32 for x in tensors)
    wide = {key: x.to(F64, copy=True) if x.dtype == F32 else x.clone() for key, x in host.items() if single}
    run()
    found = [x.cpu() for x in job.outputs]
    expected = _on_cpu(job, host)
    bits = all(torch.equal(_bits(a), _bits(b)) for a, b in zip(found, expected, strict=True))
    error = _distance(found, expected)
    float64_error = _distance(found, _on_cpu(job, wide, {F32: F64})) if single else error
    passed = (bits if job.tolerance == 0 else error <= job.tolerance) and (
        not single or float64_error <= FLOAT32_ERROR
    )
    return Agreement(bits, error, float64_error, passed)


def _plain(value: Any, of_tensor: Callable[[torch.Tensor], Any]) -> Any:
    if isinstance(value, torch.Tensor):
        return of_tensor(value)
    return DTYPE_CODES[value] if isinstance(value, torch.dtype) else value


def _on_cpu(
    job: Job, copies: dict[int, torch.Tensor], dtypes: dict[torch.dtype, torch.dtype] | None = None
) -> list[torch.Tensor]:
    replaced = [
        dtypes.get(value, value) if dtypes and isinstance(value, torch.dtype) else value
        for value in job.arguments
    ]
    arguments = [_plain(value, lambda x: copies[id(x)].numpy()) for value in replaced]
    getattr(_core, job.kernel)(*arguments)
    return [copies[id(x)] for x in job.outputs]


def _bits(x: torch.Tensor) -> torch.Tensor:
    return x.view({4: torch.int32, 8: torch.int64}[x.itemsize]) if x.is_floating_point() else x


def _distance(found: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    """By the largest value of all results: a sum may be small because its terms cancel."""
    scale = max(5e-324, *(float(b.double().abs().max()) for b in expected))
    worst = 0.0
    for a, b in zip(found, expected, strict=True):
        if a.dtype == b.dtype and torch.equal(_bits(a), _bits(b)):
            continue  # int64 of any size
        worst = max(worst, float((a.double() - b.double()).abs().max()) / scale)
    return worst
