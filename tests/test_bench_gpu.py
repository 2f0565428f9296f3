"""bench/gpu.py where there is no device: what it says, and its cases on the simulated one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import simulated_cuda

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
import gpu_cases

SCRIPT = Path(__file__).parents[1] / "bench" / "gpu.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_without_a_device_it_says_so(tmp_path: Path) -> None:
    done = run("--json", str(tmp_path / "gpu.json"))
    assert done.returncode == 2
    assert done.stderr.startswith("no CUDA device: ")
    assert done.stderr.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_cases_are_listed_and_chosen_by_pattern() -> None:
    names = [case.name for case in gpu_cases.table()]
    assert len(set(names)) == len(names) > 80
    assert run("--list").stdout.split() == names
    chosen = run("mobius-f64-*", "pair_sums-f32-n8", "--list").stdout.split()
    assert set(chosen) == {"pair_sums-f32-n8", *(n for n in names if n.startswith("mobius-f64-"))}
    unknown = run("mobius-f16-*")
    assert unknown.returncode == 2
    assert "no case is called mobius-f16-*" in unknown.stderr


def test_the_cases_are_right_on_the_simulated_device(simulated_plugin: Path) -> None:
    assert simulated_cuda.run_file(simulated_plugin, "cuda_bench.py") > 20


@pytest.mark.parametrize(
    ("n", "itemsize", "shared", "expected"),
    [
        (14, 8, 227 << 10, 1),
        (15, 8, 227 << 10, 2),
        (15, 4, 227 << 10, 1),
        (26, 8, 227 << 10, 2),
        (27, 4, 227 << 10, 2),
        (27, 8, 227 << 10, 3),
        (13, 8, 64 << 10, 1),
        (14, 8, 64 << 10, 2),
        (24, 8, 64 << 10, 3),
    ],
)
def test_passes_of_a_transform(n: int, itemsize: int, shared: int, expected: int) -> None:
    assert gpu_cases.passes(n, itemsize, shared) == expected
