"""Maskers: which parts of a sample are the players, and what stands in the place of an absent one.

A masker is a description; `masker.bind(sample)` turns it into a `Masking` of that sample. Samples have no
batch axis and are numpy arrays or torch tensors; their masked batches are of the same kind, dtype and device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import Array, as_array, check_players
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.games._models import check_model, evaluating, to_model
from harsanyi.games.masking import Masking, as_sample, element_count, host_array

__all__ = ["FeatureMap", "Features", "Masker", "Masking", "Patches", "Points", "Tokens"]

Groups = Sequence[int | Sequence[int]]


class Masker(Protocol):
    """Anything that turns a sample into a Masking."""

    def bind(self, sample: Any) -> Masking:
        """The players of this sample."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features of a table, one player each, or groups of them.

    Attributes:
        baseline: a number for all, or an array of the sample's shape (the mean of each feature over the data,
            say).
        groups: for each player the indices of its features (or one index); features in no group are never
            masked.
            None: feature i is player i. Indices count elements of the flattened sample.
        names: one name a player; None: "x0", "x1", ... and for groups "x0+x3".

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> masking = hs.maskers.Features(-1.0, groups=[[0, 2], [1]]).bind(np.array([5.0, 6.0, 7.0]))
        >>> masking.batch([0b01, 0b10])
        array([[ 5., -1.,  7.],
               [-1.,  6., -1.]])
    """

    baseline: float | npt.ArrayLike = 0.0
    _: KW_ONLY
    groups: Groups | None = None
    names: Sequence[str] | None = None

    def bind(self, sample: Any) -> Masking:
        """The players of a sample of any shape.

        Raises:
            ArgumentError: a baseline of another shape, a feature that does not exist or is in two groups, an
                empty group.
            ArgumentTypeError: a sample, a baseline or indices of a dtype that cannot be used.
        """
        x = as_sample(sample)
        player, groups = _grouped(self.groups, element_count(x), "groups")
        names = _names(self.names, ["+".join(f"x{i}" for i in group) for group in groups])
        return Masking(x, _baseline(self.baseline, x), player, names)


@dataclass(frozen=True, eq=False)
class Patches:
    """Rectangles of an image, on a grid.

    Attributes:
        grid: rows and columns of the grid, or one number for both. Where they do not divide the image the
            pixels are spread as evenly as possible: patch row r begins at pixel `floor(r * height / rows)`.
        baseline: "mean" (the image's mean colour, rounded in integer images), a number, one number a channel,
            or an array of the sample's shape.
        players: the patches that are players, as row-major indices or (row, column) pairs, in the order of
            the players; all others are never masked. None: all. Players are named "r0c1": row 0, column 1.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> masking = hs.maskers.Patches((1, 2), baseline=0.0).bind(np.arange(6.0).reshape(1, 2, 3))
        >>> masking.names, masking.boxes
        (('r0c0', 'r0c1'), ((0, 0, 2, 1), (0, 1, 2, 2)))
        >>> masking.batch([0b01])
        array([[[[0., 0., 0.],
                 [3., 0., 0.]]]])
    """

    grid: int | tuple[int, int]
    _: KW_ONLY
    baseline: str | float | npt.ArrayLike = "mean"
    players: Sequence[int] | Sequence[tuple[int, int]] | None = None

    def bind(self, sample: Any) -> Masking:
        """The players of an image, [channels, height, width] or [height, width].

        Raises:
            ArgumentError: another number of axes, a grid finer than the pixels, a patch outside the grid or
                named twice, a baseline of another shape.
            ArgumentTypeError: a sample, a baseline or indices of a dtype that cannot be used.
        """
        x = as_sample(sample)
        if len(x.shape) not in (2, 3):
            raise ArgumentError(
                "sample",
                f"shape {tuple(x.shape)}",
                "[channels, height, width] or [height, width], without a batch axis",
            )
        height, width = (int(length) for length in x.shape[-2:])
        rows, columns = _grid(self.grid, height, width)
        chosen = _patches(self.players, rows, columns)
        owner = np.full(rows * columns, -1, dtype=np.int32)
        owner[chosen] = np.arange(len(chosen))
        tops, lefts = np.arange(rows + 1) * height // rows, np.arange(columns + 1) * width // columns
        row_of, column_of = (
            np.repeat(np.arange(rows), np.diff(tops)),
            np.repeat(np.arange(columns), np.diff(lefts)),
        )
        player = np.broadcast_to(owner[row_of[:, None] * columns + column_of], tuple(x.shape))
        cells = [divmod(patch, columns) for patch in chosen]
        boxes = tuple(
            (int(tops[r]), int(lefts[c]), int(tops[r + 1] - tops[r]), int(lefts[c + 1] - lefts[c]))
            for r, c in cells
        )
        return Masking(x, self._fill(x), player, tuple(f"r{r}c{c}" for r, c in cells), boxes)

    def _fill(self, x: Array) -> Array:
        if isinstance(self.baseline, str):
            if self.baseline != "mean":
                raise ArgumentError("baseline", self.baseline, '"mean", a number, one a channel, or an array')
            colour = host_array(x).mean(axis=(-2, -1), dtype=np.float64, keepdims=True)
            integral = host_array(x).dtype.kind in "biu"
            return _baseline(np.broadcast_to(np.rint(colour) if integral else colour, tuple(x.shape)), x)
        values = host_array(as_array(self.baseline, "baseline"))
        if len(x.shape) == 3 and values.shape == (x.shape[0],):
            values = np.broadcast_to(values[:, None, None], tuple(x.shape))
        return _baseline(values, x)


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Patches of a feature map: the layers before it run once a sample, the rest of the network is the model.

    Attributes:
        head: the layers before the map, called on a batch of one sample in evaluation and inference mode.
        grid: as for Patches, on the map.
        baseline: a number, one number a channel, an array of the map's shape, or "mean"; zero after a ReLU.
        players: as for Patches.

    The Masking's `sample` is the map, its `boxes` are in the map's pixels, its `source` is the sample.

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> pool = lambda images: images[:, :, ::2, ::2]
        >>> masking = hs.maskers.FeatureMap(pool, 2).bind(np.arange(16.0).reshape(1, 4, 4))
        >>> masking.batch([0b1001])
        array([[[[ 0.,  0.],
                 [ 0., 10.]]]])
    """

    head: Callable[[Any], Any]
    grid: int | tuple[int, int]
    _: KW_ONLY
    baseline: str | float | npt.ArrayLike = 0.0
    players: Sequence[int] | Sequence[tuple[int, int]] | None = None

    def bind(self, sample: Any) -> Masking:
        """The players of one sample, whatever the head takes without its batch axis.

        Raises:
            ArgumentError: the head does not return one map [1, channels, height, width]; and as for Patches.
            ArgumentTypeError: `head` is not callable or returns no array; and as for Patches.
        """
        check_model(self.head, "head")
        source = to_model(as_sample(sample), self.head)
        with evaluating(self.head, source):
            feature_map = as_array(self.head(source[None]), "head's output")
        if len(feature_map.shape) != 4 or feature_map.shape[0] != 1:
            raise ArgumentError(
                "head",
                f"an output of shape {tuple(feature_map.shape)}",
                "of shape [1, channels, height, width]",
            )
        patches = Patches(self.grid, baseline=self.baseline, players=self.players)
        return replace(patches.bind(feature_map[0]), source=as_sample(sample))


@dataclass(frozen=True, eq=False)
class Tokens:
    """Words of a text, each one or several tokens.

    Attributes:
        mask_token: the id that stands for an absent word (103 for BERT).
        words: for each player the positions of its tokens (or one position); other positions, such as those
            of special tokens, are never masked. None: every position is a player.
        names: one name a player, the words say; None: "token 1", "token 2+3".

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> ids = np.array([101, 7592, 2088, 3000, 102])
        >>> hs.maskers.Tokens(103, words=[[1], [2, 3]], names=["hello", "world"]).bind(ids).batch([0b01])
        array([[ 101, 7592,  103,  103,  102]])
    """

    mask_token: int
    _: KW_ONLY
    words: Groups | None = None
    names: Sequence[str] | None = None

    def bind(self, sample: Any) -> Masking:
        """The players of a text, [length] integer ids.

        Raises:
            ArgumentError: another number of axes, a position that does not exist or is in two words, an empty
                word, a mask token outside the dtype of the ids.
            ArgumentTypeError: ids, positions or a mask token that are not integers.
        """
        x = as_sample(sample)
        if len(x.shape) != 1:
            raise ArgumentError(
                "sample", f"shape {tuple(x.shape)}", "token ids of shape [length], without a batch axis"
            )
        if host_array(x).dtype.kind not in "iu":
            raise ArgumentTypeError("sample", f"dtype {x.dtype}", "of integer token ids")
        token = check_players(self.mask_token, most=(1 << 63) - 1, name="mask_token")
        player, words = _grouped(self.words, element_count(x), "words")
        names = _names(self.names, ["token " + "+".join(map(str, word)) for word in words])
        return Masking(x, _baseline(token, x, "mask_token"), player, names)


@dataclass(frozen=True, eq=False)
class Points:
    """Clusters of a point cloud; the points of an absent cluster move to the centre.

    Attributes:
        clusters: the cluster of each point, an integer; -1 for points that are never masked. Players are the
            clusters that occur, in ascending order.
        center: [dimensions]; None: the mean of all points of the cloud.
        names: one name a player; None: "cluster 0", ...

    Example:
        >>> import numpy as np, harsanyi as hs
        >>> cloud = np.array([[0.0, 0.0], [0.0, 2.0], [6.0, 4.0]])
        >>> hs.maskers.Points([0, 0, 1]).bind(cloud).batch([0b01])
        array([[[0., 0.],
                [0., 2.],
                [2., 2.]]])
    """

    clusters: npt.ArrayLike
    _: KW_ONLY
    center: npt.ArrayLike | None = None
    names: Sequence[str] | None = None

    def bind(self, sample: Any) -> Masking:
        """The players of a cloud, [points, dimensions].

        Raises:
            ArgumentError: another number of axes, labels that are not one a point or below -1, a centre of
                another shape.
            ArgumentTypeError: labels that are not integers, or a sample or centre of a dtype that cannot be
                used.
        """
        x = as_sample(sample)
        if len(x.shape) != 2:
            raise ArgumentError("sample", f"shape {tuple(x.shape)}", "a cloud of shape [points, dimensions]")
        points, dimensions = (int(length) for length in x.shape)
        labels = host_array(as_array(self.clusters, "clusters"))
        if labels.dtype.kind not in "iu":
            raise ArgumentTypeError("clusters", f"dtype {labels.dtype}", "of integers")
        if labels.shape != (points,):
            raise ArgumentError("clusters", f"shape {labels.shape}", f"one label for each of {points} points")
        if labels.min() < -1:
            raise ArgumentError("clusters", int(labels.min()), "labels from 0 up, or -1 for never masked")
        present = np.unique(labels[labels >= 0])
        owner = np.where(labels < 0, -1, np.searchsorted(present, labels))
        values = host_array(x).mean(axis=0, dtype=np.float64)
        if self.center is not None:
            values = host_array(as_array(self.center, "center"))
            if values.shape != (dimensions,):
                raise ArgumentError("center", f"shape {values.shape}", f"of shape ({dimensions},)")
        baseline = _baseline(np.broadcast_to(values, (points, dimensions)), x, "center")
        names = _names(self.names, [f"cluster {label}" for label in present])
        return Masking(x, baseline, np.repeat(owner, dimensions), names)


def _baseline(values: Any, sample: Array, name: str = "baseline") -> Array:
    """A number or an array of the sample's shape, as an array or tensor like it; only rounding is lost."""
    given = host_array(as_array(values, name))
    if given.dtype.kind not in "biuf":
        raise ArgumentTypeError(name, f"dtype {given.dtype}", "real numbers")
    shape = tuple(sample.shape)
    if given.shape not in ((), shape):
        raise ArgumentError(name, f"shape {given.shape}", f"a number, or of the sample's shape {shape}")
    full = np.array(np.broadcast_to(given, shape))
    if isinstance(sample, np.ndarray):
        with np.errstate(all="ignore"):  # what does not fit is found below
            result: Array = full.astype(sample.dtype)
    else:
        import torch

        result = torch.from_numpy(full).to(device=sample.device, dtype=sample.dtype)
    kept = host_array(result)
    exact = kept.dtype.kind != "f"
    lost = (kept != full) if exact else (np.isfinite(full) & ~np.isfinite(kept))
    if lost.any():
        raise ArgumentError(name, full[lost][0].item(), f"representable in the sample's dtype {sample.dtype}")
    return result


def _grouped(
    groups: Groups | None, elements: int, name: str
) -> tuple[npt.NDArray[np.int32], list[list[int]]]:
    """The player of each element, and the elements of each player."""
    if groups is None:
        return np.arange(elements, dtype=np.int32), [[i] for i in range(elements)]
    player = np.full(elements, -1, dtype=np.int32)
    lists = [list(group) if isinstance(group, Iterable) else [group] for group in groups]
    for owner, group in enumerate(lists):
        if not group:
            raise ArgumentError(f"{name}[{owner}]", "an empty group", "at least one index")
        for index in group:
            at = check_players(index, most=elements - 1, name=f"{name}[{owner}]")
            if player[at] >= 0:
                raise ArgumentError(
                    f"{name}[{owner}]", f"index {at} again (player {player[at]})", "disjoint groups"
                )
            player[at] = owner
    return player, lists


def _names(given: Sequence[str] | None, default: list[str]) -> tuple[str, ...]:
    names = tuple(default if given is None else map(str, given))
    if len(names) != len(default):
        raise ArgumentError("names", f"{len(names)} names", f"one for each of {len(default)} players")
    return names


def _grid(grid: int | tuple[int, int], height: int, width: int) -> tuple[int, int]:
    rows, columns = _pair(grid, "grid") if isinstance(grid, Iterable) else (grid, grid)
    return (
        check_players(rows, least=1, most=height, name="grid rows"),
        check_players(columns, least=1, most=width, name="grid columns"),
    )


def _pair(value: Iterable[Any], name: str) -> tuple[Any, Any]:
    entries = tuple(value)
    if len(entries) != 2:
        raise ArgumentError(name, value, "a number, or a pair (row, column)")
    return entries[0], entries[1]


def _patches(players: Any, rows: int, columns: int) -> list[int]:
    """Row-major indices of the patches that are players."""
    if players is None:
        return list(range(rows * columns))
    chosen: list[int] = []
    for position, patch in enumerate(players):
        name = f"players[{position}]"
        if isinstance(patch, Iterable):
            row, column = _pair(patch, name)
            row = check_players(row, most=rows - 1, name=f"{name} row")
            index = row * columns + check_players(column, most=columns - 1, name=f"{name} column")
        else:
            index = check_players(patch, most=rows * columns - 1, name=name)
        if index in chosen:
            raise ArgumentError(name, f"patch {index} again", "distinct patches")
        chosen.append(index)
    return chosen
