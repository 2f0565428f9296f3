"""The simplex methods of the decomposition: exact for few terms, elsewhere they finish the pair."""

from __future__ import annotations

from typing import Any

import harsanyi as hs
import numpy as np
import pytest
from harsanyi.sparse import Decomposition, decompose
from reference_sparse import Game, games, optimum, synthesis
from test_sparse import check_certificate, weights_of


def planted(n: int, terms: int, rough: float = 0.0, seed: int = 0) -> Game:
    """AND and OR interactions of order up to 3 and noise of size `rough`: few terms if the box holds that."""
    rng = np.random.default_rng(seed + n)
    masks = np.arange(1 << n)
    v = rng.uniform(-rough, rough, 1 << n)
    for i in range(terms):
        players = rng.choice(n, size=1 + i % 3, replace=False)
        s = int((1 << players).sum())
        v += rng.normal() * ((masks & s) == s if i % 2 else (masks & s) != 0)
    return v


def terms_of(found: Decomposition[Any]) -> int:
    return int(np.count_nonzero(found.and_[1:]) + np.count_nonzero(found.or_[1:]))


@pytest.mark.parametrize(
    ("n", "kinds"), [(4, "and-or"), (7, "and-or"), (10, "and-or"), (13, "and-or"), (4, "and"), (7, "and")]
)
def test_few_terms_are_found_exactly_and_all_others_are_zero(n: int, kinds: Any) -> None:
    v = planted(n, 6, 0.01)
    found = decompose(v, noise=0.05, kinds=kinds, gap=1e-7)
    assert found.status == "optimal"
    assert found.gap <= 1e-7
    assert 0 < terms_of(found) <= 16 * n
    split = decompose(v, noise=0.05, kinds=kinds, method="splitting", gap=1e-4, max_steps=200000)
    assert split.lower_bound <= found.objective <= split.objective * (1 + 1e-7)
    if kinds == "and-or" and n <= 7:
        check_certificate(found, v, weights_of(n, 0.01))
        assert found.objective == pytest.approx(optimum(v, float(found.zeta)), rel=1e-7)


@pytest.mark.parametrize("n", [5, 8])
def test_it_is_the_optimum_of_the_linear_program_to_seven_digits(n: int) -> None:
    """The program's two ends of the box, coefficients of both signs, and every kind of pivot on the way."""
    for seed in range(4):
        v = np.random.default_rng(seed).normal(size=1 << n) if n == 5 else planted(n, 12, 0.2, seed)
        found = decompose(v, zeta=0.5)
        assert found.gap <= 1e-6
        assert found.objective == pytest.approx(optimum(v, 0.5), rel=1e-6)


@pytest.mark.parametrize("weights", [[3.0, 1, 1, 2, 3], [1.0, 1, 0, 0, 0], [1.0, 2, 1, np.inf, np.inf]])
def test_weights_are_those_of_the_linear_program(weights: list[float]) -> None:
    v = planted(5, 6, 0.05)
    found = decompose(v, zeta=0.3, weights=weights, tie_break=0, max_steps=200000)
    best = optimum(v, 0.3, 0.0, np.array([0.0, *weights]))
    assert found.objective == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert found.status == "optimal"


def test_copies_of_a_game_add_no_terms() -> None:
    """A player without effect makes subsets and interactions ambiguous: ties must not choose among copies."""
    v = planted(8, 14, 0.02)
    wide = np.tile(v[:, None, None], (1, 2, 2)).reshape(-1)  # two players below the others
    high = np.tile(v, 4)  # and two above
    found = [decompose(x, noise=0.05) for x in (v, wide, high)]
    assert all(f.gap <= 1e-7 for f in found)
    assert found[0].objective == pytest.approx(found[1].objective, rel=1e-7)
    assert found[0].objective == pytest.approx(found[2].objective, rel=1e-7)
    assert not found[1].and_.reshape(-1, 4)[:, 1:].any()
    assert not found[2].and_.reshape(4, -1)[1:].any()


@pytest.mark.parametrize("scale", [1e-12, 1e6])
def test_the_optimum_scales_with_the_game(scale: float) -> None:
    v = planted(8, 14, 0.02)
    one, other = decompose(v, noise=0.05), decompose(scale * v + 1e3 * scale, noise=0.05)
    assert other.gap <= 1e-7
    assert other.objective == pytest.approx(scale * one.objective, rel=1e-7)


def test_dense_games_are_left_to_the_iteration() -> None:
    v = games(9)["random"]
    found = decompose(v, noise=0.02)
    split = decompose(v, noise=0.02, method="splitting")
    assert found.status == split.status == "optimal"
    assert 1e-6 < found.gap <= 1e-3
    assert found.steps > 100
    assert found.objective == pytest.approx(split.objective, rel=1e-3)


@pytest.mark.parametrize("n", [9, 15, 16])
def test_blocks_threads_and_tiers_leave_no_trace(n: int, kernel_settings: None) -> None:
    v = planted(n, 6, 0.01 if n < 10 else 0.0)
    results = []
    for isa in hs.build_config()["isas"]:  # type: ignore[attr-defined]
        for threads in (1, 3):
            hs.set_isa(isa)
            hs.set_num_threads(threads)
            results.append(decompose(v, zeta=0.1))
    assert results[0].gap <= 1e-7
    for other in results[1:]:
        assert other.steps == results[0].steps
        for name in ("and_", "or_", "delta", "dual"):
            left, right = getattr(results[0], name), getattr(other, name)
            np.testing.assert_allclose(left, right, rtol=0, atol=1e-12 * np.abs(left).max())
    for one, three in zip(results[::2], results[1::2], strict=True):
        assert one.and_.tobytes() == three.and_.tobytes()
        assert one.dual.tobytes() == three.dual.tobytes()


def test_a_vertex_starts_the_next_checkpoint() -> None:
    v = planted(10, 8, 0.01)
    cold = decompose(v, noise=0.05)
    assert cold.steps > 0
    again = decompose(v, noise=0.05, warm_start=cold)
    assert again.steps == 0
    assert again.objective == pytest.approx(cold.objective, rel=1e-12)
    later = v + 0.01 * planted(10, 2, seed=1)
    warm, fresh = decompose(later, noise=0.05, warm_start=cold), decompose(later, noise=0.05)
    assert warm.gap <= 1e-7
    assert warm.steps < fresh.steps
    exact = decompose(later, noise=0.05, gap=1e-7)
    assert warm.objective == pytest.approx(exact.objective, rel=1e-7)
    other = decompose(later, noise=0.05, tie_break=0.2, warm_start=cold)  # not dual feasible there
    assert other.gap <= 1e-7
    wrong = np.random.default_rng(0).permutation(v)
    assert decompose(wrong, noise=0.3, warm_start=cold).status == "optimal"


def test_a_start_from_many_terms_is_left_to_the_iteration() -> None:
    v = games(9)["random"]
    cold = decompose(v, noise=0.02, method="splitting")
    again = decompose(v, noise=0.02, warm_start=cold)
    split = decompose(v, noise=0.02, warm_start=cold, method="splitting")
    assert again.steps == split.steps
    assert again.and_.tobytes() == split.and_.tobytes()


@pytest.mark.parametrize("max_steps", [1, 2, 3, 30])
def test_few_steps_end_with_a_pair_and_an_honest_status(max_steps: int) -> None:
    v = planted(9, 20, 0.02)
    found = decompose(v, noise=0.05, max_steps=max_steps)
    assert found.status == "max_steps"
    assert found.steps == max_steps
    assert 0 <= found.lower_bound < found.objective < np.inf
    z, o = synthesis(9)
    rebuilt = z @ found.and_ + o[:, 1:] @ found.or_[1:]
    np.testing.assert_allclose(rebuilt, v - found.delta, rtol=0, atol=1e-12 * np.abs(v).max())


def test_a_tight_gap_is_reached_or_left_to_the_iteration() -> None:
    v = planted(7, 10, 0.02)
    for gap in (1e-6, 1e-9, 1e-11):
        found = decompose(v, noise=0.05, gap=gap, max_steps=200000)
        assert found.status == "optimal"
        assert found.gap <= gap


@pytest.mark.parametrize(
    ("n", "kinds"), [(10, "and-or"), (12, "and-or"), (13, "and-or"), (14, "and-or"), (11, "and")]
)
def test_the_pair_of_the_iteration_is_finished_with_few_terms(n: int, kinds: Any) -> None:
    v = planted(n, 60 if n > 10 else 50, 0.05)
    found, split = decompose(v, kinds=kinds), decompose(v, kinds=kinds, method="splitting")
    assert found.status == split.status == "optimal"
    assert found.gap <= 1e-3
    if kinds == "and-or":
        assert terms_of(found) < 32 * n < terms_of(split)
        assert found.steps < split.steps
    assert found.lower_bound <= split.objective * (1 + 1e-12)
    assert split.lower_bound <= found.objective * (1 + 1e-12)
    rebuilt = hs.zeta(hs.dividends(found.and_, found.or_))
    np.testing.assert_allclose(rebuilt, v - found.delta, rtol=0, atol=1e-11 * np.abs(v).max())
    assert np.abs(found.delta).max() <= found.zeta


def test_a_finished_pair_is_the_same_on_any_threads_and_tiers(kernel_settings: None) -> None:
    v = planted(14, 60, 0.05)
    results = []
    for isa in hs.build_config()["isas"]:  # type: ignore[attr-defined]
        hs.set_isa(isa)
        for threads in (1, 3):
            hs.set_num_threads(threads)
            results.append(decompose(v))
    for one, three in zip(results[::2], results[1::2], strict=True):
        assert one.steps == three.steps
        assert one.and_.tobytes() == three.and_.tobytes()
        assert one.dual.tobytes() == three.dual.tobytes()
    for found in results:
        assert found.gap <= 1e-3
        assert terms_of(found) < 32 * 14


@pytest.mark.parametrize("gap", [1e-8, 1e-9])
def test_an_optimum_found_with_many_terms_is_kept_at_tight_gaps(gap: float) -> None:
    """After many pivots the inverse has an error: it must not cost the pair its place in the box."""
    random = np.random.default_rng(0)
    players = (np.arange(1 << 10)[:, None] >> np.arange(10)) & 1
    v = np.logaddexp(0, 2 * players @ random.normal(size=(10, 4))) @ random.normal(size=4)
    found = decompose(v, noise=0.05, gap=gap, max_steps=6000)
    assert found.status == "optimal"
    assert found.gap <= gap
    rounding = 1e-12 * np.abs(found.and_).max()  # which at 1e-9 may be left on all coefficients
    assert 150 < (np.abs(found.and_) > rounding).sum() + (np.abs(found.or_) > rounding).sum() < 640


def test_a_bound_outlives_a_vertex_whose_pair_is_not_near_enough() -> None:
    """The margin is dear where the box leaves almost nothing: the iteration mends the pair alone."""
    v = np.array([0.917, 0.934, -104.093, -104.148])
    for share in (0.4999, 0.49999, 0.4999999):
        found = decompose(v, zeta=share * float(np.ptp(v)), gap=1e-6, tie_break=0.1)
        assert found.status == "optimal"
        assert found.lower_bound > 0
        assert found.gap <= 1e-6


@pytest.mark.parametrize("gap", [1e-4, 1e-5])
def test_a_finished_pair_serves_tighter_gaps_too(gap: float) -> None:
    v = planted(9, 40, 0.05, 1)
    found = decompose(v, gap=gap, max_steps=200000)
    split = decompose(v, gap=gap, max_steps=200000, method="splitting")
    assert found.status == split.status == "optimal"
    assert found.objective == pytest.approx(split.objective, rel=gap)


@pytest.mark.parametrize("max_steps", [151, 200, 300])
def test_steps_and_pivots_together_keep_to_the_limit(max_steps: int) -> None:
    found = decompose(planted(12, 60, 0.05), max_steps=max_steps, gap=1e-6)
    assert found.status == "max_steps"
    assert found.steps <= max_steps
    assert found.lower_bound < found.objective < np.inf


def test_a_start_of_both_kinds_serves_and_alone() -> None:
    for seed in range(12):
        v = planted(4, 3, 0.005, seed)
        both, cold = decompose(v, noise=0.05), decompose(v, noise=0.05, kinds="and")
        warm = decompose(v, noise=0.05, kinds="and", warm_start=both)
        assert warm.status == "optimal"
        assert warm.objective == pytest.approx(cold.objective, rel=1e-3)


def test_a_box_that_holds_everything_leaves_a_dual_of_zeros() -> None:
    v = np.random.default_rng(0).normal(size=64)
    waste = [np.full(64, 7e7) for _ in range(50)]
    del waste
    found = decompose(v, zeta=100.0)
    assert found.objective == 0
    assert not found.dual.any()


def test_no_gap_at_all_may_be_asked_for() -> None:
    found = decompose(planted(9, 40, 0.05, 1), gap=0, max_steps=600)
    assert 0 < found.lower_bound <= found.objective < np.inf


@pytest.mark.parametrize(("n", "kinds"), [(8, "and-or"), (9, "and-or"), (8, "and"), (10, "and")])
def test_the_primal_method_ends_at_the_optimum_of_the_linear_program(n: int, kinds: Any) -> None:
    """Where none is found from nothing, a finished pair is improved until its bound is there too."""
    for seed in range(3):
        v = planted(n, 60, 0.03, seed)
        found = decompose(v, kinds=kinds, gap=1e-7, max_steps=20000)
        split = decompose(v, kinds=kinds, method="splitting", gap=1e-7, max_steps=20000)
        assert found.status == "optimal"
        assert found.gap <= 1e-7
        assert found.steps < split.steps / 2
        if kinds == "and-or" and n == 8:
            assert found.objective == pytest.approx(optimum(v, float(found.zeta)), rel=2e-7)
