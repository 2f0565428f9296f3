"""What the findings train: networks, and data with wrong labels."""

from __future__ import annotations

import importlib.util
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from harsanyi.errors import ArgumentError, MissingDependencyError
from harsanyi.experiments import _census, data, networks
from harsanyi.experiments.data import Dataset

COLUMNS = (*_census._ORDER[:2], "fnlwgt", "education", *_census._ORDER[2:], "class")


@pytest.fixture(scope="module")
def tumours() -> Dataset:
    return data.breast_cancer()


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.take(data.mnist32(), train=64, test=20)


# ---- networks ----


@pytest.mark.parametrize("name", ["alexnet", "vgg-11", "resnet-20"])
@pytest.mark.parametrize(("size", "channels", "classes"), [(28, 1, 10), (32, 3, 4)])
def test_a_network_maps_images_to_logits(name: str, size: int, channels: int, classes: int) -> None:
    network = networks.build(name, (channels, size, size), classes, width=4).eval()
    assert network(torch.rand(2, channels, size, size)).shape == (2, classes)


@pytest.mark.parametrize(("name", "convolutions"), [("alexnet", 5), ("vgg-11", 8), ("resnet-20", 19)])
def test_a_network_is_as_deep_as_its_name_says(name: str, convolutions: int) -> None:
    network = networks.build(name, (1, 32, 32), 10)
    kinds = [type(layer) for layer in network.modules()]
    assert kinds.count(torch.nn.Conv2d) == convolutions
    assert kinds.count(torch.nn.Linear) == {"alexnet": 3, "vgg-11": 3, "resnet-20": 1}[name]


@pytest.mark.parametrize(
    ("name", "side"), [("lenet", 28), ("alexnet", 32), ("vgg-11", 16), ("resnet-20", 32)]
)
def test_the_masked_layer_is_a_rectified_map_and_the_network_can_be_cut_behind_it(
    name: str, side: int
) -> None:
    network = networks.build(name, (1, 32, 32), 10).eval()
    layer = networks.NETWORKS[name].masked_layer
    cut = [one for one, _ in network.named_children()].index(str(layer)) + 1
    x = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        feature_map = network[:cut](x)
        assert feature_map.shape[-2:] == (side, side)
        assert feature_map.min() >= 0
        torch.testing.assert_close(network[cut:](feature_map), network(x))


def test_a_residual_block_adds_the_input_padded_with_channels_of_zero() -> None:
    block = networks._Residual(2, 4).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.rand(1, 2, 6, 6)
    with torch.no_grad():
        out = block(x)
    torch.testing.assert_close(out[:, :2], x[:, :, ::2, ::2])
    assert not out[:, 2:].any()


@pytest.mark.parametrize(("name", "depth"), [("mlp", 5), ("mlp-7", 7), ("mlp-8", 8)])
def test_a_perceptron_has_layers_of_a_hundred_units(name: str, depth: int) -> None:
    widths = [
        layer.out_features for layer in networks.build(name, (12,), 2) if isinstance(layer, torch.nn.Linear)
    ]
    assert widths == [100] * (depth - 1) + [2]


@pytest.mark.parametrize(
    ("name", "shape", "width", "message"),
    [
        ("vgg", (1, 32, 32), None, "network: got vgg"),
        ("vgg-11", (30,), None, r"network: got vgg-11 for samples of shape \(30,\)"),
        ("mlp", (1, 32, 32), None, "network: got mlp for samples"),
        ("lenet", (1, 32, 32), 8, "width: got 8"),
        ("alexnet", (1, 30, 30), None, "size: got 30"),
    ],
)
def test_a_network_that_cannot_be_is_refused(
    name: str, shape: tuple[int, ...], width: int | None, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        networks.build(name, shape, 2, width=width)


# ---- data ----


def test_mnist32_is_mnist_with_a_black_frame(digits: Dataset) -> None:
    small = data.mnist()
    np.testing.assert_array_equal(digits.x_train[:, :, 2:-2, 2:-2], small.x_train[:64])
    assert digits.x_train.sum() == small.x_train[:64].sum()
    np.testing.assert_array_equal(digits.y_test, small.y_test[:20])


def write_census(path: Path, rows: list[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> Path:
    lines = [",".join(columns), *(",".join(row.get(name, "0") for name in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def people() -> list[dict[str, str]]:
    return [
        {
            "age": str(20 + i),
            "workclass": ("Private", "", "State-gov")[i % 3],
            "class": (">50K.", "<=50K")[i % 2],
        }
        for i in range(30)
    ]


def test_a_census_file_becomes_standardised_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARSANYI_CENSUS", str(write_census(tmp_path / "adult.csv", people())))
    values, labels, names = _census.read_census(None)
    assert names == _census._ORDER
    assert values.shape == (30, 12)
    np.testing.assert_array_equal(values[:, 0], 20 + np.arange(30))
    np.testing.assert_array_equal(values[:3, 1], [1, 0, 2])  # "?" for the empty entry, Private, State-gov
    np.testing.assert_array_equal(labels, [1, 0] * 15)


def test_the_census_that_shapiq_brings_is_standardised_by_its_training_part() -> None:
    census = data.census()
    assert census.x_train.shape == (39074, 12)
    assert len(census.x_test) == 48842 - 39074
    assert len(census.groups) == 12
    np.testing.assert_allclose(census.x_train.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(census.x_train.std(0), 1, atol=1e-3)
    assert np.concatenate((census.y_train, census.y_test)).sum() == 11687  # of 48,842, as UCI says


def test_a_census_file_that_cannot_be_used_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"path: got .*missing\.csv"):
        data.census(tmp_path / "missing.csv")
    short = write_census(tmp_path / "short.csv", people(), COLUMNS[:-2])
    with pytest.raises(ArgumentError, match="without native-country, class"):
        data.census(short)
    words = write_census(tmp_path / "words.csv", [{**row, "age": "old"} for row in people()])
    with pytest.raises(ArgumentError, match="column age"):
        data.census(words)


def test_without_any_copy_the_census_is_downloaded_or_the_error_says_how_to_give_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sklearn.datasets

    monkeypatch.delenv("HARSANYI_CENSUS", raising=False)
    found = importlib.util.find_spec
    monkeypatch.setattr(_census, "find_spec", lambda name: None if name == "shapiq" else found(name))

    def offline(*args: object, **kwargs: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", offline)
    with pytest.raises(MissingDependencyError, match=r"no route to host.*HARSANYI_CENSUS"):
        data.census()

    rows = people()
    columns: dict[str, Any] = {name: [row.get(name, "0") for row in rows] for name in COLUMNS}
    columns["workclass"] = [value or float("nan") for value in columns["workclass"]]
    bunch = types.SimpleNamespace(
        frame={name: np.array(column, dtype=object) for name, column in columns.items()}
    )
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda *args, **kwargs: bunch)
    values, labels, _ = _census.read_census(None)
    np.testing.assert_array_equal(values[:3, 1], [1, 0, 2])
    np.testing.assert_array_equal(labels, [1, 0] * 15)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0])
def test_label_noise_makes_a_share_of_the_labels_wrong_and_remembers_which(
    tumours: Dataset, share: float
) -> None:
    noisy = data.with_label_noise(tumours, share, seed=3)
    changed = noisy.y_train != tumours.y_train
    assert changed.sum() == round(share * len(tumours.y_train))
    np.testing.assert_array_equal(noisy.mislabelled, changed)
    np.testing.assert_array_equal(noisy.y_true, tumours.y_train)
    np.testing.assert_array_equal(noisy.y_test, tumours.y_test)
    assert set(noisy.y_train) <= {0, 1}


def test_label_noise_is_seeded_nested_and_spread_over_the_wrong_classes() -> None:
    whole = data.mnist()
    little, much = (data.with_label_noise(whole, share, seed=1) for share in (0.1, 0.5))
    assert not (little.mislabelled & ~much.mislabelled).any()
    np.testing.assert_array_equal(little.y_train[little.mislabelled], much.y_train[little.mislabelled])
    assert (data.with_label_noise(whole, 0.1, seed=2).mislabelled != little.mislabelled).any()
    shift = (much.y_train - whole.y_train)[much.mislabelled] % 10
    counts = np.bincount(shift, minlength=10)
    assert counts[0] == 0
    np.testing.assert_allclose(counts[1:] / counts.sum(), 1 / 9, atol=0.03)  # 4.3 standard errors


def test_label_noise_and_take_refuse_what_makes_no_sense(tumours: Dataset) -> None:
    with pytest.raises(ArgumentError, match=r"share: got 1\.5"):
        data.with_label_noise(tumours, 1.5)
    with pytest.raises(ArgumentError, match="without label noise"):
        data.with_label_noise(data.with_label_noise(tumours, 0.1), 0.1)
    with pytest.raises(ArgumentError, match="train: got 457"):
        data.take(tumours, train=457)
    noisy = data.take(data.with_label_noise(tumours, 0.5), train=10)
    assert len(noisy.mislabelled) == 10
    assert not tumours.mislabelled.any()
