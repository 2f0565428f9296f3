"""Enumeration, rank and masks against their definitions; no torch needed."""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np
import pytest
import reference
from harsanyi.errors import ArgumentError, ArgumentTypeError, NotEnoughMemoryError
from harsanyi.subsets import (
    all_subsets,
    masks_to_subsets,
    orders,
    players_of,
    rank_subsets,
    subsets_of_order,
    subsets_to_masks,
    subsets_up_to_order,
    unrank_subsets,
)
from hypothesis import given, strategies as st

INTEGER_DTYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", ">i4", ">u8"]
TOP = 2**63 - 1


@pytest.mark.parametrize("n", range(13))
def test_orders_are_popcounts(n: int) -> None:
    table = orders(n)
    assert table.dtype == np.int64
    np.testing.assert_array_equal(table, reference.popcounts(n))


def test_orders_of_a_large_lattice() -> None:
    table = orders(20)
    assert [int((table == m).sum()) for m in range(21)] == [comb(20, m) for m in range(21)]
    for subset in (0, 1, 0b1011 << 13, 2**20 - 1):
        assert table[subset] == reference.size(subset)


@pytest.mark.parametrize("n", range(11))
def test_subsets_of_order_are_the_combinations(n: int) -> None:
    for k in range(n + 1):
        subsets = subsets_of_order(n, k)
        assert subsets.dtype == np.int64
        assert subsets.tolist() == reference.sets_of_order(n, k)


@pytest.mark.parametrize(("n", "k"), [(63, 0), (63, 1), (63, 2), (63, 62), (63, 63), (62, 61), (40, 3)])
def test_subsets_of_order_of_many_players(n: int, k: int) -> None:
    assert subsets_of_order(n, k).tolist() == reference.sets_of_order(n, k)


@pytest.mark.parametrize("n", range(9))
def test_subsets_up_to_order_go_by_order_then_integer(n: int) -> None:
    for k in range(n + 1):
        expected = [s for m in range(k + 1) for s in reference.sets_of_order(n, m)]
        assert subsets_up_to_order(n, k).tolist() == expected
    assert sorted(subsets_up_to_order(n, n).tolist()) == all_subsets(n).tolist() == list(range(1 << n))


@pytest.mark.parametrize(("n", "k"), [(0, 0), (1, 0), (1, 1), (7, 3), (12, 6), (63, 2), (63, 61)])
def test_rank_is_the_position_and_unrank_its_inverse(n: int, k: int) -> None:
    subsets = subsets_of_order(n, k)
    positions = np.arange(comb(n, k))
    np.testing.assert_array_equal(rank_subsets(subsets), positions)
    np.testing.assert_array_equal(unrank_subsets(positions, n, k), subsets)


@given(st.integers(0, TOP))
def test_rank_follows_the_combinatorial_number_system(subset: int) -> None:
    expected = sum(comb(player, i + 1) for i, player in enumerate(reference.members(subset)))
    assert rank_subsets(np.array(subset)) == expected
    assert unrank_subsets(np.array(expected), 63, reference.size(subset)) == subset


@given(st.integers(0, 63), st.data())
def test_masks_are_the_bits(n: int, data: st.DataObject) -> None:
    subsets = data.draw(st.lists(st.integers(0, 2**n - 1), max_size=8))
    masks = subsets_to_masks(np.array(subsets, dtype=np.int64), n)
    assert masks.dtype == np.bool_
    assert masks.shape == (len(subsets), n)
    assert [reference.subset_of(tuple(np.flatnonzero(mask).tolist())) for mask in masks] == subsets
    back = masks_to_subsets(masks, n=n)
    assert back.dtype == np.int64
    assert back.tolist() == subsets


@given(st.integers(0, 2**80))
def test_players_of_are_the_bits_of_any_integer(subset: int) -> None:
    assert players_of(subset) == reference.members(subset)
    assert sum(1 << i for i in players_of(subset)) == subset


def test_players_of_takes_numpy_integers() -> None:
    assert players_of(np.uint8(5)) == (0, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", INTEGER_DTYPES)
def test_every_integer_dtype_is_taken_exactly(dtype: str) -> None:
    subsets = np.array([[3, 5], [6, 96]], dtype=dtype)
    assert rank_subsets(subsets).tolist() == [[0, 1], [2, 20]]
    np.testing.assert_array_equal(masks_to_subsets(subsets_to_masks(subsets, 7)), subsets)
    assert unrank_subsets(np.array([0, 2], dtype=dtype), 4, 2).tolist() == [3, 6]
    assert masks_to_subsets(np.array([[1, 0, 1]], dtype=dtype)).tolist() == [5]


def test_shapes_are_kept() -> None:
    subsets = np.arange(24).reshape(2, 3, 4)
    assert rank_subsets(subsets).shape == (2, 3, 4)
    assert rank_subsets(np.array(6)).shape == ()
    assert subsets_to_masks(subsets, 6).shape == (2, 3, 4, 6)
    assert subsets_to_masks(np.array(6), 6).tolist() == [False, True, True, False, False, False]
    assert masks_to_subsets(np.ones((2, 3, 5), bool)).shape == (2, 3)
    assert masks_to_subsets(np.ones(5, bool)) == 31


def test_layouts_do_not_matter() -> None:
    subsets = np.arange(60).reshape(5, 12)
    repeated = np.broadcast_to(np.int64(9), (3, 2))
    for view in (subsets.T, subsets[::-1, ::3], repeated, np.asfortranarray(subsets)):
        view.setflags(write=False)
        np.testing.assert_array_equal(rank_subsets(view), rank_subsets(view.copy()))
        masks = subsets_to_masks(view, 6)
        np.testing.assert_array_equal(masks_to_subsets(np.asfortranarray(masks)), view)
        backwards = masks[..., ::-1]
        np.testing.assert_array_equal(masks_to_subsets(backwards), backwards @ (1 << np.arange(6)))


def test_empty_lists_and_no_players() -> None:
    assert rank_subsets([]).dtype == np.int64  # type: ignore[type-var]
    assert subsets_to_masks([], 5).shape == (0, 5)  # type: ignore[type-var]
    assert masks_to_subsets(np.ones((0, 5), bool)).shape == (0,)
    assert masks_to_subsets(np.ones((3, 0), bool)).tolist() == [0, 0, 0]
    assert subsets_to_masks(np.zeros(3, int), 0).shape == (3, 0)
    for subsets in (subsets_of_order(0, 0), subsets_up_to_order(0, 0), all_subsets(0)):
        assert subsets.tolist() == [0]


@pytest.mark.parametrize(
    ("call", "needs"),
    [
        (lambda: subsets_of_order(60, 30), "840 PiB"),  # 8 C(60, 30) bytes
        (lambda: subsets_up_to_order(60, 60), r"8.19e\+03 PiB"),
        (lambda: all_subsets(63), r"6.55e\+04 PiB"),
        (lambda: all_subsets(52), "32 PiB"),
    ],
)
def test_a_list_that_cannot_fit_says_what_it_needs(call: Callable[[], Any], needs: str) -> None:
    with pytest.raises(NotEnoughMemoryError, match=f"needs ({needs})"):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: orders(31), "n: got 31, .* from 0 to 30"),
        (lambda: orders(-1), "n: got -1"),
        (lambda: all_subsets(64), "n: got 64, .* from 0 to 63"),
        (lambda: subsets_of_order(64, 2), "n: got 64"),
        (lambda: subsets_of_order(5, 6), "k: got 6, .* from 0 to 5"),
        (lambda: subsets_of_order(5, -1), "k: got -1"),
        (lambda: subsets_up_to_order(5, 6), "k: got 6"),
        (lambda: rank_subsets(np.array([3, -1])), "subsets: got the entry -1"),
        (lambda: rank_subsets(np.array([2**63], dtype=np.uint64)), f"subsets: got the entry {2**63}"),
        (lambda: unrank_subsets(np.array([6]), 4, 2), "ranks: got the entry 6, .* 0 to 5"),
        (lambda: unrank_subsets(np.array([-1]), 4, 2), "ranks: got the entry -1"),
        (lambda: unrank_subsets(np.array([0]), 4, 5), "k: got 5"),
        (lambda: subsets_to_masks(np.array([7, 8]), 3), "subsets: got the entry 8, .* 3 players, 0 to 7"),
        (lambda: subsets_to_masks(np.array([-8]), 3), "subsets: got the entry -8"),
        (lambda: subsets_to_masks(np.array([8]), 64), "n: got 64"),
        (lambda: masks_to_subsets(np.ones((2, 64), bool)), "masks: got 64 columns, .* at most 63"),
        (lambda: masks_to_subsets(np.ones((2, 4), bool), n=5), "masks: got 4 columns, .* 5 columns"),
        (lambda: masks_to_subsets(np.ones((2, 6), bool), n=5), "masks: got 6 columns, .* 5 columns"),
        (lambda: masks_to_subsets(np.array([[0, 2]])), "masks: got integers other than 0 and 1"),
        (lambda: masks_to_subsets(np.array(True)), "masks: got a scalar"),
        (lambda: players_of(-1), "subset: got -1"),
    ],
)
def test_values_out_of_range_are_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: orders(3.0), "n: got 3.0"),  # type: ignore[arg-type]
        (lambda: orders(True), "n: got True"),
        (lambda: subsets_of_order(5, "2"), "k: got '2'"),  # type: ignore[arg-type]
        (lambda: rank_subsets(np.array([1.0])), "subsets: got dtype float64"),
        (lambda: rank_subsets(np.array([True])), "subsets: got dtype bool"),
        (lambda: rank_subsets(np.array([1 + 0j])), "subsets: got dtype complex128"),
        (lambda: rank_subsets([2**64]), "subsets: got dtype object"),  # type: ignore[type-var]
        (lambda: rank_subsets([[1], [1, 2]]), "subsets: got list"),  # type: ignore[type-var]
        (lambda: subsets_to_masks(np.array([1.0]), 3), "subsets: got dtype float64"),
        (lambda: subsets_to_masks(np.zeros(0), 3), "subsets: got dtype float64"),
        (lambda: unrank_subsets(np.array([0.0]), 4, 2), "ranks: got dtype float64"),
        (lambda: masks_to_subsets(np.array([[1.0, 0.0]])), "masks: got dtype float64"),
        (lambda: masks_to_subsets(np.ones((1, 2), bool), n=2.0), "n: got 2.0"),  # type: ignore[call-overload]
        (lambda: players_of(1.0), "subset: got 1.0"),  # type: ignore[arg-type]
        (lambda: players_of(True), "subset: got True"),
    ],
)
def test_other_types_are_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentTypeError, match=message):
        call()
