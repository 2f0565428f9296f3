"""Draws: exact properties of every one, and uniformity by a chi-square far in the tail at fixed seeds."""

from __future__ import annotations

from collections.abc import Callable
from math import comb, sqrt
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference
import torch
from harsanyi.errors import ArgumentError, ArgumentTypeError, NotEnoughMemoryError
from harsanyi.sampling import draw_seed, sample_masks, sample_subsets
from harsanyi.subsets import masks_to_subsets, rank_subsets, subsets_to_masks
from hypothesis import given, strategies as st


def chi_square_limit(freedom: int, deviations: float = 5.0) -> float:
    """Quantile of the chi-square distribution at a normal deviate (Wilson-Hilferty); 5 leaves 3e-7 above."""
    spread = 2 / (9 * freedom)
    return float(freedom * (1 - spread + deviations * sqrt(spread)) ** 3)


def chi_square(counts: Any, draws: int) -> float:
    expected = draws / len(counts)
    return float(((np.asarray(counts) - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1, 12345])
@pytest.mark.parametrize(
    ("n", "size", "exclude"), [(6, 3, ()), (7, 2, (0,)), (9, 4, (3, 8)), (5, 4, ()), (63, 1, ())]
)
def test_every_subset_is_equally_likely(n: int, size: int, exclude: tuple[int, ...], seed: int) -> None:
    allowed = [i for i in range(n) if i not in exclude]
    cells, draws = comb(len(allowed), size), 20_000
    subsets = sample_subsets(n, size, draws, exclude=exclude, generator=seed)
    masks = subsets_to_masks(subsets, n)[:, allowed]
    counts = np.bincount(rank_subsets(masks_to_subsets(masks)), minlength=cells)
    assert counts.sum() == draws
    assert chi_square(counts, draws) < chi_square_limit(cells - 1)


@pytest.mark.parametrize("seed", [3, 4, 5])
@pytest.mark.parametrize(("n", "size"), [(196, 7), (196, 190), (1000, 500)])
def test_players_and_pairs_of_players_are_equally_likely(n: int, size: int, seed: int) -> None:
    draws = 4000
    masks = sample_masks(n, size, draws, generator=seed)
    share = size / n
    deviations = (masks.sum(axis=0) - draws * share) / sqrt(draws * share * (1 - share))
    assert np.abs(deviations).max() < 6
    both, joint = masks[:, ::2] & masks[:, 1::2], size * (size - 1) / (n * (n - 1))
    deviations = (both.sum(axis=0) - draws * joint) / sqrt(draws * joint * (1 - joint))
    assert np.abs(deviations).max() < 6


def test_draws_are_independent_of_their_neighbours() -> None:
    """Pairs of successive draws: all 36 pairs of the 6 subsets of 2 out of 4 are equally likely."""
    ranks = rank_subsets(sample_subsets(4, 2, 40_000, generator=9)).reshape(-1, 2)
    counts = np.bincount(ranks[:, 0] * 6 + ranks[:, 1], minlength=36)
    assert chi_square(counts, 20_000) < chi_square_limit(35)


def test_seeds_give_unrelated_draws() -> None:
    firsts = [int(rank_subsets(sample_subsets(6, 3, 1, generator=seed))[0]) for seed in range(2000)]
    assert chi_square(np.bincount(firsts, minlength=20), 2000) < chi_square_limit(19)


@given(st.integers(0, 63), st.data())
def test_size_exclusion_and_agreement(n: int, data: st.DataObject) -> None:
    exclude = data.draw(st.lists(st.integers(0, n - 1), max_size=n)) if n else []
    size = data.draw(st.integers(0, n - len(set(exclude))))
    seed = data.draw(st.integers(0, 2**64 - 1))
    subsets = sample_subsets(n, size, 20, exclude=exclude, generator=seed)
    assert subsets.dtype == np.int64
    masks = sample_masks(n, size, 20, exclude=exclude, generator=seed)
    assert masks.dtype == np.bool_
    assert masks.shape == (20, n)
    assert (masks.sum(axis=1) == size).all()
    assert not masks[:, exclude].any()
    np.testing.assert_array_equal(masks_to_subsets(masks), subsets)
    assert [reference.size(s) for s in subsets.tolist()] == [size] * 20


def test_more_draws_continue_the_same_sequence() -> None:
    many = sample_subsets(40, 11, 5000, generator=7)
    np.testing.assert_array_equal(sample_subsets(40, 11, 123, generator=7), many[:123])
    masks = sample_masks(300, 9, 2000, generator=7)
    np.testing.assert_array_equal(sample_masks(300, 9, 50, generator=7), masks[:50])
    assert sample_subsets(40, 11, 0, generator=7).shape == (0,)
    assert sample_masks(40, 11, 0, generator=7).shape == (0, 40)


def test_draws_do_not_depend_on_threads(kernel_settings: None) -> None:
    drawn = []
    for threads in (1, 2, 3, 5):
        hs.set_num_threads(threads)
        drawn.append(sample_masks(500, 100, 3000, exclude=[0], generator=2))
    assert all(np.array_equal(drawn[0], other) for other in drawn[1:])


def test_more_players_than_an_integer_holds() -> None:
    masks = sample_masks(100_000, 50_000, 3, exclude=range(100), generator=0)
    assert masks.sum(axis=1).tolist() == [50_000] * 3
    assert not masks[:, :100].any()


def test_only_one_choice_left() -> None:
    assert sample_subsets(5, 3, 4, exclude=[0, 3], generator=0).tolist() == [0b10110] * 4
    assert sample_subsets(5, 0, 2, generator=0).tolist() == [0, 0]
    assert sample_masks(0, 0, 2, generator=0).shape == (2, 0)


def test_generators_give_seeds() -> None:
    assert draw_seed(5) == 5
    assert draw_seed(np.random.default_rng(1)) == draw_seed(np.random.default_rng(1))
    assert draw_seed(torch.Generator().manual_seed(1)) == draw_seed(torch.Generator().manual_seed(1))
    numpy_one, torch_one = np.random.default_rng(1), torch.Generator().manual_seed(1)
    for source in (numpy_one, torch_one, None):
        seeds = {draw_seed(source) for _ in range(64)}
        assert len(seeds) == 64
        assert all(0 <= seed < 2**64 for seed in seeds)
        assert any(seed >= 2**63 for seed in seeds)  # all 64 bits are used: else 2**-64 by chance
        assert any(seed < 2**63 for seed in seeds)
    first = sample_subsets(40, 20, 5, generator=np.random.default_rng(3))
    np.testing.assert_array_equal(first, sample_subsets(40, 20, 5, generator=np.random.default_rng(3)))
    assert not np.array_equal(sample_subsets(60, 30, 5), sample_subsets(60, 30, 5))


def test_exclude_takes_any_iterable() -> None:
    expected = sample_subsets(8, 3, 50, exclude=[1, 6], generator=0)
    for exclude in ((6, 1), {1, 6}, np.array([1, 6, 6]), torch.tensor([6, 1]), iter([1, 6])):
        np.testing.assert_array_equal(sample_subsets(8, 3, 50, exclude=exclude, generator=0), expected)


@pytest.mark.parametrize("draw", [sample_subsets, sample_masks])
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((5, 6, 1), {}, "size: got 6, .* from 0 to 5"),
        ((5, 5, 1), {"exclude": [2]}, "size: got 5, .* from 0 to 4"),
        ((5, -1, 1), {}, "size: got -1"),
        ((5, 2, -1), {}, "count: got -1"),
        ((-1, 0, 1), {}, "n: got -1"),
        ((5, 2, 1), {"exclude": [5]}, "exclude: got 5, .* from 0 to 4"),
        ((5, 2, 1), {"exclude": [-1]}, "exclude: got -1"),
        ((5, 2, 1), {"generator": -1}, "generator: got -1"),
        ((5, 2, 1), {"generator": 2**64}, "generator: got 18446744073709551616"),
    ],
)
def test_values_out_of_range_are_named(
    draw: Callable[..., Any], arguments: tuple[int, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        draw(*arguments, **options)


@pytest.mark.parametrize("draw", [sample_subsets, sample_masks])
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((5, 2.0, 1), {}, "size: got 2.0"),
        ((5, 2, 1.0), {}, "count: got 1.0"),
        ((5.0, 2, 1), {}, "n: got 5.0"),
        ((5, 2, 1), {"exclude": 3}, "exclude: got 3"),
        ((5, 2, 1), {"exclude": [1.0]}, "exclude: got 1.0"),
        ((5, 2, 1), {"generator": 1.0}, "generator: got float"),
        ((5, 2, 1), {"generator": True}, "generator: got bool"),
        ((5, 2, 1), {"generator": np.random.RandomState(0)}, "generator: got RandomState"),
    ],
)
def test_other_types_are_named(
    draw: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentTypeError, match=message):
        draw(*arguments, **options)


def test_draws_that_cannot_fit_say_what_they_need() -> None:
    with pytest.raises(NotEnoughMemoryError, match="needs 8 PiB"):
        sample_subsets(20, 10, 2**50)
    with pytest.raises(NotEnoughMemoryError, match="needs 1 PiB"):
        sample_masks(2**10, 10, 2**40)
    with pytest.raises(ArgumentError, match="n: got 64"):
        sample_subsets(64, 2, 1)
    with pytest.raises(ArgumentError, match="n: got 2147483648"):
        sample_masks(2**31, 2, 1)


@pytest.mark.parametrize("draw", [sample_subsets, sample_masks])
def test_a_device_makes_it_a_tensor(draw: Callable[..., Any]) -> None:
    found = draw(12, 5, 40, exclude=[2], generator=3, device="cpu")
    assert torch.is_tensor(found)
    assert torch.equal(found, torch.from_numpy(draw(12, 5, 40, exclude=[2], generator=3)))
    assert draw(12, 5, 4, device="meta").device.type == "meta"
    for device in ("nowhere", "cuda:99", 1.5):
        with pytest.raises(ArgumentError, match="device: got"):
            draw(12, 5, 4, device=device)
