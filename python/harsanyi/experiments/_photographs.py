"""Small colour images cut from two photographs; no pixel is in both the training and the test part."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BANDS", "cut_photographs"]

SIZE = 32  # pixels a side of a crop
BANDS = ("top", "middle", "bottom")
_BLOCK, _STRIDE = 47, 5  # pixels: blocks do not overlap, the crops of one block do
_TEST_SHARE = 0.2

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def cut_photographs(
    photographs: list[npt.NDArray[np.uint8]], *, seed: int
) -> tuple[tuple[Images, Labels], tuple[Images, Labels]]:
    """Crops of 32x32 pixels with the photograph and the third of its height that each was cut from.

    Photographs are divided into blocks of 47x47 pixels; a fifth of the blocks of every class, at random,
    gives the test crops, the others the training crops, 16 each. What is left at the right and the lower edge
    is not used.

    Args:
        photographs: [height, width, 3], 0..255, of at least 141 rows and 47 columns.
        seed: of the choice of blocks and of the order.

    Returns:
        The train and the test part, each images [crops, 3, 32, 32] in 0..1 and labels [crops]: `3 p + b` for
        band b of photograph p.

    Example:
        >>> import numpy as np
        >>> from harsanyi.experiments._photographs import cut_photographs
        >>> train, test = cut_photographs([np.zeros((150, 240, 3), np.uint8)], seed=0)
        >>> train[0].shape, test[0].shape
        ((192, 3, 32, 32), (48, 3, 32, 32))
    """
    generator = np.random.default_rng(seed)
    parts: tuple[list[Images], list[Images]] = [], []
    labels: tuple[list[int], list[int]] = [], []
    for number, photograph in enumerate(photographs):
        rows, columns = photograph.shape[0] // _BLOCK, photograph.shape[1] // _BLOCK
        band = np.arange(rows) * len(BANDS) // rows
        for b in range(len(BANDS)):
            blocks = [(r, c) for r in np.flatnonzero(band == b) for c in range(columns)]
            order = generator.permutation(len(blocks))
            for place, block in enumerate(order):
                test = place < round(_TEST_SHARE * len(blocks))
                row, column = (_BLOCK * int(at) for at in blocks[block])
                crops = _crops(photograph[row : row + _BLOCK, column : column + _BLOCK])
                parts[test].append(crops)
                labels[test].extend([len(BANDS) * number + b] * len(crops))
    train, test_part = (
        _shuffled(np.concatenate(x), np.array(y, dtype=np.int64), generator)
        for x, y in zip(parts, labels, strict=True)
    )
    return train, test_part


def _crops(block: npt.NDArray[np.uint8]) -> Images:
    """[crops, 3, 32, 32] in 0..1."""
    windows = np.lib.stride_tricks.sliding_window_view(block, (SIZE, SIZE), axis=(0, 1))
    chosen = windows[::_STRIDE, ::_STRIDE].reshape(-1, block.shape[-1], SIZE, SIZE)
    return (chosen / np.float32(255)).astype(np.float32)


def _shuffled(x: Images, y: Labels, generator: np.random.Generator) -> tuple[Images, Labels]:
    order = generator.permutation(len(x))
    return x[order], y[order]
