"""An explanation without its sparse pair, beside as many bare forward passes."""

from __future__ import annotations

from collections.abc import Callable

GROUP = "end_to_end"


def test_end_to_end(series: Callable[[], None]) -> None:
    series()
