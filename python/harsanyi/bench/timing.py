"""Measuring a case: interleaved repeats, so that a machine that slows down slows every series down.

One sample of a series is the median of several calls, each timed by itself with the case's data restored
before it, untimed. One repeat takes one sample of every series, in alternating order. A ratio is the median,
over repeats, of the quotient of two samples of the same repeat.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from time import perf_counter_ns
from typing import Any

import numpy as np

from harsanyi._arrays import require_memory
from harsanyi.bench.case import Case, Series
from harsanyi.bench.machine import processors
from harsanyi.config import get_num_threads, set_num_threads
from harsanyi.errors import ArgumentError, NotEnoughMemoryError

__all__ = [
    "Measurement",
    "Result",
    "Settings",
    "check",
    "figure",
    "measure",
    "one_thread",
    "reached",
    "unavailable",
]

_MOST_CALLS = 1000


@dataclass(frozen=True)
class Settings:
    """How thoroughly to measure.

    Attributes:
        repeats: samples of each series, at most.
        sample_seconds: calls are repeated within a sample until they take about this long.
        series_seconds: a series whose samples together would take longer gets fewer of them, at least one.
        slow: whether to measure the series that take minutes, too: once each, without a call to warm up.
    """

    repeats: int = 11
    sample_seconds: float = 0.01
    series_seconds: float = 6.0
    slow: bool = False

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ArgumentError("repeats", self.repeats, "at least 1")

    @classmethod
    def quick(cls, *, repeats: int | None = None, slow: bool = False) -> Settings:
        """Enough to see whether something is badly wrong."""
        return cls(
            repeats=5 if repeats is None else repeats, sample_seconds=0.002, series_seconds=1.0, slow=slow
        )


@dataclass(frozen=True)
class Measurement:
    """The samples of one series.

    Attributes:
        series: what was measured.
        samples: one number a repeat, in the case's unit; empty if the series was not measured.
        calls: how many calls one sample is the median of.
        note: why it was not measured; empty if it was.
    """

    series: Series
    samples: tuple[float, ...] = ()
    calls: int = 0
    note: str = ""

    @property
    def median(self) -> float | None:
        """The median sample, in the case's unit."""
        return median(self.samples) if self.samples else None


@dataclass(frozen=True)
class Result:
    """A measured case.

    Attributes:
        case: what was measured.
        ours: the case's own series.
        rivals: the others, in the order of the case.
        details: what the case found out while it prepared, such as the best batch size.
    """

    case: Case
    ours: Measurement
    rivals: tuple[Measurement, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)


def figure(ours: Measurement, of: Measurement) -> float | None:
    """The figure of a series, as its quantity says; None if it could not be measured.

    Args:
        ours: the case's own series.
        of: the same, for the measurement itself, or a rival: ours over it ("cost") or it over ours ("speed").

    Example:
        >>> from harsanyi.bench.cases import Series
        >>> from harsanyi.bench.timing import Measurement, figure
        >>> ours = Measurement(Series("ours", prepare=None), samples=(1.0, 2.0, 9.0))
        >>> figure(ours, Measurement(Series("rival", prepare=None), samples=(2.0, 5.0, 18.0)))
        0.5
    """
    quantity = of.series.quantity
    if quantity == "value":
        return of.median
    pairs = list(zip(ours.samples, of.samples, strict=False))  # the slower of two may have fewer samples
    if not pairs:
        return None
    return median(a / b if quantity == "cost" else b / a for a, b in pairs)


def reached(ours: Measurement, of: Measurement) -> bool | None:
    """Whether the figure of a series reaches its target; None if there is no target or no figure."""
    value, target = figure(ours, of), of.series.target
    if value is None or target is None:
        return None
    return value >= target if of.series.quantity == "speed" else value <= target


def unavailable(series: Series, *, slow: bool = True) -> str:
    """Why a series cannot be measured here; empty if it can."""
    missing = [module for module in series.requires if find_spec(module) is None]
    if missing:
        return f"{', '.join(missing)} not installed"
    if series.threads > processors():
        return f"needs {series.threads} processors"
    return "needs --slow" if series.slow and not slow else ""


def measure(case: Case, settings: Settings) -> Result:
    """Measures all series of a case that can be measured here; the others get a note.

    Raises:
        Exception: whatever a series that can be measured here raises.
    """
    every = (case.ours, *case.rivals)
    notes = [unavailable(series, slow=settings.slow) for series in every]
    try:
        require_memory(case.memory, case.name)
    except NotEnoughMemoryError as error:
        notes = [str(error)] * len(every)
    if notes[0]:
        rivals = tuple(Measurement(series, note=f"nothing to compare: {notes[0]}") for series in case.rivals)
        return Result(case, Measurement(case.ours, note=notes[0]), rivals)
    with one_thread():
        data = case.setup(case.n)
        runs = [
            _Run.prepare(case, series, data, settings) if not note else _Run(series, note=note)
            for series, note in zip(every, notes, strict=True)
        ]
        for repeat in range(max(run.repeats for run in runs)):
            for run in runs if repeat % 2 == 0 else reversed(runs):
                if repeat < run.repeats:
                    run.samples.append(_sample(case, data, run))
    ours, *others = (Measurement(run.series, tuple(run.samples), run.calls, run.note) for run in runs)
    return Result(case, ours, tuple(others), dict(getattr(data, "details", {})))


@dataclass
class _Run:
    """A series on its way: the call, and how often it is to be sampled."""

    series: Series
    call: Callable[[], Any] | None = None
    calls: int = 0
    repeats: int = 0
    note: str = ""
    samples: list[float] = field(default_factory=list)

    @classmethod
    def prepare(cls, case: Case, series: Series, data: Any, settings: Settings) -> _Run:
        try:
            run = cls(series, series.prepare(data), calls=1, repeats=1)
        except ImportError as error:  # it is there, but does not work with what else is there
            if series is case.ours:
                raise
            return cls(series, note=f"cannot be imported: {error}")
        if series.slow:
            return run
        _sample(case, data, run)  # compiles, fills caches
        seconds = max(_sample(case, data, run, wall=True), 1e-9)
        if not case.reported:
            run.calls = min(max(round(settings.sample_seconds / seconds), 1), _MOST_CALLS)
        run.repeats = min(max(int(settings.series_seconds / (seconds * run.calls)), 1), settings.repeats)
        return run


def _sample(case: Case, data: Any, run: _Run, *, wall: bool = False) -> float:
    """The median of `run.calls` calls, or of what they report where the case says so and `wall` does not."""
    assert run.call is not None
    call, restore = run.call, case.restore
    set_num_threads(run.series.threads)
    samples = []
    for _ in range(run.calls):
        if restore is not None:
            restore(data)
        start = perf_counter_ns()
        returned = call()
        stop = perf_counter_ns()
        samples.append(returned if case.reported and not wall else (stop - start) * 1e-9)
        del returned  # frees the result outside the timed region, as the first thing after it
    return float(median(samples))


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for torch and, unless a series says otherwise, for the package; no garbage collection."""
    torch: Any = import_module("torch") if find_spec("torch") is not None else None
    threads, collecting = get_num_threads(), gc.isenabled()
    torch_threads = torch.get_num_threads() if torch is not None else 0
    gc.disable()
    if torch is not None:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        set_num_threads(threads)
        if torch is not None:
            torch.set_num_threads(torch_threads)
        if collecting:
            gc.enable()


def check(case: Case) -> list[str]:
    """Computes each series that can run here once, at `case.check_n` players, beside its definition.

    Returns:
        The names of the series that were compared.

    Raises:
        AssertionError: a series gives something else.

    Example:
        >>> from harsanyi.bench import cases, timing
        >>> timing.check(cases.select(["mobius-f64-n8"])[0])[:2]
        ['mobius', 'numpy.copyto']
    """
    compared = []
    with one_thread():
        data = case.setup(case.check_n)
        for series in (case.ours, *case.rivals):
            if unavailable(series):
                continue
            if case.restore is not None:
                case.restore(data)
            set_num_threads(series.threads)
            returned = series.prepare(data)()
            value = returned if series.read is None else series.read(data, returned)
            if series.expected is None:
                if not 0 <= value < float("inf"):
                    raise AssertionError(f"{case.name}, {series.name}: {value}")
            else:
                expected, actual = np.asarray(series.expected(data)), np.asarray(value)
                tolerance = (1e-4 if case.dtype == "float32" else 1e-10) * max(np.abs(expected).max(), 1.0)
                name = f"{case.name}, {series.name}"
                np.testing.assert_allclose(actual, expected, atol=tolerance, rtol=0, err_msg=name)
            compared.append(series.name)
    return compared
