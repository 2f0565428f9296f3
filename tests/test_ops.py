"""The transforms on torch tensors: registered ops, their derivatives, and all that watches a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi import ops
from harsanyi.errors import ArgumentError, ArgumentTypeError
from op_cases import CALLS, CASES, MATRIX, OP_ARGUMENTS, from_numpy, random_tensor, same_bits
from torch._subclasses.fake_tensor import FakeTensorMode

SHAPES = ((1,), (2,), (3, 4), (2, 3, 32), (5, 1 << 12), (1 << 16,))  # the last two go through the dispatcher

# What torch itself says when forward mode is first used.
FORWARD_MODE = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")


# ---- values and memory ----


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_tensors_and_arrays_agree_to_the_bit(name: str, dtype: torch.dtype) -> None:
    for shape in SHAPES:
        x = random_tensor(shape, dtype)
        expected = from_numpy(name, x)
        assert same_bits(CALLS[name](x), expected)
        assert same_bits(getattr(torch.ops.harsanyi, name)(x, *OP_ARGUMENTS[name]), expected)


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_the_torch_implementation_agrees_to_the_bit(name: str, dtype: torch.dtype) -> None:
    """What runs on devices without a kernel; here on the CPU, where the kernel can be asked."""
    for shape in SHAPES:
        x = random_tensor(shape, dtype)
        n = shape[-1].bit_length() - 1
        if name == "kronecker":
            found = ops.transform_torch(x, n, OP_ARGUMENTS[name])
        else:
            entries, sign, _ = ops.TRANSFORMS[name]
            found = ops.transform_torch(x, n, entries, sign)
        assert same_bits(found, CALLS[name](x))
        assert found.data_ptr() != x.data_ptr()


VIEWS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "transposed": lambda x: x.transpose(0, 1).contiguous().transpose(0, 1),
    "strided": lambda x: x.repeat_interleave(2, dim=-1)[..., ::2],
    "expanded": lambda x: x[:1].expand(x.shape),
    "negative": lambda x: torch.complex(x, -x).conj().imag,
    "inside a storage": lambda x: torch.cat([x.flatten(), x.flatten()])[1 : 1 + x.numel()].view(x.shape),
    "a parameter": torch.nn.Parameter,
    "detached": lambda x: x.requires_grad_().detach(),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", CALLS)
def test_views_do_not_matter(name: str, view: str) -> None:
    for length in (16, 1 << 13):
        x = VIEWS[view](random_tensor((3, 2, length)))
        kept = x.detach().clone()
        assert same_bits(CALLS[name](x).detach(), from_numpy(name, x))
        assert torch.equal(x.detach(), kept)


OUTPUTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "another": torch.empty_like,
    "itself": lambda x: x,
    "its own memory": lambda x: x[:],
    "its own rows, exchanged": lambda x: x.as_strided(x.shape, (x.stride(0), x.stride(1))).roll(0).flip(0),
    "strided": lambda x: torch.empty(*x.shape, 2, dtype=x.dtype)[..., 0],
    "transposed": lambda x: torch.empty(x.shape[::-1], dtype=x.dtype).T,
    "a parameter": lambda x: torch.nn.Parameter(torch.empty_like(x), requires_grad=False),
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("name", CALLS)
def test_results_go_where_they_are_told(name: str, output: str) -> None:
    for length in (1, 8, 1 << 14):
        x = random_tensor((3, length))
        expected = from_numpy(name, x)
        out = OUTPUTS[output](x)
        assert CALLS[name](x, out=out) is out
        assert torch.equal(out, expected)


@pytest.mark.parametrize("shift", [-16, -1, 3, 16])
@pytest.mark.parametrize("name", CALLS)
def test_an_output_may_overlap_its_input(name: str, shift: int) -> None:
    memory = random_tensor((256,))
    x, out = memory[64:128], memory[64 + shift : 128 + shift]
    expected = from_numpy(name, x.clone())
    CALLS[name](x, out=out)
    assert same_bits(out.clone(), expected)


def test_in_place_needs_no_second_buffer_and_tells_autograd() -> None:
    x = torch.ones(8)
    weights = torch.ones(8, requires_grad=True)
    loss = (weights * x).sum()  # keeps x for the backward pass
    address = x.data_ptr()
    hs.zeta(x, out=x)
    assert x.data_ptr() == address
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_inference_mode() -> None:
    with torch.inference_mode():
        x = torch.ones(4)
        assert hs.zeta(x).tolist() == hs.zeta(x, out=x).tolist() == [1, 2, 2, 4]


# ---- derivatives ----


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_opcheck(name: str, dtype: torch.dtype) -> None:
    op = getattr(torch.ops.harsanyi, name).default
    for shape in ((8,), (2, 3, 4)):
        x = random_tensor(shape, dtype)
        torch.library.opcheck(op, (x, *OP_ARGUMENTS[name]))
    if dtype != torch.int64:
        torch.library.opcheck(op, (random_tensor((2, 8), dtype).requires_grad_(), *OP_ARGUMENTS[name]))


@FORWARD_MODE
@pytest.mark.parametrize("name", CALLS)
def test_gradients_of_both_modes_and_orders(name: str) -> None:
    for shape in ((1,), (8,), (2, 3, 4)):
        x = random_tensor(shape).requires_grad_()
        assert torch.autograd.gradcheck(CALLS[name], (x,), check_forward_ad=True, check_batched_grad=True)
        assert torch.autograd.gradgradcheck(CALLS[name], (x,))


@pytest.mark.parametrize("name", CALLS)
def test_the_gradient_is_the_adjoint_transform(name: str) -> None:
    for length in (8, 1 << 15):
        x, y = random_tensor((2, length)).requires_grad_(), random_tensor((2, length)) + 1
        (found,) = torch.autograd.grad(CALLS[name](x), x, y)
        if name == "kronecker":
            assert torch.equal(found, hs.kronecker(y, np.transpose(MATRIX)))
        else:
            assert torch.equal(found, CALLS[ops.TRANSFORMS[name][2]](y))


@FORWARD_MODE
@pytest.mark.parametrize("name", CALLS)
def test_functional_transforms(name: str) -> None:
    call, x, tangent = CALLS[name], random_tensor((3, 8)), random_tensor((3, 8)) + 1
    expected = call(x)
    for axis in (0, 1, -1):
        moved = torch.vmap(call, in_dims=axis, out_dims=axis)(x.movedim(0, axis))
        assert torch.equal(moved.movedim(axis, 0), expected)
    assert torch.equal(torch.vmap(torch.vmap(call))(x.expand(2, 3, 8)), expected.expand(2, 3, 8))
    value, derivative = torch.func.jvp(call, (x,), (tangent,))
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(derivative, call(tangent))
    backward, forward = torch.func.jacrev(call)(x[0]), torch.func.jacfwd(call)(x[0])
    torch.testing.assert_close(backward, forward)
    hessian = torch.func.hessian(lambda y: (call(y) ** 2).sum())(x[0])
    torch.testing.assert_close(hessian, 2 * backward.T @ backward)


@FORWARD_MODE
def test_forward_over_reverse() -> None:
    """A dual number that arrives only in the backward pass keeps its tangent, too."""
    x, direction = random_tensor((8,)).requires_grad_(), random_tensor((8,)) + 1
    y = hs.mobius(x)
    with torch.autograd.forward_ad.dual_level():
        weights = torch.autograd.forward_ad.make_dual(torch.ones(8, dtype=torch.float64), direction)
        (gradient,) = torch.autograd.grad(y, x, weights)
        tangent = torch.autograd.forward_ad.unpack_dual(gradient).tangent
    torch.testing.assert_close(tangent, hs.superset_mobius(direction))


# ---- compilers and tensors without data ----


def test_compiled_functions_have_no_graph_break() -> None:
    def loss(x: torch.Tensor) -> torch.Tensor:
        return (hs.kronecker(hs.mobius(x), MATRIX) * hs.or_transform(x)).sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    for shape in ((8,), (2, 1 << 14)):
        x = random_tensor(shape).requires_grad_()
        torch.testing.assert_close(compiled(x), loss(x))
        (found,) = torch.autograd.grad(compiled(x), x)
        (expected,) = torch.autograd.grad(loss(x), x)
        torch.testing.assert_close(found, expected)


def test_exported_programs_contain_the_op() -> None:
    class Dividends(torch.nn.Module):
        def forward(self, v: torch.Tensor) -> torch.Tensor:
            return hs.mobius(v)

    v = random_tensor((2, 8))
    program = torch.export.export(Dividends(), (v,))
    assert torch.ops.harsanyi.mobius.default in [node.target for node in program.graph.nodes]
    assert torch.equal(program.module()(v), hs.mobius(v))


@pytest.mark.filterwarnings("ignore:.torch.jit.trace:DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_a_trace_contains_the_op() -> None:
    traced = torch.jit.trace(lambda v: hs.mobius(v), (random_tensor((4,)),))
    v = random_tensor((4,)) + 1
    assert torch.equal(traced(v), hs.mobius(v))


@pytest.mark.parametrize("name", CALLS)
def test_tensors_without_data(name: str) -> None:
    found = CALLS[name](torch.empty(2, 8, device="meta"))
    assert (found.shape, found.dtype, found.device.type) == ((2, 8), torch.float32, "meta")
    with FakeTensorMode():
        x = torch.empty(2, 1 << 15, dtype=torch.float64)
        found = CALLS[name](x)
        assert (found.shape, found.dtype) == (x.shape, x.dtype)
        out = torch.empty_like(x)
        assert CALLS[name](x, out=out) is out


# ---- bad input ----


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.ones(3), ArgumentError, "x: got a last axis of length 3"),
        (torch.ones(4, 0), ArgumentError, "x: got a last axis of length 0"),
        (torch.ones(0, 4), ArgumentError, "x: got an empty batch"),
        (torch.tensor(1.0), ArgumentError, "x: got a scalar"),
        (torch.ones(4, dtype=torch.half), ArgumentTypeError, r"x: got dtype torch\.float16"),
        (torch.ones(4, dtype=torch.int32), ArgumentTypeError, r"x: got dtype torch\.int32"),
        (torch.ones(4, dtype=torch.bool), ArgumentTypeError, r"x: got dtype torch\.bool"),
        (torch.ones(4, dtype=torch.cfloat), ArgumentTypeError, r"x: got dtype torch\.complex64"),
        (torch.ones(4).to_sparse(), ArgumentTypeError, r"x: got layout torch\.sparse_coo"),
    ],
)
def test_bad_tensors_are_named(name: str, x: torch.Tensor, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CALLS[name](x)
    if not x.is_sparse:
        with pytest.raises(error, match=message):  # by its own name, too: no memory is read that is not there
            getattr(torch.ops.harsanyi, name)(x, *OP_ARGUMENTS[name])


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("x", "out", "error", "message"),
    [
        (torch.ones(4), torch.ones(8), ArgumentError, r"out: got shape \(8,\)"),
        (torch.ones(4), torch.ones(4).double(), ArgumentTypeError, r"out: got dtype torch\.float64"),
        (torch.ones(4), np.ones(4, np.float32), ArgumentTypeError, r"out: got ndarray, .* Tensor"),
        (np.ones(4), torch.ones(4).double(), ArgumentTypeError, r"out: got Tensor, .* ndarray"),
        (torch.ones(4, requires_grad=True), torch.ones(4), ArgumentError, "out: got a tensor while x or out"),
        (torch.ones(4), torch.ones(4, requires_grad=True), ArgumentError, "out: got a tensor while x or out"),
    ],
)
def test_bad_outputs_are_named(name: str, x: Any, out: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CALLS[name](x, out=out)


def test_a_matrix_carries_no_gradient() -> None:
    with pytest.raises(ArgumentTypeError, match="matrix: got Tensor"):
        hs.kronecker(torch.ones(4), torch.eye(2, requires_grad=True))
    assert hs.kronecker(torch.ones(4), torch.eye(2)).tolist() == [1, 1, 1, 1]


def test_no_gradient_is_asked_for_without_recording() -> None:
    x = torch.ones(4, requires_grad=True)
    with torch.no_grad():
        assert hs.zeta(x, out=torch.empty(4)).tolist() == [1, 2, 2, 4]
        assert not hs.zeta(x).requires_grad
