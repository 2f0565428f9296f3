"""Most interactions of a trained network are nearly zero."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import near_zero_share, sorted_strengths
from harsanyi.experiments import figures, setups
from harsanyi.experiments.finding import Context, Finding, Measurement, Settings, Statistic, at_least
from harsanyi.lattice import mobius

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]


def run(context: Context[Settings]) -> Measurement:
    """The share of each sample's interactions that is nearly zero, and their sorted strengths."""
    shares: dict[str, list[float]] = defaultdict(list)
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        subject = context.train(setup, seed)
        v = context.values(subject, subject.samples("test", context.settings.samples))
        dividends = mobius(v)
        shares[setup.name].append(float(near_zero_share(dividends).mean()))
        strengths = sorted_strengths(dividends)
        curves[setup.name].append((strengths / strengths[:, :1]).mean(0))
    return Measurement({"share": shares}, {name: np.array(rows) for name, rows in curves.items()})


def draw(measurement: Measurement, settings: Settings) -> Figure:
    """Strengths in decreasing order, the mean over samples, one line a network."""
    figure, (axes,) = figures.panels(
        ["Interactions sorted by strength"],
        heading="Most interactions are nearly zero",
        notes="Mean over samples of |I(S)| / max |I|. Below the dashed line an interaction is nearly zero.",
        width=5.0,
        height=3.2,
    )
    for colour, (name, rows) in zip(figures.COLOURS, measurement.arrays.items(), strict=False):
        rank = np.arange(1, rows.shape[1] + 1) / rows.shape[1]
        figures.curve(axes, rank, rows, label=name, colour=colour)
    axes.axhline(0.05, color="0.4", linewidth=0.9, linestyle="--")
    figures.finish(axes, "share of all interactions", "strength / strongest", legend="")
    return figure


FINDING = Finding(
    name="sparsity",
    claim="80 % to 95 % of the interactions of a trained network have almost no effect.",
    source="Zhou et al., AAAI 2024, 'Illustrating Concepts of Different Orders', figure 2",
    interactions="dividends",
    statistics=(
        Statistic(
            "share", "share of the interactions with |I(S)| <= 0.05 max |I|, mean over samples", at_least(0.8)
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
