"""The subset functions on torch tensors: the same answers as on arrays, as tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.subsets import masks_to_subsets, rank_subsets, subsets_to_masks, unrank_subsets

INTEGER_DTYPES = [
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.uint16,
    torch.int32,
    torch.uint32,
    torch.int64,
    torch.uint64,
]


@pytest.mark.parametrize("dtype", INTEGER_DTYPES)
@pytest.mark.parametrize(
    "function",
    [
        rank_subsets,
        lambda subsets: subsets_to_masks(subsets, 6),
        lambda subsets: unrank_subsets(subsets, 9, 4),
        lambda subsets: masks_to_subsets(subsets_to_masks(subsets, 6)),
    ],
)
def test_tensors_and_arrays_agree(function: Callable[[Any], Any], dtype: torch.dtype) -> None:
    subsets = np.arange(60).reshape(3, 4, 5)
    found, expected = function(torch.from_numpy(subsets).to(dtype)), function(subsets)
    assert torch.is_tensor(found)
    assert found.dtype == torch.from_numpy(expected).dtype
    np.testing.assert_array_equal(found.numpy(), expected)


def test_strided_tensors() -> None:
    subsets = torch.arange(64).reshape(8, 8).T[::2]
    assert torch.equal(masks_to_subsets(subsets_to_masks(subsets, 6)), subsets)
    masks = subsets_to_masks(subsets, 6)
    assert torch.equal(masks_to_subsets(masks.transpose(0, 1)), subsets.T)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rank_subsets(torch.tensor([-1])), ArgumentError, "subsets: got the entry -1"),
        (lambda: subsets_to_masks(torch.tensor([8]), 3), ArgumentError, "subsets: got the entry 8"),
        (lambda: masks_to_subsets(torch.ones(2, 4, dtype=torch.bool), n=3), ArgumentError, "4 columns"),
        (lambda: masks_to_subsets(torch.tensor([[2]])), ArgumentError, "integers other than 0 and 1"),
        (lambda: masks_to_subsets(torch.ones(2, 3)), ArgumentTypeError, "masks: got dtype torch.float32"),
        (lambda: rank_subsets(torch.ones(2, dtype=torch.half)), ArgumentTypeError, "dtype torch.float16"),
        (lambda: rank_subsets(torch.ones(2, dtype=torch.bool)), ArgumentTypeError, "subsets: got dtype bool"),
        (lambda: unrank_subsets(torch.ones(2) * 1j, 4, 2), ArgumentTypeError, "ranks: got dtype"),
    ],
)
def test_bad_tensors_are_named(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
