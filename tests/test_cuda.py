"""CUDA without a device: the ops through the simulated plugin, and what serves where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import harsanyi as hs
import pytest
import simulated_cuda
import torch
from harsanyi import _core, _cuda, ops


def test_the_ops_take_the_plugin(simulated_plugin: Path) -> None:
    assert simulated_cuda.run_file(simulated_plugin, "cuda_ops.py") > 100


@pytest.mark.parametrize("name", [*ops.OPS])
def test_without_the_plugin_cuda_tensors_take_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cuda, "usable", lambda x: False)
    numbers = (0.5, 2.0, -1.0, 0.25) if name == "kronecker" else ()
    x = torch.arange(16.0, dtype=torch.float64).reshape(2, 8)
    if name == "pair_sums_adjoint":
        x = ops.OPS["pair_sums"](x)
    used: list[str] = []
    for implementation in ("transform_torch", "_sets_of_order"):
        kept = getattr(ops, implementation)

        def watched(*arguments: Any, kept: Any = kept, label: str = implementation) -> Any:
            used.append(label)
            return kept(*arguments)

        monkeypatch.setattr(ops, implementation, watched)
    op = getattr(torch.ops.harsanyi, name)
    expected = op(x, *numbers)
    assert used == []
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.CUDA)
    torch.testing.assert_close(op.default.redispatch(keys, x, *numbers), expected, rtol=1e-14, atol=0)
    assert used


def test_what_is_not_on_a_cuda_device_takes_no_plugin() -> None:
    assert not _cuda.usable(torch.ones(4))
    assert not _cuda.usable(torch.ones(4, device="meta"))
    assert ops.has_kernel(torch.ones(4))
    assert not ops.has_kernel(torch.ones(4, device="meta"))


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        ("/nowhere/libharsanyi_cuda.so", "the plugin does not load: /nowhere/libharsanyi_cuda.so"),
        (str(Path(hs.get_cmake_dir()).parents[1] / "libharsanyi.so"), "is not the plugin of harsanyi"),
        ("", ""),
    ],
)
def test_the_build_says_whether_the_plugin_is_there(
    plugin: str, expected: str, simulated_plugin: Path
) -> None:
    environment = {**os.environ, "HARSANYI_CUDA_PLUGIN": plugin or str(simulated_plugin)}
    command = [sys.executable, "-c", "from harsanyi.cli import main; main(['info'])"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("cuda ")]
    assert expected in line
    assert ("available" in line) == (expected == "")
    assert (
        _core.cuda_available() == (_core.cuda_absence() == "") == (hs.build_config()["cuda"] == "available")
    )
