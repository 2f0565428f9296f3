"""Facts about this machine and what is installed on it: what a figure means nothing without."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harsanyi._arrays import available_memory
from harsanyi.config import build_config

__all__ = ["cache_sizes", "cpu_name", "environment", "package_versions", "processors", "total_memory"]

# The optional packages that some part of harsanyi or of its benchmarks makes use of.
_PACKAGES = (
    "numpy",
    "torch",
    "safetensors",
    "tqdm",
    "matplotlib",
    "rich",
    "scikit-learn",
    "mlxtend",
    "fht-cpu",
    "shapiq",
    "shapley-numba",
)
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def processors() -> int:
    """Processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name() -> str:
    """The processor's name as the system gives it, or its architecture."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cache_sizes() -> dict[str, int]:
    """Bytes of the first processor's data and unified caches by level; empty if the system does not say.

    Example:
        >>> from harsanyi.bench import machine
        >>> all(size > 0 for size in machine.cache_sizes().values())
        True
    """
    sizes = {}
    for folder in sorted(_CACHES.glob("index*")):
        try:
            kind = (folder / "type").read_text(encoding="ascii").strip()
            level = (folder / "level").read_text(encoding="ascii").strip()
            size = (folder / "size").read_text(encoding="ascii").strip()
        except OSError:
            continue
        if kind != "Instruction":
            sizes[f"L{level}"] = int(size.rstrip("KMG")) << {"K": 10, "M": 20, "G": 30}.get(size[-1], 0)
    return sizes


def total_memory() -> int | None:
    """Bytes of memory of the machine; None if the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def package_versions() -> dict[str, str | None]:
    """The version of each package that harsanyi can make use of; None if it is not installed."""
    versions: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return versions


def environment() -> dict[str, object]:
    """All of it, and how harsanyi was built, as JSON takes it.

    Example:
        >>> from harsanyi.bench import machine
        >>> machine.environment()["packages"]["numpy"] is not None
        True
    """
    build = {key: value for key, value in build_config().items() if key not in ("include", "cmake_dir")}
    return {
        **build,
        "cpu": cpu_name(),
        "processors": processors(),
        "caches": cache_sizes(),
        "memory": total_memory(),
        "available_memory": available_memory(),
        "load_average": list(os.getloadavg()),  # on a busy machine ratios hold better than times
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": package_versions(),
    }
