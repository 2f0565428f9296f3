"""The table of `data.census`: where it is found, and how its columns become numbers."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi.errors import ArgumentError, MissingDependencyError

# In the order of the UCI table, without fnlwgt and education.
_CATEGORIES = (
    "workclass",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "native-country",
)
_ORDER = (
    "age",
    "workclass",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
)
_LABEL = "class"
_MISSING = "?"

Floats = npt.NDArray[np.float64]


def read_census(
    path: str | os.PathLike[str] | None,
) -> tuple[Floats, npt.NDArray[np.int64], tuple[str, ...]]:
    """Values [people, 12], labels [people] (1: above 50,000), and the names of the columns.

    Raises:
        ArgumentError, MissingDependencyError: as `data.census`.
    """
    given = path if path is not None else os.environ.get("HARSANYI_CENSUS")
    file = Path(given).expanduser() if given else _copy_in_shapiq()
    columns = _download() if file is None else _read(file, "path" if path is not None else "HARSANYI_CENSUS")
    values = np.column_stack([_numbers(name, columns[name]) for name in _ORDER])
    labels = np.array([answer.strip().startswith(">") for answer in columns[_LABEL]], dtype=np.int64)
    return values, labels, _ORDER


def _read(file: Path, argument: str) -> dict[str, list[str]]:
    try:
        with open(file, newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArgumentError(argument, f"{file} ({error})", "the census table as a CSV file") from error
    needed = (*_ORDER, _LABEL)
    missing = [name for name in needed if not rows or rows[0].get(name) is None]
    if missing:
        raise ArgumentError(argument, f"{file} without {', '.join(missing)}", f"with {', '.join(needed)}")
    return {name: [row[name] or _MISSING for row in rows] for name in needed}


def _copy_in_shapiq() -> Path | None:
    """Where shapiq keeps it; shapiq itself, which imports much, is not imported."""
    spec = find_spec("shapiq")
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder) / "datasets" / "data" / "adult_census.csv"
        if file.is_file():
            return file
    return None


def _download() -> dict[str, list[str]]:
    try:
        from sklearn.datasets import fetch_openml

        frame: Any = fetch_openml("adult", version=2, as_frame=True).frame
    except (ImportError, OSError, ValueError) as error:  # no package, no network, another table
        raise MissingDependencyError(
            f"the data set census is not on this machine and could not be downloaded ({error}): "
            "set HARSANYI_CENSUS to a CSV file of the UCI Adult table with a header, or install shapiq, "
            'which brings it: pip install "harsanyi[reproduce]"'
        ) from error
    return {
        name: [_MISSING if value != value else str(value) for value in frame[name].astype(object)]
        for name in (*_ORDER, _LABEL)
    }


def _numbers(name: str, column: Sequence[str]) -> Floats:
    if name in _CATEGORIES:
        return np.unique(np.array(column), return_inverse=True)[1].astype(np.float64)
    try:
        values = np.array(column, dtype=np.float64)
    except ValueError as error:
        raise ArgumentError(f"column {name}", str(error), "numbers alone") from error
    return values
