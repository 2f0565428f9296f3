"""Sampled multi-order interactions: exact with all contexts, otherwise unbiased and reproducible."""

from __future__ import annotations

from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi.errors import ArgumentError, ArgumentTypeError, NonFiniteError
from harsanyi.games.multi_order import (
    patch_positions,
    relative_orders,
    sample_multi_order,
    sample_pairs,
)
from hypothesis import given, strategies as st


def table(n: int, seed: int = 0) -> tuple[Any, Any]:
    v = np.random.default_rng(seed).normal(size=1 << n)
    return hs.TableGame(v), hs.multi_order(v)


class Counting(torch.nn.Module):
    """A small network that keeps every batch it saw."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 8), torch.nn.Tanh())
        self.head = torch.nn.Linear(8, 3)
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(x.clone())
        return self.head(self.layer(x))


def model_game(grid: int = 8) -> tuple[Counting, hs.ModelGame]:
    model = Counting()
    image = 1 + torch.rand((1, 8, 8), generator=torch.Generator().manual_seed(0))
    game = hs.ModelGame(model, image, masker=hs.maskers.Patches(grid, baseline=0.0))
    model.seen.clear()
    return model, game


# ---- orders and pairs ----


def test_orders_of_the_paper() -> None:
    ratios = [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1]
    assert relative_orders(196).tolist() == [min(round(r * 196), 194) for r in ratios]
    assert relative_orders(20).tolist() == list(range(19))
    assert relative_orders(2).tolist() == [0]
    assert relative_orders(10, [0.0, 0.5, 1.0, 0.99]).tolist() == [0, 5, 8]


def test_positions_are_those_of_the_patches() -> None:
    players = [(2, 1), (0, 0), (1, 3)]
    masking = hs.maskers.Patches((3, 4), players=players).bind(np.zeros((1, 6, 8)))
    found = patch_positions((3, 4), players)
    assert [f"r{row}c{column}" for row, column in found] == list(masking.names)
    assert patch_positions(16).shape == (256, 2)


@given(st.integers(1, 4), st.integers(0, 2**32))
def test_pairs_are_within_the_radius(radius: int, seed: int) -> None:
    at = patch_positions((5, 6))
    distance = np.abs(at[:, None] - at[None]).max(axis=2)
    close = {(i, j) for i in range(30) for j in range(i + 1, 30) if distance[i, j] <= radius}
    assert set(map(tuple, sample_pairs(30, None, positions=at, radius=radius).tolist())) == close
    found = sample_pairs(30, 20, positions=at, radius=radius, generator=seed)
    assert len(set(map(tuple, found.tolist()))) == 20
    assert set(map(tuple, found.tolist())) <= close
    np.testing.assert_array_equal(found, sample_pairs(30, 20, positions=at, radius=radius, generator=seed))


def test_pairs_are_uniform() -> None:
    hits = np.zeros((6, 6))
    for seed in range(3000):
        for i, j in sample_pairs(6, 3, generator=seed).tolist():
            hits[i, j] += 1
    found = hits[np.triu_indices(6, 1)] / 3000  # each of 15 pairs is among the 3 with probability 0.2
    assert np.abs(found - 0.2).max() < 5 * np.sqrt(0.2 * 0.8 / 3000)
    assert not np.tril(hits).any()


# ---- estimates ----


@pytest.mark.parametrize("n", [2, 3, 8])
def test_exact_where_every_context_is_taken(n: int) -> None:
    game, exact = table(n)
    found = sample_multi_order(game, contexts=1000)
    for (i, j), row in zip(found.pairs.tolist(), found.mean, strict=True):
        np.testing.assert_allclose(row, exact[i, j], atol=1e-12)
    assert not found.standard_error.any()
    assert found.contexts[0].tolist() == [len(hs.subsets_of_order(n - 2, m)) for m in range(n - 1)]


def test_estimates_are_unbiased_and_their_errors_honest() -> None:
    game, exact = table(12)
    found = sample_multi_order(game, contexts=200, generator=0)
    truth = exact[tuple(found.pairs.T)]
    sampled = found.standard_error > 0
    assert found.contexts[sampled].min() == 200
    z = ((found.mean - truth)[sampled]) / found.standard_error[sampled]
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert 0.9 < z.std() < 1.1
    np.testing.assert_allclose(found.mean[~sampled], truth[~sampled], atol=1e-12)


def test_draws_depend_on_the_seed_the_pair_and_the_order_alone() -> None:
    game, _ = table(12)
    pairs, orders = [[3, 7], [0, 1], [5, 2]], [2, 5, 7]
    whole = sample_multi_order(game, pairs, orders=orders, contexts=30, generator=5)
    for p, pair in enumerate(pairs):
        for m, order in enumerate(orders):
            alone = sample_multi_order(game, [pair], orders=[order], contexts=30, generator=5, batch_size=7)
            assert np.isclose(alone.mean[0, 0], whole.mean[p, m], rtol=1e-12)
    turned = sample_multi_order(game, [[7, 3]], orders=orders, contexts=30, generator=5)
    np.testing.assert_allclose(turned.mean[0], whole.mean[0])
    other = sample_multi_order(game, pairs, orders=orders, contexts=30, generator=6)
    assert (other.mean != whole.mean).all()


def test_more_contexts_continue_the_sequence_and_rounds_change_nothing() -> None:
    """With an error that is never reached, rounds of 20 give what one go gives."""
    game, _ = table(12)
    whole = sample_multi_order(game, [[0, 1]], orders=[4, 5], contexts=90, generator=1)
    rounds = sample_multi_order(game, [[0, 1]], orders=[4, 5], contexts=90, generator=1, standard_error=1e-9)
    np.testing.assert_allclose(rounds.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(rounds.standard_error, whole.standard_error, rtol=1e-10)


def test_stops_at_the_error_asked_for() -> None:
    game, _ = table(12)
    found = sample_multi_order(game, contexts=160, standard_error=0.25, generator=2)
    stopped = found.contexts < 160
    sampled = found.standard_error > 0
    assert (found.standard_error[stopped] <= 0.25).all()
    assert (found.contexts[sampled] % 20 == 0).all()
    assert (found.contexts[sampled] < 160).any()
    assert (found.contexts[sampled] > 20).any()
    unfinished = sampled & (found.contexts == 160)
    tight = sample_multi_order(game, contexts=160, standard_error=1e-6, generator=2)
    assert (tight.contexts[sampled] == 160).all()
    assert unfinished.sum() < sampled.sum()


def test_one_draw_has_no_known_error() -> None:
    game, _ = table(8)
    found = sample_multi_order(game, [[0, 1]], orders=[0, 3], contexts=1, generator=0)
    assert found.standard_error[0, 0] == 0  # the only context
    assert np.isnan(found.standard_error[0, 1])


# ---- models ----


@pytest.mark.parametrize("order", [12, 50])
def test_the_four_samples_of_a_context_share_it(order: int) -> None:
    model, game = model_game()
    found = sample_multi_order(game, [[9, 20]], orders=[order], contexts=50, generator=3)
    rows = torch.cat(model.seen)
    kept = (rows != 0).reshape(-1, 4, 64)  # 64 patches of one pixel, none of value 0
    assert len(kept) == 50
    context = kept[:, 0]
    assert (context.sum(1) == order).all()
    assert not context[:, [9, 20]].any()
    for column, added in ((1, [9]), (2, [9, 20]), (3, [20])):
        expected = context.clone()
        expected[:, added] = True
        assert torch.equal(kept[:, column], expected)
    assert len({tuple(row.tolist()) for row in context}) == 50  # one in 10**11 sets each
    v = game(kept.reshape(-1, 64).numpy()).reshape(-1, 4).numpy()
    delta = v[:, 2] - v[:, 1] - v[:, 3] + v[:, 0]
    assert np.isclose(found.mean[0, 0], delta.mean())
    assert np.isclose(found.standard_error[0, 0], delta.std(ddof=1) / np.sqrt(50))


def test_models_agree_with_the_exact_result() -> None:
    _, game = model_game(3)
    exact = hs.multi_order(hs.evaluate(game).numpy())
    found = sample_multi_order(game, contexts=100)
    np.testing.assert_allclose(found.mean, exact[tuple(found.pairs.T)], atol=1e-5)


@pytest.mark.parametrize(("contexts", "values"), [(30, 512), (1, 4 * 16)])
def test_a_model_is_not_asked_twice_for_what_it_has_said(contexts: int, values: int) -> None:
    """Thirty contexts of two pairs and eight orders cost more than all 2**9 values, one does not."""
    model, game = model_game(3)
    pairs = [[0, 4], [1, 2]]
    found = sample_multi_order(game, pairs, contexts=contexts, generator=0)
    assert sum(map(len, model.seen)) == values
    v = hs.evaluate(game).numpy()
    same = sample_multi_order(hs.TableGame(v), pairs, contexts=contexts, generator=0)
    np.testing.assert_allclose(found.mean, same.mean, atol=1e-5)
    np.testing.assert_array_equal(found.contexts, same.contexts)


def test_values_are_counted_before_an_error_is_reached() -> None:
    """Twenty contexts of one order are certain to come, 80 values of 512; the others may not be needed."""
    model, game = model_game(3)
    sample_multi_order(game, [[0, 4]], orders=[3], contexts=10**6, standard_error=1e9, generator=0)
    assert sum(map(len, model.seen)) == 4 * 35  # all C(7, 3) contexts: exact
    model.seen.clear()
    sample_multi_order(game, [[0, 4]], orders=[3], contexts=30, standard_error=1e9, generator=0)
    assert sum(map(len, model.seen)) == 4 * 20


def test_batches_and_generators_do_not_matter() -> None:
    _, game = model_game()
    options: dict[str, Any] = {"orders": [0, 20, 62], "contexts": 25}
    first = sample_multi_order(game, [[0, 1], [5, 60]], generator=7, **options)
    second = sample_multi_order(game, [[0, 1], [5, 60]], generator=7, batch_size=13, **options)
    np.testing.assert_allclose(first.mean, second.mean, atol=1e-5)
    for make in (lambda: np.random.default_rng(0), lambda: torch.Generator().manual_seed(0)):
        runs = [sample_multi_order(game, [[0, 1]], generator=make(), **options).mean for _ in range(2)]
        np.testing.assert_array_equal(*runs)


def test_progress_counts_the_samples(capsys: pytest.CaptureFixture[str]) -> None:
    game, _ = table(6)
    sample_multi_order(game, [[0, 1]], orders=[2], contexts=100, progress=True)
    assert "multi-order" in capsys.readouterr().err


# ---- bad input ----


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"orders": [5]}, ArgumentError, "orders: got 5, .* from 0 to 4"),
        ({"orders": [-1]}, ArgumentError, "orders: got -1"),
        ({"orders": [1, 1]}, ArgumentError, "orders: got .* different"),
        ({"orders": []}, ArgumentError, "orders: got shape"),
        ({"orders": [1.5]}, ArgumentTypeError, "orders: got 1.5"),
        ({"pairs": [[1, 1]]}, ArgumentError, r"pairs: got \(1, 1\), .* two different players"),
        ({"pairs": [[0, 6]]}, ArgumentError, r"pairs: got \(0, 6\)"),
        ({"pairs": [0, 1]}, ArgumentError, r"pairs: got shape \(2,\)"),
        ({"pairs": [[0.0, 1.0]]}, ArgumentTypeError, "pairs: got dtype float64"),
        ({"contexts": 0}, ArgumentError, "contexts: got 0"),
        ({"standard_error": 0.0}, ArgumentError, "standard_error: got 0.0"),
        ({"standard_error": float("nan")}, ArgumentError, "standard_error: got nan"),
        ({"generator": "seed"}, ArgumentTypeError, "generator: got str"),
    ],
)
def test_bad_arguments_are_named(options: Any, error: type[Exception], message: str) -> None:
    game, _ = table(6)
    with pytest.raises(error, match=message):
        sample_multi_order(game, **options)


def test_bad_games_and_pairs_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"game\.n: got 1"):
        sample_multi_order(hs.TableGame([0.0, 1.0]))
    with pytest.raises(NonFiniteError):
        sample_multi_order(hs.CallableGame(lambda s: np.where(s == 3, np.inf, 0.0), 4))
    with pytest.raises(ArgumentError, match=r"ratios: got 1.5"):
        relative_orders(30, [1.5])
    with pytest.raises(ArgumentError, match="n: got 1"):
        sample_pairs(1)
    with pytest.raises(ArgumentError, match="positions: got None"):
        sample_pairs(9, radius=1)
    with pytest.raises(ArgumentError, match=r"radius: got 1, .* leave a pair"):
        sample_pairs(2, None, positions=[[0, 0], [5, 5]], radius=1)
    with pytest.raises(ArgumentError, match=r"count: got 200, .* at most 36"):
        sample_pairs(9)
    with pytest.raises(ArgumentError, match=r"positions: got shape \(3, 2\)"):
        sample_pairs(4, positions=np.zeros((3, 2), int), radius=1)
