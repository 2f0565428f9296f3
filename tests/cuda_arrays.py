"""Reductions, subsets and masked batches on tensors through the CUDA plugin; arrays go to the CPU's kernels.

`simulated_cuda` runs this file, with a plugin that needs no device or on one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi import _core, _cuda
from harsanyi.games.masking import Masking
from harsanyi.reductions import player_sums
from harsanyi.sampling import sample_masks, sample_subsets
from harsanyi.subsets import masks_to_subsets, rank_subsets, subsets_to_masks, unrank_subsets
from simulated_cuda import DEVICE, through_plugin  # noqa: F401

pytestmark = pytest.mark.usefixtures("through_plugin")

KERNELS = [name for name in vars(_core) if name.startswith("cuda_") and name != "cuda_available"]
SHAPES = ((1,), (2,), (7, 4), (2, 3, 64), (3, 1 << 11), (1 << 15,))
FIELDS = ("sum", "absolute", "positive", "negative", "count")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each kernel of the plugin is called."""
    seen: Counter[str] = Counter()

    def watch(name: str) -> None:
        kernel = getattr(_core, name)

        def watched(*arguments: Any) -> Any:
            seen[name] += 1
            return kernel(*arguments)

        monkeypatch.setattr(_core, name, watched)

    for name in KERNELS:
        watch(name)
    return seen


def array(shape: tuple[int, ...], dtype: Any = np.float64) -> Any:
    x = np.random.default_rng(0).normal(size=shape)
    return (10 * x).astype(dtype) if np.dtype(dtype).kind == "i" else x.astype(dtype)


def there(x: Any) -> torch.Tensor:
    return torch.as_tensor(x).to(DEVICE)


def assert_same(found: Any, expected: Any) -> None:
    assert torch.is_tensor(found)
    assert found.device.type == DEVICE
    here = found.detach().cpu().numpy()
    assert here.dtype == expected.dtype
    np.testing.assert_array_equal(here, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("salient_only", [False, True])
def test_orders(dtype: Any, salient_only: bool, calls: Counter[str]) -> None:
    for number, shape in enumerate(SHAPES, start=1):
        x = array(shape, dtype)
        thresholds = (None, 0.5, np.linspace(0.1, 1, int(np.prod(shape[:-1]))).reshape(shape[:-1]))
        threshold = thresholds[number % 3]
        expected = hs.reduce_orders(x, threshold=threshold, salient_only=salient_only)
        found = hs.reduce_orders(there(x), threshold=threshold, salient_only=salient_only)
        for field in FIELDS:
            assert getattr(found, field).device.type == DEVICE
            torch.testing.assert_close(
                getattr(found, field).cpu(),
                torch.from_numpy(getattr(expected, field)),
                rtol=1e-12,
                atol=1e-12,
            )
        assert calls["cuda_reduce_orders"] == number


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [hs.shapley_values, hs.banzhaf_values])
def test_players(dtype: Any, function: Callable[[Any], Any], calls: Counter[str]) -> None:
    for number, shape in enumerate(SHAPES, start=1):
        x = array(shape, dtype)
        found, expected = function(there(x)), function(x)
        assert found.shape == expected.shape
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        torch.testing.assert_close(found.cpu(), torch.from_numpy(expected), rtol=tolerance, atol=tolerance)
        assert calls["cuda_player_sums"] == number


def test_weights_by_order_count_in_full(calls: Counter[str]) -> None:
    x = np.ones((2, 32), np.float32)
    weights = np.array([0.0, 1e-3, 0.25, 3.0, 7.5, 11.0]) + 2**-40  # more digits than float32 holds
    found = player_sums(there(x), 5, weights)
    torch.testing.assert_close(found.cpu(), torch.from_numpy(player_sums(x, 5, weights)), rtol=0, atol=0)
    assert calls["cuda_player_sums"] == 1


def test_views_and_gradients(calls: Counter[str]) -> None:
    x = there(array((6, 2, 64)))
    strided = x.transpose(0, 1)[:, ::2]
    expected = hs.reduce_orders(strided.cpu().numpy())
    torch.testing.assert_close(hs.reduce_orders(strided).sum.cpu(), torch.from_numpy(expected.sum))
    assert calls["cuda_reduce_orders"] == 1
    watched = x.clone().requires_grad_()  # autograd cannot look into a kernel
    hs.reduce_orders(watched).sum.sum().backward()
    hs.shapley_values(watched).sum().backward()
    assert watched.grad is not None
    assert calls["cuda_reduce_orders"] == 1
    assert calls["cuda_player_sums"] == 0


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_subsets(dtype: str, calls: Counter[str]) -> None:
    sets = np.arange(60).reshape(3, 4, 5)
    moved = torch.from_numpy(sets).to(getattr(torch, dtype)).to(DEVICE)
    masks = subsets_to_masks(sets, 6)
    assert_same(rank_subsets(moved), rank_subsets(sets))
    assert_same(unrank_subsets(moved, 9, 4), unrank_subsets(sets, 9, 4))
    assert_same(subsets_to_masks(moved, 6), masks)
    assert_same(masks_to_subsets(there(masks)), sets)
    assert_same(masks_to_subsets(there(masks).to(moved.dtype), n=6), sets)
    assert_same(masks_to_subsets(there(masks).transpose(0, 1)), sets.swapaxes(0, 1))
    assert [calls[f"cuda_{name}_subsets"] for name in ("rank", "unrank")] == [1, 1]
    assert calls["cuda_masks_from_subsets"] == 1
    assert calls["cuda_subsets_from_masks"] == 3


def test_subsets_of_no_entry_and_of_no_player() -> None:
    empty = there(np.empty((0, 3), np.int64))
    assert rank_subsets(empty).shape == (0, 3)
    assert subsets_to_masks(empty, 4).shape == (0, 3, 4)
    assert masks_to_subsets(there(np.empty((5, 0), bool))).tolist() == [0] * 5
    assert subsets_to_masks(there(np.zeros(2, np.int64)), 0).shape == (2, 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rank_subsets(there([-1])), ValueError, "subsets: got the entry -1"),
        (lambda: rank_subsets(there([True])), TypeError, "subsets: got dtype torch.bool"),
        (lambda: subsets_to_masks(there([2, 8]), 3), ValueError, "subsets: got the entry 8"),
        (lambda: unrank_subsets(there([6]), 4, 2), ValueError, "ranks: got the entry 6"),
        (
            lambda: rank_subsets(torch.tensor([2**63], dtype=torch.uint64).to(DEVICE)),
            ValueError,
            f"the entry {2**63}",
        ),
        (lambda: masks_to_subsets(there([[2, 0]])), ValueError, "integers other than 0 and 1"),
        (lambda: masks_to_subsets(there([[-1, 0]])), ValueError, "integers other than 0 and 1"),
        (lambda: masks_to_subsets(there(np.ones((2, 4), bool)), n=3), ValueError, "4 columns"),
    ],
)
def test_what_the_subset_functions_refuse(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float16", "bfloat16", "float32", "int64"])
@pytest.mark.parametrize(("n", "elements"), [(5, 7), (9, 1024), (70, 300)])
def test_masked_batches(dtype: str, n: int, elements: int, calls: Counter[str]) -> None:
    random = np.random.default_rng(1)
    sample, baseline = (
        torch.from_numpy(random.integers(0, 2 if dtype == "bool" else 100, elements)).to(
            getattr(torch, dtype)
        )
        for _ in range(2)
    )
    player = random.integers(-1, n, elements)
    masks = random.random((33, n)) < 0.5
    masking = Masking(sample.to(DEVICE), baseline.to(DEVICE), player, tuple(map(str, range(n))))
    keep = torch.from_numpy(np.c_[masks, np.ones(33, bool)][:, player])  # column -1 is never masked
    expected = torch.where(keep, sample, baseline)
    found = [masking.batch(masks), masking.batch(there(masks))]
    if n <= 63:
        sets = masks_to_subsets(masks)
        found += [masking.batch(sets), masking.batch(sets, out=masking.empty(33))]
    for batch in found:
        assert batch.dtype == sample.dtype
        assert batch.device.type == DEVICE
        assert torch.equal(batch.cpu(), expected)
    assert calls["cuda_masked_batch_from_masks"] == 2
    assert calls["cuda_masked_batch"] == len(found) - 2


@pytest.mark.parametrize(
    ("n", "size", "exclude"), [(9, 4, (3, 8)), (63, 60, ()), (5, 0, range(5)), (4, 4, ())]
)
def test_draws_are_made_on_the_device(n: int, size: int, exclude: Any, calls: Counter[str]) -> None:
    arguments: dict[str, Any] = {"exclude": exclude, "generator": 7}
    for draw in (sample_subsets, sample_masks):
        assert_same(draw(n, size, 33, device=DEVICE, **arguments), draw(n, size, 33, **arguments))
        assert draw(n, size, 0, device=DEVICE, **arguments).shape[0] == 0
    assert calls["cuda_sample_subsets"] == calls["cuda_sample_masks"] == 2


def test_interactions_take_their_sets_from_the_device(calls: Counter[str]) -> None:
    x = array((3, 64))
    found, expected = hs.shapley_interactions(there(x), 3), hs.shapley_interactions(x, 3)
    torch.testing.assert_close(found.cpu(), torch.from_numpy(expected))
    assert calls["cuda_subsets_of_order"] == 4


def test_the_kernels_get_the_device_and_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    x = there(array((8,)))
    masking = Masking(x, torch.zeros_like(x), np.arange(8), tuple("abcdefgh"))
    given = _cuda.place(x)
    places: list[Any] = []

    def place(tensor: torch.Tensor) -> tuple[int, int]:
        places.append(tensor.device)
        return given

    monkeypatch.setattr(_cuda, "place", place)
    hs.reduce_orders(x)
    hs.shapley_values(x)
    rank_subsets(there([1, 2]))
    masking.batch([3])
    assert places == [x.device] * 4
