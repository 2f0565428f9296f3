"""The fewer labels are wrong, the sooner interactions of low order are learned."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import learning_progress
from harsanyi.experiments import figures, setups
from harsanyi.experiments.finding import Context, Finding, Measurement, Statistic, below
from harsanyi.experiments.findings.label_noise import NoiseSettings
from harsanyi.experiments.measures import area, rank_correlation
from harsanyi.lattice import mobius

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]


def run(context: Context[NoiseSettings]) -> Measurement:
    """Similarity of the first-order interactions at every checkpoint to the final ones."""
    speed: dict[str, list[float]] = defaultdict(list)
    curves: dict[str, list[Any]] = defaultdict(list)
    noise = context.settings.noise
    for setup in context.settings.setups:
        rows: dict[int, list[Any]] = defaultdict(list)
        for noisy, seed in context.each(setups.noisy([setup], noise)):
            subject = context.train(noisy, seed)
            samples = subject.samples("train", context.settings.samples)
            dividends = mobius(context.values(subject, samples, epochs=subject.epochs))
            rows[seed].append(learning_progress(dividends, dividends[-1])[:, 1])
        for seed in context.seeds:
            areas = [area(subject.epochs, row) for row in rows[seed]]
            speed[setup.name].append(rank_correlation(noise, areas))
            curves[setup.name].append(rows[seed])
        curves[f"{setup.name}: epochs"] = [subject.epochs]
    return Measurement({"speed": speed}, {name: np.array(seeds) for name, seeds in curves.items()})


def draw(measurement: Measurement, settings: NoiseSettings) -> Figure:
    """Sim[1, t] over the epochs, one line for each share of wrong labels."""
    names = [setup.name for setup in settings.setups]
    figure, panels = figures.panels(
        names,
        heading="Fewer wrong labels, low orders learned sooner",
        notes="Sim[1, t]: Jaccard similarity of the first-order interactions after t epochs to those of the "
        "final network, mean over samples.",
        width=4.0,
        height=2.6,
    )
    for axes, name in zip(panels, names, strict=True):
        (epochs,) = measurement.arrays[f"{name}: epochs"]
        for i, (share, colour) in enumerate(
            zip(settings.noise, figures.shades(len(settings.noise)), strict=True)
        ):
            rows = measurement.arrays[name][:, i]
            figures.curve(axes, epochs, rows, label=f"{share:.0%}", colour=colour, marker=".")
        figures.finish(axes, "epoch", "Sim[1, t]", legend="wrong labels")
    return figure


FINDING = Finding(
    name="learning-speed",
    claim="A network trained with fewer wrong labels learns interactions of low order more quickly.",
    source="Zhou et al., AAAI 2024, 'An Over-Fitted DNN Usually Encodes Strong High-Order Interactive "
    "Concepts', claim 2, figure 8",
    interactions="dividends",
    statistics=(
        Statistic(
            "speed",
            "rank correlation of the share of wrong labels with the mean of Sim[1, t] over the epochs t",
            below(0),
        ),
    ),
    sizes={
        "quick": NoiseSettings(setups=setups.NOISY_QUICK, samples=6, noise=(0.0, 0.1, 0.3)),
        "default": NoiseSettings(setups=setups.NOISY_DEFAULT, samples=20, seeds=2),
        "full": NoiseSettings(setups=setups.NOISY_FULL, samples=50, seeds=3),
    },
    run=run,
    draw=draw,
)
