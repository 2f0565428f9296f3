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
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harsanyi._records import read_record, write_record
from harsanyi.errors import RecordError
from harsanyi.experiments.data import Dataset
from harsanyi.experiments.fit import Fit, Recipe, fit, initial_network

__all__ = ["cache_dir", "cached_fit", "entry_path"]

_FORMAT = "harsanyi.network"
_VERSION = (
    1  # part of the key, too: to raise when the training loop changes, so that old entries no longer match
)
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


def entry_path(recipe: Recipe, dataset: Dataset, *, folder: Path | None = None) -> Path:
    """The file that holds, or would hold, the network of this recipe on this data.

    Args:
        recipe: how the network is trained.
        dataset: on what; its arrays count.
        folder: of the cache; None for `cache_dir()`.

    Raises:
        ArgumentError: a network that does not take the samples of this data set.
    """
    determines = {
        "version": _VERSION,
        "recipe": asdict(recipe),
        "architecture": repr(initial_network(recipe, dataset)),
        "data": dataset.fingerprint(),
        "torch": torch.__version__,
    }
    key = hashlib.sha256(json.dumps(determines, sort_keys=True).encode()).hexdigest()[:24]
    return (folder or cache_dir()) / f"{dataset.name}-{recipe.network}-{key}.safetensors"


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
    if os.path.exists(path):  # unlike Path.exists, False for a folder that may not be entered
        try:
            return _read(path, recipe, dataset)
        except RecordError as error:
            _log.warning("the cached network is unreadable and is trained again: %s", error)
    trained = fit(recipe, dataset, progress=progress)
    try:
        _write(path, trained)
    except OSError as error:
        _log.warning("the trained network is not kept for the next run: %s", error)
    return trained


def _write(path: Path, trained: Fit) -> None:
    arrays = {name: tensor.numpy() for name, tensor in trained.network.state_dict().items()}
    facts = {
        "train_accuracy": trained.train_accuracy,
        "test_accuracy": trained.test_accuracy,
        "checksum": _checksum(arrays),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_record(path, _FORMAT, _VERSION, arrays, facts)


def _read(path: Path, recipe: Recipe, dataset: Dataset) -> Fit:
    arrays, facts = read_record(path, _FORMAT, _VERSION)
    network = initial_network(recipe, dataset)
    try:
        if facts["checksum"] != _checksum(arrays):
            raise RecordError(f"{path}: its checksum does not match")
        network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
        return Fit(
            network.eval(),
            float(facts["train_accuracy"]),
            float(facts["test_accuracy"]),
            seconds=0.0,
            from_cache=True,
        )
    except (KeyError, TypeError, RuntimeError) as error:
        raise RecordError(f"{path}: not this network ({type(error).__name__})") from error


def _checksum(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 of the weights: the file's own format notices that it was cut short, but not a changed byte."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()
