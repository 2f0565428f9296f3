"""Table games, from call to return."""

from __future__ import annotations

from collections.abc import Callable

GROUP = "tables"


def test_tables(series: Callable[[], None]) -> None:
    series()
