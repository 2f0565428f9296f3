"""The script that reads what ptxas says of the CUDA kernels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "csrc" / "cmake" / "check_ptxas.py"

HARMLESS = """\
[1/3] Building CUDA object csrc/CMakeFiles/harsanyi_cuda.dir/cuda/transform.cu.o
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_ZN8harsanyi4cuda10chunk_bitsIfEEvPT_' for 'sm_90'
ptxas info    : Function properties for _ZN8harsanyi4cuda10chunk_bitsIfEEvPT_
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 60 registers, used 1 barriers, 381 bytes cmem[0]
ptxas info    : Compiling entry function '_ZN8harsanyi4cuda10chunk_bitsIdEEvPT_' for 'sm_90'
ptxas info    : Function properties for _ZN8harsanyi4cuda10chunk_bitsIdEEvPT_
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 72 registers
"""
WASTEFUL = """\
ptxas info    : Compiling entry function '_ZN8harsanyi4cuda6spillsIfEEvPT_' for 'sm_75'
ptxas info    : Function properties for _ZN8harsanyi4cuda6spillsIfEEvPT_
    {stack} bytes stack frame, {stores} bytes spill stores, {loads} bytes spill loads
ptxas info    : Used 32 registers, 256 bytes cumulative stack size
"""


def check(log: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "log").write_text(log)
    command = [sys.executable, str(SCRIPT), str(folder / "log")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_kernels_in_registers_pass(tmp_path: Path) -> None:
    done = check(HARMLESS, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.split() == ["chunk_bits", "sm_90", "2", "instances,", "at", "most", "72", "registers"]


@pytest.mark.parametrize(
    ("counts", "complaint"),
    [
        ((256, 0, 0), "256 bytes stack frame"),
        ((0, 8, 0), "8 bytes spill stores"),
        ((0, 0, 4), "4 bytes spill loads"),
        ((16, 8, 12), "16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads"),
    ],
)
def test_local_memory_fails_and_is_named(
    counts: tuple[int, int, int], complaint: str, tmp_path: Path
) -> None:
    wasteful = WASTEFUL.format(stack=counts[0], stores=counts[1], loads=counts[2])
    for log in (wasteful + HARMLESS, HARMLESS + wasteful):
        done = check(log, tmp_path)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [f"void spills<float>(float*) for sm_75: {complaint}"]
        assert "chunk_bits" in done.stdout


@pytest.mark.parametrize(("bytes_", "status"), [(96, 0), (100, 1)])
def test_the_solver_may_spill_a_little(bytes_: int, status: int, tmp_path: Path) -> None:
    log = WASTEFUL.format(stack=bytes_, stores=bytes_, loads=bytes_).replace("6spills", "17decompose_samples")
    assert check(log, tmp_path).returncode == status


def test_a_log_without_kernels_fails(tmp_path: Path) -> None:
    done = check("ninja: no work to do.\n", tmp_path)
    assert done.returncode == 1
    assert "no kernel in this log" in done.stderr
