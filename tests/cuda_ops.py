"""The torch ops through the CUDA plugin; `simulated_cuda` runs this file with one that needs no device.

CPU tensors stand for those of a device here; arrays go to the CPU's kernels as ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi import _core, _cuda, ops
from harsanyi.reductions import pair_sums
from op_cases import CALLS, CASES, MATRIX, OP_ARGUMENTS, from_numpy, random_tensor, same_bits
from simulated_cuda import through_plugin  # noqa: F401

pytestmark = pytest.mark.usefixtures("through_plugin")

SHAPES = ((1,), (2,), (3, 4), (2, 3, 32), (5, 1 << 10), (1 << 15,))  # the last goes through the dispatcher


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The arguments of every call that reaches the plugin."""
    seen: list[tuple[Any, ...]] = []

    def watch(name: str) -> None:
        kernel = getattr(_core, name)

        def watched(*arguments: Any) -> None:
            seen.append(arguments)
            kernel(*arguments)

        monkeypatch.setattr(_core, name, watched)

    for name in ("cuda_transform", "cuda_kronecker", "cuda_pair_sums", "cuda_pair_sums_adjoint"):
        watch(name)
    return seen


def by_cuda_key(name: str, x: torch.Tensor, *numbers: float) -> torch.Tensor:
    """What the dispatcher calls for a tensor of a CUDA device."""
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.CUDA)
    result: torch.Tensor = getattr(torch.ops.harsanyi, name).default.redispatch(keys, x, *numbers)
    return result


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_twins_agree_to_the_bit(name: str, dtype: torch.dtype, jobs: list[tuple[Any, ...]]) -> None:
    for shape in SHAPES:
        x = random_tensor(shape, dtype)
        expected = from_numpy(name, x)
        del jobs[:]
        assert same_bits(CALLS[name](x), expected)
        assert same_bits(by_cuda_key(name, x, *OP_ARGUMENTS[name]), expected)
        assert len(jobs) == 2


VIEWS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "transposed": lambda x: x.transpose(0, 1).contiguous().transpose(0, 1),
    "strided": lambda x: x.repeat_interleave(2, dim=-1)[..., ::2],
    "expanded": lambda x: x[:1].expand(x.shape),
    "negative": lambda x: torch.complex(x, -x).conj().imag,
    "off the alignment": lambda x: torch.cat([x.flatten(), x.flatten()])[1 : 1 + x.numel()].view(x.shape),
    "a parameter": torch.nn.Parameter,
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", CALLS)
def test_views_do_not_matter(name: str, view: str, jobs: list[tuple[Any, ...]]) -> None:
    x = VIEWS[view](random_tensor((3, 2, 64)))
    kept = x.detach().clone()
    assert same_bits(CALLS[name](x).detach(), from_numpy(name, x))
    assert torch.equal(x.detach(), kept)
    assert len(jobs) == 1


OUTPUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "another": torch.empty_like,
    "itself": lambda x: x,
    "overlapping": lambda x: x.view(-1)[4:20].view(2, 8),
    "strided": lambda x: torch.empty(*x.shape, 2, dtype=x.dtype)[..., 0],
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("name", CALLS)
def test_results_go_where_they_are_told(name: str, output: str, jobs: list[tuple[Any, ...]]) -> None:
    x = random_tensor((4, 8))
    out = OUTPUTS[output](x)
    x = x[: len(out)]
    expected, version = from_numpy(name, x), out._version
    assert CALLS[name](x, out=out) is out
    assert same_bits(out.contiguous(), expected)
    assert out._version > version
    assert len(jobs) == 1


@pytest.mark.parametrize("name", CALLS)
def test_nothing_is_copied_on_the_way_to_an_output(name: str, jobs: list[tuple[Any, ...]]) -> None:
    x, out = random_tensor((2, 8)), torch.empty(2, 8, dtype=torch.float64)
    CALLS[name](x, out=out)
    CALLS[name](x, out=x)
    assert [job[-2:] for job in jobs] == [(x.data_ptr(), out.data_ptr()), (x.data_ptr(), x.data_ptr())]


@pytest.mark.parametrize("name", CALLS)
def test_the_kernels_get_the_device_and_the_stream(
    name: str, jobs: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cuda, "place", lambda x: (1, 4096))  # the simulation has two devices, and no streams
    x = random_tensor((8,))
    assert same_bits(CALLS[name](x), from_numpy(name, x))
    assert same_bits(CALLS[name](x, out=torch.empty_like(x)), from_numpy(name, x))
    assert [job[:2] for job in jobs] == [(1, 4096), (1, 4096)]


@pytest.mark.parametrize("name", CALLS)
def test_gradients_take_the_same_way(name: str, jobs: list[tuple[Any, ...]]) -> None:
    x = random_tensor((2, 8)).requires_grad_()
    assert torch.autograd.gradcheck(CALLS[name], (x,))
    assert torch.autograd.gradgradcheck(CALLS[name], (x,))
    del jobs[:]
    y = CALLS[name](x)
    (found,) = torch.autograd.grad(y, x, torch.ones_like(y))
    adjoint = {"kronecker": "kronecker"} | {key: value[2] for key, value in ops.TRANSFORMS.items()}
    ones = np.ones((2, 8))
    expected = hs.kronecker(ones, np.transpose(MATRIX)) if name == "kronecker" else CALLS[adjoint[name]](ones)
    assert same_bits(found, torch.from_numpy(expected))
    assert len(jobs) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pair_sums_agree(dtype: torch.dtype, jobs: list[tuple[Any, ...]]) -> None:
    for shape in ((1,), (2,), (3, 4), (2, 3, 32), (2, 1 << 12), (1 << 15,)):
        x = random_tensor(shape, dtype)
        expected = pair_sums(x.numpy())
        limits = {"rtol": 0, "atol": 1e-12 * np.abs(expected).max()}
        del jobs[:]
        found = pair_sums(x)
        assert found.dtype == torch.float64
        np.testing.assert_allclose(found.numpy(), expected, **limits)
        by_key = by_cuda_key("pair_sums", x)
        assert by_key.dtype == dtype
        np.testing.assert_allclose(by_key.double().numpy(), found.to(dtype).double().numpy(), **limits)
        assert len(jobs) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_adjoint_of_the_pair_sums_agrees(dtype: torch.dtype, jobs: list[tuple[Any, ...]]) -> None:
    for batch, n in (((), 0), ((3,), 2), ((2, 3), 5), ((2,), 12), ((), 15)):
        rows = random_tensor((*batch, 1 + n * (n + 1) // 2, n + 1)).to(dtype)
        expected = np.empty((*batch, 1 << n))
        source = rows.double().contiguous().numpy()
        _core.pair_sums_adjoint(n, expected.size >> n, source, expected)
        del jobs[:]
        found = by_cuda_key("pair_sums_adjoint", rows)
        assert found.dtype == dtype
        eps = 1e-12 if dtype == torch.float64 else 1e-6
        limits = {"rtol": 0, "atol": eps * np.abs(expected).max()}
        np.testing.assert_allclose(found.double().numpy(), expected, **limits)
        assert len(jobs) == 1


@pytest.mark.parametrize("view", VIEWS)
def test_pair_sums_of_views(view: str, jobs: list[tuple[Any, ...]]) -> None:
    x = VIEWS[view](random_tensor((3, 2, 16)))
    expected = hs.multi_order(x.detach().resolve_neg().numpy())
    np.testing.assert_allclose(hs.multi_order(x).detach().numpy(), expected, rtol=0, atol=1e-12)
    assert len(jobs) == 1


def test_gradients_of_pair_sums(jobs: list[tuple[Any, ...]]) -> None:
    x = random_tensor((8,)).requires_grad_()
    assert torch.autograd.gradcheck(hs.multi_order, (x,))
    assert torch.autograd.gradgradcheck(hs.multi_order, (x,))
    assert jobs


def test_an_error_of_the_plugin_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cuda, "place", lambda x: (7, 0))
    with pytest.raises(RuntimeError, match=r"^cuda: "):
        hs.zeta(torch.ones(4))
