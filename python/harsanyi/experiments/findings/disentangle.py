"""With more injected noise the spindle part of the interactions grows, and the decay part stays."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import decay_table, disentangle, nan_mean, order_strength
from harsanyi.experiments import distributions, figures, runs
from harsanyi.experiments.finding import Context, Finding, Measurement, Statistic, above, below
from harsanyi.experiments.measures import rank_correlation
from harsanyi.experiments.pairs import ENDS
from harsanyi.experiments.runs import InjectionSettings
from harsanyi.explanation import SparsePair

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]

_PARTS = ("decay part", "spindle part")


def run(context: Context[InjectionSettings]) -> Measurement:
    """Both parts without noise and with noise of every level."""
    statistics: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    arrays: dict[str, list[Any]] = defaultdict(list)
    for name, one in runs.followed(context):
        for kind in runs.KINDS:
            noisy = runs.inject(context, one, kind)
            bars, parts = [], []
            for end in ENDS:
                table = decay_table(one.at(end, -1))  # of the converged network
                strength: Any = order_strength(_with_clean(one.at(end, one.phase_end), noisy[end]))
                found = disentangle(strength, table)
                spindle = np.stack([found.spindle, found.spindle], -2)[..., 1:]
                both = np.stack([distributions.signed(found.decay), spindle])  # [parts, levels, 2, n]
                change = np.abs(both[:, -1] - both[:, 0]).sum((-2, -1))
                decayed, total = both[0, 0].sum(), strength.absolute[0].sum()
                grown = both[1].sum((-2, -1))
                numbers = {
                    "spindle_growth": rank_correlation((0.0, *context.settings.levels(kind)), grown),
                    "decay_share": _ratio(change[0], change.sum()),
                    "residual": float(np.mean(found.relative_residual)),
                    "spindle_change": _ratio(grown[-1] - grown[0], total),
                    "decay_change": _ratio(change[0], decayed),
                    "overlap": float(nan_mean(found.overlap)),
                    "identified": float(np.mean(found.status == "identified")),
                }
                for key, number in numbers.items():
                    statistics[key][f"{name}, {kind}, {end}"].append(number)
                bars.append(distributions.signed(strength))
                parts.append(both)
            arrays[f"{name}, {kind}: strength"].append(bars)
            arrays[f"{name}, {kind}: parts"].append(parts)
    return Measurement(statistics, {key: np.array(rows) for key, rows in arrays.items()})


def _with_clean(clean: SparsePair, noisy: SparsePair) -> SparsePair:
    """Both in one batch, the one without noise first."""
    and_, or_ = (np.concatenate([x[None], y]) for x, y in zip(clean, noisy, strict=True))
    return SparsePair(and_, or_)


def _ratio(over: float, under: float) -> float:
    return float(over / under) if under > 0 else float("nan")


def draw(measurement: Measurement, settings: InjectionSettings) -> Figure:
    """For every level of noise the distribution over orders and its two parts."""
    cases = [
        (f"{setup.name}, {kind}", level, i)
        for setup in settings.setups
        for kind in runs.KINDS
        for i, level in enumerate((0.0, *settings.levels(kind)))
    ]
    figure, panels = figures.panels(
        [f"{name} {level:g}" for name, level, _ in cases],
        heading="More injected noise, a larger spindle part; the decay part stays",
        notes="Strength of the sparse AND-OR pair of the network at the end of its normal learning phase, "
        "under Gaussian noise on its parameters or an FGSM step on the samples; lines: the parts fitted to "
        "the bars. " + distributions.ENDS_NOTE,
        columns=len(settings.sigma) + 1,
        width=2.6,
    )
    for axes, (name, _, i) in zip(panels, cases, strict=True):
        bars = measurement.arrays[f"{name}: strength"][0][:, i]
        parts = measurement.arrays[f"{name}: parts"][0][0, :, i]
        distributions.distribution(axes, bars, dict(zip(_PARTS, parts, strict=True)))
    return figure


FINDING = Finding(
    name="disentangle",
    claim="When noise of increasing size is injected, the spindle-shaped part of the interactions grows and "
    "the decay-shaped part is not affected much; both together match the distribution.",
    source="Cheng et al., 'Revisiting generalization power', section 3, equation 9, figure 4",
    interactions="sparse pair",
    statistics=(
        Statistic(
            "spindle_growth",
            "rank correlation of the level, 0 included, with the spindle part's sum",
            above(0),
        ),
        Statistic(
            "decay_share",
            "change of the decay part from no noise to the strongest, summed over orders and signs, over the "
            "change of both parts: the lesser half",
            below(0.5),
        ),
        Statistic(
            "residual",
            "norm of what both parts leave of the strengths, over their norm, mean over the levels (the "
            "bound is ours: the paper shows curves)",
            below(0.2),
        ),
        Statistic(
            "spindle_change", "growth of the spindle part's sum, over that of all strengths without noise"
        ),
        Statistic("decay_change", "change of the decay part, over its sum without noise"),
        Statistic("overlap", "cosine of both parts, mean over the levels: near 1 they cannot be told apart"),
        Statistic("identified", "share of the levels at which the strengths determine the decay's sigma2"),
    ),
    sizes={
        "quick": InjectionSettings(setups=runs.QUICK, samples=3, sigma=(0.01, 0.04), radius=(0.02, 0.08)),
        "default": InjectionSettings(setups=runs.DEFAULT, samples=10, seeds=3),
        "full": InjectionSettings(setups=runs.FULL, samples=50, seeds=3),
    },
    run=run,
    draw=draw,
)
