"""Runs a finding: chooses the size, times it, decides, and writes figure, numbers and settings.

How to write a finding is said in `harsanyi.experiments.finding`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harsanyi.bench.machine import environment
from harsanyi.errors import ArgumentError
from harsanyi.experiments.finding import SIZES, Context, Finding, Measurement, Settings, Size

__all__ = ["Outcome", "document", "reproduce", "save"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """A finding that was tried.

    Attributes:
        finding: which.
        size: "quick", "default" or "full".
        settings: of that size.
        seeds: that it was repeated with.
        measurement: what came out.
        holds: the verdict.
        seconds: that it took.
    """

    finding: Finding[Any]
    size: Size
    settings: Settings
    seeds: tuple[int, ...]
    measurement: Measurement
    holds: bool
    seconds: float

    @property
    def verdict(self) -> str:
        """In words."""
        return "holds" if self.holds else "does not hold here"


def reproduce(
    finding: Finding[Any],
    *,
    size: Size = "default",
    seeds: Sequence[int] | None = None,
    cache: Path | None = None,
    progress: bool = False,
) -> Outcome:
    """Runs the experiment of a finding and decides whether it holds.

    Args:
        finding: what `findings.load` gives.
        size: "quick", "default" or "full".
        seeds: to repeat it with; None: 0, 1, ..., as many as the settings say.
        cache: the folder of trained networks; None for `cache.cache_dir()`.
        progress: show bars on stderr.

    Raises:
        ArgumentError: another size, no seeds or one below 0.
        MissingDependencyError: a package that the experiment needs.

    Example:
        >>> from harsanyi.experiments import runner
        >>> from harsanyi.experiments.finding import Finding, Measurement, Settings, Statistic, above
        >>> counted = Measurement({"larger": {"sets": [2.0**10 - 10**2]}})
        >>> finding = Finding(
        ...     name="growth",
        ...     claim="2^n is more than n^2.",
        ...     source="arithmetic",
        ...     interactions="dividends",
        ...     statistics=(Statistic("larger", "2^10 - 10^2", above(0)),),
        ...     sizes={"default": Settings()},
        ...     run=lambda context: counted,
        ...     draw=lambda measurement, settings: None,
        ... )
        >>> runner.reproduce(finding).verdict
        'holds'
    """
    if size not in SIZES:
        raise ArgumentError("size", size, f"one of {', '.join(SIZES)}")
    settings = finding.sizes[size]
    chosen = tuple(range(settings.seeds)) if seeds is None else tuple(seeds)
    if not chosen or min(chosen) < 0 or len(set(chosen)) < len(chosen):
        raise ArgumentError("seeds", list(chosen), "one or more different numbers of at least 0")
    start = time.perf_counter()
    measurement = finding.run(Context(settings, chosen, cache, progress))
    seconds = time.perf_counter() - start
    return Outcome(finding, size, settings, chosen, measurement, finding.verdict(measurement), seconds)


def document(outcome: Outcome) -> dict[str, Any]:
    """Everything about an outcome but its arrays, as JSON takes it: NaN and infinity are null."""
    finding, measurement = outcome.finding, outcome.measurement
    statistics = [
        {
            "name": statistic.name,
            "meaning": statistic.meaning,
            "claimed": None if statistic.claimed is None else str(statistic.claimed),
            "series": {
                series: {
                    "by_seed": list(values),
                    **_spread(values),
                    "holds": finding.holds(measurement, statistic, series),
                }
                for series, values in measurement.statistics[statistic.name].items()
            },
        }
        for statistic in finding.statistics
    ]
    plain: dict[str, Any] = _plain(
        {
            "finding": finding.name,
            "claim": finding.claim,
            "source": finding.source,
            "interactions": finding.interactions,
            "verdict": outcome.verdict,
            "statistics": statistics,
            "size": outcome.size,
            "seeds": outcome.seeds,
            "settings": asdict(outcome.settings),
            "seconds": outcome.seconds,
            "environment": environment(),
        }
    )
    return plain


def save(outcome: Outcome, folder: Path, *, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Writes NAME.json, NAME.npz (the arrays of the figure) and the figure; NAME-quick.json and so on.

    Args:
        outcome: what `reproduce` gave.
        folder: where to; it is made.
        formats: of the figure, as matplotlib takes them.

    Returns:
        The files written.

    Raises:
        OSError: the folder cannot be written to.
        MissingDependencyError: matplotlib is not installed.
    """
    from harsanyi.plot._style import MUTED

    folder.mkdir(parents=True, exist_ok=True)
    stem = outcome.finding.name + ("" if outcome.size == "default" else f"-{outcome.size}")
    numbers, arrays = folder / f"{stem}.json", folder / f"{stem}.npz"
    numbers.write_text(json.dumps(document(outcome), indent=1) + "\n", encoding="utf-8")
    np.savez_compressed(arrays, **dict(outcome.measurement.arrays))  # type: ignore[arg-type]
    figure = outcome.finding.draw(outcome.measurement, outcome.settings)
    seeds = ", ".join(map(str, outcome.seeds))
    words = f"{outcome.finding.name}: {outcome.verdict} ({outcome.size} size, seeds {seeds})"
    figure.text(0.99, 0.01, words, ha="right", va="bottom", fontsize=7, color=MUTED)
    pictures = [folder / f"{stem}.{suffix}" for suffix in formats]
    for path in pictures:
        figure.savefig(path, dpi=150)
    return [*pictures, numbers, arrays]


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Mean and standard deviation over the seeds, NaN left out."""
    known = np.array([x for x in values if not math.isnan(x)])
    mean = float(known.mean()) if len(known) else math.nan
    return {"mean": mean, "std": float(known.std(ddof=1)) if len(known) > 1 else math.nan}


def _plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
