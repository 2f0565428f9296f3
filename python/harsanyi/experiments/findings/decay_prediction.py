"""The final interactions, decayed by uncertainty, predict the distributions earlier in training."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import decay_table, fit_decay, order_strength
from harsanyi.experiments import distributions, figures, runs
from harsanyi.experiments.finding import Context, Finding, Measurement, Statistic, below
from harsanyi.experiments.measures import rank_correlation
from harsanyi.experiments.pairs import ENDS
from harsanyi.experiments.runs import RunSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]

_SHOWN = 3  # distributions over orders


def run(context: Context[RunSettings]) -> Measurement:
    """The decay of the final interactions that is nearest to every checkpoint, and its error."""
    statistics: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    arrays: dict[str, list[Any]] = defaultdict(list)
    for name, one in runs.followed(context):
        last = len(one.epochs) - 1
        second = slice(min(one.phase_end, last - 1), last)  # the second phase, the final network left out
        errors, noises, bars, lines = [], [], [], []
        for end in ENDS:
            strength: Any = order_strength(one.pairs[end])
            found = fit_decay(strength, decay_table(one.at(end, -1)), gamma=None)
            relative, sigma2 = found.relative_residual, found.sigma2
            numbers = {
                "error": np.mean(relative[second]),
                "falling": rank_correlation(one.epochs[second], sigma2[second]),
                "undecayed": np.mean(_scaled_error(distributions.signed(strength))[second]),
                "first_phase": np.mean(relative[: second.start]) if second.start else np.nan,
                "identified": np.mean(found.status[second] == "identified"),
            }
            for key, number in numbers.items():
                statistics[key][f"{name}, {end}"].append(float(number))
            errors.append(relative)
            noises.append(sigma2)
            bars.append(distributions.signed(strength))
            lines.append(distributions.signed(found.decay))
        arrays[f"{name}: error"].append(errors)
        arrays[f"{name}: sigma2"].append(noises)
        arrays[f"{name}: strength"].append(bars)
        arrays[f"{name}: predicted"].append(lines)
        arrays[f"{name}: phase end"].append(one.epochs[one.phase_end])
        arrays[f"{name}: epochs"] = list(one.epochs)
    return Measurement(statistics, {key: np.array(rows) for key, rows in arrays.items()})


def _scaled_error(strength: Any) -> Any:
    """The error of the final distribution itself, at its best scale for each checkpoint, [checkpoints]."""
    flat = strength.reshape(len(strength), -1)
    final = flat[-1]
    rest = flat - np.outer(flat @ final / (final @ final), final)
    return np.linalg.norm(rest, axis=1) / np.linalg.norm(flat, axis=1)


def draw(measurement: Measurement, settings: RunSettings) -> Figure:
    """Error and uncertainty over the epochs, and real and predicted distributions of the second phase."""
    arrays = measurement.arrays
    names = [setup.name for setup in settings.setups]
    titles, moments = [], {}
    for name in names:
        epochs = arrays[f"{name}: epochs"].tolist()
        later = range(epochs.index(arrays[f"{name}: phase end"][0]), len(epochs) - 1) or range(1)
        moments[name] = [later[round(x)] for x in np.linspace(0, len(later) - 1, _SHOWN)]
        titles += [f"{name}: {what}" for what in ("error", "uncertainty")]
        titles += [f"{name}, epoch {epochs[i]}" for i in moments[name]]
    row = 2 + _SHOWN
    figure, panels = figures.panels(
        titles,
        heading="The final interactions under uncertainty predict the earlier ones",
        notes="Strength of the sparse AND-OR pair, and that of the final network's pair after the decay that "
        "fits best, scale included; dotted: the end of the normal learning phase. " + distributions.ENDS_NOTE,
        columns=row,
        width=2.6,
    )
    for i, name in enumerate(names):
        error, noise, *shown = panels[row * i : row * (i + 1)]
        epochs = arrays[f"{name}: epochs"][:-1]
        for axes, key, what, colour in (
            (error, "error", "relative error", 0),
            (noise, "sigma2", "sigma2", 1),
        ):
            rows = arrays[f"{name}: {key}"][..., :-1]
            distributions.band(axes, epochs, rows, colour=figures.COLOURS[colour])
            distributions.epoch_axis(axes, epochs, what, phase_ends=arrays[f"{name}: phase end"])
        noise.set_yscale("log")
        for axes, j in zip(shown, moments[name], strict=True):
            predicted = arrays[f"{name}: predicted"][0][0, j]
            bars = arrays[f"{name}: strength"][0][:, j]
            distributions.distribution(axes, bars, {"predicted": predicted})
    return figure


FINDING = Finding(
    name="decay-prediction",
    claim="The interactions of the converged network under a decreasing uncertainty of the parameters "
    "predict the distribution of interactions over orders in the second phase of training.",
    source="Zhou et al., 'Towards the first principles of explaining DNNs' (personal view), equation 2, "
    "figure 3; Cheng et al., 'Revisiting generalization power', appendix H, figure 7",
    interactions="sparse pair",
    statistics=(
        Statistic(
            "error",
            "norm of real minus predicted strengths, scale fitted, over that of the real ones, mean over "
            "the checkpoints from the end of the normal learning phase to before the last (the bound is "
            "ours: the papers show curves)",
            below(0.2),
        ),
        Statistic(
            "falling", "rank correlation of the epoch with the sigma2 that fits, over the same", below(0)
        ),
        Statistic("undecayed", "the error of the final distribution itself at its best scale, likewise"),
        Statistic("first_phase", "the error before the end of the normal learning phase"),
        Statistic("identified", "share of the checkpoints of the second phase that determine sigma2"),
    ),
    sizes={
        "quick": RunSettings(setups=runs.QUICK, samples=3),
        "default": RunSettings(setups=runs.DEFAULT, samples=10, seeds=3),
        "full": RunSettings(setups=runs.FULL, samples=50, seeds=3),
    },
    run=run,
    draw=draw,
)
