"""The losses L+ and L- of Deng et al., ICLR 2022, for any training loop.

For random nested sets of players, S1 of k1 = round(r1 n) and S2 of k2 = round(r2 n), the change of the logits

    dv = v(S2) - (k2 / k1) v(S1)        (k1 = 0: v(S2) - v(empty))

is made, in expectation, of interactions of orders up to k2 - 2, most of all of those near k1
(`analysis.difference_weights`). L+ is the cross-entropy of softmax(dv): the network is to classify by these
interactions. L- is minus the entropy of softmax(dv): it is not to.

In a loop, with the players of an image as a masker gives them:

    player = hs.maskers.Patches(4).bind(images[0]).player
    ...
    loss = cross_entropy(model(x), y) + order_loss(model, x, y, RECIPES["high"], player=player, generator=g)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harsanyi._arrays import check_number, check_players, is_tensor
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.games.structure import mask_samples, owners, player_ranks

if TYPE_CHECKING:
    import torch

    from harsanyi.sampling import RandomSource

__all__ = [
    "RECIPES",
    "OrderRecipe",
    "encouraging_loss",
    "nested_batch",
    "nested_sizes",
    "order_loss",
    "output_change",
    "penalising_loss",
]

Ratios = tuple[float, float]


def _check_ratios(r1: float, r2: float, *, names: tuple[str, str] = ("r1", "r2")) -> None:
    for name, ratio in zip(names, (r1, r2), strict=True):
        if not 0 <= ratio <= 1:
            raise ArgumentError(name, ratio, "a number from 0 to 1")
    if not r1 < r2:
        raise ArgumentError(names[0], r1, f"smaller than {names[1]} = {r2}")


@dataclass(frozen=True)
class OrderRecipe:
    """Which of the two losses to add, with what weight, each for its own (r1, r2).

    Attributes:
        encourage: (r1, r2) of L+; None: no such loss.
        penalise: (r1, r2) of L-; None: no such loss.
        encourage_weight: lambda1 of the paper.
        penalise_weight: lambda2.

    Raises:
        ArgumentError: r1 >= r2, a ratio outside 0..1, a negative weight, or neither loss.

    Example:
        >>> from harsanyi.training import OrderRecipe
        >>> OrderRecipe(encourage=(0.2, 0.5)).penalise is None
        True
    """

    encourage: Ratios | None = None
    penalise: Ratios | None = None
    encourage_weight: float = 1.0
    penalise_weight: float = 1.0

    def __post_init__(self) -> None:
        if self.encourage is None and self.penalise is None:
            raise ArgumentError("encourage, penalise", None, "given for at least one of the two")
        for name in ("encourage", "penalise"):
            ratios = getattr(self, name)
            if ratios is not None:
                _check_ratios(*ratios, names=(f"{name}[0]", f"{name}[1]"))
            check_number(getattr(self, f"{name}_weight"), f"{name}_weight")


# Deng et al., ICLR 2022, section 3.4: networks of mainly low, middle and high orders, and that of Table 1.
RECIPES = {
    "low": OrderRecipe(penalise=(0.7, 1.0)),
    "middle": OrderRecipe(encourage=(0.3, 0.7)),
    "high": OrderRecipe(penalise=(0.0, 0.5)),
    "robustness": OrderRecipe(encourage=(0.6, 1.0), penalise=(0.0, 0.5)),
}


def nested_sizes(n: int, r1: float, r2: float) -> tuple[int, int]:
    """The sizes `k1 = round(r1 n)` and `k2 = round(r2 n)` of the nested sets.

    Args:
        n: number of players, at least 2.
        r1: 0 <= r1 < r2.
        r2: at most 1.

    Raises:
        ArgumentError: r1 >= r2, a ratio outside 0..1, fewer than two players, or too few of them for the two
            sizes to differ.

    Example:
        >>> from harsanyi.training import nested_sizes
        >>> nested_sizes(16, 0.3, 0.7)
        (5, 11)
    """
    n = check_players(n, least=2, most=1 << 31)
    _check_ratios(r1, r2)
    k1, k2 = round(r1 * n), round(r2 * n)
    if k1 == k2:
        raise ArgumentError("r1, r2", f"({r1}, {r2})", f"further apart: both are {k1} of {n} players")
    return k1, k2


def nested_batch(
    samples: torch.Tensor,
    r1: float,
    r2: float,
    *,
    player: Any,
    baseline: float | torch.Tensor = 0.0,
    generator: RandomSource = None,
) -> torch.Tensor:
    """Each sample masked twice: with S1 kept, and with an S2 that contains it. One batch for one forward.

    Args:
        samples: [rows, ...].
        r1: share of the players in S1.
        r2: share of the players in S2.
        player: the player of each element of a sample, -1 for never masked, as in `Masking.player`.
        baseline: what masked elements become: a number, or a tensor that broadcasts to a sample.
        generator: None for fresh entropy, or a numpy or torch Generator, from which each call draws anew. A
            number gives the same sets in every call.

    Returns:
        [2 rows, ...]: all samples with S1 kept, then all with S2. Every sample has its own pair of sets,
        uniform over the nested pairs of these sizes.

    Raises:
        ArgumentError: as for `nested_sizes` and `mask_samples`.
        ArgumentTypeError: as for `mask_samples`.

    Source: Deng et al., ICLR 2022, eq. 5.

    Example:
        >>> import torch
        >>> from harsanyi.training import nested_batch
        >>> nested_batch(torch.ones(3, 4), 0.25, 0.75, player=[0, 1, 2, 3], generator=0).sum(1)
        tensor([1., 1., 1., 3., 3., 3.])
    """
    import torch

    if not is_tensor(samples):
        raise ArgumentTypeError("samples", type(samples).__name__, "a tensor of shape [rows, ...]")
    if samples.ndim < 2 or samples.numel() == 0:
        raise ArgumentError("samples", f"shape {tuple(samples.shape)}", "of shape [rows, ...], not empty")
    _, n = owners(player, samples[0].numel())
    k1, k2 = nested_sizes(n, r1, r2)
    ranks = player_ranks(len(samples), n, generator=generator, device=samples.device)
    keep = torch.cat((ranks < k1, ranks < k2))
    return mask_samples(torch.cat((samples, samples)), keep, player, baseline=baseline)


def output_change(logits: torch.Tensor, k1: int, k2: int) -> torch.Tensor:
    """`dv = v(S2) - (k2 / k1) v(S1)` from the logits of a nested batch; for k1 = 0, `v(S2) - v(empty)`.

    Args:
        logits: [2 rows, classes], those of S1 first; of a single column z, the classes 0 and 1 have the
            logits -z/2 and z/2, whose softmax is that of the sigmoid.
        k1: players in S1.
        k2: players in S2.

    Returns:
        [rows, classes].

    Raises:
        ArgumentError: logits of another shape, or sizes that are not 0 <= k1 < k2.

    Source: Deng et al., ICLR 2022, eq. 5; the ratio is that of the sizes.

    Example:
        >>> import torch
        >>> from harsanyi.training import output_change
        >>> output_change(torch.tensor([[1.0, 0.0], [3.0, 5.0]]), 1, 2)
        tensor([[1., 5.]])
    """
    import torch

    if logits.ndim != 2 or len(logits) % 2 or logits.numel() == 0:
        raise ArgumentError("logits", f"shape {tuple(logits.shape)}", "of shape [2 rows, classes]")
    if not 0 <= k1 < k2:
        raise ArgumentError("k1, k2", (k1, k2), "sizes 0 <= k1 < k2")
    z = torch.cat((-logits / 2, logits / 2), dim=1) if logits.shape[1] == 1 else logits
    small, large = z.chunk(2)
    return large - small * (k2 / k1 if k1 else 1.0)


def encouraging_loss(change: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    """L+: the cross-entropy of softmax(dv) with the labels, mean over the rows.

    Args:
        change: dv, [rows, classes].
        labels: the class of each row, integers [rows].

    Raises:
        ArgumentError: no labels, or labels of another shape.

    Source: Deng et al., ICLR 2022, eq. 7.

    Example:
        >>> import torch
        >>> from harsanyi.training import encouraging_loss
        >>> encouraging_loss(torch.zeros(3, 4), torch.tensor([0, 1, 3])).exp()
        tensor(4.)
    """
    import torch

    return torch.nn.functional.cross_entropy(change, _checked_labels(labels, len(change)))


def penalising_loss(change: torch.Tensor) -> torch.Tensor:
    """L-: minus the entropy of softmax(dv), mean over the rows; at least `-log(classes)`.

    Args:
        change: dv, [rows, classes].

    Source: Deng et al., ICLR 2022, eq. 8.

    Example:
        >>> import torch
        >>> from harsanyi.training import penalising_loss
        >>> (-penalising_loss(torch.zeros(3, 4))).exp()
        tensor(4.)
    """
    log_share = change.log_softmax(dim=1)
    return (log_share.exp() * log_share).sum(1).mean()


def order_loss(
    model: Callable[[torch.Tensor], torch.Tensor],
    samples: torch.Tensor,
    labels: torch.Tensor | None,
    recipe: OrderRecipe,
    *,
    player: Any,
    baseline: float | torch.Tensor = 0.0,
    generator: RandomSource = None,
) -> torch.Tensor:
    """`lambda1 L+ + lambda2 L-`, to be added to the loss of classification.

    Args:
        model: from a batch to logits, [rows, classes] or [rows, 1]; called once, on two masked versions of
            each sample for each of the losses. In training mode, batch normalisation sees that batch, too.
        samples: [rows, ...].
        labels: the class of each row, integers [rows]; None where the recipe has no L+.
        recipe: one of `RECIPES`, or another.
        player: as for `nested_batch`.
        baseline: as for `nested_batch`.
        generator: as for `nested_batch`; the two losses have sets of their own.

    Returns:
        A scalar tensor.

    Raises:
        ArgumentError: no labels for L+, or as for `nested_batch`.
        ArgumentTypeError: as for `nested_batch`.

    Source: Deng et al., ICLR 2022, eq. 9.

    Example:
        >>> import torch
        >>> from harsanyi.training import RECIPES, order_loss
        >>> model, x, y = torch.nn.Linear(8, 2), torch.randn(4, 8), torch.tensor([0, 1, 1, 0])
        >>> order_loss(model, x, y, RECIPES["robustness"], player=range(8)).shape
        torch.Size([])
    """
    import torch

    if recipe.encourage is not None:
        labels = _checked_labels(labels, len(samples))
    wanted = [ratios for ratios in (recipe.encourage, recipe.penalise) if ratios is not None]
    batches = [
        nested_batch(samples, r1, r2, player=player, baseline=baseline, generator=_further(generator, at))
        for at, (r1, r2) in enumerate(wanted)
    ]
    logits = model(torch.cat(batches)).chunk(len(batches))
    _, n = owners(player, samples[0].numel())
    changes = [output_change(z, *nested_sizes(n, *ratios)) for z, ratios in zip(logits, wanted, strict=True)]
    loss = torch.zeros((), dtype=changes[0].dtype, device=changes[0].device)
    if recipe.encourage is not None:
        loss = loss + recipe.encourage_weight * encouraging_loss(changes[0], labels)
    if recipe.penalise is not None:
        loss = loss + recipe.penalise_weight * penalising_loss(changes[-1])
    return loss


def _checked_labels(labels: Any, rows: int) -> torch.Tensor:
    expected = f"the class of each row, an integer tensor of shape ({rows},)"
    if not is_tensor(labels):
        raise ArgumentError("labels", labels, expected)
    if labels.is_floating_point() or labels.shape != (rows,):
        raise ArgumentError("labels", f"{labels.dtype} of shape {tuple(labels.shape)}", expected)
    return labels.long()


def _further(generator: RandomSource, at: int) -> RandomSource:
    """The source of the sets of the loss number `at`: a seed must not give both the same."""
    return (generator + at) % (1 << 64) if isinstance(generator, int) else generator
