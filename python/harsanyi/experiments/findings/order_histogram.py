"""Salient interactions are mostly of middle order."""

from __future__ import annotations

from collections import defaultdict
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import largest_strength, order_sums
from harsanyi.experiments import figures, setups
from harsanyi.experiments.finding import Context, Finding, Measurement, Settings, Statistic, above
from harsanyi.experiments.measures import thirds
from harsanyi.lattice import mobius

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]


def run(context: Context[Settings]) -> Measurement:
    """Salient interactions of each order, counted per sample."""
    ratio: dict[str, list[float]] = defaultdict(list)
    density: dict[str, list[float]] = defaultdict(list)
    counts: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        subject = context.train(setup, seed)
        v = context.values(subject, subject.samples("test", context.settings.samples))
        dividends = mobius(v)
        salient = order_sums(dividends, threshold=0.05 * largest_strength(dividends))
        count = salient.count[:, 1:].mean(0)
        subsets = np.array([comb(len(count), m) for m in range(1, len(count) + 1)])
        ratio[setup.name].append(_middle_to_ends(count))
        density[setup.name].append(_middle_to_ends(count / subsets))
        counts[setup.name].append(count)
    return Measurement(
        {"middle_to_ends": ratio, "density": density},
        {name: np.array(rows) for name, rows in counts.items()},
    )


def _middle_to_ends(by_order: Any) -> float:
    low, middle, high = thirds(by_order)
    ends = max(low, high)
    return middle / ends if ends > 0 else float("nan")


def draw(measurement: Measurement, settings: Settings) -> Figure:
    """A histogram over orders for each network."""
    figure, panels = figures.panels(
        list(measurement.arrays),
        heading="Salient interactions by order",
        notes="Mean number per sample of the interactions with |I(S)| > 0.05 max |I|. "
        "Whiskers reach from the least to the greatest of the seeds.",
    )
    for axes, colour, rows in zip(panels, figures.COLOURS, measurement.arrays.values(), strict=False):
        mean = rows.mean(0)
        around = np.array([mean - rows.min(0), rows.max(0) - mean])
        axes.bar(
            np.arange(1, len(mean) + 1),
            mean,
            yerr=around if len(rows) > 1 else None,
            color=colour,
            error_kw={"linewidth": 0.8},
        )
        figures.finish(axes, "order", "salient interactions", orders=len(mean))
    return figure


FINDING = Finding(
    name="order-histogram",
    claim="There are more salient interactions of middle order than of low or of high order.",
    source="Zhou et al., AAAI 2024, 'Illustrating Concepts of Different Orders', figure 3(a)",
    interactions="dividends",
    statistics=(
        Statistic(
            "middle_to_ends",
            "salient interactions per order: mean over the middle third of the orders, over the greater of "
            "the means over the low and the high third",
            above(1),
        ),
        Statistic(
            "density", "the same after dividing each count by the number of subsets, which favours the middle"
        ),
    ),
    sizes={
        "quick": Settings(setups=setups.QUICK, samples=8),
        "default": Settings(setups=setups.DEFAULT, samples=30, seeds=2),
        "full": Settings(setups=setups.FULL, samples=50, seeds=3),
    },
    run=run,
    draw=draw,
)
