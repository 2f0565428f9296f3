"""What a finding is: a claim of a paper, the experiment that tests it, and the number that decides.

To write one, add a module to `harsanyi.experiments.findings` and its name to `findings.SUMMARIES`:

1. Settings: `Settings` itself (setups, samples, seeds), or a frozen subclass with what else the experiment
   needs; one for each of the sizes "quick" (seconds), "default" (minutes) and "full" (the paper's own).
2. `run(context) -> Measurement`: `for setup, seed in context.each():` gives every network in turn;
   `subject = context.train(setup, seed)` its training, `samples = subject.samples("test", count)` samples,
   `v = context.values(subject, samples)` the games, [samples, 2**n] (`epochs=subject.epochs`: of all
   checkpoints, [epochs, samples, 2**n]). Collect `statistics[name][series]`: one number a seed.
3. `draw(measurement, settings) -> Figure`, from the measurement's arrays alone; `experiments.figures` helps.
4. `FINDING = Finding(...)`, with the direction that the paper claims of each statistic. The verdict is
   computed from it, never written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import inf, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from harsanyi.errors import ArgumentError
from harsanyi.experiments import data
from harsanyi.experiments.checkpoints import Trajectory, cached_trajectory
from harsanyi.experiments.data import Dataset
from harsanyi.experiments.fit import Recipe
from harsanyi.experiments.players import Players, players
from harsanyi.experiments.values import game_values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "SIZES",
    "Context",
    "Direction",
    "Finding",
    "Measurement",
    "Samples",
    "Settings",
    "Setup",
    "Statistic",
    "Subject",
    "above",
    "at_least",
    "below",
]

Size = Literal["quick", "default", "full"]
SIZES: tuple[Size, ...] = ("quick", "default", "full")
Interactions = Literal["dividends", "sparse pair", "multi-order"]
Part = Literal["train", "test"]


@dataclass(frozen=True)
class Direction:
    """Where the paper says that a number lies: between `low` and `high`, the ends included or not."""

    low: float = -inf
    high: float = inf
    ends: bool = True

    def holds(self, value: float) -> bool:
        """Whether the number lies there; NaN does not."""
        over = value > self.low or (value == self.low and (self.ends or self.low == -inf))
        under = value < self.high or (value == self.high and (self.ends or self.high == inf))
        return over and under

    def __str__(self) -> str:
        low, high = ("at least", "at most") if self.ends else ("above", "below")
        words = [f"{low} {self.low:g}"] if self.low > -inf else []
        words += [f"{high} {self.high:g}"] if self.high < inf else []
        return " and ".join(words) or "any number"


def above(value: float) -> Direction:
    """Greater than `value`.

    Example:
        >>> from harsanyi.experiments.finding import above
        >>> above(0).holds(0.0), above(0).holds(float("nan")), str(above(0))
        (False, False, 'above 0')
    """
    return Direction(low=value, ends=False)


def at_least(value: float) -> Direction:
    """Greater than or equal to `value`.

    Example:
        >>> from harsanyi.experiments.finding import at_least
        >>> at_least(0.8).holds(0.8)
        True
    """
    return Direction(low=value)


def below(value: float) -> Direction:
    """Less than `value`.

    Example:
        >>> from harsanyi.experiments.finding import below
        >>> below(0).holds(-0.1)
        True
    """
    return Direction(high=value, ends=False)


@dataclass(frozen=True)
class Statistic:
    """A number that an experiment measures, one for each series (a network on a data set, say) and seed.

    Attributes:
        name: its key in a Measurement.
        meaning: what it is, a formula if need be.
        claimed: where the paper says that it lies; None for a number that is only reported.
    """

    name: str
    meaning: str
    claimed: Direction | None = None


@dataclass(frozen=True)
class Setup:
    """A kind of network, trained in one way on one data set.

    Attributes:
        data: a name that `data.load` knows.
        recipe: how the network is trained; its seed is replaced by that of the run.
        train: number of training samples; None: all.
        test: number of test samples; None: all.
        label_noise: share of the training labels that are wrong.
        epochs: at which the weights are kept, besides the last.
        layer: whose feature map is masked, as `players` takes it.
    """

    data: str
    recipe: Recipe
    train: int | None = None
    test: int | None = None
    label_noise: float = 0.0
    epochs: tuple[int, ...] = ()
    layer: str | None = None

    @property
    def name(self) -> str:
        """'lenet on mnist32'."""
        return f"{self.recipe.network} on {self.data}"

    def dataset(self, seed: int) -> Dataset:
        """The data, with the wrong labels of this seed."""
        whole = data.take(_loaded(self.data), train=self.train, test=self.test)
        return data.with_label_noise(whole, self.label_noise, seed=seed) if self.label_noise else whole


@lru_cache(maxsize=4)
def _loaded(name: str) -> Dataset:
    return data.load(name)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every experiment can be told; an experiment with more to tell derives from it.

    Attributes:
        setups: the networks that are trained, each with a name of its own: it is the name of its series.
        samples: how many samples are analysed.
        seeds: how many times everything is repeated, with the seeds 0, 1, ...

    Raises:
        ArgumentError: two setups of one name.
    """

    setups: tuple[Setup, ...] = ()
    samples: int = 50
    seeds: int = 1

    def __post_init__(self) -> None:
        names = [setup.name for setup in self.setups]
        if len(set(names)) < len(names):
            raise ArgumentError("setups", ", ".join(names), "of different names")


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, eq=False)
class Samples:
    """Some samples of a data set.

    Attributes:
        x: [samples, ...].
        y: the class whose output is explained, [samples].
        index: their place in the train or test part, [samples].
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]
    index: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained network with its data and players.

    Attributes:
        setup: what was trained.
        seed: of the weights, the order of training, the wrong labels, the patches and the samples.
        dataset: what it was trained on.
        trajectory: its weights and losses on the way.
        players: how samples are masked.
    """

    setup: Setup
    seed: int
    dataset: Dataset
    trajectory: Trajectory
    players: Players

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs whose weights were kept, the last included."""
        return self.trajectory.epochs

    def samples(
        self,
        part: Part,
        count: int | None = None,
        *,
        among: npt.ArrayLike | None = None,
        labels: Literal["true", "given"] = "true",
    ) -> Samples:
        """Random samples, without repetition; which they are depends on the seed and on `among` alone.

        Args:
            part: "train" or "test".
            count: how many; None, or more than there are: all of them.
            among: a mask over the part, or indices into it; None: all.
            labels: the class explained: the true one, or the one that a training sample was given.

        Raises:
            ArgumentError: no sample to choose from.
        """
        train = part == "train"
        x = self.dataset.x_train if train else self.dataset.x_test
        y = self.dataset.y_train if train else self.dataset.y_test
        if train and labels == "true" and self.dataset.y_true is not None:
            y = self.dataset.y_true
        pool = np.arange(len(x)) if among is None else np.asarray(among)
        pool = np.flatnonzero(pool) if pool.dtype == np.bool_ else pool
        if not len(pool):
            raise ArgumentError("among", "no sample", "a choice of at least one")
        index = np.random.default_rng(self.seed).permutation(pool)[:count]
        return Samples(x[index], y[index], index)


@dataclass(frozen=True)
class Context(Generic[S]):
    """What a run of an experiment is given.

    Attributes:
        settings: of its size.
        seeds: to repeat it with.
        cache: the folder of trained networks and values; None for `cache.cache_dir()`.
        progress: whether to show bars.
    """

    settings: S
    seeds: tuple[int, ...]
    cache: Path | None = None
    progress: bool = False

    def each(self, setups: Iterable[Setup] | None = None) -> Iterator[tuple[Setup, int]]:
        """Every setup (of the settings, or those given) with every seed, behind a progress bar."""
        pairs = [(setup, seed) for setup in (setups or self.settings.setups) for seed in self.seeds]
        with tqdm(pairs, unit="network", leave=None, disable=not self.progress) as bar:
            for setup, seed in bar:
                noise = f", {setup.label_noise:.0%} wrong labels" if setup.label_noise else ""
                bar.set_description(f"{setup.name}{noise}, seed {seed}")
                yield setup, seed

    def train(self, setup: Setup, seed: int) -> Subject:
        """The network of a setup, trained or taken from the cache, and its players."""
        dataset = setup.dataset(seed)
        trained = cached_trajectory(
            replace(setup.recipe, seed=seed),
            dataset,
            epochs=setup.epochs,
            folder=self.cache,
            progress=self.progress,
        )
        chosen = players(dataset, setup.recipe.network, seed=seed, layer=setup.layer)
        return Subject(setup, seed, dataset, trained, chosen)

    def values(
        self, subject: Subject, samples: Samples, *, epochs: Sequence[int] | None = None
    ) -> npt.NDArray[np.float64]:
        """The log-odds of each sample's class on all its masked versions.

        Args:
            subject: the network.
            samples: of its data.
            epochs: of the checkpoints; None: of the network at the end.

        Returns:
            [samples, 2**n], or with `epochs` [epochs, samples, 2**n].
        """
        chosen = [None] if epochs is None else epochs
        v = game_values(
            [subject.trajectory.network(epoch) for epoch in chosen],
            samples.x,
            samples.y,
            subject.players,
            folder=self.cache,
            progress=self.progress,
        )
        return v[0] if epochs is None else v


@dataclass(frozen=True, eq=False)
class Measurement:
    """What an experiment found.

    Attributes:
        statistics: by statistic and series, one number a seed.
        arrays: by name, all that the figure shows.
    """

    statistics: Mapping[str, Mapping[str, Sequence[float]]]
    arrays: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Finding(Generic[S]):
    """A claim and its experiment.

    Attributes:
        name: on the command line.
        claim: what the paper says, in one sentence.
        source: the paper by its short name, with section and figure.
        interactions: which are used: Harsanyi dividends, the sparse AND-OR pair, or multi-order interactions.
        statistics: what is measured, and where the paper says that it lies.
        sizes: the settings of each size.
        run: the experiment.
        draw: the figure, in the paper's form.
    """

    name: str
    claim: str
    source: str
    interactions: Interactions
    statistics: tuple[Statistic, ...]
    sizes: Mapping[Size, S]
    run: Callable[[Context[S]], Measurement]
    draw: Callable[[Measurement, S], Figure]

    def holds(self, measurement: Measurement, statistic: Statistic, series: str) -> bool | None:
        """Whether the mean over the seeds lies where the paper says; None if it says nothing.

        A NaN (0/0) is left out of the mean; nothing but NaN does not hold.
        """
        if statistic.claimed is None:
            return None
        known = [x for x in measurement.statistics[statistic.name][series] if not isnan(x)]
        return bool(known) and statistic.claimed.holds(float(np.mean(known)))

    def verdict(self, measurement: Measurement) -> bool:
        """Whether every claimed statistic lies where the paper says, in every series.

        Raises:
            ArgumentError: the statistics measured are not those declared, or one has no series.
        """
        declared = {statistic.name for statistic in self.statistics}
        if declared != set(measurement.statistics) or not all(measurement.statistics.values()):
            raise ArgumentError(
                "statistics", sorted(measurement.statistics), f"{sorted(declared)}, with a series each"
            )
        return all(
            self.holds(measurement, statistic, series) is not False
            for statistic in self.statistics
            for series in measurement.statistics[statistic.name]
        )
