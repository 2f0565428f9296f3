"""Reductions, subsets and masked batches of tensors through the CUDA plugin: simulated, and on a device."""

from __future__ import annotations

from pathlib import Path

import pytest
import simulated_cuda


def test_through_the_simulated_plugin(simulated_plugin: Path) -> None:
    assert simulated_cuda.run_file(simulated_plugin, "cuda_arrays.py") > 40


@pytest.mark.gpu
def test_on_a_device() -> None:
    assert simulated_cuda.run_file(None, "cuda_arrays.py") > 40
