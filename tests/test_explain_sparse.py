"""The sparse pair of `explain`: found, certified, checked by definition, kept on disk, or left out."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
import reference_sparse
import torch
from harsanyi import (
    ArgumentError,
    ArgumentTypeError,
    NotEnoughMemoryError,
    RecordError,
    _records,
    explanation,
)
from harsanyi.explanation import Explanation, SparsePair, explain
from harsanyi.games import outputs
from harsanyi.games.maskers import Features
from harsanyi.sparse import Decomposition, decompose
from torch import nn

torch.set_num_threads(1)
N = 5
PROBES = 1  # rows that a game tries its model with
VECTORS = ("and_", "or_", "gamma", "delta", "dual")
NUMBERS = ("zeta", "objective", "lower_bound", "l1", "l1_lower_bound", "gap", "steps", "status")


class Model:
    """A fixed two-layer network that counts its rows."""

    def __init__(self, n: int = N) -> None:
        rng = np.random.default_rng(7)
        self.first, self.second, self.rows = rng.normal(size=(n, 9)), rng.normal(size=9), 0

    def __call__(self, x: Any) -> Any:
        self.rows += len(x)
        return np.maximum(x @ self.first - 0.3, 0) @ self.second


def explained(model: Any = None, n: int = N, **options: Any) -> Explanation:
    scalar = outputs.scalar(lambda y: y)
    return explain(model or Model(n), np.ones(n), masker=Features(), output=scalar, **options)


def of_module(**options: Any) -> Explanation:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(N, 8), nn.ReLU(), nn.Linear(8, 3))
    return explain(model, torch.randn(N), masker=Features(), **options)


# ---- what it finds ----


@pytest.mark.parametrize("zeta", [None, 0.05])
def test_the_pair_is_the_optimum_up_to_the_gap(zeta: float | None) -> None:
    found = explained(zeta=zeta, noise=0.03, tie_break=0.02, gap=1e-4)
    v = np.asarray(found.v)
    width = 0.03 * abs(v[-1] - v[0]) if zeta is None else zeta
    least = reference_sparse.optimum(v, width, 0.02)
    cost = reference_sparse.weights_of(N, 0.02)
    objective = float(cost @ (np.abs(found.and_[1:]) + np.abs(found.or_[1:])))
    assert least * (1 - 1e-9) <= objective <= least / (1 - 1e-4)
    assert found.decomposition.status == "optimal"
    z, o = reference_sparse.synthesis(N)
    rebuilt = z @ found.and_ + o[:, 1:] @ found.or_[1:] + found.decomposition.delta
    np.testing.assert_allclose(rebuilt, v, atol=1e-12)
    assert np.abs(found.decomposition.delta).max() <= width * (1 + 1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"noise": 0.0},
        {"noise": 0.1, "gap": 0.05},
        {"tie_break": -0.05},
        {"zeta": 0.2},
        {"gap": 0.3, "max_steps": 100000},
    ],
)
def test_options_are_those_of_decompose(options: dict[str, Any]) -> None:
    found = explained(**options)
    same_decomposition(found.decomposition, decompose(found.v, **options))
    assert found.and_ is found.decomposition.and_
    assert found.or_ is found.decomposition.or_


def test_plain_interactions_are_the_same_with_and_without_the_pair() -> None:
    both, plain = explained(), explained(sparse=False)
    assert plain.decomposition is None
    assert set(plain.matching_error) == {"and", "or"}
    for name in ("v", "dividends", "or_interactions"):
        np.testing.assert_array_equal(getattr(both, name), getattr(plain, name))
    assert both.top(4) == plain.top(4)
    later = dataclasses.replace(plain, decomposition=decompose(plain.v))
    same_decomposition(later.decomposition, both.decomposition)


def test_an_or_is_one_interaction_of_the_pair_and_many_dividends() -> None:
    found = explained(lambda x: 4.0 * x.any(axis=1), 3)
    assert found.salient(sparse=True).tolist() == []
    assert found.salient(kind="or", sparse=True).tolist() == [7]
    assert found.top(1, kind="or", sparse=True)[0].value == pytest.approx(4, rel=0.05)  # less the noise term
    assert len(found.salient()) == 7


def test_tensors_come_back_for_modules() -> None:
    found = of_module()
    for name in VECTORS:
        assert isinstance(getattr(found.decomposition, name), torch.Tensor)
    assert found.matching_error["sparse"] < 1e-13
    expected = decompose(found.v.numpy())
    np.testing.assert_array_equal(found.and_.numpy(), expected.and_)


def test_matching_error_sees_a_wrong_pair() -> None:
    found = explained()
    wrong = np.array(found.and_)
    wrong[3] += 0.5
    changed = dataclasses.replace(
        found, decomposition=dataclasses.replace(found.decomposition, and_=wrong)
    ).matching_error
    assert changed["sparse"] == pytest.approx(0.5 / np.abs(found.v).max())
    assert changed["and"] == found.matching_error["and"]
    without_noise_term = dataclasses.replace(found, decomposition=SparsePair(found.and_, found.or_))
    assert set(without_noise_term.matching_error) == {"and", "or"}


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_any_players(n: int) -> None:
    groups = [[i] for i in range(n)]
    scalar = outputs.scalar(lambda y: y)
    found = explain(lambda x: x.sum(1), np.ones(2), masker=Features(groups=groups), output=scalar)
    assert found.decomposition.status == "optimal"
    assert found.matching_error["sparse"] < 1e-14


# ---- what is said ----


def test_a_gap_that_is_not_reached_is_a_warning_and_a_valid_pair() -> None:
    with pytest.warns(
        RuntimeWarning, match=r"has a gap of .* after 3 steps, not the 1e-06 asked for"
    ) as seen:
        found = explained(gap=1e-6, max_steps=3)
    assert seen[0].filename == __file__
    assert found.decomposition.status == "max_steps"
    assert found.decomposition.gap > 1e-6
    assert found.matching_error["sparse"] < 1e-13
    assert "(the gap asked for was not reached), 3 steps" in repr(found)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explained(gap=1e-6)


def test_repr_says_gap_and_status() -> None:
    found = of_module()
    sparse = found.decomposition
    assert repr(found) == (
        f"Explanation(n=5, target={found.target}, v={float(found.v[-1]):.4g} from {float(found.v[0]):.4g}, "
        f"sparse pair: l1 norm {float(sparse.l1):.4g}, gap {float(sparse.gap):.2g} (optimal), "
        f"{int(sparse.steps)} steps)"
    )
    assert repr(explained(sparse=False)).endswith("sparse pair: none)")
    pair = SparsePair(found.and_, found.or_)
    assert repr(dataclasses.replace(found, decomposition=pair)).endswith("sparse pair: no certificate)")


# ---- on disk ----


def same_decomposition(a: Decomposition[Any], b: Decomposition[Any]) -> None:
    for name in (*VECTORS, *NUMBERS):
        x, y = getattr(a, name), getattr(b, name)
        assert type(x) is type(y), name
        assert getattr(x, "dtype", None) == getattr(y, "dtype", None), name
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y), err_msg=name)


def test_the_certificate_comes_back_and_still_proves(tmp_path: Path) -> None:
    found = explained()
    found.save(tmp_path / "record")
    loaded = Explanation.load(tmp_path / "record")
    same_decomposition(loaded.decomposition, found.decomposition)
    pair = loaded.decomposition
    y = pair.dual - pair.dual.mean()
    z, o = reference_sparse.synthesis(N)
    reach = max(np.abs(z.T @ y)[1:].max(), np.abs(o.T @ y)[1:].max())
    v = np.asarray(loaded.v)
    bound = ((v - v[0]) @ y - pair.zeta * np.abs(y).sum()) / reach
    assert bound == pytest.approx(pair.l1_lower_bound, rel=1e-9)
    again = decompose(loaded.v, warm_start=pair)
    assert again.status == "optimal"


def test_the_certificate_comes_back_as_tensors(tmp_path: Path) -> None:
    found = of_module()
    found.save(tmp_path / "record")
    same_decomposition(
        Explanation.load(tmp_path / "record", as_tensors=True).decomposition, found.decomposition
    )


def test_a_record_without_a_certificate_is_a_pair(tmp_path: Path) -> None:
    explained().save(tmp_path / "record")
    arrays, facts = _records.read_record(tmp_path / "record", "harsanyi.explanation", 1)
    for certificate in ({}, {"certificate": None}):
        known = {name: fact for name, fact in facts.items() if name != "certificate"} | certificate
        kept = {name: x for name, x in arrays.items() if name not in VECTORS[2:]}
        _records.write_record(tmp_path / "early", "harsanyi.explanation", 1, kept, known)
        pair = Explanation.load(tmp_path / "early").decomposition
        assert isinstance(pair, SparsePair)
        np.testing.assert_array_equal(pair.and_, arrays["and_"])
    explained(sparse=False).save(tmp_path / "plain")
    assert Explanation.load(tmp_path / "plain").decomposition is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dual": None}, "damaged or incomplete .*dual"),
        ({"delta": np.zeros(8)}, r"damaged or incomplete \(delta: got shape \(8,\)"),
        ({"gap": None}, "damaged or incomplete"),
        ({"steps": "many"}, "damaged or incomplete"),
    ],
)
def test_damaged_certificates(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    explained().save(tmp_path / "record")
    arrays, facts = _records.read_record(tmp_path / "record", "harsanyi.explanation", 1)
    for name, value in change.items():
        if name in VECTORS:
            arrays[name] = value
        else:
            facts["certificate"][name] = value
    held = {name: x for name, x in arrays.items() if x is not None}
    _records.write_record(tmp_path / "record", "harsanyi.explanation", 1, held, facts)
    with pytest.raises(RecordError, match=message):
        Explanation.load(tmp_path / "record")


# ---- bad input, before the model has run ----


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"noise": -0.1}, ArgumentError, "noise: got -0.1"),
        ({"noise": "0.1"}, ArgumentTypeError, "noise: got 0.1"),
        ({"gap": np.nan}, ArgumentError, "gap: got nan"),
        ({"tie_break": -0.25}, ArgumentError, "tie_break: got -0.25"),
        ({"max_steps": 0}, ArgumentError, "max_steps: got 0"),
        ({"zeta": -1.0}, ArgumentError, "zeta: got a negative number"),
        ({"zeta": np.ones(2)}, ArgumentError, r"zeta: got shape \(2,\)"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type, message: str) -> None:
    model = Model()
    with pytest.raises(error, match=message):
        explained(model, **options)
    assert model.rows <= PROBES


def test_too_many_players_for_a_pair() -> None:
    model = Model(23)
    with pytest.raises(ArgumentError, match="sparse: got True, but it must be False for 23 players"):
        explained(model, 23)
    assert model.rows <= PROBES


def test_too_little_memory_for_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def refuse(needed: int, what: str) -> None:
        seen.append((needed, what))
        if "sparse pair" in what:
            raise NotEnoughMemoryError(what)

    monkeypatch.setattr(explanation, "require_memory", refuse)
    model = Model()
    with pytest.raises(NotEnoughMemoryError, match="v and its sparse pair at n = 5"):
        explained(model)
    assert model.rows <= PROBES
    assert seen[1][0] > hs.sparse.decompose_workspace(N)
