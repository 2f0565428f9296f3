"""The cases of bench/gpu.py through the CUDA plugin; `simulated_cuda` gives it one without a device."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from simulated_cuda import through_plugin  # noqa: F401

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
import gpu
import gpu_cases
import gpu_job

pytestmark = pytest.mark.usefixtures("through_plugin")

CPU = torch.device("cpu")
SMALL = 1 << 17  # bytes: batches that end within a block
# One of each kind and dtype: those of a kind differ in size.
CASES = {re.sub(r"-n\d+", "", case.name): case for case in reversed(list(gpu_cases.table()))}


@pytest.mark.parametrize("kind", CASES)
def test_every_kind_of_case_is_right(kind: str) -> None:
    record = gpu.measured(CASES[kind], CPU, SMALL, 1e9, lambda run: [3e-3, 1e-3, 2e-3])
    assert record["agreement"]["passed"]
    assert record["agreement"]["bits"] or not kind.startswith("mobius")
    assert (record["median"], record["floor"]) == (2e-3, record["bytes"] / 1e9)
    cells = gpu.row(record)
    assert (cells[0], cells[3]) == (record["case"], "2 ms")
    assert "WRONG" not in gpu.line(cells)


def test_a_wrong_result_is_seen_and_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES["mobius-f64"]
    launcher = gpu_job.launcher

    def careless(job: gpu_job.Job) -> Any:
        run = launcher(job)

        def wrong() -> None:
            run()
            job.outputs[0][0, -1] *= 1 + 2**-50

        return wrong

    monkeypatch.setattr(gpu, "launcher", careless)
    record = gpu.measured(case, CPU, SMALL, 1e9, lambda run: pytest.fail("it was timed"))
    assert not record["agreement"]["passed"]
    assert record["median"] is None
    assert "WRONG" in gpu.line(gpu.row(record))


def test_a_tolerance_is_of_the_largest_value(monkeypatch: pytest.MonkeyPatch) -> None:
    job = CASES["pair_sums-f64"].prepare(CPU, SMALL)
    run = gpu_job.launcher(job)

    def off() -> None:
        run()
        job.outputs[0][0, 0, 0] += 3e-12 * job.outputs[0].abs().max()

    assert gpu_job.agreement(job, run).passed
    found = gpu_job.agreement(job, off)
    assert 2e-12 < found.error < 4e-12
    assert not found.passed
    assert gpu_job.agreement(replace(job, tolerance=1e-11), off).passed


def test_what_does_not_fit_is_left_out() -> None:
    def too_large(device: torch.device, total: int) -> gpu_job.Job:
        raise torch.OutOfMemoryError

    record = gpu.measured(gpu_job.Case("large", too_large), CPU, SMALL, 1e9, lambda run: [])
    assert record == {"case": "large", "note": "does not fit"}
    assert gpu.line(gpu.row(record)).split() == ["large", "does", "not", "fit"]
