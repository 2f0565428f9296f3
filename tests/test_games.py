"""Output functions, games, and `evaluate`: values, bad models, interrupts, the state a model is left in."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import reference
import torch
from harsanyi import (
    ArgumentError,
    ArgumentTypeError,
    HarsanyiError,
    MissingDependencyError,
    NonFiniteError,
    NotEnoughMemoryError,
)
from harsanyi.games import CallableGame, ModelGame, TableGame, evaluate, game, outputs
from harsanyi.games.maskers import FeatureMap, Features, Masking, Patches
from harsanyi.games.outputs import log_odds, log_prob, logit, scalar
from hypothesis import given, strategies as st
from torch import nn

torch.set_num_threads(1)


def network(features: int = 4, classes: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(features, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Tanh(), nn.Linear(16, classes)
    )


def by_hand(model: nn.Module, masking: Masking, output: Callable[[Any], Any]) -> np.ndarray:
    """The game's definition, one subset at a time."""
    n, values = masking.n, []
    copy = [(module, module.training) for module in model.modules()]
    model.eval()
    for subset in range(1 << n):
        keep = [[subset >> i & 1 for i in range(n)]]
        sample, baseline = masking.sample.reshape(-1), masking.baseline.reshape(-1)
        row = torch.stack(reference.masked_batch(sample, baseline, masking.player, keep)[0])
        with torch.no_grad():
            values.append(float(output(model(row.reshape(1, *masking.sample.shape)))[0]))
    for module, training in copy:
        module.training = training
    return np.array(values)


# ---- output functions ----

EXTREME = [[800.0, 0.0, 1.0], [-800.0, 0.0, 799.5], [40.0, 40.0, -3.0], [0.0, 0.0, 0.0], [1e-9, 0.0, -1e-9]]


@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize("target", [0, 1, 2])
def test_outputs_against_five_hundred_digits(tensor: bool, target: int) -> None:
    logits: Any = torch.tensor(EXTREME, dtype=torch.float64) if tensor else np.array(EXTREME)
    expected = np.array([reference.class_outputs(row, target) for row in EXTREME])
    odds, log_p = log_odds(target)(logits), log_prob(target)(logits)
    np.testing.assert_allclose(np.asarray(odds), expected[:, 0], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(np.asarray(log_p), expected[:, 1], rtol=1e-14, atol=0)
    assert np.array_equal(np.asarray(logit(target)(logits)), np.array(EXTREME)[:, target])


@given(
    st.lists(st.lists(st.floats(-700, 700), min_size=3, max_size=3), min_size=1, max_size=3),
    st.integers(0, 2),
    st.floats(-1e6, 1e6),
)
def test_outputs_by_definition(rows: list[list[float]], target: int, shift: float) -> None:
    expected = np.array([reference.class_outputs(row, target) for row in rows])
    for logits in (np.array(rows), torch.tensor(rows, dtype=torch.float64)):
        odds = np.asarray(log_odds(target)(logits))
        np.testing.assert_allclose(odds, expected[:, 0], rtol=1e-13, atol=1e-12)
        np.testing.assert_allclose(
            np.asarray(log_prob(target)(logits)), expected[:, 1], rtol=1e-11, atol=1e-300
        )
        # A constant added to all logits costs no more than the rounding of that addition.
        moved = np.asarray(log_odds(target)(logits + shift))
        np.testing.assert_allclose(moved, odds, rtol=1e-13, atol=4 * math.ulp(abs(shift) + 700))


def test_float32_logits_keep_their_differences() -> None:
    # In float32 the log-odds of logits near 1e4 would be off by 1e-3.
    logits = torch.tensor([[1e4, 1e4 + 0.25]])
    assert log_odds(1)(logits).item() == 0.25
    assert log_odds(1)(logits.numpy()).item() == 0.25


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
@pytest.mark.parametrize("tensor", [False, True])
def test_heads_with_one_logit(shape: tuple[int, ...], tensor: bool) -> None:
    z: Any = np.array([2.0, -800.0, 0.0]).reshape(shape)
    z = torch.from_numpy(z) if tensor else z
    assert np.asarray(log_odds(1)(z)).tolist() == [2.0, -800.0, 0.0]
    assert np.asarray(log_odds(0)(z)).tolist() == [-2.0, 800.0, 0.0]
    assert np.asarray(logit(0)(z)).tolist() == [-2.0, 800.0, 0.0]
    expected = [reference.class_outputs([0.0, x], 1)[1] for x in (2.0, -800.0, 0.0)]
    np.testing.assert_allclose(np.asarray(log_prob(1)(z)), expected, rtol=1e-15)


@pytest.mark.parametrize("make", [log_odds, logit, log_prob])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64])
def test_outputs_are_float64(make: Callable[[int], Any], dtype: torch.dtype) -> None:
    assert make(0)(torch.tensor([[1, 2]]).to(dtype)).dtype == torch.float64
    if dtype != torch.bfloat16:
        assert make(0)(torch.tensor([[1, 2]]).to(dtype).numpy()).dtype == np.float64


def test_resolving_a_target() -> None:
    full = np.array([[0.0, 3.0, 1.0]])
    assert log_odds().resolve(full) == log_odds(1)
    assert log_odds(2).resolve(full).target == 2
    assert logit().resolve(torch.tensor([[2.0]])).target == 1
    assert logit().resolve(torch.tensor([-2.0])).target == 0
    total = scalar(np.sum)
    assert total.resolve(full) is total
    assert total.target is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: log_odds(-1), ArgumentError, "target: got -1"),
        (lambda: log_odds("cat"), ArgumentTypeError, "target: got 'cat'"),  # type: ignore[arg-type]
        (lambda: log_odds(True), ArgumentTypeError, "target: got True"),
        (
            lambda: log_odds(3)(np.zeros((2, 3))),
            ArgumentError,
            "target: got 3, but it must be a class from 0 to 2",
        ),
        (
            lambda: log_odds(2)(np.zeros((2, 1))),
            ArgumentError,
            "target: got 2, but it must be a class from 0 to 1",
        ),
        (lambda: log_prob(3).resolve(np.zeros((2, 3))), ArgumentError, "target: got 3"),
        (lambda: log_odds()(np.zeros((2, 3))), ArgumentError, "target: got None"),
        (lambda: logit(0)(np.zeros((2, 3, 4))), ArgumentError, r"model's output: got shape \(2, 3, 4\)"),
        (
            lambda: logit(0)((np.zeros((2, 3)),)),
            ArgumentTypeError,
            r"model's output: got tuple.*outputs\.scalar",
        ),
        (
            lambda: logit(0)(np.zeros((2, 3), complex)),
            ArgumentTypeError,
            "model's output: got dtype complex128",
        ),
        (
            lambda: logit(0)(torch.zeros(2, 3).cfloat()),
            ArgumentTypeError,
            "model's output: got dtype torch.complex64",
        ),
        (lambda: scalar(3.0), ArgumentTypeError, "function: got float"),  # type: ignore[arg-type]
    ],
)
def test_bad_outputs(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# ---- games ----


@pytest.mark.parametrize("batch_size", [None, 1, 3, 16, 1000])
@pytest.mark.parametrize("make", [log_odds, logit, log_prob])
def test_model_game_by_definition(make: Callable[[int], Any], batch_size: int | None) -> None:
    model = network()
    with torch.no_grad():
        model(torch.randn(64, 4))  # batch statistics, so that training mode would show
    played = ModelGame(model, torch.randn(4), masker=Features(0.5), output=make(2))
    v = evaluate(played, batch_size=batch_size)
    assert v.dtype == torch.float64
    assert not v.is_inference()
    np.testing.assert_allclose(v.numpy(), by_hand(model, played.masking, make(2)), rtol=1e-5, atol=1e-6)


def test_given_subsets_and_masks() -> None:
    played = ModelGame(network(), torch.randn(4), masker=Features())
    v = evaluate(played)
    subsets = np.array([9, 3, 3, 15])
    keep = subsets[:, None] >> np.arange(4) & 1 == 1
    # Batches of another size may take other matrix kernels.
    for values in (
        evaluate(played, subsets),
        evaluate(played, torch.tensor(subsets), batch_size=3),
        evaluate(played, keep),
        played(subsets),
        played(keep),
    ):
        torch.testing.assert_close(values, v[subsets], rtol=1e-5, atol=1e-6)
        assert not values.is_inference()
    assert evaluate(TableGame(v), subsets).tolist() == v[subsets].tolist()


def test_hundreds_of_players_take_masks() -> None:
    model = nn.Linear(100, 2)
    played = ModelGame(model, torch.randn(100), masker=Features(), output=logit(1))
    keep = torch.rand(5, 100) < 0.5
    expected = model(torch.where(keep, played.masking.sample, torch.zeros(()))).detach()[:, 1]
    torch.testing.assert_close(evaluate(played, keep), expected.double())
    with pytest.raises(NotEnoughMemoryError, match=r"all 2\*\*100 values .* need 2\*\*103 bytes"):
        evaluate(played)


def test_the_target_is_settled_once() -> None:
    model = nn.Linear(2, 3)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 1.0], [-1.0, -1.0]]))
        model.bias.copy_(torch.tensor([0.5, 0.0, 0.0]))
    played = ModelGame(model, torch.ones(2), masker=Features())
    assert played.output == log_odds(1)  # though nothing at all would predict class 0
    assert evaluate(played)[0] < 0 < evaluate(played)[3]


def test_models_that_are_not_modules() -> None:
    def numpy_model(x: np.ndarray) -> np.ndarray:
        assert isinstance(x, np.ndarray)
        return np.stack([x.sum(axis=1), x.prod(axis=1)], axis=1)

    v = evaluate(ModelGame(numpy_model, [2.0, 3.0], masker=Features(), output=logit(1)))
    assert isinstance(v, np.ndarray)
    assert v.tolist() == [0.0, 0.0, 0.0, 6.0]

    def tensor_model(x: torch.Tensor) -> torch.Tensor:
        assert torch.is_inference_mode_enabled()
        return x.sum(1)

    v = evaluate(
        ModelGame(tensor_model, torch.tensor([2.0, 3.0]), masker=Features(), output=scalar(lambda y: y))
    )
    assert v.tolist() == [0.0, 2.0, 3.0, 5.0]


def test_numpy_samples_take_the_dtype_of_the_model() -> None:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        played = ModelGame(nn.Linear(3, 2).to(dtype), np.ones(3), masker=Features())
        assert played.masking.sample.dtype == dtype
    ids = ModelGame(nn.Embedding(5, 2), np.array([4]), masker=Features(), output=scalar(lambda y: y[:, 0, 0]))
    assert ids.masking.sample.dtype == torch.int64
    assert ModelGame(nn.Identity(), np.ones(3), masker=Features()).masking.sample.dtype == torch.float64


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, about scripting
@pytest.mark.parametrize("how", ["script", "freeze", "export"])
def test_saved_models(how: str) -> None:
    model, sample = network(), torch.randn(4)
    expected = evaluate(ModelGame(model, sample, masker=Features(), output=log_odds(0)))
    if how == "export":
        batch = torch.export.Dim("batch")
        saved = torch.export.export(model.eval(), (torch.zeros(3, 4),), dynamic_shapes=({0: batch},)).module()
    else:
        saved = torch.jit.script(model)
        saved = torch.jit.freeze(saved.eval()) if how == "freeze" else saved
    found = evaluate(ModelGame(saved, sample.numpy(), masker=Features(), output=log_odds(0)))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert how != "script" or saved.training


def test_models_may_write_into_their_batch() -> None:
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2))
    sample = torch.tensor([-1.0, 2.0, -3.0])
    played = ModelGame(model, sample, masker=Features(-5.0))
    first, second = evaluate(played, batch_size=2), evaluate(played, batch_size=2)
    assert torch.equal(first, second)
    assert played.masking.sample.tolist() == sample.tolist() == [-1.0, 2.0, -3.0]


def test_feature_map_games_equal_running_the_whole_network() -> None:
    torch.manual_seed(1)
    head = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
    rest = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    played = ModelGame(rest, torch.randn(1, 6, 6), masker=FeatureMap(head, 2), output=log_odds(0))
    v = evaluate(played)
    np.testing.assert_allclose(v.numpy(), by_hand(rest, played.masking, log_odds(0)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [np.array, torch.tensor, list])
def test_table_games(kind: Any) -> None:
    v = kind([0.0, 1.0, 2.0, 5.0])
    played = TableGame(v)
    assert played.n == 2
    assert played([3, 0]).tolist() == [5.0, 0.0]
    assert isinstance(evaluate(played), torch.Tensor if kind is torch.tensor else np.ndarray)
    assert evaluate(played, batch_size=3).tolist() == [0.0, 1.0, 2.0, 5.0]
    assert evaluate(TableGame([1, 2])).dtype == np.float64


def test_callable_games() -> None:
    sizes: list[int] = []

    def count(subsets: np.ndarray) -> list[int]:
        sizes.append(len(subsets))
        return [reference.size(int(s)) for s in subsets]

    expected = [reference.size(s) for s in range(32)]
    assert evaluate(CallableGame(count, 5), batch_size=12).tolist() == expected
    assert sizes == [12, 12, 8]
    one_by_one = CallableGame(reference.size, 5, batched=False)
    assert evaluate(one_by_one).tolist() == expected
    assert one_by_one([7]).tolist() == [3.0]
    assert evaluate(CallableGame(lambda s: torch.tensor(s) * 1.5, 2)).tolist() == [0.0, 1.5, 3.0, 4.5]


def test_games_of_others() -> None:
    class Majority:
        n = 3

        def __call__(self, subsets: Any) -> Any:
            return np.array([reference.size(int(s)) >= 2 for s in subsets])

    v = evaluate(Majority())
    assert v.dtype == np.float64
    assert v.tolist() == [0, 0, 0, 1, 0, 1, 1, 1]


def test_no_players_at_all() -> None:
    assert evaluate(CallableGame(lambda s: s + 1.0, 0)).tolist() == [1.0]
    assert evaluate(ModelGame(network(), torch.ones(4), masker=Features(groups=[]))).shape == (1,)


# ---- batches ----


def test_one_buffer_of_the_chosen_size() -> None:
    places, sizes = set(), []

    def model(x: torch.Tensor) -> torch.Tensor:
        places.add(x.data_ptr())
        sizes.append(len(x))
        return x.sum((1, 2))

    played = ModelGame(model, torch.rand(40, 40), masker=Patches((2, 5)), output=scalar(lambda y: y))
    places.clear()
    sizes.clear()
    evaluate(played)
    rows = played.default_batch_size
    assert 1 <= rows * played.masking.row_bytes <= 1 << 20
    assert sizes == [rows] * (1024 // rows)
    assert len(places) == 1


@pytest.mark.parametrize(("elements", "rows"), [(1, 2048), (1 << 18, 8), (784, 256)])
def test_rows_of_a_batch(elements: int, rows: int) -> None:
    played = ModelGame(
        lambda x: x[:, 0], np.zeros(elements, np.float32), masker=Features(groups=[0]), output=logit(1)
    )
    assert played.default_batch_size == rows


@pytest.mark.parametrize(
    ("batch_size", "error"), [(0, ArgumentError), (-4, ArgumentError), (2.0, ArgumentTypeError)]
)
def test_bad_batch_sizes(batch_size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="batch_size: got"):
        evaluate(TableGame([0.0, 1.0]), batch_size=batch_size)


@pytest.mark.parametrize(
    ("subsets", "error", "message"),
    [
        ([], ArgumentError, "subsets: got an empty batch"),
        ([4], ArgumentError, "subsets: got 4"),
        (np.ones((1, 3), bool), ArgumentError, "masks of length 3, but it must be masks of length 2"),
        (np.ones((1, 2), bool), ArgumentTypeError, "subsets: got masks"),
    ],
)
def test_bad_subsets(subsets: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        evaluate(TableGame([0.0, 1.0, 2.0, 3.0]), subsets)


def test_too_many_players_say_how_much_they_need() -> None:
    calls: list[Any] = []
    with pytest.raises(NotEnoughMemoryError, match=r"all 2\*\*40 values of a game of 40 players needs 8 TiB"):
        evaluate(CallableGame(calls.append, 40))
    with pytest.raises(HarsanyiError):  # fits no machine of today, or is above the limit of 30
        evaluate(CallableGame(calls.append, 31))
    assert calls == []


def test_progress(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate(TableGame(np.zeros(64)), batch_size=16, progress=True)
    assert "64.0/64.0" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(MissingDependencyError, match="tqdm"):
        evaluate(TableGame([0.0, 1.0]), progress=True)


# ---- bad models ----


def test_what_cannot_be_a_model() -> None:
    with pytest.raises(ArgumentTypeError, match="model: got str, but it must be callable"):
        ModelGame("model.pt", torch.ones(2), masker=Features())
    with pytest.raises(ArgumentTypeError, match="function: got int"):
        CallableGame(3, 2)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="n: got 64, but it must be an integer from 0 to 63"):
        CallableGame(len, 64)
    with pytest.raises(ArgumentError, match="v: got a last axis of length 3"):
        TableGame([0.0, 1.0, 2.0])
    with pytest.raises(ArgumentError, match=r"v: got shape \(2, 4\)"):
        TableGame(np.zeros((2, 4)))
    with pytest.raises(ArgumentTypeError, match="v: got dtype <U1"):
        TableGame(["a", "b"])


@pytest.mark.parametrize(
    "function",
    [lambda y: y, lambda y: y.sum(), lambda y: y[:, :1], lambda y: y.mean(0), lambda y: torch.zeros(3)],
)
def test_output_that_is_not_one_scalar_a_row(function: Callable[[Any], Any]) -> None:
    with pytest.raises(
        ArgumentError, match=r"output: got shape .* for 1 subsets, but it must be one scalar a subset"
    ):
        ModelGame(network(), torch.ones(4), masker=Features(), output=scalar(function))


def test_output_that_ignores_the_batch() -> None:
    # One row happens to fit the shape of a batch of one: the first batch of several tells.
    played = ModelGame(lambda x: x.mean(0, keepdim=True), torch.ones(1), masker=Features(), output=logit(1))
    with pytest.raises(ArgumentError, match=r"output: got shape \(1,\) for 2 subsets"):
        evaluate(played)
    with pytest.raises(ArgumentError, match=r"output: got shape \(\) for 4 subsets"):
        evaluate(CallableGame(np.sum, 2))


def test_class_out_of_range() -> None:
    with pytest.raises(ArgumentError, match="target: got 3, but it must be a class from 0 to 2"):
        ModelGame(network(classes=3), torch.ones(4), masker=Features(), output=log_odds(3))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_name_their_subset(bad: float) -> None:
    def model(x: torch.Tensor) -> torch.Tensor:
        wrong = (x == torch.tensor([1.0, 0.0, 1.0])).all(1)
        return torch.where(wrong, bad, 1.0)

    masker = Features(names=["age", "height", "weight"])
    played = ModelGame(model, torch.ones(3), masker=masker, output=scalar(lambda y: y))
    message = rf"output: got {bad} for subset 5 \(players: 0 age, 2 weight\)"
    for call in (
        lambda: evaluate(played),
        lambda: evaluate(played, batch_size=1),
        lambda: played([1, 5]),
        lambda: played(np.array([[1, 0, 1]], bool)),
    ):
        with pytest.raises(NonFiniteError, match=message) as caught:
            call()
        assert caught.value.subset == 5
    table = [0.0, 1.0, bad, 2.0]
    with pytest.raises(NonFiniteError, match=r"v: got .* for subset 2 \(players: 1\)"):
        TableGame(table)
    with pytest.raises(NonFiniteError, match="subset 2"):
        CallableGame(lambda s: np.array(table)[s], 2)([0, 2])


def test_a_sample_whose_output_is_not_finite() -> None:
    masker = Features(groups=[[0], [1]])
    with pytest.raises(NonFiniteError, match=r"subset 3 \(players: 0 x0, 1 x1\)"):
        ModelGame(network(), torch.full((4,), math.nan), masker=masker)
    with np.errstate(all="raise"), pytest.raises(NonFiniteError, match="got nan"):
        ModelGame(lambda x: x, np.full(4, -np.inf), masker=masker, output=log_odds(0))
    with pytest.raises(NonFiniteError, match=r"subset 0 \(players: none\)"):
        TableGame([math.nan, 0.0])


# ---- the state a model is left in ----


class Guarded(nn.Module):
    """Raises on its `calls`-th call; notes the modes it runs in."""

    def __init__(self, error: BaseException | None = None, calls: int = 0) -> None:
        super().__init__()
        self.inner = network()
        self.error, self.calls, self.count = error, calls, 0
        self.modes: set[bool] = set()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        self.modes |= {module.training for module in self.modules()}
        assert torch.is_inference_mode_enabled()
        if self.error is not None and self.count == self.calls:
            raise self.error
        result: torch.Tensor = self.inner(x)
        return result


def mixed(model: nn.Module) -> list[bool]:
    """Every other submodule in training mode."""
    for i, module in enumerate(model.modules()):
        module.training = i % 2 == 0
    return [module.training for module in model.modules()]


def test_every_submodule_keeps_its_mode() -> None:
    model = Guarded()
    modes = mixed(model)
    assert set(modes) == {True, False}
    mean = model.inner[1].running_mean.clone()
    evaluate(ModelGame(model, torch.randn(4), masker=Features()), batch_size=4)
    assert model.modes == {False}
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(model.inner[1].running_mean, mean)
    assert not torch.is_inference_mode_enabled()
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("out of order")])
@pytest.mark.parametrize("calls", [1, 2, 4])
def test_interrupts_and_errors_leave_everything_usable(error: BaseException, calls: int) -> None:
    model, sample = Guarded(error, calls), torch.randn(4)
    modes = mixed(model)
    with pytest.raises(type(error)):  # the first call is that of the game, the others are of batches
        evaluate(ModelGame(model, sample, masker=Features()), batch_size=4, progress=True)
    assert model.count == calls
    assert [module.training for module in model.modules()] == modes
    assert not torch.is_inference_mode_enabled()
    model.error = None
    again = evaluate(ModelGame(model, sample, masker=Features(), output=log_odds(1)), batch_size=4)
    fresh = evaluate(ModelGame(Guarded(), sample, masker=Features(), output=log_odds(1)), batch_size=4)
    assert torch.equal(again, fresh)


def test_a_game_goes_on_after_an_interrupt() -> None:
    model = Guarded(KeyboardInterrupt(), 3)
    played = ModelGame(model, torch.randn(4), masker=Features())
    with pytest.raises(KeyboardInterrupt):
        evaluate(played, batch_size=2)
    assert torch.equal(evaluate(played, batch_size=2), evaluate(played, batch_size=2))


def test_errors_inside_a_head_restore_it() -> None:
    model = Guarded(KeyboardInterrupt(), 1)
    modes = mixed(model)
    with pytest.raises(KeyboardInterrupt):
        FeatureMap(model, 2).bind(torch.randn(4))
    assert [module.training for module in model.modules()] == modes


def test_public_names() -> None:
    for module in (game, outputs):
        assert all(hasattr(module, name) for name in module.__all__)
