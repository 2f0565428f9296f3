"""What the findings on the bottleneck are made of: data, players, training, draws, statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from harsanyi.errors import ArgumentError
from harsanyi.experiments import data, measures, orders
from harsanyi.experiments._photographs import cut_photographs
from harsanyi.experiments.finding import Context, Setup, Subject
from harsanyi.experiments.findings import (
    bottleneck,
    bottleneck_theory,
    bottleneck_training,
    instability,
    order_losses,
    order_robustness,
)
from harsanyi.experiments.fit import Recipe, fit, initial_network
from harsanyi.experiments.grid import cut
from harsanyi.experiments.orders import Interactions, OrderSettings, ends, interactions, sampled
from harsanyi.training import RECIPES, order_loss
from reference_bottleneck import multi_order as slow_multi_order
from sklearn.metrics import r2_score

TUMOURS = Setup("breast-cancer", Recipe("mlp", epochs=2), epochs=(0,))
DIGITS = Setup("mnist32", Recipe("lenet", epochs=1), train=200, test=100)


def context(folder: Path, **told: Any) -> Context[OrderSettings]:
    settings = OrderSettings(samples=2, table_samples=3, pairs=4, contexts=3, **told)
    return Context(settings, (0,), folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def digits(folder: Path) -> Subject:
    return context(folder).train(DIGITS, 0)


# ---- photographs ----


def test_a_crop_is_labelled_by_its_place_and_no_pixel_is_in_both_parts() -> None:
    rows, columns = np.indices((150, 200))
    # A pixel's colour tells where it is: which photograph, which row, which column.
    made = [np.stack((np.full_like(rows, p), rows, columns), axis=-1).astype(np.uint8) for p in (0, 1)]
    parts = cut_photographs(made, seed=3)
    pixels = []
    for x, y in parts:
        at = np.rint(x * 255).astype(int)
        photograph, row, column = at[:, 0], at[:, 1], at[:, 2]
        assert (photograph == photograph[:, :1, :1]).all()
        assert (row == row[:, :1, :1] + np.arange(32)[:, None]).all()
        assert (column == column[:, :1, :1] + np.arange(32)).all()
        np.testing.assert_array_equal(y, 3 * photograph[:, 0, 0] + row[:, 0, 0] // 47)
        pixels.append(set(zip(photograph.ravel(), row.ravel(), column.ravel(), strict=True)))
    assert pixels[0].isdisjoint(pixels[1])
    assert [len(x) for x, _ in parts] == [2 * 3 * 3 * 16, 2 * 3 * 1 * 16]


def test_the_photographs_are_balanced_colour_images() -> None:
    crops = data.load("photographs")
    for x, y in ((crops.x_train, crops.y_train), (crops.x_test, crops.y_test)):
        assert x.shape[1:] == (3, 32, 32)
        assert x.dtype == np.float32
        assert 0 <= x.min() < 0.1 < 0.9 < x.max() <= 1
        assert len(set(np.bincount(y, minlength=6).tolist())) == 1
    assert crops.class_names[0] == "china, top"
    assert crops.class_names[5] == "flower, bottom"


# ---- players ----


def test_an_images_players_are_its_patches_and_its_baseline_the_mean_colour() -> None:
    crops = data.take(data.photographs(), train=50, test=20)
    players = cut(crops)
    assert players.n == 256
    for channel in range(3):
        np.testing.assert_allclose(players.baseline[channel], crops.x_train[:, channel].mean(), rtol=1e-5)
    assert players.positions is not None
    for row, column in ((0, 0), (5, 30), (31, 31)):
        player = players.player[1, row, column]
        assert players.positions[player].tolist() == [row // 2, column // 2]
    network = initial_network(Recipe("lenet", epochs=1), crops)
    masking = players.game(network, crops.x_test[0], 1).masking
    batch = masking.batch(np.zeros((1, 256), np.uint8))
    np.testing.assert_array_equal(batch[0], players.baseline)


def test_a_tables_players_are_its_groups_of_columns() -> None:
    tumours = data.breast_cancer()
    players = cut(tumours)
    assert players.positions is None
    assert not players.baseline.any()
    for i, columns in enumerate(tumours.groups):
        assert (players.player[list(columns)] == i).all()


# ---- training ----


def test_a_recipe_with_orders_adds_their_losses() -> None:
    tumours = data.take(data.breast_cancer(), train=40)
    recipe = Recipe("mlp", epochs=3, batch_size=40, schedule="constant", orders=RECIPES["robustness"])
    network = initial_network(recipe, tumours)
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    generator, sets = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    x, y, players = torch.from_numpy(tumours.x_train), torch.from_numpy(tumours.y_train), cut(tumours)
    for _ in range(3):
        batch = torch.randperm(40, generator=generator)
        loss = torch.nn.functional.cross_entropy(network(x[batch]), y[batch])
        loss = loss + order_loss(
            network, x[batch], y[batch], RECIPES["robustness"], player=players.player, generator=sets
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    trained = fit(recipe, tumours).network
    for ours, theirs in zip(trained.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    other = fit(replace(recipe, orders=None), tumours).network
    assert not torch.equal(trained[0].weight, other[0].weight)


# ---- draws ----


def test_a_tables_interactions_are_exact_at_every_epoch(folder: Path) -> None:
    told = context(folder)
    subject = told.train(TUMOURS, 0)
    for epoch in (0, None):
        found = interactions(told, subject, epoch=epoch)
        samples = orders.well_classified(subject, 3)
        v = told.values(subject, samples, epochs=[2 if epoch is None else epoch])[0]
        expected = slow_multi_order(v[1])[np.triu_indices(10, 1)]
        np.testing.assert_allclose(found.mean[1], expected, atol=1e-10)
        assert not found.standard_error.any()
        assert found.strength.mean() == pytest.approx(1)
        assert not found.floor.any()


def test_analysed_samples_are_well_classified(digits: Subject) -> None:
    samples = orders.well_classified(digits, 20)
    with torch.inference_mode():
        predicted = digits.trajectory.network()(torch.from_numpy(samples.x)).argmax(1)
    np.testing.assert_array_equal(predicted, samples.y)
    assert len(samples.x) == 20


def test_a_draw_repeats_and_another_keeps_the_pairs(
    digits: Subject, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, samples = context(folder), orders.well_classified(digits, 2)
    network = digits.trajectory.network()

    def drawn(draw: int) -> Interactions:
        return sampled(network, digits, samples, pairs=4, contexts=3, context=told, draw=draw)

    first, second = drawn(0), drawn(1)
    assert first.mean.shape == (2, 4, 13)
    assert (first.n, first.orders[-1]) == (256, 254)
    ends_only = [0, -1]  # a single context each: the same in both
    np.testing.assert_allclose(first.mean[..., ends_only], second.mean[..., ends_only], atol=1e-6)
    assert not np.allclose(first.mean[..., 1:-1], second.mean[..., 1:-1])
    monkeypatch.setattr(orders, "sample_multi_order", None)  # the cache has them
    np.testing.assert_array_equal(drawn(0).mean, first.mean)
    np.testing.assert_array_equal(drawn(1).standard_error, second.standard_error)


# ---- statistics ----


@pytest.mark.parametrize("n", [8, 10, 12, 256])
def test_the_ends_are_the_outer_and_the_middle_tenths(n: int) -> None:
    m = np.unique(np.rint(np.linspace(0, n - 2, min(n - 1, 101))).astype(int))
    j = np.random.default_rng(n).random(len(m))
    low = [x for x, order in zip(j, m, strict=True) if order / (n - 2) <= 0.15]
    middle = [x for x, order in zip(j, m, strict=True) if 0.35 <= order / (n - 2) <= 0.65]
    high = [x for x, order in zip(j, m, strict=True) if order / (n - 2) >= 0.85]
    np.testing.assert_allclose(ends(j, m, n), [np.mean(part) for part in (low, middle, high)])


def test_ends_need_orders_at_both_ends() -> None:
    with pytest.raises(ArgumentError, match="orders: got"):
        ends([1.0, 2.0], [0, 1], 12)
    with pytest.raises(ArgumentError, match="strength, orders"):
        ends([1.0, 2.0], [0, 1, 2], 12)


def test_the_explained_share_is_r_squared() -> None:
    generator = np.random.default_rng(1)
    x, y = generator.random(9), generator.random(9)
    assert measures.explained(x, y) == pytest.approx(r2_score(x, y))
    assert np.isnan(measures.explained([1.0, 1.0], [1.0, 2.0]))
    with pytest.raises(ArgumentError, match="measured, model"):
        measures.explained([1.0, 1.0], [1.0])


def relative(interactions_of_one: Any) -> Any:
    """J(x) of [pairs, orders], slowly."""
    strength = [np.mean([abs(value) for value in column]) for column in interactions_of_one.T]
    return np.array(strength) / np.mean(strength)


def difference(strengths: list[Any]) -> Any:
    """Instability by order of one sample, from its J of each repetition."""
    apart = [abs(a - b) for u, a in enumerate(strengths) for w, b in enumerate(strengths) if u != w]
    return np.mean(apart, axis=0) / np.mean(np.abs(strengths), axis=0)


def test_instability_is_that_of_parts_of_what_was_drawn() -> None:
    drawn = np.random.default_rng(0).normal(size=(6, 2, 4, 3))  # blocks, samples, pairs, orders
    expected = np.mean(
        [
            difference([relative(drawn[2 * part : 2 * part + 2, sample].mean(0)) for part in range(3)])
            for sample in range(2)
        ]
    )
    assert instability.by_contexts(drawn, 2) == pytest.approx(expected)
    expected = np.mean(
        [
            difference([relative(drawn[0, sample, 2 * part : 2 * part + 2]) for part in range(2)])
            for sample in range(2)
        ]
    )
    assert instability.by_pairs(drawn[0], 2) == pytest.approx(expected)


def test_an_attack_belongs_to_a_data_set() -> None:
    settings = order_robustness.RobustnessSettings()
    assert settings.attack("census").steps == 100
    with pytest.raises(ArgumentError, match=r"attacks: got .*one for mnist, too"):
        settings.attack("mnist")


# ---- verdicts, on strengths that are known ----

Strengths = Callable[[Setup, int | None], Any]


def known(strength: Strengths, monkeypatch: pytest.MonkeyPatch, *modules: Any) -> None:
    """Findings without training: networks have the strengths that are given."""

    def found(context: Any, subject: Any, *, epoch: int | None = None) -> Interactions:
        curve = np.asarray(strength(subject.setup, epoch), dtype=np.float64)
        mean = np.tile(curve, (2, 3, 1))
        return Interactions(len(curve) + 1, np.arange(len(curve)), mean, np.zeros_like(mean))

    monkeypatch.setattr(
        Context, "train", lambda self, setup, seed: SimpleNamespace(setup=setup, epochs=(0, 1, 4))
    )
    for module in modules:
        monkeypatch.setattr(module, "interactions", found)


def verdict(finding: Any, *setups: Setup) -> bool:
    told = replace(finding.sizes["quick"], setups=setups)
    holds: bool = finding.verdict(finding.run(Context(told, (0, 1))))
    return holds


@pytest.mark.parametrize(
    ("curve", "holds"),
    [
        ([3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2], True),
        ([3, 2, 1, 1, 1, 1, 1, 1, 1, 0.5, 0.5], False),  # nothing at the high end
        ([0.5, 0.5, 1, 1, 1, 1, 1, 1, 1, 2, 3], False),  # nothing at the low end
        ([1] * 11, False),
    ],
)
def test_a_bottleneck_is_low_in_the_middle(
    curve: list[float], holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(lambda setup, epoch: curve, monkeypatch, bottleneck)
    assert verdict(bottleneck.FINDING, TUMOURS) is holds


@pytest.mark.parametrize(("flat", "holds"), [(0, True), (1, False), (4, False)])
def test_the_bottleneck_is_wanted_at_every_epoch_from_the_first(
    flat: int, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    curve = [3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2]
    known(lambda setup, epoch: [1] * 11 if epoch == flat else curve, monkeypatch, bottleneck_training)
    assert verdict(bottleneck_training.FINDING, TUMOURS) is holds


def test_theory_recognises_its_own_curve_and_no_rising_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from harsanyi.analysis import learning_strength

    curve = learning_strength(5.0, 3.0 * np.arange(11) / 10)  # of 5 variables, seen as 12
    known(lambda setup, epoch: curve, monkeypatch, bottleneck_theory)
    measured = bottleneck_theory.FINDING.run(Context(OrderSettings(setups=(TUMOURS,)), (0,)))
    assert measured.statistics["dimension"][TUMOURS.name][0] == pytest.approx(5, abs=0.01)
    assert bottleneck_theory.FINDING.verdict(measured)
    known(lambda setup, epoch: np.arange(1, 12), monkeypatch, bottleneck_theory)
    assert not verdict(bottleneck_theory.FINDING, TUMOURS)


@pytest.mark.parametrize(("works", "holds"), [(True, True), (False, False)])
def test_a_loss_is_judged_in_its_own_range(works: bool, holds: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def strength(setup: Setup, epoch: int | None) -> Any:
        curve, recipe = np.ones(11), setup.recipe.orders
        if recipe is not None:
            r1, r2 = recipe.encourage or recipe.penalise or (0, 1)
            inside = (np.arange(11) >= round(12 * r1)) & (np.arange(11) <= round(12 * r2))
            raised = (recipe.encourage is not None) == works
            curve[inside] = 2.0 if raised else 0.5
        return curve

    known(strength, monkeypatch, order_losses)
    assert verdict(order_losses.FINDING, TUMOURS) is holds
