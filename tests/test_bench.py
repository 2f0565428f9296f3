"""Benchmarks: they compute what they should and report what they measured, whatever is missing."""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
from harsanyi.bench import cases, children, machine, peers, report, timing
from harsanyi.bench.case import Case, Series
from harsanyi.bench.timing import Measurement, Result, Settings
from harsanyi.cli import bench, info
from harsanyi.errors import ArgumentError, NotEnoughMemoryError

ROOT = Path(__file__).parent.parent
FAST = Settings(repeats=2, sample_seconds=1e-5, series_seconds=1.0)
# One case of each kind: those of the same kind differ in size, and the check has its own. Those of the
# decomposition, which take long, have a file of their own.
KINDS = {
    re.sub(r"-n\d+$", "", case.name): case for case in reversed(cases.table()) if case.group != "decompose"
}


def cli(module: Any, *args: str) -> int:
    """What the command line does with these arguments of a subcommand."""
    parser = argparse.ArgumentParser()
    module.add_parser(parser.add_subparsers())
    parsed = parser.parse_args([module.__name__.rpartition(".")[2], *args])
    return int(parsed.run(parsed))


def toy(run: Callable[[], Any], *rivals: Series, **changes: Any) -> Case:
    """A case whose own series calls `run`."""
    case = Case(
        name="toy",
        group="batch",
        n=3,
        dtype="float64",
        ours=Series("ours", lambda data: run, quantity="value"),
        rivals=rivals,
        setup=lambda n: SimpleNamespace(n=n),
    )
    return replace(case, **changes)


def rival(run: Callable[[], Any] = lambda: None, **changes: Any) -> Series:
    return replace(Series("rival", lambda data: run), **changes)


def measured(samples: tuple[float, ...], **changes: Any) -> Measurement:
    return Measurement(rival(**changes), samples, calls=1)


# ---- the table ----


def test_names_are_unique_and_groups_known() -> None:
    table = cases.table()
    assert len({case.name for case in table}) == len(table)
    assert {case.group for case in table} == set(cases.GROUPS)
    for case in table:
        names = [series.name for series in (case.ours, *case.rivals)]
        assert len(set(names)) == len(names)
        assert case.ours.quantity == "value"
        assert all(series.quantity in ("cost", "speed") for series in case.rivals)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_every_size_is_held_against_fht(dtype: str) -> None:
    found = {case.n: case for case in cases.select([f"mobius-{dtype}-*"])}
    assert sorted(found) == list(range(8, 27))
    for case in found.values():
        assert {series.name: series.target for series in case.rivals}["fht_cpu"] == 1.0


def test_quick_has_small_vectors_only() -> None:
    quick = cases.table(quick=True)
    assert max(case.n for case in quick if case.group == "transforms") == 20
    assert {case.group for case in quick} == set(cases.GROUPS)


def test_selection() -> None:
    assert [case.name for case in cases.select([])] == [case.name for case in cases.table()]
    assert {case.group for case in cases.select(["tables", "masking"])} == {"tables", "masking"}
    assert [case.name for case in cases.select(["mobius-f64-n1[2-3]"])] == [
        "mobius-f64-n12",
        "mobius-f64-n13",
    ]
    with pytest.raises(ArgumentError, match=r"group: got nothing-like-it, .* transforms"):
        cases.select(["tables", "nothing-like-it"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_series_computes_what_it_should(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel_settings: None
) -> None:
    case = KINDS[kind]
    if case.group == "end_to_end" and "torch" in case.ours.requires:
        from harsanyi.experiments import fit

        monkeypatch.setenv("HARSANYI_CACHE_DIR", str(tmp_path))
        monkeypatch.setitem(fit.RECIPES, "mnist", fit.Recipe("lenet", epochs=1))
    compared = timing.check(case)
    assert compared == [s.name for s in (case.ours, *case.rivals) if not timing.unavailable(s)]
    assert case.ours.name in compared


def test_check_finds_a_wrong_result() -> None:
    right = Series("right", lambda data: lambda: np.ones(4), lambda data: np.ones(4))
    wrong = Series("wrong", lambda data: lambda: np.ones(4), lambda data: np.array([1, 1, 1, 1.001]))
    assert timing.check(toy(lambda: 1.0, right)) == ["ours", "right"]
    with pytest.raises(AssertionError, match="toy, wrong"):
        timing.check(toy(lambda: 1.0, right, wrong))
    with pytest.raises(AssertionError, match="toy, ours: nan"):
        timing.check(toy(lambda: float("nan")))


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_data_make_no_denormals_and_no_overflow(dtype: str) -> None:
    (case,) = cases.select([f"mobius-{dtype}-n16"])
    data = case.setup(16)
    for transform in (hs.mobius, hs.walsh_hadamard):
        y = transform(data.original)
        assert np.isfinite(y).all()
        assert np.abs(y[y != 0]).min() >= 1


@pytest.mark.parametrize("butterfly", [peers.numpy_butterfly, peers.torch_butterfly])
def test_butterflies_work_in_place_on_batches(butterfly: Any) -> None:
    x = np.random.default_rng(0).normal(size=(3, 32))
    expected = hs.mobius(x)
    butterfly(x)()
    np.testing.assert_allclose(x, expected, atol=1e-12)


# ---- measuring ----


def test_restoring_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = [0], []

    def spend(name: str, nanoseconds: int) -> Callable[..., None]:
        def run(*_: Any) -> None:
            calls.append(name)
            now[0] += nanoseconds

        return run

    monkeypatch.setattr(timing, "perf_counter_ns", lambda: now[0])
    case = toy(
        spend("ours", 700), rival(spend("rival", 2800), quantity="speed"), restore=spend("restore", 10**6)
    )
    result = timing.measure(case, Settings(repeats=3, sample_seconds=7e-6, series_seconds=1.0))
    assert result.ours.samples == pytest.approx([700e-9] * 3)
    assert (result.ours.calls, result.rivals[0].calls) == (10, 2)
    assert timing.figure(result.ours, result.rivals[0]) == pytest.approx(4)
    assert calls[0::2] == ["restore"] * (len(calls) // 2)
    # two calls each to warm up and to find out how long one takes; then the order alternates
    assert calls[1::2] == ["ours"] * 2 + ["rival"] * 2 + (
        ["ours"] * 10 + ["rival"] * 2 + ["rival"] * 2 + ["ours"] * 10 + ["ours"] * 10 + ["rival"] * 2
    )


def test_a_long_series_gets_fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]

    def second() -> None:
        now[0] += 10**9

    monkeypatch.setattr(timing, "perf_counter_ns", lambda: now[0])
    slow = rival(second, slow=True)
    settings = Settings(repeats=5, sample_seconds=0.1, series_seconds=3.0, slow=True)
    result = timing.measure(toy(second, slow), settings)
    assert (len(result.ours.samples), len(result.rivals[0].samples)) == (3, 1)
    assert now[0] == 6e9  # ours: warm-up, trial and three samples; the slow one: its sample alone
    result = timing.measure(toy(second, slow), replace(settings, slow=False))
    assert result.rivals[0].note == "needs --slow"


def test_reported_samples_are_what_the_call_returns() -> None:
    values = iter([9.0, 9.0, 1.0, 3.0])
    result = timing.measure(toy(lambda: next(values), unit="B", reported=True), replace(FAST, repeats=2))
    assert result.ours.samples == (1.0, 3.0)
    assert result.ours.median == 2.0


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("value", 18.0), ("cost", 0.5), ("speed", 2.0)],
)
def test_figures(quantity: Any, expected: float) -> None:
    ours = measured((1.0, 9.0, 10.0, 1e9))  # the last has no partner
    assert timing.figure(ours, measured((18.0, 18.0, 2.0), quantity=quantity)) == expected
    assert timing.figure(ours, measured((), quantity=quantity)) is None


@pytest.mark.parametrize(
    ("quantity", "target", "expected"),
    [
        ("cost", 0.5, True),
        ("cost", 0.49, False),
        ("speed", 2.0, True),
        ("speed", 2.01, False),
        ("value", 2.0, True),
        ("value", 1.9, False),
        ("cost", None, None),
    ],
)
def test_reached(quantity: Any, target: float | None, expected: bool | None) -> None:
    assert timing.reached(measured((1.0,)), measured((2.0,), quantity=quantity, target=target)) is expected
    assert timing.reached(measured(()), measured((), quantity=quantity, target=target)) is None


def test_settings_are_put_back_come_what_may(kernel_settings: None) -> None:
    torch = pytest.importorskip("torch")
    hs.set_num_threads(3)
    inside = []

    def run() -> None:
        inside.append((hs.get_num_threads(), torch.get_num_threads(), gc.isenabled()))
        if len(inside) > 2:
            raise KeyboardInterrupt

    before = torch.get_num_threads(), gc.isenabled()
    with pytest.raises(KeyboardInterrupt):
        timing.measure(toy(run), FAST)
    assert inside[0] == (1, 1, False)
    assert (hs.get_num_threads(), torch.get_num_threads(), gc.isenabled()) == (3, *before)


def test_no_repeats_is_an_error() -> None:
    with pytest.raises(ArgumentError, match="repeats: got 0"):
        Settings(repeats=0)


# ---- what is missing ----


def test_a_missing_peer_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    present = timing.find_spec
    monkeypatch.setattr(timing, "find_spec", lambda name: None if name == "fht_cpu" else present(name))
    (case,) = cases.select(["mobius-f64-n8"])
    result = timing.measure(case, FAST)
    missing = {m.series.name: m for m in result.rivals}["fht_cpu"]
    assert (missing.note, missing.samples) == ("fht_cpu not installed", ())
    assert timing.figure(result.ours, missing) is None
    assert report.markdown([result]).count("fht_cpu not installed") == 1
    report.print_table([result])
    shown = capsys.readouterr().out
    assert re.search(r"fht_cpu not installed +<= 1 +not measured", shown)
    assert "Targets: 0 of 1 reached. Not measured: mobius-f64-n8" in shown


def test_a_peer_that_cannot_be_imported_is_reported_but_we_are_not_excused() -> None:
    def broken(data: Any) -> Any:
        raise ImportError("numba needs another numpy")

    result = timing.measure(toy(lambda: None, rival(prepare=broken)), FAST)
    assert result.rivals[0].note == "cannot be imported: numba needs another numpy"
    with pytest.raises(ImportError, match="another numpy"):
        timing.measure(toy(lambda: None, ours=rival(prepare=broken, quantity="value")), FAST)


def test_a_case_that_cannot_run_here_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "processors", lambda: 1)
    (case,) = cases.select(["batch-f64-*"])
    result = timing.measure(case, FAST)
    assert result.ours.note == "needs 2 processors"
    assert not any(m.samples for m in result.rivals)

    def refuse(count: int, what: str) -> None:
        raise NotEnoughMemoryError(f"{what} needs {count} bytes")

    monkeypatch.setattr(timing, "require_memory", refuse)
    result = timing.measure(toy(lambda: None, rival(), memory=5), FAST)
    assert result.ours.note == "toy needs 5 bytes"
    assert report.document([result], FAST, [])["results"][0]["series"][0]["median"] is None


# ---- reports ----


def results() -> list[Result]:
    first, second = cases.select(["mobius-f64-n8", "table-mobius-n16"])
    ours = Measurement(first.ours, (2e-6, 2e-6), calls=3)
    rivals = tuple(Measurement(series, (1e-6, 4e-6), calls=3) for series in first.rivals)
    slow = (Measurement(second.rivals[0], note="needs --slow"),)
    return [Result(first, ours, rivals), Result(second, Measurement(second.ours, (0.4e-3,), calls=1), slow)]


def test_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    report.print_table(results())
    shown = capsys.readouterr().out
    assert re.search(r"mobius-f64-n8 +8 +float64 +2 us +1.02 GB/s +1.25 x the time of numpy.copyto", shown)
    assert re.search(r" 1.25 x the time of fht_cpu +<= 1 +no", shown)
    assert re.search(r" 1.25 x the speed of numpy butterfly", shown)
    assert re.search(
        r"table-mobius-n16 +16 +float64 +400 us +1.31 GB/s +mobius: 400 us +<= 300 us +no", shown
    )
    assert re.search(r" shapiq: needs --slow", shown)
    assert "Targets: 0 of 2 reached. Missed: mobius-f64-n8 (1.25 x the time of fht_cpu); table" in shown


def test_table_without_rich_is_markdown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    report.print_table(results())
    assert capsys.readouterr().out == report.markdown(results(), headlines=False) + "\n"


def test_markdown() -> None:
    text = report.markdown(results())
    lines = text.splitlines()
    assert "| case | median | numpy.copyto | fht_cpu | numpy butterfly | torch butterfly |" in lines
    time, speed = "1.25 x the time", "1.25 x the speed"
    assert f"| mobius-f64-n8 | 2 us | {time} | {time} (<= 1: no) | {speed} | {speed} |" in lines
    hidden = [replace(result, case=replace(result.case, headline=False)) for result in results()]
    assert "| mobius-f64-n8" not in report.markdown(hidden)
    assert "Missed: mobius-f64-n8" in report.markdown(hidden)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0, "s", "0 ns"),
        (3.4e-9, "s", "3.4 ns"),
        (0.9999e-3, "s", "1 ms"),
        (64.2, "s", "64.2 s"),
        (0.0, "B", "0 B"),
        (1536.0, "B", "1.54 kB"),
        (2.5e12, "B", "2.5e+03 GB"),
    ],
)
def test_format_value(value: float, unit: str, expected: str) -> None:
    assert report.format_value(value, unit) == expected


# ---- the command line ----


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(bench, "--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(cases.table())
    assert lines[0].startswith("mobius-f64-n8 [transforms] beside numpy.copyto, fht_cpu")


def test_quick_run_from_end_to_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kernel_settings: None
) -> None:
    file = tmp_path / "bench.json"
    arguments = ["mobius-f32-n8", "table-mobius-n16", "--quick", "--repeats", "3", "--json", str(file)]
    assert cli(bench, *arguments) == 0
    assert "Targets:" in capsys.readouterr().out
    document = json.loads(file.read_text())
    assert document["format"] == report.FORMAT
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", document["date"])
    assert document["settings"]["repeats"] == 3
    environment = document["environment"]
    assert environment["isa"] == hs.build_config()["isa"]
    assert environment["packages"]["numpy"] == np.__version__
    assert [entry["case"] for entry in document["results"]] == ["mobius-f32-n8", "table-mobius-n16"]
    for entry in document["results"]:
        ours, *others = entry["series"]
        assert ours["figure"]["value"] == ours["median"] == statistics.median(ours["samples"]) > 0
        for other in others:
            figure, pairs = other["figure"], list(zip(ours["samples"], other["samples"], strict=False))
            if other["note"]:
                assert not pairs
                assert figure["value"] is None
                continue
            assert len(pairs) == 3
            quotients = [a / b if figure["quantity"] == "cost" else b / a for a, b in pairs]
            assert figure["value"] == pytest.approx(statistics.median(quotients))
            bound = {"at most": "cost", "at least": "speed"}[figure["bound"]]
            assert figure["quantity"] == bound
            assert figure["of"].startswith(ours["name"] if bound == "cost" else other["name"])


def test_markdown_run(capsys: pytest.CaptureFixture[str], kernel_settings: None) -> None:
    assert cli(bench, "walsh_hadamard-f64-n8", "--quick", "--repeats", "1", "--markdown") == 0
    assert "| walsh_hadamard-f64-n8 |" in capsys.readouterr().out


def test_bad_options(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="group: got mobius-f64-n7"):
        cli(bench, "mobius-f64-n7", "--list")
    with pytest.raises(ArgumentError, match="repeats: got 0"):
        cli(bench, "mobius-f64-n8", "--repeats", "0")
    with pytest.raises(ArgumentError, match=r"--json: got .*No such file"):
        cli(bench, "mobius-f64-n8", "--json", str(tmp_path / "missing" / "bench.json"))


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(info) == 0
    shown = capsys.readouterr().out
    for text in (str(hs.build_config()["compiler"]), hs.__version__, f"numpy {np.__version__}", "cmake dir"):
        assert text in shown
    assert cli(info, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["isas"] == hs.build_config()["isas"]
    assert facts["processors"] == len(os.sched_getaffinity(0))
    assert facts["cuda"] == hs.build_config()["cuda"]


@pytest.mark.parametrize(
    ("option", "file"), [("--include", "harsanyi/harsanyi.h"), ("--cmake-dir", "harsanyiConfig.cmake")]
)
def test_info_prints_one_folder(option: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(info, option) == 0
    assert (Path(capsys.readouterr().out.removesuffix("\n")) / file).is_file()


def test_a_machine_that_says_little(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "_CACHES", tmp_path)
    monkeypatch.setattr(machine, "_PACKAGES", ("numpy", "no-such-package-of-ours"))
    monkeypatch.setattr(machine.os, "sysconf", lambda name: int("", 10))
    assert cli(info) == 0
    shown = capsys.readouterr().out
    assert re.search(r"caches +unknown", shown)
    assert re.search(r"\nmemory +unknown", shown)
    assert "no-such-package-of-ours (not installed)" in shown


# ---- processes and suites ----


def test_children() -> None:
    assert children.run_child("print(1, 2.5)") == [1.0, 2.5]
    with pytest.raises(children.ChildError, match=r"(?s)status 1.*ZeroDivisionError"):
        children.run_child("1 / 0")
    megabytes = (
        children.peak_growth("import numpy; numpy.ones(10**7)", "x = numpy.ones(5 * 10**6); del x") / 1e6
    )
    assert 36 < megabytes < 44  # neither the setup's 80 MB nor nothing
    assert children.peak_growth("", "pass") < 2e6


def test_suites_run_every_series_once() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "bench",
        "-q",
        "--quick",
        "--benchmark-disable",
        "-p",
        "no:cacheprovider",
    ]
    selection = "mobius-f64-n8 or masking-tabular or batch-f32"
    done = subprocess.run([*command, "-k", selection], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = ["mobius-f64-n8", "masking-tabular-128", "batch-f32-n10"]
    series = [
        s for case in cases.select(names) for s in (case.ours, *case.rivals) if not timing.unavailable(s)
    ]
    assert f"{len(series)} passed" in done.stdout


def test_the_script_has_the_same_options() -> None:
    command = [sys.executable, str(ROOT / "bench" / "run.py"), "tables", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "table-mobius-n10 [tables] beside shapiq"
