"""harsanyi: which combinations of inputs a trained network really uses.

Harsanyi dividends (AND interactions), OR interactions and the indices that follow from them, exactly, from the outputs of
a model on all 2**n masked versions of a sample. Importing the package loads numpy and nothing else: names below are
resolved on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# module: the public names that it holds. Submodules listed under "" are public themselves.
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
    "config": ("build_config", "get_cmake_dir", "get_include", "get_num_threads", "set_isa", "set_num_threads"),
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
_SUBMODULES = {"lattice": "harsanyi.lattice", "ops": "harsanyi.ops", "errors": "harsanyi.errors"}
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


if TYPE_CHECKING:
    from harsanyi.config import *
    from harsanyi.errors import *
    from harsanyi.lattice import *
