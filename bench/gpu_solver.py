"""The sparse decomposition as a case of gpu.py: one launch takes each sample to its own certificate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import harsanyi as hs
import numpy as np
import torch
from gpu_job import Agreement, Case, Job
from harsanyi import _core, _cuda

GAP = 1e-3
NOISE = 0.02  # of the change that all players make
_STEPS = 32  # times less bytes of games than of what others transform: a sample takes hundreds of steps


def _games(n: int, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A few AND interactions of low order each, under a little noise."""
    generator = np.random.default_rng(n)
    interactions = np.zeros((count, 1 << n))
    low = [s for s in range(1, 1 << n) if s.bit_count() <= 3]
    for row in interactions:
        row[generator.choice(low, min(n, len(low)), replace=False)] = generator.normal(size=min(n, len(low)))
    return hs.zeta(interactions) + 0.01 * generator.normal(size=interactions.shape)


def _options(n: int, dtype: torch.dtype) -> dict[str, Any]:
    weights = 1 + 0.01 * (np.arange(n + 1.0) - 1)
    weights[0] = 0
    return {
        "single": dtype == torch.float32,
        "single_first": False,
        "simplex_first": False,  # as the device does it
        "gap": GAP,
        "max_steps": 20_000,
        "merge_singletons": True,
        "weights": weights,
        "and_only": False,
        "share": 1.0,
        "networks": 1,
        "alpha": 1.0,
        "warm_start": False,
    }


def decompose(n: int, dtype: torch.dtype, *, noise: bool = False) -> Case:
    """To a gap of GAP; the objective must be the CPU's within it. The floor counts games and results."""

    def prepare(device: torch.device, total: int) -> Job:
        count, options = max(2, total // (8 * _STEPS) >> n), _options(n, dtype)
        games = _games(n, count)
        boxes = NOISE * np.abs(games[:, -1] - games[:, 0]) if noise else None
        v = torch.from_numpy(games).to(device)
        zetas = None if boxes is None else torch.from_numpy(boxes).to(device)
        vectors = [torch.zeros_like(v) for _ in range(4)]
        reports = torch.zeros((count, 4), dtype=torch.float64, device=device)
        device_index, _ = _cuda.place(v)
        built = bytearray(_core.cuda_decompose_plan(n, noise, options["weights"]))
        plan = torch.frombuffer(built, dtype=torch.uint8).to(device)
        size = _core.cuda_decompose_workspace(device_index, n, count, noise, options)
        space = torch.empty(size, dtype=torch.uint8, device=device)
        held = (v, zetas, *vectors, reports, plan, space)

        def run() -> None:
            addresses = [None if x is None else x.data_ptr() for x in held]
            _core.cuda_decompose(*_cuda.place(v), n, count, options, *addresses, size)

        def check(run: Callable[[], None]) -> Agreement:
            run()
            found, expected = reports.cpu().numpy(), _on_cpu(n, games, boxes, options)
            error = float(np.max(np.abs(found[:, 0] - expected[:, 0]) / expected[:, 0]))
            gaps = np.stack([(x[:, 0] - x[:, 1]) / x[:, 0] for x in (found, expected)])
            passed = bool((gaps <= GAP).all() and error <= GAP)
            return Agreement(False, error, error, passed)

        outputs = (*vectors, reports)
        moved = v.nbytes * (1 + 4 if noise else 1 + 3)
        return Job("decompose", (v,), outputs, moved, count, run=run, check=check)

    label = "f32" if dtype == torch.float32 else "f64"
    return Case(f"decompose-{label}-{'noise-' if noise else ''}n{n}", prepare)


def _on_cpu(n: int, games: Any, boxes: Any, options: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    count = len(games)
    vectors = [np.zeros_like(games) for _ in range(4)]
    reports = np.zeros((count, 4))
    size = _core.decompose_workspace(n, count, boxes is not None, options)
    space = np.empty(size, np.uint8)
    and_, or_, delta, dual = vectors
    if boxes is None:
        delta = None
    _core.decompose(n, count, options, None, games, boxes, and_, or_, delta, dual, reports, space, size)
    return reports
