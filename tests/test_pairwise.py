"""Multi-order interactions against the definition, their identities, and their derivatives."""

from __future__ import annotations

from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference_bottleneck as reference
import torch
from harsanyi import ops
from harsanyi.errors import ArgumentError, ArgumentTypeError, NotEnoughMemoryError
from harsanyi.reductions import pair_sums
from hypothesis import given, strategies as st
from reference import permuted

FORWARD_MODE = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")


def game(n: int, *batch: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed + n).normal(size=(*batch, 1 << n))


def tensor(n: int, *batch: int) -> torch.Tensor:
    return torch.from_numpy(game(n, *batch))


@pytest.mark.parametrize("n", range(2, 9))
def test_equals_the_definition(n: int) -> None:
    v = game(n, 2, 1)
    found = hs.multi_order(v)
    assert found.shape == (2, 1, n, n, n - 1)
    for b in range(2):
        np.testing.assert_allclose(found[b, 0], reference.multi_order(v[b, 0]), atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_dtypes(dtype: Any) -> None:
    v = (game(6) * 10).astype(dtype)
    found = hs.multi_order(v)
    assert found.dtype == (np.float32 if dtype == np.float32 else np.float64)
    np.testing.assert_allclose(found, reference.multi_order(v.astype(float)), atol=1e-5)
    as_tensor = hs.multi_order(torch.from_numpy(v))
    np.testing.assert_array_equal(as_tensor, found)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 9, 10, 11])
def test_pair_sums_equal_the_loop(n: int) -> None:
    x = game(n)
    np.testing.assert_allclose(pair_sums(x), reference.pair_sums(x), atol=1e-12)
    watched = torch.from_numpy(x).requires_grad_()
    np.testing.assert_array_equal(pair_sums(watched).detach(), pair_sums(x))


@pytest.mark.parametrize("n", [2, 3, 8, 17, 20])
def test_dividends_and_the_game_give_the_same(n: int) -> None:
    v = game(n)
    tolerance = (
        1e-15 * 2.42**n + 1e-13
    )  # dividends of noise grow by sqrt(2) an order, their sums by 1 + sqrt(2)
    np.testing.assert_allclose(
        hs.multi_order_from_interactions(hs.mobius(v)), hs.multi_order(v), atol=tolerance
    )


@given(st.integers(2, 7), st.integers(0, 2**32))
def test_a_pair_gives_the_interactions_of_its_game(n: int, seed: int) -> None:
    and_, or_ = np.random.default_rng(seed).normal(size=(2, 1 << n))
    v = hs.zeta(hs.dividends(and_, or_))
    found = hs.multi_order_from_interactions(and_, or_)
    np.testing.assert_allclose(found, hs.multi_order(v), atol=1e-10)


@given(st.integers(2, 9), st.integers(0, 2**32))
def test_efficiency(n: int, seed: int) -> None:
    """Deng et al., ICLR 2022, eq. 2: v[full] from v[empty], single players, and all pairs in all orders."""
    v = game(n, seed=seed)
    weights = (n - 1 - np.arange(n - 1)) / (n * (n - 1))
    alone = sum(v[1 << i] - v[0] for i in range(n))
    assert np.isclose(v[0] + alone + (hs.multi_order(v) @ weights).sum(), v[-1], atol=1e-11)


@given(st.integers(2, 9), st.integers(0, 2**32))
def test_the_mean_over_orders_is_the_shapley_interaction_index(n: int, seed: int) -> None:
    v = game(n, seed=seed)
    index = hs.shapley_interactions(hs.mobius(v), order=2)
    means = hs.multi_order(v).mean(-1)
    for i in range(n):
        for j in range(n):
            expected = 0.0 if i == j else index[1 << i | 1 << j]
            assert np.isclose(means[i, j], expected, atol=1e-11)


@given(st.integers(2, 8), st.integers(0, 2**32), st.randoms())
def test_players_may_be_renamed(n: int, seed: int, random: Any) -> None:
    v, names = game(n, seed=seed), list(range(n))
    random.shuffle(names)
    found = hs.multi_order(permuted(v, names))[np.ix_(names, names)]
    np.testing.assert_allclose(found, hs.multi_order(v), atol=1e-12)


def test_symmetric_with_a_zero_diagonal() -> None:
    found = hs.multi_order(game(7))
    np.testing.assert_array_equal(found, found.swapaxes(0, 1))
    assert not found[np.arange(7), np.arange(7)].any()


def test_additive_games_have_no_interaction() -> None:
    v = hs.zeta(np.where(hs.orders(8) == 1, game(8), 0.0))
    np.testing.assert_allclose(hs.multi_order(v), 0, atol=1e-13)


@pytest.mark.parametrize("n", [9, 12, 17])
def test_the_same_to_the_bit_on_any_number_of_threads(n: int, kernel_settings: None) -> None:
    v = game(n, 3)
    results = []
    for threads in (1, 2, 3):
        hs.set_num_threads(threads)
        results.append(hs.multi_order(v))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


# ---- tensors ----


@pytest.mark.parametrize("name", ops.PAIR_OPS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(name: str, dtype: torch.dtype) -> None:
    op = getattr(torch.ops.harsanyi, name).default
    for batch in ((), (2, 3)):
        x = tensor(4, *batch).to(dtype)
        argument = x if name == "pair_sums" else torch.ops.harsanyi.pair_sums(x)
        torch.library.opcheck(op, (argument,))
        torch.library.opcheck(op, (argument.requires_grad_(),))


@pytest.mark.parametrize("n", [0, 1, 2, 5, 10])
def test_the_torch_implementation_agrees(n: int) -> None:
    """What runs on devices without a kernel; here on the CPU, where the kernel can be asked."""
    x = tensor(n, 2)
    sums = torch.ops.harsanyi.pair_sums(x)
    torch.testing.assert_close(ops._pair_sums_torch(x), sums)
    back = torch.ops.harsanyi.pair_sums_adjoint(sums)
    torch.testing.assert_close(ops._pair_sums_adjoint_torch(sums), back)


@pytest.mark.parametrize("n", [0, 3, 9, 13, 17])
def test_the_adjoint_is_one(n: int) -> None:
    x = tensor(n)
    rows = torch.ops.harsanyi.pair_sums(tensor(n) + 1)
    rows = rows / rows.abs().max()
    there = (torch.ops.harsanyi.pair_sums(x) * rows).sum()
    back = (x * torch.ops.harsanyi.pair_sums_adjoint(rows)).sum()
    torch.testing.assert_close(there, back)


@FORWARD_MODE
def test_gradients() -> None:
    for n, batch in ((2, ()), (4, (2,))):
        v = tensor(n, *batch).requires_grad_()
        assert torch.autograd.gradcheck(hs.multi_order, (v,), check_forward_ad=True, check_batched_grad=True)
        assert torch.autograd.gradgradcheck(hs.multi_order, (v,))
        assert torch.autograd.gradcheck(
            hs.multi_order_from_interactions, (v, v.detach().flip(-1).requires_grad_())
        )
    (found,) = torch.autograd.grad(hs.multi_order(v.float()).sum(), v)
    (expected,) = torch.autograd.grad(hs.multi_order(v).sum(), v)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@FORWARD_MODE
def test_functional_transforms() -> None:
    v = tensor(4, 3)
    torch.testing.assert_close(torch.vmap(hs.multi_order)(v), hs.multi_order(v))
    backward, forward = torch.func.jacrev(hs.multi_order)(v[0]), torch.func.jacfwd(hs.multi_order)(v[0])
    torch.testing.assert_close(backward, forward)


def test_tensors_without_data() -> None:
    found = hs.multi_order(torch.empty(2, 8, device="meta"))
    assert (found.shape, found.dtype, found.device.type) == ((2, 3, 3, 2), torch.float32, "meta")


# ---- bad input ----


@pytest.mark.parametrize("call", [hs.multi_order, hs.multi_order_from_interactions])
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones(1), ArgumentError, "got a game of 0 players, .* at least two players"),
        (np.ones(2), ArgumentError, "got a game of 1 player, .* at least two players"),
        (np.ones(12), ArgumentError, "got a last axis of length 12"),
        (np.ones((0, 4)), ArgumentError, "got an empty batch"),
        (np.ones(4, complex), ArgumentTypeError, "got dtype complex128"),
        (torch.ones(4, dtype=torch.half), ArgumentTypeError, r"got dtype torch\.float16"),
    ],
)
def test_bad_games_are_named(call: Any, x: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(x)


def test_bad_pairs_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"or_: got shape \(8,\)"):
        hs.multi_order_from_interactions(np.ones(4), np.ones(8))
    with pytest.raises(ArgumentTypeError, match="or_: got ndarray of dtype float32"):
        hs.multi_order_from_interactions(np.ones(4), np.ones(4, np.float32))
    with pytest.raises(ArgumentTypeError, match="or_: got Tensor"):
        hs.multi_order_from_interactions(np.ones(4), torch.ones(4))  # type: ignore[type-var]


def test_bad_rows_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"rows: got shape \(4, 4\)"):
        torch.ops.harsanyi.pair_sums_adjoint(torch.ones(4, 4))
    with pytest.raises(ArgumentTypeError, match=r"rows: got dtype torch\.int64"):
        torch.ops.harsanyi.pair_sums_adjoint(torch.ones(2, 2, dtype=torch.int64))
    with pytest.raises(ArgumentTypeError, match=r"x: got dtype torch\.int64"):
        torch.ops.harsanyi.pair_sums(torch.ones(2, dtype=torch.int64))


def test_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harsanyi._arrays.available_memory", lambda: 1 << 20)
    with pytest.raises(NotEnoughMemoryError, match="multi-order interactions of 4096 games of 12 players"):
        hs.multi_order(np.broadcast_to(np.zeros(1 << 12), (4096, 1 << 12)))
