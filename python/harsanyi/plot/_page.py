"""A figure laid out in inches from its top left corner, so that nothing depends on the size of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harsanyi.plot._style import INK, MUTED, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN = 0.45
HEADING = 0.34  # from the top of a heading to what it heads


class Page:
    """A figure and the means to put axes and words on it; every length is in inches, `top` runs downwards."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.figure = new_figure(width, height)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes whose box, without labels, lies there."""
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def text(self, left: float, top: float, words: str, **style: Any) -> Any:
        """Words whose top left corner (or right, with `ha`) lies there."""
        style = {"fontsize": 9, "color": INK, "ha": "left", "va": "top", **style}
        return self.figure.text(left / self.width, 1 - top / self.height, words, **style)

    def heading(self, left: float, top: float, words: str, aside: str = "") -> None:
        """A bold heading, and after it in grey what it means."""
        from matplotlib.text import Annotation

        bold = self.text(left, top, words, fontsize=11.5, fontweight="bold")
        self.figure.add_artist(
            Annotation(
                aside,
                (1, 0),
                xycoords=bold,
                xytext=(8, 0),
                textcoords="offset points",
                fontsize=9,
                color=MUTED,
                ha="left",
                va="bottom",
            )
        )
