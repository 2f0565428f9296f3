"""The strength of sampled interactions is stable: repeated samplings give nearly the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi.analysis import instability, interaction_strength
from harsanyi.experiments import figures, orders
from harsanyi.experiments.finding import Context, Finding, Measurement, Settings, Statistic, below
from harsanyi.experiments.orders import sampled, well_classified

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING", "InstabilitySettings", "by_contexts", "by_pairs"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class InstabilitySettings(Settings):
    """What is drawn; `samples` counts images.

    Attributes:
        repetitions: of the largest sampling; smaller ones are parts of it, and so repeated more often.
        block: contexts drawn at a time.
        blocks: numbers of blocks that make up a sampling, ascending, each a divisor of the last.
        fixed_pairs: of an image, where contexts are varied.
        pairs: numbers of pairs, ascending, each a divisor of the last.
        fixed_contexts: of a pair and order, where pairs are varied.
    """

    repetitions: int = 5
    block: int = 10
    blocks: tuple[int, ...] = (1, 2, 5, 10)
    fixed_pairs: int = 100
    pairs: tuple[int, ...] = (10, 20, 50, 100, 200)
    fixed_contexts: int = 100


def by_contexts(drawn: Floats, size: int) -> float:
    """The instability of samplings of `size` blocks of contexts, for the same pairs.

    Args:
        drawn: means of blocks, [blocks, samples, pairs, orders].
        size: a divisor of the number of blocks, at most half of it.

    Example:
        >>> import numpy as np
        >>> from harsanyi.experiments.findings.instability import by_contexts
        >>> by_contexts(np.ones((4, 1, 2, 3)), 2)
        0.0
    """
    repeated = drawn.reshape(-1, size, *drawn.shape[1:]).mean(1)
    return float(instability(interaction_strength(repeated, per_sample=True)))


def by_pairs(drawn: Floats, size: int) -> float:
    """The instability of samplings of `size` pairs.

    Args:
        drawn: interactions of pairs in random order, [samples, pairs, orders].
        size: a divisor of the number of pairs, at most half of it.

    Example:
        >>> import numpy as np
        >>> from harsanyi.experiments.findings.instability import by_pairs
        >>> by_pairs(np.ones((1, 4, 3)), 2)
        0.0
    """
    samples, _, count = drawn.shape
    repeated = drawn.reshape(samples, -1, size, count).swapaxes(0, 1)
    return float(instability(interaction_strength(repeated, per_sample=True)))


def run(context: Context[InstabilitySettings]) -> Measurement:
    """Instability against the number of contexts, and against that of pairs."""
    told = context.settings
    statistics: dict[str, dict[str, list[float]]] = {
        name: defaultdict(list) for name in ("contexts", "pairs", "more_contexts", "more_pairs")
    }
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        subject = context.train(setup, seed)
        samples, network = well_classified(subject, told.samples), subject.trajectory.network()
        blocks = np.stack(
            [
                sampled(
                    network,
                    subject,
                    samples,
                    pairs=told.fixed_pairs,
                    contexts=told.block,
                    context=context,
                    draw=draw,
                ).mean
                for draw in range(told.repetitions * told.blocks[-1])
            ]
        )
        pool = sampled(
            network,
            subject,
            samples,
            pairs=told.repetitions * told.pairs[-1],
            contexts=told.fixed_contexts,
            context=context,
        ).mean
        pool = np.random.default_rng(seed).permutation(pool, axis=1)
        for name, row in (
            ("contexts", [by_contexts(blocks, size) for size in told.blocks]),
            ("pairs", [by_pairs(pool, size) for size in told.pairs]),
        ):
            curves[f"{setup.name}: {name}"].append(row)
            statistics[name][setup.name].append(row[-1])
            statistics[f"more_{name}"][setup.name].append(row[-1] / row[0])
    arrays = {name: np.array(rows) for name, rows in curves.items()}
    return Measurement(statistics, arrays)


def draw(measurement: Measurement, settings: InstabilitySettings) -> Figure:
    """Instability against the number of contexts, and against that of pairs."""
    figure, panels = figures.panels(
        [f"{settings.fixed_pairs} pairs", f"{settings.fixed_contexts} contexts for each pair and order"],
        heading="Sampled interactions are stable",
        notes="Mean difference of J between repeated samplings, relative to J; dashed: what the paper calls "
        "stable.",
        width=4.0,
        height=2.6,
    )
    contexts = [settings.block * size for size in settings.blocks]
    for axes, name, x, stable in zip(
        panels, ("contexts", "pairs"), (contexts, settings.pairs), _STABLE, strict=True
    ):
        for setup, colour in zip(settings.setups, figures.COLOURS, strict=False):
            rows = measurement.arrays[f"{setup.name}: {name}"]
            figures.curve(axes, x, rows, label=setup.name, colour=colour, marker=".")
        axes.axhline(stable, color="#999999", linestyle="--", linewidth=1.0)
        axes.set_ylim(bottom=0)
        figures.finish(axes, f"number of {name}", "instability", legend="")
    return figure


_STABLE = (0.05, 0.1)

FINDING = Finding(
    name="instability",
    claim="The strength of interactions J becomes more stable with more samples, and is stable at a hundred "
    "contexts and two hundred pairs.",
    source="Deng et al., ICLR 2022, appendix C.1, figure 9b",
    interactions="multi-order",
    statistics=(
        Statistic("contexts", "instability at the greatest number of contexts", below(_STABLE[0])),
        Statistic("pairs", "instability at the greatest number of pairs", below(_STABLE[1])),
        Statistic("more_contexts", "instability at the greatest number of contexts over the least", below(1)),
        Statistic("more_pairs", "instability at the greatest number of pairs over the least", below(1)),
    ),
    sizes={
        "quick": InstabilitySettings(
            setups=orders.QUICK_IMAGES,
            samples=2,
            repetitions=2,
            block=5,
            blocks=(1, 2, 4),
            fixed_pairs=4,
            pairs=(5, 10, 20),
            fixed_contexts=5,
        ),
        "default": InstabilitySettings(
            setups=orders.LENETS,
            samples=2,
            repetitions=3,
            fixed_pairs=30,
            fixed_contexts=20,
        ),
        "full": InstabilitySettings(setups=orders.FULL_IMAGES, samples=50),
    },
    run=run,
    draw=draw,
)
