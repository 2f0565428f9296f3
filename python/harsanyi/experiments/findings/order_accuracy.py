"""Networks that mainly use interactions of low, of middle and of high order classify about equally well."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.experiments import figures, orders
from harsanyi.experiments.finding import Context, Direction, Finding, Measurement, Settings, Statistic
from harsanyi.experiments.orders import KINDS, with_orders

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING", "SHARED_KINDS"]

SHARED_KINDS = ("normal", "low", "middle", "high")
_COLOURS = dict(zip(SHARED_KINDS, ("#555555", *figures.COLOURS), strict=False))


def run(context: Context[Settings]) -> Measurement:
    """Accuracy on the test data of four networks each."""
    apart: dict[str, list[float]] = defaultdict(list)
    accuracy: dict[str, list[float]] = defaultdict(list)
    rows: dict[str, Any] = {}
    for setup in context.settings.setups:
        by_kind = [
            [
                float(context.train(trained, seed).trajectory.test_accuracy[-1])
                for trained, seed in context.each([with_orders(setup, KINDS[kind])])
            ]
            for kind in SHARED_KINDS
        ]
        rows[setup.name] = np.array(by_kind).T
        apart[setup.name] = np.ptp(rows[setup.name], axis=1).tolist()
        accuracy |= {f"{setup.name}, {kind}": x for kind, x in zip(SHARED_KINDS, by_kind, strict=True)}
    return Measurement({"apart": apart, "accuracy": accuracy}, rows)


def draw(measurement: Measurement, settings: Settings) -> Figure:
    """The left part of table 1 as points, one for each seed."""
    names = [setup.name for setup in settings.setups]
    figure, (axes,) = figures.panels(
        ["accuracy on test data"],
        heading="Networks of low, middle and high orders are about equally accurate",
        notes="Trained normally, with L- (0.7, 1), L+ (0.3, 0.7) and L- (0, 0.5); one point for each seed.",
        width=1.5 + 1.4 * len(names),
        height=2.6,
    )
    for place, name in enumerate(names):
        for at, (kind, colour) in enumerate(_COLOURS.items()):
            values = measurement.arrays[name][:, at]
            x = np.full(len(values), place + 0.15 * (at - 1.5))
            axes.plot(x, values, "o", color=colour, label=kind if place == 0 else None)
    axes.set_xlim(-0.5, len(names) - 0.5)
    figures.finish(axes, "", "accuracy", legend="orders")
    axes.set_xticks(range(len(names)), names)
    return figure


FINDING = Finding(
    name="order-accuracy",
    claim="Networks trained normally and to use mainly interactions of low, of middle or of high order have "
    "similar accuracies.",
    source="Deng et al., ICLR 2022, section 3.4, table 1",
    interactions="multi-order",
    statistics=(
        Statistic(
            "apart",
            "greatest minus least accuracy of the four networks on test data (the paper's differ by up to "
            "0.036; the threshold is ours)",
            Direction(high=0.05),
        ),
        Statistic("accuracy", "on test data"),
    ),
    sizes={
        "quick": Settings(setups=orders.QUICK_IMAGES),
        "default": Settings(setups=orders.DEFAULT_IMAGES, seeds=2),
        "full": Settings(setups=orders.FULL_IMAGES, seeds=3),
    },
    run=run,
    draw=draw,
)
