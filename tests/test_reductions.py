"""Sums by order against a loop over all subsets, for arrays and tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference
import torch
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.reductions import OrderSums, reduce_orders
from harsanyi.subsets import orders
from hypothesis import given, strategies as st

FIELDS = ("sum", "absolute", "positive", "negative", "count")


def check(found: OrderSums[Any], x: Any, threshold: float, salient_only: bool) -> None:
    """Every vector of a batch against the loop."""
    n = x.shape[-1].bit_length() - 1
    rows = x.reshape(-1, 1 << n)
    for name in FIELDS:
        values = np.asarray(getattr(found, name))
        assert values.shape == (*x.shape[:-1], n + 1)
        assert values.dtype == (np.int64 if name == "count" else np.float64)
        for row, got in zip(rows, values.reshape(-1, n + 1), strict=True):
            expected = reference.order_sums(row, threshold, salient_only)[name]
            scale = reference.order_sums(row, threshold, salient_only)["absolute"]
            if name == "count":
                np.testing.assert_array_equal(got, expected)
            else:
                assert (np.abs(got - expected) <= 1e-15 * (n + 1) * scale).all()


@pytest.mark.parametrize("salient_only", [False, True])
@pytest.mark.parametrize("threshold", [None, 0.0, 0.7, 1e9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 8, 11])
def test_sums_equal_the_loop(n: int, dtype: Any, threshold: float | None, salient_only: bool) -> None:
    x = (np.random.default_rng(n).normal(size=(3, 1 << n)) * 2).astype(dtype)
    x[:, ::3] = 0  # neither positive nor negative, never salient
    found = reduce_orders(x, threshold=threshold, salient_only=salient_only)
    check(found, x, threshold or 0.0, salient_only)


def test_sums_of_a_large_vector() -> None:
    n = 20
    x = np.random.default_rng(0).normal(size=1 << n)
    order = orders(n)
    found = reduce_orders(x, threshold=1.0)
    np.testing.assert_allclose(found.sum, np.bincount(order, x), atol=1e-9)
    np.testing.assert_allclose(found.absolute, np.bincount(order, np.abs(x)), rtol=1e-12)
    np.testing.assert_array_equal(found.count, np.bincount(order, np.abs(x) > 1.0))


@given(st.integers(0, 6), st.integers(0, 2**32), st.floats(0, 2), st.booleans())
def test_parts_add_up(n: int, seed: int, threshold: float, salient_only: bool) -> None:
    x = np.random.default_rng(seed).normal(size=(2, 1 << n))
    found = reduce_orders(x, threshold=threshold, salient_only=salient_only)
    np.testing.assert_array_equal(found.positive - found.negative, found.sum)
    np.testing.assert_array_equal(found.positive + found.negative, found.absolute)
    assert (found.positive >= 0).all()
    assert (found.negative >= 0).all()
    np.testing.assert_array_equal(found.count.sum(-1), (np.abs(x) > threshold).sum(-1))
    kept = np.where((np.abs(x) > threshold) | (not salient_only), x, 0)
    np.testing.assert_allclose(found.sum.sum(-1), kept.sum(-1), atol=1e-12)


def test_one_threshold_per_vector() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 32))
    limits = np.array([[0.1, 0.5, 1.0], [2.0, 0.0, 0.7]])
    found = reduce_orders(x, threshold=limits, salient_only=True)
    for index in np.ndindex(2, 3):
        alone = reduce_orders(x[index], threshold=limits[index], salient_only=True)
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(found, name)[index], getattr(alone, name))
    spread = reduce_orders(x, threshold=limits[:, :1]).count  # broadcasts like any array
    np.testing.assert_array_equal(spread[1, 2], reduce_orders(x[1, 2], threshold=2.0).count)
    as_tensor = reduce_orders(x, threshold=torch.tensor(limits), salient_only=True)
    np.testing.assert_array_equal(as_tensor.count, found.count)


def test_an_entry_at_the_threshold_is_not_salient() -> None:
    assert reduce_orders(np.array([0.5, -0.5, 0.5, 0.75]), threshold=0.5).count.tolist() == [0, 0, 1]
    x = np.array([0.1, 0.3], dtype=np.float32)  # compared as float64: float32(0.1) > 0.1
    assert reduce_orders(x, threshold=0.1).count.tolist() == [1, 1]


@pytest.mark.parametrize("salient_only", [False, True])
@pytest.mark.parametrize("convert", [lambda x: x, lambda x: torch.tensor(x, requires_grad=True)])
def test_a_nan_is_seen_in_its_order_only(convert: Callable[[Any], Any], salient_only: bool) -> None:
    x = np.arange(8.0)
    x[3] = np.nan
    found = reduce_orders(convert(x), salient_only=salient_only)
    for name in ("sum", "absolute", "negative"):
        assert [value != value for value in getattr(found, name).tolist()] == [False, False, True, False]
    assert found.positive.tolist() == [0, 1 + 2 + 4, 5 + 6, 7]
    assert found.count.tolist() == [0, 3, 3, 1]


@pytest.mark.parametrize(
    "view",
    [
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1, ::-1][::-1, ::-1],
        lambda x: np.broadcast_to(x[:1], x.shape),
        lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
    ],
)
def test_layouts_do_not_matter(view: Callable[[Any], Any]) -> None:
    x = view(np.random.default_rng(1).normal(size=(4, 64)))
    x.setflags(write=False)
    found, expected = reduce_orders(x, threshold=0.3), reduce_orders(np.array(x, order="C"), threshold=0.3)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_tiers_and_threads_give_the_same_bits(kernel_settings: None) -> None:
    x = np.random.default_rng(2).normal(size=(6, 1 << 13))
    expected = reduce_orders(x, threshold=0.5)
    isas = hs.build_config()["isas"]
    assert isinstance(isas, list)
    for isa in isas:
        for threads in (1, 2, 3, 5):
            hs.set_isa(isa)
            hs.set_num_threads(threads)
            found = reduce_orders(x, threshold=0.5)
            for name in FIELDS:
                assert getattr(found, name).tobytes() == getattr(expected, name).tobytes()


@pytest.mark.parametrize("salient_only", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_tensors_give_tensors(dtype: torch.dtype, salient_only: bool) -> None:
    x = (torch.randn(2, 3, 64, generator=torch.Generator().manual_seed(0)) * 3).to(dtype)
    found = reduce_orders(x, threshold=0.4, salient_only=salient_only)
    expected = reduce_orders(x.numpy(), threshold=0.4, salient_only=salient_only)
    watched = reduce_orders(x.double().requires_grad_(), threshold=0.4, salient_only=salient_only)
    strided = reduce_orders(x.transpose(0, 1), threshold=0.4, salient_only=salient_only)
    for name in FIELDS:
        values = getattr(found, name)
        assert torch.is_tensor(values)
        np.testing.assert_array_equal(values.numpy(), getattr(expected, name))
        assert torch.equal(getattr(strided, name).transpose(0, 1), values)
        torch.testing.assert_close(getattr(watched, name).detach(), values, rtol=1e-12, atol=1e-12)
        assert getattr(watched, name).requires_grad == (name != "count")


@pytest.mark.parametrize("salient_only", [False, True])
def test_gradients(salient_only: bool) -> None:
    x = torch.randn(2, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    limits = torch.tensor([0.3, 0.6])

    def parts(y: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = reduce_orders(y, threshold=limits, salient_only=salient_only)
        return found.sum, found.absolute, found.positive, found.negative

    assert torch.autograd.gradcheck(parts, (x,))
    assert torch.autograd.gradgradcheck(parts, (x,))


def test_the_gradient_at_zero_is_that_of_torch() -> None:
    x = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    for name in ("absolute", "positive", "negative"):
        (gradient,) = torch.autograd.grad(getattr(reduce_orders(x), name).sum(), x)
        assert gradient.tolist() == [0.0] * 4
    (gradient,) = torch.autograd.grad(reduce_orders(x).sum.sum(), x)
    assert gradient.tolist() == [1.0] * 4


def test_vmap_and_meta() -> None:
    x = torch.randn(3, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    mapped = torch.vmap(lambda row: reduce_orders(row, threshold=0.5).absolute)(x)
    torch.testing.assert_close(mapped, reduce_orders(x, threshold=0.5).absolute)
    assert reduce_orders(torch.empty(3, 16, device="meta")).sum.shape == (3, 5)


def test_the_record_is_frozen() -> None:
    found = reduce_orders(np.ones(4))
    with pytest.raises(FrozenInstanceError):
        found.sum = np.zeros(3)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (np.ones(6), {}, "x: got a last axis of length 6"),
        (np.ones((0, 8)), {}, "x: got an empty batch"),
        (np.array(1.0), {}, "x: got a scalar"),
        (np.ones(8), {"threshold": -0.1}, "threshold: got a negative number or NaN"),
        (np.ones(8), {"threshold": np.nan}, "threshold: got a negative number or NaN"),
        (np.ones((2, 8)), {"threshold": [0.1, 0.2, 0.3]}, r"threshold: got shape \(3,\), .* shape \(2,\)"),
        (np.ones(8), {"threshold": [0.1, 0.2]}, r"threshold: got shape \(2,\)"),
        (torch.ones(2, 8, requires_grad=True), {"threshold": [0.1, 0.2, 0.3]}, "threshold: got shape"),
    ],
)
def test_bad_values_are_named(x: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        reduce_orders(x, **options)


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (np.ones(8, np.float16), {}, "x: got dtype float16"),
        (np.ones(8, complex), {}, "x: got dtype complex128"),
        (np.ones(8, np.int32), {}, "x: got dtype int32"),
        (torch.ones(8, dtype=torch.bfloat16), {}, "x: got dtype torch.bfloat16"),
        (["a", "b"], {}, "x: got dtype <U1"),
        (np.ones(8), {"threshold": "high"}, "threshold: got high"),
    ],
)
def test_other_types_are_named(x: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentTypeError, match=message):
        reduce_orders(x, **options)
