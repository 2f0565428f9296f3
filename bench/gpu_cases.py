"""What gpu.py measures: of each kernel the arguments, those of its CPU twin, and the fewest bytes.

A new kernel is a function that makes a `Job` and a line in `table`. Its CUDA binding is named `cuda_` and the
CPU's name, and takes the device and the stream first and its workspace last.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb, prod

import torch
from gpu_job import Case, Job
from gpu_solver import decompose
from harsanyi.lattice import KIND_CODES

F32, F64, I64, U8 = torch.float32, torch.float64, torch.int64, torch.uint8
BYTES = {1: U8, 2: torch.int16, 4: torch.int32, 8: I64}  # elements of masked batches
LABELS = {F32: "f32", F64: "f64", I64: "i64"}
MATRIX = [0.3, -1.25, 2.0, 0.7]


def _random(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    generator = torch.Generator(device).manual_seed(prod(shape))
    if dtype == I64:
        return torch.randint(-(2**62), 2**62, shape, generator=generator, device=device)
    return torch.randn(shape, generator=generator, dtype=dtype, device=device)


def _vectors(n: int, dtype: torch.dtype, device: torch.device, total: int) -> torch.Tensor:
    """As many lattice vectors as `total` bytes hold, at least one."""
    return _random((max(1, (total // dtype.itemsize) >> n), 1 << n), dtype, device)


def passes(n: int, itemsize: int, shared_bytes: int) -> int:
    """How often a transform goes through memory, by a block's shared memory (csrc/cuda/transform.cu)."""
    chunk = min(1 << 17, 1 << (shared_bytes.bit_length() - 1))
    left = n - (chunk // itemsize).bit_length() + 1
    rows = 12
    while rows > 3 and (16 << (rows + 1)) * 9 // 8 > shared_bytes:
        rows -= 1
    return 1 + max(0, -(-left // rows))


def _shared_bytes(device: torch.device) -> int:
    if device.type != "cuda":
        return 227 << 10
    return int(torch.cuda.get_device_properties(device).shared_memory_per_block_optin)


def transform(name: str, n: int, dtype: torch.dtype, *, in_place: bool = False) -> Case:
    def prepare(device: torch.device, total: int) -> Job:
        x = _vectors(n, dtype, device, total)
        y = x if in_place else torch.empty_like(x)
        kernel, matrix = ("kronecker", MATRIX) if name == "kronecker" else ("transform", KIND_CODES[name])
        often = passes(n, dtype.itemsize, _shared_bytes(device))
        arguments = (matrix, dtype, n, len(x), x, y)
        return Job(kernel, arguments, (y,), 2 * x.nbytes * often, len(x), passes=often)

    return Case(f"{name}-{LABELS[dtype]}-n{n}{'-in-place' * in_place}", prepare)


def pair_sums(n: int, dtype: torch.dtype) -> Case:
    def prepare(device: torch.device, total: int) -> Job:
        x = _vectors(n, dtype, device, total)
        sums = torch.empty((len(x), 1 + n * (n + 1) // 2, n + 1), dtype=F64, device=device)
        size = (n, len(x))
        arguments, moved = (dtype, *size, x, sums), x.nbytes + sums.nbytes
        return Job("pair_sums", arguments, (sums,), moved, len(x), workspace=size, tolerance=1e-12)

    return Case(f"pair_sums-{LABELS[dtype]}-n{n}", prepare)


def pair_sums_adjoint(n: int) -> Case:
    def prepare(device: torch.device, total: int) -> Job:
        batch = max(1, (total // 8) >> n)
        rows = _random((batch, 1 + n * (n + 1) // 2, n + 1), F64, device)
        x = torch.empty((batch, 1 << n), dtype=F64, device=device)
        arguments, moved = (n, batch, rows, x), rows.nbytes + x.nbytes
        return Job("pair_sums_adjoint", arguments, (x,), moved, batch, tolerance=1e-12)

    return Case(f"pair_sums_adjoint-f64-n{n}", prepare)


def reduce_orders(n: int, dtype: torch.dtype) -> Case:
    def prepare(device: torch.device, total: int) -> Job:
        x = _vectors(n, dtype, device, total)
        shape = (len(x), n + 1)
        sums = [torch.empty(shape, dtype=F64, device=device) for _ in range(4)]
        outputs = (*sums, torch.empty(shape, dtype=I64, device=device))
        thresholds = torch.full((len(x),), 0.5, dtype=F64, device=device)
        size = (dtype, n, len(x))
        moved = x.nbytes + thresholds.nbytes + sum(y.nbytes for y in outputs)
        arguments = (*size, x, thresholds, False, *outputs)
        return Job("reduce_orders", arguments, outputs, moved, len(x), workspace=size, tolerance=1e-12)

    return Case(f"reduce_orders-{LABELS[dtype]}-n{n}", prepare)


def player_sums(n: int, dtype: torch.dtype) -> Case:
    def prepare(device: torch.device, total: int) -> Job:
        x = _vectors(n, dtype, device, total)
        weights = torch.linspace(1, 0.1, n + 1, dtype=F64, device=device)
        sums = torch.empty((len(x), n), dtype=F64, device=device)
        size, moved = (dtype, n, len(x)), x.nbytes + weights.nbytes + sums.nbytes
        arguments = (*size, x, weights, sums)
        return Job("player_sums", arguments, (sums,), moved, len(x), workspace=size, tolerance=1e-12)

    return Case(f"player_sums-{LABELS[dtype]}-n{n}", prepare)


def orders(n: int) -> Case:
    def prepare(device: torch.device, total: int) -> Job:
        out = torch.empty(1 << n, dtype=U8, device=device)
        return Job("orders", (n, out), (out,), out.nbytes, 1)

    return Case(f"orders-n{n}", prepare)


def subsets_of_order(n: int) -> Case:
    def prepare(device: torch.device, total: int) -> Job:
        out = torch.empty(comb(n, n // 2), dtype=I64, device=device)
        return Job("subsets_of_order", (n, n // 2, out), (out,), out.nbytes, 1)

    return Case(f"subsets_of_order-n{n}", prepare)


def ranks(kernel: str, n: int) -> Case:
    """An eighth of the bytes: the CPU's function takes microseconds an entry."""

    def prepare(device: torch.device, total: int) -> Job:
        count, inverse = max(1, total // 64), kernel == "unrank_subsets"
        given = torch.randint(comb(n, n // 2) if inverse else 1 << n, (count,), device=device)
        out = torch.empty_like(given)
        arguments = (n, n // 2, count, given, out) if inverse else (count, given, out)
        return Job(kernel, arguments, (out,), given.nbytes + out.nbytes, count)

    return Case(f"{kernel}-n{n}", prepare)


def sample(kernel: str, n: int) -> Case:
    def prepare(device: torch.device, total: int) -> Job:
        masks = kernel == "sample_masks"
        count = max(1, total // (n if masks else 8))
        players = torch.arange(n, dtype=torch.int32, device=device)
        out = torch.empty((count, n) if masks else (count,), dtype=U8 if masks else I64, device=device)
        arguments = (n, players, n, n // 4, count, 7, 0, out)
        return Job(kernel, arguments, (out,), players.nbytes + out.nbytes, count)

    return Case(f"{kernel}-n{n}", prepare)


def masks(kernel: str, n: int) -> Case:
    def prepare(device: torch.device, total: int) -> Job:
        count = max(1, total // n)
        sets = torch.randint(1 << n, (count,), device=device)
        keep = torch.randint(2, (count, n), dtype=U8, device=device)
        pair = (sets, keep) if kernel == "masks_from_subsets" else (keep, sets)
        return Job(kernel, (n, count, *pair), (pair[1],), sets.nbytes + keep.nbytes, count)

    return Case(f"{kernel}-n{n}", prepare)


def masked_batch(width: int, elements: int, n: int) -> Case:
    """Elements of `width` bytes; by masks above 63 players, else by subsets."""
    by_masks = n > 63
    kernel = "masked_batch_from_masks" if by_masks else "masked_batch"

    def prepare(device: torch.device, total: int) -> Job:
        rows = max(5, total // (width * elements))
        x, baseline = (torch.randint(100, (elements,), dtype=BYTES[width], device=device) for _ in range(2))
        player = torch.arange(elements, device=device).mul(n).div(elements).int()
        keep = torch.randint(2, (rows, n), dtype=U8, device=device)
        sets = keep if by_masks else torch.randint(1 << n, (rows,), device=device)
        out = torch.empty((rows, elements), dtype=x.dtype, device=device)
        moved = sum(y.nbytes for y in (x, baseline, player, sets, out))
        return Job(kernel, (width, elements, x, baseline, player, n, rows, sets, out), (out,), moved, rows)

    return Case(f"{kernel}-{width}B-{elements}-n{n}", prepare)


def table() -> Iterator[Case]:
    """All cases, a line a kernel."""
    floats = (F32, F64)
    others = ("zeta", "or_transform", "or_inverse", "walsh_hadamard", "kronecker")
    yield from (transform("mobius", n, dtype) for dtype in floats for n in range(8, 29))
    yield from (transform("mobius", n, dtype, in_place=True) for dtype in floats for n in (12, 20, 26))
    yield from (transform("mobius", n, I64) for n in (12, 20, 26))
    yield from (transform(name, n, dtype) for name in others for dtype in floats for n in (10, 14, 20, 26))
    yield from (pair_sums(n, dtype) for dtype in floats for n in (8, 10, 12, 14, 16, 20, 24))
    yield from (pair_sums_adjoint(n) for n in (8, 10, 12, 14, 16, 20, 24))
    yield from (reduce_orders(n, dtype) for dtype in floats for n in (6, 8, 10, 12, 14, 16, 20, 24, 28))
    yield from (player_sums(n, dtype) for dtype in floats for n in (6, 8, 10, 12, 14, 16, 20, 24, 28))
    yield from (orders(n) for n in (18, 28, 30))
    yield from (subsets_of_order(n) for n in (18, 26, 30))
    yield from (ranks(kernel, n) for kernel in ("rank_subsets", "unrank_subsets") for n in (10, 20))
    yield from (sample("sample_subsets", n) for n in (12, 40))
    yield from (sample("sample_masks", n) for n in (12, 196, 3000))
    conversions = ("masks_from_subsets", "subsets_from_masks")
    yield from (masks(kernel, n) for kernel in conversions for n in (10, 20, 62))
    yield from (masked_batch(width, 3 * 224 * 224, n) for width in BYTES for n in (16, 196))
    yield from (masked_batch(4, elements, 12) for elements in (12, 30, 33))
    yield from (decompose(n, dtype) for dtype in floats for n in (8, 10, 12, 14, 16, 18))
    yield from (decompose(n, F64, noise=True) for n in (8, 10, 12, 14, 16))
