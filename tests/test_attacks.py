"""FGSM and PGD against the update rule, row by row, and what an attack must leave as it was."""

from __future__ import annotations

from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import torch
from harsanyi import attacks, outputs
from harsanyi.errors import ArgumentError, ArgumentTypeError
from torch import nn


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Dropout(0.5), nn.Linear(16, 4)).double()


def data(rows: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(1)
    return torch.rand(rows, 6, dtype=torch.float64, generator=source), torch.arange(rows) % 4


def by_the_rule(value: Any, x0: torch.Tensor, start: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
    """Every row alone: x <- clip(project(x -+ step sign(gradient)))."""
    rows = []
    for row, begin in enumerate(start):
        x = begin.clone()
        for _ in range(options["steps"]):
            leaf = x[None].clone().requires_grad_()
            (gradient,) = torch.autograd.grad(value(leaf, row), leaf)
            sign = 1 if options.get("maximise") else -1
            x = x + sign * options["step_size"] * torch.sign(gradient[0])
            x = torch.minimum(torch.maximum(x, x0[row] - options["radius"]), x0[row] + options["radius"])
            if options.get("clip"):
                x = x.clamp(*options["clip"])
        rows.append(x)
    return torch.stack(rows)


@pytest.mark.parametrize("clip", [None, (0.0, 1.0)])
@pytest.mark.parametrize("maximise", [False, True])
def test_pgd_follows_the_rule(maximise: bool, clip: Any) -> None:
    model, (x, labels) = network().eval(), data()
    options = {"radius": 0.3, "steps": 7, "step_size": 0.08, "maximise": maximise, "clip": clip}

    def value(batch: torch.Tensor, row: int) -> torch.Tensor:
        z = model(batch)[0]
        others = torch.cat([z[: labels[row]], z[labels[row] + 1 :]])
        return z[labels[row]] - others.logsumexp(0)

    found = attacks.pgd(model, x, labels=labels, random_start=False, **options)
    torch.testing.assert_close(found, by_the_rule(value, x, x, options))
    one = attacks.fgsm(model, x, labels=labels, radius=0.3, maximise=maximise, clip=clip)
    alone = by_the_rule(value, x, x, {**options, "steps": 1, "step_size": 0.3})
    torch.testing.assert_close(one, alone)


def test_the_three_ways_to_name_a_value_agree() -> None:
    model, (x, _) = network().eval(), data()
    odds = outputs.log_odds(2)
    expected = attacks.pgd(lambda batch: odds(model(batch)), x, radius=0.2, steps=5, generator=3)
    for options in (
        {"output": odds},
        {"labels": [2] * 5},
        {"labels": np.full(5, 2), "output": outputs.log_odds()},
    ):
        assert torch.equal(attacks.pgd(model, x, radius=0.2, steps=5, generator=3, **options), expected)
    cross_entropy = nn.CrossEntropyLoss()
    raised = attacks.pgd(
        lambda batch: torch.stack([cross_entropy(z, torch.tensor(2)) for z in model(batch)]),
        x,
        radius=0.2,
        steps=5,
        generator=3,
        maximise=True,
    )
    torch.testing.assert_close(raised, expected)


def test_a_linear_value_ends_in_the_corner() -> None:
    weights = torch.tensor([1.0, -2.0, 0.0])
    x = torch.zeros(2, 3)
    found = attacks.pgd(lambda batch: batch @ weights, x, radius=0.5, steps=4, random_start=False)
    assert found.tolist() == [[-0.5, 0.5, 0.0]] * 2
    assert attacks.fgsm(lambda batch: batch @ weights, x, radius=0.0).tolist() == x.tolist()


def test_an_untargeted_attack_lowers_and_a_targeted_one_raises() -> None:
    model, (x, labels) = network().eval(), data(20)

    def odds(batch: torch.Tensor) -> Any:
        return torch.stack(
            [outputs.log_odds(int(y))(model(z[None]))[0] for z, y in zip(batch, labels, strict=True)]
        )

    with torch.no_grad():
        before = odds(x)
        lowered = odds(attacks.pgd(model, x, labels=labels, radius=0.3, steps=20, generator=0))
        raised = odds(attacks.pgd(model, x, labels=labels, radius=0.3, steps=20, generator=0, maximise=True))
    assert (lowered < before).all()
    assert (raised > before).all()


def test_the_ball_the_range_and_the_start() -> None:
    model, (x, labels) = network(), data()
    options: dict[str, Any] = {"labels": labels, "radius": 0.4, "steps": 3, "clip": (0.0, torch.ones(6))}
    found = attacks.pgd(model, x, generator=7, **options)
    assert ((found - x).abs() <= 0.4 + 1e-12).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert torch.equal(attacks.pgd(model, x, generator=7, **options), found)
    assert torch.equal(
        attacks.pgd(model, x, generator=torch.Generator().manual_seed(7), **options),
        attacks.pgd(model, x, generator=torch.Generator().manual_seed(7), **options),
    )
    still = {**options, "step_size": 0.0, "clip": None}
    start = attacks.pgd(model, x.repeat(200, 1), generator=8, **{**still, "labels": labels.repeat(200)})
    moved = (start - x.repeat(200, 1)) / 0.4  # the random start alone
    assert (moved.abs() <= 1 + 1e-12).all()
    assert abs(float(moved.mean())) < 0.05
    assert abs(float(moved.var()) - 1 / 3) < 0.02
    assert not torch.equal(
        attacks.pgd(model, x, generator=9, **still), attacks.pgd(model, x, generator=10, **still)
    )


def test_nothing_else_is_touched() -> None:
    model, (x, labels) = network(), data()
    model.train()
    model[0].eval()
    held = torch.ones_like(model[3].weight)
    model[3].weight.grad = held
    weights, sample = [p.clone() for p in model.parameters()], x.clone()
    state = torch.get_rng_state()
    found = attacks.pgd(model, x, labels=labels, radius=0.1, steps=3)
    assert [m.training for m in model] == [False, True, True, True]
    assert model.training
    assert model[3].weight.grad is held
    assert torch.equal(held, torch.ones_like(held))
    assert model[0].weight.grad is None
    assert all(torch.equal(p, w) for p, w in zip(model.parameters(), weights, strict=True))
    assert torch.equal(x, sample)
    assert torch.equal(torch.get_rng_state(), state)  # no dropout was drawn, either
    assert not found.requires_grad
    assert found.is_leaf
    assert not found.is_inference()
    with pytest.raises(ArgumentError, match="target: got 9"):
        attacks.fgsm(model, x, labels=[9] * 5, radius=0.1)
    assert [m.training for m in model] == [False, True, True, True]


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_any_gradient_mode_around_serves(context: Any) -> None:
    model, (x, labels) = network(), data()
    expected = attacks.fgsm(model, x, labels=labels, radius=0.1)
    with context():
        found = attacks.fgsm(
            model, x.clone().requires_grad_(context is torch.enable_grad), labels=labels, radius=0.1
        )
        assert torch.is_grad_enabled() == (context is torch.enable_grad)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_and_dtype_stay(dtype: torch.dtype) -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(18, 1)).to(dtype)
    x = torch.zeros(3, 1, 5, 5, dtype=dtype)
    found = attacks.pgd(model, x, output=outputs.scalar(lambda z: z[:, 0]), radius=0.1, steps=2)
    assert (found.shape, found.dtype) == (x.shape, dtype)
    binary = attacks.fgsm(model, x, labels=[0, 1, 1], radius=0.1)  # a single logit has two classes
    assert torch.equal(binary[0], -binary[1])


def test_an_attack_feeds_the_inconsistency() -> None:
    """From a model to r[m] in a few lines: what the parts are for."""
    model, (x, labels) = network(), data()
    attacked = attacks.pgd(model, x, labels=labels, radius=0.3, steps=5, generator=0)

    def dividends(samples: torch.Tensor) -> Any:
        games = [
            hs.ModelGame(model, sample, masker=hs.maskers.Features(), output=outputs.log_odds(int(label)))
            for sample, label in zip(samples, labels, strict=True)
        ]
        return hs.mobius(torch.stack([hs.evaluate(game) for game in games]))

    found = hs.analysis.inconsistency(dividends(x), dividends(attacked))
    assert found.shape == (7,)
    known = found[~found.isnan()]
    assert len(known) > 0
    assert ((known >= 0) & (known <= 1)).all()
    assert torch.equal(
        hs.analysis.inconsistency(dividends(x), dividends(x)).nan_to_num(),
        torch.zeros(7, dtype=torch.float64),
    )


MODEL, (X, Y) = network(), data()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius": -0.1}, "radius: got -0.1"),
        ({"steps": 0}, "steps: got 0"),
        ({"step_size": -1.0}, "step_size: got -1.0"),
        ({"labels": None}, r"output: got Tensor of shape \(5, 4\)"),
        ({"labels": None, "output": outputs.log_odds()}, "output: got log_odds without a target"),
        ({"output": outputs.log_odds(1)}, "labels: got given"),
        ({"output": outputs.scalar(lambda z: z[:, 0])}, "labels: got given"),
        ({"labels": [0, 1]}, r"labels: got shape \(2,\)"),
        ({"labels": [0, 1, 2, 3, -1]}, "labels: got -1"),
        ({"clip": (0.4, 0.6)}, "samples: got an element of"),
        ({"clip": (0.0, 1.0, 2.0)}, "clip: got"),
        ({"clip": (0.0, torch.ones(5))}, "clip: got"),
    ],
)
def test_bad_values_are_named(options: dict[str, Any], message: str) -> None:
    given = {"radius": 0.1, "steps": 2, "labels": Y, **options}
    with pytest.raises(ArgumentError, match=message):
        attacks.pgd(MODEL, X, **given)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda x: x.detach().sum(1), "model: got a value without gradient"),
        (lambda x: MODEL[0].weight.sum().expand(len(x)), "model: got a value that does not depend"),
        (lambda x: (x * 0).sqrt().sum(1) * 0 + x.sum(1), "model: got a gradient of NaN at sample 0"),
        (lambda x: x.sum(), r"output: got Tensor of shape \(\)"),
    ],
)
def test_values_without_a_gradient_are_named(value: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        attacks.fgsm(value, X, radius=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: attacks.fgsm(MODEL, X.numpy(), labels=Y, radius=0.1), "samples: got ndarray"),
        (lambda: attacks.fgsm(MODEL, X.long(), labels=Y, radius=0.1), "samples: got dtype torch.int64"),
        (lambda: attacks.fgsm("model", X, labels=Y, radius=0.1), "model: got str"),
        (lambda: attacks.fgsm(MODEL, X, labels=Y.double(), radius=0.1), "labels: got dtype float64"),
        (lambda: attacks.fgsm(MODEL, X, labels=Y, radius="big"), "radius: got big"),
        (lambda: attacks.pgd(MODEL, X, labels=Y, radius=0.1, steps=2, generator="x"), "generator: got str"),
    ],
)
def test_other_types_are_named(call: Any, message: str) -> None:
    with pytest.raises(ArgumentTypeError, match=message):
        call()
