"""`explain`, the look-ups of its record, and the record on disk."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference
import safetensors.numpy
import torch
from harsanyi import (
    ArgumentError,
    MissingDependencyError,
    NonFiniteError,
    NotEnoughMemoryError,
    RecordError,
    _records,
)
from harsanyi.explanation import Explanation, Interaction, SparsePair, explain
from harsanyi.games import outputs
from harsanyi.games.maskers import FeatureMap, Features, Masking, Patches, Tokens
from torch import nn

torch.set_num_threads(1)


def polynomial(x: np.ndarray) -> np.ndarray:
    """x0 x1 + 10 x2 - 2 x0 x2 x3 + 1."""
    result: np.ndarray = x[:, 0] * x[:, 1] + 10 * x[:, 2] - 2 * x[:, 0] * x[:, 2] * x[:, 3] + 1
    return result


def whole(y: Any) -> Any:
    return y


def of_polynomial(**options: Any) -> Explanation:
    names = ["a", "b", "c", "d"]
    return explain(
        polynomial, np.ones(4), masker=Features(names=names), output=outputs.scalar(whole), **options
    )


def of_image(dtype: torch.dtype = torch.float32) -> Explanation:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 5 * 4, 3)).to(dtype)
    return explain(model, torch.randn(2, 7, 6).to(dtype), masker=Patches((3, 2)))


def of_vector(v: Any, dividends: Any, or_interactions: Any, decomposition: Any = None) -> Explanation:
    n = len(v).bit_length() - 1
    # One element more than players, so that there may be none.
    player = np.arange(-1, n)
    masking = Masking(np.zeros(n + 1), np.ones(n + 1), player, tuple(f"p{i}" for i in range(n)))
    return Explanation(v, dividends, or_interactions, masking, None, decomposition)


# ---- what it computes ----


def test_interactions_of_a_polynomial() -> None:
    found = of_polynomial()
    expected = np.zeros(16)
    expected[[0b0000, 0b0011, 0b0100, 0b1101]] = 1, 1, 10, -2
    np.testing.assert_allclose(found.dividends, expected, atol=1e-13)
    assert isinstance(found.dividends, np.ndarray)
    assert found.v[0] == 1
    assert found.v[-1] == 10
    assert found.names == ("a", "b", "c", "d")
    assert found.n == 4
    assert found.target is None
    assert found.top(2) == [
        Interaction(0b0100, (2,), ("c",), 1, 10.0, "and"),
        Interaction(0b1101, (0, 2, 3), ("a", "c", "d"), 3, -2.0, "and"),
    ]


def test_an_or_of_players() -> None:
    found = explain(
        lambda x: x.any(axis=1) * 3.0,
        np.ones(3),
        masker=Features(),
        output=outputs.scalar(whole),
        batch_size=3,
    )
    assert [(i.players, i.value, i.kind) for i in found.top(1, kind="or")] == [((0, 1, 2), 3.0, "or")]
    assert found.salient(kind="or").tolist() == [7]
    assert found.salient().tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_networks_by_definition() -> None:
    found = of_image()
    v = found.v.numpy()
    assert v.dtype == np.float64
    np.testing.assert_allclose(found.dividends.numpy(), reference.mobius(v), atol=1e-12)
    rows = reference.transform_rows("or_transform", 6, np.arange(64))
    np.testing.assert_allclose(found.or_interactions.numpy(), rows @ v, atol=1e-12)
    assert found.target in (0, 1, 2)
    assert set(found.matching_error) == {"and", "or", "sparse"}
    assert max(found.matching_error.values()) < 1e-14
    assert not found.dividends.is_inference()


def test_matching_error_sees_a_wrong_interaction() -> None:
    found = of_polynomial()
    wrong = np.array(found.dividends)
    wrong[3] += 0.5
    errors = dataclasses.replace(found, dividends=wrong).matching_error
    assert errors["and"] == pytest.approx(0.5 / 12)  # the largest output is 12, without d
    assert errors["or"] < 1e-14
    zero = np.zeros(4)
    assert of_vector(zero, zero, zero).matching_error == {"and": 0.0, "or": 0.0}
    assert of_vector(zero, np.ones(4), zero).matching_error["and"] == 4.0


# ---- look-ups ----

DIVIDENDS = np.array([100.0, 1.0, -4.0, 0.5, 4.0, 0.0, 0.2, -0.3])
ORS = np.array([-50.0, 0.0, 8.0, 0.0, 0.4, 0.0, 0.0, -0.41])


def test_salient_sets() -> None:
    found = of_vector(np.ones(8), DIVIDENDS, ORS)
    # 0.05 of the largest of both kinds, the empty set apart: tau = 0.4, and 0.4 itself is not above it.
    assert found.salient().tolist() == [2, 4, 1, 3]
    assert found.salient(kind="or").tolist() == [2, 7]
    assert found.salient(0.5).tolist() == []
    assert found.salient(0).tolist() == [2, 4, 1, 3, 7, 6]
    assert found.salient(0.25, relative=False).tolist() == [2, 4, 1, 3, 7]
    assert found.salient().dtype == np.int64
    tensors = of_vector(*(torch.from_numpy(x) for x in (np.ones(8), DIVIDENDS, ORS)))
    assert tensors.salient().tolist() == [2, 4, 1, 3]


def test_top() -> None:
    found = of_vector(np.ones(8), DIVIDENDS, ORS)
    assert [i.subset for i in found.top()] == [2, 4, 1, 3, 7, 6, 5]
    assert found.top(1, kind="or") == [Interaction(2, (1,), ("p1",), 1, 8.0, "or")]
    assert of_vector(np.ones(1), np.ones(1), np.ones(1)).top() == []
    assert of_vector(np.ones(1), np.ones(1), np.ones(1)).salient().tolist() == []


def test_the_pair_is_kept_apart() -> None:
    found = of_vector(np.ones(8), DIVIDENDS, ORS)
    for call in (
        lambda: found.and_,
        lambda: found.or_,
        lambda: found.salient(sparse=True),
        lambda: found.top(kind="or", sparse=True),
    ):
        with pytest.raises(
            ArgumentError, match="decomposition: got None, but it must be a sparse AND-OR pair"
        ):
            call()
    both = of_vector(np.ones(8), DIVIDENDS, ORS, SparsePair(ORS, DIVIDENDS))
    assert both.and_ is ORS
    assert both.or_ is DIVIDENDS
    assert both.salient(sparse=True).tolist() == [2, 7]
    assert both.top(1, kind="or", sparse=True)[0].subset == 2
    assert both.salient().tolist() == found.salient().tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.salient(-0.1), "threshold: got -0.1"),
        (lambda e: e.salient(np.nan), "threshold: got nan"),
        (lambda e: e.salient(kind="xor"), 'kind: got xor, but it must be "and" or "or"'),
        (lambda e: e.top(kind="both"), "kind: got both"),
        (lambda e: e.top(0), "k: got 0"),
    ],
)
def test_bad_look_ups(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(of_vector(np.ones(8), DIVIDENDS, ORS))


def test_records_are_frozen_and_checked() -> None:
    found = of_polynomial()
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.target = 3  # type: ignore[misc]
    with pytest.raises(
        ArgumentError, match=r"dividends: got shape \(4,\), but it must be of shape \[2\*\*n\]"
    ):
        dataclasses.replace(found, dividends=np.zeros(4))
    with pytest.raises(ArgumentError, match=r"or_: got shape \(2, 16\)"):
        dataclasses.replace(found, decomposition=SparsePair(np.zeros(16), np.zeros((2, 16))))


# ---- on disk ----


def check_same(a: Explanation, b: Explanation, kind: type) -> None:
    for name in ("v", "dividends", "or_interactions", "sample", "baseline"):
        x, y = getattr(a, name), getattr(b, name)
        assert isinstance(y, kind)
        assert np.array_equal(np.asarray(x), np.asarray(y))
        assert str(x.dtype).removeprefix("torch.") == str(y.dtype).removeprefix("torch.")
    assert np.array_equal(a.masking.player, b.masking.player)
    assert (a.names, a.boxes, a.target, a.n) == (b.names, b.boxes, b.target, b.n)
    assert a.top(5) == b.top(5)


@pytest.mark.parametrize("as_tensors", [False, True])
def test_round_trip(tmp_path: Path, as_tensors: bool) -> None:
    for found in (of_polynomial(), of_image()):
        found.save(tmp_path / "record.safetensors")
        loaded = Explanation.load(str(tmp_path / "record.safetensors"), as_tensors=as_tensors)
        check_same(found, loaded, torch.Tensor if as_tensors else np.ndarray)
        assert repr(loaded) == repr(found)
        assert loaded.masking.source is None
        batch = loaded.masking.batch([1, 2])  # everything that masked batches need came back
        assert np.array_equal(np.asarray(batch), np.asarray(found.masking.batch([1, 2])))
    assert os.listdir(tmp_path) == ["record.safetensors"]  # no temporary file stays


def test_round_trip_of_tokens_pairs_and_sources(tmp_path: Path) -> None:
    path = tmp_path / "record.safetensors"
    texts = explain(
        lambda ids: (ids == 7).sum(1) - (ids == 9).any(1) * 0.5,
        torch.tensor([1, 7, 9]),
        masker=Tokens(0, names=["the", "naïve", "“cat”"]),
        output=outputs.scalar(whole),
    )
    with_pair = dataclasses.replace(texts, decomposition=SparsePair(texts.dividends, 2 * texts.v))
    with_pair.save(path)
    loaded = Explanation.load(path, as_tensors=True)
    check_same(with_pair, loaded, torch.Tensor)
    assert torch.equal(loaded.and_, texts.dividends)
    assert torch.equal(loaded.or_, 2 * texts.v)
    source = np.arange(16.0).reshape(1, 4, 4)
    mapped = explain(
        lambda x: x.sum((1, 2, 3)), source, masker=FeatureMap(np.sqrt, 2), output=outputs.scalar(whole)
    )
    mapped.save(path)
    assert np.array_equal(Explanation.load(path).masking.source, source)


def test_round_trip_of_bfloat16(tmp_path: Path) -> None:
    found = of_image(torch.bfloat16)
    found.save(tmp_path / "record")
    loaded = Explanation.load(tmp_path / "record", as_tensors=True)
    assert loaded.sample.dtype == torch.bfloat16
    assert torch.equal(loaded.sample, found.sample)
    plain = Explanation.load(tmp_path / "record")
    assert plain.sample.dtype == np.float32
    assert np.array_equal(plain.sample, found.sample.float().numpy())


def test_saving_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record"
    of_polynomial().save(path)
    before = path.read_bytes()

    def half(arrays: Any, file: Any, metadata: Any) -> None:
        Path(file).write_bytes(b"half a rec")
        raise KeyboardInterrupt

    monkeypatch.setattr(safetensors.numpy, "save_file", half)
    with pytest.raises(KeyboardInterrupt):
        of_image().save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["record"]


def test_saving_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder"):
        of_polynomial().save(tmp_path / "nowhere" / "record")


def test_truncated_records(tmp_path: Path) -> None:
    path = tmp_path / "record"
    of_polynomial().save(path)
    data = path.read_bytes()
    for length in (0, 5, 8, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(RecordError, match="record: cannot be read as a record"):
            Explanation.load(path)


def test_unreadable_records(tmp_path: Path) -> None:
    path = tmp_path / "record"
    with pytest.raises(RecordError, match="cannot be read"):
        Explanation.load(path)
    with pytest.raises(RecordError, match="cannot be read"):
        Explanation.load(tmp_path)
    path.write_bytes(b"PK\x03\x04" + bytes(500))
    with pytest.raises(RecordError, match="cannot be read"):
        Explanation.load(path)
    for metadata in (
        None,
        {"harsanyi": json.dumps({"format": "harsanyi.weights", "version": 1, "facts": {}})},
    ):
        safetensors.numpy.save_file({"v": np.zeros(2)}, path, metadata=metadata)
        with pytest.raises(RecordError, match=r"a safetensors file, but not a harsanyi\.explanation record"):
            Explanation.load(path)
    safetensors.numpy.save_file({"v": np.zeros(2)}, path, metadata={"harsanyi": "{"})
    with pytest.raises(RecordError, match="cannot be read"):
        Explanation.load(path)


@pytest.mark.parametrize(
    ("arrays", "facts", "version", "message"),
    [
        ({"player": None}, {}, 1, "damaged or incomplete .*player"),
        ({"v": None}, {}, 1, "damaged or incomplete .*v"),
        ({"v": np.zeros(8)}, {}, 1, r"damaged or incomplete \(v: got shape \(8,\)"),
        ({"baseline": np.zeros(3)}, {}, 1, r"damaged or incomplete \(baseline: got shape"),
        ({"player": np.array([0, 1, 2, 9])}, {}, 1, r"damaged or incomplete \(player: got 9"),
        ({}, {"names": None}, 1, "damaged or incomplete"),
        ({}, {"target": "cat"}, 1, "damaged or incomplete"),
        ({}, {"boxes": [[1, 2]]}, 1, "damaged or incomplete"),
        ({}, {}, 2, "version 2 of the .* reads up to version 1"),
        ({}, {}, "1", "damaged header"),
    ],
)
def test_damaged_records(tmp_path: Path, arrays: Any, facts: Any, version: Any, message: str) -> None:
    path = tmp_path / "record"
    of_polynomial().save(path)
    held, known = _records.read_record(path, "harsanyi.explanation", 1)
    held = {name: array for name, array in (held | arrays).items() if array is not None}
    _records.write_record(path, "harsanyi.explanation", version, held, known | facts)
    with pytest.raises(RecordError, match=message):
        Explanation.load(path)


def test_without_safetensors_or_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, path = of_polynomial(), tmp_path / "record"
    found.save(path)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "torch", None)
        check_same(found, Explanation.load(path), np.ndarray)
        with pytest.raises(MissingDependencyError, match="as_tensors=True needs torch"):
            Explanation.load(path, as_tensors=True)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingDependencyError, match="records need safetensors"):
        found.save(path)


# ---- bad input ----


def test_errors_of_the_game_come_through() -> None:
    with pytest.raises(ArgumentError, match="target: got 7"):
        explain(nn.Linear(4, 3), np.ones(4), masker=Features(), output=outputs.log_odds(7))
    with pytest.raises(ArgumentError, match="baseline: got shape"):
        explain(nn.Linear(4, 3), np.ones(4), masker=Features([1.0, 2.0]))
    with pytest.raises(ArgumentError, match="batch_size: got 0"):
        of_polynomial(batch_size=0)
    with pytest.raises(NonFiniteError, match="subset 0"), np.errstate(divide="ignore"):
        explain(lambda x: np.log(x.sum(1)), np.ones(2), masker=Features(), output=outputs.scalar(whole))


def test_too_many_players() -> None:
    for elements, message in ((40, r"n = 40, needs 32 TiB"), (784, r"2\*\*784 values")):
        with pytest.raises(NotEnoughMemoryError, match=message):
            explain(nn.Linear(elements, 2), np.ones(elements), masker=Features())
