"""Training first removes a spindle and learns the decay part; overfitting brings a spindle back."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import nan_mean, track_phases
from harsanyi.experiments import distributions, figures, runs
from harsanyi.experiments.finding import Context, Finding, Measurement, Statistic, above, below
from harsanyi.experiments.pairs import ENDS
from harsanyi.experiments.runs import RunSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]

_PARTS = ("decay part", "spindle part")
_MOMENTS = (*distributions.MOMENTS[:2], "last but one checkpoint")  # of the last, all is decay part


def run(context: Context[RunSettings]) -> Measurement:
    """Both parts of the distribution at every checkpoint, over the strength of its first order."""
    statistics: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    arrays: dict[str, list[Any]] = defaultdict(list)
    for name, one in runs.followed(context):
        s, last = one.phase_end, len(one.epochs) - 1
        moments = [0, s, max(s, last - 1)]
        scale = one.first_order()[..., None]
        curves, bars, shown, left = [], [], [], []
        for end in ENDS:
            track: Any = track_phases(
                one.pairs[end], one.train_loss, one.test_loss, share=context.settings.share
            )
            found = track.parts
            spindle = np.stack([found.spindle, found.spindle], -2)[..., 1:]
            parts = np.stack([distributions.signed(found.decay), spindle]) / scale
            decay_sum, spindle_sum = sums = parts.sum((-2, -1))
            numbers = {
                "early_spindle": spindle_sum[s] - spindle_sum[0],
                "early_decay": decay_sum[s] - decay_sum[0],
                "late_spindle": nan_mean(spindle_sum[s + 1 : last]) - spindle_sum[s],
                "residual": np.mean(found.relative_residual[:last]),
                "overlap": nan_mean(found.overlap[:last]),
                "identified": np.mean(found.status[:last] == "identified"),
            }
            for key, number in numbers.items():
                statistics[key][f"{name}, {end}"].append(float(number))
            curves.append(sums)
            bars.append((distributions.signed(track.strength) / scale)[moments])
            shown.append(parts[:, moments])
            left.append(found.relative_residual)
        arrays[f"{name}: sums"].append(curves)
        arrays[f"{name}: strength"].append(bars)
        arrays[f"{name}: parts"].append(shown)
        arrays[f"{name}: residual"].append(left)
        arrays[f"{name}: phase end"].append(one.epochs[s])
        arrays[f"{name}: epochs"] = list(one.epochs)
    return Measurement(statistics, {key: np.array(rows) for key, rows in arrays.items()})


def draw(measurement: Measurement, settings: RunSettings) -> Figure:
    """Both parts over the epochs, and under the distribution over orders at three of them."""
    arrays = measurement.arrays
    names = [setup.name for setup in settings.setups]
    figure, panels = figures.panels(
        [f"{name}: {what}" for name in names for what in ("parts", "residual", *_MOMENTS)],
        heading="Training removes a spindle, learns the decay part, then overfits into a spindle",
        notes="Strength of the sparse AND-OR pair over that of the first order, and the parts fitted to it; "
        "dotted: the end of the normal learning phase. " + distributions.ENDS_NOTE,
        columns=5,
        width=2.6,
    )
    for i, name in enumerate(names):
        sums, residual, *moments = panels[5 * i : 5 * i + 5]
        epochs = arrays[f"{name}: epochs"]
        for j, part in enumerate(_PARTS):
            rows = arrays[f"{name}: sums"][:, :, j]
            distributions.band(sums, epochs, rows, label=part, colour=figures.COLOURS[2 + j])
        distributions.band(residual, epochs, arrays[f"{name}: residual"], colour=figures.COLOURS[6])
        for axes, what in ((sums, "sum / first order"), (residual, "relative residual")):
            distributions.epoch_axis(axes, epochs, what, phase_ends=arrays[f"{name}: phase end"])
        sums.legend(fontsize=7.5, frameon=False)
        for j, axes in enumerate(moments):
            parts = arrays[f"{name}: parts"][0][0, :, j]
            distributions.distribution(
                axes, arrays[f"{name}: strength"][0][:, j], dict(zip(_PARTS, parts, strict=True))
            )
    return figure


FINDING = Finding(
    name="training-parts",
    claim="In the normal learning phase interactions of a spindle-shaped distribution are removed and those "
    "of a decay-shaped one learned; in the overfitting phase spindle-shaped ones emerge again.",
    source="Cheng et al., 'Revisiting generalization power', section 3, figures 5 and 9",
    interactions="sparse pair",
    statistics=(
        Statistic(
            "early_spindle",
            "sum of the spindle part, over the first order's strength, at the end of the normal learning "
            "phase minus before training",
            below(0),
        ),
        Statistic("early_decay", "the same of the decay part", above(0)),
        Statistic(
            "late_spindle",
            "the spindle part's sum, mean over the checkpoints after the normal learning phase, minus that "
            "at its end; the last checkpoint, whose own interactions are those that decay, is all decay "
            "part by construction and left out here and below",
            above(0),
        ),
        Statistic(
            "residual",
            "norm of what both parts leave of the strengths, over their norm, mean over the checkpoints (the "
            "bound is ours: the paper shows curves)",
            below(0.2),
        ),
        Statistic("overlap", "cosine of both parts where both are there: near 1 they cannot be told apart"),
        Statistic("identified", "share of the checkpoints whose strengths determine the decay's sigma2"),
    ),
    sizes={
        "quick": RunSettings(setups=runs.QUICK, samples=3),
        "default": RunSettings(setups=runs.DEFAULT, samples=10, seeds=3),
        "full": RunSettings(setups=runs.FULL, samples=50, seeds=3),
    },
    run=run,
    draw=draw,
)
