"""Panels and curves that the findings' figures are made of, in the style of `harsanyi.plot`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi.plot._page import MARGIN, Page
from harsanyi.plot._style import INK, MUTED, RULE, strip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "curve", "finish", "panels", "shades"]

# Told apart with any common colour deficiency, and in grey.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8c6d1f", "#555555")
_GAP, _TITLE, _LABELS, _FOOT = 0.75, 0.35, 0.55, 0.25  # inches


def panels(
    titles: list[str] | tuple[str, ...],
    *,
    heading: str,
    notes: str = "",
    columns: int = 3,
    width: float = 3.0,
    height: float = 2.2,
) -> tuple[Figure, list[Axes]]:
    """A figure with one pair of axes for each title, row by row.

    Args:
        titles: one a panel.
        heading: over all of them.
        notes: in small words under the heading.
        columns: panels in a row, at most.
        width: of a panel, inches.
        height: of a panel, inches.

    Raises:
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> from harsanyi.experiments import figures
        >>> figure, axes = figures.panels(["a", "b"], heading="two panels")
        >>> len(axes)
        2
    """
    columns = min(columns, len(titles))
    rows = -(-len(titles) // columns)
    page_width = max(2 * MARGIN + columns * (width + _GAP), 6.0)
    lines = textwrap.wrap(notes, int(page_width * 15))
    words = textwrap.wrap(heading, int((page_width - 2 * MARGIN) * 8.5))
    below = 0.3 + 0.24 * len(words)
    head = below + 0.16 * len(lines) + 0.2
    page = Page(page_width, head + rows * (_TITLE + height + _LABELS) + _FOOT)
    page.text(MARGIN, 0.3, "\n".join(words), fontsize=13, fontweight="bold")
    page.text(MARGIN, below + 0.06, "\n".join(lines), fontsize=8, color=MUTED)
    made = []
    for i, title in enumerate(titles):
        row, column = divmod(i, columns)
        left = MARGIN + 0.4 + column * (width + _GAP)
        top = head + row * (_TITLE + height + _LABELS) + _TITLE
        axes = page.axes(left, top, width, height)
        axes.set_title(title, fontsize=9.5, color=INK, loc="left", pad=5)
        made.append(axes)
    return page.figure, made


def curve(
    axes: Axes,
    x: npt.ArrayLike,
    rows: npt.ArrayLike,
    *,
    label: str | None = None,
    colour: Any = None,
    **style: Any,
) -> None:
    """The mean over the seeds as a line and, behind it, from the least to the greatest.

    Args:
        axes: to draw on.
        x: [points].
        rows: [seeds, points], or [points]; NaN is left out.
        label: for the legend.
        colour: of both.
        style: of the line.

    Example:
        >>> from harsanyi.experiments import figures
        >>> figure, (axes,) = figures.panels(["two seeds"], heading="A curve")
        >>> figures.curve(axes, [1, 2, 3], [[0.0, 1.0, 2.0], [0.0, 2.0, 4.0]], colour=figures.COLOURS[0])
        >>> [float(y) for y in axes.lines[0].get_ydata()]
        [0.0, 1.5, 3.0]
    """
    values = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    masked = np.ma.masked_invalid(values)
    axes.plot(np.asarray(x), masked.mean(0), label=label, color=colour, **{"linewidth": 1.6, **style})
    if len(values) > 1:
        axes.fill_between(np.asarray(x), masked.min(0), masked.max(0), color=colour, alpha=0.18, linewidth=0)


def shades(count: int) -> list[Any]:
    """Colours from light to dark for something that grows: an order, a share of wrong labels, an epoch.

    Example:
        >>> from harsanyi.experiments import figures
        >>> len(figures.shades(5))
        5
    """
    import matplotlib

    return [matplotlib.colormaps["viridis_r"](x) for x in np.linspace(0.08, 1.0, max(count, 1))[:count]]


def finish(
    axes: Axes,
    x: str,
    y: str,
    *,
    legend: str | None = None,
    beside: bool = False,
    orders: int | None = None,
) -> None:
    """Labels, grid and legend.

    Args:
        axes: of one panel.
        x: what runs to the right.
        y: what runs upwards.
        legend: its title ("" for none); None: no legend.
        beside: whether the legend stands to the right of the panel, which must be the last in its row.
        orders: if x is the order of an interaction, the greatest.

    Example:
        >>> from harsanyi.experiments import figures
        >>> figure, (axes,) = figures.panels(["strength"], heading="Orders")
        >>> figures.finish(axes, "order", "strength", orders=10)
        >>> len(axes.get_xticks())
        10
    """
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(x, fontsize=8.5, color=MUTED)
    axes.set_ylabel(y, fontsize=8.5, color=MUTED)
    if orders is not None:
        axes.set_xticks(range(1, orders + 1))
    strip(axes, keep=("left", "bottom"))
    axes.tick_params(which="minor", length=0)
    if legend is not None:
        place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.03)} if beside else {}
        made = axes.legend(title=legend or None, fontsize=7.5, frameon=False, labelcolor=INK, **place)
        made.get_title().set_fontsize(7.5)
