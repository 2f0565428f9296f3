"""A concept of high order is first learned as a mixture of low orders."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from harsanyi.analysis import boolean_strength
from harsanyi.experiments import figures
from harsanyi.experiments.checkpoints import Trajectory, cached_trajectory, spread_epochs
from harsanyi.experiments.data import Dataset
from harsanyi.experiments.finding import Context, Finding, Measurement, Settings, Statistic, above
from harsanyi.experiments.fit import Recipe
from harsanyi.lattice import mobius
from harsanyi.subsets import all_subsets, subsets_to_masks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING", "DetourSettings", "product_table"]

Floats = npt.NDArray[np.float64]

# All of {0,1}^n is one batch; neither optimiser nor step is given in the paper.
_RECIPE = Recipe("mlp", epochs=500, batch_size=1024, learning_rate=1e-3, schedule="constant", loss="squared")


@dataclass(frozen=True, kw_only=True)
class DetourSettings(Settings):
    """What the experiment is told.

    Attributes:
        recipe: of the network; its seed is replaced.
        n: number of binary inputs.
        orders: of the products learned, one network each, ascending; the first is called low, those above
            n / 2 are called high.
        checkpoints: about how many, ever wider apart.
    """

    recipe: Recipe
    n: int = 10
    orders: tuple[int, ...] = (2, 8)
    checkpoints: int = 40


def product_table(n: int, chosen: tuple[int, ...]) -> Dataset:
    """All of {0,1}^n, row S being the subset S, with the product of the chosen inputs to fit.

    Example:
        >>> from harsanyi.experiments.findings.detour import product_table
        >>> product_table(2, (0, 1)).y_train
        array([0, 0, 0, 1])
    """
    x = subsets_to_masks(all_subsets(n), n).astype(np.float32)
    y = np.asarray(x[:, list(chosen)].all(axis=1), dtype=np.int64)
    return Dataset("product", x, y, x, y, class_names=("product",))


def run(context: Context[DetourSettings]) -> Measurement:
    """Strength by order over the epochs of networks that fit a product of m of n binary inputs."""
    settings = context.settings
    hump: dict[str, list[float]] = defaultdict(list)
    excess: dict[str, list[float]] = defaultdict(list)
    lead: dict[str, list[float]] = defaultdict(list)
    curves: dict[str, list[Floats]] = defaultdict(list)
    epochs = spread_epochs(settings.recipe.epochs, settings.checkpoints)
    for seed in context.seeds:
        humps = {}
        for order in settings.orders:
            chosen = tuple(np.random.default_rng(seed).permutation(settings.n)[:order].tolist())
            trained = cached_trajectory(
                replace(settings.recipe, seed=seed),
                product_table(settings.n, chosen),
                epochs=epochs,
                folder=context.cache,
                progress=context.progress,
            )
            dividends = mobius(_outputs(trained))
            strength = boolean_strength(dividends)
            humps[order] = _hump(strength, order)
            hump[_series(order)].append(humps[order])
            if order > settings.n / 2:
                target = sum(1 << i for i in chosen)
                lead[_series(order)].append(_lead(strength, dividends[:, target], order, epochs))
                excess[f"{_series(order)} against {settings.orders[0]}"].append(
                    humps[order] - humps[settings.orders[0]]
                )
            curves[f"{_series(order)}: all inputs"].append(strength[:, 1:])
            curves[f"{_series(order)}: input of ones"].append(
                boolean_strength(dividends, inputs="ones")[:, 1:]
            )
    arrays = {name: np.array(rows) for name, rows in curves.items()}
    return Measurement({"excess": excess, "lead": lead, "hump": hump}, {"epochs": np.array(epochs), **arrays})


def _series(order: int) -> str:
    return f"order {order}"


def _outputs(trained: Trajectory) -> Floats:
    """The outputs on all of {0,1}^n at every checkpoint, [epochs, 2**n]: games with the baseline 0."""
    x = torch.from_numpy(trained.dataset.x_train)
    with torch.inference_mode():
        return np.stack([network(x)[:, 0].double().numpy() for network in trained.networks()])


def _others(strength: Floats, order: int) -> Floats:
    """The strength of the orders below the product's, or above where there are none, at every checkpoint."""
    others: Floats = (strength[:, :order] if order > 1 else strength[:, order + 1 :]).sum(1)
    return others


def _hump(strength: Floats, order: int) -> float:
    """How far the wrong orders rise above their beginning and end, in units of the product's own strength."""
    others = _others(strength, order)
    return float((others.max() - max(others[0], others[-1])) * 2.0**order)


def _lead(strength: Floats, effect: Floats, order: int, epochs: tuple[int, ...]) -> float:
    """Epochs from the peak of the wrong orders to the last rise of the product's effect through 1/2."""
    below = np.flatnonzero(effect < 0.5)
    if len(below) and below[-1] == len(epochs) - 1:
        return float("nan")  # never learned
    learned = epochs[below[-1] + 1] if len(below) else 0
    return float(learned - epochs[int(_others(strength, order).argmax())])


def draw(measurement: Measurement, settings: DetourSettings) -> Figure:
    """Strength of every order over the epochs; a column for each product, a row for each reading."""
    arrays: dict[str, Any] = dict(measurement.arrays)
    epochs = arrays.pop("epochs")
    columns = len(settings.orders)
    readings = ("all inputs", "input of ones")
    titles = [f"product of {order}, {reading}" for reading in readings for order in settings.orders]
    figure, panels = figures.panels(
        titles,
        heading="A concept of high order is first learned as low orders",
        notes="Strength by order of a network that fits a product of binary inputs: the mean over all "
        "inputs, and at the input of ones. The product's own order is drawn thick.",
        columns=columns,
        width=2.6 if columns > 2 else 3.2,
    )
    names = [f"{_series(order)}: {reading}" for reading in readings for order in settings.orders]
    colours = figures.shades(settings.n)
    for axes, name, order in zip(panels, names, settings.orders * 2, strict=True):
        for m in range(1, settings.n + 1):
            width = 2.8 if m == order else 1.1
            rows = arrays[name][:, :, m - 1]
            figures.curve(axes, epochs, rows, label=str(m), colour=colours[m - 1], linewidth=width)
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xticks([0, *(10**k for k in range(4) if 10**k <= epochs[-1])])
        axes.set_xticklabels([f"{tick:g}" for tick in axes.get_xticks()])
        axes.minorticks_off()
        last = name == names[columns - 1]
        figures.finish(axes, "epoch", "strength", legend="order" if last else None, beside=True)
    return figure


FINDING = Finding(
    name="detour",
    claim="A low-order concept is learned directly; a high-order one is first mistaken for a mixture of low "
    "orders, which are removed later.",
    source="Zhou et al., AAAI 2024, 'Detouring Dynamics of High-Order Concepts', figure 9",
    interactions="dividends",
    statistics=(
        Statistic("excess", "hump of the high-order concept minus that of the low-order one", above(0)),
        Statistic(
            "lead",
            "epochs from the peak of the lower orders to the last rise of I(S*) through 1/2, of a high order",
            above(0),
        ),
        Statistic(
            "hump",
            "peak over the epochs of the summed strength of the orders below m = |S*| (m = 1: above), minus "
            "the greater of its start and end, over 2^-m, the strength of the concept itself",
        ),
    ),
    sizes={
        "quick": DetourSettings(
            recipe=replace(_RECIPE, epochs=150),
            checkpoints=25,
        ),
        "default": DetourSettings(
            recipe=replace(_RECIPE, epochs=500),
            orders=(1, 3, 5, 7, 9),
            seeds=3,
        ),
        "full": DetourSettings(
            recipe=replace(_RECIPE, epochs=2000),
            orders=(1, 2, 3, 4, 5, 6, 7, 8, 9),
            checkpoints=80,
            seeds=10,
        ),
    },
    run=run,
    draw=draw,
)
