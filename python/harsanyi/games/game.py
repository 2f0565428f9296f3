"""Games: a number of players, and a value for every subset of them.

A subset is an integer, bit i set for player i present. A game takes a batch of subsets, int64 [rows], and
returns their values, float64 [rows]: a numpy array, or a tensor where a torch model computed them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from harsanyi._arrays import MAX_SUBSET_PLAYERS, Array, check_players, lattice_players
from harsanyi.errors import ArgumentError, ArgumentTypeError, NonFiniteError
from harsanyi.games._models import check_model, evaluating, ordinary, to_model
from harsanyi.games.maskers import Masker
from harsanyi.games.masking import Masking, Selection, as_sample, as_selection
from harsanyi.games.outputs import Output, as_float64, log_odds
from harsanyi.subsets import players_of

__all__ = ["CallableGame", "Game", "ModelGame", "TableGame", "checked_values"]

_CPU_BATCH_BYTES = 1 << 20  # a batch and the first activations it makes stay near the second-level cache
_DEVICE_BATCH_BYTES = 1 << 26
_LEAST_ROWS, _MOST_ROWS = 8, 2048


class Game(Protocol):
    """Anything with players and values: `evaluate` takes it."""

    @property
    def n(self) -> int:
        """The number of players."""

    def __call__(self, subsets: Any) -> Any:
        """Values [rows] of subsets, int64 [rows]."""


class ModelGame:
    """The output of a model on masked versions of one sample.

    Args:
        model: called on batches [rows, ...] of masked samples. A torch module (a script module, an exported
            program's `module()`) gets tensors on its device and runs in evaluation mode; any other callable
            gets batches of the sample's own kind, numpy for numpy, and runs as it is. Both in inference mode
            where batches are tensors.
        sample: without a batch axis; of a numpy sample for a torch module the dtype, if floating, becomes the
            module's.
        masker: one of `harsanyi.maskers`, or anything with `bind(sample)`.
        output: one of `harsanyi.outputs`; None: `log_odds()`. Without a target it takes the class that the
            model predicts on the whole sample, once, here.

    Attributes:
        model: as given.
        masking: the sample with its players.
        output: with its target resolved.

    Raises:
        ArgumentError: the target is not a class of the model, or the output is not one number a row.
        ArgumentTypeError: the model is not callable, or returns what the output function cannot take.
        NonFiniteError: NaN or infinity for the whole sample.

    Example:
        >>> import harsanyi as hs
        >>> model = lambda x: x.sum(axis=1)
        >>> output = hs.outputs.scalar(lambda y: y)
        >>> game = hs.ModelGame(model, [1.0, 2.0], masker=hs.maskers.Features(), output=output)
        >>> game([0b00, 0b01, 0b10, 0b11])
        array([0., 1., 2., 3.])
    """

    def __init__(self, model: Any, sample: Any, *, masker: Masker, output: Output | None = None) -> None:
        check_model(model, "model")
        self.model = model
        self.masking: Masking = masker.bind(to_model(as_sample(sample), model))
        whole = np.ones((1, self.n), dtype=np.uint8)
        batch = self.masking.batch(whole)  # a copy: a model may write into its input
        with evaluating(model, batch):
            raw = model(batch)
            self.output: Output = (log_odds() if output is None else output).resolve(raw)
            checked_values(self.output(raw), whole, self.masking.names)

    @property
    def n(self) -> int:
        """The number of players."""
        return self.masking.n

    @property
    def default_batch_size(self) -> int:
        """Rows of a batch, from the bytes of a row: a power of two, as the number of all subsets is.

        On the CPU about 1 MiB, where throughput was best for a LeNet, an MLP and a ResNet-20; on another
        device at most 64 MiB and a sixteenth of what is free there.
        """
        sample, row_bytes = self.masking.sample, self.masking.row_bytes
        if isinstance(sample, np.ndarray) or sample.device.type == "cpu":
            return min(max(_power_of_two(_CPU_BATCH_BYTES // row_bytes), _LEAST_ROWS), _MOST_ROWS)
        budget = _DEVICE_BATCH_BYTES
        if sample.device.type == "cuda":
            import torch

            budget = min(budget, torch.cuda.mem_get_info(sample.device)[0] // 16)
        return _power_of_two(budget // row_bytes)

    @contextmanager
    def session(self, rows: int) -> Iterator[Callable[[Selection], Array]]:
        """A function from at most `rows` subsets to their values, for as long as the block lasts.

        The batch buffer is made once and written again by every call; the model is in evaluation and
        inference mode, and as it was before when the block ends, however it ends. Values are not checked.
        """
        buffer = self.masking.empty(rows)

        def values(selection: Selection) -> Array:
            batch = self.masking.batch(selection, out=buffer[: len(selection)])
            return self.output(self.model(batch))

        with evaluating(self.model, buffer):
            yield values

    def __call__(self, subsets: Any) -> Array:
        """Values [rows] of subsets [rows] or of keep masks [rows, n], as `Masking.batch` takes them."""
        selection = as_selection(subsets, self.n)
        with self.session(len(selection)) as values:
            result = checked_values(values(selection), selection, self.masking.names)
        return ordinary(result)


class TableGame:
    """A game given by its values: a look-up in a lattice vector.

    Args:
        v: the value of every subset, [2**n], n <= 30.

    Raises:
        ArgumentError: not one lattice vector.
        ArgumentTypeError: not real numbers.
        NonFiniteError: NaN or infinity in it.

    Example:
        >>> import harsanyi as hs
        >>> hs.TableGame([0.0, 1.0, 2.0, 4.0])([0b01, 0b11])
        array([1., 4.])
    """

    def __init__(self, v: Any) -> None:
        table = as_float64(v, "v")
        self.n = lattice_players(table, "v")
        if len(table.shape) != 1:
            raise ArgumentError("v", f"shape {tuple(table.shape)}", "one lattice vector of shape [2**n]")
        self.v = checked_values(table, None, name="v")

    def __call__(self, subsets: Any) -> Array:
        """Values [rows] of subsets [rows], of the kind of `v`."""
        chosen = _subsets_only(subsets, self.n)
        if isinstance(self.v, np.ndarray):
            return np.asarray(self.v[chosen])
        import torch

        return self.v[torch.from_numpy(chosen).to(self.v.device)]


class CallableGame:
    """A game given by a function.

    Args:
        function: from subsets, int64 [rows], to values [rows]; or, with `batched=False`, from one int to one
            number.
        n: the number of players, 0..63.
        batched: whether the function takes many subsets at once.

    Raises:
        ArgumentTypeError: the function is not callable.

    Example:
        >>> import harsanyi as hs
        >>> hs.CallableGame(lambda s: 10.0 * s, 3)([0b000, 0b101])
        array([ 0., 50.])
    """

    def __init__(self, function: Callable[[Any], Any], n: int, *, batched: bool = True) -> None:
        if not callable(function):
            raise ArgumentTypeError("function", type(function).__name__, "callable on subsets")
        self.function = function
        self.n = check_players(n, most=MAX_SUBSET_PLAYERS)
        self.batched = batched

    def __call__(self, subsets: Any) -> Array:
        """Values [rows] of subsets [rows]."""
        chosen = _subsets_only(subsets, self.n)
        values = self.function(chosen) if self.batched else [self.function(int(subset)) for subset in chosen]
        return checked_values(values, chosen)


def checked_values(
    values: Any, selection: Selection | None, names: tuple[str, ...] = (), *, name: str = "output"
) -> Array:
    """A game's values as float64 [rows], each a finite number.

    Args:
        values: what came back.
        selection: the subsets or masks asked for, [rows] or [rows, n]; None: all 2**n, in order.
        names: of the players, for the message.
        name: of the values, for the message.

    Raises:
        ArgumentError: not one value a subset.
        ArgumentTypeError: not real numbers.
        NonFiniteError: NaN or infinity; names the first such subset.
    """
    result = as_float64(values, name)
    shape = tuple(result.shape)
    if selection is not None and shape != (len(selection),):
        raise ArgumentError(
            name, f"shape {shape} for {len(selection)} subsets", f"one scalar a subset: ({len(selection)},)"
        )
    finite = np.isfinite(result) if isinstance(result, np.ndarray) else result.isfinite()
    if bool(finite.all()):
        return result
    row = int((~finite).nonzero()[0][0])
    chosen = row if selection is None else selection[row]
    if np.ndim(chosen):  # a mask
        chosen = sum(1 << i for i in np.flatnonzero(chosen).tolist())
    subset = int(chosen)
    shown = ", ".join(f"{i} {names[i]}" if names else str(i) for i in players_of(subset)) or "none"
    raise NonFiniteError(
        f"{name}: got {float(result[row])} for subset {subset} (players: {shown}), but it must be finite",
        subset,
    )


def _power_of_two(most: int) -> int:
    """The largest power of two up to `most`, at least 1."""
    return 1 << (max(most, 1).bit_length() - 1)


def _subsets_only(subsets: Any, n: int) -> npt.NDArray[np.int64]:
    selection = as_selection(subsets, n)
    if selection.ndim != 1:
        raise ArgumentTypeError(
            "subsets", "masks", f"integers from 0 to 2**{n} - 1; hs.masks_to_subsets converts"
        )
    return selection.astype(np.int64, copy=False)
