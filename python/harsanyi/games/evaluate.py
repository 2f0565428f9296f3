"""Every value of a game, batch by batch."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import MAX_SUBSET_PLAYERS, Array, check_players, require_memory
from harsanyi._progress import progress_bar
from harsanyi.errors import NotEnoughMemoryError
from harsanyi.games.game import Game, ModelGame, checked_values
from harsanyi.games.masking import as_selection

__all__ = ["evaluate"]

_GAME_ROWS = 1 << 16  # of games that are no models: enough to forget the cost of a call


def evaluate(
    game: Game, subsets: Any = None, *, batch_size: int | None = None, progress: bool = False
) -> Array:
    """The values of a game on all 2**n subsets, or on given ones.

    Args:
        game: `ModelGame`, `TableGame`, `CallableGame`, or anything with `n` and a call from subsets to
            values.
        subsets: int64 [rows]; for a ModelGame also keep masks [rows, n]. None: all, in order, so that the
            result is a lattice vector; n <= 30.
        batch_size: rows a call. None: chosen from the bytes of a row and, on a device, the memory that is
            free there.
        progress: show a bar.

    Returns:
        float64 [rows]: a numpy array, or a tensor on the model's device (float32 where that has no float64).

    Raises:
        ArgumentError: no subset, one outside 0..2**n-1, more than 30 players, a batch size below 1, or a game
            that does not return one value a subset.
        NonFiniteError: NaN or infinity from the game; names the subset.
        NotEnoughMemoryError: 2**n values cannot fit; says how much they need, before anything is computed.
        MissingDependencyError: `progress` without tqdm.

    Where the elements of m players are the baseline's to the bit, as in blank patches, only 2**(n - m) masked
    samples differ, and the model is called on each of those once. Its submodules are in the modes they were
    in when this ends, by an error or an interrupt too. The values do not depend on the batch size beyond the
    rounding of the model.

    Example:
        >>> import harsanyi as hs
        >>> hs.evaluate(hs.CallableGame(lambda s: (s & 1) * 2.0 + (s == 3), 2))
        array([0., 2., 0., 3.])
    """
    chosen = None if subsets is None else as_selection(subsets, game.n)
    nulls = game.masking.null_players if chosen is None and isinstance(game, ModelGame) else ()
    count = _count_of_all(game.n, nulls) >> len(nulls) if chosen is None else len(chosen)
    if batch_size is None:
        batch_size = game.default_batch_size if isinstance(game, ModelGame) else _GAME_ROWS
    rows = min(check_players(batch_size, least=1, most=1 << 62, name="batch_size"), count)
    names = game.masking.names if isinstance(game, ModelGame) else ()
    session: Any = game.session(rows) if isinstance(game, ModelGame) else nullcontext(game)
    v: Any = None
    with session as values_of, progress_bar(count, progress) as advance:
        for first in range(0, count, rows):
            last = min(first + rows, count)
            part = _without(nulls, np.arange(first, last)) if chosen is None else chosen[first:last]
            values = checked_values(values_of(part), part, names)
            if v is None:
                v = _empty(count, values)
            v[first:last] = values
            advance(last - first)
    result: Array = v  # there is at least one subset
    for player in nulls:
        result = _with_null_player(result, player)
    return result


def _without(players: tuple[int, ...], subsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Subsets of the other players, numbered on without these, as subsets of all."""
    for player in players:  # ascending
        low = subsets & ((1 << player) - 1)
        subsets = (subsets ^ low) << 1 | low
    return subsets


def _with_null_player(v: Array, player: int) -> Array:
    """The lattice vector with one player more, at this place, who changes nothing."""
    halves = v.reshape(-1, 1, 1 << player)
    if isinstance(halves, np.ndarray):
        return np.repeat(halves, 2, axis=1).reshape(-1)
    import torch

    with torch.inference_mode(False):
        return halves.expand(-1, 2, -1).reshape(-1)


def _count_of_all(n: int, nulls: tuple[int, ...]) -> int:
    """2**n, if that many values fit, and half as many more while null players are put in."""
    what = f"all 2**{n} values of a game of {n} players"
    if n > MAX_SUBSET_PLAYERS:
        raise NotEnoughMemoryError(f"{what} need 2**{n + 3} bytes, which no machine has: give `subsets`")
    require_memory((12 if nulls else 8) << n, what)
    return 1 << check_players(n, name="game.n")


def _empty(count: int, like: Array) -> Array:
    if isinstance(like, np.ndarray):
        return np.empty(count, like.dtype)
    import torch

    with torch.inference_mode(False):  # an inference tensor would be refused by autograd later
        return torch.empty(count, dtype=like.dtype, device=like.device)
