"""The variants of the sparse decomposition: kinds, shares, several networks, precision, warm start, band."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi import _certificate
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.optima import band
from harsanyi.sparse import decompose, decompose_joint, decompose_workspace
from reference import permuted
from reference_sparse import games, joint_optimum, optimum, strength_range, synthesis, trained, weights_of

torch.set_num_threads(1)


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("n", [1, 2, 4, 6])
def test_and_alone_has_the_optimum_of_its_linear_program(n: int, noise: float) -> None:
    for name in ("random", "planted", "one-hot", "linear", "large"):
        v = games(n)[name]
        found = decompose(v, noise=noise, kinds="and")
        best = optimum(v, float(found.zeta), kinds="and")
        assert str(found.status) == "optimal", name
        assert not found.or_.any()
        assert found.lower_bound <= best * (1 + 1e-6) + 1e-7 * np.ptp(v)
        assert best * (1 - 1e-6) - 1e-7 * np.ptp(v) <= found.objective <= best * (1 + 1e-3) + 1e-7 * np.ptp(v)
        np.testing.assert_allclose(
            synthesis(n)[0] @ found.and_ + found.delta, v, rtol=0, atol=1e-13 * np.abs(v).max() * 2**n
        )
        if noise == 0:
            np.testing.assert_array_equal(found.and_[1:], hs.mobius(v - v[0])[1:])
            assert found.gap <= 1e-12


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("n", [2, 4])
def test_the_joint_optimum_is_that_of_its_linear_program(n: int, alpha: float, noise: float) -> None:
    rng = np.random.default_rng(n)
    v = games(n)["random"] + 0.3 * rng.normal(size=(3, 1 << n))
    found = decompose_joint(v, alpha=alpha, noise=noise)
    best = joint_optimum(v, alpha, found.zeta)
    assert str(found.status) == "optimal"
    assert found.lower_bound <= best * (1 + 1e-6)
    assert best * (1 - 1e-6) <= found.objective <= best * (1 + 1e-3)
    z, o = synthesis(n)
    rebuilt = found.and_ @ z.T + found.or_[:, 1:] @ o[:, 1:].T
    np.testing.assert_allclose(rebuilt + found.delta, v, rtol=0, atol=1e-12)
    # The certificate again, from the definition of the dual norm.
    y = found.dual
    sums = np.abs(np.stack([y @ z, y @ (1 - o)]))[..., 1:]
    largest = -np.sort(-sums, axis=1)
    norm = (np.cumsum(largest, 1) / ((1 - alpha) + alpha * np.arange(1, 4))[:, None]).max(1)
    assert (norm <= weights_of(n, 0.01) * (1 + 1e-9)).all()
    value = ((v - v[:, :1]) * y).sum() - (found.zeta * np.abs(y).sum(1)).sum()
    assert found.lower_bound == pytest.approx(value, rel=1e-9)


def test_one_network_is_decomposed_for_itself() -> None:
    v = trained(6)
    alone, joint = decompose(v, gap=1e-5), decompose_joint(v[None], gap=1e-5)
    assert joint.objective == pytest.approx(alone.objective, rel=3e-5)
    apart = decompose_joint(np.stack([v, games(6)["random"]]), alpha=1.0, gap=1e-5)
    other = decompose(games(6)["random"], gap=1e-5)
    assert apart.objective == pytest.approx(alone.objective + other.objective, rel=3e-5)


def test_what_networks_share_costs_once() -> None:
    v = trained(5)
    found = decompose_joint(np.stack([v, v]), alpha=0.1, gap=1e-4)
    assert found.objective == pytest.approx(1.1 * decompose(v, gap=1e-4).objective, rel=1e-3)


def test_a_smaller_share_costs_less_and_promises_nothing() -> None:
    def counted(pair: hs.Decomposition) -> float:
        sizes = np.sort(np.concatenate([np.abs(pair.and_[1:]), np.abs(pair.or_[1:])]))
        return float(sizes[: round(0.8 * sizes.size)].sum())

    ratios = []
    for n in range(4, 10):
        v = trained(n)
        convex = decompose(v, noise=0, merge_singletons=False)
        found = decompose(v, noise=0, share=0.8, merge_singletons=False)
        assert str(found.status) == "heuristic"
        assert (found.lower_bound, found.gap) == (0, 1)
        assert found.objective == pytest.approx(counted(found))
        z, o = synthesis(n)
        np.testing.assert_allclose(z @ found.and_ + o[:, 1:] @ found.or_[1:], v, atol=1e-11)
        ratios.append(found.objective / counted(convex))
    assert np.exp(np.mean(np.log(ratios))) < 1  # a heuristic: not each of them is


@pytest.mark.parametrize("n", [3, 6, 9])
def test_single_precision_reaches_the_gap_it_promises(n: int) -> None:
    for v in (trained(n), games(n)["huge offset"], games(n)["tiny"]):
        found = decompose(v, noise=0, precision="float32", gap=5e-4)
        assert found.gap <= 5e-4
        assert found.and_.dtype == np.float64
        z, o = synthesis(n)
        rebuilt = z @ found.and_ + o[:, 1:] @ found.or_[1:]
        np.testing.assert_allclose(rebuilt, v, rtol=0, atol=1e-13 * (found.l1 + np.abs(v).max()))
    with pytest.raises(ArgumentError, match="gap: got 1e-05"):
        decompose(trained(n), noise=0, precision="float32", gap=1e-5)
    with pytest.raises(ArgumentError, match="precision: got float32 with a noise term"):
        decompose(trained(n), precision="float32")


@pytest.mark.parametrize("n", [7, 8, 10])
def test_mixed_precision_reaches_any_gap(n: int) -> None:
    v = trained(n)
    for scale in (1, 1e-14, 1e14, 1e-40, 1e40):  # the last four are out of float32's reach
        found = decompose(scale * v, noise=0, gap=1e-5)
        assert found.status == "optimal"
        assert found.gap <= 1e-5
        z, o = synthesis(n)
        rebuilt = z @ found.and_ + o[:, 1:] @ found.or_[1:]
        np.testing.assert_allclose(
            rebuilt, scale * v, rtol=0, atol=1e-13 * (found.l1 + scale * np.abs(v).max())
        )
    start, alone = (
        decompose(v, noise=0, gap=1e-7, precision=p, max_steps=200000) for p in ("mixed", "float64")
    )
    assert start.lower_bound <= alone.objective
    assert alone.lower_bound <= start.objective
    size = np.abs(alone.and_).max()
    if n != 8:  # which has several minimisers
        np.testing.assert_allclose(start.and_, alone.and_, rtol=0, atol=2e-3 * size)
    again = decompose(v, noise=0, gap=1e-5, warm_start=start)
    assert again.gap <= 1e-5
    assert again.steps < start.steps
    for scale, begins_in_single in ((1, n >= 8), (1e40, False)):
        mixed, double = (decompose(scale * v, noise=0, precision=p) for p in ("mixed", "float64"))
        assert (mixed.dual.tobytes() != double.dual.tobytes()) == begins_in_single
    short = decompose(v, noise=0, max_steps=7)  # ends in float32
    assert short.status == "max_steps"
    assert short.steps == 7
    assert 0 < short.lower_bound < short.objective < np.inf


def test_a_tight_gap_is_reached_on_ten_players() -> None:
    v = trained(10)
    for noise, method in ((0.0, "auto"), (0.02, "auto"), (0.02, "splitting")):
        found = decompose(v, noise=noise, gap=1e-6, max_steps=200000, method=method)
        assert found.gap <= 1e-6


def test_the_objective_falls_with_the_box() -> None:
    v = trained(8)
    found = [decompose(v, zeta=z, gap=1e-4) for z in (0.0, 0.01, 0.03, 0.1, 0.3)]
    for wide, narrow in itertools.pairwise(reversed(found)):
        assert wide.lower_bound <= narrow.objective
        assert wide.objective <= narrow.objective * (1 + 1e-4)


def test_a_warm_start_saves_steps_and_ends_at_the_same_objective() -> None:
    v = np.stack([trained(8), games(8)["random"]])
    for noise in (0.0, 0.02):
        cold = decompose(v, noise=noise)
        again = decompose(v, noise=noise, warm_start=cold)
        assert (again.gap <= 1e-3).all()
        assert (again.steps < cold.steps).all()
        near = decompose(v * 1.01, noise=noise, gap=1e-4, warm_start=cold)
        np.testing.assert_allclose(near.objective, 1.01 * cold.objective, rtol=2e-3)
        split = decompose(v, noise=noise, method="splitting")
        assert (decompose(v, noise=noise, method="splitting", warm_start=split).steps < split.steps).all()
        batch = decompose_joint(v, noise=noise)
        assert decompose_joint(v, noise=noise, warm_start=batch).steps <= batch.steps


def strength(found: Any) -> Any:
    return (hs.reduce_orders(found.and_).absolute + hs.reduce_orders(found.or_).absolute)[1:]


@pytest.mark.parametrize("name", ["trained", "random", "planted"])
def test_every_start_ends_at_the_same_strengths_by_order(name: str) -> None:
    v = games(7)[name] if name != "trained" else trained(7)
    rng = np.random.default_rng(3)
    curved = 1 + 1e-3 * np.arange(8.0) ** 2
    tight = {"noise": 0.0, "gap": 1e-11, "max_steps": 500000, "weights": curved}
    base = decompose(v, **tight)  # type: ignore[arg-type]
    start = decompose(v + 0.1 * np.ptp(v) * rng.normal(size=v.size), noise=0)
    warm = decompose(v, **tight, warm_start=start)  # type: ignore[arg-type]
    np.testing.assert_allclose(strength(warm), strength(base), atol=1e-3 * strength(base).max())
    moved = decompose(permuted(v, [3, 1, 4, 0, 2, 6, 5]), **tight)  # type: ignore[arg-type]
    np.testing.assert_allclose(strength(moved), strength(base), atol=1e-3 * strength(base).max())
    if name == "planted":  # elsewhere two sets of the same order can share an effect in more than one way
        np.testing.assert_allclose(warm.and_, base.and_, atol=1e-9)
        np.testing.assert_allclose(warm.or_, base.or_, atol=1e-9)


def test_an_even_tie_break_leaves_trades_between_orders_open() -> None:
    """Two interactions of order 3 cost as much as one of order 2 and one of order 4: optima by HiGHS."""
    v = np.random.default_rng(0).integers(-2, 3, size=32).astype(float)
    low, high = strength_range(v, 3)
    assert high - low > 1.5
    found = decompose(v, noise=0, gap=1e-9, max_steps=500000)
    assert low - 1e-4 <= strength(found)[2] <= high + 1e-4
    curved = 1 + 1e-3 * np.arange(6.0) ** 2
    low, high = strength_range(v, 3, curved)
    assert high - low < 1e-4
    found = decompose(v, noise=0, gap=1e-9, max_steps=500000, weights=curved)
    assert strength(found)[2] == pytest.approx(low, abs=1e-4)


def test_the_band_shows_what_is_not_determined() -> None:
    linear = games(4)["linear"]
    ends = band(linear, noise=0, gap=1e-7)
    np.testing.assert_allclose(ends.strength_low, [0, 10, 0, 0, 0], atol=1e-3)
    assert ends.strength_high[1] < 9
    assert ends.low.l1 == pytest.approx(ends.high.l1, rel=1e-5)
    tensor = band(torch.from_numpy(linear).expand(2, -1), noise=0)
    assert tensor.strength_low.shape == (2, 5)
    with pytest.raises(ArgumentError, match="tie_break: got 0"):
        band(linear, tie_break=0)


def test_a_workspace_can_be_used_again() -> None:
    v = games(6)["random"]
    space = np.empty(decompose_workspace(6, 3), np.uint8)
    first = decompose(np.stack([v] * 3), workspace=space)
    second = decompose(v, noise=0, workspace=space)
    assert first.and_[2].tobytes() == decompose(v).and_.tobytes()
    assert second.and_.tobytes() == decompose(v, noise=0).and_.tobytes()
    with pytest.raises(ArgumentError, match="workspace: got 10 bytes"):
        decompose(v, workspace=space[:10])
    with pytest.raises(ArgumentTypeError, match="workspace: got list"):
        decompose(v, workspace=[0])  # type: ignore[arg-type]


def test_progress_counts_the_samples(capsys: pytest.CaptureFixture[str]) -> None:
    decompose(np.random.default_rng(0).normal(size=(5, 64)), progress=True)
    assert "5.00/5.00" in capsys.readouterr().err


def test_long_work_can_be_interrupted() -> None:
    v = np.random.default_rng(1).normal(size=1 << 14)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            decompose(v, gap=0.0, max_steps=10**8)
        assert time.monotonic() - begin < 60  # it would run for hours
    finally:
        signal.signal(signal.SIGINT, before)


def test_excluded_orders_with_noise_are_found_where_the_noise_allows() -> None:
    v = games(5)["linear"] + np.random.default_rng(2).uniform(-0.1, 0.1, 32)
    weights = [1.0, 1.0, np.inf, np.inf, np.inf]
    found = decompose(v, zeta=0.2, weights=weights)
    best = optimum(v, 0.2, weights=np.array([0.0, *weights]))
    assert str(found.status) == "optimal"
    assert found.objective == pytest.approx(best, rel=2e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": "or"}, "kinds: got 'or'"),
        ({"share": 1.5}, "share: got 1.5"),
        ({"precision": "float16"}, "precision: got 'float16'"),
        ({"method": "simplex"}, "method: got 'simplex', but it must be \"auto\""),
        ({"warm_start": decompose(np.arange(4.0))}, r"warm_start: got shape \(4,\)"),
    ],
)
def test_options_out_of_range_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        decompose(np.arange(8.0), **options)


def test_joint_options_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"v: got shape \(8,\)"):
        decompose_joint(np.arange(8.0))
    with pytest.raises(ArgumentError, match="alpha: got 2"):
        decompose_joint(np.zeros((2, 8)), alpha=2)
    with pytest.raises(ArgumentError, match=r"v: got shape \(17, 8\)"):
        decompose_joint(np.zeros((17, 8)))
    with pytest.raises(ArgumentTypeError, match="warm_start: got int"):
        decompose_joint(np.zeros((2, 8)), warm_start=3)  # type: ignore[arg-type]


def test_multipliers_that_cancel_promise_nothing() -> None:
    """Without singletons this game needs all of its box: v - delta is constant, the optimum zero."""
    v, nothing = np.array([[0.0, 0.0, 1.0, 1.0]]), np.zeros((1, 4))
    found = hs.decompose(v[0], zeta=0.5, gap=1e-10, weights=[np.inf, 1.0])
    assert float(found.lower_bound) <= float(found.objective)
    problem = _certificate.Problem(np.array([0, np.inf, 1]), np.array([0.5]))
    for a, b, size in np.random.default_rng(0).random((200, 3)) * [1, 1, 1e12]:
        dual = np.array([[-a, -size, size + a - b, b]])
        assert _certificate.certify(problem, v, nothing, nothing, dual, 1e-3)["lower_bound"] == 0


def test_a_certificate_does_not_depend_on_how_many_are_made_together(monkeypatch: pytest.MonkeyPatch) -> None:
    v = np.random.default_rng(3).normal(size=(2, 5, 3, 16))
    found = [hs.decompose(v), hs.decompose_joint(v)]
    monkeypatch.setattr(
        _certificate, "_TOGETHER", 100
    )  # six samples of sixteen entries, two of three networks
    for one, other in zip(found, [hs.decompose(v), hs.decompose_joint(v)], strict=True):
        for name in ("objective", "lower_bound", "l1", "l1_lower_bound", "gap", "status"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
            assert getattr(one, name).shape == one.steps.shape


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e9])
def test_ties_do_not_drive_the_threshold_away(scale: float) -> None:
    v = scale * np.array([1.0, 11, 3, -4, -2, 3, 17, -6])
    found = hs.decompose(v, noise=0, gap=1e-9, method="splitting")
    assert (str(found.status), int(found.steps) < 2000) == ("optimal", True)


def test_and_alone_is_found_to_tight_gaps_where_many_values_are_equal() -> None:
    generator = np.random.default_rng(0)
    for i in range(100):
        v = generator.normal(size=1 << generator.integers(2, 8))
        v = np.round(v, 1) if i % 2 == 0 else (v > 0).astype(float)
        found = hs.decompose(v, noise=0.1, gap=1e-10, kinds="and")
        assert (str(found.status), float(found.gap) <= 1e-10) == ("optimal", True)
