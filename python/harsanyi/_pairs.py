"""The sparse pair of an explanation: what is said of it, and how it goes into a record and comes back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from harsanyi._arrays import Array, is_tensor
from harsanyi.sparse import Decomposition

__all__ = ["NUMBERS", "VECTORS", "SparsePair", "describe_pair", "pair_facts", "pair_of", "vectors_of"]

VECTORS = ("and_", "or_", "gamma", "delta", "dual")
NUMBERS = ("zeta", "objective", "lower_bound", "l1", "l1_lower_bound", "gap", "steps")


class SparsePair(NamedTuple):
    """A sparse AND-OR pair, [2**n] each; any decomposition with these two names serves in its place."""

    and_: Array
    or_: Array


def describe_pair(pair: Any) -> str:
    """Norm, gap, status and steps in a few words.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> describe_pair(hs.decompose(np.full(4, 7.0)))
        'l1 norm 0, gap 0 (optimal), 0 steps'
    """
    if not isinstance(pair, Decomposition):
        return "no certificate"
    status = {"max_steps": "the gap asked for was not reached"}.get(str(pair.status), str(pair.status))
    return f"l1 norm {float(pair.l1):.4g}, gap {float(pair.gap):.2g} ({status}), {int(pair.steps)} steps"


def vectors_of(pair: Any) -> dict[str, Any]:
    """The lattice vectors of a pair by name: all five of a decomposition, else the two interactions."""
    if pair is None:
        return {}
    names = VECTORS if isinstance(pair, Decomposition) else VECTORS[:2]
    return {name: getattr(pair, name) for name in names}


def pair_facts(pair: Any) -> dict[str, Any] | None:
    """The certificate as JSON can hold it, to the last bit; None if there is none."""
    if not isinstance(pair, Decomposition):
        return None
    numbers = {name: float(getattr(pair, name)) for name in NUMBERS}
    return {**numbers, "steps": int(pair.steps), "status": str(pair.status)}


def pair_of(vectors: dict[str, Any], facts: dict[str, Any] | None) -> Any:
    """What `vectors_of` and `pair_facts` were taken from; None if it was none.

    Raises:
        KeyError, TypeError, ValueError: something is missing, or is no number.
    """
    if "and_" not in vectors:
        return None
    if facts is None:
        return SparsePair(vectors["and_"], vectors["or_"])
    numbers: dict[str, Any] = {name: np.float64(float(facts[name])) for name in NUMBERS} | {
        "steps": np.int64(int(facts["steps"]))
    }
    if is_tensor(vectors["and_"]):
        import torch

        numbers = {name: torch.tensor(number) for name, number in numbers.items()}
    held = {name: vectors[name] for name in VECTORS}
    return Decomposition(**held, **numbers, status=np.str_(facts["status"]))
