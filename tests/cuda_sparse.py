"""The sparse decomposition of tensors through the CUDA plugin; `simulated_cuda` runs this file."""

from __future__ import annotations

from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi import _core
from simulated_cuda import DEVICE, through_plugin  # noqa: F401

pytestmark = pytest.mark.usefixtures("through_plugin")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The players of each decomposition on the device."""
    seen: list[int] = []
    kernel = _core.cuda_decompose

    def watched(device: int, stream: int, n: int, *rest: Any) -> None:
        seen.append(n)
        kernel(device, stream, n, *rest)

    monkeypatch.setattr(_core, "cuda_decompose", watched)
    return seen


def games(n: int, shape: tuple[int, ...] = ()) -> np.ndarray:
    v = np.zeros((*shape, 1 << n))
    v[..., [1, (1 << n) - 2, (1 << n) - 1]] = np.random.default_rng(n).normal(size=(*shape, 3))
    return hs.zeta(v) + 0.01 * np.random.default_rng(1).normal(size=v.shape)


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("n", [1, 4, 6])
def test_the_device_reaches_the_same_optimum(calls: list[int], n: int, noise: float) -> None:
    v = games(n, (2, 3))
    expected = hs.decompose(v, noise=noise)
    assert calls == []
    found = hs.decompose(torch.from_numpy(v).to(DEVICE), noise=noise)
    assert calls == [n]
    assert found.and_.device.type == DEVICE
    assert (found.status == "optimal").all()
    assert (found.gap.cpu() <= 1e-3).all()
    np.testing.assert_allclose(found.objective.cpu(), expected.objective, rtol=1.1e-3)
    back = hs.zeta(found.and_) + hs.or_inverse(found.or_) + found.delta
    np.testing.assert_allclose(back.cpu(), v, atol=1e-12)
    assert (abs(found.delta) <= found.zeta[..., None]).all()


def test_options_reach_the_device(calls: list[int]) -> None:
    v = torch.from_numpy(games(5)).to(DEVICE)
    cold = hs.decompose(v, gap=1e-5, merge_singletons=False)
    warm = hs.decompose(v, gap=1e-5, merge_singletons=False, warm_start=cold)
    assert int(warm.steps) < int(cold.steps)
    single = hs.decompose(v.float(), noise=0, precision="float32", gap=2e-3)
    assert float(single.gap) <= 2e-3
    few = hs.decompose(v, gap=0.0, max_steps=3)
    assert (int(few.steps), str(few.status)) == (3, "max_steps")
    free = hs.decompose(v, weights=[1, 1, 1, 1, 0])
    assert float(free.objective) <= float(cold.objective) * 1.01
    assert calls == [5] * 5


def test_what_the_device_does_not_solve_goes_to_the_cpu(calls: list[int]) -> None:
    v = torch.from_numpy(games(4, (2,))).to(DEVICE)
    assert (hs.decompose(v, kinds="and").status == "optimal").all()
    assert (hs.decompose(v, share=0.7).status == "heuristic").all()
    assert str(hs.decompose_joint(v).status) == "optimal"
    assert calls == []
    assert (hs.decompose(games(4, (2,))).status == "optimal").all()
    assert calls == []
