"""The sparse AND-OR pairs of many games, at both ends of what an optimum may be.

The pair of least l1 norm is not unique, and strength can move between orders at no cost. A curve over orders
is therefore drawn as the band between two optima: that of the lowest orders and that of the highest.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harsanyi.errors import ArgumentError
from harsanyi.experiments import cache
from harsanyi.explanation import SparsePair
from harsanyi.optima import band

__all__ = ["ENDS", "sparse_pairs"]

ENDS = ("lowest orders", "highest orders")
_FORMAT = "harsanyi.pairs"
_WORTH_KEEPING = 2.0  # seconds


def sparse_pairs(
    v: npt.NDArray[np.float64],
    *,
    noise: float = 0.02,
    gap: float = 1e-3,
    tie_break: float = 0.05,
    folder: Path | None = None,
) -> dict[str, SparsePair]:
    """The sparse pair of every game, once with the lowest orders that an optimum has, once with the highest.

    Args:
        v: the games, [..., samples, 2**n] float64; leading axes are networks, say.
        noise: the noise term's bound is this times the mean over the samples of `|v[full] - v[0]|`.
        gap: as for `decompose`, which stops without it after 20,000 steps; it must be well below `tie_break`
            for the two ends to mean something.
        tie_break: as for `decompose`, with either sign. 0.05 costs less than 0.1 % of l1.
        folder: of the cache, where pairs that took more than two seconds are kept; None for
            `cache.cache_dir()`.

    Returns:
        For each of ENDS a pair of arrays of the shape of `v`. The empty set's entries are no interactions.

    Raises:
        ArgumentError: fewer than two axes, and as for `decompose`.

    Source: Cheng et al., "Revisiting generalization power of a DNN in terms of symbolic interactions",
    equations 3 to 5.

    Example:
        >>> import numpy as np
        >>> from harsanyi.experiments.pairs import sparse_pairs
        >>> sum_of_two = np.array([[0.0, 1.0, 2.0, 3.0]])  # x0 + 2 x1 has optima of order 1 and of order 2
        >>> pairs = sparse_pairs(sum_of_two, noise=0.0, gap=1e-6)
        >>> [abs(float(pair.and_[0, 3].round(2))) for pair in pairs.values()]
        [0.0, 1.0]
    """
    if v.ndim < 2:
        raise ArgumentError("v", f"shape {v.shape}", "[samples, 2**n], leading axes before them or not")
    key = cache.key_of(
        {
            "v": hashlib.sha256(np.ascontiguousarray(v).data).hexdigest(),
            "shape": v.shape,
            "options": [noise, gap, tie_break],
        }
    )
    path = (folder or cache.cache_dir()) / f"pairs-{key}.safetensors"
    found = cache.kept(
        path,
        _FORMAT,
        lambda arrays, facts: {end: SparsePair(arrays[f"{end}/and"], arrays[f"{end}/or"]) for end in ENDS},
    )
    if found is not None:
        return found
    start = time.perf_counter()
    zeta = np.broadcast_to(noise * np.abs(v[..., -1] - v[..., 0]).mean(-1, keepdims=True), v.shape[:-1])
    both = band(v, gap=gap, tie_break=tie_break, zeta=zeta)
    pairs = {
        end: SparsePair(found.and_, found.or_) for end, found in zip(ENDS, (both.low, both.high), strict=True)
    }
    if time.perf_counter() - start > _WORTH_KEEPING:
        arrays = {
            f"{end}/{kind}": np.asarray(x)
            for end, pair in pairs.items()
            for kind, x in zip(("and", "or"), pair, strict=True)
        }
        cache.keep(path, _FORMAT, arrays, {})
    return pairs
