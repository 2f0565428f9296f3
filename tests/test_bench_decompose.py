"""Benchmarks of the decomposition: solvers that solve, gaps that bound, tables and a picture that tell it."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi.bench import cases, decompose_cases, gap_figure, peers, report, solvers, timing
from harsanyi.bench.games import SOURCES
from harsanyi.bench.gap_figure import Curve, Panel
from harsanyi.bench.solvers import Problem
from harsanyi.bench.timing import Settings
from harsanyi.cli import bench
from harsanyi.errors import ArgumentError, MissingDependencyError
from harsanyi.experiments import cache, data, fit
from harsanyi.plot import _style

torch.set_num_threads(1)
Array = Any
FAST = Settings(repeats=2, sample_seconds=1e-5, series_seconds=0.1, slow=True)
SOLVERS = {
    "decompose": solvers.ours,
    "first_order": solvers.descent,
    "dense matrices": solvers.dense,
    "HiGHS": solvers.program,
}


@pytest.fixture
def short_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARSANYI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setitem(fit.RECIPES, "mnist", fit.Recipe("lenet", epochs=1))
    monkeypatch.setitem(fit.RECIPES, "breast-cancer", fit.Recipe("mlp", epochs=2))


def explained(and_: Array, or_: Array) -> Array:
    """What a pair adds to the output of the empty set, subset by subset."""
    sets = range(1, len(and_))
    return np.array(
        [
            sum(and_[s] for s in sets if s & ~t == 0) + sum(or_[s] for s in sets if s & t)
            for t in range(len(and_))
        ]
    )


def random_problem(n: int, noise: float, steps: int = 200) -> Problem:
    return Problem(np.random.default_rng(n).normal(size=1 << n) + 5, noise, steps)


def cli(*args: str) -> int:
    parser = argparse.ArgumentParser()
    bench.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["bench", *args])
    return int(parsed.run(parsed))


# ---- solvers ----


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_every_solver_explains_the_game_within_the_box(noise: float) -> None:
    problem = random_problem(4, noise)
    v, box = problem.v, noise * abs(problem.v[-1] - problem.v[0])
    for name, solver in SOLVERS.items():
        assert solvers.timed(problem, name, solver)() > 0
        and_, or_, delta = problem.pairs[name]
        rest = (v - delta) - (v[0] - delta[0])
        np.testing.assert_allclose(explained(and_, or_), rest, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(problem.pairs[name].output(), v - v[0], atol=1e-12)
        assert np.abs(delta).max() <= box * (1 + 1e-6) + 1e-300, name
        assert delta.any() == bool(noise), name
        l1 = sum(abs(x) for x in (*and_[1:], *or_[1:]))
        assert problem.pairs[name].l1 == pytest.approx(l1)
        assert l1 >= problem.bound * (1 - 1e-6)
    assert list(problem.details["found"]) == list(SOLVERS)
    found = problem.details["found"]
    assert found["HiGHS"]["gap"] <= 2e-5
    assert found["decompose"]["gap"] <= 1e-3
    assert found["HiGHS"]["l1"] <= found["first_order"]["l1"]
    assert found["first_order"]["gap"] == pytest.approx(1 - problem.bound / found["first_order"]["l1"])


@pytest.mark.parametrize("zeta", [0.0, 0.1])
def test_dense_matrices_take_the_steps_of_first_order(zeta: float) -> None:
    v = np.random.default_rng(0).normal(size=16)
    gamma, delta = peers.dense_first_order(v, zeta, steps=60, lr=1e-3)()
    run = hs.first_order(v, steps=60, lr=1e-3, zeta=zeta)
    np.testing.assert_allclose(gamma, run.gamma, atol=1e-5)  # it computes in float32
    np.testing.assert_allclose(delta, run.delta, atol=1e-5)
    assert np.abs(gamma).max() > 1e-2


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_highs_finds_planted_interactions_at_every_scale(scale: float) -> None:
    a, o = np.zeros((2, 16))
    a[[3, 13]], o[[6, 12]] = [2.0, -3.0], [1.5, 4.0]
    and_, or_, delta = peers.highs(scale * (explained(a, o) - 7), 0.0)()
    np.testing.assert_allclose(and_, scale * a, atol=1e-9 * scale)
    np.testing.assert_allclose(or_, scale * o, atol=1e-9 * scale)
    assert not delta.any()


def test_a_constant_game_has_gap_zero() -> None:
    problem = Problem(np.full(8, 3.0), 0.02, 5)
    for name, solver in SOLVERS.items():
        solvers.timed(problem, name, solver)()
        assert problem.gap(name) == 0


def test_the_learning_rate_is_the_best_of_those_tried() -> None:
    problem = random_problem(5, 0.0, steps=100)
    final = {}
    for factor in (0.0003, 0.001, 0.003, 0.01):
        lr = factor * float(np.abs(problem.v - problem.v[0]).mean()) / 32
        final[lr] = float(hs.first_order(problem.v, steps=100, lr=lr, noise=0).l1)
    assert problem.lr == pytest.approx(min(final, key=final.__getitem__))
    assert problem.details["lr"] == problem.lr
    assert random_problem(5, 0.0).details["lr"] is None  # nobody asked for it


def test_a_batch_has_the_mean_norm_and_the_largest_gap() -> None:
    problem = Problem(np.random.default_rng(1).normal(size=(3, 16)), 0.02, 30)
    for name in ("decompose", "first_order"):
        solvers.timed(problem, name, SOLVERS[name])()
    l1 = problem.pairs["first_order"].l1
    assert l1.shape == (3,)
    found = problem.details["found"]
    assert found["first_order"]["l1"] == pytest.approx(l1.mean())
    assert found["first_order"]["gap"] == pytest.approx(max(1 - problem.bound / l1))
    assert found["decompose"]["gap"] == hs.decompose(problem.v).gap.max()


@pytest.mark.parametrize(("seconds", "calls"), [(1e-3, 9), (5e-3, 4), (1.0, 1)])
def test_short_solves_are_timed_several_times(
    seconds: float, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, done = count(), count()
    monkeypatch.setattr(solvers, "perf_counter", lambda: seconds * next(clock))

    def solver(problem: Problem) -> solvers.Prepared:
        pair = solvers.Pair(problem.v, problem.v, problem.v)
        return lambda: next(done), lambda _: pair

    assert solvers.timed(Problem(np.zeros(4), 0.0, 1), "solver", solver)() == pytest.approx(seconds)
    assert next(done) == calls


def test_transforms_are_counted_one_for_each_game(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()
    monkeypatch.setattr(solvers, "perf_counter", lambda: float(next(clock)))  # every measurement takes 1 s
    one, five = np.ones(1 << 10), np.ones((5, 1 << 16))
    assert solvers.transforms(Problem(one, 0.0, 1))() == 1 / 32  # 32 of them fit the cache
    assert solvers.transforms(Problem(five, 0.0, 1))() == 5.0


# ---- games ----


def test_planted_games_are_seeded_and_sparse_but_for_a_little_noise() -> None:
    v = SOURCES["planted"].games(8, 3)
    assert v.shape == (3, 256)
    assert (v == SOURCES["planted"].games(8, 3)).all()
    assert (v[:2] == SOURCES["planted"].games(8, 2)).all()
    for row in v:
        found = hs.decompose(row, noise=0.05)
        size = np.sort(np.abs(np.concatenate([found.and_[1:], found.or_[1:]])))[::-1]
        assert size[:16].sum() > 0.8 * size.sum()  # 8 AND and 8 OR
        assert np.abs(hs.mobius(row)[1:]).sum() > 2 * size.sum()  # and neither kind alone would do


def test_games_of_the_networks_are_their_log_odds_on_masked_samples(short_training: None) -> None:
    n, dataset = 3, data.breast_cancer()
    v = SOURCES["tumours"].games(n, 570)
    network = cache.cached_fit(fit.RECIPES["breast-cancer"], dataset).network
    for index, sample, first in ((0, dataset.x_test[0], 0), (569, dataset.x_test[0], 3)):
        with torch.inference_mode():
            target = int(network(torch.from_numpy(sample)[None]).argmax())
            for subset in range(1 << n):
                masked = sample.copy()
                masked[[first + i for i in range(n) if not subset >> i & 1]] = 0
                z = network(torch.from_numpy(masked)[None])[0]
                assert v[index, subset] == pytest.approx(float(z[target] - z[1 - target]), abs=1e-4)
    digits = SOURCES["digits"].games(4, 2)
    assert digits.shape == (2, 16)
    network = cache.cached_fit(fit.RECIPES["mnist"], data.mnist()).network
    image = torch.from_numpy(data.mnist().x_test[1])[None].clone()
    with torch.inference_mode():
        target = int(network(image).argmax())
        image[..., 7:21, 7:21] = 0  # the four patches in the middle
        z = network(image)[0].double()
    others = torch.cat([z[:target], z[target + 1 :]]).logsumexp(0)
    assert digits[1, 0] == pytest.approx(float(z[target] - others), abs=1e-4)


# ---- cases ----


def test_table() -> None:
    table = {case.name: case for case in cases.select(["decompose"])}
    sizes = range(6, 21, 2)
    for source in ("planted", "tumours"):
        for noise in ("", "-noise"):
            assert all(f"{source}{noise}-n{n}" in table for n in sizes)
    for case in table.values():
        rivals = {series.name: series for series in case.rivals}
        assert {"mobius", "first_order, 10,000 steps"} <= set(rivals)
        assert ({"HiGHS", "dense matrices, 10,000 steps"} <= set(rivals)) == (
            case.n <= 10 and "-x" not in case.name
        )
    targets = {name: case.rivals[0].target for name, case in table.items() if case.rivals[0].target}
    assert targets["tumours-n10"] == targets["digits-n16"] == 6000
    assert targets["tumours-noise-n10"] == targets["digits-noise-n16"] == 25000
    assert not any(name.startswith("planted") for name in targets)
    assert table["tumours-x1000-noise-n10"].ours.target == 15
    quick = decompose_cases.table(quick=True)
    assert max(case.n for case in quick) <= 10
    assert any("-x" in case.name for case in quick)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_every_series_solves_its_problem(noise: float, short_training: None, kernel_settings: None) -> None:
    case = decompose_cases.single("planted", 6, noise=noise, steps=40)
    names = ["decompose", "mobius", "first_order, 40 steps", "dense matrices, 40 steps", "HiGHS"]
    assert timing.check(case) == names
    many = decompose_cases.batch("tumours", 6, noise=noise, steps=40, count=3)
    assert timing.check(many) == [s.name for s in (many.ours, *many.rivals) if not timing.unavailable(s)]


def test_check_finds_a_solver_that_cheats(monkeypatch: pytest.MonkeyPatch) -> None:
    def cheat(problem: Problem) -> solvers.Prepared:
        nothing = solvers.Pair(*np.zeros((3, *problem.v.shape)))
        return lambda: None, lambda found: nothing

    monkeypatch.setattr(decompose_cases, "ours", cheat)
    with pytest.raises(AssertionError, match="planted-n6, decompose"):
        timing.check(decompose_cases.single("planted", 6, noise=0.0, steps=5))


def test_reports_show_time_norm_and_gap(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kernel_settings: None
) -> None:
    result = timing.measure(decompose_cases.single("planted", 6, noise=0.02, steps=40), FAST)
    found = result.details["found"]
    assert set(found) == {"decompose", "first_order, 40 steps", "dense matrices, 40 steps", "HiGHS"}
    assert found["first_order, 40 steps"]["gap"] > found["decompose"]["gap"]
    assert result.details["noise"] == 0.02
    line = next(
        line for line in report.markdown([result]).splitlines() if line.startswith("| planted-noise-n6")
    )
    cells = [cell.strip() for cell in line.split("|")][2:-1]
    number = r"[\d.e+-]+"
    assert re.fullmatch(rf"{number} [um]?s, l1 {number}, gap {number}", cells[0])
    assert re.fullmatch(r"[\d,.]+ x the time", cells[1])
    for cell in cells[2:]:
        assert re.fullmatch(rf"[\d,.]+ x the speed: {number} [um]?s, l1 {number}, gap {number}", cell)
    assert f"gap {found['HiGHS']['gap']:.2g}" in cells[4]
    monkeypatch.setenv("COLUMNS", "200")
    report.print_table([result])
    shown = capsys.readouterr().out
    assert re.search(rf"decompose: {number} [um]?s, l1 {number}, gap {number}", shown)
    assert "rate" not in shown  # an empty column is left out
    (entry,) = report.document([result], FAST, [])["results"]
    assert entry["details"]["found"] == json.loads(json.dumps(found))


# ---- the picture ----


def test_curves_come_down_to_the_certificate(monkeypatch: pytest.MonkeyPatch, kernel_settings: None) -> None:
    panel = gap_figure.panel("planted", 4, noise=0.02, steps=300)
    assert panel.title == "planted game, n = 4, noise term up to 2% of the output"
    curves = {curve.solver: curve for curve in panel.curves}
    assert list(curves) == list(gap_figure.SOLVERS)
    asked = [10.0**-k for k in (1, 1.5, 2, 2.5, 3, 3.5, 4)]
    assert all(gap <= least for gap, least in zip(curves["decompose"].gap, asked, strict=True))
    steps = curves["first_order"]
    assert len(steps.gap) == len(steps.seconds) == 299
    assert list(steps.seconds) == sorted(steps.seconds)
    assert steps.gap[-1] < steps.gap[0]
    problem = Problem(SOURCES["planted"].games(4, 1)[0], 0.02, 300)
    run = hs.first_order(problem.v, steps=300, lr=problem.lr)
    np.testing.assert_allclose(steps.gap, np.maximum(1 - problem.bound / run.objective[1:], 1e-7), rtol=1e-12)
    assert curves["HiGHS"].gap[0] <= 2e-5
    assert all(x > 0 for curve in panel.curves for x in (*curve.seconds, *curve.gap))
    monkeypatch.setattr(gap_figure, "find_spec", lambda name: None)
    panel = gap_figure.panel("planted", 3, noise=0.0, steps=5)
    assert [curve.solver for curve in panel.curves] == ["decompose", "first_order"]


def panels(count: int) -> list[Panel]:
    curves = (Curve("decompose", (1e-3, 2e-3), (0.1, 0.01)), Curve("HiGHS", (1.0,), (1e-6,)))
    return [Panel(f"game {k}", curves, steps=1000) for k in range(count)]


@pytest.mark.parametrize("number", [1, 2, 4])
def test_figure(number: int) -> None:
    figure = gap_figure.draw(panels(number))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [f"game {k}" for k in range(number)]
    for axes in figure.axes:
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        drawn = {line.get_label(): (line.get_xdata(), line.get_ydata()) for line in axes.lines}
        assert list(drawn) == ["decompose", "HiGHS"]
        np.testing.assert_array_equal(drawn["decompose"], [(1e-3, 2e-3), (0.1, 0.01)])
        for low, high, values in ((*axes.get_xlim(), (1e-3, 1.0)), (*axes.get_ylim(), (1e-6, 0.1))):
            assert low < values[0] < values[1] < high
    assert any("matrices: 1,000 steps" in text.get_text() for text in figure.texts)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["decompose", "HiGHS"]


def test_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kernel_settings: None
) -> None:
    quick = []

    def measure(**options: Any) -> list[Panel]:
        quick.append(options)
        return panels(2)

    monkeypatch.setattr(gap_figure, "measure", measure)
    document, picture = tmp_path / "bench.json", tmp_path / "gap.svg"
    options = ["--quick", "--repeats", "1", "--json", str(document), "--figure", str(picture), "--markdown"]
    assert cli("planted-n10", *options) == 0
    assert quick == [{"quick": True}]
    assert "| planted-n10 |" in capsys.readouterr().out
    written = json.loads(document.read_text())
    assert written["gap_against_time"] == json.loads(json.dumps([asdict(panel) for panel in panels(2)]))
    assert "<svg" in picture.read_text()


def test_measure_draws_four_games(monkeypatch: pytest.MonkeyPatch, kernel_settings: None) -> None:
    asked = []

    def panel(source: str, n: int, **options: Any) -> Panel:
        asked.append((source, n, options["noise"], options["steps"]))
        return panels(1)[0]

    monkeypatch.setattr(gap_figure, "panel", panel)
    hs.set_num_threads(2)
    assert len(gap_figure.measure(quick=True)) == len(gap_figure.measure()) == 4
    assert set(asked) == {
        (source, n, noise, steps)
        for source in ("planted", "tumours")
        for n, steps in ((6, 500), (10, 10_000))
        for noise in (0.0, 0.02)
    }
    assert hs.get_num_threads() == 2


def test_bad_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = str(tmp_path / "gap.png")
    with pytest.raises(ArgumentError, match=r"--figure: got .*gap.png.* without the group decompose"):
        cli("tables", "--quick", "--figure", picture)
    with pytest.raises(ArgumentError, match=r"--figure: got .*No such file"):
        cli("decompose", "--quick", "--figure", str(tmp_path / "missing" / "gap.png"))
    with pytest.raises(ArgumentError, match=r"--figure: got .*gap.words.* not supported"):
        cli("decompose", "--quick", "--figure", str(tmp_path / "gap.words"))

    def refuse(width: float, height: float) -> None:
        raise MissingDependencyError("figures need matplotlib")

    monkeypatch.setattr(_style, "new_figure", refuse)
    with pytest.raises(MissingDependencyError, match="matplotlib"):
        cli("decompose", "--quick", "--figure", picture)
