"""The CUDA kernels without a device: a plugin that runs them on the host, and tests that go through it.

The loader reads HARSANYI_CUDA_PLUGIN once, so those tests run in a process of their own. They are in files
named cuda_*.py, which pytest collects only when it is given them, and use the fixture `through_plugin`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import harsanyi as hs
import pytest

if TYPE_CHECKING:
    import torch

ROOT = Path(__file__).parents[1]
DEVICE = os.environ.get("HARSANYI_TEST_DEVICE", "cpu")  # where the tests that go through a plugin put tensors


def build_plugin(folder: Path) -> Path:
    """Compiles csrc/cuda as C++ over the simulation of tests/cpp/simt; returns the library."""
    simt = ROOT / "tests" / "cpp" / "simt"
    sources = [
        *sorted((ROOT / "csrc" / "cuda").glob("*.cu")),
        ROOT / "csrc/cuda/plugin.cpp",
        simt / "simt.cpp",
    ]
    compiler = ["c++", "-std=c++17", "-O1", "-fPIC", "-ffp-contract=off", "-Wno-unknown-pragmas"]
    include = [f"-I{simt}", f"-I{ROOT / 'csrc' / 'include'}", f"-I{hs.get_include()}"]

    def compiled(source: Path) -> str:
        target = str(folder / f"{source.name}.o")
        subprocess.run([*compiler, *include, "-c", "-x", "c++", str(source), "-o", target], check=True)
        return target

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        objects = list(pool.map(compiled, sources))
    library = folder / "libharsanyi_cuda.so"
    subprocess.run(["c++", "-shared", *objects, "-o", str(library)], check=True)
    return library


def run_file(plugin: Path | None, name: str) -> int:
    """Runs one cuda_*.py of this folder through the plugin; returns how many tests passed, all of them.

    None: on a device, through the plugin that is installed.
    """
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(Path(__file__).with_name(name)),
    ]
    where = {"HARSANYI_TEST_DEVICE": "cuda"} if plugin is None else {"HARSANYI_CUDA_PLUGIN": str(plugin)}
    environment = {**os.environ, **where}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^(\d+) passed in ", done.stdout, re.MULTILINE)
    assert passed is not None, done.stdout
    return int(passed[1])


@pytest.fixture
def through_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the device is simulated, CPU tensors count as its own: its memory is the host's."""
    from harsanyi import _core, _cuda

    assert _core.cuda_available(), _core.cuda_absence()
    if DEVICE != "cpu":
        return

    def on_host(x: torch.Tensor) -> bool:
        return x.device.type == "cpu"

    monkeypatch.setattr(_cuda, "usable", on_host)
    monkeypatch.setattr(_cuda, "place", lambda x: (0, 0))
