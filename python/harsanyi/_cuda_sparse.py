"""The sparse decomposition of games that lie on a CUDA device."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harsanyi import _core, _cuda

__all__ = ["solve"]


def solve(
    v: torch.Tensor,
    n: int,
    named: dict[str, Any],
    values: npt.NDArray[np.float64],
    boxes: npt.NDArray[np.float64] | None,
    results: list[npt.NDArray[np.float64]],
    reports: npt.NDArray[Any],
) -> None:
    """What `_core.decompose` does, on the device and the current stream of `v`; waits for the results.

    Args:
        v: a tensor on the device, for its place alone.
        n: players.
        named: the options.
        values: the games, any shape [..., 2**n].
        boxes: the bound of the noise term of each, or None.
        results: and_, or_, dual and, with boxes, delta, of the shape of `values`: what they hold is where a
            warm start begins, and the results go there.
        reports: one of four numbers a game.
    """
    count = values.size >> n
    device, stream = _cuda.place(v)

    def there(array: npt.NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(v.device)

    games = there(values)
    vectors = [there(x) if named["warm_start"] else torch.empty_like(games) for x in results]
    zetas = None if boxes is None else there(boxes)
    found = torch.zeros(count * 4, dtype=torch.int64, device=v.device)
    plan = _plan(n, boxes is not None, named["weights"].tobytes(), v.device)
    bytes_needed = _core.cuda_decompose_workspace(device, n, count, boxes is not None, named)
    space = torch.empty(bytes_needed, dtype=torch.uint8, device=v.device)
    and_, or_, dual, *delta = (x.data_ptr() for x in vectors)
    _core.cuda_decompose(
        device,
        stream,
        n,
        count,
        named,
        games.data_ptr(),
        None if zetas is None else zetas.data_ptr(),
        and_,
        or_,
        delta[0] if delta else None,
        dual,
        found.data_ptr(),
        plan.data_ptr(),
        space.data_ptr(),
        space.numel(),
    )
    for here, vector in zip(results, vectors, strict=True):
        np.copyto(here, vector.cpu().numpy())
    reports.reshape(-1)[...] = found.cpu().numpy().view(reports.dtype)


@lru_cache(maxsize=8)
def _plan(n: int, noise: bool, weights: bytes, device: torch.device) -> torch.Tensor:
    """The tables that a device needs, kept: eigenvectors of the noise term's blocks take up to a second."""
    built = _core.cuda_decompose_plan(n, noise, np.frombuffer(weights))
    return torch.frombuffer(bytearray(built), dtype=torch.uint8).to(device)
