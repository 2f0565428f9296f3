"""How far from the optimum each solver is after which time: the measuring, and the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.bench.decompose_cases import NOISE
from harsanyi.bench.games import SOURCES
from harsanyi.bench.machine import cpu_name
from harsanyi.bench.solvers import Problem, Solver, dense, ours, program, timed
from harsanyi.bench.timing import one_thread
from harsanyi.config import set_num_threads
from harsanyi.plot._page import MARGIN, Page
from harsanyi.plot._style import INK, MUTED, NEGATIVE, POSITIVE, RULE, strip
from harsanyi.subgradient import first_order

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SOLVERS", "Curve", "Panel", "draw", "measure", "panel"]

_GAPS = 10.0 ** -np.arange(1.0, 4.01, 0.5)  # that ours is asked for
_FLOOR = 1e-7  # a gap of zero has no place on a logarithmic axis
_RECORDS = 200  # points of the first-order curve
_REPEATS = 3
SOLVERS: dict[str, dict[str, Any]] = {  # and how they are drawn
    "decompose": {"color": POSITIVE, "marker": "o", "markersize": 4},
    "first_order": {"color": NEGATIVE},
    "dense matrices": {"color": NEGATIVE, "marker": "s", "markersize": 7, "linestyle": ""},
    "HiGHS": {"color": INK, "marker": "D", "markersize": 6, "linestyle": ""},
}


@dataclass(frozen=True)
class Curve:
    """One solver on one game: `gap[k]`, `(l1 - lower bound) / l1` at most, was reached after `seconds[k]`."""

    solver: str
    seconds: tuple[float, ...]
    gap: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """One game, the curves of all solvers on it, and how many steps the first-order methods took."""

    title: str
    curves: tuple[Curve, ...]
    steps: int


def measure(*, quick: bool = False) -> list[Panel]:
    """A planted game and one of a trained network, without and with a noise term, on one thread.

    Args:
        quick: 6 players and 500 steps of the first-order methods instead of 10 and 10,000.
    """
    n, steps = (6, 500) if quick else (10, 10_000)
    with one_thread():
        set_num_threads(1)
        return [
            panel(source, n, noise=noise, steps=steps)
            for source in ("planted", "tumours")
            for noise in (0.0, NOISE)
        ]


def panel(source: str, n: int, *, noise: float, steps: int) -> Panel:
    """All solvers on one game; the plain l1 norm is what each of them minimises.

    Args:
        source: a key of `harsanyi.bench.games.SOURCES`.
        n: players, at most 10 or so for HiGHS and the dense matrices.
        noise: the noise term's box as a share of `|v[full] - v[0]|`; 0 is none.
        steps: of the first-order methods.

    Example:
        >>> from harsanyi.bench import gap_figure
        >>> [curve.solver for curve in gap_figure.panel("planted", 4, noise=0.0, steps=20).curves][:2]
        ['decompose', 'first_order']
    """
    problem = Problem(SOURCES[source].games(n, 1)[0], noise, steps)
    curves = [_ours(problem), _first_order(problem)]
    rivals: list[tuple[str, Solver, str]]
    rivals = [("dense matrices", dense, "torch"), ("HiGHS", program, "scipy")]
    for name, solver, module in rivals:
        if find_spec(module) is not None:
            seconds = timed(problem, name, solver)()
            curves.append(Curve(name, (seconds,), (max(problem.gap(name), _FLOOR),)))
    words = f"noise term up to {noise:.0%} of the output" if noise else "no noise term"
    return Panel(f"{SOURCES[source].title}, n = {n}, {words}", tuple(curves), steps)


def _ours(problem: Problem) -> Curve:
    """The certified gap of a run for each gap asked for, and the median of its times."""
    seconds, gaps = [], []
    for gap in _GAPS:

        def solver(problem: Problem, gap: float = gap) -> Any:
            return ours(problem, gap=gap, tie_break=0.0)

        run = timed(problem, "decompose", solver)
        seconds.append(median(run() for _ in range(_REPEATS)))
        gaps.append(max(problem.certified["decompose"], _FLOOR))
    return Curve("decompose", tuple(seconds), tuple(gaps))


def _first_order(problem: Problem) -> Curve:
    """The trace of one run."""
    run = first_order(
        problem.v,
        steps=problem.steps,
        lr=problem.lr,
        noise=problem.noise,
        record_every=max(1, problem.steps // _RECORDS),
    )
    gaps = np.maximum((run.objective - problem.bound) / run.objective, _FLOOR)
    return Curve("first_order", tuple(run.seconds[1:].tolist()), tuple(gaps[1:].tolist()))


def draw(panels: Sequence[Panel]) -> Figure:
    """Gap against time on logarithmic axes, one axes for each panel, two in a row, all on one scale.

    Raises:
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from harsanyi.bench.gap_figure import Curve, Panel, draw
        >>> curves = (Curve("decompose", (1e-3, 2e-3), (0.1, 0.01)), Curve("HiGHS", (1.0,), (1e-6,)))
        >>> len(draw([Panel("a game", curves, steps=1000)]).axes)
        1
    """
    width, height, gap_x, gap_y, left, top = 4.2, 2.6, 0.75, 0.95, 0.95, 1.35
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    page = Page(
        max(left + columns * (width + gap_x) - gap_x + MARGIN, 6.8),
        top + rows * (height + gap_y) - gap_y + 0.95,
    )
    page.heading(MARGIN, 0.4, "Sparse AND-OR decomposition: gap against time", "on one thread")
    every = [curve for one in panels for curve in one.curves]
    seconds = [x for curve in every for x in curve.seconds]
    gaps = [x for curve in every for x in curve.gap]
    for i, one in enumerate(panels):
        row, column = divmod(i, columns)
        axes = page.axes(left + column * (width + gap_x), top + row * (height + gap_y), width, height)
        _draw_panel(axes, one)
        axes.set_xlim(min(seconds) / 2, max(seconds) * 2)
        axes.set_ylim(min(gaps) / 2, max(1.0, *gaps) * 1.5)
        if column == 0:
            axes.set_ylabel("(l1 \N{MINUS SIGN} lower bound) / l1", fontsize=8.5, color=MUTED)
        if i + columns >= len(panels):
            axes.set_xlabel("seconds", fontsize=8.5, color=MUTED)
    handles, labels = page.figure.axes[0].get_legend_handles_labels()
    page.figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(MARGIN / page.width, 1 - 0.6 / page.height),
        ncols=len(labels),
        frameon=False,
        fontsize=8.5,
    )
    steps = ", ".join(f"{number:,}" for number in sorted({one.steps for one in panels}))
    words = f"first_order and dense matrices: {steps} steps, the best of four learning rates. {cpu_name()}"
    page.text(MARGIN, page.height - 0.3, words, fontsize=7.5, color=MUTED)
    return page.figure


def _draw_panel(axes: Axes, one: Panel) -> None:
    for curve in one.curves:
        axes.loglog(curve.seconds, curve.gap, label=curve.solver, **SOLVERS[curve.solver])
    axes.set_title(one.title, fontsize=9, color=INK, loc="left", pad=6)
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    strip(axes)
    axes.tick_params(which="minor", length=0)
