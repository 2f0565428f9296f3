"""The findings on generalisation, on planted games whose answer is known: they hold, and they do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harsanyi import orders, zeta
from harsanyi.experiments import findings
from harsanyi.experiments.finding import Context, Measurement, Samples, Setup, Subject
from harsanyi.experiments.findings import inconsistency
from harsanyi.experiments.fit import Recipe

TUMOURS = Setup("breast-cancer", Recipe("mlp", epochs=1))
N = 10
ORDER = orders(N)
Games = Callable[[Subject, Samples], Any]


class Planted(Context[Any]):
    """A context whose networks are real and whose games are not."""

    games: Games

    def values(self, subject: Subject, samples: Samples, *, epochs: Sequence[int] | None = None) -> Any:
        v = self.games(subject, samples)
        assert v.shape == (len(samples.y), 1 << N)
        return v


def measured(name: str, games: Games, folder: Path, **settings: Any) -> tuple[bool, Measurement]:
    finding = findings.load(name)
    planted = Planted(replace(finding.sizes["quick"], setups=(TUMOURS,), **settings), (0,), folder)
    object.__setattr__(planted, "games", games)
    measurement = finding.run(planted)
    return finding.verdict(measurement), measurement


def statistic(measurement: Measurement, name: str) -> list[float]:
    return [value for values in measurement.statistics[name].values() for value in values]


def with_noise(strength: Any, seed: int = 0) -> Games:
    """Interactions of 1, and Gaussian noise on them, anew at each call, as strong as said for each order."""
    generator = np.random.default_rng(seed)

    def games(subject: Subject, samples: Samples) -> Any:
        noise = generator.standard_normal((len(samples.y), 1 << N))
        return zeta(1.0 + np.asarray(strength)[ORDER] * noise)

    return games


@pytest.mark.parametrize(("rising", "holds"), [(True, True), (False, False)])
def test_jaccard_follows_the_noise_of_the_orders(rising: bool, holds: bool, tmp_path: Path) -> None:
    noise = np.geomspace(0.05, 5, N + 1)
    games = with_noise(noise if rising else noise[::-1])
    verdict, found = measured("jaccard", games, tmp_path, samples=60)
    assert verdict is holds
    (rank,) = statistic(found, "rank")
    assert rank < -0.8 if rising else rank > 0.8
    # No game here knows train from test: two sets of training samples are as unlike.
    (within,) = statistic(found, "within_train")
    assert within == pytest.approx(rank, abs=0.3)


def test_jaccard_compares_disjoint_sets_with_equally_many_of_each_class(tmp_path: Path) -> None:
    seen: list[Samples] = []

    def games(subject: Subject, samples: Samples) -> Any:
        seen.append(samples)
        return np.tile(ORDER * 1.0, (len(samples.y), 1))

    _, found = measured("jaccard", games, tmp_path, samples=12)
    train, other, test = seen
    assert not set(train.index) & set(other.index)
    for one in seen:
        assert np.bincount(one.y).tolist() == [6, 6]
    subject = Context(findings.load("jaccard").sizes["quick"], (0,), tmp_path).train(TUMOURS, 0)
    np.testing.assert_array_equal(test.x, subject.dataset.x_test[test.index])
    np.testing.assert_array_equal(other.y, subject.dataset.y_train[other.index])
    assert found.arrays[TUMOURS.name][0, :, 0].tolist() == [1, 1]  # order 1 is the same everywhere


@pytest.mark.parametrize(("rising", "holds"), [(True, True), (False, False)])
def test_inconsistency_counts_planted_sign_changes(rising: bool, holds: bool, tmp_path: Path) -> None:
    first: list[Samples] = []
    share = np.linspace(0, 1, N + 1) if rising else np.linspace(1, 0, N + 1)

    def games(subject: Subject, samples: Samples) -> Any:
        if not first:
            first.append(samples)
            return zeta(np.ones((len(samples.y), 1 << N)))
        turned = np.random.default_rng(0).random((len(samples.y), 1 << N)) < share[ORDER]
        return zeta(np.where(turned, -1.0, 1.0))

    verdict, found = measured("inconsistency", games, tmp_path, samples=30)
    assert verdict is holds
    for ((ratio, salient),) in found.arrays.values():
        np.testing.assert_allclose(ratio, share[1:], atol=0.15)
        assert salient.tolist() == [30 * math.comb(N, order) for order in range(1, N + 1)]


def test_inconsistency_attacks_within_the_ball_and_lowers_the_log_odds(tmp_path: Path) -> None:
    context = Context(findings.load("inconsistency").sizes["quick"], (0,), tmp_path)
    subject = context.train(TUMOURS, 0)
    samples = subject.samples("test", 20)
    attack = inconsistency.Attack(radius=0.3, step_size=0.05, steps=10)
    attacked = inconsistency._attacked(subject, samples, attack)
    assert 0.29 < np.abs(attacked.x - samples.x).max() < 0.3 + 1e-6
    before, after = (context.values(subject, one)[:, -1] for one in (samples, attacked))
    assert (after < before).all()
    again = inconsistency._attacked(subject, samples, attack)
    np.testing.assert_array_equal(attacked.x, again.x)


@pytest.mark.parametrize(
    ("growth", "holds"), [(3.0, True), (1.0, False), (0.5, False)], ids=["grows", "flat", "falls"]
)
def test_variance_recovers_a_planted_growth(growth: float, holds: bool, tmp_path: Path) -> None:
    games = with_noise(growth ** (np.arange(N + 1) / 2))
    verdict, found = measured("variance", games, tmp_path, samples=4, draws=50)
    assert statistic(found, "slope") == pytest.approx([math.log(growth)], abs=0.1)
    assert statistic(found, "excess") == pytest.approx([math.log(growth / 2)], abs=0.1)
    assert verdict is holds
    assert (statistic(found, "r_squared")[0] > 0.95) is (growth != 1)


def test_white_noise_on_the_output_is_the_null_line_of_the_variance(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    _, found = measured(
        "variance",
        lambda subject, samples: generator.standard_normal((len(samples.y), 1 << N)),
        tmp_path,
        samples=4,
        draws=200,
    )
    assert statistic(found, "excess") == pytest.approx([0.0], abs=0.05)
    variance, null = found.arrays[TUMOURS.name][0]
    np.testing.assert_allclose(null, 2.0 ** np.arange(1, N + 1), rtol=0.02)
    np.testing.assert_allclose(variance[:-1], null[:-1], rtol=0.1)


@pytest.mark.parametrize(
    ("power", "holds", "valid"),
    [(1.0, True, N), (2.0, False, N + N * (N - 1) // 2), (0.25, False, None)],
    ids=["linear", "square", "root"],
)
def test_sparsity_bound_recovers_a_planted_exponent(
    power: float, holds: bool, valid: int | None, tmp_path: Path
) -> None:
    verdict, found = measured(
        "sparsity-bound",
        lambda subject, samples: np.tile(3.0 + ORDER**power, (len(samples.y), 1)),
        tmp_path,
    )
    assert verdict is holds
    assert statistic(found, "exponent") == pytest.approx([power])
    assert statistic(found, "monotone") == [1.0]
    assert statistic(found, "finite") == [1.0]
    if valid is not None:  # |S| has n interactions of 1, its square also n (n - 1) / 2 of 2
        assert statistic(found, "count") == [valid]
        assert statistic(found, "highest_order") == [power]
        total = N if power == 1 else N + N * (N - 1)
        threshold = 0.05 * power
        assert statistic(found, "bound") == pytest.approx([total / threshold])


def test_sparsity_bound_does_not_hold_where_no_exponent_serves(tmp_path: Path) -> None:
    verdict, found = measured(
        "sparsity-bound", lambda subject, samples: np.tile(-1.0 * ORDER, (len(samples.y), 1)), tmp_path
    )
    assert not verdict
    assert statistic(found, "finite") == statistic(found, "near_one") == statistic(found, "monotone") == [0.0]
    assert np.isnan(statistic(found, "exponent")).all()
    finding = findings.load("sparsity-bound")
    figure = finding.draw(found, replace(finding.sizes["quick"], setups=(TUMOURS,)))
    assert [axes.get_title(loc="left") for axes in figure.axes][-1] == "Exponent p of each sample"
