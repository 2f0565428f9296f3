"""Figures of an explanation: each a matplotlib Figure made without pyplot, to `savefig(path)` or to show."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.games.masking import host_array
from harsanyi.plot._page import HEADING, MARGIN, Page
from harsanyi.plot._panels import (
    Box,
    colour_key,
    draw_bars,
    draw_interaction,
    draw_sample,
    draw_strength,
    on_source,
    picture_of,
)
from harsanyi.plot._style import MUTED, sign_colour, signed, wrapped
from harsanyi.reductions import reduce_orders

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from harsanyi.explanation import Explanation, Interaction

    Found = dict[Literal["and", "or"], list[Interaction]]

__all__ = ["interactions", "strength_per_order"]

_KINDS: tuple[Literal["and", "or"], ...] = ("and", "or")
_HEADINGS = {
    "and": ("AND interactions", "present only while all of its players are kept"),
    "or": ("OR interactions", "present while any of its players is kept"),
}
_STRENGTH = ("Strength per order", "sums of the positive and of the negative interactions")

# Inches.
_PANEL, _GAP, _SAMPLE = 1.62, 0.2, 3.1
_ABOVE = 0.27  # a panel: its value
_LINE = 0.135  # of small words
_STRENGTH_HEIGHT = 1.55
_BELOW_STRENGTH = 0.75  # its labels, and the margin
_COLUMNS = 5


def interactions(
    explanation: Explanation,
    *,
    top: int = 5,
    title: str | None = None,
    notes: Sequence[str] = (),
    sparse: bool = False,
) -> Figure:
    """One picture of what a network uses on a sample: strongest interactions and strength of every order.

    An image shows each interaction as its patches on the sample, red if it raises the output and blue if it
    lowers it; any other sample shows bars with the players' names. Both kinds have one scale.

    Args:
        explanation: of `harsanyi.explain`.
        top: how many interactions of each kind, at least 1.
        title: words above the picture.
        notes: sentences beside it.
        sparse: of the sparse pair instead of the plain interactions.

    Returns:
        A figure that no global state knows about.

    Raises:
        ArgumentError: `top` below 1, no sparse pair, or no players.
        ArgumentTypeError: no explanation.
        MissingDependencyError: matplotlib is not installed.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> from harsanyi import plot
        >>> model = lambda x: x[:, 0] * x[:, 1] + x[:, 2]
        >>> output = hs.outputs.scalar(lambda y: y)
        >>> explanation = hs.explain(model, [2.0, 3.0, 1.0], masker=hs.maskers.Features(), output=output)
        >>> len(plot.interactions(explanation, top=3).axes)  # bars and strength per order, of each kind
        4
    """
    _check(explanation)
    found: Found = {kind: explanation.top(top, kind=kind, sparse=sparse) for kind in _KINDS}
    if explanation.masking.boxes is None:
        return _bars_figure(explanation, found, title, notes, sparse)
    return _image_figure(explanation, found, title, notes, sparse)


def strength_per_order(explanation: Explanation, *, title: str | None = None, sparse: bool = False) -> Figure:
    """The sums of the positive and of the negative interactions of every order from 1 to n, AND beside OR.

    Arguments, result and errors as for `interactions`.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions".

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> from harsanyi import plot
        >>> model, output = lambda x: x.sum(1), hs.outputs.scalar(lambda y: y)
        >>> explanation = hs.explain(model, np.ones(3), masker=hs.maskers.Features(), output=output)
        >>> [axes.get_title(loc="left") for axes in plot.strength_per_order(explanation).axes]
        ['AND', 'OR']
    """
    _check(explanation)
    top = _head(title)
    page = Page(9.6, top + HEADING + 0.3 + _STRENGTH_HEIGHT + _BELOW_STRENGTH)
    _draw_title(page, title)
    _draw_strength_row(page, explanation, MARGIN, top, sparse)
    return page.figure


def _image_figure(
    explanation: Explanation, found: Found, title: str | None, notes: Sequence[str], sparse: bool
) -> Figure:
    """The sample on the left; on the right rows of panels of each kind, below them the strength per order."""
    masking = explanation.masking
    boxes: Sequence[Box] = masking.boxes or ()
    if masking.source is not None:  # the players are patches of a feature map
        picture, boxes = on_source(host_array(masking.source), boxes, tuple(masking.sample.shape[-2:]))
    else:
        picture = picture_of(host_array(masking.sample), host_array(masking.baseline))
    ratio: float = picture.shape[0] / picture.shape[1]
    scale = _scale(found)
    columns = min(_COLUMNS, max(map(len, found.values())))
    labels = {kind: [wrapped(one.names, kind, 24) for one in rows] for kind, rows in found.items()}

    def row_height(words: Sequence[str]) -> float:
        lines = max(text.count("\n") + 1 for text in words)
        return _ABOVE + _PANEL * ratio + 0.1 + _LINE * lines + 0.12

    heights = {
        kind: [row_height(labels[kind][i : i + columns]) for i in range(0, len(labels[kind]), columns)]
        for kind in _KINDS
    }
    lines = [line for note in notes for line in (*textwrap.wrap(note, 46), "")]
    head, left = _head(title), MARGIN + _SAMPLE + 0.6
    below_sample = head + HEADING + _SAMPLE * ratio
    right = head + sum(HEADING + sum(heights[kind]) + 0.12 for kind in _KINDS)
    right += HEADING + 0.25 + _STRENGTH_HEIGHT + _BELOW_STRENGTH
    page = Page(
        left + max(columns * (_PANEL + _GAP) - _GAP, 5.6) + MARGIN,
        max(right, below_sample + 1.2 + 0.19 * len(lines) + MARGIN),
    )
    _draw_title(page, title)

    page.heading(MARGIN, head, f"The sample and its {len(boxes)} players")
    draw_sample(page.axes(MARGIN, head + HEADING, _SAMPLE, _SAMPLE * ratio), picture, boxes, masking.names)
    if (masking.player < 0).any():
        page.text(MARGIN, below_sample + 0.08, "What has no name is never masked.", fontsize=8, color=MUTED)
    colour_key(page.axes(MARGIN, below_sample + 0.42, _SAMPLE, 0.12), scale)
    page.text(MARGIN, below_sample + 1.2, "\n".join(lines), linespacing=1.5)

    top = head
    for kind in _KINDS:
        page.heading(left, top, *_HEADINGS[kind])
        top += HEADING
        for i, one in enumerate(found[kind]):
            row, column = divmod(i, columns)
            x, y = left + column * (_PANEL + _GAP), top + sum(heights[kind][:row])
            page.text(x, y, signed(one.value), fontsize=11, fontweight="bold", color=sign_colour(one.value))
            page.text(x + _PANEL, y + 0.04, f"order {one.order}", fontsize=8, color=MUTED, ha="right")
            axes = page.axes(x, y + _ABOVE, _PANEL, _PANEL * ratio)
            draw_interaction(axes, picture, [boxes[player] for player in one.players], one.value, scale)
            page.text(x, y + _ABOVE + _PANEL * ratio + 0.06, labels[kind][i], fontsize=7.5, color=MUTED)
        top += sum(heights[kind]) + 0.12
    _draw_strength_row(page, explanation, left, top, sparse)
    return page.figure


def _bars_figure(
    explanation: Explanation, found: Found, title: str | None, notes: Sequence[str], sparse: bool
) -> Figure:
    """Bars of each kind side by side, each with its players' names, and below them the strength per order."""
    names, bars, gap = 2.3, 3.3, 0.55
    labels = {kind: [wrapped(one.names, kind, 34) for one in rows] for kind, rows in found.items()}
    # Rows of both kinds are aligned: each is as high as the longer of its two labels.
    rows = zip(*labels.values(), strict=True)
    heights = [0.14 + 0.155 * max(text.count("\n") + 1 for text in pair) for pair in rows]
    head = _head(title)
    top = head + (0.21 * len(notes) + 0.15 if notes else 0.0)
    strength = top + HEADING + sum(heights) + 0.35
    page = Page(
        2 * (MARGIN + names + bars) + gap, strength + HEADING + 0.25 + _STRENGTH_HEIGHT + _BELOW_STRENGTH
    )
    _draw_title(page, title)
    page.text(MARGIN, head - 0.1, "\n".join(notes), linespacing=1.5)
    values = [one.value for rows in found.values() for one in rows]
    for i, kind in enumerate(_KINDS):
        left = MARGIN + i * (names + bars + gap)
        page.heading(left, top, *_HEADINGS[kind])
        axes = page.axes(left + names, top + HEADING, bars, sum(heights))
        draw_bars(axes, [one.value for one in found[kind]], labels[kind], heights, (min(values), max(values)))
    _draw_strength_row(page, explanation, MARGIN, strength, sparse)
    return page.figure


def _draw_strength_row(page: Page, explanation: Explanation, left: float, top: float, sparse: bool) -> None:
    """AND and OR side by side on one scale, from `left` to the right margin."""
    page.heading(left, top, *_STRENGTH)
    pair: tuple[Any, Any] = (explanation.dividends, explanation.or_interactions)
    if sparse:
        pair = (explanation.and_, explanation.or_)
    sums = [reduce_orders(host_array(x)) for x in pair]
    high = 1.06 * max(float(one.positive[1:].max()) for one in sums)
    low = -1.06 * max(float(one.negative[1:].max()) for one in sums)
    gap, ticks = 0.3, 0.45
    width = (page.width - MARGIN - left - gap) / 2
    for i, (one, name) in enumerate(zip(sums, ("AND", "OR"), strict=True)):
        axes = page.axes(
            left + ticks + i * (width + gap), top + HEADING + 0.25, width - ticks, _STRENGTH_HEIGHT
        )
        draw_strength(axes, one.positive[1:], one.negative[1:])
        axes.set_ylim(low if high > low else -1.0, high if high > low else 1.0)
        axes.set_title(name, fontsize=9, color=MUTED, loc="left", pad=3)


def _head(title: str | None) -> float:
    """Where the first heading lies."""
    return 1.0 if title else MARGIN


def _draw_title(page: Page, title: str | None) -> None:
    if title:
        page.text(MARGIN, 0.36, title, fontsize=15, fontweight="bold")


def _scale(found: Found) -> float:
    return max(abs(one.value) for rows in found.values() for one in rows) or 1.0


def _check(explanation: object) -> None:
    from harsanyi.explanation import Explanation

    if not isinstance(explanation, Explanation):
        raise ArgumentTypeError("explanation", type(explanation).__name__, "what harsanyi.explain returns")
    if explanation.n == 0:
        raise ArgumentError("explanation", "no players", "of a sample with at least one player")
