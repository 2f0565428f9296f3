"""What `harsanyi explain` explains: a network and a sample of the demo, or the user's own."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harsanyi._arrays import MAX_LATTICE_PLAYERS
from harsanyi.cli._model_files import last_line, load_array, load_model
from harsanyi.errors import ArgumentError
from harsanyi.experiments import data
from harsanyi.experiments.cache import cached_fit
from harsanyi.experiments.data import Dataset
from harsanyi.experiments.fit import RECIPES, fit
from harsanyi.games import outputs
from harsanyi.games._models import evaluating, to_model
from harsanyi.games.maskers import Features, Masker, Patches
from harsanyi.sparse import MAX_DECOMPOSE_PLAYERS

__all__ = ["Subject", "demo_subject", "own_subject"]

_NETWORK_NAMES = {"lenet": "LeNet", "mlp": "MLP"}
_DATA_NAMES = {"mnist": "MNIST", "breast-cancer": "breast-cancer"}
_DEMO_OPTIONS = ("data", "index", "seed", "epochs", "no_cache")
_CORNERS = {(0, 0), (0, 3), (3, 0), (3, 3)}


@dataclass(frozen=True)
class Subject:
    """A network, a sample, how it is masked, and words about them.

    Attributes:
        model: callable on batches.
        sample: without a batch axis.
        masker: its players.
        title: one line.
        facts: what the header says, line by line: name and text.
        class_names: one a class, or none known.
        training_seconds: spent on training just now; None if nothing was trained.
        batch_size: rows a forward pass; None: chosen later.
    """

    model: Any
    sample: npt.NDArray[Any]
    masker: Masker
    title: str
    facts: dict[str, str]
    class_names: tuple[str, ...] = ()
    training_seconds: float | None = None
    batch_size: int | None = None

    def class_name(self, target: int) -> str:
        """The name of a class, or "class 3"."""
        return self.class_names[target] if target < len(self.class_names) else f"class {target}"


def demo_subject(args: argparse.Namespace) -> Subject:
    """A network trained on the spot, or taken from the cache, and one sample of its test data.

    Raises:
        ArgumentError: an index outside the test data, or an option that does not fit.
        MissingDependencyError: the package that brings the data is not installed.
    """
    if args.kind is not None:
        raise ArgumentError("--kind", args.kind, "left out without --model and --sample")
    dataset = data.load(args.data or "mnist")
    index = 0 if args.index is None else args.index
    if not 0 <= index < len(dataset.x_test):
        raise ArgumentError(
            "--index", index, f"a test sample of {dataset.name}, 0 to {len(dataset.x_test) - 1}"
        )
    sample = dataset.x_test[index]
    masker = _demo_masker(args, dataset)
    _check_players(masker, sample, args.plain)  # before the training, so that its time is not lost
    recipe = RECIPES[dataset.name].with_(epochs=args.epochs, seed=args.seed)
    progress = not args.quiet and sys.stderr.isatty()
    trained = (fit if args.no_cache else cached_fit)(recipe, dataset, progress=progress)
    network = _NETWORK_NAMES[recipe.network]
    predicted, probability = _prediction(trained.network, sample)
    thing = "image" if dataset.is_image else "sample"
    title = f"{network} on {_DATA_NAMES[dataset.name]} test {thing} {index}"
    names = dataset.class_names
    truth = names[dataset.y_test[index]]
    return Subject(
        model=trained.network,
        sample=sample,
        masker=masker,
        title=f"{title}: predicted “{names[predicted]}”, true “{truth}”",
        facts={
            "network": f"{network}, {_weights(trained.network):,} weights, accuracy "
            f"{trained.test_accuracy:.1%} on test data, {trained.train_accuracy:.1%} on training data",
            "sample": f"{_DATA_NAMES[dataset.name]} test {thing} {index}: true “{truth}”, "
            f"predicted “{names[predicted]}” (probability {_percent(probability)})",
            "masked": _masked_words(args.baseline, "0 (black)" if dataset.is_image else "0 (the mean)"),
        },
        class_names=tuple(f"“{name}”" for name in names),
        training_seconds=None if trained.from_cache else trained.seconds,
        batch_size=args.batch_size,
    )


def own_subject(args: argparse.Namespace) -> Subject:
    """The user's network and sample.

    Raises:
        ArgumentError: a file that is missing or unreadable, options that do not go together, or a sample that
            the network does not take.
    """
    for one, other in (("model", "sample"), ("sample", "model")):
        if getattr(args, one) is None:
            raise ArgumentError(f"--{one}", "nothing", f"given with --{other}")
    for option in _DEMO_OPTIONS:
        value = getattr(args, option)
        if value is not None and value is not False:  # 0 is a value
            raise ArgumentError(f"--{option.replace('_', '-')}", value, "left out with --model")
    sample = load_array(args.sample, "--sample")
    kind = args.kind or ("image" if sample.ndim in (2, 3) else "tabular")
    masker: Masker
    if kind == "image":
        masker = _patches(args, "mean", set())
    else:
        if args.grid is not None:
            raise ArgumentError("--grid", "x".join(map(str, args.grid)), "left out for a tabular sample")
        chosen = _feature_players(args.players, [f"x{i}" for i in range(sample.size)])
        masker = Features(_baseline(args.baseline, 0.0, image=False), groups=chosen)
    _check_players(masker, sample, args.plain)
    model = load_model(args.model)
    batch_size = _probed_batch_size(model, sample, args)
    predicted, probability = _prediction(model, sample)
    facts = {
        "network": f"{args.model}, {_weights(model):,} weights",
        "sample": f"{args.sample}, shape {sample.shape}: predicted class {predicted} "
        f"(probability {_percent(probability)})",
        "masked": _masked_words(args.baseline, "mean" if kind == "image" else "0"),
    }
    if batch_size != args.batch_size:
        facts["note"] = "the network takes one sample at a time: with a dynamic batch axis it would be faster"
    return Subject(
        model=model,
        sample=sample,
        masker=masker,
        title=f"{args.model.name} on {args.sample.name}: predicted class {predicted}",
        facts=facts,
        batch_size=batch_size,
    )


def _demo_masker(args: argparse.Namespace, dataset: Dataset) -> Masker:
    if dataset.is_image:
        return _patches(args, 0.0, _CORNERS)
    if args.grid is not None:
        raise ArgumentError(
            "--grid", "x".join(map(str, args.grid)), f"left out for {dataset.name}, which is no image"
        )
    groups = _feature_players(args.players, dataset.group_names)
    return Features(
        _baseline(args.baseline, 0.0, image=False),
        groups=[dataset.groups[group] for group in groups],
        names=[dataset.group_names[group] for group in groups],
    )


def _patches(args: argparse.Namespace, baseline: str | float, left_out: set[tuple[int, int]]) -> Patches:
    """The masker of an image; on a 4x4 grid, patches in `left_out` are players only if they are asked for."""
    grid = args.grid or (4, 4)
    cells = [(row, column) for row in range(grid[0]) for column in range(grid[1])]
    if args.players is None:
        chosen = [cell for cell in cells if grid != (4, 4) or cell not in left_out]
    elif args.players == "all":
        chosen = cells
    else:
        chosen = [_cell(word, grid) for word in args.players.split(",")]
    _check_distinct(chosen, args.players)
    filled = _baseline(args.baseline, baseline, image=True)
    return Patches(grid, baseline=filled, players=chosen)


def _cell(word: str, grid: tuple[int, int]) -> tuple[int, int]:
    match = re.fullmatch(r"r(\d+)c(\d+)", word.strip())
    if match is None or int(match[1]) >= grid[0] or int(match[2]) >= grid[1]:
        raise ArgumentError("--players", word, f"patches from r0c0 to r{grid[0] - 1}c{grid[1] - 1}")
    return int(match[1]), int(match[2])


def _feature_players(words: str | None, names: Sequence[str]) -> list[int]:
    """Indices of the features, or groups of features, that are players."""
    if words is None or words == "all":
        return list(range(len(names)))
    chosen = []
    for word in map(str.strip, words.split(",")):
        if word in names:
            chosen.append(list(names).index(word))
        elif word.isdecimal() and int(word) < len(names):
            chosen.append(int(word))
        else:
            known = ", ".join(names) if len(names) <= 16 else f"{names[0]} to {names[-1]}"
            raise ArgumentError("--players", word, f"one of {known}, or a number from 0 to {len(names) - 1}")
    _check_distinct(chosen, words)
    return chosen


def _check_players(masker: Masker, sample: npt.NDArray[Any], plain: bool) -> None:
    """Raises ArgumentError if the masker does not fit the sample, or makes too many players."""
    n = masker.bind(sample).n
    if n > (MAX_LATTICE_PLAYERS if plain else MAX_DECOMPOSE_PLAYERS):
        most = f"{MAX_DECOMPOSE_PLAYERS}, or {MAX_LATTICE_PLAYERS} with --plain"
        expected = f"at most {most}: choose some of them, or a coarser grid"
        raise ArgumentError("--players", f"{n} players", expected)


def _check_distinct(chosen: Sequence[Any], words: str | None) -> None:
    if len(set(chosen)) < len(chosen):
        raise ArgumentError("--players", str(words), "without repetition")


def _baseline(words: str | None, default: str | float, *, image: bool) -> Any:
    """What Patches or Features take as a baseline."""
    if words is None:
        return default
    if words == "mean" and image:
        return "mean"
    try:
        number = float(words)
    except ValueError:
        if words.endswith(".npy"):
            return load_array(Path(words), "--baseline")
        expected = "a number, 'mean' or a .npy file" if image else "a number or a .npy file"
        raise ArgumentError("--baseline", words, expected) from None
    if not math.isfinite(number):
        raise ArgumentError("--baseline", words, "finite")
    return number


def _masked_words(words: str | None, default: str) -> str:
    """What the header says of a masked player."""
    chosen = words or default
    return f"players become {'the mean colour of the image' if chosen == 'mean' else chosen}"


def _probed_batch_size(model: Any, sample: npt.NDArray[Any], args: argparse.Namespace) -> int | None:
    """The batch size asked for, or 1 if none was and the network takes nothing else."""
    asked: int | None = args.batch_size
    try:
        _outputs(model, sample, 1)
    except Exception as error:  # the user's code: it may raise anything
        raise ArgumentError(
            "--sample",
            f"shape {sample.shape}, dtype {sample.dtype}",
            f"what the network takes ({last_line(error)})",
        ) from error
    if asked == 1:
        return 1
    try:
        _outputs(model, sample, 2)
    except Exception as error:
        if asked is None:
            return 1
        raise ArgumentError("--batch-size", asked, f"1 for this network ({last_line(error)})") from error
    return asked


def _outputs(model: Any, sample: npt.NDArray[Any], rows: int) -> Any:
    """What the network returns for `rows` copies of the sample."""
    x = to_model(np.repeat(sample[None], rows, axis=0), model)
    with evaluating(model, x):
        return model(x)


def _prediction(model: Any, sample: npt.NDArray[Any]) -> tuple[int, float]:
    """The predicted class and its probability."""
    raw = _outputs(model, sample, 1)
    predicted = outputs.log_prob().resolve(raw)
    assert predicted.target is not None
    return predicted.target, math.exp(float(predicted(raw)[0]))


def _weights(model: Any) -> int:
    return sum(weight.numel() for weight in model.parameters()) if isinstance(model, torch.nn.Module) else 0


def _percent(probability: float) -> str:
    return "> 99.99 %" if probability > 0.9999 else f"{100 * probability:.2f} %"
