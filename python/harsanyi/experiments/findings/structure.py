"""Networks that mainly use interactions of high order are more sensitive to the destruction of structure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from harsanyi.analysis import area_between
from harsanyi.experiments import figures, orders
from harsanyi.experiments.finding import Context, Finding, Measurement, Settings, Statistic, above
from harsanyi.experiments.findings.order_accuracy import SHARED_KINDS
from harsanyi.experiments.grid import GRID, cut
from harsanyi.experiments.orders import KINDS, with_orders
from harsanyi.games.structure import masked_accuracy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING", "StructureSettings"]

_MASKS = ("random masks", "surrounding masks")


@dataclass(frozen=True, kw_only=True)
class StructureSettings(Settings):
    """What the experiment is told; `samples` counts test images.

    Attributes:
        points: numbers of masked patches, evenly spaced from none to all.
    """

    points: int = 11


def run(context: Context[StructureSettings]) -> Measurement:
    """Accuracy against the number of masked patches, and the area between the two kinds of masks."""
    area: dict[str, list[float]] = defaultdict(list)
    larger: dict[str, list[float]] = {}
    curves: dict[str, list[Any]] = defaultdict(list)
    counts = np.rint(np.linspace(0, GRID**2, context.settings.points)).astype(int)
    for setup in context.settings.setups:
        for kind in SHARED_KINDS:
            for trained, seed in context.each([with_orders(setup, KINDS[kind])]):
                subject = context.train(trained, seed)
                samples = subject.samples("test", context.settings.samples)
                players = cut(subject.dataset)
                rows = [
                    masked_accuracy(
                        subject.trajectory.network(),
                        torch.from_numpy(samples.x),
                        samples.y,
                        player=players.player,
                        counts=counts.tolist(),
                        positions=positions,
                        baseline=torch.from_numpy(players.baseline),
                        generator=seed,
                    )
                    for positions in (None, players.positions)
                ]
                name = f"{setup.name}, {kind}"
                curves[name].append(rows)
                area[name].append(float(area_between(counts / GRID**2, *rows)))
        of_high, of_normal = (np.array(area[f"{setup.name}, {kind}"]) for kind in ("high", "normal"))
        larger[setup.name] = (of_high - of_normal).tolist()
    arrays = {name: np.array(seeds) for name, seeds in curves.items()}
    return Measurement({"larger": larger, "area": area}, {**arrays, "masked": counts})


def draw(measurement: Measurement, settings: StructureSettings) -> Figure:
    """Accuracy under random and surrounding masks and the area between, a panel for each network."""
    names = [f"{setup.name}, {kind}" for setup in settings.setups for kind in SHARED_KINDS]
    figure, panels = figures.panels(
        names,
        heading="Networks of high orders are more sensitive to the destruction of structure",
        notes="Accuracy on test images of which patches are masked: at random, or from the border inwards.",
        columns=4,
        width=2.3,
        height=1.9,
    )
    masked = measurement.arrays["masked"]
    for axes, name in zip(panels, names, strict=True):
        rows = measurement.arrays[name]
        for at, (mask, colour) in enumerate(zip(_MASKS, figures.COLOURS, strict=False)):
            figures.curve(axes, masked, rows[:, at], label=mask, colour=colour, marker=".")
        axes.fill_between(masked, *rows.mean(0), color="#999999", alpha=0.2, linewidth=0)
        axes.set_ylim(0, 1.02)
        figures.finish(axes, "masked patches", "accuracy", legend="" if name == names[0] else None)
    return figure


FINDING = Finding(
    name="structure",
    claim="The area between accuracy under random and under surrounding masks is larger for a network of "
    "high orders than for one trained normally.",
    source="Deng et al., ICLR 2022, section 3.4, figures 5, 6 and 8",
    interactions="multi-order",
    statistics=(
        Statistic("larger", "area of the network of high orders minus that of normal training", above(0)),
        Statistic(
            "area",
            "accuracy under surrounding masks minus that under random ones, mean over the share of patches "
            "that are masked",
        ),
    ),
    sizes={
        "quick": StructureSettings(setups=orders.QUICK_IMAGES, samples=100, points=6),
        "default": StructureSettings(setups=orders.DEFAULT_IMAGES, samples=400, points=11, seeds=2),
        "full": StructureSettings(setups=orders.FULL_IMAGES, samples=1000, points=17, seeds=3),
    },
    run=run,
    draw=draw,
)
