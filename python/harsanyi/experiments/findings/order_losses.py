"""The losses L+ and L- move the strength of interactions to and from the orders that they are made for."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.experiments import figures, orders
from harsanyi.experiments.finding import Context, Finding, Measurement, Statistic, above, below
from harsanyi.experiments.orders import Interactions, OrderSettings, interactions, with_orders
from harsanyi.training import OrderRecipe, nested_sizes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]

Ratios = tuple[float, float]

_ENCOURAGED: dict[str, Ratios] = {f"L+ {ratios}": ratios for ratios in ((0.2, 0.5), (0.3, 0.7), (0.6, 0.9))}
_PENALISED: dict[str, Ratios] = {f"L- {ratios}": ratios for ratios in ((0.0, 0.2), (0.0, 0.5))}
_RECIPES = {
    "normal": None,
    **{name: OrderRecipe(encourage=ratios) for name, ratios in _ENCOURAGED.items()},
    **{name: OrderRecipe(penalise=ratios) for name, ratios in _PENALISED.items()},
}
_GROUPS = {"encouraged": _ENCOURAGED, "penalised": _PENALISED}


def run(context: Context[OrderSettings]) -> Measurement:
    """J in the range of each loss, with it and without it."""
    statistics: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in _GROUPS}
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup in context.settings.setups:
        rows: dict[str, list[Interactions]] = defaultdict(list)
        for name, recipe in _RECIPES.items():
            for trained, seed in context.each([with_orders(setup, recipe)]):
                rows[name].append(interactions(context, context.train(trained, seed)))
            curves[f"{setup.name}: {name}"] = [found.strength for found in rows[name]]
        curves[f"{setup.name}: m/n"] = [rows["normal"][0].orders / rows["normal"][0].n]
        for which, group in _GROUPS.items():
            for name, ratios in group.items():
                statistics[which][f"{setup.name}, {name}"] = [
                    _within(found, ratios) / _within(normal, ratios)
                    for found, normal in zip(rows[name], rows["normal"], strict=True)
                ]
    return Measurement(statistics, {name: np.array(seeds) for name, seeds in curves.items()})


def _within(found: Interactions, ratios: Ratios) -> float:
    """Mean J of the orders from r1 n to r2 n."""
    least, most = nested_sizes(found.n, *ratios)
    return float(found.strength[(found.orders >= least) & (found.orders <= most)].mean())


def draw(measurement: Measurement, settings: OrderSettings) -> Figure:
    """J against the order, a curve for each loss, those of L+ and of L- apart."""
    places = [(setup.name, which) for setup in settings.setups for which in _GROUPS]
    figure, panels = figures.panels(
        [f"{name}: {which}" for name, which in places],
        heading="Two losses encourage and penalise interactions of chosen orders",
        notes="J: mean absolute multi-order interaction of pairs, relative to its mean over the orders. L+ "
        "(r1, r2) is to raise it from r1 n to r2 n, L- (0, r2) to lower it up to r2 n.",
        columns=2,
        width=4.0,
        height=2.6,
    )
    for axes, (name, which) in zip(panels, places, strict=True):
        (relative,) = measurement.arrays[f"{name}: m/n"]
        for kind, colour in zip(("normal", *_GROUPS[which]), ("#555555", *figures.COLOURS), strict=False):
            rows = measurement.arrays[f"{name}: {kind}"]
            figures.curve(axes, relative, rows, label=kind, colour=colour, marker=".")
        axes.set_ylim(bottom=0)
        figures.finish(axes, "order m / n", "J", legend="")
    return figure


FINDING = Finding(
    name="order-losses",
    claim="L+ strengthens the interactions of the orders from r1 n to r2 n, L- weakens those of the orders "
    "up to r2 n.",
    source="Deng et al., ICLR 2022, section 3.3, figure 4b",
    interactions="multi-order",
    statistics=(
        Statistic(
            "encouraged", "mean J of the orders r1 n to r2 n with L+ over that of normal training", above(1)
        ),
        Statistic("penalised", "mean J up to the order r2 n with L- over that of normal training", below(1)),
    ),
    sizes={
        "quick": OrderSettings(setups=orders.QUICK_IMAGES, samples=2, table_samples=5, pairs=5, contexts=10),
        "default": OrderSettings(setups=orders.DEFAULT_IMAGES, samples=4, pairs=8, contexts=50),
        "full": OrderSettings(setups=orders.FULL_IMAGES, seeds=3),
    },
    run=run,
    draw=draw,
)
