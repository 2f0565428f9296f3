"""A network first drops high orders, then learns rising ones as the loss gap opens."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import mean_order, order_strength, output_range
from harsanyi.experiments import distributions, figures, runs
from harsanyi.experiments.finding import Context, Finding, Measurement, Statistic, above, below
from harsanyi.experiments.measures import rank_correlation
from harsanyi.experiments.pairs import ENDS
from harsanyi.experiments.runs import RunSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]


def run(context: Context[RunSettings]) -> Measurement:
    """The mean order of the salient interactions and the loss gap, checkpoint by checkpoint."""
    statistics: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    arrays: dict[str, list[Any]] = defaultdict(list)
    for name, one in runs.followed(context):
        gap, s = one.test_loss - one.train_loss, one.phase_end
        threshold = 0.02 * output_range(one.v)
        scale = one.first_order(threshold=threshold)
        orders, curves = [], []
        for end in ENDS:
            strength: Any = order_strength(one.pairs[end], threshold=threshold, relative_to=scale)
            order = mean_order(strength.absolute)
            series = f"{name}, {end}"
            statistics["fall"][series].append(float(order[s] - order[0]))
            statistics["rise"][series].append(float(order[-1] - order[s]))
            statistics["together"][series].append(rank_correlation(gap[s:], order[s:]))
            orders.append(order)
            curves.append(distributions.signed(strength)[[0, s, -1]])
        statistics["gap"][name].append(float(gap[-1] - gap[s]))
        arrays[f"{name}: mean order"].append(orders)
        arrays[f"{name}: loss gap"].append(gap)
        arrays[f"{name}: phase end"].append(one.epochs[s])
        arrays[f"{name}: strength"].append(curves)
        arrays[f"{name}: epochs"] = list(one.epochs)
    return Measurement(statistics, {key: np.array(rows) for key, rows in arrays.items()})


def draw(measurement: Measurement, settings: RunSettings) -> Figure:
    """Loss gap and mean order over the epochs, and the distribution over orders at three of them."""
    arrays = measurement.arrays
    names = [setup.name for setup in settings.setups]
    figure, panels = figures.panels(
        [f"{name}: {what}" for name in names for what in ("loss gap", "mean order", *distributions.MOMENTS)],
        heading="Low orders first, then rising orders as the loss gap opens",
        notes="Salient interactions of the sparse AND-OR pair, over the strength of the first order; the "
        "loss gap is test minus training loss; dotted: the end of the normal learning phase. "
        + distributions.ENDS_NOTE,
        columns=5,
        width=2.6,
    )
    for i, name in enumerate(names):
        gap, order, *moments = panels[5 * i : 5 * i + 5]
        epochs = arrays[f"{name}: epochs"]
        figures.curve(gap, epochs, arrays[f"{name}: loss gap"], colour=figures.COLOURS[1], marker=".")
        distributions.band(order, epochs, arrays[f"{name}: mean order"], colour=figures.COLOURS[0])
        for axes, what in ((gap, "test - training loss"), (order, "mean order")):
            distributions.epoch_axis(axes, epochs, what, phase_ends=arrays[f"{name}: phase end"])
        for j, axes in enumerate(moments):
            distributions.distribution(axes, arrays[f"{name}: strength"][0][:, j])
    return figure


FINDING = Finding(
    name="two-phase",
    claim="In the first phase interactions of middle and high order are removed and low orders learned, "
    "while the loss gap stays near zero; in the second the gap opens and increasing orders are learned.",
    source="Zhou et al., 'Towards the first principles of explaining DNNs' (personal view), section 3.1, "
    "figure 2; Cheng et al., 'Revisiting generalization power', section 2.2.1, figure 2",
    interactions="sparse pair",
    statistics=(
        Statistic(
            "fall",
            "mean order at the end of the normal learning phase minus that before training; the phase ends "
            "where the loss gap is last within a tenth of its maximum",
            below(0),
        ),
        Statistic("rise", "mean order at the end of training minus that at the end of the phase", above(0)),
        Statistic(
            "together",
            "rank correlation of mean order and loss gap over the checkpoints from then on",
            above(0),
        ),
        Statistic("gap", "loss gap at the end of training minus that at the end of the phase", above(0)),
    ),
    sizes={
        "quick": RunSettings(setups=runs.QUICK, samples=3),
        "default": RunSettings(setups=runs.DEFAULT, samples=10, seeds=3),
        "full": RunSettings(setups=runs.FULL, samples=50, seeds=3),
    },
    run=run,
    draw=draw,
)
