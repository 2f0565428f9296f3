"""Networks that mainly use interactions of high order are more vulnerable to attacks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from harsanyi.errors import ArgumentError
from harsanyi.experiments import figures, orders
from harsanyi.experiments.finding import Context, Finding, Measurement, Statistic, below
from harsanyi.experiments.orders import KINDS, OrderSettings, interactions, with_orders
from harsanyi.games.structure import adversarial_accuracy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING", "Attack", "RobustnessSettings"]

_KINDS = ("normal", "robustness")
_LABELS = ("normal", "high orders")


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A PGD attack, L-infinity, on the samples of a data set.

    Attributes:
        data: a name that `data.load` knows.
        radius: in standard deviations of a variable.
        steps: of `step_size`.
        step_size: in the same unit.
    """

    data: str
    radius: float
    steps: int
    step_size: float = 0.01


@dataclass(frozen=True, kw_only=True)
class RobustnessSettings(OrderSettings):
    """What the experiment is told.

    Attributes:
        attacks: one for each data set.
        attacked: how many test samples are attacked.
    """

    attacks: tuple[Attack, ...] = (
        Attack(data="census", radius=0.6, steps=100),
        Attack(data="breast-cancer", radius=0.2, steps=50),
    )
    attacked: int = 1000

    def attack(self, name: str) -> Attack:
        """That of a data set.

        Raises:
            ArgumentError: there is none.
        """
        for attack in self.attacks:
            if attack.data == name:
                return attack
        raise ArgumentError("attacks", [attack.data for attack in self.attacks], f"one for {name}, too")


def run(context: Context[RobustnessSettings]) -> Measurement:
    """Accuracy under attack, and J, of networks trained normally and for high orders."""
    statistics: dict[str, dict[str, list[float]]] = {
        name: defaultdict(list) for name in ("lost", "under_attack", "clean", "raised")
    }
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        attack = context.settings.attack(setup.data)
        share, high = [], []
        for kind, label in zip(_KINDS, _LABELS, strict=True):
            subject = context.train(with_orders(setup, KINDS[kind]), seed)
            samples = subject.samples("test", context.settings.attacked)
            under_attack = adversarial_accuracy(
                subject.trajectory.network(),
                torch.from_numpy(samples.x),
                samples.y,
                radius=attack.radius,
                steps=attack.steps,
                step_size=attack.step_size,
                generator=seed,
            )
            found = interactions(context, subject)
            share.append(under_attack)
            high.append(float(found.strength[found.orders >= round(0.6 * found.n)].mean()))
            statistics["under_attack"][f"{setup.name}, {label}"].append(under_attack)
            statistics["clean"][f"{setup.name}, {label}"].append(float(subject.trajectory.test_accuracy[-1]))
            curves[f"{setup.name}: {label}"].append(found.strength)
            curves[f"{setup.name}: m/n"] = [found.orders / found.n]
        statistics["lost"][setup.name].append(share[1] - share[0])
        statistics["raised"][setup.name].append(high[1] / high[0])
    return Measurement(statistics, {name: np.array(rows) for name, rows in curves.items()})


def draw(measurement: Measurement, settings: RobustnessSettings) -> Figure:
    """J of both networks, as in figure 9a, with their accuracy under attack in the legend."""
    names = [setup.name for setup in settings.setups]
    figure, panels = figures.panels(
        names,
        heading="Networks of high orders are more vulnerable to attacks",
        notes="J: mean absolute multi-order interaction of pairs, relative to its mean over the orders; in "
        "the legends, accuracy under PGD.",
        columns=2,
        width=4.0,
        height=2.6,
    )
    for axes, name in zip(panels, names, strict=True):
        (relative,) = measurement.arrays[f"{name}: m/n"]
        for label, colour in zip(_LABELS, ("#555555", figures.COLOURS[1]), strict=True):
            accuracy = np.mean(measurement.statistics["under_attack"][f"{name}, {label}"])
            rows = measurement.arrays[f"{name}: {label}"]
            figures.curve(axes, relative, rows, label=f"{label}: {accuracy:.1%}", colour=colour, marker=".")
        axes.set_ylim(bottom=0)
        figures.finish(axes, "order m / n", "J", legend="")
    return figure


FINDING = Finding(
    name="order-robustness",
    claim="Networks trained to use mainly interactions of high order are less accurate under attack than "
    "networks trained normally.",
    source="Deng et al., ICLR 2022, section 3.4, table 1 and figure 9a",
    interactions="multi-order",
    statistics=(
        Statistic(
            "lost", "accuracy under PGD of the network of high orders minus that of normal training", below(0)
        ),
        Statistic("under_attack", "accuracy under PGD"),
        Statistic("clean", "accuracy on all test data"),
        Statistic("raised", "mean J of the orders from 0.6 n, of high orders over normal training"),
    ),
    sizes={
        "quick": RobustnessSettings(setups=orders.QUICK_TABLES, table_samples=5, attacked=200),
        "default": RobustnessSettings(setups=orders.DEFAULT_TABLES, seeds=2),
        "full": RobustnessSettings(setups=orders.FULL_TABLES, attacked=10_000, seeds=5),
    },
    run=run,
    draw=draw,
)
