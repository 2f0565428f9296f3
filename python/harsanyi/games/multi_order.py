"""Multi-order interactions of games with many players, estimated from sampled contexts.

`I^(m)(i, j)` is the mean over the sets S of m players without i and j of

    v[S + i + j] - v[S + i] - v[S + j] + v[S],

exact from `harsanyi.multi_order` where all 2**n values are known. Here n may be in the hundreds, as with the
patches of an image: pairs are drawn, and for every pair and order contexts S, each worth four values of v.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi import _core
from harsanyi._arrays import as_array, check_players, require_memory
from harsanyi._progress import progress_bar
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.games.evaluate import evaluate
from harsanyi.games.game import Game, ModelGame, TableGame
from harsanyi.games.maskers import _grid, _pair, _patches
from harsanyi.games.masking import Selection, host_array
from harsanyi.sampling import draw_seed, sample_masks
from harsanyi.subsets import masks_to_subsets

if TYPE_CHECKING:
    from harsanyi.sampling import RandomSource

__all__ = [
    "SampledInteractions",
    "patch_positions",
    "relative_orders",
    "sample_multi_order",
    "sample_pairs",
]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RATIOS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)  # of Deng et al., appendix C
_ALL_ORDERS = 20  # players up to which every order is taken
_ROUND = 20  # contexts that a pair and order get before its standard error is looked at again
_CHUNK = 1 << 12  # contexts evaluated at a time: their masks stay small, and a call's fixed cost is forgotten
_TABLE_PLAYERS = 24  # whose 2**n values still fit easily
_MAX_PLAYERS, _CONTEXT_BITS = 1 << 13, 24  # so that (i, j, m, draw) fits a 64-bit counter


@dataclass(frozen=True, eq=False)
class SampledInteractions:
    """Estimates of multi-order interactions, one a pair and order.

    Attributes:
        pairs: players i and j, int64 [pairs, 2].
        orders: context sizes m, int64 [orders].
        mean: the estimates, float64 [pairs, orders].
        standard_error: of each mean, float64 [pairs, orders]: 0 where all contexts of this size were taken,
            NaN after a single draw.
        contexts: how many were evaluated, int64 [pairs, orders].
    """

    pairs: Integers
    orders: Integers
    mean: Floats
    standard_error: Floats
    contexts: Integers


def relative_orders(n: int, ratios: Sequence[float] = RATIOS) -> Integers:
    """Orders `round(r n)`, at most n - 2: those of the paper by default; every order for n up to 20.

    Args:
        n: number of players, at least 2.
        ratios: r, each from 0 to 1; of orders that coincide one is kept.

    Returns:
        int64 [orders], ascending.

    Raises:
        ArgumentError: fewer than two players, or a ratio outside 0..1.

    Source: Deng et al., ICLR 2022, appendix C.1.

    Example:
        >>> from harsanyi.games.multi_order import relative_orders
        >>> relative_orders(256)
        array([  0,  13,  26,  51,  77, 102, 128, 154, 179, 205, 230, 243, 254])
    """
    n = check_players(n, least=2, most=_MAX_PLAYERS)
    for ratio in ratios:
        if not 0 <= ratio <= 1:
            raise ArgumentError("ratios", ratio, "numbers from 0 to 1")
    if n <= _ALL_ORDERS and tuple(ratios) == RATIOS:
        return np.arange(n - 1)
    return np.unique([min(round(ratio * n), n - 2) for ratio in ratios]).astype(np.int64)


def patch_positions(
    grid: int | tuple[int, int], players: Sequence[int] | Sequence[tuple[int, int]] | None = None
) -> Integers:
    """Where on the grid the players of `maskers.Patches(grid, players=players)` lie.

    Args:
        grid: rows and columns of the grid, or one number for both.
        players: as for `Patches`; None: all patches.

    Returns:
        Row and column of each player, int64 [n, 2].

    Raises:
        ArgumentError, ArgumentTypeError: as for `Patches`.

    Example:
        >>> from harsanyi.games.multi_order import patch_positions
        >>> patch_positions(2).tolist()
        [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    most = 1 << 15
    rows, columns = _grid(grid if isinstance(grid, int) else _pair(grid, "grid"), most, most)
    return np.array([divmod(patch, columns) for patch in _patches(players, rows, columns)], dtype=np.int64)


def sample_pairs(
    n: int,
    count: int | None = 200,
    *,
    positions: Any = None,
    radius: int | None = None,
    generator: RandomSource = None,
) -> Integers:
    """Pairs of players, uniform among those close enough to each other, without replacement.

    Args:
        n: number of players, at least 2.
        count: how many pairs; None: all that are close enough.
        positions: row and column of each player, integers [n, 2], as `patch_positions` gives them; needed
            with a radius.
        radius: largest distance of a pair, in patches: the larger of the distances in rows and in columns
            (Chebyshev). None: any.
        generator: None for fresh entropy, a seed, or a numpy or torch Generator.

    Returns:
        int64 [count, 2], i < j, ascending.

    Raises:
        ArgumentError: fewer than two players, a radius that leaves no pair or fewer than `count`, a radius
            without positions, or positions of another shape.
        ArgumentTypeError: an argument of another type.

    The paper draws 200 pairs, radius 2 (Deng et al., ICLR 2022, appendix C.1).

    Example:
        >>> from harsanyi.games.multi_order import patch_positions, sample_pairs
        >>> sample_pairs(4, None, positions=patch_positions((1, 4)), radius=1).tolist()
        [[0, 1], [1, 2], [2, 3]]
    """
    n = check_players(n, least=2, most=_MAX_PLAYERS)
    require_memory(40 * comb(n, 2), f"all pairs of {n} players")
    first, second = np.triu_indices(n, 1)
    if radius is not None:
        radius = check_players(radius, most=_MAX_PLAYERS, name="radius")
        at = _positions(positions, n)
        close = np.abs(at[first] - at[second]).max(axis=1) <= radius
        first, second = first[close], second[close]
        if not first.size:
            raise ArgumentError("radius", radius, "large enough to leave a pair of players")
    if count is None:
        chosen = np.arange(first.size)
    else:
        count = check_players(count, least=1, most=2**31 - 1, name="count")
        if count > first.size:
            raise ArgumentError("count", count, f"at most {first.size}, the pairs that there are, or None")
        chosen = np.flatnonzero(sample_masks(first.size, count, 1, generator=generator)[0])
    return np.stack((first[chosen], second[chosen]), axis=1).astype(np.int64)


def sample_multi_order(
    game: Game,
    pairs: Any = None,
    *,
    orders: Any = None,
    contexts: int = 100,
    standard_error: float | None = None,
    batch_size: int | None = None,
    generator: RandomSource = None,
    progress: bool = False,
) -> SampledInteractions:
    """Multi-order interactions of given pairs, from contexts drawn uniformly for every pair and order.

    Args:
        game: `ModelGame` for any number of players (up to 8192); any other game with at most 63.
        pairs: players i != j, integers [pairs, 2], from `sample_pairs`, say; None: all.
        orders: context sizes, integers in 0..n-2 without repetition; None: `relative_orders(n)`.
        contexts: the most contexts for a pair and order. Where there are no more than that, all are taken,
            and the result is exact; otherwise each draw is uniform and independent of the others.
        standard_error: a pair and order whose standard error is no larger gets no further contexts; looked at
            after every 20. None: all get `contexts`.
        batch_size: masked samples a call of the model, as for `evaluate`.
        generator: None for fresh entropy, a seed, or a numpy or torch Generator. Draws depend on the seed,
            the pair, the order and their own number alone: other pairs, orders or batches do not change them,
            and more contexts continue the same sequence.
        progress: show a bar.

    Returns:
        SampledInteractions.

    Raises:
        ArgumentError: fewer than two players, a pair of a player with itself, an order outside 0..n-2, a
            number out of its range, more than 63 players without a model.
        ArgumentTypeError: an argument of another type.
        NonFiniteError: NaN or infinity from the game.

    Each context costs four values of the game, those of its own masked samples. Where that would come to more
    than all 2**n of them, these are computed once and looked up.
    `analysis.interaction_strength` turns estimates into the paper's curve.

    Source: Deng et al., ICLR 2022, eq. 1 and appendix C.1.

    Example:
        >>> import harsanyi as hs
        >>> from harsanyi.games.multi_order import sample_multi_order
        >>> table = hs.TableGame(hs.zeta([0.0] * 7 + [3.0]))  # three players that count only together
        >>> sample_multi_order(table, [[0, 2]]).mean
        array([[0., 3.]])
    """
    n = check_players(game.n, least=2, most=_MAX_PLAYERS, name="game.n")
    chosen = _checked_pairs(pairs, n)
    sizes = relative_orders(n) if orders is None else _checked_orders(orders, n)
    contexts = check_players(contexts, least=1, most=1 << _CONTEXT_BITS, name="contexts")
    if standard_error is not None and not (isfinite(standard_error) and standard_error > 0):
        raise ArgumentError("standard_error", standard_error, "a finite number above 0, or None")
    seed = draw_seed(generator)

    cells = len(chosen) * len(sizes)
    possible = np.tile([min(comb(n - 2, m), contexts + 1) for m in sizes.tolist()], len(chosen))
    exact = possible <= contexts
    most = np.where(exact, possible, contexts)
    game = _tabulated(game, most if standard_error is None else np.minimum(most, _ROUND), batch_size)
    count, mean, squares = np.zeros(cells, np.int64), np.zeros(cells), np.zeros(cells)
    active = np.arange(cells)
    with progress_bar(4 * int(most.sum()), progress, what="multi-order") as advance:
        while active.size:
            wanted = most[active] - count[active]
            if standard_error is not None:
                wanted = np.where(exact[active], wanted, np.minimum(wanted, _ROUND))
            for cell, first, drawn in _chunks(active, count[active], wanted):
                i, j = chosen[cell // len(sizes)].T
                drawn_contexts = _contexts(n, i, j, sizes[cell % len(sizes)], exact[cell], first, drawn, seed)
                delta = _deltas(game, drawn_contexts, np.repeat(i, drawn), np.repeat(j, drawn), batch_size)
                _merge(count, mean, squares, cell, drawn, delta)
                advance(4 * len(delta))
            error = _error(count, squares, exact)
            enough = np.zeros(cells, bool) if standard_error is None else error <= standard_error
            active = np.flatnonzero((count < most) & ~enough)
    shape = (len(chosen), len(sizes))
    error = _error(count, squares, exact)
    return SampledInteractions(chosen, sizes, mean.reshape(shape), error.reshape(shape), count.reshape(shape))


def _tabulated(game: Game, contexts: Integers, batch_size: int | None) -> Game:
    """The game, or a table of all its values where the contexts that are certain to come cost as many."""
    if isinstance(game, TableGame) or game.n > _TABLE_PLAYERS or 4 * int(contexts.sum()) < 1 << game.n:
        return game
    return TableGame(host_array(evaluate(game, batch_size=batch_size)))


def _chunks(
    cells: Integers, done: Integers, wanted: Integers
) -> Iterator[tuple[Integers, Integers, Integers]]:
    """Cells with the number of their first new context and how many, at most _CHUNK contexts at a time."""
    part: list[tuple[int, int, int]] = []
    room = _CHUNK
    for cell, first, left in zip(cells.tolist(), done.tolist(), wanted.tolist(), strict=True):
        while left:
            take = min(left, room)
            part.append((cell, first, take))
            first, left, room = first + take, left - take, room - take
            if not room:
                yield _columns(part)
                part, room = [], _CHUNK
    if part:
        yield _columns(part)


def _columns(part: list[tuple[int, int, int]]) -> tuple[Integers, Integers, Integers]:
    cell, first, drawn = np.array(part, dtype=np.int64).T
    return cell, first, drawn


def _contexts(
    n: int,
    i: Integers,
    j: Integers,
    sizes: Integers,
    exact: npt.NDArray[np.bool_],
    first: Integers,
    drawn: Integers,
    seed: int,
) -> npt.NDArray[np.uint8]:
    """Keep masks [contexts, n] of sets of `sizes` players without i and j, cell after cell."""
    masks = np.zeros((int(drawn.sum()), n), np.uint8)
    at = 0
    rows = zip(*(x.tolist() for x in (i, j, sizes, exact, first, drawn)), strict=True)
    everyone = np.arange(n, dtype=np.int32)
    for a, b, size, all_of_them, begin, count in rows:
        part = masks[at : at + count]
        others = np.delete(everyone, (a, b))
        if all_of_them:
            sets = itertools.islice(itertools.combinations(others.tolist(), size), begin, begin + count)
            for mask, members in zip(part, sets, strict=True):
                mask[list(members)] = 1
        else:
            low, high = min(a, b), max(a, b)
            stream = ((low * n + high) * n + size) << _CONTEXT_BITS
            fewer = min(size, n - 2 - size)  # of a large set, those left out are drawn
            _core.sample_masks(n, others, n - 2, fewer, count, seed, stream + begin, part)
            if fewer < size:
                part ^= 1
                part[:, (a, b)] = 0
        at += count
    return masks


def _deltas(
    game: Game, contexts: npt.NDArray[np.uint8], i: Integers, j: Integers, batch_size: int | None
) -> Floats:
    """v[S + i + j] - v[S + i] - v[S + j] + v[S] of each context, float64 [contexts].

    The four samples of a context follow each other as S, S + i, S + i + j, S + j: one player changes at a
    time, which the kernel of masked batches turns to account.
    """
    selection: Selection
    if isinstance(game, ModelGame):
        row = np.arange(len(contexts))
        keep = np.repeat(contexts[:, None], 4, axis=1)
        keep[row, 1, i] = keep[row, 2, i] = 1
        keep[row, 2, j] = keep[row, 3, j] = 1
        selection = keep.reshape(-1, contexts.shape[1])
    else:
        context, with_i, with_j = masks_to_subsets(contexts), np.int64(1) << i, np.int64(1) << j
        selection = np.stack(
            (context, context | with_i, context | with_i | with_j, context | with_j), axis=1
        ).ravel()
    v = host_array(evaluate(game, selection, batch_size=batch_size)).astype(np.float64).reshape(-1, 4)
    delta: Floats = v[:, 2] - v[:, 1] - v[:, 3] + v[:, 0]
    return delta


def _merge(
    count: Integers, mean: Floats, squares: Floats, cell: Integers, drawn: Integers, delta: Floats
) -> None:
    """Adds draws to the running count, mean and sum of squared deviations of their cells."""
    starts = np.cumsum(drawn) - drawn
    part_mean = np.add.reduceat(delta, starts) / drawn
    part_squares = np.add.reduceat((delta - np.repeat(part_mean, drawn)) ** 2, starts)
    total, shift = count[cell] + drawn, part_mean - mean[cell]
    squares[cell] += part_squares + shift**2 * count[cell] * drawn / total
    mean[cell] += shift * drawn / total
    count[cell] = total


def _error(count: Integers, squares: Floats, exact: npt.NDArray[np.bool_]) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):  # of one draw nothing is known
        error = np.sqrt(squares / (count - 1) / count)
    return np.where(exact, 0.0, np.where(count > 1, error, np.nan))


def _positions(positions: Any, n: int) -> Integers:
    if positions is None:
        raise ArgumentError("positions", None, "given with a radius: row and column of each player")
    at = host_array(as_array(positions, "positions"))
    if at.dtype.kind not in "iu":
        raise ArgumentTypeError("positions", f"dtype {at.dtype}", "of integers")
    if at.shape != (n, 2):
        raise ArgumentError("positions", f"shape {at.shape}", f"of shape ({n}, 2), row and column a player")
    return at.astype(np.int64)


def _checked_pairs(pairs: Any, n: int) -> Integers:
    if pairs is None:
        return sample_pairs(n, None)
    given = host_array(as_array(pairs, "pairs"))
    if given.ndim != 2 or given.shape[1] != 2 or len(given) == 0:
        raise ArgumentError("pairs", f"shape {given.shape}", "of shape [pairs, 2], at least one pair")
    if given.dtype.kind not in "iu":
        raise ArgumentTypeError("pairs", f"dtype {given.dtype}", "of integers")
    for i, j in given.tolist():
        if not (0 <= i < n and 0 <= j < n and i != j):
            raise ArgumentError("pairs", f"({i}, {j})", f"two different players from 0 to {n - 1}")
    return given.astype(np.int64)


def _checked_orders(orders: Any, n: int) -> Integers:
    given = host_array(as_array(orders, "orders"))
    if given.ndim != 1 or given.size == 0:
        raise ArgumentError("orders", f"shape {given.shape}", "a list of at least one order")
    sizes = [check_players(m, most=n - 2, name="orders") for m in given.tolist()]
    if len(set(sizes)) < len(sizes):
        raise ArgumentError("orders", sizes, "different from each other")
    return np.array(sizes, dtype=np.int64)
