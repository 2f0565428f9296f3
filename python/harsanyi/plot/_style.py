"""Colours and words that every figure shares."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harsanyi.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Red and blue, equally dark at equal strength: people with any common colour deficiency tell them apart.
COLOURMAP = "RdBu_r"
POSITIVE, NEGATIVE = "#b2182b", "#2166ac"
INK, MUTED, RULE = "#222222", "#6b6b6b", "#d5d5d5"
MINUS = "\N{MINUS SIGN}"
JOINED = {"and": " \N{LOGICAL AND} ", "or": " \N{LOGICAL OR} "}


def new_figure(width: float, height: float) -> Figure:
    """A figure of that many inches which no global state knows about.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError('figures need matplotlib: pip install "harsanyi[plot]"') from error
    return Figure(figsize=(width, height), facecolor="white", dpi=100)


def sign_colour(value: float) -> str:
    """Red for a positive interaction, blue for a negative one."""
    return POSITIVE if value >= 0 else NEGATIVE


def colour_of(value: float, scale: float) -> Any:
    """RGBA of a value on the diverging map whose ends are at -scale and +scale."""
    import matplotlib

    return matplotlib.colormaps[COLOURMAP](0.5 + 0.5 * (value / scale if scale > 0 else 0.0))


def signed(value: float) -> str:
    """A value with its sign and three significant digits: '+5.55', '+0.0123', '+1234'."""
    size = abs(value)
    digits = f"{size:.0f}" if 100 <= size < 1e6 else f"{size:#.3g}"
    return ("+" if value >= 0 else MINUS) + digits


def wrapped(names: Sequence[str], kind: str, width: int) -> str:
    """'r1c1 ∧ r2c1', broken between names into lines of about `width` characters."""
    whole = [name.replace(" ", "\N{NO-BREAK SPACE}") for name in names]
    return textwrap.fill(JOINED[kind].join(whole), width, break_long_words=False, break_on_hyphens=False)


def strip(axes: Axes, *, keep: Sequence[str] = ()) -> None:
    """Takes the frame away, but for the sides in `keep`."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)
        spine.set_color(RULE)
    axes.tick_params(colors=MUTED, labelsize=8, length=0)
