"""Uniform random subsets of one size, as integers or as masks, reproducible to the bit.

Conventions are those of `subsets`: bit i, or column i, is player i.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from harsanyi import _cuda
from harsanyi._arrays import MAX_SUBSET_PLAYERS, check_players, is_tensor, require_memory
from harsanyi.errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    import torch

    RandomSource = int | np.random.Generator | torch.Generator | None
    Device = torch.device | str | int

__all__ = ["sample_masks", "sample_subsets"]

Integers = npt.NDArray[np.int64]
Masks = npt.NDArray[np.bool_]

_MAX_MASK_PLAYERS = 2**31 - 1


@overload
def sample_subsets(
    n: int,
    size: int,
    count: int,
    *,
    exclude: Iterable[int] = (),
    generator: RandomSource = None,
    device: None = None,
) -> Integers: ...
@overload
def sample_subsets(
    n: int,
    size: int,
    count: int,
    *,
    exclude: Iterable[int] = (),
    generator: RandomSource = None,
    device: Device,
) -> torch.Tensor: ...
def sample_subsets(
    n: int,
    size: int,
    count: int,
    *,
    exclude: Iterable[int] = (),
    generator: RandomSource = None,
    device: Device | None = None,
) -> Integers | torch.Tensor:
    """Independent uniform draws of subsets of one size that avoid given players.

    Every draw is exactly uniform over the subsets that are left (Floyd's algorithm on Philox 4x32-10 words,
    with rejection). Draw i depends on the seed and on i alone: a larger `count` continues the same sequence,
    and `sample_masks` with the same seed gives the same subsets.

    Args:
        n: number of players, 0 to 63.
        size: players in each subset, 0 to n minus the excluded ones.
        count: number of draws, with replacement between draws: a subset may come twice.
        exclude: players that no draw contains; repeated ones count once.
        generator: None for fresh entropy, a seed from 0 to 2**64 - 1, or a numpy or torch Generator, from
            which a seed is drawn.
        device: None for an array; a torch device for a tensor there, drawn by the CUDA kernels if they take
            it, with the same bits.

    Returns:
        int64, shape [count].

    Raises:
        ArgumentError: a number outside its range, or a device that torch does not have.
        ArgumentTypeError: an argument of another type.
        NotEnoughMemoryError: the draws do not fit; says how much they need.

    Example:
        >>> import harsanyi as hs
        >>> draws = hs.sample_subsets(10, 3, 1000, exclude=[0, 7], generator=1)
        >>> draws.shape, bool((draws & (1 << 0 | 1 << 7)).any())
        ((1000,), False)
    """
    n = check_players(n, most=MAX_SUBSET_PLAYERS)
    candidates, size, count = _drawn_from(n, size, count, exclude)
    require_memory(8 * count, f"{count} draws")
    result: Integers = _drawn("sample_subsets", n, candidates, size, (count,), "int64", generator, device)
    return result


@overload
def sample_masks(
    n: int,
    size: int,
    count: int,
    *,
    exclude: Iterable[int] = (),
    generator: RandomSource = None,
    device: None = None,
) -> Masks: ...
@overload
def sample_masks(
    n: int,
    size: int,
    count: int,
    *,
    exclude: Iterable[int] = (),
    generator: RandomSource = None,
    device: Device,
) -> torch.Tensor: ...
def sample_masks(
    n: int,
    size: int,
    count: int,
    *,
    exclude: Iterable[int] = (),
    generator: RandomSource = None,
    device: Device | None = None,
) -> Masks | torch.Tensor:
    """The draws of sample_subsets as masks, for any number of players.

    Args:
        n: number of players, 0 to 2**31 - 1.
        size: as for `sample_subsets`.
        count: as for `sample_subsets`.
        exclude: as for `sample_subsets`.
        generator: as for `sample_subsets`.
        device: as for `sample_subsets`.

    Returns:
        bool, shape [count, n], each row with exactly `size` True entries.

    Raises:
        ArgumentError, ArgumentTypeError, NotEnoughMemoryError: as for `sample_subsets`.

    Example:
        >>> import harsanyi as hs
        >>> masks = hs.sample_masks(196, 50, 8, exclude=[3, 4], generator=1)
        >>> masks.shape, masks.sum(axis=1).tolist()
        ((8, 196), [50, 50, 50, 50, 50, 50, 50, 50])
    """
    n = check_players(n, most=_MAX_MASK_PLAYERS)
    candidates, size, count = _drawn_from(n, size, count, exclude)
    require_memory(n * count, f"{count} draws of {n} players")
    result: Masks = _drawn("sample_masks", n, candidates, size, (count, n), "bool", generator, device)
    return result


def draw_seed(generator: RandomSource) -> int:
    """A 64-bit seed: the number itself, one drawn from a numpy or torch Generator, or fresh entropy."""
    if generator is None:
        return int.from_bytes(os.urandom(8), "little")
    if isinstance(generator, (int, np.integer)) and not isinstance(generator, bool):
        return check_players(generator, most=2**64 - 1, name="generator")
    if isinstance(generator, np.random.Generator):
        return int(generator.integers(0, 2**64 - 1, dtype=np.uint64, endpoint=True))
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(generator, torch.Generator):
        bounds = torch.iinfo(torch.int64)
        drawn = torch.randint(bounds.min, bounds.max, (), generator=generator, device=generator.device)
        return int(drawn) % 2**64
    expected = "None, an integer seed, or a numpy or torch Generator"
    raise ArgumentTypeError("generator", type(generator).__name__, expected)


def _drawn_from(
    n: int, size: int, count: int, exclude: Iterable[int]
) -> tuple[npt.NDArray[np.int32], int, int]:
    """The players that may be drawn, and the two numbers checked."""
    try:
        excluded = list(exclude.tolist() if is_tensor(exclude) else exclude)
    except TypeError as error:
        raise ArgumentTypeError("exclude", exclude, "an iterable of players") from error
    require_memory(5 * n, f"a draw from {n} players")
    allowed = np.ones(n, np.bool_)
    for player in excluded:
        allowed[check_players(player, most=n - 1, name="exclude")] = False
    candidates = np.flatnonzero(allowed).astype(np.int32)
    size = check_players(size, most=candidates.size, name="size")
    return candidates, size, check_players(count, most=2**63 - 1, name="count")


def _drawn(
    kernel: str,
    n: int,
    candidates: npt.NDArray[np.int32],
    size: int,
    shape: tuple[int, ...],
    dtype: str,
    generator: RandomSource,
    device: Device | None,
) -> Any:
    seed = draw_seed(generator)
    if device is not None:
        import torch

        try:
            result = torch.empty(shape, dtype=getattr(torch, dtype), device=device)
        except (RuntimeError, TypeError, AssertionError) as error:
            raise ArgumentError("device", device, "None, or a device that torch has here") from error
        if _cuda.usable(result):
            players = torch.from_numpy(candidates).to(device)
            _cuda.run(kernel, n, players, candidates.size, size, shape[0], seed, 0, result)
            return result
    drawn = np.empty(shape, dtype)
    _cuda.run(kernel, n, candidates, candidates.size, size, shape[0], seed, 0, drawn)
    return drawn if device is None else torch.from_numpy(drawn).to(device)
