"""The more labels are wrong, the stronger the interactions of high order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import order_strength, output_range
from harsanyi.experiments import figures, setups
from harsanyi.experiments.finding import Context, Finding, Measurement, Settings, Statistic, above
from harsanyi.experiments.measures import rank_correlation, thirds
from harsanyi.lattice import mobius

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING", "NoiseSettings"]


@dataclass(frozen=True, kw_only=True)
class NoiseSettings(Settings):
    """What the experiment is told.

    Attributes:
        noise: shares of wrong labels, ascending; one network for each.
    """

    noise: tuple[float, ...] = setups.NOISE


def run(context: Context[NoiseSettings]) -> Measurement:
    """Normalised strength by order of networks trained with more and more wrong labels."""
    ratio: dict[str, list[float]] = defaultdict(list)
    high_strength: dict[str, list[float]] = defaultdict(list)
    gap: dict[str, list[float]] = defaultdict(list)
    curves: dict[str, list[Any]] = defaultdict(list)
    noise = context.settings.noise
    for setup in context.settings.setups:
        rows: dict[int, list[Any]] = defaultdict(list)
        gaps: dict[int, list[float]] = defaultdict(list)
        for noisy, seed in context.each(setups.noisy([setup], noise)):
            subject = context.train(noisy, seed)
            v = context.values(subject, subject.samples("train", context.settings.samples))
            strength = order_strength(mobius(v), relative_to=output_range(v), mean_over_sets=True)
            rows[seed].append(strength.absolute[1:])
            path = subject.trajectory
            gaps[seed].append(float(path.test_loss[-1] - path.train_loss[-1]))
        for seed in context.seeds:
            low, _, high = np.array([thirds(row) for row in rows[seed]]).T
            ratio[setup.name].append(rank_correlation(noise, high / low))
            high_strength[setup.name].append(rank_correlation(noise, high))
            gap[setup.name].append(rank_correlation(noise, gaps[seed]))
            curves[setup.name].append(rows[seed])
    return Measurement(
        {"ratio": ratio, "high_strength": high_strength, "loss_gap": gap},
        {name: np.array(seeds) for name, seeds in curves.items()},
    )


def draw(measurement: Measurement, settings: NoiseSettings) -> Figure:
    """Strength over orders, one line for each share of wrong labels; below it, high over low orders."""
    names = list(measurement.arrays)
    figure, panels = figures.panels(
        [*names, *(f"{name}: high / low orders" for name in names)],
        heading="More wrong labels, stronger interactions of high order",
        notes="Mean |I(S)| over samples and over the sets of an order, over mean |v(N) - v({})|. "
        "High and low are the last and the first third of the orders.",
        columns=max(2, len(names)),
        width=3.6,
        height=2.6,
    )
    colours = figures.shades(len(settings.noise))
    for upper, lower, rows in zip(
        panels[: len(names)], panels[len(names) :], measurement.arrays.values(), strict=True
    ):
        orders = rows.shape[2]
        for i, (share, colour) in enumerate(zip(settings.noise, colours, strict=True)):
            order = np.arange(1, orders + 1)
            figures.curve(upper, order, rows[:, i], label=f"{share:.0%}", colour=colour)
        upper.set_yscale("log")
        figures.finish(upper, "order", "strength", legend="wrong labels", orders=orders)
        ratios = [[thirds(row)[2] / thirds(row)[0] for row in seed] for seed in rows]
        figures.curve(lower, settings.noise, ratios, colour=figures.COLOURS[0], marker="o")
        figures.finish(lower, "share of wrong labels", "strength, high / low")
    return figure


FINDING = Finding(
    name="label-noise",
    claim="A network trained with more wrong labels encodes stronger interactions of high order.",
    source="Zhou et al., AAAI 2024, 'An Over-Fitted DNN Usually Encodes Strong High-Order Interactive "
    "Concepts', claim 1, figure 7",
    interactions="dividends",
    statistics=(
        Statistic(
            "ratio",
            "rank correlation of the share of wrong labels with the strength of the high third of the orders "
            "over that of the low third",
            above(0),
        ),
        Statistic(
            "high_strength", "rank correlation of that share with the strength of the high third", above(0)
        ),
        Statistic("loss_gap", "rank correlation of that share with the test loss minus the training loss"),
    ),
    sizes={
        "quick": NoiseSettings(setups=setups.NOISY_QUICK, samples=8, noise=(0.0, 0.1, 0.3)),
        "default": NoiseSettings(setups=setups.NOISY_DEFAULT, samples=30, seeds=2),
        "full": NoiseSettings(setups=setups.NOISY_FULL, samples=50, seeds=3),
    },
    run=run,
    draw=draw,
)
