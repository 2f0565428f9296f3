"""Interaction indices against their definitions on the game itself, and against shapiq."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations
from math import comb, fsum
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference
import torch
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.indices import (
    _additive_table,
    _faithful_shapley_share,
    _k_shapley_share,
    _taylor_share,
    banzhaf_interactions,
    banzhaf_values,
    dividends,
    faithful_banzhaf,
    faithful_shapley,
    k_shapley,
    shapley_interactions,
    shapley_taylor,
    shapley_values,
)
from harsanyi.subsets import orders
from hypothesis import given, strategies as st

Index = Callable[..., Any]
Definition = Callable[[Any, int], Any]

# name: (function, definition on the game, the name in shapiq)
INDICES: dict[str, tuple[Index, Definition, str]] = {
    "SII": (
        shapley_interactions,
        lambda v, k: reference.derivative_index(v, k, reference.sii_weight),
        "SII",
    ),
    "BII": (
        banzhaf_interactions,
        lambda v, k: reference.derivative_index(v, k, reference.bii_weight),
        "BII",
    ),
    "STII": (shapley_taylor, reference.shapley_taylor, "STII"),
    "k-SII": (k_shapley, reference.k_shapley, "k-SII"),
    "FSII": (
        faithful_shapley,
        lambda v, k: reference.faithful(v, k, reference.faithful_shapley_weight, exact_ends=True),
        "FSII",
    ),
    "FBII": (
        faithful_banzhaf,
        lambda v, k: reference.faithful(v, k, reference.faithful_banzhaf_weight, exact_ends=False),
        "FBII",
    ),
}
EFFICIENT = ("STII", "k-SII", "FSII")
ADDITIVE = (*EFFICIENT, "FBII")  # they keep the dividends up to the order and share out those above
ALL = sorted(INDICES)
AT_ORDER_TWO = [partial(INDICES[name][0], order=2) for name in ALL]


def random_game(n: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=1 << n)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("n", range(1, 7))
def test_interactions_equal_their_definition(name: str, n: int) -> None:
    index, definition, _ = INDICES[name]
    v = random_game(n, seed=n)
    a = hs.mobius(v)
    for order in range(1, n + 1):
        np.testing.assert_allclose(index(a, order), definition(v, order), atol=1e-10)


@pytest.mark.parametrize("n", range(1, 7))
def test_values_equal_their_definition(n: int) -> None:
    v = random_game(n, seed=n)
    np.testing.assert_allclose(shapley_values(hs.mobius(v)), reference.shapley_values(v), atol=1e-13)
    banzhaf = reference.derivative_index(v, 1, reference.bii_weight)[1 << np.arange(n)]
    np.testing.assert_allclose(banzhaf_values(hs.mobius(v)), banzhaf, atol=1e-13)


@pytest.mark.parametrize("n", range(15))
@pytest.mark.parametrize("values", [shapley_values, banzhaf_values])
def test_values_are_weighted_sums_of_dividends(values: Index, n: int, kernel_settings: None) -> None:
    """Every size of block and remainder that the kernel knows, to the same bit in every tier."""
    a = np.random.default_rng(n).normal(size=(3, 1 << n))
    sizes, sets = orders(n), np.arange(1 << n)
    shares = a / np.maximum(sizes, 1) if values is shapley_values else a / 2.0 ** (sizes - 1)
    expected = np.array([shares[:, sets >> i & 1 == 1].sum(axis=-1) for i in range(n)]).reshape(n, 3).T
    for dtype in (np.float32, np.float64):
        results = set()
        for isa in hs.build_config()["isas"]:
            for threads in (1, 3):
                hs.set_isa(isa)
                hs.set_num_threads(threads)
                found = values(a.astype(dtype))
                np.testing.assert_allclose(found, expected, atol=4 * np.finfo(dtype).eps * np.abs(a).sum())
                results.add(found.tobytes())
        assert len(results) == 1


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("n", [5, 6, 7])
def test_shapiq_agrees(name: str, n: int) -> None:
    shapiq = pytest.importorskip("shapiq")
    v = random_game(n, seed=10 + n)

    def game(coalitions: Any) -> Any:
        return v[coalitions.astype(np.int64) @ (1 << np.arange(n))]

    index, _, their_name = INDICES[name]
    computer = shapiq.ExactComputer(game, n_players=n)
    for order in {1, 2, 3, 4, n}:
        theirs = computer(their_name, order)
        ours = index(hs.mobius(v), order)
        for players, position in theirs.interaction_lookup.items():
            if players == () and name == "SII" and order == 1:
                continue  # v[0] there, because they then return the Shapley values
            # Its FSII gives the two ends a weight of 1e8, where the definition has a constraint.
            tolerance = 1e-5 if name == "FSII" else 1e-8
            found = ours[reference.subset_of(players)]
            np.testing.assert_allclose(found, theirs.values[position], atol=tolerance)
    values = computer("SV")
    banzhaf = computer("BV")
    for i in range(n):
        np.testing.assert_allclose(shapley_values(hs.mobius(v))[i], values[(i,)], atol=1e-10)
        np.testing.assert_allclose(banzhaf_values(hs.mobius(v))[i], banzhaf[(i,)], atol=1e-10)


@pytest.mark.parametrize("name", EFFICIENT)
@pytest.mark.parametrize("n", [1, 3, 8, 13])
def test_efficient_indices_share_out_the_whole(name: str, n: int) -> None:
    v = random_game(n)
    for order in {1, (n + 1) // 2, n}:
        interactions = INDICES[name][0](hs.mobius(v), order)
        assert interactions[0] == pytest.approx(v[0], abs=1e-12)
        assert interactions[1:].sum() == pytest.approx(v[-1] - v[0], abs=1e-8)


@pytest.mark.parametrize("n", [1, 2, 7, 14])
def test_shapley_values_share_out_the_whole(n: int) -> None:
    v = random_game(n)
    assert shapley_values(hs.mobius(v)).sum() == pytest.approx(v[-1] - v[0], abs=1e-10)


@pytest.mark.parametrize("name", ALL)
def test_nothing_above_the_order_and_all_of_it_at_the_top(name: str) -> None:
    n = 6
    a = hs.mobius(random_game(n))
    for order in range(1, n + 1):
        assert (INDICES[name][0](a, order)[orders(n) > order] == 0).all()
    if name in ADDITIVE:
        np.testing.assert_array_equal(INDICES[name][0](a, n), a)
    else:
        np.testing.assert_array_equal(INDICES[name][0](a), INDICES[name][0](a, n))


@pytest.mark.parametrize("name", ALL)
def test_games_without_higher_interactions_keep_their_dividends(name: str) -> None:
    a = hs.mobius(random_game(6))
    a[orders(6) > 3] = 0
    kept = orders(6) <= 3 if name in ADDITIVE else orders(6) == 3
    np.testing.assert_allclose(INDICES[name][0](a, 3)[kept], a[kept], atol=1e-14)


def test_order_one_is_the_values() -> None:
    a = hs.mobius(random_game(6))
    singles = 1 << np.arange(6)
    for name in ("SII", "STII", "k-SII", "FSII"):
        np.testing.assert_allclose(INDICES[name][0](a, 1)[singles], shapley_values(a), atol=1e-13)
    for name in ("BII", "FBII"):
        np.testing.assert_allclose(INDICES[name][0](a, 1)[singles], banzhaf_values(a), atol=1e-13)


def test_k_shapley_at_its_order_is_the_shapley_interaction() -> None:
    a = hs.mobius(random_game(7))
    for order in range(1, 8):
        top = orders(7) == order
        np.testing.assert_allclose(k_shapley(a, order)[top], shapley_interactions(a, order)[top], atol=1e-12)


def test_banzhaf_interactions_are_the_scaled_spectrum() -> None:
    n, v = 8, random_game(8)
    spectrum = (-2.0) ** orders(n) / 2**n * hs.walsh_hadamard(v)
    np.testing.assert_allclose(banzhaf_interactions(hs.mobius(v)), spectrum, atol=1e-12)
    assert banzhaf_interactions(hs.mobius(v))[0] == pytest.approx(v.mean())


@given(st.sampled_from(ALL), st.integers(1, 6), st.data())
def test_linearity_permutation_and_dummy(name: str, n: int, data: st.DataObject) -> None:
    order = data.draw(st.integers(1, n))
    seed = data.draw(st.integers(0, 2**32))
    index = INDICES[name][0]
    v, w = random_game(n, seed), random_game(n, seed + 1)
    a, b = hs.mobius(v), hs.mobius(w)
    combined = 2 * index(a, order) - 3 * index(b, order)
    np.testing.assert_allclose(index(2 * a - 3 * b, order), combined, atol=1e-9)
    permutation = data.draw(st.permutations(range(n)))
    renamed = hs.mobius(reference.permuted(v, permutation))
    expected = reference.permuted(index(a, order), permutation)
    np.testing.assert_allclose(index(renamed, order), expected, atol=1e-9)
    np.testing.assert_allclose(shapley_values(renamed)[permutation], shapley_values(a), atol=1e-9)
    dummy = data.draw(st.integers(0, n - 1))  # a player whose presence changes nothing has no interaction
    without = v[np.arange(1 << n) & ~(1 << dummy)]
    with_dummy = np.arange(1 << n) >> dummy & 1 == 1
    np.testing.assert_allclose(index(hs.mobius(without), order)[with_dummy], 0, atol=1e-9)
    assert abs(shapley_values(hs.mobius(without))[dummy]) < 1e-9


def test_every_batch_axis_is_its_own_game() -> None:
    v = np.random.default_rng(0).normal(size=(2, 3, 32))
    a = hs.mobius(v)
    for call in (shapley_values, banzhaf_values, shapley_interactions, *AT_ORDER_TWO):
        together = call(a)
        for place in np.ndindex(2, 3):
            np.testing.assert_array_equal(together[place], call(a[place]))
        np.testing.assert_array_equal(call(np.asfortranarray(a)), together)
        np.testing.assert_array_equal(call(a[::-1])[::-1], together)


def test_types_are_kept() -> None:
    a = hs.mobius(random_game(5))
    for call in (shapley_values, lambda x: k_shapley(x, 2), banzhaf_interactions):
        single = call(a.astype(np.float32))
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, call(a), atol=1e-5)
        whole = (a * 10).astype(np.int64)
        assert call(whole).dtype == np.float64
        np.testing.assert_array_equal(call(whole), call(whole.astype(np.float64)))
        for dtype in (torch.float32, torch.float64, torch.int64):
            found = call(torch.from_numpy(a * 10).to(dtype))
            assert found.dtype == (torch.float64 if dtype == torch.int64 else dtype)


def test_the_input_is_left_alone() -> None:
    a = hs.mobius(random_game(5))
    kept = a.copy()
    for call in (shapley_values, banzhaf_values, shapley_interactions, *AT_ORDER_TWO):
        call(a)
        np.testing.assert_array_equal(a, kept)


def test_games_of_no_and_of_one_player() -> None:
    assert shapley_values(np.array([3.0])).shape == (0,)
    assert shapley_values(np.ones((2, 1))).shape == (2, 0)
    assert shapley_interactions(np.array([3.0])).tolist() == [3.0]
    assert banzhaf_interactions(np.array([3.0])).tolist() == [3.0]
    assert shapley_values(np.array([3.0, 2.0])).tolist() == [2.0]
    assert k_shapley(np.array([3.0, 2.0]), 1).tolist() == [3.0, 2.0]


def test_tables_stay_exact_at_thirty_players() -> None:
    """A dividend at T is shared out in full among the subsets of T, C(t, s) of order s."""
    n = 30
    for share in (_taylor_share, _k_shapley_share, _faithful_shapley_share):
        for order in (1, 2, 10, 29):
            table = _additive_table(n, order, share)
            for t in range(1, n + 1):
                parts = [comb(t, s) * float(table[s, t]) for s in range(1, order + 1)]
                assert abs(fsum(parts) - 1) <= 1e-15 * fsum(map(abs, parts))


# ---- from an AND-OR pair back to dividends ----


@pytest.mark.parametrize("n", range(7))
def test_dividends_of_a_plain_pair(n: int) -> None:
    u_and, u_or = random_game(n, 1), random_game(n, 2)
    found = dividends(hs.mobius(u_and), hs.or_transform(u_or))
    np.testing.assert_allclose(found, reference.mobius(u_and + u_or), atol=1e-12)


@given(st.integers(1, 6), st.integers(0, 2**32))
def test_dividends_of_a_pair_in_the_gauge_of_a_decomposition(n: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    and_, or_ = generator.normal(size=(2, 1 << n))
    or_[0] = -or_[1:].sum()  # the OR part is 0 on the empty set
    sets = range(1 << n)
    game = [sum(and_[s] for s in sets if s & ~t == 0) + sum(or_[s] for s in sets if s & t) for t in sets]
    found = dividends(and_, or_)
    np.testing.assert_allclose(hs.zeta(found), game, atol=1e-11)
    assert found[0] == pytest.approx(and_[0], abs=1e-12)
    # A set shares out its AND and its OR alike, so the values need no dividends.
    np.testing.assert_allclose(shapley_values(found), shapley_values(and_ + or_), atol=1e-11)
    np.testing.assert_allclose(banzhaf_values(found), banzhaf_values(and_ + or_), atol=1e-11)


def test_dividends_of_integers_and_of_tensors() -> None:
    ands, ors = np.arange(8), np.arange(8)[::-1] - 3
    found = dividends(ands, ors)
    assert found.dtype == np.float64
    as_tensors = dividends(torch.from_numpy(ands), torch.from_numpy(ors.copy()))
    assert torch.equal(as_tensors, torch.from_numpy(found))


# ---- tensors ----


@pytest.mark.parametrize(
    "call",
    [shapley_values, banzhaf_values, shapley_interactions, lambda a: dividends(a, 2 * a), *AT_ORDER_TWO],
)
def test_tensors_agree_with_arrays_and_carry_gradients(call: Callable[[Any], Any]) -> None:
    a = torch.randn(2, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.from_numpy(call(a.numpy()))
    assert torch.equal(call(a), expected)
    watched = call(a.clone().requires_grad_())
    assert watched.requires_grad
    torch.testing.assert_close(watched.detach(), expected, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(torch.vmap(call)(a), expected, rtol=1e-13, atol=1e-13)
    assert call(a.to("meta")).shape == expected.shape
    assert torch.autograd.gradcheck(call, (a.clone().requires_grad_(),))


def test_second_derivatives() -> None:
    a = torch.randn(8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: shapley_values(x) ** 2, (a,))
    assert torch.autograd.gradgradcheck(lambda x: k_shapley(x, 2) ** 3, (a,))


# ---- bad input ----


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("order", [0, -1, 5])
def test_orders_out_of_range_are_named(name: str, order: int) -> None:
    with pytest.raises(ArgumentError, match=f"order: got {order}, but it must be an integer from 1 to 4"):
        INDICES[name][0](np.ones(16), order)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("order", [2.0, True, "2"])
def test_orders_of_other_types_are_named(name: str, order: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="order: got"):
        INDICES[name][0](np.ones(16), order)


@pytest.mark.parametrize("name", ALL)
def test_bad_dividends_are_named(name: str) -> None:
    index = INDICES[name][0]
    with pytest.raises(ArgumentError, match="dividends: got a last axis of length 5"):
        index(np.ones(5), 1)
    with pytest.raises(ArgumentError, match="dividends: got an empty batch"):
        index(np.ones((0, 4)), 1)
    with pytest.raises(ArgumentError, match="dividends: got the dividends of no player"):
        index(np.ones(1), 1)
    with pytest.raises(ArgumentTypeError, match="dividends: got dtype complex128"):
        index(np.ones(4, complex), 1)
    with pytest.raises(ArgumentTypeError, match=r"dividends: got dtype torch\.float16"):
        index(torch.ones(4, dtype=torch.float16), 1)


@pytest.mark.parametrize("values", [shapley_values, banzhaf_values])
def test_bad_dividends_of_values_are_named(values: Callable[[Any], Any]) -> None:
    with pytest.raises(ArgumentError, match="dividends: got a scalar"):
        values(np.array(1.0))
    with pytest.raises(ArgumentTypeError, match="dividends: got dtype bool"):
        values(np.ones(4, bool))


@pytest.mark.parametrize(
    ("and_", "or_", "error", "message"),
    [
        (np.ones(4), np.ones(8), ArgumentError, r"or_: got shape \(8,\)"),
        (np.ones(4), np.ones((2, 4)), ArgumentError, r"or_: got shape \(2, 4\)"),
        (np.ones(3), np.ones(4), ArgumentError, "and_: got a last axis of length 3"),
        (np.ones(4), np.ones(3), ArgumentError, "or_: got a last axis of length 3"),
        (np.ones(4), np.ones(4, np.float32), ArgumentTypeError, "or_: got ndarray of dtype float32"),
        (np.ones(4), torch.ones(4, dtype=torch.float64), ArgumentTypeError, "or_: got Tensor of dtype"),
        (torch.ones(4), np.ones(4), ArgumentTypeError, "or_: got ndarray of dtype float64"),
        (np.ones(4, complex), np.ones(4), ArgumentTypeError, "and_: got dtype complex128"),
    ],
)
def test_bad_pairs_are_named(and_: Any, or_: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        dividends(and_, or_)


def test_players_of_a_pair_interaction_are_the_ones_meant() -> None:
    """One product of two players: every index puts it on that pair and on those two players alone."""
    n = 5
    for i, j in combinations(range(n), 2):
        a = np.zeros(1 << n)
        a[1 << i | 1 << j] = 1
        assert np.flatnonzero(shapley_values(a)).tolist() == [i, j]
        for name in ALL:
            touched = set(np.flatnonzero(INDICES[name][0](a, 1)).tolist())
            assert touched - {0} == {1 << i, 1 << j}
