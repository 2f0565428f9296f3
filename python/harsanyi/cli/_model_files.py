"""Files that a user hands over: networks (TorchScript, exported programs), samples and baselines (.npy)."""

from __future__ import annotations

import logging
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi.errors import ArgumentError

__all__ = ["last_line", "load_array", "load_model"]

_MODEL_FILE = "a TorchScript file (torch.jit.save) or an exported program (torch.export.save)"


def load_model(path: Path, name: str = "--model") -> Callable[..., Any]:
    """The network in a file, on the CPU.

    Args:
        path: of a TorchScript file or an exported program; the content decides, not the ending.
        name: of the option, for messages.

    Raises:
        ArgumentError: no such file, a file of another kind, or a damaged one.
    """
    import torch

    kind = _kind(path, name)
    try:
        with _silence():
            if kind == "torchscript":
                scripted: Callable[..., Any] = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
                return scripted
            return torch.export.load(path).module()
    except Exception as error:  # the loaders raise whatever the first bad byte leads to
        raise ArgumentError(name, f"{path} ({last_line(error)})", f"{_MODEL_FILE} that is whole") from error


@contextmanager
def _silence() -> Iterator[None]:
    """No warnings and no logs from torch's loaders.

    TorchScript is deprecated, which its owner knows or cannot change; of a damaged file the logs show a
    traceback, and the error says the same in a line.
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def load_array(path: Path, name: str) -> npt.NDArray[Any]:
    """The array in a .npy file.

    Args:
        path: of the file.
        name: of the option, for messages.

    Raises:
        ArgumentError: no such file, another kind of file, a damaged one, or one that holds no real numbers.
    """
    if not path.is_file():
        raise ArgumentError(name, str(path), "a .npy file that exists")
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ArgumentError(name, f"{path} ({last_line(error)})", "a readable .npy file") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise ArgumentError(name, f"{path}, an archive", "a .npy file of one array")
    if array.dtype.kind not in "biuf":
        raise ArgumentError(name, f"{path} of dtype {array.dtype}", "an array of real numbers")
    return array


def last_line(error: BaseException) -> str:
    """The last line of a message: torch puts the traceback of the network's own code before it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _kind(path: Path, name: str) -> str:
    """Either "torchscript" or "exported", from what is in the archive."""
    if not path.is_file():
        raise ArgumentError(name, str(path), "a file that exists")
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.rpartition("/")[2] for member in archive.namelist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise ArgumentError(name, f"{path} ({last_line(error)})", _MODEL_FILE) from error
    if "constants.pkl" in members:
        return "torchscript"
    if members & {"archive_format", "serialized_exported_program.json"}:  # since torch 2.7, and before
        return "exported"
    content = "weights or a pickled object (torch.save)" if "data.pkl" in members else "another archive"
    raise ArgumentError(name, f"{path}, {content}", _MODEL_FILE)
