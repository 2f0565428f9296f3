"""Sparse AND-OR decomposition: the pair of least l1 norm that explains a game, with proof.

A game `v` is the sum of what AND interactions, OR interactions and a small noise term explain:
`v[T] - delta[T] = v[0] - delta[0] + sum of and_[S] over {} != S within T + sum of or_[S] over S meeting T`.
Among all such pairs, `decompose` finds one of least weighted l1 norm. A lattice vector is an array whose last
axis has length 2**n, indexed by subset: bit i set means player i is in. Leading axes are batch axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod
from typing import TYPE_CHECKING, Any, Generic, Literal, cast

import numpy as np
import numpy.typing as npt

from harsanyi import _core, _cuda
from harsanyi._arrays import ArrayT, check_number, check_players, is_tensor, require_memory
from harsanyi._certificate import Problem, certify
from harsanyi._progress import progress_bar
from harsanyi._sparse_arguments import (
    MAX_DECOMPOSE_PLAYERS,
    Floats,
    boxes_of,
    like,
    start_of,
    values_of,
    weights_of,
)
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.lattice import zeta as zeta_transform

if TYPE_CHECKING:
    import torch

__all__ = ["MAX_DECOMPOSE_PLAYERS", "Decomposition", "decompose", "decompose_joint", "decompose_workspace"]

_REPORT = np.dtype([("objective", "f8"), ("bound", "f8"), ("steps", "i8"), ("status", "i8")])
_MAX_NETWORKS = 16
_PRECISIONS, _METHODS = ("mixed", "float64", "float32"), ("auto", "splitting")


@dataclass(frozen=True, eq=False, slots=True)
class Decomposition(Generic[ArrayT]):
    """A sparse AND-OR pair with its certificate. Vectors have the shape of `v`, numbers that of its batch.

    All floating-point values are float64. Everything from `objective` on is computed from the vectors here,
    not taken from the iteration; for a single sample it is a scalar.

    Attributes:
        and_: AND interactions; the entry of the empty set is `v[0] - delta[0]`.
        or_: OR interactions; the entry of the empty set is minus the sum of the others, so that `or_inverse`
            of it vanishes on the empty set.
        gamma: `zeta(and_) - (v - delta) / 2`: the AND part of the output is `(v - delta) / 2 + gamma`.
        delta: the noise term, `|delta| <= zeta`.
        dual: the vector y that proves the bounds: subset sums of y over supersets, and over disjoint sets,
            are at most the weight in size.
        zeta: half the width of the noise term's box.
        objective: weighted l1 norm of the pair, the empty set left out.
        lower_bound: none is smaller: `max(0, sum((v - v[0]) y) - zeta sum|y|)`, less what rounding may take.
        l1: plain l1 norm of the pair, the empty set left out.
        l1_lower_bound: no pair has a smaller one: the same y, divided by the largest sum in size.
        gap: `(objective - lower_bound) / objective`; 0 where the objective is zero up to rounding.
        steps: steps taken.
        status: "optimal", "max_steps" (the gap asked for is not reached), "heuristic" (the problem is not
            convex: no bound) or "not_found" (no pair without the excluded sets was found; the vectors are
            NaN): a str, or an array of them.
    """

    and_: ArrayT
    or_: ArrayT
    gamma: ArrayT
    delta: ArrayT
    dual: ArrayT
    zeta: Any
    objective: Any
    lower_bound: Any
    l1: Any
    l1_lower_bound: Any
    gap: Any
    steps: Any
    status: Any


def decompose(
    v: ArrayT,
    *,
    noise: float = 0.02,
    gap: float = 1e-3,
    tie_break: float = 0.01,
    max_steps: int = 20000,
    warm_start: Decomposition[ArrayT] | None = None,
    weights: npt.ArrayLike | None = None,
    zeta: float | npt.ArrayLike | torch.Tensor | None = None,
    kinds: Literal["and-or", "and"] = "and-or",
    share: float = 1.0,
    merge_singletons: bool = True,
    precision: Literal["mixed", "float64", "float32"] = "mixed",
    method: Literal["auto", "splitting"] = "auto",
    workspace: npt.NDArray[np.uint8] | None = None,
    progress: bool = False,
) -> Decomposition[ArrayT]:
    """The sparsest AND-OR pair of a game by l1 norm, with a certificate.

    Minimises `sum of w(|S|) (|and_[S]| + |or_[S]|)` over S != {} and over `|delta| <= zeta`,
    with `w(m) = weights[m] * (1 + tie_break * (m - 1))`. The plain l1 norm has many minimisers, of
    different strengths per order; a small `tie_break` chooses those of the lowest orders (negative: of the
    highest), and `band` gives both ends. What that leaves open are trades of equal norm and equal mean order,
    such as two interactions of order 3 for one of order 2 and one of order 4, and two sets of one order that
    share an effect. `weights=1 + 1e-3 * np.arange(n + 1) ** 2` settles the trades and with them the strengths
    per order, at a gap small enough to tell.

    Args:
        v: the game, shape [..., 2**n], n <= 22, float32, float64 or int64, finite.
        noise: `zeta / |v[full] - v[0]|`, for each sample; 0 is no noise term.
        gap: `(objective - lower_bound) / objective` to reach.
        tie_break: growth of the weights with the order, larger than `-1 / (n - 1)`.
        max_steps: steps and pivots, at most, for each sample.
        warm_start: a result for a game of this shape to start from, such as that of another checkpoint. The
            objective is the same up to the gap; the last digits depend on the start.
        weights: one by order, n + 1 of them (the first is not read) or n (from order 1 on). 0 from some
            order on leaves those orders free; infinity excludes an order.
        zeta: the noise term's bound itself, instead of `noise`: a number, or one for each sample, such as
            the mean over a data set.
        kinds: "and-or", or "and" for AND interactions alone.
        share: below 1, only this share of the coefficients, the smallest ones, is counted and pushed to zero.
            Not convex: started from the convex optimum, ended without progress, and no bound.
        merge_singletons: whether `or_[{i}]`, which means the same as `and_[{i}]`, is added to it.
        precision: of the iteration. "float32" takes half the time and reaches gaps down to 5e-4 (twice that
            for each player beyond 18), without a noise term only: with one, rounding may stop it earlier.
            "mixed" begins there and goes on in "float64", to any gap. The result is
            float64, certified in float64, and reproduces `v` as exactly in every case.
        method: "auto" with noise is the simplex method: an optimum that few pivots reach is found exactly,
            all other coefficients zero. Else a first-order iteration follows, whose pair and bound it
            finishes, to the gap, if its terms are not too many. "splitting" is the iteration alone.
        workspace: memory to work in, at least `decompose_workspace` bytes, to be used again by the next call.
        progress: whether to show a bar over the samples.

    Returns:
        A Decomposition of arrays, or of tensors on the device of `v`, in float64 whatever the dtype of `v`.
        No gradient flows. Without a warm start a sample's result depends neither on its batch nor on threads,
        to the bit. Players who change no entry of `v` cost nothing if weights do not fall (CPU). Tensors on a
        CUDA device are solved there if the plugin is loaded (`kinds="and-or"`, `share=1`; by splitting in
        float64; no `workspace`, bar or interruption), others and the certificate on the CPU.

    Raises:
        ArgumentError: the last axis is not a power of two, n > 22, the batch is empty, or an option is out
            of its range.
        ArgumentTypeError: another dtype.
        NonFiniteError: `v` holds NaN or infinity; names the subset.
        NotEnoughMemoryError: the work does not fit.
        KeyboardInterrupt: Ctrl-C, within about 50 ms or a few steps.

    Source: the problem of Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic
    interactions". The bound is Lagrange's, for any y of mean zero. Universal matching holds up to rounding.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> found = hs.decompose(np.array([0.0, 1.0, 1.0, 1.0]), noise=0)  # player 0 OR player 1
        >>> found.or_.round(3) + 0.0, bool(found.gap < 1e-3), str(found.status)
        (array([-1.,  0.,  0.,  1.]), True, 'optimal')
    """
    if kinds not in ("and-or", "and"):
        raise ArgumentError("kinds", repr(kinds), '"and-or" or "and"')
    share = check_number(share, "share", expected="a number from 0 to 1")
    if share > 1:
        raise ArgumentError("share", share, "a number from 0 to 1")
    values, n = values_of(v)
    options = _Options(
        tie_break=tie_break,
        gap=gap,
        max_steps=max_steps,
        weights=weights,
        merge_singletons=merge_singletons,
        precision=precision,
        method=method,
        and_only=kinds == "and",
        share=share,
    )
    boxes = boxes_of(values, check_number(noise, "noise"), zeta, values.shape[:-1])
    return _solve(v, values[..., None, :], n, boxes[..., None], options, warm_start, workspace, progress)


def decompose_joint(
    v: ArrayT,
    *,
    alpha: float = 0.1,
    noise: float = 0.02,
    gap: float = 1e-3,
    tie_break: float = 0.01,
    max_steps: int = 20000,
    warm_start: Decomposition[ArrayT] | None = None,
    weights: npt.ArrayLike | None = None,
    zeta: float | npt.ArrayLike | torch.Tensor | None = None,
    merge_singletons: bool = True,
    precision: Literal["mixed", "float64", "float32"] = "mixed",
    workspace: npt.NDArray[np.uint8] | None = None,
    progress: bool = False,
) -> Decomposition[ArrayT]:
    """AND-OR pairs of several networks on the same sample, with as much in common as possible.

    Minimises the sum over S != {} and over both kinds of
    `w(|S|) ((1 - alpha) max_k |I_k[S]| + alpha sum_k |I_k[S]|)`: what one network uses costs the others
    little.

    Args:
        v: the games, shape [..., networks, 2**n], at most 16 networks.
        alpha: 0..1; 1 decomposes each network for itself.
        noise: `zeta / |v[full] - v[0]|`, for each network.
        gap: as in `decompose`, and so are the other options.
        tie_break: growth of the weights with the order.
        max_steps: steps, at most.
        warm_start: a result to start from.
        weights: by order.
        zeta: the bound of the noise term: a number, or shape [..., networks].
        merge_singletons: whether `or_[{i}]` is added to `and_[{i}]`.
        precision: of the iteration.
        workspace: memory to work in.
        progress: whether to show a bar over the samples.

    Returns:
        A Decomposition whose vectors have the shape of `v`, `zeta` that of the networks, and the other
        numbers that of the batch [...]: `objective` and `lower_bound` are those of this norm, `l1` and
        `l1_lower_bound` the same with all weights 1.

    Raises:
        ArgumentError: fewer than two axes, no or more than 16 networks, or as in `decompose`.
        ArgumentTypeError: another dtype.
        NonFiniteError: `v` holds NaN or infinity.
        NotEnoughMemoryError: the work does not fit.

    Source: generalizable interaction primitives (Chen et al., ICLR 2024), whose loss this is (alpha = 0.1).

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> both = np.array([[0.0, 0, 0, 1], [0, 0, 0, 2]])  # AND of both players, of different size
        >>> hs.decompose_joint(both, noise=0).and_.round(2) + 0.0
        array([[0., 0., 0., 1.],
               [0., 0., 0., 2.]])
    """
    alpha = check_number(alpha, "alpha", expected="a number from 0 to 1")
    if alpha > 1:
        raise ArgumentError("alpha", alpha, "a number from 0 to 1")
    values, n = values_of(v)
    if values.ndim < 2 or not 1 <= values.shape[-2] <= _MAX_NETWORKS:
        expected = f"of shape [..., networks, 2**n] with 1..{_MAX_NETWORKS} networks"
        raise ArgumentError("v", f"shape {values.shape}", expected)
    options = _Options(
        tie_break=tie_break,
        gap=gap,
        max_steps=max_steps,
        weights=weights,
        merge_singletons=merge_singletons,
        precision=precision,
        alpha=alpha,
    )
    boxes = boxes_of(values, check_number(noise, "noise"), zeta, values.shape[:-1])
    return _solve(v, values, n, boxes, options, warm_start, workspace, progress, joint=True)


def decompose_workspace(
    n: int, samples: int = 1, *, networks: int = 1, noise: bool = True, precision: str = "mixed"
) -> int:
    """Bytes of workspace that `decompose` needs for the current number of threads.

    Args:
        n: players.
        samples: of the batch.
        networks: of `decompose_joint`.
        noise: whether there is a noise term.
        precision: "mixed", "float64" or "float32".

    Returns:
        The number of bytes; a larger workspace serves as well.

    Raises:
        ArgumentError: a number out of its range.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> from harsanyi.sparse import decompose_workspace
        >>> workspace = np.empty(decompose_workspace(6), np.uint8)
        >>> str(hs.decompose(np.arange(64.0), workspace=workspace).status)
        'optimal'
    """
    n = check_players(n, most=MAX_DECOMPOSE_PLAYERS)
    samples = check_players(samples, name="samples", least=1, most=1 << 40)
    networks = check_players(networks, name="networks", least=1, most=_MAX_NETWORKS)
    options = _Options(precision=precision)
    return int(_core.decompose_workspace(n, samples, noise, options.named(n, networks, False)))


def required_bytes(
    n: int,
    *,
    noise: float,
    gap: float,
    tie_break: float,
    max_steps: int,
    zeta: float | npt.ArrayLike | torch.Tensor | None,
) -> int:
    """What `decompose` takes for one game of n players, before that game is known.

    Raises:
        ArgumentError, ArgumentTypeError: an option that `decompose` would refuse.
    """
    options = _Options(tie_break=tie_break, gap=gap, max_steps=max_steps)
    with_noise = check_number(noise, "noise") > 0
    if zeta is not None:
        with_noise = bool(boxes_of(np.zeros(1), noise, zeta, ()) > 0)
    return int(_core.decompose_workspace(n, 1, with_noise, options.named(n, 1, False))) + (10 * 8 << n)


@dataclass(frozen=True)
class _Options:
    tie_break: float = 0.01
    gap: float = 1e-3
    max_steps: int = 20000
    weights: npt.ArrayLike | None = None
    merge_singletons: bool = True
    precision: str = "mixed"
    method: str = "auto"
    and_only: bool = False
    share: float = 1.0
    alpha: float = 0.0

    def __post_init__(self) -> None:
        check_number(self.gap, "gap")
        check_players(self.max_steps, name="max_steps", least=1, most=1 << 62)
        if self.precision not in _PRECISIONS:
            raise ArgumentError("precision", repr(self.precision), '"mixed", "float64" or "float32"')
        if self.method not in _METHODS:
            raise ArgumentError("method", repr(self.method), '"auto" or "splitting"')

    def named(self, n: int, networks: int, warm: bool) -> dict[str, Any]:
        """What the compiled solver is told."""
        tie_break = check_number(self.tie_break, "tie_break", least=-inf, expected="a finite number")
        single = self.precision == "float32"
        least = 5e-4 * 2 ** max(n - 18, 0)  # what float32 can promise
        if single and self.gap < least:
            raise ArgumentError("gap", self.gap, f"at least {least:g} in float32 for {n} players")
        # A little less, so that the gap of the returned vectors, which rounds differently, is reached too.
        reached = 0.8 if single else 1 - 1e-6
        return {
            "single": single,
            "single_first": self.precision == "mixed",
            "simplex_first": self.method == "auto",
            "gap": self.gap * reached,
            "max_steps": int(self.max_steps),
            "merge_singletons": bool(self.merge_singletons),
            "weights": weights_of(self.weights, tie_break, n),
            "and_only": self.and_only,
            "share": self.share,
            "networks": networks,
            "alpha": self.alpha,
            "warm_start": warm,
        }


def _solve(
    v: ArrayT,
    values: Floats,
    n: int,
    boxes: Floats,
    options: _Options,
    warm_start: Decomposition[ArrayT] | None,
    workspace: npt.NDArray[np.uint8] | None,
    progress: bool,
    *,
    joint: bool = False,
) -> Decomposition[ArrayT]:
    """Decomposes values [..., networks, 2**n] with boxes [..., networks]."""
    batch, networks = values.shape[:-2], values.shape[-2]
    count = prod(batch)
    named = options.named(n, networks, warm_start is not None)
    with_noise = bool((boxes > 0).any())
    if with_noise and options.precision == "float32":
        raise ArgumentError("precision", "float32 with a noise term", "float64, or have noise=0")
    if warm_start is None:
        and_, or_, dual = (np.empty_like(values) for _ in range(3))
        delta = np.zeros_like(values)
    else:
        and_, or_, dual, delta = start_of(warm_start, values.shape, tuple(v.shape))
        if not with_noise:
            delta[...] = 0
    reports = np.zeros(batch, _REPORT)
    held = np.ascontiguousarray(boxes) if with_noise else None
    if is_tensor(v) and _on_device(v, named):
        from harsanyi._cuda_sparse import solve

        solve(v, n, named, values, held, [and_, or_, dual, *([delta] if with_noise else [])], reports)
    else:
        needed = int(_core.decompose_workspace(n, count, with_noise, named))
        require_memory(needed + 10 * values.nbytes, f"the decomposition of {count} samples at n = {n}")
        space = _workspace(workspace, needed)
        with progress_bar(count, progress, what="decompose", unit="sample") as advance:
            seen = 0

            def tick(finished: int) -> None:
                nonlocal seen
                advance(finished - seen)
                seen = finished

            _core.decompose(
                n,
                count,
                named,
                tick if progress else None,
                values,
                held,
                and_,
                or_,
                delta if with_noise else None,
                dual,
                reports,
                space,
                space.nbytes,
            )
            tick(count)
        del space
    problem = Problem(
        named["weights"], boxes, and_only=options.and_only, alpha=options.alpha, share=options.share
    )
    numbers = certify(problem, values, and_, or_, dual, float(options.gap))
    numbers |= {"zeta": boxes if joint else boxes[..., 0], "steps": reports["steps"].copy()}
    gamma = zeta_transform(and_)
    gamma -= (values - delta) / 2
    back = like(v)
    shape = tuple(v.shape)
    vectors = {"and_": and_, "or_": or_, "gamma": gamma, "delta": delta, "dual": dual}
    vectors = {name: back(x.reshape(shape)) for name, x in vectors.items()}
    numbers = {name: x[()] if name == "status" else back(x[()]) for name, x in numbers.items()}
    return cast("Decomposition[ArrayT]", Decomposition(**vectors, **numbers))


def _on_device(v: torch.Tensor, named: dict[str, Any]) -> bool:
    """Whether a CUDA device solves these games: one network, both kinds, all coefficients."""
    return _cuda.usable(v) and named["networks"] == 1 and not named["and_only"] and bool(named["share"] == 1)


def _workspace(given: object, needed: int) -> npt.NDArray[np.uint8]:
    if given is None:
        return np.empty(needed, np.uint8)
    expected = f"a writable, contiguous array of at least {needed} bytes"
    if not isinstance(given, np.ndarray):
        raise ArgumentTypeError("workspace", type(given).__name__, expected)
    if given.nbytes < needed or not (given.flags.c_contiguous and given.flags.writeable):
        raise ArgumentError("workspace", f"{given.nbytes} bytes", expected)
    return given
