"""Slow definitions for the sparse decomposition: dense matrices, and its optimum by a linear program."""

from __future__ import annotations

from typing import Any

import numpy as np
from reference import popcounts
from scipy.optimize import linprog

Game = Any


def synthesis(n: int) -> tuple[Game, Game]:
    """Dense Z and -Q: the output on T (row) of one AND, and of one OR, interaction S (column)."""
    t, s = np.arange(1 << n)[:, None], np.arange(1 << n)[None, :]
    return ((s & ~t) == 0).astype(float), ((s & t) != 0).astype(float)


def weights_of(n: int, tie_break: float, weights: Game | None = None) -> Game:
    by_order = 1 + tie_break * (np.arange(n + 1.0) - 1)
    if weights is not None:
        by_order = by_order * weights
    return by_order[popcounts(n)][1:]


def optimum(
    v: Game, zeta: float = 0.0, tie_break: float = 0.01, weights: Game | None = None, kinds: str = "and-or"
) -> float:
    """The optimum by HiGHS, which wants numbers of order one: both parts of each, constant, delta."""
    n = len(v).bit_length() - 1
    size = float(np.ptp(v))
    if size == 0:
        return 0.0
    target = (v - v[0]) / size
    z, o = (m[:, 1:] for m in synthesis(n))
    parts = [z, -z, o, -o] if kinds == "and-or" else [z, -z]
    cost = np.tile(weights_of(n, tie_break, weights), len(parts))
    bounds = [(0.0, 0.0 if np.isinf(w) else None) for w in cost]
    cost = np.where(np.isinf(cost), 0.0, cost)
    parts.append(np.ones((1 << n, 1)))
    bounds += [(None, None)]
    if zeta > 0:
        parts.append(np.eye(1 << n))
        bounds += [(-zeta / size, zeta / size)] * (1 << n)
    rows = np.hstack(parts)
    cost = np.concatenate([cost, np.zeros(rows.shape[1] - len(cost))])
    found = linprog(cost, A_eq=rows, b_eq=target, bounds=bounds, method="highs")
    assert found.status == 0
    return float(found.fun) * size


def strength_range(v: Game, order: int, weights: Game | None = None) -> tuple[float, float]:
    """The least and the largest strength of an order among all optima without noise, by HiGHS."""
    n = len(v).bit_length() - 1
    z, o = (m[:, 1:] for m in synthesis(n))
    rows, target = np.hstack([z, -z, o, -o]), v - v[0]
    constant = np.ones((1 << n, 1))
    rows = np.hstack([rows, constant])
    cost = np.append(np.tile(weights_of(n, 0.01, weights), 4), 0.0)
    free = [(0.0, None)] * (len(cost) - 1) + [(None, None)]
    best = linprog(cost, A_eq=rows, b_eq=target, bounds=free, method="highs").fun
    counted = np.append(np.tile((popcounts(n)[1:] == order).astype(float), 4), 0.0)
    ends = [
        linprog(
            sign * counted,
            A_eq=rows,
            b_eq=target,
            A_ub=cost[None],
            b_ub=[best + 1e-9],
            bounds=free,
            method="highs",
        )
        for sign in (1, -1)
    ]
    assert all(end.status == 0 for end in ends)
    return float(ends[0].fun), float(-ends[1].fun)


def joint_optimum(games: Game, alpha: float, zetas: Game, tie_break: float = 0.01) -> float:
    """The optimum of the sum of w ((1 - alpha) max_k |I_k| + alpha sum_k |I_k|): a variable for each max."""
    networks, length = games.shape
    n = length.bit_length() - 1
    size = float(np.abs(games - games[:, :1]).max())
    z, o = (m[:, 1:] for m in synthesis(n))
    sets = 2 * (length - 1)
    weight = np.tile(weights_of(n, tie_break), 2)
    both = np.hstack([z, o])
    # Variables: x+ and x- of each network, the maxima, and per network a constant and delta.
    plus = [2 * sets * k for k in range(networks)]
    maxima = 2 * sets * networks
    rest = maxima + sets
    total = rest + networks * (1 + length)
    cost = np.zeros(total)
    bounds: list[Any] = [(0.0, None)] * rest
    equal = np.zeros((networks * length, total))
    below = np.zeros((networks * sets, total))
    for k in range(networks):
        rows = slice(k * length, (k + 1) * length)
        equal[rows, plus[k] : plus[k] + sets], equal[rows, plus[k] + sets : plus[k] + 2 * sets] = both, -both
        at = rest + k * (1 + length)
        equal[rows, at] = 1
        equal[rows, at + 1 : at + 1 + length] = np.eye(length)
        bounds += [(None, None)] + [(-zetas[k] / size, zetas[k] / size)] * length
        cost[plus[k] : plus[k] + 2 * sets] = np.tile(alpha * weight, 2)
        pieces = slice(k * sets, (k + 1) * sets)
        below[pieces, plus[k] : plus[k] + sets] = below[pieces, plus[k] + sets : plus[k] + 2 * sets] = np.eye(
            sets
        )
        below[pieces, maxima:rest] = -np.eye(sets)
    cost[maxima:rest] = (1 - alpha) * weight
    target = np.concatenate([(g - g[0]) / size for g in games])
    found = linprog(
        cost, A_eq=equal, b_eq=target, A_ub=below, b_ub=np.zeros(len(below)), bounds=bounds, method="highs"
    )
    assert found.status == 0
    return float(found.fun) * size


def games(n: int, seed: int = 0) -> dict[str, Game]:
    rng = np.random.default_rng(seed + n)
    a, o = np.zeros(1 << n), np.zeros(1 << n)
    some = rng.integers(1, 1 << n, size=3)
    a[some], o[some[::-1]] = rng.normal(size=3), rng.normal(size=3)
    one_hot = np.zeros(1 << n)
    one_hot[-1] = 1.0
    random = rng.normal(size=1 << n)
    z, both = synthesis(n)
    return {
        "random": random,
        "planted": z @ a + both @ o,
        "one-hot": one_hot,
        "linear": z[:, [1 << i for i in range(n)]] @ np.arange(1.0, n + 1),
        "huge offset": random + 1e6,
        "tiny": random * 1e-12,
        "large": random * 1e12,
    }


def trained(n: int) -> Game:
    """The log-odds of a fixed two-layer network on masked inputs: what a trained network looks like."""
    rng = np.random.default_rng(n)
    masks = (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
    hidden = np.maximum(masks * rng.normal(size=n) @ rng.normal(size=(n, 32)) + rng.normal(size=32), 0)
    return np.maximum(hidden @ rng.normal(size=(32, 16)) / 4, 0) @ rng.normal(size=16)
