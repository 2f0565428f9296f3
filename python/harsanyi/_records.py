"""Records on disk: arrays and a little JSON in one safetensors file, written whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi import _core
from harsanyi.errors import MissingDependencyError, RecordError

_KEY = "harsanyi"  # of the one entry in the file's own metadata


def _safetensors() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise MissingDependencyError("records need safetensors, which harsanyi[torch] brings") from error
    return safetensors


def write_record(
    path: str | os.PathLike[str],
    format_name: str,
    version: int,
    arrays: dict[str, npt.NDArray[Any]],
    facts: dict[str, Any],
) -> None:
    """Writes a record beside its place and moves it there: readers see the old file or the new one, whole.

    Args:
        path: of the file; its folder exists.
        format_name: what kind of record it is.
        version: of that format, an integer that grows when readers must change.
        arrays: by name.
        facts: what JSON can hold.

    Raises:
        OSError: the folder cannot be written to.
        MissingDependencyError: safetensors is not installed.
    """
    save_file = _safetensors().numpy.save_file
    target = Path(path)
    header = {"format": format_name, "version": version, "written_by": _core.version(), "facts": facts}
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"no folder {target.parent}")
    try:
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        save_file(contiguous, temporary, metadata={_KEY: json.dumps(header)})
        with open(temporary, "rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def read_record(
    path: str | os.PathLike[str], format_name: str, version: int
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """The arrays and facts of a record.

    Raises:
        RecordError: the file cannot be read, is truncated, is not such a record, or is of a newer version.
        MissingDependencyError: safetensors is not installed.
    """
    library = _safetensors()
    try:
        with library.safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get(_KEY, "null"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, library.SafetensorError, ValueError, TypeError) as error:
        raise RecordError(f"{os.fspath(path)}: cannot be read as a record ({error})") from error
    if not isinstance(header, dict) or header.get("format") != format_name:
        raise RecordError(f"{os.fspath(path)}: a safetensors file, but not a {format_name} record")
    if not isinstance(header.get("version"), int) or not isinstance(header.get("facts"), dict):
        raise RecordError(f"{os.fspath(path)}: a {format_name} record with a damaged header")
    if header["version"] > version:
        raise RecordError(
            f"{os.fspath(path)}: version {header['version']} of the {format_name} record, written by "
            f"harsanyi {header.get('written_by')}; this harsanyi reads up to version {version}"
        )
    return arrays, header["facts"]
