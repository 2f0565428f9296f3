"""The sparse decomposition against a linear program, its certificate, and its invariances."""

from __future__ import annotations

import itertools
import re
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi.errors import ArgumentError, ArgumentTypeError, NonFiniteError
from harsanyi.sparse import Decomposition, decompose
from reference import permuted, popcounts
from reference_sparse import Game, games, optimum, synthesis, weights_of

torch.set_num_threads(1)


def check_certificate(found: Decomposition[Any], v: Game, weights: Game) -> None:
    """Matching, and the bound from the dual by dense matrices."""
    n = len(v).bit_length() - 1
    z, o = synthesis(n)
    l1 = np.abs(found.and_[1:]).sum() + np.abs(found.or_[1:]).sum()
    rebuilt = z @ found.and_ + o[:, 1:] @ found.or_[1:]
    np.testing.assert_allclose(rebuilt, v - found.delta, rtol=0, atol=1e-13 * (l1 + np.abs(v).max()))
    assert np.abs(found.delta).max() <= found.zeta
    assert found.and_[0] == v[0] - found.delta[0]
    assert found.or_[0] == pytest.approx(-found.or_[1:].sum(), abs=1e-14 * (l1 + 1e-300))
    np.testing.assert_allclose(
        z @ found.and_ - (v - found.delta) / 2, found.gamma, atol=1e-13 * np.abs(v).max()
    )
    objective = (weights * (np.abs(found.and_) + np.abs(found.or_))[1:]).sum()
    assert found.objective == pytest.approx(objective, rel=1e-13)
    assert found.l1 == pytest.approx(l1, rel=1e-13)
    y = found.dual
    sums = np.maximum(np.abs(z.T @ y), np.abs((1 - o).T @ y))[1:]
    value = (v - v[0]) @ y - found.zeta * np.abs(y).sum()
    assert abs(y.sum()) <= 1e-9
    assert (sums <= weights * (1 + 1e-9)).all()
    assert found.lower_bound == pytest.approx(max(value, 0.0), rel=1e-9, abs=1e-12 * l1)
    assert 0 <= found.lower_bound <= found.objective * (1 + 1e-12)
    assert found.l1_lower_bound <= found.l1 * (1 + 1e-12)


@pytest.mark.parametrize(("noise", "method"), [(0.0, "auto"), (0.1, "auto"), (0.1, "splitting")])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7])
def test_the_optimum_is_that_of_the_linear_program(n: int, noise: float, method: Any) -> None:
    for name, v in games(n).items():
        found = decompose(v, noise=noise, method=method)
        best = optimum(v, float(found.zeta))
        assert str(found.status) == "optimal", name
        assert found.gap <= 1e-3, name
        tolerance = 1e-7 * best + 1e-7 * np.ptp(v)
        assert found.lower_bound <= best + tolerance, name
        assert best - tolerance <= found.objective <= best * (1 + 1e-3) + tolerance, name
        check_certificate(found, v, weights_of(n, 0.01))


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize(("n", "names"), [(8, ("random", "planted", "linear")), (9, ("planted", "linear"))])
def test_larger_games_too(n: int, names: tuple[str, ...], noise: float) -> None:
    for name in names:
        v = games(n)[name]
        found = decompose(v, noise=noise)
        best = optimum(v, float(found.zeta))
        assert str(found.status) == "optimal", name
        assert found.lower_bound <= best * (1 + 1e-6), name
        assert best * (1 - 1e-6) <= found.objective <= best * (1 + 1e-3), name


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("options", [{}, {"kinds": "and"}, {"method": "splitting"}, {"share": 0.5}])
def test_a_box_with_room_for_all_but_a_constant_ends_at_once(options: dict[str, Any], scale: float) -> None:
    v = scale * (np.random.default_rng(4).normal(size=64) + 1e3)
    half = float(np.ptp(v)) / 2
    found = decompose(v, zeta=half * (1 + 1e-12), **options)
    assert (found.steps, found.objective, found.gap) == (0, 0, 0)
    assert found.status == ("heuristic" if "share" in options else "optimal")
    assert np.abs(found.delta).max() <= found.zeta
    np.testing.assert_allclose(found.and_[0] + found.delta, v, rtol=1e-14)
    narrower = decompose(v, zeta=half * 0.99, **options)
    assert narrower.l1 > 0


def test_a_box_may_hold_one_network_alone() -> None:
    v = np.random.default_rng(4).normal(size=(2, 64))
    wide = np.ptp(v, axis=-1)
    assert hs.decompose_joint(v, zeta=wide).steps == 0
    assert hs.decompose_joint(v, zeta=wide * [1, 0.1]).objective > 0


def test_a_constant_game_is_nothing() -> None:
    for n in range(4):
        found = decompose(np.full(1 << n, 3.5))
        assert found.and_.tolist() == [3.5] + [0.0] * ((1 << n) - 1)
        assert not found.or_.any()
        assert (found.gap, found.objective, found.steps, str(found.status)) == (0, 0, 0, "optimal")


def test_permuted_shifted_and_scaled_games_have_the_same_optimum() -> None:
    v = np.random.default_rng(5).normal(size=32)
    base = decompose(v, gap=1e-5)
    for other, factor in [(permuted(v, [3, 1, 4, 0, 2]), 1.0), (v + 7, 1.0), (v * 3, 3.0), (-v, 1.0)]:
        assert decompose(other, gap=1e-5).objective == pytest.approx(base.objective * factor, rel=2e-5)


def test_a_wider_box_costs_less_and_a_tight_gap_is_reached() -> None:
    v = np.random.default_rng(6).normal(size=64)
    found = [decompose(v, zeta=z, gap=1e-6, max_steps=500000) for z in (0.0, 0.01, 0.1, 0.3)]
    assert all(f.gap <= 1e-6 for f in found)
    assert all(a.objective >= b.lower_bound for a, b in itertools.pairwise(found))
    assert found[0].objective > found[-1].objective


@pytest.mark.parametrize(
    ("n", "noise", "method"), [(6, 0.0, "auto"), (6, 0.05, "auto"), (6, 0.05, "splitting"), (9, 0.0, "auto")]
)
def test_one_sample_has_the_same_bits_in_every_batch_thread_and_tier(
    n: int, noise: float, method: Any, kernel_settings: None
) -> None:
    v = np.random.default_rng(7).normal(size=(2, 3, 1 << n))
    isas: list[str] = hs.build_config()["isas"]  # type: ignore[attr-defined, assignment]
    for tiers in (isas[:1], isas[1:]):  # the baseline of x86 has no fused multiply-add
        alone: list[list[hs.Decomposition]] = []
        for isa in tiers:
            hs.set_isa(isa)
            hs.set_num_threads(1)
            alone = alone or [[decompose(row, noise=noise, method=method) for row in rows] for rows in v]
            for threads in (1, 3):
                hs.set_num_threads(threads)
                found = decompose(v, noise=noise, method=method)
                for i, j in np.ndindex(2, 3):
                    for name in ("and_", "or_", "delta", "dual", "gamma"):
                        assert getattr(found, name)[i, j].tobytes() == getattr(alone[i][j], name).tobytes()
                    assert found.steps[i, j] == alone[i][j].steps


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("n", [7, 8, 11, 16, 17])
def test_steps_in_two_passes_are_the_same_in_every_tier(
    n: int, precision: str, kernel_settings: None
) -> None:
    """From 8 to 16 players without noise; the tiers' leaves differ, so an error in one of them shows."""
    v = np.random.default_rng(n).normal(size=1 << n)
    found = []
    for isa in hs.build_config()["isas"]:  # type: ignore[attr-defined]
        hs.set_isa(isa)
        found.append(decompose(v, noise=0, precision=precision, max_steps=19))
    size = np.abs(found[0].and_).max()
    for other in found[1:]:
        tolerance = (1e-4 if precision == "float32" else 1e-12) * size
        np.testing.assert_allclose(other.and_, found[0].and_, rtol=0, atol=tolerance)
        np.testing.assert_allclose(other.or_, found[0].or_, rtol=0, atol=tolerance)


def test_threads_share_a_large_sample_without_a_trace(kernel_settings: None) -> None:
    v = np.random.default_rng(8).normal(size=1 << 16)
    for noise in (0.0, 0.02):
        results = []
        for threads in (1, 3):
            hs.set_num_threads(threads)
            results.append(decompose(v, noise=noise, max_steps=3))
        assert str(results[0].status) == "max_steps"
        for name in ("and_", "or_", "delta", "dual"):
            assert getattr(results[0], name).tobytes() == getattr(results[1], name).tobytes()


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_free_orders_are_certified(noise: float) -> None:
    v = np.random.default_rng(9).normal(size=32)
    weights = np.array([0.0, 1, 1, 2, 0, 0])
    found = decompose(v, noise=noise, weights=weights, max_steps=100000)
    best = optimum(v, float(found.zeta), weights=weights)
    assert str(found.status) == "optimal"
    assert found.lower_bound <= best * (1 + 1e-6) <= found.objective * (1 + 2e-6)


def test_excluded_orders_are_left_out_or_said_to_be_impossible() -> None:
    v = games(4)["linear"]
    weights = [1.0, 1.0, np.inf, np.inf]
    found = decompose(v, noise=0, weights=weights)
    assert str(found.status) == "optimal"
    assert found.objective == pytest.approx(10.0, rel=1e-3)
    high = popcounts(4) > 2
    assert not found.and_[high].any()
    assert not found.or_[high].any()
    impossible = decompose(games(4)["random"], noise=0, weights=weights, max_steps=200)
    assert str(impossible.status) == "not_found"
    assert np.isnan(impossible.and_).all()
    assert (impossible.objective, impossible.gap) == (np.inf, np.inf)


def test_singletons_join_the_and_part() -> None:
    v = games(5)["random"]
    merged, apart = decompose(v), decompose(v, merge_singletons=False)
    singles = [1 << i for i in range(5)]
    assert not merged.or_[singles].any()
    np.testing.assert_allclose((merged.and_ + merged.or_)[singles], (apart.and_ + apart.or_)[singles])
    assert merged.objective <= apart.objective * (1 + 1e-12)


def test_the_status_is_honest() -> None:
    v = np.random.default_rng(10).normal(size=64)
    found = decompose(v, max_steps=1)
    assert (str(found.status), found.steps) == ("max_steps", 1)
    assert found.gap > 1e-3


def test_tensors_give_tensors() -> None:
    v = np.random.default_rng(11).normal(size=(2, 16)).astype(np.float32)
    found, expected = decompose(torch.from_numpy(v)), decompose(v)
    assert found.and_.dtype == torch.float64
    assert np.array_equal(found.and_.numpy(), expected.and_)
    assert np.array_equal(found.gap.numpy(), expected.gap)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": -1.0}, "noise: got -1.0"),
        ({"noise": float("nan")}, "noise: got nan"),
        ({"gap": -1e-3}, "gap: got"),
        ({"max_steps": 0}, "max_steps: got 0"),
        ({"tie_break": -0.6}, "tie_break: got -0.6"),
        ({"weights": [1.0]}, "weights: got shape (1,)"),
        ({"weights": [0.0, 1.0, 1.0]}, "weights: got"),
        ({"weights": [1.0, -1.0, 1.0]}, "weights: got"),
        ({"zeta": -1.0}, "zeta: got"),
        ({"zeta": [1.0, 2.0]}, "zeta: got shape (2,)"),
    ],
)
def test_options_out_of_range_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        decompose(np.arange(8.0), **options)


def test_other_inputs_are_named() -> None:
    with pytest.raises(ArgumentTypeError, match="noise: got 1,"):
        decompose(np.arange(8.0), noise="1")  # type: ignore[arg-type]
    with pytest.raises(ArgumentTypeError, match="v: got dtype bool"):
        decompose(np.ones(8, bool))
    with pytest.raises(ArgumentError, match="v: got a last axis of length 6"):
        decompose(np.arange(6.0))
    v = np.zeros((2, 8))
    v[1, 5] = np.nan
    with pytest.raises(NonFiniteError, match=r"subset 5 of sample \(1,\)"):
        decompose(v)
