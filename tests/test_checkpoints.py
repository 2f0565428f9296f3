"""Checkpoints of a training, players and values of its networks, sparse pairs, what a finding gets."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi.errors import ArgumentError
from harsanyi.experiments import cache, data, networks, setups
from harsanyi.experiments.checkpoints import cached_trajectory, spread_epochs, trajectory
from harsanyi.experiments.data import Dataset
from harsanyi.experiments.finding import Context, Settings, Setup
from harsanyi.experiments.fit import RECIPES, Recipe, assess, fit, initial_network
from harsanyi.experiments.pairs import ENDS, sparse_pairs
from harsanyi.experiments.players import players
from harsanyi.experiments.values import game_values

QUICK = Recipe("mlp", epochs=3)


@pytest.fixture(scope="module")
def tumours() -> Dataset:
    return data.breast_cancer()


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.take(data.mnist32(), train=64, test=20)


# ---- checkpoints ----


def test_a_trajectory_ends_where_fit_does_and_passes_through_shorter_trainings(tumours: Dataset) -> None:
    recipe = replace(QUICK, schedule="constant")
    path = trajectory(recipe, tumours, epochs=[0, 2])
    assert path.epochs == (0, 2, 3)
    for epoch, expected in ((0, initial_network(recipe, tumours)), (2, None), (None, None)):
        if expected is None:  # with a constant rate a shorter training is the beginning of a longer one
            expected = fit(replace(recipe, epochs=epoch or 3), tumours).network
        for ours, theirs in zip(path.network(epoch).parameters(), expected.parameters(), strict=True):
            assert torch.equal(ours, theirs)


def test_the_losses_of_a_trajectory_are_those_of_its_networks(tumours: Dataset) -> None:
    path = trajectory(QUICK, tumours, epochs=[0, 1, 2])
    for at, network in enumerate(path.networks()):
        assert not network.training
        train = assess(network, tumours.x_train, tumours.y_train)
        assert (path.train_loss[at], path.train_accuracy[at]) == train
        assert (path.test_loss[at], path.test_accuracy[at]) == assess(network, tumours.x_test, tumours.y_test)


def test_the_squared_loss_fits_numbers() -> None:
    x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    table = Dataset("numbers", x, y, x, y, class_names=("number",))
    path = trajectory(Recipe("mlp", epochs=40, loss="squared", batch_size=16), table, epochs=[0])
    out = path.network()(torch.from_numpy(x))[:, 0].detach().double().numpy()
    assert path.train_loss[-1] == pytest.approx(float(np.mean((out - y) ** 2)), rel=1e-5)
    assert path.train_accuracy[-1] == float(np.mean(np.abs(out - y) < 0.5))
    assert path.train_loss[-1] < 0.1 < path.train_loss[0]


def test_a_trajectory_comes_back_from_the_cache_to_the_bit(tumours: Dataset, tmp_path: Path) -> None:
    first, again = (cached_trajectory(QUICK, tumours, epochs=[0, 1], folder=tmp_path) for _ in range(2))
    assert (first.from_cache, again.from_cache) == (False, True)
    assert first.epochs == again.epochs == (0, 1, 3)
    for ours, theirs in zip(first.states, again.states, strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    np.testing.assert_array_equal(first.train_loss, again.train_loss)
    other = cached_trajectory(QUICK, tumours, epochs=[0], folder=tmp_path)
    assert not other.from_cache  # other checkpoints are another entry


def test_a_damaged_trajectory_is_trained_again(
    tumours: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cached_trajectory(QUICK, tumours, folder=tmp_path)
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(entry.read_bytes()[:-20])
    assert not cached_trajectory(QUICK, tumours, folder=tmp_path).from_cache
    assert "cached trajectory is unreadable and is trained again" in caplog.text


@pytest.mark.parametrize("total", [1, 2, 10, 500])
@pytest.mark.parametrize("count", [2, 3, 12])
def test_spread_epochs_grow_apart(total: int, count: int) -> None:
    epochs = spread_epochs(total, count)
    assert epochs[0] == 0
    assert epochs[-1] == total
    assert len(epochs) <= count or count == 2
    assert all(later > earlier for earlier, later in pairwise(epochs))


def test_checkpoints_outside_the_training_are_refused(tumours: Dataset) -> None:
    with pytest.raises(ArgumentError, match="epochs"):
        trajectory(QUICK, tumours, epochs=[4])
    with pytest.raises(ArgumentError, match="epoch: got 1"):
        trajectory(QUICK, tumours).network(1)
    with pytest.raises(ArgumentError, match="count: got 1"):
        spread_epochs(10, 1)


# ---- players and values ----


def log_odds(logits: torch.Tensor, y: int) -> float:
    p = torch.softmax(logits.double(), -1)[y]
    return float(torch.log(p / (1 - p)))


def naive_image(
    network: torch.nn.Sequential, x: Any, y: int, layer: str, patches: tuple[int, ...], subset: int
) -> float:
    """One masked sample, straight from the definition: rectangles of the layer's map set to zero."""
    value, names = torch.from_numpy(x)[None], [name for name, _ in network.named_children()]
    cut = 0 if layer == "input" else names.index(layer) + 1
    with torch.no_grad():
        value = network[:cut](value).clone() if cut else value.clone()
        side = value.shape[-1]
        for i, patch in enumerate(patches):
            if not subset >> i & 1:
                row, column = divmod(patch, 8)
                rows = slice(row * side // 8, (row + 1) * side // 8)
                columns = slice(column * side // 8, (column + 1) * side // 8)
                value[:, :, rows, columns] = 0
        return log_odds(network[cut:](value)[0], y)


@pytest.mark.parametrize(("network", "layer"), [("lenet", None), ("vgg-11", None), ("resnet-20", "input")])
def test_values_of_an_image_are_those_of_the_definition(
    network: str, layer: str | None, digits: Dataset, tmp_path: Path
) -> None:
    recipe = Recipe(network, epochs=1)
    model = initial_network(recipe, digits).eval()
    chosen = players(digits, network, seed=5, count=4, layer=layer)
    v = game_values([model], digits.x_test[:2], digits.y_test[:2], chosen, folder=tmp_path)
    assert v.shape == (1, 2, 16)
    for sample in range(2):
        for subset in (0, 1, 6, 11, 15):
            x, y = digits.x_test[sample], int(digits.y_test[sample])
            expected = naive_image(model, x, y, str(chosen.layer), chosen.patches, subset)
            assert v[0, sample, subset] == pytest.approx(expected, abs=1e-4)


def test_values_of_a_table_replace_a_players_columns_by_the_mean(tumours: Dataset, tmp_path: Path) -> None:
    model = fit(QUICK, tumours).network
    v = game_values(
        [model, model], tumours.x_test[:1], tumours.y_test[:1], players(tumours, "mlp"), folder=tmp_path
    )
    np.testing.assert_array_equal(v[0], v[1])
    for subset in (0, 5, 1000, 1023):
        x = tumours.x_test[0].copy()
        for i, columns in enumerate(tumours.groups):
            if not subset >> i & 1:
                x[list(columns)] = 0
        with torch.no_grad():
            assert v[0, 0, subset] == pytest.approx(
                log_odds(model(torch.from_numpy(x)[None])[0], int(tumours.y_test[0])), abs=1e-4
            )


def test_ten_patches_are_drawn_from_the_middle_by_seed(digits: Dataset) -> None:
    first, again, other = (players(digits, "lenet", seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert first.n == len(set(first.patches)) == 10
    assert all(1 <= patch // 8 <= 6 and 1 <= patch % 8 <= 6 for patch in first.patches)
    assert players(digits, "vgg-11").layer == "relu2"


def test_players_and_values_refuse_what_they_cannot_use(
    digits: Dataset, tumours: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match="count: got 37"):
        players(digits, "lenet", count=37)
    with pytest.raises(ArgumentError, match="network: got vgg"):
        players(digits, "vgg")
    model = initial_network(RECIPES["mnist32"], digits)
    with pytest.raises(ArgumentError, match="layer: got relu9"):
        players(digits, "lenet", layer="relu9").game(model, digits.x_test[0], 0)
    with pytest.raises(ArgumentError, match="targets"):
        game_values([model], digits.x_test[:2], [0], players(digits, "lenet"), folder=tmp_path)


def test_values_that_took_long_are_kept_for_the_same_networks_and_samples_alone(
    tumours: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, chosen = initial_network(QUICK, tumours).eval(), players(tumours, "mlp")
    monkeypatch.setattr("harsanyi.experiments.values._WORTH_KEEPING", 0.0)
    x, y = tumours.x_test[:2], tumours.y_test[:2]
    first = game_values([model], x, y, chosen, folder=tmp_path)
    changes: list[Callable[[], Any]] = [
        lambda: game_values([model], x + 1, y, chosen, folder=tmp_path),
        lambda: game_values([model], x, 1 - y, chosen, folder=tmp_path),
        lambda: game_values(
            [initial_network(QUICK.with_(seed=1), tumours).eval()], x, y, chosen, folder=tmp_path
        ),
        lambda: game_values([model], x, y, replace(chosen, groups=chosen.groups[::-1]), folder=tmp_path),
    ]
    for change in changes:
        assert not np.array_equal(change(), first)
    assert len(list(tmp_path.iterdir())) == 1 + len(changes)
    monkeypatch.setattr("harsanyi.experiments.values.evaluate", None)  # nothing is computed again
    np.testing.assert_array_equal(game_values([model], x, y, chosen, folder=tmp_path), first)


# ---- sparse pairs, setups, contexts ----


def test_both_ends_of_the_sparse_pair_match_the_game_at_the_same_l1(tmp_path: Path) -> None:
    v = np.random.default_rng(0).normal(size=(3, 16))
    pairs = sparse_pairs(v, noise=0.0, gap=1e-6, folder=tmp_path)
    assert tuple(pairs) == ENDS
    l1 = []
    for pair in pairs.values():
        np.testing.assert_allclose(hs.zeta(pair.and_) + hs.or_inverse(pair.or_), v, atol=1e-8)
        l1.append(np.abs(np.concatenate((pair.and_[:, 1:], pair.or_[:, 1:]), 1)).sum(1))
    np.testing.assert_allclose(l1[0], l1[1], rtol=0.01)
    with pytest.raises(ArgumentError, match="v: got shape"):
        sparse_pairs(v[0], folder=tmp_path)


def test_pairs_that_took_long_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harsanyi.experiments.pairs._WORTH_KEEPING", 0.0)
    v = np.random.default_rng(1).normal(size=(2, 2, 8))
    first = sparse_pairs(v, folder=tmp_path)
    monkeypatch.setattr("harsanyi.experiments.pairs.band", None)
    again = sparse_pairs(v, folder=tmp_path)
    for end in ENDS:
        np.testing.assert_array_equal(first[end].and_, again[end].and_)
        np.testing.assert_array_equal(first[end].or_, again[end].or_)


def test_samples_are_distinct_seeded_and_labelled_as_asked(tmp_path: Path) -> None:
    setup = Setup("breast-cancer", QUICK, label_noise=0.2)
    context = Context(Settings(setups=(setup,)), (4,), tmp_path)
    ((same, seed),) = context.each()
    subject = context.train(same, seed)
    noisy = subject.dataset
    given = subject.samples("train", 50, among=noisy.mislabelled, labels="given")
    true = subject.samples("train", 50, among=np.flatnonzero(noisy.mislabelled))
    np.testing.assert_array_equal(given.index, true.index)
    assert len(set(given.index.tolist())) == 50
    assert (given.y != true.y).all()
    np.testing.assert_array_equal(given.x, noisy.x_train[given.index])
    assert len(subject.samples("test").index) == len(noisy.x_test)
    v = context.values(subject, true, epochs=subject.epochs)
    np.testing.assert_array_equal(v[-1], context.values(subject, true))
    with pytest.raises(ArgumentError, match="among"):
        subject.samples("train", 1, among=[])


def test_two_setups_of_one_name_are_refused() -> None:
    setup = Setup("breast-cancer", QUICK)
    with pytest.raises(ArgumentError, match="setups: got mlp on breast-cancer, mlp on breast-cancer"):
        Settings(setups=(setup, replace(setup, label_noise=0.1)))


def test_every_shared_setup_can_be_built() -> None:
    everything = {*setups.QUICK, *setups.DEFAULT, *setups.FULL}
    everything |= {*setups.NOISY_QUICK, *setups.NOISY_DEFAULT, *setups.NOISY_FULL}
    for setup in everything:
        assert max(setup.epochs, default=0) <= setup.recipe.epochs
        assert networks.NETWORKS[setup.recipe.network].images == (setup.data != "census")


def test_the_cache_key_knows_the_version_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.key_of({"a": 1})
    monkeypatch.setattr(sys.modules["torch"], "__version__", "0")
    assert cache.key_of({"a": 1}) != before
