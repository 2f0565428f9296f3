"""Every finding, end to end and in its quick size, and the runner that they share."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harsanyi.cli import main
from harsanyi.errors import ArgumentError
from harsanyi.experiments import figures, findings, measures, runner
from harsanyi.experiments.finding import (
    Context,
    Direction,
    Finding,
    Measurement,
    Settings,
    Statistic,
    above,
    at_least,
    below,
)
from hypothesis import given, strategies as st
from matplotlib.figure import Figure
from scipy.stats import spearmanr


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


# ---- the runner, on a finding that is known ----


def measured(context: Context[Settings]) -> Measurement:
    """As many numbers as seeds: the seed itself, and its opposite."""
    numbers = [float(seed) for seed in context.seeds]
    return Measurement(
        {"up": {"a": numbers, "b": [math.nan, *numbers[1:]]}, "down": {"a": [-x for x in numbers]}},
        {"curve": np.array([numbers, numbers])},
    )


def drawn(measurement: Measurement, settings: Settings) -> Figure:
    figure, (axes,) = figures.panels(["numbers"], heading="Numbers")
    figures.curve(axes, range(measurement.arrays["curve"].shape[1]), measurement.arrays["curve"])
    return figure


KNOWN = Finding(
    name="known",
    claim="Seeds are positive.",
    source="arithmetic",
    interactions="dividends",
    statistics=(Statistic("up", "the seed", above(0)), Statistic("down", "its opposite")),
    sizes={"quick": Settings(seeds=2), "default": Settings(seeds=3), "full": Settings(seeds=4)},
    run=measured,
    draw=drawn,
)


def claiming(up: Direction | None, down: Direction | None = None) -> Finding[Settings]:
    return replace(KNOWN, statistics=(Statistic("up", "", up), Statistic("down", "", down)))


@pytest.mark.parametrize(
    ("finding", "seeds", "holds"),
    [
        (KNOWN, (0, 2), True),
        (KNOWN, (0,), False),  # the series b is NaN alone
        (claiming(above(1)), (0, 2), False),  # the mean over the seeds decides, and lies on the end
        (claiming(at_least(1)), (0, 2), True),
        (claiming(above(0), below(-2)), (1, 2), False),  # one statistic of two
        (claiming(None), (0,), True),  # nothing claimed, nothing refuted
    ],
)
def test_the_verdict_follows_from_statistics_and_directions(
    finding: Finding[Settings], seeds: tuple[int, ...], holds: bool
) -> None:
    outcome = runner.reproduce(finding, seeds=seeds)
    assert outcome.holds is holds
    assert outcome.verdict == ("holds" if holds else "does not hold here")


def test_a_size_brings_its_own_seeds() -> None:
    assert runner.reproduce(KNOWN).seeds == (0, 1, 2)
    assert runner.reproduce(KNOWN, size="quick").seeds == (0, 1)
    with pytest.raises(ArgumentError, match="size: got huge"):
        runner.reproduce(KNOWN, size="huge")  # type: ignore[arg-type]
    for seeds in ((), (1, 1), (-1,)):
        with pytest.raises(ArgumentError, match="seeds"):
            runner.reproduce(KNOWN, seeds=seeds)


def test_statistics_that_were_not_declared_are_refused() -> None:
    only_up = replace(KNOWN, statistics=KNOWN.statistics[:1])
    with pytest.raises(ArgumentError, match="statistics"):
        runner.reproduce(only_up)


def test_what_is_written_is_json_with_every_seed_and_setting(tmp_path: Path) -> None:
    outcome = runner.reproduce(KNOWN, seeds=(4, 6))
    paths = runner.save(outcome, tmp_path / "new", formats=("png", "svg"))
    assert sorted(path.name for path in paths) == ["known.json", "known.npz", "known.png", "known.svg"]
    assert all(path.stat().st_size > 0 for path in paths)

    def refuse(word: str) -> None:
        raise AssertionError(word)

    text = (tmp_path / "new" / "known.json").read_text()
    numbers = json.loads(text, parse_constant=refuse)
    up, down = numbers["statistics"]
    assert up["claimed"] == "above 0"
    assert up["series"]["a"] == {"by_seed": [4, 6], "mean": 5, "std": pytest.approx(2**0.5), "holds": True}
    assert up["series"]["b"] == {"by_seed": [None, 6], "mean": 6, "std": None, "holds": True}
    assert down["claimed"] is None
    assert down["series"]["a"]["holds"] is None
    assert numbers["settings"] == {"setups": [], "samples": 50, "seeds": 3}
    assert numbers["seeds"] == [4, 6]
    assert numbers["environment"]["packages"]["numpy"] == np.__version__
    with np.load(tmp_path / "new" / "known.npz") as arrays:
        np.testing.assert_array_equal(arrays["curve"], [[4, 6], [4, 6]])


@pytest.mark.parametrize(
    ("direction", "inside", "outside", "words"),
    [
        (above(1), [1.1, math.inf], [1, 0, math.nan], "above 1"),
        (at_least(1), [1, 2], [0.9, math.nan], "at least 1"),
        (below(-0.5), [-1], [-0.5, 0], "below -0.5"),
        (Direction(0, 1), [0, 0.5, 1], [-0.1, 1.1], "at least 0 and at most 1"),
        (Direction(), [0, -1e9], [math.nan], "any number"),
    ],
)
def test_a_direction_says_what_it_means(
    direction: Direction, inside: list[float], outside: list[float], words: str
) -> None:
    assert all(map(direction.holds, inside))
    assert not any(map(direction.holds, outside))
    assert str(direction) == words


# ---- measures ----

numbers = st.integers(-3, 3) | st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=8))
def test_the_rank_correlation_is_spearmans(points: list[tuple[float, float]]) -> None:
    x, y = zip(*points, strict=True)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert math.isnan(measures.rank_correlation(x, y))
    else:
        assert measures.rank_correlation(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_the_rank_correlation_leaves_nan_out() -> None:
    assert measures.rank_correlation([1, 2, math.nan, 4], [3, 2, 9, math.nan]) == -1
    assert math.isnan(measures.rank_correlation([1, math.nan], [1, 2]))
    with pytest.raises(ArgumentError, match="x, y"):
        measures.rank_correlation([1, 2], [1, 2, 3])


def test_an_area_is_the_mean_over_the_time() -> None:
    assert measures.area([0, 2, 10], [0, 1, 1]) == pytest.approx(0.9)
    with pytest.raises(ArgumentError, match="epochs"):
        measures.area([0, 0, 1], [0, 1, 1])
    with pytest.raises(ArgumentError, match="by_order"):
        measures.thirds([1.0, 2.0])


# ---- the command ----


def test_the_list_has_every_finding_and_loads_nothing_heavy() -> None:
    program = (
        "import sys; from harsanyi.cli import main; main(['reproduce', '--list']);"
        "print({'torch', 'matplotlib', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *lines, heavy = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(findings.SUMMARIES)
    assert heavy == "set()"


def test_a_finding_has_the_name_that_it_is_listed_with_and_every_size() -> None:
    for name in findings.SUMMARIES:
        finding = findings.load(name)
        assert finding.name == name
        assert set(finding.sizes) == {"quick", "default", "full"}
        assert any(statistic.claimed is not None for statistic in finding.statistics)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sparsty"], "got sparsty.*did you mean sparsity"),
        (["zzz"], "got zzz, but it must be one of sparsity"),
        ([], "NAME or --all: got neither"),
        (["sparsity", "--all"], "NAME or --all: got both"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import re

    assert main(["reproduce", *arguments, "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(message, err)
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", [["--seeds", "1,1"], ["--seed", "-1"], ["--quick", "--full"]])
def test_options_that_make_no_sense_are_refused(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["reproduce", "sparsity", *option])
    assert stopped.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finding that takes no time, in the place of all others."""
    monkeypatch.setattr(findings, "SUMMARIES", {"known": "seeds are positive"})
    monkeypatch.setattr(findings, "load", lambda name: KNOWN)


@pytest.mark.usefixtures("known")
def test_seeds_size_format_and_folder_reach_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "new")
    assert main(["reproduce", "--all", "--full", "--seeds", "5,7", "--format", "svg", "--out", folder]) == 0
    out = capsys.readouterr().out
    assert "full, seeds 5, 7" in out
    assert "6  (5 to 7 over 2 seeds)  holds" in out
    assert (tmp_path / "new" / "known-full.svg").exists()
    assert main(["reproduce", "known", "--seed", "0", "--quiet", "--out", folder]) == 0
    assert capsys.readouterr().out == "known: does not hold here\n"


@pytest.mark.usefixtures("known")
def test_a_folder_that_cannot_be_written_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["reproduce", "known", "--out", str(tmp_path / "file")]) == 2
    assert "--out" in capsys.readouterr().err


def test_of_several_findings_one_that_fails_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(context: Context[Settings]) -> Measurement:
        raise ArgumentError("data", "nothing", "something")

    both = {"bad": replace(KNOWN, name="bad", run=fails), "good": replace(KNOWN, name="good")}
    monkeypatch.setattr(findings, "SUMMARIES", dict.fromkeys(both, ""))
    monkeypatch.setattr(findings, "load", both.__getitem__)
    assert main(["reproduce", "--all", "--seeds", "1,2", "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert err == "harsanyi reproduce: bad: data: got nothing, but it must be something\n"
    assert out.splitlines()[-2:] == ["bad   failed", "good  holds"]
    assert main(["reproduce", "bad", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "harsanyi reproduce: data: got nothing, but it must be something\n"
