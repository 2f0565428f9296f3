"""Transforms of one lattice vector, in place, on one thread."""

from __future__ import annotations

from collections.abc import Callable

GROUP = "transforms"


def test_transforms(series: Callable[[], None]) -> None:
    series()
