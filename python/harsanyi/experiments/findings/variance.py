"""Noise on the sample makes interactions vary, exponentially more with their order."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi.analysis import fit_growth, interaction_variance, white_noise_variance
from harsanyi.experiments import figures, setups
from harsanyi.experiments.finding import (
    Context,
    Finding,
    Measurement,
    Samples,
    Settings,
    Statistic,
    Subject,
    above,
    at_least,
)
from harsanyi.lattice import mobius

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING", "VarianceSettings"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class VarianceSettings(Settings):
    """What the experiment is told; the paper does not say how strong its noise was.

    Attributes:
        sigma: standard deviation of the Gaussian noise on each element of a sample: a tenth of the range of a
            pixel, or of a variable's standard deviation.
        draws: of the noise, for each sample.
    """

    sigma: float = 0.1
    draws: int = 50


def run(context: Context[VarianceSettings]) -> Measurement:
    """Variance by order over noise draws, and that of white noise of the same strength on the output."""
    slope: dict[str, list[float]] = defaultdict(list)
    r_squared: dict[str, list[float]] = defaultdict(list)
    excess: dict[str, list[float]] = defaultdict(list)
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        subject = context.train(setup, seed)
        samples = subject.samples("test", context.settings.samples)
        generator = np.random.default_rng(seed)
        found = [_of_sample(context, subject, samples, i, generator) for i in range(len(samples.y))]
        variance, output_variance = np.mean([one for one, _ in found], 0), np.mean([one for _, one in found])
        fit = fit_growth(variance)
        slope[setup.name].append(float(fit.slope))
        r_squared[setup.name].append(float(fit.r_squared))
        excess[setup.name].append(float(fit.slope) - math.log(2))
        null = white_noise_variance(len(variance) - 1, float(output_variance))
        curves[setup.name].append([variance[1:], null[1:]])
    return Measurement(
        {"slope": slope, "r_squared": r_squared, "excess": excess},
        {name: np.array(rows) for name, rows in curves.items()},
    )


def _of_sample(
    context: Context[VarianceSettings],
    subject: Subject,
    samples: Samples,
    i: int,
    generator: np.random.Generator,
) -> tuple[Floats, float]:
    """Variance of the interactions by order, and of the outputs on the masked samples, their mean."""
    draws = context.settings.draws
    noise = generator.standard_normal((draws, *samples.x[i].shape), dtype=np.float32)
    noisy = Samples(
        samples.x[i] + np.float32(context.settings.sigma) * noise,
        np.repeat(samples.y[i], draws),
        np.repeat(samples.index[i], draws),
    )
    v = context.values(subject, noisy)
    # Without the empty set: the baseline carries no noise.
    return interaction_variance(mobius(v)), float(v[:, 1:].var(0, ddof=1).mean())


def draw(measurement: Measurement, settings: VarianceSettings) -> Figure:
    """Variance over orders on a logarithmic scale, beside the line of white noise, one panel a network."""
    figure, panels = figures.panels(
        list(measurement.arrays),
        heading="The variance of interactions grows with their order",
        notes="Variance of I(S) under Gaussian noise of standard deviation "
        f"{settings.sigma:g} on the sample, mean over samples and over the sets of an order. Dashed: what "
        "white noise on the network's output gives, with the variance that the output has here; it doubles "
        "with every order.",
        columns=2,
    )
    for axes, colour, rows in zip(panels, figures.COLOURS, measurement.arrays.values(), strict=False):
        orders = np.arange(1, rows.shape[2] + 1)
        figures.curve(axes, orders, rows[:, 0], label="interactions", colour=colour, marker=".")
        figures.curve(axes, orders, rows[:, 1].mean(0), label="white noise", colour="0.4", linestyle="--")
        axes.set_yscale("log")
        figures.finish(axes, "order", "variance", legend="", orders=len(orders))
    return figure


FINDING = Finding(
    name="variance",
    claim="Under Gaussian noise on the sample the variance of an interaction grows exponentially with its "
    "order.",
    source="Zhou et al., AAAI 2024, theorem 2, 'Experimental verification of Theorem 2', figure 6",
    interactions="dividends",
    statistics=(
        Statistic("slope", "slope of the straight line through log variance over the order", above(0)),
        Statistic("r_squared", "share of the variance of log variance that the line explains", at_least(0.9)),
        Statistic(
            "excess",
            "slope minus log 2, the slope of white noise on the output: above 0 only if high orders are more "
            "sensitive than a signed sum of 2**order outputs with independent errors",
        ),
    ),
    sizes={
        "quick": VarianceSettings(setups=setups.QUICK, samples=3, draws=8),
        "default": VarianceSettings(setups=setups.LIGHT, samples=5, draws=32, seeds=2),
        "full": VarianceSettings(setups=setups.FULL, samples=50, draws=1000, seeds=3),
    },
    run=run,
    draw=draw,
)
