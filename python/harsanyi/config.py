"""Threads, instruction set, build facts, and where the C headers and the CMake package lie."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from harsanyi import _core
from harsanyi.errors import ArgumentError, ArgumentTypeError

__all__ = ["build_config", "get_cmake_dir", "get_include", "get_num_threads", "set_isa", "set_num_threads"]


def get_num_threads() -> int:
    """Threads that one call may use.

    HARSANYI_NUM_THREADS, else OMP_NUM_THREADS, else the processors that this process may run on.

    Example:
        >>> import harsanyi as hs
        >>> 1 <= hs.get_num_threads() <= 1024
        True
    """
    return _core.num_threads()


def set_num_threads(count: int) -> None:
    """Sets how many threads one call may use, the caller's own included.

    Args:
        count: 1 to 1024. Results do not depend on it, to the bit.

    Example:
        >>> import harsanyi as hs
        >>> hs.set_num_threads(1)
        >>> hs.get_num_threads()
        1
    """
    if isinstance(count, bool) or not isinstance(count, int):
        raise ArgumentTypeError("count", count, "an integer from 1 to 1024")
    if not 1 <= count <= 1024:
        raise ArgumentError("count", count, "an integer from 1 to 1024")
    _core.set_num_threads(count)


def set_isa(name: str) -> None:
    """Forces an instruction-set tier, for tests and benchmarks; HARSANYI_ISA does the same at start.

    Args:
        name: one of `build_config()["isas"]`. Results do not depend on it, to the bit.

    Example:
        >>> import harsanyi as hs
        >>> hs.set_isa("baseline")
        >>> hs.build_config()["isa"]
        'baseline'
    """
    if name not in _core.isas():
        raise ArgumentError("name", name, f"one of {', '.join(_core.isas())} on this processor")
    _core.set_isa(name)


def build_config() -> dict[str, str | int | list[str]]:
    """Facts about this build and this machine: version, compiler, instruction sets, threads, CUDA.

    "cuda" is "available", or says why CUDA tensors do without the kernels: no plugin, or no device.

    Example:
        >>> import harsanyi as hs
        >>> hs.build_config()["version"] == hs.__version__
        True
    """
    return {
        "version": _core.version(),
        "compiler": _core.compiler(),
        "build_type": _core.build_type(),
        "isa": _core.isa(),
        "isas": _core.isas(),
        "num_threads": _core.num_threads(),
        "cuda": _core.cuda_absence().removeprefix("cuda: ") or "available",
        "include": get_include(),
        "cmake_dir": get_cmake_dir(),
    }


def _installed(*parts: str) -> str:
    path = Path(str(files("harsanyi").joinpath(*parts)))
    if path.exists():
        return str(path)
    # An editable install keeps the Python files in the source tree and everything that was built beside the
    # extension.
    return str(Path(str(_core.__file__)).parent.joinpath(*parts))


def get_include() -> str:
    """The folder to pass as -I for `#include <harsanyi/harsanyi.h>`.

    Example:
        >>> import harsanyi as hs
        >>> from pathlib import Path
        >>> Path(hs.get_include(), "harsanyi", "harsanyi.h").is_file()
        True
    """
    return _installed("include")


def get_cmake_dir() -> str:
    """The folder of harsanyiConfig.cmake: `cmake -Dharsanyi_DIR=$(harsanyi info --cmake-dir)`.

    Example:
        >>> import harsanyi as hs
        >>> from pathlib import Path
        >>> Path(hs.get_cmake_dir(), "harsanyiConfig.cmake").is_file()
        True
    """
    return _installed("lib", "cmake", "harsanyi")
