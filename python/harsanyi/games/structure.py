"""Accuracy of a classifier where patches are masked, at random or from outside in, and under attack.

Masks at random destroy the structure of an image, masks around its centre leave it: the area between the two
curves of accuracy tells how much of the structure a network uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import as_array, check_number, check_players, is_tensor
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.games._models import check_model, evaluating, to_model
from harsanyi.games.attacks import pgd
from harsanyi.games.masking import element_count, host_array
from harsanyi.sampling import draw_seed

if TYPE_CHECKING:
    import torch

    from harsanyi.games.attacks import Clip
    from harsanyi.sampling import RandomSource

__all__ = ["adversarial_accuracy", "mask_samples", "masked_accuracy", "player_ranks"]

Floats = npt.NDArray[np.float64]

_ROWS = 256


def mask_samples(
    samples: torch.Tensor, keep: torch.Tensor, player: Any, *, baseline: float | torch.Tensor = 0.0
) -> torch.Tensor:
    """A batch with its own masks: row b keeps the players of `keep[b]`, the others become the baseline.

    Args:
        samples: [rows, ...].
        keep: bool, [rows, n].
        player: the player of each element of a sample, -1 for never masked: integers, as many as elements, as
            in `Masking.player`.
        baseline: a number, or a tensor that broadcasts to a sample.

    Returns:
        A tensor like `samples`, through which gradients flow.

    Raises:
        ArgumentError: shapes that disagree, or a player outside -1..n-1.
        ArgumentTypeError: no tensors, or players that are not integers.

    `Masking.batch` masks one sample in many ways; this, many samples in one way each.

    Example:
        >>> import torch
        >>> from harsanyi.games.structure import mask_samples
        >>> keep = torch.tensor([[True, False], [False, True]])
        >>> mask_samples(torch.ones(2, 3), keep, [0, 0, 1])
        tensor([[1., 1., 0.],
                [0., 0., 1.]])
    """
    import torch

    _check_samples(samples)
    if not is_tensor(keep) or keep.dtype != torch.bool:
        raise ArgumentTypeError("keep", type(keep).__name__, "a bool tensor of shape [rows, n]")
    owner, _ = owners(player, element_count(samples) // len(samples), n=int(keep.shape[-1]))
    if keep.ndim != 2 or len(keep) != len(samples):
        raise ArgumentError("keep", f"shape {tuple(keep.shape)}", f"of shape [{len(samples)}, n]")
    # The last column stands for elements that are never masked; index -1 finds it.
    columns = torch.nn.functional.pad(keep.to(samples.device), (0, 1), value=True)
    mask = columns[:, torch.from_numpy(owner).to(samples.device)].view(samples.shape)
    fill = torch.as_tensor(baseline, dtype=samples.dtype, device=samples.device)
    return torch.where(mask, samples, fill)


def player_ranks(
    rows: int, n: int, *, depth: Any = None, generator: RandomSource = None, device: Any = None
) -> torch.Tensor:
    """A random order of the players for each row: those with ranks below k are a uniform set of k players.

    Args:
        rows: number of rows.
        n: number of players.
        depth: an integer a player, [n]: players of smaller depth come first, in random order among
            themselves. None: all alike.
        generator: None for fresh entropy, a seed, or a numpy or torch Generator, from which a seed is drawn.
        device: of the result.

    Returns:
        int64 [rows, n], each row a permutation of 0..n-1. The sets of two sizes are nested.

    Example:
        >>> from harsanyi.games.structure import player_ranks
        >>> ranks = player_ranks(2, 5, generator=0)
        >>> ((ranks < 2) <= (ranks < 4)).all(), (ranks < 2).sum(1)
        (tensor(True), tensor([2, 2]))
    """
    import torch

    source = torch.Generator().manual_seed(draw_seed(generator))
    keys = torch.rand((rows, n), generator=source, dtype=torch.float64)
    if depth is not None:
        keys += torch.as_tensor(depth, dtype=torch.float64)
    return keys.argsort(1).argsort(1).to(device)


def masked_accuracy(
    model: Any,
    samples: torch.Tensor,
    labels: Any,
    *,
    player: Any,
    counts: Sequence[int],
    positions: Any = None,
    baseline: float | torch.Tensor = 0.0,
    batch_size: int = _ROWS,
    generator: RandomSource = None,
) -> Floats:
    """Accuracy against the number of masked players, in every sample others.

    Args:
        model: from a batch to logits, [rows, classes] or [rows, 1]; a module runs in evaluation mode.
        samples: a tensor, [rows, ...].
        labels: the class of each row, integers [rows].
        player: the player of each element, as for `mask_samples`: `Patches(16).bind(samples[0]).player`, say.
        counts: numbers of players to mask, each from 0 to n.
        positions: None: players are masked at random. Row and column of each player, [n, 2], as
            `multi_order.patch_positions` gives them: ring after ring from the border inwards, at random
            within a ring, so that the centre is kept.
        baseline: as for `mask_samples`.
        batch_size: rows a call of the model.
        generator: None for fresh entropy, a seed, or a numpy or torch Generator. Of one sample, the players
            masked at a smaller count are masked at a larger one.

    Returns:
        Shares of correctly classified samples, float64 [counts].

    Raises:
        ArgumentError: a count outside 0..n, labels or positions of another shape, no sample.
        ArgumentTypeError: an argument of another type.

    `analysis.area_between` of two such curves measures the sensitivity to structure.

    Source: Deng et al., ICLR 2022, section 3.4, Figs. 5 and 6.

    Example:
        >>> import torch
        >>> from harsanyi.games.structure import masked_accuracy
        >>> x, y = torch.tensor([[3.0, 0.0], [0.0, 3.0]]), torch.tensor([0, 1])
        >>> masked_accuracy(torch.nn.Identity(), x, y, player=[0, 1], counts=[0, 2], baseline=0.0)
        array([1. , 0.5])
    """
    import torch

    check_model(model, "model")
    classes = _labels(samples, labels)
    _, n = owners(player, element_count(samples) // len(samples))
    chosen = [check_players(count, most=n, name="counts") for count in counts]
    ranks = player_ranks(len(samples), n, depth=_depth(positions, n), generator=generator)
    hits = torch.zeros(len(chosen), dtype=torch.int64)
    with evaluating(model, samples):
        for part in _parts(len(samples), batch_size):
            rows: Any = to_model(samples[part], model)
            for at, count in enumerate(chosen):
                masked = mask_samples(rows, (ranks[part] >= count).to(rows.device), player, baseline=baseline)
                hits[at] += (_predicted(model(masked)) == classes[part]).sum()
    shares: Floats = hits.numpy() / len(samples)
    return shares


def adversarial_accuracy(
    model: Any,
    samples: torch.Tensor,
    labels: Any,
    *,
    radius: float,
    steps: int,
    step_size: float = 0.01,
    clip: Clip = None,
    batch_size: int = _ROWS,
    generator: RandomSource = None,
) -> float:
    """Accuracy under an untargeted L-infinity PGD attack on the log-odds of the true class.

    Args:
        model: as for `masked_accuracy`, differentiable.
        samples: a floating tensor, [rows, ...].
        labels: the true class of each row, integers [rows].
        radius: of the ball, in the unit of the samples.
        steps: of the attack.
        step_size: in the unit of the samples.
        clip: the range of valid samples, as for `attacks.pgd`.
        batch_size: rows a call of the model.
        generator: of the random starts: None for fresh entropy, a seed, or a numpy or torch Generator.

    Returns:
        The share of samples still classified correctly.

    Raises:
        ArgumentError, ArgumentTypeError: as for `attacks.pgd` and `masked_accuracy`.

    The paper's settings: radius 0.6 in 100 steps (census), 0.2 in 50 (commercial), steps of 0.01.

    Source: Deng et al., ICLR 2022, section 3.4, Table 1; the attack of Madry et al., ICLR 2018.

    Example:
        >>> import torch
        >>> from harsanyi.games.structure import adversarial_accuracy
        >>> x, y = torch.tensor([[3.0, 0.0], [0.0, 0.1]]), torch.tensor([0, 1])
        >>> adversarial_accuracy(torch.nn.Identity(), x, y, radius=0.2, steps=40)
        0.5
    """
    check_model(model, "model")
    classes = _labels(samples, labels)
    seed, hits = draw_seed(generator), 0
    for index, part in enumerate(_parts(len(samples), batch_size)):
        attacked = pgd(
            model,
            samples[part],
            labels=classes[part],
            radius=radius,
            steps=steps,
            step_size=check_number(step_size, "step_size"),
            clip=clip,
            generator=(seed + index) % (1 << 64),
        )
        with evaluating(model, attacked):
            hits += int((_predicted(model(to_model(attacked, model))) == classes[part]).sum())
    return hits / len(samples)


def owners(player: Any, elements: int, *, n: int | None = None) -> tuple[npt.NDArray[np.int64], int]:
    """The player of each of `elements` elements, -1 for none, and the number of players."""
    given = host_array(as_array(player, "player"))
    if given.dtype.kind not in "iu":
        raise ArgumentTypeError("player", f"dtype {given.dtype}", "of integers")
    if given.size != elements:
        raise ArgumentError("player", f"{given.size} entries", f"one entry for each of {elements} elements")
    owner = given.reshape(-1).astype(np.int64)
    players = int(owner.max()) + 1 if n is None else n
    if owner.min() < -1 or owner.max() >= players or players < 1:
        raise ArgumentError("player", f"entries from {owner.min()} to {owner.max()}", "players, or -1")
    return owner, players


def _depth(positions: Any, n: int) -> npt.NDArray[np.int64] | None:
    """How many rings lie outside that of each player."""
    if positions is None:
        return None
    at = host_array(as_array(positions, "positions"))
    if at.dtype.kind not in "iu":
        raise ArgumentTypeError("positions", f"dtype {at.dtype}", "of integers")
    if at.shape != (n, 2):
        raise ArgumentError("positions", f"shape {at.shape}", f"of shape ({n}, 2), row and column a player")
    rings: npt.NDArray[np.int64] = np.minimum(at - at.min(axis=0), at.max(axis=0) - at).min(axis=1)
    return rings


def _check_samples(samples: Any) -> None:
    if not is_tensor(samples):
        raise ArgumentTypeError("samples", type(samples).__name__, "a tensor of shape [rows, ...]")
    if samples.ndim < 2 or samples.numel() == 0:
        raise ArgumentError("samples", f"shape {tuple(samples.shape)}", "of shape [rows, ...], not empty")


def _labels(samples: Any, labels: Any) -> torch.Tensor:
    import torch

    _check_samples(samples)
    classes = host_array(as_array(labels, "labels"))
    if classes.dtype.kind not in "iu":
        raise ArgumentTypeError("labels", f"dtype {classes.dtype}", "of integers")
    if classes.shape != (len(samples),):
        raise ArgumentError("labels", f"shape {classes.shape}", f"a class a sample, ({len(samples)},)")
    return torch.from_numpy(classes.astype(np.int64))


def _parts(rows: int, batch_size: int) -> Iterator[slice]:
    size = check_players(batch_size, least=1, most=1 << 62, name="batch_size")
    return (slice(first, min(first + size, rows)) for first in range(0, rows, size))


def _predicted(raw: Any) -> torch.Tensor:
    """The class of the largest logit; of a single logit, whether it is positive."""
    z: torch.Tensor = raw.reshape(len(raw), -1)
    return (z.argmax(1) if z.shape[1] > 1 else (z[:, 0] > 0).long()).cpu()
