"""What the findings about the representation bottleneck share: networks of kinds of orders, J, its ends.

Multi-order interactions `I^(m)(i, j)` are exact for tables, whose variables are few, and sampled for the
16x16 patches of an image. Source of all: Deng et al., ICLR 2022.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from tqdm import tqdm

from harsanyi.analysis import each_pair, interaction_strength, noise_floor
from harsanyi.errors import ArgumentError
from harsanyi.experiments import cache
from harsanyi.experiments.finding import Context, Samples, Settings, Setup, Subject
from harsanyi.experiments.fit import Recipe
from harsanyi.experiments.grid import cut
from harsanyi.experiments.values import _key
from harsanyi.games.multi_order import sample_multi_order, sample_pairs
from harsanyi.pairwise import multi_order
from harsanyi.training import RECIPES, OrderRecipe

__all__ = [
    "DEFAULT",
    "DEFAULT_IMAGES",
    "DEFAULT_TABLES",
    "FULL",
    "FULL_IMAGES",
    "FULL_TABLES",
    "KINDS",
    "LENETS",
    "QUICK",
    "QUICK_IMAGES",
    "QUICK_TABLES",
    "RADIUS",
    "Interactions",
    "OrderSettings",
    "ends",
    "interactions",
    "sampled",
    "well_classified",
    "with_orders",
]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

RADIUS = 2  # patches: pairs of an image are no further apart
_FORMAT = "harsanyi.multi_order"

# How networks are trained, section 3.4: normally, or for interactions of certain orders.
KINDS: dict[str, OrderRecipe | None] = {"normal": None, **RECIPES}

_QUICK_LENET = Recipe("lenet", epochs=4, batch_size=16)
QUICK_IMAGES = (Setup("mnist32", _QUICK_LENET, train=320, test=200, epochs=(0, 1)),)
QUICK_TABLES = (Setup("census", Recipe("mlp", epochs=2, batch_size=128), train=3000, test=1000),)
QUICK = (
    *QUICK_IMAGES,
    Setup("photographs", _QUICK_LENET, train=320, test=200),
    *QUICK_TABLES,
)

_ALEXNET = Setup("mnist32", Recipe("alexnet", epochs=6, width=8), train=2000, epochs=(0, 1, 2, 4))
_TABLE = Setup("census", Recipe("mlp", epochs=5, batch_size=256))
_TUMOURS = Setup("breast-cancer", Recipe("mlp", epochs=20))
DEFAULT_IMAGES = (_ALEXNET, replace(_ALEXNET, data="photographs"))
DEFAULT_TABLES = (
    _TABLE,
    replace(_TABLE, recipe=Recipe("mlp-8", epochs=5, batch_size=256)),
    _TUMOURS,
    replace(_TUMOURS, recipe=Recipe("mlp-8", epochs=20)),
)
LENETS = (
    Setup("mnist32", Recipe("lenet", epochs=12)),
    Setup("photographs", Recipe("lenet", epochs=12)),
)
DEFAULT = (
    LENETS[0],
    Setup("mnist32", Recipe("vgg-11", epochs=4)),
    Setup("mnist32", Recipe("resnet-20", epochs=4), epochs=(0, 1, 2)),
    *DEFAULT_IMAGES,
    *DEFAULT_TABLES,
)

_FULL_EPOCHS = (0, 1, 2, 5, 10, 20)
FULL_IMAGES = tuple(
    Setup(name, Recipe(network, epochs=50, width=64, learning_rate=1e-3), epochs=_FULL_EPOCHS)
    for name in ("mnist32", "photographs")
    for network in ("alexnet", "vgg-11")
)
FULL_TABLES = tuple(
    replace(setup, recipe=replace(setup.recipe, epochs=50), epochs=_FULL_EPOCHS) for setup in DEFAULT_TABLES
)
FULL = (
    *FULL_IMAGES,
    *(
        Setup(name, Recipe("resnet-20", epochs=50, width=16), epochs=_FULL_EPOCHS)
        for name in ("mnist32", "photographs")
    ),
    *FULL_TABLES,
)


@dataclass(frozen=True, kw_only=True)
class OrderSettings(Settings):
    """What is drawn. `samples` counts images.

    Attributes:
        table_samples: rows of a table, all of whose pairs, orders and contexts are taken.
        pairs: of patches of an image, no further than two patches apart.
        contexts: for each pair and order.
    """

    table_samples: int = 100
    pairs: int = 200
    contexts: int = 100


S = TypeVar("S", bound=OrderSettings)


@dataclass(frozen=True, eq=False)
class Interactions:
    """Multi-order interactions of several samples.

    Attributes:
        n: number of players.
        orders: m, int64 [orders].
        mean: `I^(m)(i, j)`, float64 [samples, pairs, orders].
        standard_error: of each, of the same shape; 0 where exact.
    """

    n: int
    orders: Integers
    mean: Floats
    standard_error: Floats

    @property
    def strength(self) -> Floats:
        """`J^(m)`, eq. 3, float64 [orders]."""
        return interaction_strength(self.mean)

    @property
    def floor(self) -> Floats:
        """What J would be if there were nothing but the noise of sampling, float64 [orders]."""
        return noise_floor(self.mean, self.standard_error)


def with_orders(setup: Setup, recipe: OrderRecipe | None) -> Setup:
    """A setup whose network is trained with losses for interactions of certain orders; None: without.

    Example:
        >>> from harsanyi.experiments import orders
        >>> orders.with_orders(orders.QUICK_IMAGES[0], orders.KINDS["high"]).recipe.orders.penalise
        (0.0, 0.5)
    """
    return replace(setup, recipe=replace(setup.recipe, orders=recipe))


def well_classified(subject: Subject, count: int) -> Samples:
    """Random test samples that the network, at the end of its training, classifies as their label says.

    Source: appendix C.1.
    """
    network, x = subject.trajectory.network(), torch.from_numpy(subject.dataset.x_test)
    with torch.inference_mode():
        predicted = torch.cat([network(part).argmax(1) for part in torch.split(x, 512)]).numpy()
    return subject.samples("test", count, among=predicted == subject.dataset.y_test)


def interactions(context: Context[S], subject: Subject, *, epoch: int | None = None) -> Interactions:
    """The interactions of a network on well classified test samples, kept in the cache.

    Args:
        context: with settings that say how many samples, pairs and contexts.
        subject: the network; its seed is that of the draws.
        epoch: of a checkpoint; None: the end. The samples are the same at every epoch.
    """
    settings = context.settings
    if not subject.dataset.is_image:
        samples = well_classified(subject, settings.table_samples)
        v = context.values(subject, samples, epochs=[subject.epochs[-1] if epoch is None else epoch])[0]
        mean = each_pair(multi_order(v))
        return Interactions(subject.players.n, np.arange(mean.shape[-1]), mean, np.zeros_like(mean))
    samples = well_classified(subject, settings.samples)
    return sampled(
        subject.trajectory.network(epoch),
        subject,
        samples,
        pairs=settings.pairs,
        contexts=settings.contexts,
        context=context,
    )


def sampled(
    network: nn.Sequential,
    subject: Subject,
    samples: Samples,
    *,
    pairs: int,
    contexts: int,
    context: Context[Any],
    draw: int = 0,
) -> Interactions:
    """Interactions of pairs of neighbouring patches, from sampled contexts, kept in the cache.

    Args:
        network: of the subject, at any of its epochs.
        subject: whose images and seed they are.
        samples: images.
        pairs: of each image, its own.
        contexts: of each pair and order.
        context: its cache and its progress bar.
        draw: another number draws other contexts for the same pairs.
    """
    players = cut(subject.dataset)
    what = {
        "network": _key([network], samples.x, samples.y, subject.players),
        "baseline": float(players.baseline.sum()),
        "players": [players.n, RADIUS],
        "draws": [subject.seed, pairs, contexts, draw],
    }
    path = (context.cache or cache.cache_dir()) / f"multi-order-{cache.key_of(what)}.safetensors"
    found = cache.kept(
        path,
        _FORMAT,
        lambda arrays, facts: Interactions(
            players.n, arrays["orders"], arrays["mean"], arrays["standard_error"]
        ),
    )
    if found is not None:
        return found
    drawn = []
    games = list(zip(samples.x, samples.y, samples.index, strict=True))
    for x, y, index in tqdm(games, desc="sampling", unit="image", leave=None, disable=not context.progress):
        chosen = sample_pairs(
            players.n,
            pairs,
            positions=players.positions,
            radius=RADIUS,
            generator=_seed(subject.seed, index),
        )
        drawn.append(
            sample_multi_order(
                players.game(network, x, y),
                chosen,
                contexts=contexts,
                generator=_seed(subject.seed, index, draw + 1),
            )
        )
    made = Interactions(
        players.n,
        drawn[0].orders,
        np.stack([one.mean for one in drawn]),
        np.stack([one.standard_error for one in drawn]),
    )
    arrays = {"orders": made.orders, "mean": made.mean, "standard_error": made.standard_error}
    cache.keep(path, _FORMAT, arrays, {})
    return made


def ends(strength: npt.ArrayLike, orders: npt.ArrayLike, n: int) -> tuple[float, float, float]:
    """Mean J of the low, the middle and the high orders.

    Of relative orders m / (n-2), rounded to tenths: up to 0.1, from 0.4 to 0.6, and from 0.9 (section 3.1:
    "smaller than 0.1n or greater than 0.9n", "approximates 0.5n").

    Args:
        strength: `J^(m)`, [orders].
        orders: m, [orders].
        n: number of players, at least 3.

    Raises:
        ArgumentError: shapes that differ, or no order in one of the three ranges.

    Example:
        >>> from harsanyi.experiments.orders import ends
        >>> ends([4.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0], range(11), 12)
        (3.0, 1.0, 2.0)
    """
    j, m = np.asarray(strength, dtype=np.float64), np.asarray(orders)
    if j.ndim != 1 or j.shape != m.shape:
        raise ArgumentError("strength, orders", f"shapes {j.shape} and {m.shape}", "lists of one length")
    tenths = np.rint(10 * m / (n - 2))
    parts = [j[(tenths >= low) & (tenths <= high)] for low, high in ((0, 1), (4, 6), (9, 10))]
    if not all(map(len, parts)):
        raise ArgumentError("orders", m.tolist(), f"of low, middle and high orders of {n} players")
    low_end, middle, high_end = (float(part.mean()) for part in parts)
    return low_end, middle, high_end


def _seed(*numbers: int) -> int:
    """One seed for a draw that depends on all of the numbers."""
    return int(np.random.SeedSequence([int(number) for number in numbers]).generate_state(1, np.uint64)[0])
