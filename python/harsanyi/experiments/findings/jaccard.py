"""Interactions of low order generalise: they are more alike on training and on test samples."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from harsanyi.analysis import class_similarity, nan_mean
from harsanyi.experiments import figures, setups
from harsanyi.experiments.finding import (
    Context,
    Direction,
    Finding,
    Measurement,
    Part,
    Samples,
    Settings,
    Statistic,
    Subject,
)
from harsanyi.experiments.measures import rank_correlation
from harsanyi.lattice import mobius

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FINDING"]

_SERIES = ("train and test", "train and other train")


def run(context: Context[Settings]) -> Measurement:
    """Similarity by order of training and test samples, and of two disjoint sets of training samples.

    The mean over few samples is noisier in weak interactions: the similarity would fall with the order
    without any test sample. The second curve shows how much.
    """
    falls: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    curves: dict[str, list[Any]] = defaultdict(list)
    for setup, seed in context.each():
        subject = context.train(setup, seed)
        both = _by_class(subject, "train", 2 * context.settings.samples)
        half = len(both[0].y) // 2
        train = _joined([Samples(one.x[:half], one.y[:half], one.index[:half]) for one in both])
        other = _joined([Samples(one.x[half:], one.y[half:], one.index[half:]) for one in both])
        test = _joined(_by_class(subject, "test", context.settings.samples))
        i_train, i_other, i_test = (mobius(context.values(subject, one)) for one in (train, other, test))
        similarity = nan_mean(class_similarity(i_train, i_test, train.y, test.y), -2)[1:]
        within = nan_mean(class_similarity(i_train, i_other, train.y, other.y), -2)[1:]
        of_parts = nan_mean(class_similarity(i_train, i_test, train.y, test.y, parts="mean_of_parts"), -2)[1:]
        orders = range(1, len(similarity) + 1)
        for name, by_order in (
            ("rank", similarity),
            ("mean_of_parts", of_parts),
            ("within_train", within),
            ("relative", similarity / within),
        ):
            falls[name][setup.name].append(rank_correlation(orders, by_order))
        curves[setup.name].append([similarity, within])
    return Measurement(falls, {name: np.array(rows) for name, rows in curves.items()})


def _by_class(subject: Subject, part: Part, count: int) -> list[Samples]:
    """`count` samples, equally many of each class."""
    labels = subject.dataset.y_train if part == "train" else subject.dataset.y_test
    classes = np.unique(labels)
    return [subject.samples(part, count // len(classes), among=labels == one) for one in classes]


def _joined(parts: list[Samples]) -> Samples:
    return Samples(*(np.concatenate([getattr(one, name) for one in parts]) for name in ("x", "y", "index")))


def draw(measurement: Measurement, settings: Settings) -> Figure:
    """Similarity over orders, one panel a network."""
    figure, panels = figures.panels(
        list(measurement.arrays),
        heading="Interactions of low order generalise better",
        notes="Jaccard similarity of the class means of the interactions of an order, mean over classes: on "
        "training and test samples, and, for comparison, on two disjoint sets of training samples.",
        columns=2,
    )
    for axes, rows in zip(panels, measurement.arrays.values(), strict=True):
        orders = np.arange(1, rows.shape[2] + 1)
        for i, (label, style) in enumerate(zip(_SERIES, ("-", "--"), strict=True)):
            figures.curve(
                axes, orders, rows[:, i], label=label, colour=figures.COLOURS[i], linestyle=style, marker="."
            )
        axes.set_ylim(0, 1)
        figures.finish(axes, "order", "similarity", legend="", orders=len(orders))
    return figure


FINDING = Finding(
    name="jaccard",
    claim="The interactions of low order of training and of test samples are more alike than those of high "
    "order.",
    source="Zhou et al., AAAI 2024, 'Generalization to Testing Samples', equation 3, figure 4",
    interactions="dividends",
    statistics=(
        Statistic(
            "rank",
            "rank correlation of the order with the Jaccard similarity of the class means on training and on "
            "test samples; a trend, not a sign alone, is asked for",
            Direction(high=-0.5),
        ),
        Statistic(
            "mean_of_parts",
            "the same with the means of the samples' positive and negative parts (Cheng et al., 'Revisiting "
            "generalization power', footnote 6)",
        ),
        Statistic("within_train", "the same for two disjoint sets of training samples: no generalisation"),
        Statistic("relative", "the same for the similarity of train and test over that of the two sets"),
    ),
    # `samples` in each of the three sets, equally many of every class.
    sizes={
        "quick": Settings(setups=setups.QUICK, samples=20),
        "default": Settings(setups=setups.LIGHT, samples=50, seeds=2),
        "full": Settings(setups=setups.FULL, samples=1000, seeds=3),
    },
    run=run,
    draw=draw,
)
