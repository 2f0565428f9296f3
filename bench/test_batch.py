"""A batch of lattice vectors on two threads and on one."""

from __future__ import annotations

from collections.abc import Callable

GROUP = "batch"


def test_batch(series: Callable[[], None]) -> None:
    series()
