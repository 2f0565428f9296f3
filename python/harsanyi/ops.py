"""Torch custom ops: `torch.ops.harsanyi.*`, with fake kernels, vmap, and the transpose as backward.

CPU tensors go to the compiled kernels, those of a CUDA device to the twins of these kernels where the plugin
is there, and all others to a torch implementation of the same primitive. The backward of an op is another op
of this file (a transform's adjoint is a transform), so higher derivatives work too. Under torch.func and in
forward mode an autograd.Function carries the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from harsanyi import _core, _cuda
from harsanyi._arrays import MAX_LATTICE_PLAYERS
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.lattice import KIND_CODES, as_lattice, run_kernel
from harsanyi.subsets import subsets_of_order

# name: (the four entries of its matrix, the sign of the whole transform, the name of its adjoint)
TRANSFORMS: dict[str, tuple[tuple[int, int, int, int], int, str]] = {
    "zeta": ((1, 0, 1, 1), 1, "superset_zeta"),
    "mobius": ((1, 0, -1, 1), 1, "superset_mobius"),
    "superset_zeta": ((1, 1, 0, 1), 1, "zeta"),
    "superset_mobius": ((1, -1, 0, 1), 1, "mobius"),
    "or_transform": ((0, 1, 1, -1), -1, "or_transform"),
    "or_inverse": ((1, 1, 1, 0), -1, "or_inverse"),
    "walsh_hadamard": ((1, 1, 1, -1), 1, "walsh_hadamard"),
}
PAIR_OPS = {"pair_sums": "pair_sums_adjoint", "pair_sums_adjoint": "pair_sums"}  # name: its adjoint
DTYPE_CODES = {torch.float32: 0, torch.float64: 1, torch.int64: 2}  # of harsanyi_dtype in harsanyi.h


def dtype_code(x: torch.Tensor, name: str = "x") -> int | None:
    """The kernels' code of the dtype of a dense tensor; None for one that they do not take."""
    if x.layout != torch.strided:
        raise ArgumentTypeError(name, f"layout {x.layout}", "a dense tensor")
    return DTYPE_CODES.get(x.dtype)


def is_plain(x: torch.Tensor) -> bool:
    """Whether this is a CPU tensor that nothing watches: no op is needed."""
    return x.device.type == "cpu" and is_unwatched(x)


def has_kernel(x: torch.Tensor) -> bool:
    """Whether a kernel takes the memory of this tensor: the CPU's, or a CUDA device's with the plugin."""
    return x.device.type == "cpu" or _cuda.usable(x)


def is_unwatched(x: torch.Tensor) -> bool:
    """Whether nothing watches this tensor: autograd, a compiler, vmap, a mode."""
    return (
        not torch.compiler.is_compiling()
        and torch._C._get_tracing_state() is None
        and type(x) is torch.Tensor
        and not (x.requires_grad and torch.is_grad_enabled())
        and not x.is_neg()
        and torch._C._functorch.peek_interpreter_stack() is None
        and torch._C._len_torch_dispatch_stack() == 0
        and not torch._C._are_functorch_transforms_active()
        and not _forward_mode()
    )


def _forward_mode() -> bool:
    return torch.autograd.forward_ad._current_level >= 0


def call(x: torch.Tensor, transform: str | list[float]) -> torch.Tensor:
    """The registered op on any tensor; `transform`: a name or four matrix entries."""
    name, numbers = (transform, []) if isinstance(transform, str) else ("kronecker", transform)
    if _forward_mode() or torch._C._are_functorch_transforms_active():
        result: torch.Tensor = _Linear.apply(x, name, *numbers)  # type: ignore[no-untyped-call]
        return result
    return OPS[name](x, *numbers)


class _Linear(torch.autograd.Function):
    """An op for torch.func and forward mode, where torch refuses or drops derivatives of registered ops."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor, name: str, *numbers: float) -> torch.Tensor:
        return OPS[name](x, *numbers)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        _, ctx.name, *ctx.numbers = inputs

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return call(grad, _adjoint(ctx.name, ctx.numbers)), None, *(None for _ in ctx.numbers)

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, *_: None) -> torch.Tensor:
        return call(tangent, list(ctx.numbers) or ctx.name)


def _adjoint(name: str, numbers: Sequence[float]) -> str | list[float]:
    """The transposed matrix, as `call` takes it."""
    if name in PAIR_OPS:
        return PAIR_OPS[name]
    if name != "kronecker":
        return TRANSFORMS[name][2]
    a, b, c, d = numbers
    return [a, c, b, d]


def transform_kernel(x: torch.Tensor, n: int, transform: str | list[float]) -> torch.Tensor:
    """The kernel on a tensor that has one, out of place."""
    src = x.detach().contiguous()
    result = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    _run(transform, n, src, result)
    return result


def _run(transform: str | list[float], n: int, src: torch.Tensor, dst: torch.Tensor) -> None:
    """The kernel of the device that both contiguous tensors are on; they may be the same."""
    job = (DTYPE_CODES[src.dtype], n, src.numel() >> n, src.data_ptr(), dst.data_ptr())
    if not _cuda.usable(src):
        run_kernel(transform, *job)
    elif isinstance(transform, str):
        _core.cuda_transform(*_cuda.place(src), KIND_CODES[transform], *job)
    else:
        _core.cuda_kronecker(*_cuda.place(src), transform, *job)


def transform_torch(x: torch.Tensor, n: int, entries: tuple[float, ...], sign: float = 1) -> torch.Tensor:
    """The same primitive in torch, for devices without a kernel; bits in ascending order as there."""
    a, b, c, d = entries

    def mix(p: float, low: torch.Tensor, q: float, high: torch.Tensor) -> torch.Tensor:
        terms = [value if k == 1 else k * value for k, value in ((p, low), (q, high)) if k != 0]
        return torch.zeros_like(low) if not terms else terms[0] if len(terms) == 1 else terms[0] + terms[1]

    shape = x.shape
    y = -x if sign < 0 else x
    for bit in range(n):
        low, high = y.reshape(-1, 2, 1 << bit).unbind(1)
        y = torch.stack((mix(a, low, b, high), mix(c, low, d, high)), dim=1)
    return y.reshape(shape).clone() if n == 0 and sign > 0 else y.reshape(shape)


def transform_into(x: torch.Tensor, n: int, out: torch.Tensor, transform: str | list[float]) -> torch.Tensor:
    """Writes the transform of x into `out`, which may be x; outside autograd only."""
    if torch.is_grad_enabled() and (x.requires_grad or out.requires_grad):
        raise ArgumentError(
            "out", "a tensor while x or out requires a gradient", "None where autograd records"
        )
    if not (is_unwatched(x) and is_unwatched(out) and has_kernel(out) and out.is_contiguous()):
        return out.copy_(call(x, transform))
    distance = abs(out.data_ptr() - x.data_ptr())
    if x.device != out.device or not x.is_contiguous() or 0 < distance < out.nbytes:
        out.copy_(x.clone() if _overlap(x, out) else x)
        x = out
    _run(transform, n, x, out)
    if not out.is_inference():  # a backward pass that has kept `out` must find out
        torch.autograd.graph.increment_version(out)
    return out


def _overlap(x: torch.Tensor, out: torch.Tensor) -> bool:
    return x.untyped_storage().data_ptr() == out.untyped_storage().data_ptr()


def pair_sums_kernel(x: torch.Tensor) -> torch.Tensor:
    """Sums by order, player and pair by the kernel, [..., 1 + n(n+1)/2, n + 1] float64."""
    n = _floating_players(x)
    src = x.detach().resolve_neg().contiguous()
    sums = torch.empty(_pair_shape(x.shape), dtype=torch.float64, device=x.device)
    batch = x.numel() >> n
    job = (DTYPE_CODES[x.dtype], n, batch, src.data_ptr(), sums.data_ptr())
    if _cuda.usable(x):
        count = _core.cuda_pair_sums_workspace(n, batch)
        workspace = torch.empty(count, dtype=torch.uint8, device=x.device)
        _core.cuda_pair_sums(*_cuda.place(x), *job, workspace.data_ptr(), count)
    else:
        _core.pair_sums(*job)
    return sums


def _pair_sums_torch(x: torch.Tensor) -> torch.Tensor:
    """The same in torch, order by order: the pairs within its sets are one matrix product."""
    n = _floating_players(x)
    sums = []
    for m in range(n + 1):
        sets, members = _sets_of_order(n, m, x)
        values = x.index_select(-1, sets)
        high, low = torch.tril_indices(n, n, device=x.device).unbind(0)
        both = ((values.unsqueeze(-1) * members).mT @ members)[..., high, low]
        sums.append(torch.cat((values.sum(-1, keepdim=True), both), -1))
    return torch.stack(sums, -1)


def _pair_sums_adjoint_kernel(rows: torch.Tensor) -> torch.Tensor:
    n = _rows_players(rows)
    src = rows.detach().resolve_neg().double().contiguous()
    result = torch.empty(_lattice_shape(rows.shape), dtype=torch.float64, device=rows.device)
    job = (n, result.numel() >> n, src.data_ptr(), result.data_ptr())
    if _cuda.usable(rows):
        _core.cuda_pair_sums_adjoint(*_cuda.place(rows), *job)
    else:
        _core.pair_sums_adjoint(*job)
    return result.to(rows.dtype)


def _pair_sums_adjoint_torch(rows: torch.Tensor) -> torch.Tensor:
    n = _rows_players(rows)
    high, low = torch.tril_indices(n, n, device=rows.device).unbind(0)
    sets, values = [], []
    for m in range(n + 1):
        own, members = _sets_of_order(n, m, rows)
        weights = rows.new_zeros((*rows.shape[:-2], n, n))
        weights[..., high, low] = rows[..., 1:, m]
        sets.append(own)
        values.append(rows[..., :1, m] + (members @ weights * members).sum(-1))
    return torch.cat(values, -1).index_select(-1, torch.cat(sets).argsort())


def _sets_of_order(n: int, m: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The sets of m players [sets] as integers, and who is in them [sets, n] in the dtype of `like`."""
    sets = torch.from_numpy(subsets_of_order(n, m))
    members = (sets[:, None] >> torch.arange(n) & 1).to(like.dtype)
    return sets.to(like.device), members.to(like.device)


def _pair_shape(shape: Sequence[int]) -> tuple[int, ...]:
    n = shape[-1].bit_length() - 1
    return (*shape[:-1], 1 + n * (n + 1) // 2, n + 1)


def _lattice_shape(shape: Sequence[int]) -> tuple[int, ...]:
    return (*shape[:-2], 1 << (shape[-1] - 1))


def _floating_players(x: torch.Tensor) -> int:
    n = _players(x)
    if not x.is_floating_point():
        raise ArgumentTypeError("x", f"dtype {x.dtype}", "of dtype float32 or float64")
    return n


def _rows_players(rows: torch.Tensor) -> int:
    n = int(rows.shape[-1]) - 1 if rows.dim() > 1 else -1
    if not 0 <= n <= MAX_LATTICE_PLAYERS or rows.shape[-2:] != _pair_shape((1 << n,)):
        expected = "of shape [..., 1 + n * (n + 1) / 2, n + 1]"
        raise ArgumentError("rows", f"shape {tuple(rows.shape)}", expected)
    if dtype_code(rows, "rows") not in (0, 1):
        raise ArgumentTypeError("rows", f"dtype {rows.dtype}", "of dtype float32 or float64")
    return n


def _players(x: torch.Tensor) -> int:
    return as_lattice(x)[1]


_library: Any = torch.library.Library("harsanyi", "DEF")  # type: ignore[no-untyped-call]
OPS: dict[str, Callable[..., torch.Tensor]] = {}


def _register(
    name: str,
    schema: str,
    kernel: Callable[..., torch.Tensor],
    other: Callable[..., torch.Tensor],
    backward: Callable[..., Any],
    shape: Callable[[Sequence[int]], tuple[int, ...]] = tuple,
) -> None:
    """Defines harsanyi::name, linear in its first argument.

    `kernel` runs where the tensor has one, `other` elsewhere; `shape` is that of the result.
    """
    qualified = f"harsanyi::{name}"
    _library.define(f"{name}({schema}) -> Tensor", tags=(torch.Tag.pt2_compliant_tag,))

    def cuda(x: torch.Tensor, *numbers: float) -> torch.Tensor:
        return kernel(x, *numbers) if _cuda.usable(x) else other(x, *numbers)

    _library.impl(name, kernel, "CPU")
    _library.impl(name, cuda, "CUDA")
    _library.impl(name, other, "CompositeExplicitAutograd")

    def fake(x: torch.Tensor, *_: float) -> torch.Tensor:
        return torch.empty(shape(x.shape), dtype=x.dtype, device=x.device)

    torch.library.register_fake(qualified, fake, lib=_library)

    def setup(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        ctx.numbers = inputs[1:]

    torch.library.register_autograd(qualified, backward, setup_context=setup, lib=_library)

    op = getattr(torch.ops.harsanyi, name)

    def vmap(
        info: Any, in_dims: tuple[int, ...], x: torch.Tensor, *numbers: float
    ) -> tuple[torch.Tensor, int]:
        return op(x.movedim(in_dims[0], 0), *numbers), 0

    torch.library.register_vmap(qualified, vmap, lib=_library)

    OPS[name] = op


def _register_all() -> None:
    def named(name: str, entries: tuple[int, int, int, int], sign: int, adjoint: str) -> None:
        _register(
            name,
            "Tensor x",
            lambda x: transform_kernel(x, _players(x), name),
            lambda x: transform_torch(x, _players(x), entries, sign),
            lambda ctx, grad: call(grad, adjoint),
        )

    for name, (entries, sign, adjoint) in TRANSFORMS.items():
        named(name, entries, sign, adjoint)

    def kronecker_backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return call(grad, _adjoint("kronecker", ctx.numbers)), None, None, None, None

    _register(
        "kronecker",
        "Tensor x, float a, float b, float c, float d",
        lambda x, a, b, c, d: transform_kernel(x, _players(x), [a, b, c, d]),
        lambda x, a, b, c, d: transform_torch(x, _players(x), (a, b, c, d)),
        kronecker_backward,
    )

    def pairs(name: str, cpu: Any, other: Any, shape: Any) -> None:
        _register(name, "Tensor x", cpu, other, lambda ctx, grad: call(grad, PAIR_OPS[name]), shape)

    pairs("pair_sums", lambda x: pair_sums_kernel(x).to(x.dtype), _pair_sums_torch, _pair_shape)
    pairs("pair_sums_adjoint", _pair_sums_adjoint_kernel, _pair_sums_adjoint_torch, _lattice_shape)


_register_all()
