"""One thread for everybody, hypothesis without deadlines, and settings of the kernels that are put back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# Before numpy, torch or harsanyi is imported: their thread pools read this once.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import harsanyi as hs
import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # `import reference`

settings.register_profile(
    "tests", deadline=None, database=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")


@pytest.fixture(scope="session")
def simulated_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CUDA kernels as a plugin that needs no device."""
    import simulated_cuda

    return simulated_cuda.build_plugin(tmp_path_factory.mktemp("simulated_cuda"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the tests marked `gpu` where there is no device."""
    marked = [item for item in items if item.get_closest_marker("gpu") is not None]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        config.hook.pytest_deselected(items=marked)
        items[:] = [item for item in items if item not in marked]


@pytest.fixture
def kernel_settings() -> Iterator[None]:
    """Puts the instruction-set tier and the number of threads back after the test."""
    isa, threads = str(hs.build_config()["isa"]), hs.get_num_threads()
    yield
    hs.set_isa(isa)
    hs.set_num_threads(threads)
