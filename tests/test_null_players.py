"""Players who change no entry of a game: its decomposition is that of the others."""

from __future__ import annotations

from typing import Any

import harsanyi as hs
import numpy as np
import pytest
from harsanyi.sparse import decompose, decompose_joint
from reference_sparse import Game, games, optimum, trained
from test_sparse import check_certificate, weights_of


def blown_up(small: Game, nulls: tuple[int, ...]) -> Game:
    """The game with players put in at these places who change nothing."""
    v = small
    for player in nulls:
        v = np.repeat(v.reshape(*v.shape[:-1], -1, 1, 1 << player), 2, axis=-2).reshape(*v.shape[:-1], -1)
    return v


def with_zeros(x: Game, nulls: tuple[int, ...]) -> Game:
    out = x
    for player in nulls:
        half = out.reshape(*out.shape[:-1], -1, 1, 1 << player)
        out = np.concatenate([half, np.zeros_like(half)], axis=-2).reshape(*out.shape[:-1], -1)
    return out


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("nulls", [(0,), (5,), (2, 3), (0, 4, 7)])
@pytest.mark.parametrize("kinds", ["and-or", "and"])
def test_the_others_decide_to_the_bit(nulls: tuple[int, ...], noise: float, kinds: Any) -> None:
    small = trained(5)
    v = blown_up(small, nulls)
    found, others = decompose(v, noise=noise, kinds=kinds), decompose(small, noise=noise, kinds=kinds)
    assert found.steps == others.steps
    assert found.status == others.status
    for name in ("and_", "or_", "dual"):
        np.testing.assert_array_equal(
            getattr(found, name), with_zeros(getattr(others, name), nulls), err_msg=name
        )
    np.testing.assert_array_equal(found.delta, blown_up(others.delta, nulls))
    assert found.objective == pytest.approx(others.objective, rel=1e-12)
    assert found.lower_bound == pytest.approx(others.lower_bound, rel=1e-9)
    if kinds == "and-or":
        check_certificate(found, v, weights_of(5 + len(nulls), 0.01))


@pytest.mark.parametrize("name", ["random", "planted", "one-hot"])
@pytest.mark.parametrize("zeta", [0.0, 0.1])
def test_the_linear_program_agrees(name: str, zeta: float) -> None:
    v = blown_up(games(4)[name], (1, 3))
    found = decompose(v, zeta=zeta, gap=1e-6, max_steps=200000)
    assert found.objective == pytest.approx(optimum(v, zeta), rel=2e-6, abs=1e-9)


@pytest.mark.parametrize("weights", [[1.0, 0.5, 0.5, 0.5, 0.5], [1.0, 2, 1, 2, 2], [1.0, 1, 1, 1, 0]])
def test_weights_that_fall_may_need_all_players(weights: list[float]) -> None:
    """Larger sets, null players' among them, can pay then."""
    v = blown_up(games(4)["random"], (2,))
    found = decompose(v, zeta=0.05, weights=weights, tie_break=0, gap=1e-5, max_steps=200000)
    best = optimum(v, 0.05, 0.0, np.array([0.0, *weights]))
    assert found.objective == pytest.approx(best, rel=2e-5)


def test_a_batch_holds_games_with_different_null_players() -> None:
    small = games(5)["random"]
    batch = np.stack([blown_up(small, nulls) for nulls in [(0, 1), (5, 6), (0, 5)]] + [games(7)["random"]])
    batch = np.concatenate([batch, np.ones((1, 128)), batch[:1] * 2])
    for noise in (0.0, 0.02):
        found = decompose(batch, noise=noise)
        for i, v in enumerate(batch):
            one = decompose(v, noise=noise)
            for name in ("and_", "or_", "delta", "dual", "steps"):
                np.testing.assert_array_equal(getattr(found, name)[i], getattr(one, name), err_msg=name)
        assert found.objective[4] == 0


def test_a_start_may_know_other_players() -> None:
    small, nulls = trained(6), (1, 4)
    v = blown_up(small, nulls)
    for noise in (0.0, 0.02):
        cold = decompose(v, noise=noise)
        assert decompose(v, noise=noise, warm_start=cold).steps <= cold.steps
        before = decompose(v + 1e-3 * games(8)["random"], noise=noise)  # where all eight had an effect
        warm = decompose(v, noise=noise, warm_start=before)
        assert warm.status == "optimal"
        assert warm.objective == pytest.approx(cold.objective, rel=2e-3)
        assert not warm.and_.reshape(2, 2, 2, 2, 2, 2, 2, 2)[:, :, :, 1].any()


def test_a_player_is_null_to_all_networks_or_to_none() -> None:
    small = games(5)["random"]
    pair = np.stack([blown_up(small, (2,)), games(6)["planted"]])
    both = np.stack([blown_up(small, (2,)), blown_up(games(5)["planted"], (2,))])
    inner = np.stack([small, games(5)["planted"]])
    for zeta in (0.0, 0.05):
        found, others = decompose_joint(both, zeta=zeta), decompose_joint(inner, zeta=zeta)
        np.testing.assert_array_equal(found.and_, with_zeros(others.and_, (2,)))
        assert decompose_joint(pair, zeta=zeta).status == "optimal"


@pytest.mark.parametrize("zeta", [0.0, 1e-3])
@pytest.mark.parametrize("kinds", ["and-or", "and"])
def test_what_is_not_found_is_nan_everywhere(zeta: float, kinds: Any) -> None:
    v = blown_up(games(4)["random"], (2,))
    weights = [1.0, 1, np.inf, np.inf, np.inf, np.inf]
    found = decompose(v, zeta=zeta, kinds=kinds, weights=weights, tie_break=0, max_steps=500)
    assert found.status == "not_found"
    assert found.objective == found.l1 == np.inf
    assert np.isnan(found.and_).all()
    assert np.isnan(found.or_).all()


class Counting:
    """A model that remembers how many rows it was asked for."""

    def __init__(self) -> None:
        self.rows = 0

    def __call__(self, batch: Any) -> Any:
        self.rows += len(batch)
        return (batch * batch[:, ::-1]).sum(axis=1) + 1 / (2 + batch[:, 0])


def game_of(sample: Any, baseline: Any) -> tuple[Counting, hs.ModelGame]:
    model = Counting()
    masker = hs.maskers.Features(baseline, groups=[[0], [1, 2], [3], [4]])
    game = hs.ModelGame(model, np.array(sample), masker=masker, output=hs.outputs.scalar(lambda y: y))
    model.rows = 0
    return model, game


@pytest.mark.parametrize(
    ("sample", "nulls"),
    [
        ([1.0, 2, 3, 4, 5], ()),
        ([0.5, 2, 3, 4, 5], (0,)),
        ([1.0, 0.5, 3, 4, 5], ()),  # half of a player
        ([1.0, 0.5, 0.5, 4, 0.5], (1, 3)),
        ([0.5] * 5, (0, 1, 2, 3)),
    ],
)
def test_a_model_is_not_asked_twice_for_one_masked_sample(sample: Any, nulls: tuple[int, ...]) -> None:
    model, game = game_of(sample, 0.5)
    assert game.masking.null_players == nulls
    v = hs.evaluate(game)
    assert model.rows == 1 << (4 - len(nulls))
    np.testing.assert_array_equal(v, game(np.arange(16)))
    np.testing.assert_array_equal(hs.evaluate(game, [3, 9]), game([3, 9]))
    np.testing.assert_array_equal(hs.evaluate(game, batch_size=3), v)


def test_signs_of_zero_and_nan_are_told_apart() -> None:
    _, game = game_of([-0.0, 1, 1, 0.0, 1], 0.0)
    assert game.masking.null_players == (2,)
    whole = np.array([np.nan, 1.0])
    masking = hs.maskers.Features(whole).bind(np.array([np.nan, 2.0]))
    assert masking.null_players == (0,)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64", "uint8"])
def test_tensors_have_null_players_too(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    sample = torch.tensor([3, 0, 5, 0, 0, 0, 7, 8]).to(getattr(torch, dtype))
    model = torch.nn.Flatten()  # a module without parameters
    masker = hs.maskers.Features(groups=[[0], [1], [2, 3], [4, 5], [6], [7]])
    output = hs.outputs.scalar(lambda y: y.double() @ torch.arange(1.0, 9.0, dtype=torch.float64))
    game = hs.ModelGame(model, sample, masker=masker, output=output)
    assert game.masking.null_players == (1, 3)
    v = hs.evaluate(game)
    assert isinstance(v, torch.Tensor)
    assert not v.is_inference()
    with torch.inference_mode():
        assert not hs.evaluate(game).is_inference()
    np.testing.assert_array_equal(v, game(np.arange(64)))
