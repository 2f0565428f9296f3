"""Cases of the sparse decomposition, beside what the field uses, a linear program, and plain transforms."""

from __future__ import annotations

from functools import partial
from typing import Any

from harsanyi.bench.case import Case, Series
from harsanyi.bench.games import SOURCES
from harsanyi.bench.solvers import Problem, Solver, dense, descent, ours, program, timed, transforms

__all__ = ["NOISE", "batch", "single", "table"]

NOISE = 0.02  # the papers' share of |v[full] - v[0]|
_STEPS, _QUICK_STEPS = 10_000, 500  # of the first-order method; 10,000 and more are in use
_TARGETS = {0.0: 6000.0, NOISE: 25000.0}  # transforms, on trained networks of 10 to 16 players
_BATCH_TARGET = 15.0  # seconds for 1000 games of 10 players with noise


def table(*, quick: bool = False) -> tuple[Case, ...]:
    """Planted games and trained networks of 6 to 20 players, with and without a noise term; and batches.

    Args:
        quick: up to 10 players, few steps, and only the network that trains in seconds.
    """
    sizes = {"planted": range(6, 21, 2), "tumours": range(6, 21, 2), "digits": range(10, 17, 2)}
    if quick:
        sizes = {"planted": range(6, 11, 4), "tumours": range(6, 11, 4)}
    steps, players, count = (_QUICK_STEPS, 8, 10) if quick else (_STEPS, 10, 1000)
    return (
        *(
            single(source, n, noise=noise, steps=steps)
            for source, several in sizes.items()
            for noise in (0.0, NOISE)
            for n in several
        ),
        *(batch("tumours", players, noise=noise, steps=steps, count=count) for noise in (0.0, NOISE)),
        *(
            batch(source, n, noise=noise, steps=steps, count=10, threads=1)
            for source in (() if quick else ("tumours", "digits"))
            for noise in (0.0, NOISE)
            for n in (12, 14, 16)
        ),
    )


def single(source: str, n: int, *, noise: float, steps: int) -> Case:
    """One game: ours beside transforms, and the first-order method; for n <= 10 also HiGHS and the matrices.

    Args:
        source: a key of `harsanyi.bench.games.SOURCES`.
        n: players.
        noise: the noise term's box; 0 is none.
        steps: of the first-order methods.
    """
    target = _TARGETS.get(noise) if SOURCES[source].trained and 10 <= n <= 16 else None
    rivals = [
        Series("mobius", transforms, target=target),
        _series(f"first_order, {steps:,} steps", descent, slow=n >= 16),
    ]
    if n <= 10:
        rivals += [
            _series(f"dense matrices, {steps:,} steps", dense, requires=("torch",), slow=n >= 8),
            _series("HiGHS", program, requires=("scipy",), slow=n == 10),
        ]
    own = _series("decompose", ours, requires=SOURCES[source].requires, slow=n >= 18)
    return _case(source, n, noise, steps, 1, own, rivals)


def batch(source: str, n: int, *, noise: float, steps: int, count: int, threads: int = 2) -> Case:
    """Many games at once; the transforms beside them are as many, on one thread.

    Args:
        source: as for `single`.
        n: players.
        noise: the noise term's box; 0 is none.
        steps: of the first-order method.
        count: games.
        threads: of the decomposition. On one the target is that of a single game, in the mean.
    """
    target = _BATCH_TARGET if (count, n, noise) == (1000, 10, NOISE) else None
    rivals = [
        Series("mobius", transforms, target=_TARGETS[noise] if threads == 1 else None),
        _series(f"first_order, {steps:,} steps", descent, threads=threads, slow=n >= 10),
    ]
    own = _series("decompose", ours, requires=SOURCES[source].requires, threads=threads, target=target)
    return _case(source, n, noise, steps, count, own, rivals)


def _series(name: str, solver: Solver, **rest: Any) -> Series:
    return Series(
        name,
        partial(timed, name=name, solver=solver),
        expected=lambda problem: problem.v - problem.v[..., :1],
        read=lambda problem, _: problem.pairs[name].output(),
        quantity="value" if solver is ours else "speed",
        **rest,
    )


def _case(
    source: str, n: int, noise: float, steps: int, count: int, own: Series, rivals: list[Series]
) -> Case:
    def setup(n: int) -> Problem:
        v = SOURCES[source].games(n, count)
        return Problem(v[0] if count == 1 else v, noise, steps)

    many = f"-x{count}" if count > 1 else ""
    return Case(
        name=f"{source}{many}{'-noise' if noise else ''}-n{n}",
        group="decompose",
        n=n,
        dtype="float64",
        ours=own,
        rivals=tuple(rivals),
        setup=setup,
        reported=True,
        memory=(32 * 8 * count) << n,
        headline=count > 1 or n in (6, 10, 12, 16, 20),
    )
