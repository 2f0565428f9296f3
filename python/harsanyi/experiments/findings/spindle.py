"""Noise on the parameters or on the samples adds interactions in the form of a spindle."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import fit_spindle, newly_emerged, order_strength
from harsanyi.experiments import distributions, figures, runs
from harsanyi.experiments.finding import Context, Direction, Finding, Measurement, Statistic, above, below
from harsanyi.experiments.measures import rank_correlation
from harsanyi.experiments.pairs import ENDS
from harsanyi.experiments.runs import InjectionSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]


def run(context: Context[InjectionSettings]) -> Measurement:
    """Distributions over orders of what noise of every level changes, and the spindles fitted to them."""
    statistics: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    arrays: dict[str, list[Any]] = defaultdict(list)
    for name, one in runs.followed(context):
        s = one.phase_end
        between: Any = order_strength(newly_emerged(*(one.at(end, s) for end in ENDS)))
        accuracy = one.subject.trajectory.test_accuracy[s]
        statistics["accuracy"][name].append(float(accuracy))
        for kind in runs.KINDS:
            noisy = runs.inject(context, one, kind)
            levels = context.settings.levels(kind)
            bars, lines = [], []
            for end in ENDS:
                strength: Any = order_strength(newly_emerged(one.at(end, s), noisy[end]))
                fit = fit_spindle(strength)
                total = strength.absolute.sum(-1)
                series = f"{name}, {kind}, {end}"
                statistics["fit_error"][series].append(float(np.mean(fit.relative_residual)))
                peak = strength.absolute.argmax(-1)
                statistics["peak_order"][series].append(float(peak.mean()))
                statistics["growth"][series].append(rank_correlation(levels, total))
                statistics["alpha"][series].append(float(np.mean(fit.alpha)))
                statistics["ambiguity"][series].append(float(between.absolute.sum() / total[-1]))
                bars.append(distributions.signed(strength))
                lines.append(fit.spindle[:, 1:])
            arrays[f"{name}, {kind}: strength"].append(bars)
            arrays[f"{name}, {kind}: spindle"].append(lines)
    return Measurement(statistics, {key: np.array(rows) for key, rows in arrays.items()})


def draw(measurement: Measurement, settings: InjectionSettings) -> Figure:
    """For every level of noise the distribution of what emerged, and the spindle fitted to it."""
    cases = [
        (f"{setup.name}, {kind}", level, i)
        for setup in settings.setups
        for kind in runs.KINDS
        for i, level in enumerate(settings.levels(kind))
    ]
    figure, panels = figures.panels(
        [f"{name} {level:g}" for name, level, _ in cases],
        heading="Injected noise adds interactions in the form of a spindle",
        notes="Strength of the change of the sparse AND-OR pair of the network at the end of its normal "
        "learning phase, under Gaussian noise on its parameters or an FGSM step on the samples; line: the "
        "spindle fitted to the bars. " + distributions.ENDS_NOTE,
        columns=len(settings.sigma),
        width=2.6,
    )
    for axes, (name, _, i) in zip(panels, cases, strict=True):
        bars = measurement.arrays[f"{name}: strength"][0][:, i]
        model = measurement.arrays[f"{name}: spindle"][0][0, i]
        distributions.distribution(axes, bars, {"spindle": np.stack([model, model])})
    return figure


FINDING = Finding(
    name="spindle",
    claim="Interactions that newly emerge when noise is injected into the parameters or the sample follow a "
    "spindle-shaped distribution over orders, and grow with the noise.",
    source="Cheng et al., 'Revisiting generalization power', section 2.2.2 and equation 6, figure 3",
    interactions="sparse pair",
    statistics=(
        Statistic(
            "fit_error",
            "norm of what the fitted spindle leaves of the new interactions' strengths, over their norm, "
            "mean over the levels (the bound is ours: the paper shows curves)",
            below(0.2),
        ),
        Statistic(
            "peak_order",
            "order at which their strength is largest, mean over the levels: neither the first nor the last",
            Direction(low=2, high=9),
        ),
        Statistic("growth", "rank correlation of the level with their strength", above(0)),
        Statistic("alpha", "the fitted alpha, mean over the levels: the peak lies near alpha n / 2"),
        Statistic(
            "ambiguity",
            "strength of the difference between both ends of the optimum without noise, over that of the new "
            "interactions at the strongest noise",
        ),
        Statistic("accuracy", "on the test data, of the network without noise"),
    ),
    sizes={
        "quick": InjectionSettings(setups=runs.QUICK, samples=3, sigma=(0.01, 0.04), radius=(0.02, 0.08)),
        "default": InjectionSettings(setups=runs.DEFAULT, samples=10, seeds=3),
        "full": InjectionSettings(setups=runs.FULL, samples=50, seeds=3),
    },
    run=run,
    draw=draw,
)
