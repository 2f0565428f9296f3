"""What the sparse decompositions check and convert, and how their results go back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import as_array, is_tensor, lattice_players
from harsanyi.errors import ArgumentError, ArgumentTypeError, NonFiniteError

Floats = npt.NDArray[np.float64]

MAX_DECOMPOSE_PLAYERS = 22


def values_of(v: object) -> tuple[Floats, int]:
    """V as a contiguous float64 array and its n, finite."""
    array: Any = as_array(v, "v")
    if is_tensor(array):
        array = array.detach().cpu().numpy()
    if array.dtype not in (np.float32, np.float64, np.int64):
        raise ArgumentTypeError("v", f"dtype {array.dtype}", "of dtype float32, float64 or int64")
    n = lattice_players(array, "v")
    if n > MAX_DECOMPOSE_PLAYERS:
        raise ArgumentError("v", f"2**{n} entries", f"of at most 2**{MAX_DECOMPOSE_PLAYERS} entries")
    values = np.ascontiguousarray(array, dtype=np.float64)
    finite = np.isfinite(values)
    if not finite.all():
        *sample, subset = (int(i) for i in np.argwhere(~finite)[0])
        where = f" of sample {tuple(sample)}" if sample else ""
        raise NonFiniteError(f"v: got {values[(*sample, subset)]} at subset {subset}{where}", subset)
    return values, n


def weights_of(weights: Any, tie_break: float, n: int) -> Floats:
    """W by order, n + 1 of them, 0 for the empty set."""
    tilt = 1 + tie_break * (np.arange(n + 1.0) - 1)
    tilt[0] = 0
    if not (tilt[1:] > 0).all():
        raise ArgumentError("tie_break", tie_break, f"larger than -1 / (n - 1) = {-1 / (n - 1):.4g}")
    if weights is None:
        return tilt
    expected = f"{n + 1} or {n} numbers by order, at least 0, and 0 only from some order on"
    try:
        given = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError("weights", type(weights).__name__, expected) from error
    if given.shape not in ((n + 1,), (n,)):
        raise ArgumentError("weights", f"shape {given.shape}", expected)
    given = given[given.size - n :]
    if not (given >= 0).all() or (np.diff((given == 0).astype(int)) < 0).any():
        raise ArgumentError("weights", given.tolist(), expected)
    return np.concatenate([[0.0], given * tilt[1:]])


def boxes_of(v: Floats, noise: float, zeta: Any, batch: tuple[int, ...]) -> Floats:
    """Zeta for each sample."""
    if zeta is None:
        return np.array(noise * np.abs(v[..., -1] - v[..., 0]), order="C")  # ascontiguousarray adds an axis
    if is_tensor(zeta):
        zeta = zeta.detach().cpu().numpy()
    expected = f"a finite number of at least 0, or one per sample, of shape {batch}"
    try:
        boxes = np.asarray(zeta, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError("zeta", type(zeta).__name__, expected) from error
    if not (np.isfinite(boxes).all() and (boxes >= 0).all()):
        raise ArgumentError("zeta", "a negative number, NaN or infinity", expected)
    try:
        return np.array(np.broadcast_to(boxes, batch), order="C")
    except ValueError as error:
        raise ArgumentError("zeta", f"shape {boxes.shape}", expected) from error


def start_of(warm: Any, shape: tuple[int, ...], public: tuple[int, ...]) -> list[Floats]:
    """Copies of and_, or_, dual and delta of a result, to start from: internal gauge, so or_ as it is."""
    parts = []
    for name in ("and_", "or_", "dual", "delta"):
        part = getattr(warm, name, None)
        if part is None:
            raise ArgumentTypeError("warm_start", type(warm).__name__, "a Decomposition")
        if tuple(part.shape) != public:
            raise ArgumentError("warm_start", f"shape {tuple(part.shape)}", f"of the shape of v, {public}")
        part = part.detach().cpu().numpy() if is_tensor(part) else np.asarray(part)
        parts.append(np.nan_to_num(part.astype(np.float64).reshape(shape)))
    return parts


def like(v: object) -> Any:
    """Turns a numpy result into what `v` was: itself, or a tensor on its device."""
    if not is_tensor(v):
        return lambda x: x
    import torch

    device = v.device
    return lambda x: torch.from_numpy(np.asarray(x)).to(device)
