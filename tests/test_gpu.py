"""Tensors on a CUDA device, through the plugin: values, streams, devices, derivatives, graphs.

Left out where there is no device. cuda_ops.py has the same ops through the plugin without one.
"""

from __future__ import annotations

from collections.abc import Callable

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi import _core, _cuda
from op_cases import CALLS, CASES, MATRIX, random_tensor, same_bits

pytestmark = pytest.mark.gpu

DEVICE = "cuda"
# One pass and two, small batches and large ones, blocks that are full and blocks that are not.
SHAPES = ((1,), (2,), (3, 4), (2, 3, 32), (1001, 64), (301, 1 << 12), (1 << 16,), (3, 1 << 20))


@pytest.fixture(autouse=True)
def _plugin() -> None:
    assert _core.cuda_available(), _core.cuda_absence()


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_twins_agree_to_the_bit(name: str, dtype: torch.dtype) -> None:
    for shape in SHAPES:
        x = random_tensor(shape, dtype)
        moved = x.to(DEVICE)
        found = CALLS[name](moved)
        assert found.device == moved.device
        assert same_bits(found, CALLS[name](x))
        assert same_bits(moved, x)


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_without_the_plugin_torch_serves(
    name: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cuda, "usable", lambda x: False)
    for shape in ((1,), (3, 4), (5, 1 << 10), (1 << 16,)):
        x = random_tensor(shape, dtype)
        found, expected = CALLS[name](x.to(DEVICE)).cpu(), CALLS[name](x)
        if name == "kronecker":  # whose products torch may round on the way
            torch.testing.assert_close(found, expected)
        else:
            assert same_bits(found, expected)


VIEWS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "transposed": lambda x: x.transpose(0, 1).contiguous().transpose(0, 1),
    "strided": lambda x: x.repeat_interleave(2, dim=-1)[..., ::2],
    "expanded": lambda x: x[:1].expand(x.shape),
    "negative": lambda x: torch.complex(x, -x).conj().imag,
    "off the alignment": lambda x: torch.cat([x.flatten(), x.flatten()])[1 : 1 + x.numel()].view(x.shape),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", CALLS)
def test_views_and_outputs(name: str, view: str) -> None:
    x = VIEWS[view](random_tensor((3, 2, 1 << 13)).to(DEVICE))
    expected = CALLS[name](x.cpu().resolve_neg())
    assert same_bits(CALLS[name](x), expected)
    for out in (
        torch.empty_like(x, memory_format=torch.contiguous_format),
        torch.empty(*x.shape, 2, dtype=x.dtype, device=DEVICE)[..., 0],
        torch.empty(x.shape, dtype=x.dtype),  # another device
    ):
        assert CALLS[name](x, out=out) is out
        assert same_bits(out, expected)


def test_in_place_takes_no_memory() -> None:
    x = random_tensor((1 << 20,)).to(DEVICE)
    expected = hs.mobius(x.cpu())
    hs.mobius(x.clone())  # whatever a first call takes
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    hs.mobius(x, out=x)
    assert torch.cuda.max_memory_allocated() == before
    assert same_bits(x, expected)


def test_work_is_queued_on_the_current_stream() -> None:
    source = random_tensor((1 << 18,)).to(DEVICE)
    x = torch.zeros_like(source)
    torch.cuda.synchronize()
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        torch.cuda._sleep(100_000_000)  # cycles: on another stream the transform would see zeros
        x.copy_(source)
        y = hs.mobius(x)
    side.synchronize()
    assert same_bits(y, hs.mobius(source.cpu()))


def test_a_call_returns_before_its_work_is_done() -> None:
    x = random_tensor((1 << 10,)).to(DEVICE)
    y = hs.mobius(x)
    torch.cuda.synchronize()
    torch.cuda._sleep(1_000_000_000)
    hs.mobius(x, out=y)
    assert not torch.cuda.current_stream().query()
    torch.cuda.synchronize()


def test_the_current_device_stays() -> None:
    for device in range(torch.cuda.device_count()):
        x = random_tensor((64,)).to(f"cuda:{device}")
        before = torch.cuda.current_device()
        assert same_bits(hs.zeta(x), hs.zeta(x.cpu()))
        assert torch.cuda.current_device() == before
        with torch.cuda.device(device):
            hs.zeta(x, out=x)
            assert torch.cuda.current_device() == device


@pytest.mark.parametrize("name", CALLS)
def test_gradients(name: str) -> None:
    x = random_tensor((2, 8)).to(DEVICE).requires_grad_()
    assert torch.autograd.gradcheck(CALLS[name], (x,))
    assert torch.autograd.gradgradcheck(CALLS[name], (x,))
    batched = torch.vmap(CALLS[name], in_dims=1, out_dims=1)(x.detach().T.contiguous())
    assert same_bits(batched, CALLS[name](x.detach().cpu()).T)


def test_compiled_functions_have_no_graph_break() -> None:
    compiled = torch.compile(
        lambda x: hs.kronecker(hs.mobius(x), MATRIX), fullgraph=True, backend="aot_eager"
    )
    x = random_tensor((2, 1 << 14)).to(DEVICE)
    assert same_bits(compiled(x), hs.kronecker(hs.mobius(x.cpu()), MATRIX))


def test_a_graph_is_captured_and_replayed() -> None:
    first, second = random_tensor((5, 1 << 16)).to(DEVICE), random_tensor((5, 1 << 16)).to(DEVICE) + 1
    x, y = first.clone(), torch.empty_like(first)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # kernels are loaded before a capture begins
        hs.mobius(x, out=y)
        hs.or_transform(y)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        hs.mobius(x, out=y)
        z = hs.or_transform(y)
    for values in (first, second):
        x.copy_(values)
        graph.replay()
        assert same_bits(y, hs.mobius(values.cpu()))
        assert same_bits(z, hs.or_transform(hs.mobius(values.cpu())))


def test_sums_are_captured_once_their_weights_are_there() -> None:
    first, second = random_tensor((5, 1 << 10)).to(DEVICE), random_tensor((5, 1 << 10)).to(DEVICE) + 1
    x = first.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        hs.reduce_orders(x, threshold=0.5)
        hs.shapley_values(x)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        sums, values = hs.reduce_orders(x, threshold=0.5), hs.shapley_values(x)
    for game in (first, second):
        x.copy_(game)
        graph.replay()
        torch.testing.assert_close(sums.sum.cpu(), hs.reduce_orders(game.cpu(), threshold=0.5).sum)
        assert torch.equal(sums.count.cpu(), hs.reduce_orders(game.cpu(), threshold=0.5).count)
        torch.testing.assert_close(values.cpu(), hs.shapley_values(game.cpu()))


def test_pair_sums_and_their_adjoint() -> None:
    for shape in ((1,), (3, 4), (7, 1 << 6), (2, 1 << 16)):
        for dtype in (torch.float32, torch.float64):
            x = random_tensor(shape, dtype)
            found, expected = torch.ops.harsanyi.pair_sums(x.to(DEVICE)), torch.ops.harsanyi.pair_sums(x)
            tolerance = 1e-12 if dtype == torch.float64 else 1e-6
            scale = float(expected.abs().max())
            torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=tolerance * scale)
            back = torch.ops.harsanyi.pair_sums_adjoint
            expected_back = back(expected)
            scale = float(expected_back.abs().max())
            torch.testing.assert_close(
                back(expected.to(DEVICE)).cpu(), expected_back, rtol=0, atol=tolerance * scale
            )
    x = random_tensor((2, 16)).to(DEVICE).requires_grad_()
    assert torch.autograd.gradcheck(torch.ops.harsanyi.pair_sums, (x,))
    np.testing.assert_allclose(
        hs.multi_order(x.detach()).cpu().numpy(), hs.multi_order(x.detach().cpu().numpy()), atol=1e-12
    )
