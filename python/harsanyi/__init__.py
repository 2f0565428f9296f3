"""harsanyi: which combinations of inputs a trained network really uses.

Harsanyi dividends (AND interactions), OR interactions and the indices that follow from them, exactly, from
the outputs of a model on all 2**n masked versions of a sample. Importing the package loads nothing heavy:
every public name is resolved on first use; __init__.pyi tells type checkers what they are.
"""

from __future__ import annotations

import importlib
from typing import Any

# module: the public names that it holds.
_PUBLIC = {
    "lattice": (
        "kronecker",
        "mobius",
        "or_inverse",
        "or_transform",
        "superset_mobius",
        "superset_zeta",
        "walsh_hadamard",
        "zeta",
    ),
    "subsets": (
        "all_subsets",
        "masks_to_subsets",
        "orders",
        "players_of",
        "rank_subsets",
        "subsets_of_order",
        "subsets_to_masks",
        "subsets_up_to_order",
        "unrank_subsets",
    ),
    "sampling": (
        "sample_masks",
        "sample_subsets",
    ),
    "reductions": (
        "OrderSums",
        "reduce_orders",
    ),
    "analysis.decay": ("decay",),
    "indices": (
        "banzhaf_interactions",
        "banzhaf_values",
        "dividends",
        "faithful_banzhaf",
        "faithful_shapley",
        "k_shapley",
        "shapley_interactions",
        "shapley_taylor",
        "shapley_values",
    ),
    "pairwise": (
        "multi_order",
        "multi_order_from_interactions",
    ),
    "sparse": (
        "Decomposition",
        "decompose",
    ),
    "subgradient": (
        "FirstOrderRun",
        "first_order",
    ),
    "games.game": (
        "CallableGame",
        "Game",
        "ModelGame",
        "TableGame",
    ),
    "games.evaluate": ("evaluate",),
    "explanation": (
        "Explanation",
        "Interaction",
        "SparsePair",
        "explain",
    ),
    "config": (
        "build_config",
        "get_cmake_dir",
        "get_include",
        "get_num_threads",
        "set_isa",
        "set_num_threads",
    ),
    "errors": (
        "ArgumentError",
        "ArgumentTypeError",
        "HarsanyiError",
        "MissingDependencyError",
        "NonFiniteError",
        "NotEnoughMemoryError",
        "RecordError",
    ),
}
_SUBMODULES = {
    "analysis": "harsanyi.analysis",
    "attacks": "harsanyi.games.attacks",
    "config": "harsanyi.config",
    "errors": "harsanyi.errors",
    "games": "harsanyi.games",
    "lattice": "harsanyi.lattice",
    "maskers": "harsanyi.games.maskers",
    "ops": "harsanyi.ops",
    "outputs": "harsanyi.games.outputs",
    "plot": "harsanyi.plot",
    "subsets": "harsanyi.subsets",
    "training": "harsanyi.training",
}
_OWNER = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = ["__version__", *sorted(_OWNER), *sorted(_SUBMODULES)]


def __getattr__(name: str) -> Any:
    if name in _OWNER:
        value = getattr(importlib.import_module(f"harsanyi.{_OWNER[name]}"), name)
    elif name in _SUBMODULES:
        value = importlib.import_module(_SUBMODULES[name])
    elif name == "__version__":
        value = importlib.import_module("harsanyi._core").version()
    else:
        raise AttributeError(f"module 'harsanyi' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
