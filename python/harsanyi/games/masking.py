"""The record behind every masker: which player owns an element of a sample, and what replaces it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harsanyi import _core, _cuda
from harsanyi._arrays import MAX_SUBSET_PLAYERS, Array, as_array, is_tensor, require_memory
from harsanyi.errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    import torch

__all__ = ["Masking", "as_selection"]

Selection = npt.NDArray[np.int64] | npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Masking:
    """A sample with its players: what a masker makes of it, and all that masked batches need.

    Attributes:
        sample: without a batch axis, contiguous; a numpy array or a tensor of 1, 2, 4 or 8 bytes an element.
        baseline: what a masked element becomes; of the shape, dtype and device of `sample`.
        player: int32, one entry an element of the flattened sample: its player, or -1 for never masked.
        names: one name a player; their number is n.
        boxes: for players that are rectangles, (top, left, height, width) of each in pixels of `sample`; else
            None.
        source: what the layers before a feature map were given, where `sample` is such a map; else None.

    Raises:
        ArgumentError: shapes that disagree, or a player outside -1..n-1.
        ArgumentTypeError: a dtype that is not a number of 1, 2, 4 or 8 bytes, or dtypes that disagree.

    Example:
        >>> import numpy as np
        >>> from harsanyi.games.masking import Masking
        >>> masking = Masking(np.arange(4.0), np.zeros(4), np.array([0, 0, 1, -1]), ("left", "right"))
        >>> masking.batch([0b00, 0b01, 0b10])
        array([[0., 0., 0., 3.],
               [0., 1., 0., 3.],
               [0., 0., 2., 3.]])
    """

    sample: Array
    baseline: Array
    player: npt.NDArray[np.int32]
    names: tuple[str, ...]
    boxes: tuple[tuple[int, int, int, int], ...] | None = None
    source: Array | None = None

    def __post_init__(self) -> None:
        sample = as_sample(self.sample)
        baseline = as_sample(self.baseline, "baseline")
        if tuple(baseline.shape) != tuple(sample.shape):
            raise ArgumentError(
                "baseline", f"shape {tuple(baseline.shape)}", f"of the sample's shape {tuple(sample.shape)}"
            )
        if _kind(baseline) != _kind(sample):
            raise ArgumentTypeError("baseline", _kind(baseline), f"of the sample's kind, {_kind(sample)}")
        player = np.asarray(self.player).ravel()
        if player.dtype.kind not in "iu":
            raise ArgumentTypeError("player", f"dtype {player.dtype}", "of integers")
        if player.size != element_count(sample):
            raise ArgumentError(
                "player", f"{player.size} entries", f"one entry for each of {element_count(sample)} elements"
            )
        if player.min() < -1 or player.max() >= self.n:
            outside = player[(player < -1) | (player >= self.n)][0]
            raise ArgumentError(
                "player", int(outside), f"an index from 0 to {self.n - 1}, or -1 for never masked"
            )
        if self.boxes is not None and len(self.boxes) != self.n:
            raise ArgumentError("boxes", f"{len(self.boxes)} boxes", f"one for each of {self.n} players")
        player = player.astype(np.int32)
        player.flags.writeable = False
        names = tuple(map(str, self.names))
        for name, value in (("sample", sample), ("baseline", baseline), ("player", player), ("names", names)):
            object.__setattr__(self, name, value)

    @property
    def n(self) -> int:
        """The number of players."""
        return len(self.names)

    @cached_property
    def null_players(self) -> tuple[int, ...]:
        """Players whose elements equal the baseline's to the bit, as in a blank patch."""
        bits = [host_array(as_array(x, "sample")).reshape(-1) for x in (self.sample, self.baseline)]
        sample, baseline = (x.view(f"u{x.itemsize}") for x in bits)
        owners = self.player[sample != baseline]
        return tuple(sorted(set(range(self.n)) - set(owners.tolist())))

    def batch(self, subsets: Any, *, out: Array | None = None) -> Array:
        """Masked versions of the sample: row r keeps the players of subset r, the others become the baseline.

        Args:
            subsets: [rows] integers 0..2**n-1, bit i set for player i kept, n <= 63; or [rows, n] bool or
                uint8, non-zero for player kept, any n. Arrays, tensors or sequences.
            out: a contiguous buffer of the result's shape, dtype and device, to write into.

        Returns:
            [rows, *sample.shape], bit for bit elements of sample and baseline: `out`, or a new array or
            tensor.

        Raises:
            ArgumentError: no rows, a subset outside 0..2**n-1, masks of another length than n, or `out` does
                not match.
            ArgumentTypeError: subsets that are neither integers nor masks, or `out` of another type.
            NotEnoughMemoryError: the batch cannot fit.

        A compiled kernel reads sample, baseline and player and writes the batch: no mask of the sample's
        shape exists. Without one, on other devices, the masks of the rows are gathered by element.
        """
        selection = as_selection(subsets, self.n)
        if out is None:
            out = self.empty(len(selection))
        else:
            self._check_out(out, len(selection))
        if not isinstance(out, np.ndarray):
            if _cuda.usable(out):
                return self._select_cuda(selection, out)
            if out.device.type != "cpu":
                return self._select(selection, out)
        element_bytes = _element_bytes(self.sample)
        kernel = _core.masked_batch if selection.ndim == 1 else _core.masked_batch_from_masks
        sample, baseline, target = (_memory(x) for x in (self.sample, self.baseline, out))
        kernel(
            element_bytes,
            self.player.size,
            sample,
            baseline,
            self.player,
            self.n,
            len(selection),
            selection,
            target,
        )
        return out

    def empty(self, rows: int) -> Array:
        """An uninitialised batch buffer for `rows` rows, to be given to `batch` as `out`."""
        shape = (rows, *self.sample.shape)
        if isinstance(self.sample, np.ndarray) or self.sample.device.type == "cpu":
            require_memory(rows * self.row_bytes, f"a batch of {rows} masked samples")
        if isinstance(self.sample, np.ndarray):
            return np.empty(shape, self.sample.dtype)
        return self.sample.new_empty(shape)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of a batch."""
        return self.player.size * _element_bytes(self.sample)

    def _check_out(self, out: Array, rows: int) -> None:
        shape = (rows, *self.sample.shape)
        if _kind(out) != _kind(self.sample):
            raise ArgumentTypeError("out", _kind(out), f"of the sample's kind, {_kind(self.sample)}")
        if tuple(out.shape) != shape:
            raise ArgumentError("out", f"shape {tuple(out.shape)}", f"of shape {shape}")
        usable = (
            out.flags.c_contiguous and out.flags.writeable
            if isinstance(out, np.ndarray)
            else out.is_contiguous()
        )
        if not usable:
            raise ArgumentError("out", "read-only or strided", "contiguous and writeable")

    @cached_property
    def _owner(self) -> torch.Tensor:
        """Player of each element on the sample's device; n stands for never masked."""
        import torch

        owner = np.where(self.player < 0, self.n, self.player).astype(np.int32)
        return torch.from_numpy(owner).to(torch.as_tensor(self.sample).device)

    def _select_cuda(self, selection: Selection, out: torch.Tensor) -> torch.Tensor:
        import torch

        chosen = torch.from_numpy(selection).to(out.device)
        kernel = _core.cuda_masked_batch if chosen.ndim == 1 else _core.cuda_masked_batch_from_masks
        kernel(
            *_cuda.place(out),
            _element_bytes(self.sample),
            self.player.size,
            _memory(self.sample),
            _memory(self.baseline),
            self._owner.data_ptr(),
            self.n,
            len(chosen),
            chosen.data_ptr(),
            out.data_ptr(),
        )
        return out

    def _select(self, selection: Selection, out: torch.Tensor) -> torch.Tensor:
        import torch

        sample, baseline, device = torch.as_tensor(self.sample), torch.as_tensor(self.baseline), out.device
        chosen = torch.from_numpy(selection).to(device)
        if chosen.ndim == 1:
            chosen = chosen[:, None] >> torch.arange(self.n, device=device) & 1
        # The last column stands for elements that are never masked.
        keep = torch.ones((len(chosen), self.n + 1), dtype=torch.bool, device=device)
        keep[:, : self.n] = chosen != 0
        mask = keep.index_select(1, self._owner).view(out.shape)
        torch.where(mask, sample, baseline, out=out)
        return out


def as_sample(sample: Any, name: str = "sample") -> Array:
    """A contiguous copy of the sample, outside autograd: the caller may write into the original later.

    Raises:
        ArgumentError: no element.
        ArgumentTypeError: not real numbers (or bools) of 1, 2, 4 or 8 bytes.
    """
    x = as_array(sample, name)
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "biuf" or x.dtype.itemsize not in (1, 2, 4, 8):
            raise ArgumentTypeError(
                name, f"dtype {x.dtype}", "of real numbers or bools of 1, 2, 4 or 8 bytes"
            )
        x = np.array(x, dtype=x.dtype.newbyteorder("="), order="C")
    else:
        import torch

        if x.is_complex() or x.is_quantized or x.layout is not torch.strided:
            raise ArgumentTypeError(
                name, f"a {x.layout} tensor of dtype {x.dtype}", "a dense tensor of real numbers"
            )
        x = x.detach().resolve_neg().clone(memory_format=torch.contiguous_format)
    if element_count(x) == 0:
        raise ArgumentError(name, f"shape {tuple(x.shape)}", "of at least one element")
    return x


def as_selection(subsets: Any, n: int, name: str = "subsets") -> Selection:
    """Subsets as contiguous int64 [rows], or keep masks as contiguous uint8 [rows, n]; checked.

    Raises:
        ArgumentError: no rows, a subset outside 0..2**n-1, masks of another length, more than 63 players
            without masks.
        ArgumentTypeError: neither integers [rows] nor bool or uint8 [rows, n].
    """
    array = host_array(as_array(subsets, name))
    if array.ndim not in (1, 2):
        raise ArgumentError(name, f"shape {array.shape}", f"of shape [rows], or masks of shape [rows, {n}]")
    if len(array) == 0:
        raise ArgumentError(name, "an empty batch", "at least one subset")
    if array.ndim == 2:
        if array.dtype not in (np.bool_, np.uint8):
            raise ArgumentTypeError(name, f"masks of dtype {array.dtype}", "masks of dtype bool or uint8")
        if array.shape[1] != n:
            raise ArgumentError(
                name, f"masks of length {array.shape[1]}", f"masks of length {n}, one entry a player"
            )
        return np.ascontiguousarray(array).view(np.uint8)
    if array.dtype.kind not in "iu":
        raise ArgumentTypeError(name, f"dtype {array.dtype}", f"of integers, or masks of shape [rows, {n}]")
    if n > MAX_SUBSET_PLAYERS:
        raise ArgumentError(
            name,
            f"integers for {n} players",
            f"masks of shape [rows, {n}] above {MAX_SUBSET_PLAYERS} players",
        )
    for subset in (int(array.min()), int(array.max())):
        if not 0 <= subset < 1 << n:
            raise ArgumentError(name, subset, f"subsets from 0 to 2**{n} - 1 = {(1 << n) - 1}")
    return np.ascontiguousarray(array, dtype=np.int64)


def element_count(x: Array) -> int:
    """The number of elements of an array or a tensor."""
    return x.size if isinstance(x, np.ndarray) else x.numel()


def host_array(x: Array) -> npt.NDArray[Any]:
    """X as a numpy array; what numpy cannot hold (bfloat16) as float32, which holds it exactly."""
    if isinstance(x, np.ndarray):
        return x
    x = x.detach().resolve_neg().cpu()
    try:
        return x.numpy()
    except TypeError:
        return x.float().numpy()


def _kind(x: Any) -> str:
    """What two arrays of one batch must have in common: numpy or torch, dtype, device."""
    if isinstance(x, np.ndarray):
        return f"a numpy array of {x.dtype}"
    return f"a tensor of {x.dtype} on {x.device}" if is_tensor(x) else type(x).__name__


def _element_bytes(x: Array) -> int:
    return x.itemsize if isinstance(x, np.ndarray) else x.element_size()


def _memory(x: Array) -> Any:
    return x if isinstance(x, np.ndarray) else x.data_ptr()
