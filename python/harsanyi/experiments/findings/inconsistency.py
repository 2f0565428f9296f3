"""The higher the order of an interaction, the more likely an attack turns its effect into the opposite."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from harsanyi.analysis import inconsistency, largest_strength, order_sums
from harsanyi.experiments import figures, setups
from harsanyi.experiments.finding import (
    Context,
    Finding,
    Measurement,
    Samples,
    Settings,
    Statistic,
    Subject,
    at_least,
)
from harsanyi.experiments.measures import rank_correlation
from harsanyi.games.attacks import pgd
from harsanyi.lattice import mobius

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING", "Attack", "AttackSettings"]

_MANY = 20  # salient interactions, in all samples together: a share of fewer is drawn hollow


@dataclass(frozen=True, kw_only=True)
class Attack:
    """Untargeted PGD in the L-infinity ball.

    Attributes:
        radius: of the ball, in the unit of the samples.
        step_size: in the same unit.
        steps: how many.
    """

    radius: float
    step_size: float
    steps: int


@dataclass(frozen=True, kw_only=True)
class AttackSettings(Settings):
    """What the experiment is told; the paper does not say how strong its attack was.

    Attributes:
        images: attack on pixels of 0..1: that of Madry et al., ICLR 2018, on MNIST.
        tables: attack on standardised variables: that of Deng et al., ICLR 2022, on the census table.
        shares: of the radius, each an attack of its own: the finding should not hang on one of them.
    """

    images: Attack = Attack(radius=0.3, step_size=0.01, steps=40)
    tables: Attack = Attack(radius=0.6, step_size=0.01, steps=100)
    shares: tuple[float, ...] = (1.0, 0.25)


def run(context: Context[AttackSettings]) -> Measurement:
    """The ratio of salient interactions whose sign the attack changes, by order."""
    settings = context.settings
    rank: dict[str, list[float]] = defaultdict(list)
    fooled: dict[str, list[float]] = defaultdict(list)
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        subject = context.train(setup, seed)
        samples = subject.samples("test", settings.samples)
        clean = mobius(context.values(subject, samples))
        salient = order_sums(clean, threshold=0.05 * largest_strength(clean)).count.sum(0)[1:]
        attack = settings.images if subject.dataset.is_image else settings.tables
        for share in settings.shares:
            weaker = replace(attack, radius=share * attack.radius)
            v = context.values(subject, _attacked(subject, samples, weaker))
            ratio = inconsistency(clean, mobius(v))[1:]
            name = f"{setup.name}, radius {weaker.radius:g}"
            rank[name].append(rank_correlation(range(1, len(ratio) + 1), ratio))
            fooled[name].append(float((v[:, -1] < 0).mean()))
            curves[name].append([ratio, salient])
    return Measurement(
        {"rank": rank, "fooled": fooled}, {name: np.array(rows) for name, rows in curves.items()}
    )


def _attacked(subject: Subject, samples: Samples, attack: Attack) -> Samples:
    x = pgd(
        subject.trajectory.network(),
        torch.from_numpy(samples.x),
        labels=samples.y,
        radius=attack.radius,
        steps=attack.steps,
        step_size=attack.step_size,
        clip=(0.0, 1.0) if subject.dataset.is_image else None,
        generator=subject.seed,
    )
    return replace(samples, x=x.numpy())


def draw(measurement: Measurement, settings: AttackSettings) -> Figure:
    """The ratio over orders, one panel a network, one line an attack."""
    names = [setup.name for setup in settings.setups]
    figure, panels = figures.panels(
        names,
        heading="Under attack, interactions of high order change sign",
        notes="Share of the interactions with |I(S)| > 0.05 max |I| on the clean sample whose sign is the "
        "opposite on the attacked one (untargeted PGD, L-infinity). Hollow: shares of fewer than "
        f"{_MANY} interactions in all samples of a seed together.",
        columns=2,
    )
    for axes, name in zip(panels, names, strict=True):
        found = {key: rows for key, rows in measurement.arrays.items() if key.startswith(f"{name}, ")}
        for colour, (key, rows) in zip(figures.COLOURS, found.items(), strict=False):
            orders = np.arange(1, rows.shape[2] + 1)
            ratio, salient = rows[:, 0], rows[:, 1]
            figures.curve(axes, orders, ratio, label=key.removeprefix(f"{name}, "), colour=colour)
            for few, face in ((salient.min(0) < _MANY, "white"), (salient.min(0) >= _MANY, colour)):
                dots = np.where(few, np.ma.masked_invalid(ratio).mean(0).filled(np.nan), np.nan)
                axes.plot(orders, dots, "o", color=colour, markerfacecolor=face, markersize=4)
        axes.set_ylim(0, None)
        figures.finish(axes, "order", "inconsistent, share", legend="", orders=len(orders))
    return figure


FINDING = Finding(
    name="inconsistency",
    claim="Under an adversarial attack the effects of high-order interactions change sign more often than "
    "those of low-order ones.",
    source="Zhou et al., AAAI 2024, 'Inconsistency of High-Order Concepts', figure 5",
    interactions="dividends",
    statistics=(
        Statistic(
            "rank",
            "rank correlation of the order with the share of salient interactions (|I(S)| > 0.05 max |I|) "
            "whose sign changes; a trend, not a sign alone, is asked for",
            at_least(0.5),
        ),
        Statistic("fooled", "share of the attacked samples whose class has a probability below 1/2"),
    ),
    sizes={
        "quick": AttackSettings(setups=setups.QUICK, samples=8),
        "default": AttackSettings(setups=setups.LIGHT, samples=30, seeds=2),
        "full": AttackSettings(setups=setups.FULL, samples=100, seeds=3),
    },
    run=run,
    draw=draw,
)
