"""The strength of interactions against their order has the shape that theory gives it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import fit_dimension
from harsanyi.experiments import figures
from harsanyi.experiments.finding import Context, Finding, Measurement, Statistic, above, below
from harsanyi.experiments.findings import bottleneck
from harsanyi.experiments.measures import explained
from harsanyi.experiments.orders import OrderSettings, interactions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]


def run(context: Context[OrderSettings]) -> Measurement:
    """The dimension n' at which F-hat is closest to J-hat, and how close that is."""
    share: dict[str, list[float]] = defaultdict(list)
    dimension: dict[str, list[float]] = defaultdict(list)
    smaller: dict[str, list[float]] = defaultdict(list)
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        found = interactions(context, context.train(setup, seed))
        fit = fit_dimension(found.strength, found.orders, found.n)
        share[setup.name].append(explained(fit.measured, fit.curve))
        dimension[setup.name].append(fit.dimension)
        smaller[setup.name].append(fit.dimension / found.n)
        curves[setup.name].append([fit.measured, fit.curve])
        curves[f"{setup.name}: m/n"] = [found.orders / found.n]
    return Measurement(
        {"explained": share, "smaller": smaller, "dimension": dimension},
        {name: np.array(rows) for name, rows in curves.items()},
    )


def draw(measurement: Measurement, settings: OrderSettings) -> Figure:
    """J-hat and F-hat against the order, a panel for each network."""
    names = [setup.name for setup in settings.setups]
    figure, panels = figures.panels(
        names,
        heading="Theory simulates the strength of interactions",
        notes="J / J(0), measured, and F / F(0) of the theory at the number of variables n' that fits best.",
    )
    for axes, name in zip(panels, names, strict=True):
        (relative,) = measurement.arrays[f"{name}: m/n"]
        rows = measurement.arrays[name]
        fitted = np.mean(measurement.statistics["dimension"][name])
        figures.curve(axes, relative, rows[:, 0], label="measured", colour=figures.COLOURS[0], marker=".")
        figures.curve(
            axes, relative, rows[:, 1], label=f"theory, n' = {fitted:.1f}", colour=figures.COLOURS[1]
        )
        axes.set_ylim(bottom=0)
        figures.finish(axes, "order m / n", "strength / that of order 0", legend="")
    return figure


FINDING = Finding(
    name="bottleneck-theory",
    claim="The strength of learning that theory gives each order, at a smaller number of variables, matches "
    "the measured strength of interactions.",
    source="Deng et al., ICLR 2022, section 3.2, theorem 1, figure 3b",
    interactions="multi-order",
    statistics=(
        Statistic(
            "explained",
            "share of the variance of J / J(0) over the orders that F / F(0) at n' explains (the paper shows "
            "curves; the threshold is ours)",
            above(0.5),
        ),
        Statistic("smaller", "n' / n", below(1)),
        Statistic("dimension", "n', fitted by least squares"),
    ),
    sizes={"quick": bottleneck.QUICK, "default": bottleneck.DEFAULT, "full": bottleneck.FULL},
    run=run,
    draw=draw,
)
