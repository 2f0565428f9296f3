"""Strengths by order as the papers on two phases and two parts draw them: positive upwards, negative down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi.analysis import OrderStrength
from harsanyi.experiments import figures
from harsanyi.plot._style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ENDS_NOTE", "MOMENTS", "band", "distribution", "epoch_axis", "signed"]

MOMENTS = ("before training", "end of first phase", "end of training")

ENDS_NOTE = (
    "The pair of least l1 norm is not unique: bars are the optimum of the lowest orders, outlines that of "
    "the highest, bands over the epochs reach from the one (solid) to the other (dashed). Distributions are "
    "those of the first seed."
)


def signed(strength: OrderStrength[Any]) -> npt.NDArray[np.float64]:
    """Strengths of the orders 1..n of either sign, [..., 2, n].

    Example:
        >>> import numpy as np
        >>> from harsanyi.analysis import OrderStrength
        >>> from harsanyi.experiments.distributions import signed
        >>> signed(OrderStrength(np.array([0.0, 1.0]), np.array([0.0, 3.0])))
        array([[1.],
               [3.]])
    """
    return np.stack([strength.positive, strength.negative], -2)[..., 1:]


def distribution(
    axes: Axes, bars: npt.NDArray[np.float64], lines: Mapping[str, npt.NDArray[np.float64]] | None = None
) -> None:
    """Strengths by order as bars above and below zero, and models of them as lines.

    Args:
        axes: to draw on.
        bars: [ends, 2, n], for each of `pairs.ENDS` both signs; the first is filled, the others outlined.
        lines: by their name in the legend, [2, n].

    Example:
        >>> import numpy as np
        >>> from harsanyi.experiments import figures
        >>> from harsanyi.experiments.distributions import distribution
        >>> figure, (axes,) = figures.panels(["strength"], heading="Both signs")
        >>> distribution(axes, np.ones((2, 2, 5)), {"model": np.ones((2, 5))})
        >>> len(axes.patches), len(axes.lines) > 1
        (20, True)
    """
    order = np.arange(1, bars.shape[-1] + 1)
    for i, end in enumerate(bars):
        for sign, heights, colour in zip((1, -1), end, figures.COLOURS, strict=False):
            style: dict[str, Any] = {"color": colour, "alpha": 0.45}
            if i:
                style = {"fill": False, "edgecolor": INK, "linewidth": 0.7}
            axes.bar(order, sign * heights, width=0.8, **style)
    for (name, heights), colour in zip((lines or {}).items(), figures.COLOURS[2:], strict=False):
        style = {"color": colour, "marker": ".", "linewidth": 1.4}
        axes.plot(order, heights[0], label=name, **style)
        axes.plot(order, -heights[1], **style)
    axes.axhline(0, color=INK, linewidth=0.6)
    figures.finish(axes, "order", "strength, + and -", legend="" if lines else None, orders=len(order))


def band(
    axes: Axes, x: npt.ArrayLike, rows: npt.NDArray[np.float64], *, label: str | None = None, colour: Any
) -> None:
    """A curve at both ends of what an optimum may be, and what lies between.

    Args:
        axes: to draw on.
        x: [points].
        rows: [seeds, ends, points]; the means over the seeds are drawn.
        label: for the legend.
        colour: of both.

    Example:
        >>> import numpy as np
        >>> from harsanyi.experiments import distributions, figures
        >>> figure, (axes,) = figures.panels(["mean order"], heading="A band")
        >>> distributions.band(axes, [1, 2, 3], np.ones((2, 2, 3)), colour="black")
        >>> len(axes.lines)
        2
    """
    lowest, highest = np.ma.masked_invalid(rows).mean(0)
    axes.fill_between(np.asarray(x), lowest, highest, color=colour, alpha=0.18, linewidth=0)
    axes.plot(np.asarray(x), lowest, color=colour, linewidth=1.6, marker=".", label=label)
    axes.plot(np.asarray(x), highest, color=colour, linewidth=1.0, linestyle="--")


def epoch_axis(axes: Axes, epochs: npt.NDArray[np.int64], what: str, *, phase_ends: npt.ArrayLike) -> None:
    """Labels a panel over the epochs, ever closer together, with the ends of the first phase dotted.

    Args:
        axes: of one panel, after its curves are drawn.
        epochs: ascending from 0, [points].
        what: runs upwards.
        phase_ends: the epochs at which the first phase of the seeds ends.

    Example:
        >>> import numpy as np
        >>> from harsanyi.experiments import distributions, figures
        >>> figure, (axes,) = figures.panels(["loss gap"], heading="Over the epochs")
        >>> distributions.epoch_axis(axes, np.array([0, 1, 10, 50]), "loss gap", phase_ends=[10, 10])
        >>> [float(x) for x in axes.get_xlim()], len(axes.lines)
        ([0.0, 50.0], 1)
    """
    for end in np.unique(phase_ends):
        axes.axvline(float(end), color=figures.COLOURS[6], linewidth=0.8, linestyle=":")
    last = int(epochs[-1])
    ticks = [0, *(10**k for k in range(4) if 10**k <= last)]
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0, last)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    figures.finish(axes, "epoch", what)
