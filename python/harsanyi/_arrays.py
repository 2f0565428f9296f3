"""What the array functions share: numpy or torch, lattice shapes, memory."""

from __future__ import annotations

import sys
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from harsanyi.errors import ArgumentError, ArgumentTypeError, NotEnoughMemoryError

if TYPE_CHECKING:
    import torch

    Array = npt.NDArray[Any] | torch.Tensor
    ArrayT = TypeVar("ArrayT", bound=npt.NDArray[Any] | torch.Tensor)  # what goes in comes out
else:
    Array = Any
    ArrayT = TypeVar("ArrayT")

MAX_LATTICE_PLAYERS = 30
MAX_SUBSET_PLAYERS = 63

# Codes of harsanyi_dtype in harsanyi.h.
DTYPE_CODES = {np.dtype(np.float32): 0, np.dtype(np.float64): 1, np.dtype(np.int64): 2}


def is_tensor(x: object) -> TypeGuard[torch.Tensor]:
    """Whether x is a torch tensor, without importing torch: whoever has one has imported it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.Tensor)


def as_array(x: object, name: str) -> Array:
    """X itself if it is a tensor or an array, otherwise numpy's reading of it."""
    if isinstance(x, np.ndarray) or is_tensor(x):
        return x
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ArgumentTypeError(
            name, type(x).__name__, "an array, a tensor or a (nested) sequence"
        ) from error


def lattice_players(x: Array, name: str = "x") -> int:
    """The number of players n of a lattice vector, whose last axis has length 2**n.

    Raises:
        ArgumentError: no axis, a last axis that is not a power of two, n > 30, or an empty batch.
    """
    shape = tuple(x.shape)
    if not shape:
        raise ArgumentError(name, "a scalar", "an array whose last axis has length 2**n")
    length = int(shape[-1])
    n = length.bit_length() - 1
    if length < 1 or length != 1 << n:
        raise ArgumentError(name, f"a last axis of length {length}", "of length 2**n on its last axis")
    if n > MAX_LATTICE_PLAYERS:
        raise ArgumentError(name, f"2**{n} entries", f"of at most 2**{MAX_LATTICE_PLAYERS} entries")
    if 0 in shape:
        raise ArgumentError(
            name, f"an empty batch of shape {shape}", "a batch of at least one lattice vector"
        )
    return n


def check_players(n: object, *, most: int = MAX_LATTICE_PLAYERS, least: int = 0, name: str = "n") -> int:
    """N as a plain int in least..most."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise ArgumentTypeError(name, repr(n), f"an integer from {least} to {most}")
    if not least <= n <= most:
        raise ArgumentError(name, int(n), f"an integer from {least} to {most}")
    return int(n)


def check_number(
    value: object, name: str, *, least: float = 0.0, open_end: bool = False, expected: str | None = None
) -> float:
    """A finite number as a plain float: at least `least`, or larger with `open_end`."""
    if expected is None:
        expected = f"a finite number {'larger than' if open_end else 'of at least'} {least:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ArgumentTypeError(name, value, expected)
    number = float(value)
    if not isfinite(number) or number < least or (open_end and number == least):
        raise ArgumentError(name, number, expected)
    return number


def format_bytes(count: float) -> str:
    """1536 -> '1.5 KiB'."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} PiB"


def available_memory() -> int | None:
    """Bytes that this process may still take, by the machine and its control group; None if unknown."""
    limits: list[int] = []
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            limits += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except OSError:
        pass
    try:
        with (
            open("/sys/fs/cgroup/memory.max", encoding="ascii") as top,
            open("/sys/fs/cgroup/memory.current", encoding="ascii") as now,
        ):
            limits.append(int(top.read()) - int(now.read()))
    except (OSError, ValueError):  # no control group, or "max"
        pass
    return min(limits) if limits else None


def require_memory(bytes_needed: int, what: str) -> None:
    """Raises NotEnoughMemoryError before anything is taken, if `bytes_needed` cannot fit."""
    if bytes_needed < 1 << 26:  # below 64 MiB reading the limits costs more than it protects
        return
    free = available_memory()
    if free is not None and bytes_needed > free:
        raise NotEnoughMemoryError(
            f"{what} needs {format_bytes(bytes_needed)}, but {format_bytes(free)} are available"
        )
