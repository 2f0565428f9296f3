"""Interactions of middle order are the weakest during the whole of the training."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.experiments import figures, orders
from harsanyi.experiments.finding import Context, Finding, Measurement, Statistic, above
from harsanyi.experiments.findings import bottleneck
from harsanyi.experiments.orders import OrderSettings, ends, interactions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]


def run(context: Context[OrderSettings]) -> Measurement:
    """J at every checkpoint; of the trained ones, the least contrast of the ends to the middle."""
    low: dict[str, list[float]] = defaultdict(list)
    high: dict[str, list[float]] = defaultdict(list)
    untrained: dict[str, list[float]] = defaultdict(list)
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        subject = context.train(setup, seed)
        rows, contrasts = [], []
        for epoch in subject.epochs:
            found = interactions(context, subject, epoch=epoch)
            first, middle, last = ends(found.strength, found.orders, found.n)
            rows.append(found.strength)
            contrasts.append((first / middle, last / middle))
        trained = [both for epoch, both in zip(subject.epochs, contrasts, strict=True) if epoch > 0]
        low[setup.name].append(min(first for first, _ in trained))
        high[setup.name].append(min(last for _, last in trained))
        untrained[setup.name].append(min(contrasts[0]))
        curves[setup.name].append(rows)
        curves[f"{setup.name}: m/n"] = [found.orders / found.n]
        curves[f"{setup.name}: epochs"] = [subject.epochs]
    return Measurement(
        {"low": low, "high": high, "untrained": untrained},
        {name: np.array(rows) for name, rows in curves.items()},
    )


def draw(measurement: Measurement, settings: OrderSettings) -> Figure:
    """J against the order, one curve for each checkpoint."""
    names = [setup.name for setup in settings.setups]
    figure, panels = figures.panels(
        names,
        heading="Interactions of middle order are weak during the whole of the training",
        notes="J: mean absolute multi-order interaction of pairs, relative to its mean over the orders.",
        columns=2,
        width=4.0,
        height=2.6,
    )
    for axes, name in zip(panels, names, strict=True):
        (epochs,), (relative,) = measurement.arrays[f"{name}: epochs"], measurement.arrays[f"{name}: m/n"]
        for at, (epoch, colour) in enumerate(zip(epochs, figures.shades(len(epochs)), strict=True)):
            rows = measurement.arrays[name][:, at]
            figures.curve(axes, relative, rows, label=str(epoch), colour=colour, marker=".")
        axes.set_ylim(bottom=0)
        figures.finish(axes, "order m / n", "J", legend="epochs")
    return figure


_BY_TIME = tuple(setup for setup in orders.DEFAULT if setup.epochs and setup.data == "mnist32")

FINDING = Finding(
    name="bottleneck-training",
    claim="The representation bottleneck exists during the whole of the training, not only in its end.",
    source="Deng et al., ICLR 2022, section 3.1, figure 3a",
    interactions="multi-order",
    statistics=(
        Statistic(
            "low",
            "mean J of the orders up to 0.1 n over that of 0.4 n to 0.6 n, the least over the epochs from 1",
            above(1),
        ),
        Statistic("high", "the same of the orders from 0.9 n", above(1)),
        Statistic("untrained", "the lesser of the two before the training, if that was kept"),
    ),
    sizes={
        "quick": OrderSettings(setups=orders.QUICK_IMAGES, samples=2, table_samples=5, pairs=5, contexts=10),
        "default": OrderSettings(setups=_BY_TIME, samples=4, pairs=10, contexts=50),
        "full": OrderSettings(setups=bottleneck.FULL.setups, seeds=3),
    },
    run=run,
    draw=draw,
)
