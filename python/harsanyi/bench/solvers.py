"""A game to decompose, and the solvers: ours, what the field uses, and a linear program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harsanyi.bench import peers
from harsanyi.lattice import mobius, or_inverse, or_transform, zeta as zeta_transform
from harsanyi.sparse import decompose
from harsanyi.subgradient import first_order

__all__ = [
    "Pair",
    "Problem",
    "Solver",
    "dense",
    "descent",
    "ours",
    "program",
    "timed",
    "transforms",
]

Floats = npt.NDArray[np.float64]

_LEARNING_RATES = (0.0003, 0.001, 0.003, 0.01)  # times 2**-n mean |v - v[0]|
_CACHED = 1 << 15  # entries that fit a core's second cache
_CALLS, _SECONDS = 9, 0.02  # a measurement is the median of about so many calls, or of what take that long
_TIGHT, _LOOSE = 1e-5, 1e-3  # gap of the bound that rivals are held against: of small problems, of large


class Pair(NamedTuple):
    """What a solver found: interactions and noise term, of the shape of v; the empty set's do not count."""

    and_: Floats
    or_: Floats
    delta: Floats

    @property
    def l1(self) -> Floats:
        """Plain l1 norm of each sample, the empty set left out."""
        norm: Floats = np.abs(self.and_[..., 1:]).sum(-1) + np.abs(self.or_[..., 1:]).sum(-1)
        return norm

    def output(self) -> Floats:
        """What interactions and noise term add up to on every subset, less what they do on the empty one."""
        total: Floats = zeta_transform(self.and_) + or_inverse(self.or_) + self.delta
        return total - total[..., :1]


@dataclass
class Problem:
    """One game, or a batch of them, and what the solvers found.

    Attributes:
        v: shape [2**n] or [samples, 2**n].
        noise: the noise term's box as a share of `|v[full] - v[0]|`; 0 is none.
        steps: of the first-order methods.
        pairs: what each solver found last, by name.
        certified: the largest gap that `decompose` itself certified, by name.
    """

    v: Floats
    noise: float
    steps: int
    pairs: dict[str, Pair] = field(default_factory=dict)
    certified: dict[str, float] = field(default_factory=dict)

    @property
    def zeta(self) -> Any:
        """Half the width of the noise term's box, for each sample."""
        return self.noise * np.abs(self.v[..., -1] - self.v[..., 0])

    @cached_property
    def lr(self) -> float:
        """The learning rate that serves the first-order methods best, of four in steps of about 3.

        Found on the game itself (the first of a batch) with all their steps, and not counted as their time.
        The signs of up to 2**n interactions add up in a gradient, whence the scale.
        """
        v = self.v.reshape(-1, self.v.shape[-1])[0]
        scale = (float(np.abs(v - v[0]).mean()) or 1.0) / v.size
        run = partial(first_order, v, steps=self.steps, noise=self.noise, record_every=self.steps)
        l1 = {rate * scale: float(run(lr=rate * scale).l1) for rate in _LEARNING_RATES}
        return float(min(l1, key=l1.__getitem__))

    @cached_property
    def bound(self) -> Floats:
        """A certified lower bound of the plain l1 norm of all pairs, for each sample."""
        gap = _TIGHT if self.v.size <= 1 << 12 else _LOOSE
        return np.asarray(decompose(self.v, noise=self.noise, tie_break=0.0, gap=gap).l1_lower_bound)

    def gap(self, name: str) -> float:
        """`(l1 - bound) / l1` at most: of ours as it certified itself; the largest of a batch."""
        if name in self.certified:
            return self.certified[name]
        l1 = self.pairs[name].l1
        return float(np.max(np.divide(l1 - self.bound, l1, out=np.zeros_like(l1), where=l1 > 0)))

    @property
    def details(self) -> dict[str, Any]:
        """What the reports say besides the time: the learning rate; l1 norm (mean) and gap of each solver."""
        found = {
            name: {"l1": float(pair.l1.mean()), "gap": self.gap(name)} for name, pair in self.pairs.items()
        }
        return {"noise": self.noise, "lr": self.__dict__.get("lr"), "found": found}


# ---- solvers: each prepares a call, and what turns its result into a Pair, which nobody times ----

Prepared = tuple[Callable[[], Any], Callable[[Any], Pair]]
Solver = Callable[[Problem], Prepared]


def ours(problem: Problem, **options: Any) -> Prepared:
    """`decompose`, by default with its defaults."""

    def to_pair(found: Any) -> Pair:
        problem.certified["decompose"] = float(np.max(found.gap))
        return Pair(found.and_, found.or_, found.delta)

    return partial(decompose, problem.v, noise=problem.noise, **options), to_pair


def descent(problem: Problem) -> Prepared:
    """The published optimiser on fast transforms."""
    run = partial(first_order, problem.v, steps=problem.steps, lr=problem.lr, noise=problem.noise)
    return partial(run, record_every=problem.steps), lambda found: Pair(found.and_, found.or_, found.delta)


def dense(problem: Problem) -> Prepared:
    """The published optimiser as published."""

    def to_pair(found: tuple[Floats, Floats]) -> Pair:
        gamma, delta = found
        half = (problem.v - delta) / 2
        return Pair(mobius(half + gamma), or_transform(half - gamma), delta)

    return peers.dense_first_order(problem.v, problem.zeta, steps=problem.steps, lr=problem.lr), to_pair


def program(problem: Problem) -> Prepared:
    """The linear program by HiGHS."""

    def to_pair(found: tuple[Floats, Floats, Floats]) -> Pair:
        _, or_, delta = found  # it meets its constraints to 1e-7 only: the AND part is made exact
        return Pair(mobius(problem.v - delta - or_inverse(or_)), or_, delta)

    return peers.highs(problem.v, problem.zeta), to_pair


def timed(problem: Problem, name: str, solver: Solver) -> Callable[[], float]:
    """A call that solves the problem, keeps what was found under that name, and returns the seconds.

    Where that takes a few milliseconds it is done again, up to nine times: the
    first time after other work finds nothing in the caches.
    """
    solve, to_pair = solver(problem)

    def once() -> float:
        start = perf_counter()
        found = solve()
        seconds = perf_counter() - start
        problem.pairs[name] = to_pair(found)
        return seconds

    def run() -> float:
        seconds = [once()]
        while len(seconds) < _CALLS and sum(seconds) < _SECONDS:
            seconds.append(once())
        return median(seconds)

    return run


def transforms(problem: Problem) -> Callable[[], float]:
    """A call that returns the seconds of one in-place Möbius transform for each game of the problem.

    Of as many rows at once as fit a cache: a call of one takes longer to arrive than to transform. They are
    short beside what they are compared with, so there are as many as take some time, too.
    """
    v = problem.v.reshape(-1, problem.v.shape[-1])
    rows = max(1, _CACHED // v.shape[-1])
    original = np.resize(v, (rows, v.shape[-1]))
    x = np.empty_like(original)

    def once() -> float:
        np.copyto(x, original)
        start = perf_counter()
        mobius(x, out=x)
        return (perf_counter() - start) * len(v) / rows

    def run() -> float:
        seconds = [once()]
        begun = perf_counter()
        while len(seconds) < _CALLS or perf_counter() - begun < _SECONDS:
            seconds.append(once())
        return median(seconds)

    return run
