"""Training runs with their pairs, injected noise, and the five findings on runs whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from harsanyi.analysis import decay, normal_phase_end, order_strength
from harsanyi.experiments import findings, runs
from harsanyi.experiments.checkpoints import Trajectory
from harsanyi.experiments.finding import Context, Finding, Measurement
from harsanyi.experiments.fit import Recipe
from harsanyi.experiments.networks import lenet
from harsanyi.experiments.pairs import ENDS, sparse_pairs
from harsanyi.experiments.runs import InjectionSettings, Run, RunSettings
from harsanyi.explanation import SparsePair
from harsanyi.games.attacks import fgsm
from harsanyi.games.evaluate import evaluate
from harsanyi.lattice import zeta
from harsanyi.subsets import orders

EPOCHS = (0, 1, 2, 4, 8, 16)
SETUP = replace(
    runs.QUICK[0], recipe=Recipe("lenet", epochs=2, batch_size=16), train=64, test=20, epochs=(0, 1)
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context[InjectionSettings]:
    settings = InjectionSettings(setups=(SETUP,), samples=2, sigma=(0.01, 0.02), radius=(0.05,))
    return Context(settings, (0,), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def small(context: Context[InjectionSettings]) -> Run:
    """Ten players are given, so few samples and checkpoints keep it short."""
    ((name, run),) = runs.followed(context)
    assert name == "lenet on mnist32"
    return run


# ---- following, and injecting noise ----


def test_a_run_holds_the_pairs_of_every_checkpoint(context: Context[Any], small: Run) -> None:
    assert small.epochs == (0, 1, 2)
    assert small.v.shape == (3, 2, 1024)
    path = small.subject.trajectory
    np.testing.assert_array_equal(small.train_loss, path.train_loss)
    gap = small.test_loss - small.train_loss
    assert small.phase_end == normal_phase_end(gap, share=0.1)
    x, y = small.samples.x[1], int(small.samples.y[1])
    expected = evaluate(small.subject.players.game(path.network(1), x, y))
    np.testing.assert_allclose(small.v[1, 1], np.asarray(expected))
    again = sparse_pairs(small.v[1], folder=context.cache)  # zeta is that of each checkpoint
    for end in ENDS:
        np.testing.assert_array_equal(small.at(end, 1).and_, again[end].and_)
        np.testing.assert_array_equal(small.at(end, 1).or_, again[end].or_)
    expected = order_strength(small.pairs[ENDS[0]], threshold=0.1).absolute[:, 1:2]
    np.testing.assert_array_equal(small.first_order(threshold=0.1), expected)


def test_noise_on_parameters_scales_one_draw_and_leaves_the_network_alone() -> None:
    torch.manual_seed(0)
    network = lenet()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    once, twice, other = (
        runs.perturbed(network, sigma, seed=seed) for sigma, seed in ((0.1, 3), (0.2, 3), (0.1, 4))
    )
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
        change = once.state_dict()[name] - tensor
        torch.testing.assert_close(twice.state_dict()[name] - tensor, 2 * change, rtol=0, atol=1e-6)
        assert not torch.equal(other.state_dict()[name] - tensor, change)
    assert not once.training
    counted = torch.nn.Sequential(torch.nn.BatchNorm1d(3))
    assert torch.equal(runs.perturbed(counted, 1.0, seed=0)[0].running_mean, torch.zeros(3))  # no parameter


def test_injected_noise_is_that_of_the_levels(context: Context[InjectionSettings], small: Run) -> None:
    network = small.subject.trajectory.network(small.epochs[small.phase_end])
    x, y = small.samples.x, small.samples.y
    attacked = fgsm(network, torch.from_numpy(x), radius=0.05, labels=y, maximise=True).numpy()
    cases: tuple[tuple[str, int, Any, Any], ...] = (
        ("parameters", 2, runs.perturbed(network, 0.01, seed=0), x),
        ("FGSM", 1, network, attacked),
    )
    for kind, levels, changed, inputs in cases:
        found = runs.inject(context, small, kind)
        v = [
            np.asarray(evaluate(small.subject.players.game(changed, one, int(label))))
            for one, label in zip(inputs, y, strict=True)
        ]
        expected = sparse_pairs(np.stack(v), folder=context.cache)
        for end in ENDS:
            assert found[end].and_.shape == (levels, 2, 1024)
            np.testing.assert_allclose(found[end].and_[0], expected[end].and_, atol=1e-6)
            np.testing.assert_allclose(found[end].or_[0], expected[end].or_, atol=1e-6)


# ---- the findings on planted runs ----


def planted(checkpoints: list[Any], gap: list[float]) -> Run:
    """A run with given AND interactions [samples, 2**n] at the epochs, the same at both ends."""
    and_ = np.stack(checkpoints)
    trajectory: Any = SimpleNamespace(test_accuracy=np.array(EPOCHS) / EPOCHS[-1])
    subject: Any = SimpleNamespace(epochs=EPOCHS, trajectory=trajectory)
    assert Trajectory.__dataclass_fields__.keys() >= vars(trajectory).keys()
    pairs = {end: SparsePair(and_, np.zeros_like(and_)) for end in ENDS}
    samples: Any = None
    test = np.array(gap)
    end = normal_phase_end(test, share=0.1)
    return Run(subject, samples, zeta(and_), pairs, np.zeros_like(test), test, end)


def spindles(seed: int) -> Any:
    """Equal noise on every interaction: by order its strength is binomial."""
    return np.random.default_rng(seed).normal(size=(20, 256)) * (orders(8) > 0)


def converged() -> Any:
    """Large low orders, and high ones that cancel."""
    return spindles(9) * 4.0 * 0.6 ** orders(8)


def measure(
    monkeypatch: pytest.MonkeyPatch, name: str, run: Run, noisy: Callable[[float], Any] | None = None
) -> tuple[Finding[Any], Measurement]:
    def followed(context: Context[Any]) -> Iterator[tuple[str, Run]]:
        yield "planted", run

    def inject(context: Context[Any], run: Run, kind: str) -> dict[str, SparsePair]:
        assert noisy is not None
        and_ = np.stack([noisy(level) for level in context.settings.levels(kind)])
        return {end: SparsePair(and_, np.zeros_like(and_)) for end in ENDS}

    monkeypatch.setattr(runs, "followed", followed)
    monkeypatch.setattr(runs, "inject", inject)
    finding = findings.load(name)
    settings = replace(finding.sizes["quick"], setups=(SETUP,))
    found = finding.run(Context(settings, (0,), Path("unused")))
    assert finding.verdict(found) in (True, False)  # what is declared is measured
    return finding, found


def first(found: Measurement, statistic: str) -> float:
    return float(next(iter(found.statistics[statistic].values()))[0])


GAP = [0.0, 0.0, 0.0, 0.5, 0.8, 1.0]


def dynamics() -> list[Any]:
    """Spindles that vanish, then the converged interactions under less and less uncertainty."""
    final = converged()
    return [0.3 * spindles(0), 0.1 * spindles(1), *decay(final, [1e-2, 1e-3, 1e-4]), final]


def test_two_phases_are_found_where_they_are_and_not_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    finding, found = measure(monkeypatch, "two-phase", planted(dynamics(), GAP))
    assert finding.verdict(found)
    assert first(found, "gap") == 1
    assert first(found, "together") == pytest.approx(1)
    halves = [*dynamics()[2::-1], *dynamics()[:2:-1]]  # each half backwards
    finding, found = measure(monkeypatch, "two-phase", planted(halves, GAP))
    assert not finding.verdict(found)
    assert first(found, "fall") > 0
    assert first(found, "together") < 1


def test_decay_predicts_decay_and_not_a_spindle(monkeypatch: pytest.MonkeyPatch) -> None:
    finding, found = measure(monkeypatch, "decay-prediction", planted(dynamics(), GAP))
    assert finding.verdict(found)
    assert first(found, "error") < 1e-4
    assert first(found, "falling") == pytest.approx(-1)
    assert first(found, "identified") == 1
    assert first(found, "undecayed") > 0.1
    run = [*dynamics()[:2], *(spindles(k) for k in (2, 3, 4)), converged()]
    finding, found = measure(monkeypatch, "decay-prediction", planted(run, GAP))
    assert not finding.verdict(found)
    assert first(found, "error") > 0.2


def test_the_parts_of_a_planted_training_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    finding, found = measure(monkeypatch, "training-parts", planted(dynamics(), GAP))
    assert first(found, "early_spindle") < 0 < first(found, "early_decay")
    assert abs(first(found, "late_spindle")) < 1e-3  # no spindle comes back, and none is found
    assert not finding.verdict(found)
    again = dynamics()
    for k in (3, 4):  # disjoint from the decay part, so that strengths add up
        apart = np.concatenate([again[k], np.zeros_like(again[k])])
        again[k] = apart + np.concatenate([np.zeros_like(again[0]), 3.0 * spindles(k)])
    again = [np.concatenate([x, x]) if len(x) == 20 else 2 * x for x in again]
    finding, found = measure(monkeypatch, "training-parts", planted(again, GAP))
    assert first(found, "late_spindle") > 0
    assert finding.verdict(found)


def test_noise_on_interactions_is_a_spindle_and_a_change_of_low_orders_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = planted(dynamics(), GAP)
    clean = run.at(ENDS[0], run.phase_end).and_
    finding, found = measure(monkeypatch, "spindle", run, lambda level: clean + level * spindles(5))
    assert finding.verdict(found)
    assert first(found, "peak_order") == 4
    assert first(found, "ambiguity") == 0
    assert first(found, "alpha") == pytest.approx(1, abs=0.1)
    low = spindles(5) * (orders(8) == 1)
    finding, found = measure(monkeypatch, "spindle", run, lambda level: clean + level * low)
    assert not finding.verdict(found)
    assert first(found, "peak_order") == 1


def test_the_part_that_grows_is_the_one_that_is_injected(monkeypatch: pytest.MonkeyPatch) -> None:
    final = converged()
    run = planted([np.concatenate([x, 0 * x]) for x in dynamics()], GAP)
    clean = decay(final, 1e-2)

    def more_spindle(level: float) -> Any:
        return np.concatenate([clean, 20 * level * spindles(5)])  # in samples of its own: strengths add up

    finding, found = measure(monkeypatch, "disentangle", run, more_spindle)
    assert finding.verdict(found)
    assert first(found, "decay_share") < 0.1
    assert first(found, "spindle_growth") == pytest.approx(1)

    def more_decay(level: float) -> Any:
        return np.concatenate([(1 + 20 * level) * clean, 0 * clean])

    finding, found = measure(monkeypatch, "disentangle", run, more_decay)
    assert not finding.verdict(found)
    assert first(found, "decay_share") > 0.9
    assert first(found, "decay_change") > 0.5


@pytest.mark.parametrize("name", ["two-phase", "training-parts", "decay-prediction"])
def test_a_gap_that_is_open_from_the_start_is_survived(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """No normal learning phase, or nothing after it: statistics may be NaN, the figure is drawn."""
    for gap in ([1.0] * 6, [0.0] * 6):
        finding, found = measure(monkeypatch, name, planted(dynamics(), gap))
        renamed = {key.replace("planted", SETUP.name): rows for key, rows in found.arrays.items()}
        settings: RunSettings = replace(finding.sizes["quick"], setups=(SETUP,))
        figure = finding.draw(Measurement(found.statistics, renamed), settings)
        assert len(figure.axes) == 5
        assert not finding.verdict(found)


def test_a_checkpoint_schedule_lies_inside_the_training() -> None:
    for setup in (*runs.QUICK, *runs.DEFAULT, *runs.FULL):
        assert setup.epochs[0] == 0
        assert max(setup.epochs) <= setup.recipe.epochs
        assert setup.label_noise > 0
