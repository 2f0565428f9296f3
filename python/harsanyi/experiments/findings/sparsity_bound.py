"""A trained network has few valid interactions, because its output grows about linearly as less is masked."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi.analysis import sparsity_bound, sparsity_conditions
from harsanyi.experiments import figures, setups
from harsanyi.experiments.finding import (
    Context,
    Direction,
    Finding,
    Measurement,
    Settings,
    Statistic,
    at_least,
)
from harsanyi.lattice import mobius

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FINDING"]

_PANELS = (
    "Mean output over the players kept",
    "Where the mean output falls",
    "Valid interactions and their bound",
    "Exponent p of each sample",
)
_COUNT, _BOUND, _EXPONENT = range(3)


def run(context: Context[Settings]) -> Measurement:
    """Counts of valid interactions with their bound, and the conditions of the proof, of each sample."""
    statistics: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    arrays: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        subject = context.train(setup, seed)
        v = context.values(subject, subject.samples("test", context.settings.samples))
        conditions, bound = sparsity_conditions(v), sparsity_bound(mobius(v))
        p = conditions.exponent
        finite = np.isfinite(p)
        for name, value in {
            "valid_share": bound.total_count.mean() / (v.shape[-1] - 1),
            "near_one": ((p >= 0.5) & (p <= 1.5)).mean(),
            "exponent": p[finite].mean() if finite.any() else np.nan,
            "finite": finite.mean(),
            "monotone": conditions.monotone.mean(),
            "highest_order": conditions.highest_order.mean(),
            "count": bound.total_count.mean(),
            "bound": bound.total_bound.mean(),
            "tightness": bound.total_tightness.mean(),
        }.items():
            statistics[name][setup.name].append(float(value))
        mean_output = conditions.mean_output.mean(0)
        arrays[f"{setup.name}: mean output, falls"].append(
            [mean_output / mean_output[-1], conditions.falls.mean(0)]
        )
        arrays[f"{setup.name}: count, bound, p"].append([bound.total_count, bound.total_bound, p])
    return Measurement(statistics, {name: np.array(rows) for name, rows in arrays.items()})


def draw(measurement: Measurement, settings: Settings) -> Figure:
    """The conditions as curves over orders, the counts as bars beside their bounds, p as dots."""
    names = [setup.name for setup in settings.setups]
    figure, (rising, falling, bars, dots) = figures.panels(
        _PANELS,
        heading="Few valid interactions, and the conditions of the proof",
        notes="Mean output: v(S) - v({}) over the sets of an order and over samples, as a share of that of "
        "all players; dashed: p = 1. Valid: |I(S)| >= 0.05 max |I|. Bars: mean and standard deviation over "
        "samples. Dots: samples; a cross at the upper edge stands for those for which no finite p serves.",
        columns=2,
        width=3.4,
        height=2.4,
    )
    rising.plot([0, 1], [0, 1], color="0.4", linewidth=0.9, linestyle="--")
    for i, name in enumerate(names):
        curves = measurement.arrays[f"{name}: mean output, falls"]
        share = np.linspace(0, 1, curves.shape[2])
        figures.curve(rising, share, curves[:, 0], label=name, colour=figures.COLOURS[i])
        figures.curve(falling, share, curves[:, 1], colour=figures.COLOURS[i], marker=".")
        samples = measurement.arrays[f"{name}: count, bound, p"]
        _bars(bars, i, samples.transpose(1, 0, 2).reshape(3, -1))
        _dots(dots, i, samples[:, _EXPONENT].ravel())
    bars.set_yscale("log")
    bars.set_ylim(bottom=1)
    dots.axhspan(0.5, 1.5, color="0.4", alpha=0.12, linewidth=0)
    figures.finish(rising, "share of the players", "mean output", legend="")
    figures.finish(falling, "share of the players", "share of the samples")
    figures.finish(bars, "", "number: count, bound")
    figures.finish(dots, "", "p")
    for axes in (bars, dots):
        axes.set_xticks(range(len(names)), [name.replace(" on ", "\n") for name in names], fontsize=7)
    return figure


def _bars(axes: Axes, i: int, samples: npt.NDArray[np.float64]) -> None:
    for row, shift, opacity in ((_COUNT, -0.2, 1.0), (_BOUND, 0.2, 0.4)):
        axes.bar(
            i + shift,
            samples[row].mean(),
            width=0.38,
            yerr=samples[row].std(),
            color=figures.COLOURS[i],
            alpha=opacity,
            error_kw={"linewidth": 0.8},
        )


def _dots(axes: Axes, i: int, p: npt.NDArray[np.float64]) -> None:
    finite = p[np.isfinite(p)]
    spread = np.linspace(-0.25, 0.25, len(finite))
    axes.plot(i + spread, finite, ".", color=figures.COLOURS[i], markersize=4)
    if len(finite) < len(p):
        axes.plot(i, 1.0, "x", color=figures.COLOURS[i], transform=axes.get_xaxis_transform(), clip_on=False)


FINDING = Finding(
    name="sparsity-bound",
    claim="A trained network has few valid interactions, and its mean output on masked samples decays with "
    "an exponent p near 1.",
    source="Ren et al., ICLR 2024, assumptions 1 to 3, theorem 3, tables 1 and 2 (there language models with "
    "p of 1.11 to 1.18 on average, and a perceptron on a table)",
    interactions="dividends",
    statistics=(
        Statistic(
            "valid_share",
            "share of the interactions with |I(S)| >= 0.05 max |I|, mean over samples",
            Direction(high=0.2),
        ),
        Statistic("near_one", "share of the samples whose p is nearer to 1 than to 0 or 2", at_least(0.5)),
        Statistic("exponent", "p, mean over the samples that have a finite one"),
        Statistic("finite", "share of the samples that have: mean outputs of all orders above that of none"),
        Statistic("monotone", "share of the samples whose mean output falls at no order"),
        Statistic("highest_order", "M, the highest order of a valid interaction, mean over samples"),
        Statistic("count", "number of valid interactions, mean over samples"),
        Statistic("bound", "upper bound of that number, mean over samples"),
        Statistic("tightness", "count over bound, mean over samples"),
    ),
    sizes={
        "quick": Settings(setups=setups.QUICK, samples=8),
        "default": Settings(setups=setups.DEFAULT, samples=30, seeds=2),
        "full": Settings(setups=setups.FULL, samples=50, seeds=3),
    },
    run=run,
    draw=draw,
)
