"""Functions of tensors through the CUDA plugin: simulated, and on a device."""

from __future__ import annotations

from pathlib import Path

import pytest
import simulated_cuda

FILES = {"cuda_arrays.py": 40, "cuda_sparse.py": 7}  # and how many tests they hold, at least


@pytest.mark.parametrize("name", FILES)
def test_through_the_simulated_plugin(name: str, simulated_plugin: Path) -> None:
    assert simulated_cuda.run_file(simulated_plugin, name) >= FILES[name]


@pytest.mark.gpu
@pytest.mark.parametrize("name", FILES)
def test_on_a_device(name: str) -> None:
    assert simulated_cuda.run_file(None, name) >= FILES[name]
