"""The losses of interaction orders: their sets, values and expectation, and what they do to a network."""

from __future__ import annotations

from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference_bottleneck as reference
import torch
from harsanyi.errors import ArgumentError, ArgumentTypeError
from harsanyi.training import (
    RECIPES,
    OrderRecipe,
    encouraging_loss,
    nested_batch,
    nested_sizes,
    order_loss,
    output_change,
    penalising_loss,
)
from hypothesis import given, strategies as st


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.integers(2, 40), st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32))
def test_sets_are_nested_and_of_the_sizes_asked_for(n: int, r1: float, r2: float, seed: int) -> None:
    r1, r2 = min(r1, r2), max(r1, r2)
    if round(r1 * n) == round(r2 * n):
        return
    k1, k2 = nested_sizes(n, r1, r2)
    assert (k1, k2) == (round(r1 * n), round(r2 * n))
    batch = nested_batch(torch.ones(5, n), r1, r2, player=range(n), generator=seed)
    small, large = batch.chunk(2)
    assert (small.sum(1) == k1).all()
    assert (large.sum(1) == k2).all()
    assert (small <= large).all()


def test_every_sample_has_sets_of_its_own_and_every_call_draws_anew() -> None:
    ones, generator = torch.ones(200, 16), torch.Generator().manual_seed(0)
    first = nested_batch(ones, 0.25, 0.5, player=range(16), generator=generator)
    assert len({tuple(row.tolist()) for row in first[:200]}) > 150
    second = nested_batch(ones, 0.25, 0.5, player=range(16), generator=generator)
    assert not torch.equal(first, second)
    again = nested_batch(ones, 0.25, 0.5, player=range(16), generator=torch.Generator().manual_seed(0))
    assert torch.equal(first, again)


def test_the_change_is_that_of_the_sizes() -> None:
    z = random(6, 4)
    torch.testing.assert_close(output_change(z, 2, 7), z[3:] - 3.5 * z[:3])
    torch.testing.assert_close(output_change(z, 0, 7), z[3:] - z[:3])
    one = output_change(z[:, :1], 0, 3)
    torch.testing.assert_close(one.softmax(1)[:, 1], (z[3:, 0] - z[:3, 0]).sigmoid())


def test_losses_are_their_definitions() -> None:
    change, labels = random(5, 3), torch.tensor([0, 2, 1, 1, 0])
    p = (change.exp() / change.exp().sum(1, keepdim=True)).numpy()
    assert np.isclose(
        encouraging_loss(change, labels).item(), np.mean([-np.log(p[i, y]) for i, y in enumerate(labels)])
    )
    assert np.isclose(penalising_loss(change).item(), np.mean([(row * np.log(row)).sum() for row in p]))
    assert penalising_loss(torch.tensor([[1e4, 0.0]])) == 0  # no NaN from 0 log 0
    leaf = change.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: encouraging_loss(x, labels) + penalising_loss(x), (leaf,))


def test_the_mean_change_is_the_one_of_theorem_2() -> None:
    """The sampler against the weights of the orders: 40,000 nested sets of a game of six players."""
    v = random(64).numpy()
    game = torch.from_numpy(v)
    bits = 2.0 ** torch.arange(6, dtype=torch.float64)
    for r1, r2 in ((0.0, 0.5), (0.34, 0.66), (0.5, 1.0)):
        k1, k2 = nested_sizes(6, r1, r2)
        sets = nested_batch(torch.ones(40_000, 6, dtype=torch.float64), r1, r2, player=range(6), generator=0)
        values = game[(sets @ bits).long()][:, None]
        small, large = values.chunk(2)
        change = large - small * (k2 / k1 if k1 else 1.0)
        expected = reference.nested_mean(v, k1, k2)
        error = change.std() / np.sqrt(40_000)
        assert abs(change.mean() - expected) < 5 * error
        assert np.isclose(hs.analysis.expected_difference(v, k1, k2), expected)


class Recording(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[torch.Tensor] = []
        self.layer = torch.nn.Linear(12, 3).double()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls.append(x.detach())
        return self.layer(x)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_one_forward_and_their_weighted_losses(name: str) -> None:
    recipe, model = RECIPES[name], Recording()
    x, labels = random(4, 12) + 5, torch.tensor([0, 1, 2, 0])
    loss = order_loss(model, x, labels, recipe, player=range(12), baseline=0.0, generator=3)
    (batch,) = model.calls
    wanted = [ratios for ratios in (recipe.encourage, recipe.penalise) if ratios is not None]
    assert len(batch) == 8 * len(wanted)
    expected = 0.0
    for part, (r1, r2) in zip(batch.chunk(len(wanted)), wanted, strict=True):
        sizes = (part != 0).sum(1)
        assert sizes.tolist() == [round(r1 * 12)] * 4 + [round(r2 * 12)] * 4
        change = output_change(model.layer(part), round(r1 * 12), round(r2 * 12))
        is_plus = (r1, r2) == recipe.encourage
        expected = expected + (encouraging_loss(change, labels) if is_plus else penalising_loss(change))
    torch.testing.assert_close(loss, torch.as_tensor(expected))
    if len(wanted) == 2:
        assert not torch.equal(batch[:4] != 0, batch[8:12] != 0)
    loss.backward()
    assert model.layer.weight.grad.abs().sum() > 0


def test_recipes_of_the_paper() -> None:
    assert RECIPES["low"] == OrderRecipe(penalise=(0.7, 1.0))
    assert RECIPES["middle"] == OrderRecipe(encourage=(0.3, 0.7))
    assert RECIPES["high"] == OrderRecipe(penalise=(0.0, 0.5))
    assert RECIPES["robustness"] == OrderRecipe(encourage=(0.6, 1.0), penalise=(0.0, 0.5))


def test_weights_scale_the_losses() -> None:
    x, labels, model = random(4, 12), torch.tensor([0, 1, 2, 0]), Recording()
    options: dict[str, Any] = {"player": range(12), "generator": 1}
    plus = order_loss(model, x, labels, OrderRecipe(encourage=(0.2, 0.5)), **options)
    twice = order_loss(model, x, labels, OrderRecipe(encourage=(0.2, 0.5), encourage_weight=2.0), **options)
    torch.testing.assert_close(twice, 2 * plus)


def test_penalising_all_orders_makes_the_network_forget_the_input() -> None:
    """L- for (0, 1) is least where v(N) - v(empty) is the same for all classes."""
    torch.manual_seed(0)
    x = torch.randn(256, 6)
    labels = (x[:, 0] * x[:, 1] > 0).long()
    spread = {}
    for name, recipe in (
        ("plain", None),
        ("penalised", OrderRecipe(penalise=(0.0, 1.0), penalise_weight=5.0)),
    ):
        torch.manual_seed(1)
        model = torch.nn.Sequential(torch.nn.Linear(6, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        generator = torch.Generator().manual_seed(0)
        for _ in range(150):
            loss = torch.nn.functional.cross_entropy(model(x), labels)
            if recipe is not None:
                loss = loss + order_loss(model, x, None, recipe, player=range(6), generator=generator)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            change = output_change(model(nested_batch(x, 0.0, 1.0, player=range(6))), 0, 6)
        spread[name] = (change[:, 0] - change[:, 1]).std().item()
    assert spread["penalised"] < 0.5 * spread["plain"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nested_sizes(10, 0.5, 0.5), ArgumentError, r"r1: got 0\.5, .* smaller than r2 = 0\.5"),
        (lambda: nested_sizes(10, 0.7, 0.3), ArgumentError, r"r1: got 0\.7"),
        (lambda: nested_sizes(10, -0.1, 0.3), ArgumentError, r"r1: got -0\.1, .* from 0 to 1"),
        (lambda: nested_sizes(10, 0.1, 1.3), ArgumentError, r"r2: got 1\.3, .* from 0 to 1"),
        (lambda: nested_sizes(10, float("nan"), 0.3), ArgumentError, "r1: got nan"),
        (lambda: nested_sizes(3, 0.4, 0.45), ArgumentError, r"r1, r2: got \(0\.4, 0\.45\), .* both are"),
        (lambda: nested_sizes(1, 0.0, 1.0), ArgumentError, "n: got 1"),
        (lambda: OrderRecipe(), ArgumentError, "encourage, penalise: got None"),
        (lambda: OrderRecipe(penalise=(0.5, 0.2)), ArgumentError, r"penalise\[0\]: got 0\.5"),
        (lambda: OrderRecipe(encourage=(0.5, 2.0)), ArgumentError, r"encourage\[1\]: got 2\.0"),
        (lambda: OrderRecipe(encourage=(0.1, 0.2), encourage_weight=-1.0), ArgumentError, "encourage_weight"),
        (
            lambda: encouraging_loss(torch.ones(3, 2), None),
            ArgumentError,
            "labels: got None, .* class of each",
        ),
        (
            lambda: encouraging_loss(torch.ones(3, 2), torch.ones(2).long()),
            ArgumentError,
            r"labels: got torch.int64 of shape \(2,\)",
        ),
        (lambda: encouraging_loss(torch.ones(3, 2), torch.ones(3)), ArgumentError, "labels: got"),
        (lambda: output_change(torch.ones(3, 2), 1, 2), ArgumentError, r"logits: got shape \(3, 2\)"),
        (lambda: output_change(torch.ones(4, 2), 2, 2), ArgumentError, r"k1, k2: got \(2, 2\)"),
        (
            lambda: nested_batch(np.ones((2, 2)), 0.0, 1.0, player=[0, 1]),
            ArgumentTypeError,
            "samples: got nd",
        ),
        (
            lambda: nested_batch(torch.ones(2), 0.0, 1.0, player=[0, 1]),
            ArgumentError,
            r"samples: got shape \(2",
        ),
        (
            lambda: nested_batch(torch.ones(2, 2), 0.0, 1.0, player=[0]),
            ArgumentError,
            "player: got 1 entries",
        ),
        (
            lambda: order_loss(
                torch.nn.Identity(), torch.ones(2, 4), None, RECIPES["middle"], player=range(4)
            ),
            ArgumentError,
            "labels: got None",
        ),
    ],
)
def test_bad_arguments_are_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
