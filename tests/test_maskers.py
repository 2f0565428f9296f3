"""Masked batches against their definition, and what each masker makes of a sample."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
import reference
import torch
from harsanyi import ArgumentError, ArgumentTypeError, NotEnoughMemoryError
from harsanyi.games.maskers import FeatureMap, Features, Masking, Patches, Points, Tokens
from hypothesis import given, strategies as st

torch.set_num_threads(1)

NUMPY_DTYPES = ["uint8", "int8", "bool", "float16", "int32", "float32", "float64", "int64", ">f8"]
TORCH_DTYPES = [
    torch.uint8,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.int64,
    torch.bool,
]


def bits(x: Any) -> bytes:
    """All bits of an array or a tensor: NaN and -0 count too."""
    return x.view(torch.uint8).numpy().tobytes() if isinstance(x, torch.Tensor) else x.tobytes()


def same_bits(batch: Any, masking: Masking, keep: np.ndarray) -> None:
    rows = reference.masked_batch(
        masking.sample.reshape(-1), masking.baseline.reshape(-1), masking.player, keep
    )
    if isinstance(batch, torch.Tensor):
        expected = torch.stack([torch.stack(row) for row in rows]).reshape(len(keep), *masking.sample.shape)
        assert batch.dtype == masking.sample.dtype
    else:
        expected = np.array(rows, masking.sample.dtype).reshape(len(keep), *masking.sample.shape)
        assert batch.dtype == masking.sample.dtype
    assert tuple(batch.shape) == tuple(expected.shape)
    assert bits(batch) == bits(expected)


def keep_masks(subsets: np.ndarray, n: int) -> np.ndarray:
    return (subsets[:, None].astype(np.uint64) >> np.arange(n, dtype=np.uint64) & np.uint64(1)).astype(
        np.uint8
    )


def random_bits(rng: np.random.Generator, dtype: str, size: int) -> np.ndarray:
    if dtype == "bool":
        return rng.integers(0, 2, size).astype(bool)
    return np.frombuffer(rng.bytes(size * np.dtype(dtype).itemsize), dtype)


# ---- the kernel, against the loop ----


@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(0, 63), elements=st.integers(1, 70), rows=st.integers(1, 9)
)
def test_numpy_batches_by_definition(dtype: str, seed: int, n: int, elements: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    sample, baseline = random_bits(rng, dtype, elements), random_bits(rng, dtype, elements)
    player = rng.integers(-1, n, elements) if n else np.full(elements, -1)
    masking = Masking(sample, baseline, player, tuple(map(str, range(n))))
    subsets = rng.integers(0, 1 << n, rows, dtype=np.int64)
    keep = keep_masks(subsets, n)
    same_bits(masking.batch(subsets), masking, keep)
    same_bits(masking.batch(keep.astype(bool)), masking, keep)


@pytest.mark.parametrize("dtype", TORCH_DTYPES, ids=str)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 63), rows=st.integers(1, 4))
def test_tensor_batches_by_definition(dtype: torch.dtype, seed: int, n: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    # Odd lengths exercise the tails of the vector loops.
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 4)), int(rng.integers(1, 6)))
    sample, baseline = (
        torch.from_numpy(rng.integers(0, 2, shape) * rng.integers(1, 99, shape)).to(dtype) for _ in "xb"
    )
    masking = Masking(sample, baseline, rng.integers(-1, n, shape), tuple(map(str, range(n))))
    subsets = rng.integers(0, 1 << n, rows, dtype=np.int64)
    keep = keep_masks(subsets, n)
    same_bits(masking.batch(torch.from_numpy(subsets)), masking, keep)
    same_bits(masking.batch(torch.from_numpy(keep).bool()), masking, keep)
    # What other devices do in torch is the same to the bit.
    for selection in (subsets, keep):
        same_bits(masking._select(selection, masking.empty(rows)), masking, keep)


def test_masks_of_a_hundred_players() -> None:
    rng = np.random.default_rng(0)
    masking = Features(-1.0).bind(rng.normal(size=100).astype(np.float32))
    keep = rng.integers(0, 2, (17, 100), dtype=np.uint8)
    same_bits(masking.batch(keep * 3), masking, keep)  # any non-zero entry keeps
    with pytest.raises(ArgumentError, match=r"subsets: got integers for 100 players.*masks"):
        masking.batch([1])


def test_masking_nothing_and_everything() -> None:
    sample = np.arange(6.0).reshape(2, 3)
    masking = Features(9.0).bind(sample)
    assert np.array_equal(masking.batch([63, 0]), [sample, np.full((2, 3), 9.0)])
    assert masking.batch([0b000010])[0, 0, 1] == 1.0  # player i is bit i


@pytest.mark.parametrize("tensor", [False, True])
def test_out_is_written_and_returned(tensor: bool) -> None:
    sample: Any = torch.arange(6.0) if tensor else np.arange(6.0)
    masking = Features().bind(sample)
    buffer = masking.empty(8)
    out = buffer[2:5]
    assert masking.batch([1, 2, 63], out=out) is out
    assert out.tolist() == [[0] * 6, [0, 1, 0, 0, 0, 0], list(range(6))]


def test_no_second_buffer() -> None:
    masking = Patches(4, baseline=0.5).bind(np.zeros((3, 32, 32), np.float32))
    subsets, out = np.arange(512, dtype=np.int64), masking.empty(512)
    tracemalloc.start()
    masking.batch(subsets, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Not even the mask of one row, 3 x 32 x 32 bytes.
    assert peak < 3 * 32 * 32 < out.nbytes // 1000


def test_the_record_does_not_see_later_writes() -> None:
    sample = np.ones(3)
    masking = Features().bind(sample)
    sample[:] = 7.0
    assert masking.batch([7]).tolist() == [[1.0, 1.0, 1.0]]
    with pytest.raises(ValueError, match="read-only"):
        masking.player[0] = 5


# ---- bad selections and buffers ----


@pytest.mark.parametrize(
    ("subsets", "message"),
    [
        ([], "subsets: got an empty batch"),
        (np.zeros((0, 3), bool), "subsets: got an empty batch"),
        ([8], r"subsets: got 8, but it must be subsets from 0 to 2\*\*3 - 1"),
        ([-1], "subsets: got -1"),
        (np.array([1 << 63], np.uint64), "subsets: got 9223372036854775808"),
        (np.zeros((2, 4), bool), "subsets: got masks of length 4, but it must be masks of length 3"),
        (np.zeros((2, 2), np.uint8), "masks of length 2"),
        (np.zeros((1, 1, 3), bool), r"subsets: got shape \(1, 1, 3\)"),
        (5, r"subsets: got shape \(\)"),
    ],
)
def test_bad_subsets(subsets: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Features().bind(np.zeros(3)).batch(subsets)


@pytest.mark.parametrize(
    "subsets", [[0.5], [True, False, True], np.zeros((2, 3), np.int64), np.zeros((2, 3))]
)
def test_bad_subset_types(subsets: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="subsets: got"):
        Features().bind(np.zeros(3)).batch(subsets)


def test_bad_buffers() -> None:
    masking = Features().bind(np.zeros(3))
    for out, error in [
        (np.zeros((2, 4)), ArgumentError),
        (np.zeros((3, 3)), ArgumentError),
        (np.zeros((2, 3), np.float32), ArgumentTypeError),
        (torch.zeros(2, 3, dtype=torch.float64), ArgumentTypeError),
        ([[0.0] * 3] * 2, ArgumentTypeError),
        (np.zeros((3, 2)).T, ArgumentError),
        (np.broadcast_to(0.0, (2, 3)), ArgumentError),
    ]:
        with pytest.raises(error, match="out: got"):
            masking.batch([0, 1], out=out)
    with pytest.raises(ArgumentError, match="out: got"):
        Features().bind(torch.zeros(3)).batch([0, 1], out=torch.zeros(3, 2).T)


def test_a_batch_that_cannot_fit() -> None:
    with pytest.raises(NotEnoughMemoryError, match="1099511627776 masked samples needs 24 TiB"):
        Features().bind(np.zeros(3)).empty(1 << 40)


# ---- the record itself ----


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"baseline": np.zeros(3)}, ArgumentError, r"baseline: got shape \(3,\)"),
        ({"baseline": np.zeros(2, np.float32)}, ArgumentTypeError, "baseline: got a numpy array of float32"),
        ({"baseline": torch.zeros(2)}, ArgumentTypeError, "baseline: got a tensor"),
        ({"player": np.array([0, 2])}, ArgumentError, "player: got 2, but it must be an index from 0 to 1"),
        ({"player": np.array([0, -2])}, ArgumentError, "player: got -2"),
        ({"player": np.array([0, 2**32])}, ArgumentError, "player: got 4294967296"),
        ({"player": np.array([0])}, ArgumentError, "player: got 1 entries"),
        ({"player": np.array([0.0, 1.0])}, ArgumentTypeError, "player: got dtype float64"),
        ({"boxes": ((0, 0, 1, 1),)}, ArgumentError, "boxes: got 1 boxes"),
        ({"sample": np.zeros(2, complex)}, ArgumentTypeError, "sample: got dtype complex128"),
        ({"sample": np.array(["a", "b"])}, ArgumentTypeError, "sample: got dtype <U1"),
        ({"sample": torch.zeros(2).to_sparse()}, ArgumentTypeError, "sample: got a torch.sparse_coo tensor"),
        ({"sample": np.zeros((2, 0))}, ArgumentError, r"sample: got shape \(2, 0\)"),
    ],
)
def test_bad_records(change: dict[str, Any], error: type[Exception], message: str) -> None:
    good = {"sample": np.zeros(2), "baseline": np.ones(2), "player": np.array([0, 1]), "names": ("a", "b")}
    assert Masking(**good).n == 2  # type: ignore[arg-type]
    with pytest.raises(error, match=message):
        Masking(**(good | change))


def test_tensors_leave_autograd_and_odd_layouts_behind() -> None:
    for sample in (
        torch.arange(6.0, requires_grad=True).reshape(2, 3).T,
        torch.arange(12.0).reshape(3, 4)[:, ::2],
        torch.complex(torch.zeros(3), torch.ones(3)).conj().imag,  # a lazily negated view
    ):
        batch = Features().bind(sample).batch([(1 << sample.numel()) - 1])
        assert torch.equal(batch[0], sample)
        assert not batch.requires_grad


# ---- features ----


def test_groups_and_names_of_features() -> None:
    masking = Features(np.array([10.0, 20.0, 30.0, 40.0]), groups=[[3, 0], 2]).bind([1.0, 2.0, 3.0, 4.0])
    assert masking.player.tolist() == [0, -1, 1, 0]
    assert masking.names == ("x3+x0", "x2")
    assert masking.batch([0, 1]).tolist() == [[10, 2, 30, 40], [1, 2, 30, 4]]
    assert Features(names=["age", "height"]).bind([1.0, 2.0]).names == ("age", "height")


@pytest.mark.parametrize(
    ("masker", "error", "message"),
    [
        (
            Features([1.0, 2.0]),
            ArgumentError,
            r"baseline: got shape \(2,\), but it must be a number, or of the sample's",
        ),
        (Features("mean"), ArgumentTypeError, "baseline: got dtype <U4"),
        (Features(None), ArgumentTypeError, "baseline: got dtype object"),
        (
            Features(groups=[[0], [3]]),
            ArgumentError,
            r"groups\[1\]: got 3, but it must be an integer from 0 to 2",
        ),
        (Features(groups=[[-1]]), ArgumentError, r"groups\[0\]: got -1"),
        (Features(groups=[[0, 1], [1]]), ArgumentError, r"groups\[1\]: got index 1 again"),
        (Features(groups=[[]]), ArgumentError, r"groups\[0\]: got an empty group"),
        (Features(groups=[[0.0]]), ArgumentTypeError, r"groups\[0\]: got 0.0"),
        (
            Features(names=["a"]),
            ArgumentError,
            "names: got 1 names, but it must be one for each of 3 players",
        ),
    ],
)
def test_bad_features(masker: Features, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        masker.bind(np.zeros(3))


@pytest.mark.parametrize(
    ("baseline", "dtype"),
    [(0.5, "uint8"), (256, "uint8"), (-1, "uint8"), (1e5, "float16"), (np.nan, "int32"), (2, "bool")],
)
def test_baselines_are_never_truncated(baseline: float, dtype: str) -> None:
    with pytest.raises(ArgumentError, match=r"baseline: got .* representable"):
        Features(baseline).bind(np.zeros(2, dtype))
    with pytest.raises(ArgumentError, match=r"baseline: got .* representable"):
        Features(baseline).bind(torch.zeros(2, dtype=getattr(torch, dtype)))


def test_baselines_may_round_and_may_be_nan() -> None:
    assert Features(0.1).bind(np.zeros(1, np.float32)).baseline[0] == np.float32(0.1)
    assert np.isnan(Features(np.nan).bind(np.zeros(1)).baseline[0])  # some models read NaN as missing
    assert (
        Features(torch.tensor([0.1])).bind(torch.zeros(1, dtype=torch.bfloat16)).baseline.dtype
        == torch.bfloat16
    )


# ---- patches ----


@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 13), st.integers(1, 13)),
    data=st.data(),
    flat=st.booleans(),
)
def test_patches_tile_the_image_evenly(shape: tuple[int, int, int], data: st.DataObject, flat: bool) -> None:
    rows, columns = data.draw(st.integers(1, shape[1])), data.draw(st.integers(1, shape[2]))
    image = np.zeros(shape[1:] if flat else shape)
    masking = Patches((rows, columns)).bind(image)
    assert masking.n == rows * columns
    assert masking.boxes is not None
    painted = np.full(shape[1:], -1)
    for i, (top, left, height, width) in enumerate(masking.boxes):
        assert height in (shape[1] // rows, -(-shape[1] // rows))
        assert width in (shape[2] // columns, -(-shape[2] // columns))
        assert (painted[top : top + height, left : left + width] == -1).all()
        painted[top : top + height, left : left + width] = i
    assert np.array_equal(masking.player.reshape(image.shape), np.broadcast_to(painted, image.shape))
    assert (painted >= 0).all()


def test_patches_that_are_players() -> None:
    image = np.arange(32.0).reshape(2, 4, 4)
    by_index = Patches(2, players=[3, 1]).bind(image)
    by_place = Patches((2, 2), players=[(1, 1), (0, 1)]).bind(image)
    assert by_index.names == by_place.names == ("r1c1", "r0c1")
    assert by_index.boxes == ((2, 2, 2, 2), (0, 2, 2, 2))
    assert np.array_equal(by_index.player, by_place.player)
    nothing_kept = by_index.batch([0])[0]
    assert np.array_equal(nothing_kept[:, :, :2], image[:, :, :2])  # never masked
    assert np.array_equal(nothing_kept[:, :, 2:], np.broadcast_to([[[7.5]], [[23.5]]], (2, 4, 2)))


def test_baselines_of_patches() -> None:
    image = np.arange(8.0).reshape(2, 2, 2)

    def baseline(given: Any, sample: Any = image) -> Any:
        return Patches(1, baseline=given).bind(sample).baseline

    assert baseline("mean").tolist() == [[[1.5, 1.5]] * 2, [[5.5, 5.5]] * 2]
    assert baseline("mean", image[0]).tolist() == [[1.5, 1.5]] * 2
    assert baseline("mean", image.astype(np.uint8)).tolist() == [[[2, 2]] * 2, [[6, 6]] * 2]
    half = torch.from_numpy(image).to(torch.bfloat16)
    assert baseline("mean", half).tolist() == [[[1.5, 1.5]] * 2, [[5.5, 5.5]] * 2]
    assert baseline(0).tolist() == np.zeros((2, 2, 2)).tolist()
    assert baseline([3, 4]).tolist() == [[[3, 3]] * 2, [[4, 4]] * 2]
    assert np.array_equal(baseline(image[::-1]), image[::-1])


@pytest.mark.parametrize(
    ("masker", "error", "message"),
    [
        (Patches(5), ArgumentError, "grid rows: got 5, but it must be an integer from 1 to 4"),
        (Patches((2, 0)), ArgumentError, "grid columns: got 0"),
        (Patches((2, 2, 2)), ArgumentError, r"grid: got \(2, 2, 2\)"),
        (Patches(2.0), ArgumentTypeError, "grid rows: got 2.0"),  # type: ignore[arg-type]
        (
            Patches(2, players=[4]),
            ArgumentError,
            r"players\[0\]: got 4, but it must be an integer from 0 to 3",
        ),
        (Patches(2, players=[0, (0, 2)]), ArgumentError, r"players\[1\] column: got 2"),  # type: ignore[list-item]
        (Patches(2, players=[(0, 1, 2)]), ArgumentError, r"players\[0\]: got \(0, 1, 2\)"),  # type: ignore[list-item]
        (Patches(2, players=[1, (0, 1)]), ArgumentError, r"players\[1\]: got patch 1 again"),  # type: ignore[list-item]
        (Patches(2, baseline="blur"), ArgumentError, "baseline: got blur"),
        (Patches(2, baseline=[1.0, 2.0]), ArgumentError, r"baseline: got shape \(2,\)"),
        (Patches(2, baseline=np.zeros((3, 4))), ArgumentError, r"baseline: got shape \(3, 4\)"),
    ],
)
def test_bad_patches(masker: Patches, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        masker.bind(np.zeros((3, 4, 4)))


@pytest.mark.parametrize("shape", [(4,), (1, 3, 4, 4)])
def test_patches_of_what_is_no_image(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match=r"sample: got shape .* without a batch axis"):
        Patches(2).bind(np.zeros(shape))


# ---- feature maps ----


def test_feature_map_runs_the_head_once_in_evaluation_mode() -> None:
    head = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.Dropout(0.9), torch.nn.ReLU())
    calls: list[torch.Size] = []
    head[0].register_forward_hook(lambda module, inputs, output: calls.append(output.shape))
    sample = np.linspace(-1.0, 1.0, 36).reshape(1, 6, 6)  # float64, as numpy has it
    masking = FeatureMap(head, 3, players=[(1, 1), (0, 0)]).bind(sample)
    assert calls == [(1, 2, 6, 6)]
    assert head.training
    assert head[1].training
    expected = torch.relu(head[0](torch.tensor(sample[None], dtype=torch.float32)))[0]
    assert torch.equal(masking.sample, expected)
    assert not masking.sample.is_inference()
    assert np.array_equal(masking.source, sample)
    assert masking.boxes == ((2, 2, 2, 2), (0, 0, 2, 2))
    masked = masking.batch([0b10])[0]
    assert (masked[:, 2:4, 2:4] == 0).all()
    masked[:, 2:4, 2:4] = expected[:, 2:4, 2:4]
    assert torch.equal(masked, expected)


def test_bad_feature_maps() -> None:
    with pytest.raises(ArgumentTypeError, match="head: got str"):
        FeatureMap("conv1", 2).bind(np.zeros((1, 4, 4)))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"head: got an output of shape \(1, 16\)"):
        FeatureMap(lambda x: x.reshape(1, -1), 2).bind(np.zeros((1, 4, 4)))


# ---- tokens ----


@pytest.mark.parametrize("kind", [np.array, torch.tensor, list])
def test_tokens(kind: Any) -> None:
    ids = kind([101, 7, 8, 9, 102])
    masking = Tokens(103, words=[[3], [1, 2]]).bind(ids)
    assert masking.names == ("token 3", "token 1+2")
    assert masking.batch([0b00, 0b10]).tolist() == [[101, 103, 103, 103, 102], [101, 7, 8, 103, 102]]
    assert Tokens(0).bind(ids).n == 5


@pytest.mark.parametrize(
    ("masker", "sample", "error", "message"),
    [
        (Tokens(103), [1.0, 2.0], ArgumentTypeError, "sample: got dtype float64"),
        (Tokens(103), [[1, 2]], ArgumentError, r"sample: got shape \(1, 2\)"),
        (Tokens(1.5), [1, 2], ArgumentTypeError, "mask_token: got 1.5"),  # type: ignore[arg-type]
        (Tokens(300), np.array([1, 2], np.uint8), ArgumentError, "mask_token: got 300"),
        (Tokens(103, words=[[2]]), [1, 2], ArgumentError, r"words\[0\]: got 2"),
    ],
)
def test_bad_tokens(masker: Tokens, sample: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        masker.bind(sample)


# ---- points ----


@pytest.mark.parametrize("tensor", [False, True])
def test_points_move_to_the_centre(tensor: bool) -> None:
    cloud: Any = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    sample = torch.from_numpy(cloud) if tensor else cloud
    masking = Points([7, -1, 2, 2, 7]).bind(sample)
    assert masking.names == ("cluster 2", "cluster 7")
    expected = cloud.copy()
    expected[[0, 4]] = cloud.astype(np.float64).mean(axis=0)
    np.testing.assert_array_equal(np.asarray(masking.batch([0b01])[0]), expected)
    there = Points([0] * 5, center=[1.0, 2.0, 3.0]).bind(sample).batch([0])[0]
    assert np.asarray(there).tolist() == [[1.0, 2.0, 3.0]] * 5


@pytest.mark.parametrize(
    ("masker", "error", "message"),
    [
        (
            Points([0, 1]),
            ArgumentError,
            r"clusters: got shape \(2,\), but it must be one label for each of 3 points",
        ),
        (Points([0, 1, -2]), ArgumentError, "clusters: got -2"),
        (Points([0.0, 1.0, 2.0]), ArgumentTypeError, "clusters: got dtype float64"),
        (Points([0, 0, 0], center=[1.0]), ArgumentError, r"center: got shape \(1,\)"),
    ],
)
def test_bad_points(masker: Points, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        masker.bind(np.zeros((3, 2)))
    with pytest.raises(ArgumentError, match=r"sample: got shape \(3,\)"):
        masker.bind(np.zeros(3))
