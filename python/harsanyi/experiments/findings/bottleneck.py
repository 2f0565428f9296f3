"""Networks encode interactions of low and of high order, few of middle order."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.experiments import figures, orders
from harsanyi.experiments.finding import Context, Finding, Measurement, Statistic, above
from harsanyi.experiments.orders import OrderSettings, ends, interactions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DEFAULT", "FINDING", "FULL", "QUICK"]

QUICK = OrderSettings(setups=orders.QUICK, samples=2, table_samples=5, pairs=5, contexts=10)
DEFAULT = OrderSettings(setups=orders.DEFAULT, samples=4, pairs=10, contexts=50)
FULL = OrderSettings(setups=orders.FULL, seeds=3)


def run(context: Context[OrderSettings]) -> Measurement:
    """J at both ends over J in the middle."""
    low: dict[str, list[float]] = defaultdict(list)
    high: dict[str, list[float]] = defaultdict(list)
    last_order: dict[str, list[float]] = defaultdict(list)
    noise: dict[str, list[float]] = defaultdict(list)
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        found = interactions(context, context.train(setup, seed))
        first, middle, last = ends(found.strength, found.orders, found.n)
        low[setup.name].append(first / middle)
        high[setup.name].append(last / middle)
        last_order[setup.name].append(float(found.strength[-1]) / middle)
        noise[setup.name].append(ends(found.floor, found.orders, found.n)[1] / middle)
        curves[setup.name].append([found.strength, found.floor])
        curves[f"{setup.name}: m/n"] = [found.orders / found.n]
    return Measurement(
        {"low": low, "high": high, "last": last_order, "noise": noise},
        {name: np.array(rows) for name, rows in curves.items()},
    )


def draw(measurement: Measurement, settings: OrderSettings) -> Figure:
    """J against the order, a panel for each data set and a curve for each network."""
    names = list(dict.fromkeys(setup.data for setup in settings.setups))
    figure, panels = figures.panels(
        names,
        heading="Interactions of low and of high order are strong, those of middle order weak",
        notes="J: mean absolute multi-order interaction of pairs, relative to its mean over the orders. "
        "Dotted: what the noise of sampling alone would give (tables are exact).",
        columns=2,
        width=4.0,
        height=2.6,
    )
    for axes, name in zip(panels, names, strict=True):
        members = [setup for setup in settings.setups if setup.data == name]
        for setup, colour in zip(members, figures.COLOURS, strict=False):
            (relative,) = measurement.arrays[f"{setup.name}: m/n"]
            rows = measurement.arrays[setup.name]
            figures.curve(axes, relative, rows[:, 0], label=setup.recipe.network, colour=colour, marker=".")
            if rows[:, 1].any():
                axes.plot(relative, rows[:, 1].mean(0), color=colour, linestyle=":", linewidth=1.0)
        axes.set_ylim(bottom=0)
        figures.finish(axes, "order m / n", "J", legend="")
    return figure


FINDING = Finding(
    name="bottleneck",
    claim="A network encodes strong interactions of low and of high order and weak ones of middle order.",
    source="Deng et al., ICLR 2022, section 3.1, figure 2",
    interactions="multi-order",
    statistics=(
        Statistic("low", "mean J of the orders up to 0.1 n over that of 0.4 n to 0.6 n", above(1)),
        Statistic("high", "mean J of the orders from 0.9 n over that of 0.4 n to 0.6 n", above(1)),
        Statistic("last", "J of the order n - 2 alone over mean J of 0.4 n to 0.6 n"),
        Statistic("noise", "what the noise of sampling alone would give at 0.4 n to 0.6 n, over J there"),
    ),
    sizes={"quick": QUICK, "default": DEFAULT, "full": FULL},
    run=run,
    draw=draw,
)
