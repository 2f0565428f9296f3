"""Trained networks kept in the user's cache folder, so that a second run starts at once.

An entry is one record (a safetensors file, written whole or not at all) whose name is a hash of everything
that determines the weights: the recipe, the architecture, the data and the version of torch. What cannot be
read is trained again, with a note to the `harsanyi` logger.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from harsanyi._records import read_record, write_record
from harsanyi.errors import RecordError
from harsanyi.experiments.data import Dataset
from harsanyi.experiments.fit import Fit, Recipe, fit, initial_network

__all__ = ["cache_dir", "cached_fit", "entry_path", "keep", "kept", "key_of"]

T = TypeVar("T")
Arrays = dict[str, npt.NDArray[Any]]
Facts = dict[str, Any]

_FORMAT = "harsanyi.network"
_VERSION = 2  # part of the key, too: raised when training or entries change, so that old ones no longer match
_log = logging.getLogger("harsanyi")


def cache_dir() -> Path:
    """The folder of cached networks, which need not exist yet.

    HARSANYI_CACHE_DIR if set; else `harsanyi` in XDG_CACHE_HOME, in ~/Library/Caches (macOS), in LOCALAPPDATA
    (Windows) or in ~/.cache.

    Example:
        >>> import os
        >>> from harsanyi.experiments import cache
        >>> os.environ["HARSANYI_CACHE_DIR"] = "/tmp/networks"
        >>> cache.cache_dir().name
        'networks'
        >>> del os.environ["HARSANYI_CACHE_DIR"]
    """
    if own := os.environ.get("HARSANYI_CACHE_DIR"):
        return Path(own).expanduser()
    # The XDG specification: a relative path is to be ignored.
    if (xdg := os.environ.get("XDG_CACHE_HOME")) and Path(xdg).is_absolute():
        return Path(xdg) / "harsanyi"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "harsanyi"
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "harsanyi"
    return Path.home() / ".cache" / "harsanyi"


def entry_path(
    recipe: Recipe,
    dataset: Dataset,
    *,
    folder: Path | None = None,
    epochs: tuple[int, ...] | None = None,
) -> Path:
    """The file that holds, or would hold, the network of this recipe on this data.

    Args:
        recipe: how the network is trained.
        dataset: on what; its arrays count.
        folder: of the cache; None for `cache_dir()`.
        epochs: at which a trajectory's weights are kept; None: the network at the end alone.

    Raises:
        ArgumentError: a network that does not take the samples of this data set.
    """
    key = key_of(
        {
            "recipe": asdict(recipe),
            "architecture": repr(initial_network(recipe, dataset)),
            "data": dataset.fingerprint(),
            "epochs": epochs,
        }
    )
    return (folder or cache_dir()) / f"{dataset.name}-{recipe.network}-{key}.safetensors"


def key_of(determines: Mapping[str, Any]) -> str:
    """24 hex digits that change with anything in `determines`, which JSON can hold, or with torch's version.

    Example:
        >>> from harsanyi.experiments import cache
        >>> cache.key_of({"seed": 0}) == cache.key_of({"seed": 1})
        False
    """
    everything = {"version": _VERSION, "torch": torch.__version__, **determines}
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:24]


def cached_fit(
    recipe: Recipe, dataset: Dataset, *, folder: Path | None = None, progress: bool = False
) -> Fit:
    """`fit`, or its result of an earlier run if the cache holds it.

    Args:
        recipe: as for `fit`.
        dataset: as for `fit`.
        folder: of the cache; None for `cache_dir()`.
        progress: as for `fit`.

    Returns:
        As `fit`; `from_cache` tells which it was. A cache that cannot be read or written costs a note, not
        the result.

    Raises:
        ArgumentError: as for `fit`.

    Example:
        >>> import tempfile, pathlib
        >>> from harsanyi.experiments import cache, data, fit
        >>> recipe, tumours = fit.Recipe("mlp", epochs=1), data.breast_cancer()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [cache.cached_fit(recipe, tumours, folder=pathlib.Path(folder)).from_cache for _ in range(2)]
        [False, True]
    """
    path = entry_path(recipe, dataset, folder=folder)
    found = kept(path, _FORMAT, lambda arrays, facts: _unpack(arrays, facts, recipe, dataset))
    if found is not None:
        return found
    trained = fit(recipe, dataset, progress=progress)
    arrays = {name: tensor.numpy() for name, tensor in trained.network.state_dict().items()}
    facts = {"train_accuracy": trained.train_accuracy, "test_accuracy": trained.test_accuracy}
    keep(path, _FORMAT, arrays, facts)
    return trained


def kept(path: Path, format_name: str, unpack: Callable[[Arrays, Facts], T]) -> T | None:
    """What an earlier run kept at `path`; None if that is nothing, or, with a note, if it is unreadable.

    Args:
        path: of the entry.
        format_name: as `keep` was given it.
        unpack: makes the result of arrays and facts; a KeyError, TypeError, ValueError or RuntimeError of it
            means that the entry is not what it should be.

    Example:
        >>> from pathlib import Path
        >>> from harsanyi.experiments import cache
        >>> cache.kept(Path("nothing.safetensors"), "harsanyi.values", lambda arrays, facts: arrays) is None
        True
    """
    if not os.path.exists(path):  # unlike Path.exists, False for a folder that may not be entered
        return None
    try:
        arrays, facts = read_record(path, format_name, _VERSION)
        if facts.get("checksum") != _checksum(arrays):
            raise RecordError(f"{path}: its checksum does not match")
        try:
            return unpack(arrays, facts)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise RecordError(f"{path}: not what it should be ({type(error).__name__})") from error
    except RecordError as error:
        kind = format_name.removeprefix("harsanyi.")
        again = "trained" if kind in ("network", "trajectory") else "computed"
        _log.warning("the cached %s is unreadable and is %s again: %s", kind, again, error)
        return None


def keep(path: Path, format_name: str, arrays: Arrays, facts: Facts) -> None:
    """Keeps arrays and facts at `path` for `kept`; a folder that cannot be written costs a note.

    Args:
        path: of the entry; its folder is made.
        format_name: what kind of record it is.
        arrays: by name.
        facts: what JSON can hold.

    Example:
        >>> import tempfile, numpy as np
        >>> from pathlib import Path
        >>> from harsanyi.experiments import cache
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "squares.safetensors"
        ...     cache.keep(path, "harsanyi.values", {"v": np.arange(3) ** 2}, {})
        ...     cache.kept(path, "harsanyi.values", lambda arrays, facts: arrays["v"])
        array([0, 1, 4])
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_record(path, format_name, _VERSION, arrays, {**facts, "checksum": _checksum(arrays)})
    except OSError as error:
        kind = format_name.removeprefix("harsanyi.")
        what = "trained network" if kind in ("network", "trajectory") else kind
        _log.warning("the %s is not kept for the next run: %s", what, error)


def _unpack(arrays: Arrays, facts: Facts, recipe: Recipe, dataset: Dataset) -> Fit:
    network = initial_network(recipe, dataset)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return Fit(
        network.eval(),
        float(facts["train_accuracy"]),
        float(facts["test_accuracy"]),
        seconds=0.0,
        from_cache=True,
    )


def _checksum(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 of the weights: the file's own format notices that it was cut short, but not a changed byte."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()
