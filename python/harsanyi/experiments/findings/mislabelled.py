"""Samples with a wrong label are classified by interactions of higher order than clean ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import mean_order, order_strength, output_range
from harsanyi.experiments import figures, setups
from harsanyi.experiments.finding import Context, Finding, Measurement, Settings, Statistic, above
from harsanyi.experiments.pairs import ENDS, sparse_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING", "MislabelledSettings"]

_KINDS = ("clean", "wrong label")


@dataclass(frozen=True, kw_only=True)
class MislabelledSettings(Settings):
    """What the experiment is told.

    Attributes:
        noise: share of wrong labels.
    """

    noise: float = 0.1


def run(context: Context[MislabelledSettings]) -> Measurement:
    """Strength by order on training samples with a right and with a wrong label, for the label given."""
    higher: dict[str, list[float]] = defaultdict(list)
    learned: dict[str, list[float]] = defaultdict(list)
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each(setups.noisy(context.settings.setups, [context.settings.noise])):
        subject = context.train(setup, seed)
        wrong = subject.dataset.mislabelled
        orders: dict[str, dict[str, float]] = {}
        for kind, among in zip(_KINDS, (~wrong, wrong), strict=True):
            samples = subject.samples("train", context.settings.samples, among=among, labels="given")
            v = context.values(subject, samples)
            pairs = sparse_pairs(v, folder=context.cache)
            strengths: dict[str, Any] = {
                end: order_strength(pair, threshold=0.03 * output_range(v), relative_to="mean_order").absolute
                for end, pair in pairs.items()
            }
            orders[kind] = {end: float(mean_order(strengths[end])) for end in ENDS}
            curves[f"{setup.name}: {kind}"].append([strengths[end][1:] for end in ENDS])
            learned[f"{setup.name}, {kind}"].append(float((v[:, -1] > 0).mean()))
        for end in ENDS:
            higher[f"{setup.name}, {end}"].append(orders[_KINDS[1]][end] - orders[_KINDS[0]][end])
    return Measurement(
        {"higher": higher, "learned": learned}, {name: np.array(rows) for name, rows in curves.items()}
    )


def draw(measurement: Measurement, settings: MislabelledSettings) -> Figure:
    """Distribution of strength over orders of both kinds of samples, as bands between the two ends."""
    names = [setup.name for setup in settings.setups]
    figure, panels = figures.panels(
        names,
        heading="Wrong labels are learned by interactions of higher order",
        notes="Strength of the salient interactions of the sparse AND-OR pair over its mean over the orders. "
        "The pair of least l1 norm is not unique: the band lies between the optimum of the lowest orders "
        "(solid) and that of the highest (dashed), means over the seeds.",
        width=4.0,
        height=2.6,
    )
    for axes, name in zip(panels, names, strict=True):
        for kind, colour in zip(_KINDS, figures.COLOURS, strict=False):
            lowest, highest = measurement.arrays[f"{name}: {kind}"].mean(0)
            order = np.arange(1, len(lowest) + 1)
            axes.fill_between(order, lowest, highest, color=colour, alpha=0.18, linewidth=0)
            figures.curve(axes, order, lowest, label=kind, colour=colour)
            figures.curve(axes, order, highest, colour=colour, linestyle="--", linewidth=1.0)
        figures.finish(axes, "order", "strength / mean strength", legend="", orders=len(order))
    return figure


FINDING = Finding(
    name="mislabelled",
    claim="A network uses interactions of higher order to classify incorrectly labelled samples than to "
    "classify the original samples.",
    source="Zhou et al., 'Towards the first principles of explaining DNNs' (personal view), figure 5, after "
    "Zhang et al., 2024",
    interactions="sparse pair",
    statistics=(
        Statistic(
            "higher",
            "mean order of the salient interactions, weighted with their strength, on training samples with "
            "a wrong label minus that on clean ones",
            above(0),
        ),
        Statistic("learned", "share of the samples that the network classifies as their label says"),
    ),
    sizes={
        "quick": MislabelledSettings(setups=setups.NOISY_QUICK, samples=5),
        "default": MislabelledSettings(setups=setups.NOISY_DEFAULT, samples=30, seeds=2),
        "full": MislabelledSettings(setups=setups.NOISY_FULL, samples=50, seeds=3, noise=0.05),
    },
    run=run,
    draw=draw,
)
