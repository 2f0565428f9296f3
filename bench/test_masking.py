"""Masked batches written into a given buffer."""

from __future__ import annotations

from collections.abc import Callable

GROUP = "masking"


def test_masking(series: Callable[[], None]) -> None:
    series()
