"""Every finding, end to end and in its quick size, and the runner that they share."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from harsanyi.cli import main
from harsanyi.experiments import findings


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of trained networks for all findings: most of them share theirs."""
    return tmp_path_factory.mktemp("networks")


@pytest.mark.parametrize("name", findings.SUMMARIES)
def test_a_finding_runs_quickly_and_says_whether_it_holds(
    name: str,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HARSANYI_CACHE_DIR", str(cache))
    assert main(["reproduce", name, "--quick", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    numbers = json.loads((tmp_path / f"{name}-quick.json").read_text())
    assert numbers["finding"] == name
    assert numbers["verdict"] in ("holds", "does not hold here")
    assert f"verdict    {numbers['verdict']}" in out
    claimed = [one for one in numbers["statistics"] if one["claimed"] is not None]
    assert claimed
    decisions = [series["holds"] for one in claimed for series in one["series"].values()]
    assert decisions
    assert (numbers["verdict"] == "holds") == all(decisions)
    assert any(series["mean"] is not None for one in claimed for series in one["series"].values())
    assert (tmp_path / f"{name}-quick.png").read_bytes().startswith(b"\x89PNG")
    with np.load(tmp_path / f"{name}-quick.npz") as arrays:
        assert arrays.files
        assert all(np.isfinite(arrays[key]).any() for key in arrays.files)
