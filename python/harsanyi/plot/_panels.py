"""The panels that figures are put together from; each draws on axes that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi.plot._style import (
    COLOURMAP,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    RULE,
    colour_of,
    sign_colour,
    signed,
    strip,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box = tuple[int, int, int, int]  # top, left, height, width
Picture = npt.NDArray[np.float64]  # [height, width, 3], 0..1

_FADE = 0.78  # how far the patches outside an interaction are taken towards the paper
_LEAST_TINT = 0.35  # of the scale: even the weakest of the strongest must be seen to be red or blue
_LIFT = 0.45  # of a fully coloured picture
_FULL_TINT = 0.72  # of the colour map: its ends are too dark to see ink on


def picture_of(sample: npt.NDArray[Any], baseline: npt.ArrayLike = 0.0) -> Picture:
    """An image sample, [channels, height, width] or [height, width], as RGB in 0..1.

    Integers run from 0 to 255, floats from 0 to 1; an image outside that is stretched from its least to its
    greatest value. Three channels are drawn as colours, of any other number the mean as ink on paper: the
    paper is the side on which the baseline is, so that a masked patch of a digit on black is blank.
    """
    image = np.asarray(sample, dtype=np.float64)
    background = np.broadcast_to(np.asarray(baseline, dtype=np.float64), image.shape)
    low, high = 0.0, 255.0 if np.asarray(sample).dtype.kind in "iu" else 1.0
    if image.min() < low or image.max() > high:
        low, high = float(image.min()), float(image.max())
    image, background = (np.clip((x - low) / (high - low or 1.0), 0.0, 1.0) for x in (image, background))
    if image.ndim == 3 and image.shape[0] == 3:
        return image.transpose(1, 2, 0)
    if image.ndim == 3:
        image = image.mean(0)
    grey = 1.0 - image if background.mean() < 0.5 else image
    return np.repeat(grey[:, :, None], 3, axis=2)


def on_source(
    source: npt.NDArray[Any], boxes: Sequence[Box], size: tuple[int, ...]
) -> tuple[Picture, list[Box]]:
    """The image that a feature map of that size was made from, and the map's patches laid over it."""
    picture = picture_of(source)
    rows, columns = picture.shape[0] / size[0], picture.shape[1] / size[1]
    scaled = []
    for top, left, height, width in boxes:
        first, last = round(top * rows), round((top + height) * rows)
        begin, end = round(left * columns), round((left + width) * columns)
        scaled.append((first, begin, last - first, end - begin))
    return picture, scaled


def draw_sample(axes: Axes, picture: Picture, boxes: Sequence[Box], names: Sequence[str]) -> None:
    """The sample with the players' patches outlined and named."""
    _show(axes, picture)
    paper = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8}
    for box, name in zip(boxes, names, strict=True):
        _outline(axes, box, MUTED, 0.8)
        top, left, height, width = box
        axes.text(
            left - 0.5 + 0.04 * width,
            top - 0.5 + 0.04 * height,
            name,
            ha="left",
            va="top",
            fontsize=7,
            color=INK,
            clip_on=True,
            bbox=paper,
        )


def draw_interaction(axes: Axes, picture: Picture, boxes: Sequence[Box], value: float, scale: float) -> None:
    """The sample with the patches of one interaction in its colour and the rest faded.

    The tint multiplies the picture, so that strokes stay readable under it; the shadows of a coloured picture
    are lifted first, or it would be lost in them.
    """
    painted = 1.0 - (1.0 - picture) * (1.0 - _FADE)
    strength = np.copysign(max(abs(value), _LEAST_TINT * scale), value)
    tint = np.asarray(colour_of(float(strength) * _FULL_TINT, scale))[:3]
    shadow = _LIFT * float(np.ptp(picture, axis=2).max())
    for top, left, height, width in boxes:
        window = np.s_[top : top + height, left : left + width]
        painted[window] = (shadow + (1.0 - shadow) * picture[window]) * tint
    _show(axes, painted)
    for box in boxes:
        _outline(axes, box, sign_colour(value), 1.4)


def colour_key(axes: Axes, scale: float) -> None:
    """The diverging map from -scale to +scale, lying down."""
    axes.imshow(
        np.linspace(-1.0, 1.0, 256)[None] * _FULL_TINT,
        cmap=COLOURMAP,
        vmin=-1,
        vmax=1,
        aspect="auto",
        extent=(-scale, scale, 0, 1),
    )
    axes.set_yticks([])
    axes.set_xticks([-scale, 0.0, scale], [signed(-scale), "0", signed(scale)])
    ends = axes.get_xticklabels()
    ends[0].set_horizontalalignment("left")
    ends[-1].set_horizontalalignment("right")
    strip(axes)
    axes.set_xlabel("effect on the output", fontsize=8.5, color=MUTED)


def draw_bars(
    axes: Axes,
    values: Sequence[float],
    labels: Sequence[str],
    heights: Sequence[float],
    limits: tuple[float, float],
) -> None:
    """Horizontal bars, the first on top, with their labels on the left and the value at the end of each.

    Args:
        axes: to draw on; as high as `heights` together.
        values: one a bar.
        labels: one a bar, of one or more lines.
        heights: of each row, inches.
        limits: the least and the greatest value that must fit.
    """
    rows = np.cumsum(heights) - np.asarray(heights) / 2
    axes.barh(rows, values, height=0.2, color=[sign_colour(value) for value in values])
    for row, value in zip(rows, values, strict=True):
        axes.annotate(
            signed(value),
            (value, row),
            xytext=(4 if value >= 0 else -4, 0),
            textcoords="offset points",
            ha="left" if value >= 0 else "right",
            va="center",
            fontsize=8,
            color=sign_colour(value),
        )
    axes.axvline(0, color=MUTED, linewidth=0.8)
    least, greatest = min(0.0, limits[0]), max(0.0, limits[1])
    room = 0.18 * (greatest - least or 1.0)  # for the values
    axes.set_xlim(least - room * (least < 0), greatest + room * (greatest > 0 or least == 0))
    axes.set_yticks(rows, labels)
    axes.set_ylim(sum(heights), 0)
    strip(axes)
    axes.tick_params(axis="y", labelsize=8.5, labelcolor=INK, pad=6)
    axes.tick_params(axis="x", labelbottom=False)


def draw_strength(axes: Axes, positive: npt.NDArray[Any], negative: npt.NDArray[Any]) -> None:
    """Sums of the positive (up, red) and negative (down, blue) interactions of every order from 1 to n."""
    order = np.arange(1, len(positive) + 1)
    axes.bar(order, positive, width=0.72, color=POSITIVE)
    axes.bar(order, -negative, width=0.72, color=NEGATIVE)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xlim(0.4, len(order) + 0.6)
    axes.set_xticks(order)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("order (number of players)", fontsize=8.5, color=MUTED)
    strip(axes)


def _show(axes: Axes, picture: Picture) -> None:
    axes.imshow(picture, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(RULE)


def _outline(axes: Axes, box: Box, colour: str, width: float) -> None:
    from matplotlib.patches import Rectangle

    top, left, height, across = box
    axes.add_patch(
        Rectangle((left - 0.5, top - 0.5), across, height, fill=False, edgecolor=colour, linewidth=width)
    )
