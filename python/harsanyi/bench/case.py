"""What a benchmark case is: something of ours, and what it is measured beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Case", "Data", "Quantity", "Series"]

Data = Any  # what a case's setup returns: known to the series of that case alone
Quantity = Literal["value", "cost", "speed"]


@dataclass(frozen=True)
class Series:
    """One thing that a case measures.

    Attributes:
        name: what it is, as the tables show it.
        prepare: from the case's data to the call that is measured; runs once, outside the timed region.
        expected: from the data to what the call must give; None if any positive number will do.
        read: from the data and what the call returned to what it gave; by default what it returned.
        quantity: the figure: "value", the measurement itself; for rivals "cost", the case's measurement over
            the rival's, or "speed", the rival's over the case's.
        target: the bound to reach: at most for "value" and "cost", at least for "speed"; None for no target.
        requires: modules that must be installed.
        threads: how many threads the package may use.
        slow: whether it is measured on request only.
    """

    name: str
    prepare: Callable[[Data], Callable[[], Any]]
    expected: Callable[[Data], Any] | None = None
    read: Callable[[Data, Any], Any] | None = None
    quantity: Quantity = "cost"
    target: float | None = None
    requires: tuple[str, ...] = ()
    threads: int = 1
    slow: bool = False


@dataclass(frozen=True)
class Case:
    """Something of ours, measured beside its rivals on the same data in the same process.

    Attributes:
        name: unique: what it computes, dtype and size.
        group: one of GROUPS.
        n: players.
        dtype: numpy's name.
        ours: what is measured; its quantity is "value".
        rivals: what it is measured beside.
        setup: from a number of players to the data of all series.
        restore: puts the data back, untimed, before every call of every series, so that nothing grows without
            bound and every call finds the same caches.
        unit: "s" or "B".
        reported: whether a call returns its own measurement, made in another process.
        nbytes: bytes of the result, for the rate; 0 if a rate makes no sense.
        memory: bytes that the data take at most.
        check_n: players at which `timing.check` compares every series with its definition.
        headline: whether the short tables show it.
    """

    name: str
    group: str
    n: int
    dtype: str
    ours: Series
    rivals: tuple[Series, ...]
    setup: Callable[[int], Data]
    restore: Callable[[Data], object] | None = None
    unit: Literal["s", "B"] = "s"
    reported: bool = False
    nbytes: int = 0
    memory: int = 0
    check_n: int = 6
    headline: bool = True
