"""Cases around a model: masked batches, an explanation by plain interactions, import, and peak memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from harsanyi.bench import children
from harsanyi.bench.case import Case, Data, Series
from harsanyi.bench.lattice_cases import copyto

__all__ = [
    "beside_forward_passes",
    "explanation",
    "image_batch",
    "image_masking",
    "import_time",
    "masking_memory",
    "tabular_masking",
    "transform_memory",
]

_GRID = 4  # patches on each side of an image: 16 players


def image_masking(size: int, *, channels: int, rows: int) -> Case:
    """Masked batches of one image with 4x4 patches, beside copyto of as many bytes."""
    return _masking(
        f"masking-image-{channels}x{size}x{size}",
        _GRID**2,
        partial(image_batch, size=size, channels=channels, rows=rows),
        4 * rows * channels * size**2,
    )


def tabular_masking(features: int, *, rows: int) -> Case:
    """Masked batches of one row of a table in 16 groups of features, beside copyto of as many bytes."""

    def setup(n: int) -> SimpleNamespace:
        from harsanyi.games.maskers import Features

        generator = np.random.default_rng(0)
        groups = [list(range(player, features, n)) for player in range(n)]
        masker = Features(generator.normal(size=features).astype(np.float32), groups=groups)
        return _bound(masker, generator.normal(size=features).astype(np.float32), n, rows)

    return _masking(f"masking-tabular-{features}", 16, setup, 4 * rows * features)


def image_batch(n: int, *, size: int, channels: int, rows: int) -> SimpleNamespace:
    """An image whose first n patches are the players, random subsets, and the buffers to write into."""
    from harsanyi.games.maskers import Patches

    image = np.random.default_rng(0).normal(size=(channels, size, size)).astype(np.float32)
    return _bound(Patches(_GRID, baseline="mean", players=range(n)), image, n, rows)


def _bound(masker: Any, sample: npt.NDArray[np.float32], n: int, rows: int) -> SimpleNamespace:
    masking = masker.bind(sample)
    subsets = np.random.default_rng(1).integers(0, 1 << n, size=rows)
    x = np.ones((rows, *sample.shape), np.float32)
    return SimpleNamespace(masking=masking, subsets=subsets, n=n, x=x, buffer=x.copy(), out=x.copy())


def _masking(name: str, n: int, setup: Callable[[int], SimpleNamespace], nbytes: int) -> Case:
    return Case(
        name=name,
        group="masking",
        n=n,
        dtype="float32",
        ours=Series(
            "masked batch",
            lambda data: partial(data.masking.batch, data.subsets, out=data.out),
            _by_select,
            quantity="value",
        ),
        rivals=(copyto("speed", 0.6),),
        setup=setup,
        nbytes=nbytes,
        memory=3 * nbytes,
    )


def _by_select(data: Data) -> npt.NDArray[Any]:
    """`out[r, e] = sample[e] if the player of e is in subset r, or e has none, else baseline[e]`."""
    masking = data.masking
    keep = (masking.player < 0) | (data.subsets[:, None] >> np.maximum(masking.player, 0) & 1 == 1)
    rows: npt.NDArray[Any] = np.where(keep.reshape(data.out.shape), masking.sample, masking.baseline)
    return rows


def masking_memory(size: int, *, channels: int, rows: int) -> Case:
    """What a masked batch takes beside the buffer that it is given."""
    nbytes = 4 * rows * channels * size**2
    setup = (
        "from harsanyi.bench.model_cases import image_batch\n"
        f"data = image_batch({_GRID**2}, size={size}, channels={channels}, rows={rows})\n"
        "data.masking.batch(data.subsets[:1], out=data.out[:1])"
    )
    return Case(
        name="masking-memory",
        group="masking",
        n=_GRID**2,
        dtype="float32",
        ours=Series(
            "beside the batch",
            lambda data: (
                lambda: children.peak_growth(setup, "data.masking.batch(data.subsets, out=data.out)")
            ),
            quantity="value",
        ),
        # 2 % for pages that the kernel counts late
        rivals=(Series("the batch itself", lambda data: lambda: nbytes, target=0.02),),
        setup=lambda n: None,
        unit="B",
        reported=True,
        memory=3 * nbytes,
    )


def transform_memory(n: int) -> Case:
    """What making a vector and transforming it in place takes, beside the vector."""
    setup = (
        "import numpy as np, harsanyi as hs\n"
        "hs.set_num_threads(1)\n"
        "x = np.ones(1 << 10)\n"
        "hs.mobius(x, out=x)"  # so that what remains is what the large one takes
    )
    return Case(
        name=f"transform-memory-f64-n{n}",
        group="end_to_end",
        n=n,
        dtype="float64",
        ours=Series(
            "in place",
            lambda data: lambda: children.peak_growth(setup, f"x = np.ones(1 << {n}); hs.mobius(x, out=x)"),
            quantity="value",
        ),
        # 2 % for the workspace, which does not grow with n, and for pages that the kernel counts late
        rivals=(Series("the vector itself", lambda data: lambda: 8 << n, target=1.02),),
        setup=lambda n: None,
        unit="B",
        reported=True,
        memory=16 << n,
    )


def import_time(name: str, *, use: str = "pass") -> Case:
    """What `import harsanyi`, and the statement `use` after it, add to the import of numpy."""
    return Case(
        name=name,
        group="end_to_end",
        n=0,
        dtype="",
        ours=Series(
            "import harsanyi" if use == "pass" else "import and first use",
            lambda data: lambda: children.import_seconds(f"import harsanyi; {use}")[1],
            quantity="value",
            target=50e-3,
        ),
        rivals=(Series("import numpy", lambda data: lambda: children.import_seconds("pass")[0]),),
        setup=lambda n: None,
        reported=True,
    )


def explanation(n: int) -> Case:
    """`explain` of a LeNet on a digit, beside as many bare forward passes at their best batch size.

    Evaluation and plain interactions, without the sparse pair: what the forward passes can be held against.
    """
    requires = ("torch", "mlxtend", "tqdm", "safetensors")
    ours = Series(
        "explain without sparse pair",
        _explain,
        _log_odds,
        read=lambda data, record: record.v,
        quantity="value",
        requires=requires,
    )
    return beside_forward_passes(f"explain-lenet-n{n}", n, ours, _forward, setup=_lenet, target=1.15)


def beside_forward_passes(
    name: str,
    n: int,
    ours: Series,
    passes: Callable[[Data], Callable[[], Any]],
    *,
    setup: Callable[[int], Data],
    target: float,
) -> Case:
    """Work around a network, beside its bare forward passes; the first of their outputs are checked.

    Args:
        name: of the case.
        n: players.
        ours: what is measured.
        passes: from the data to the call that runs the network alone and returns its outputs, batch by batch.
        setup: data with `logits()`, the outputs that those begin with.
        target: the time of `ours` over that of `passes`, at most.
    """

    def first(data: Data, parts: list[Any]) -> npt.NDArray[np.float64]:
        return np.concatenate(parts)[: len(data.logits())]

    forward = Series(
        "bare forward passes",
        passes,
        expected=lambda data: data.logits(),
        read=first,
        target=target,
        requires=ours.requires,
    )
    return Case(name, "end_to_end", n, "float32", ours, (forward,), setup, check_n=4)


def _lenet(n: int) -> SimpleNamespace:
    """A trained LeNet, a digit with the first n of 3x4 patches as players, and all its masked versions."""
    import torch

    from harsanyi.experiments import data as datasets
    from harsanyi.experiments.cache import cached_fit
    from harsanyi.experiments.fit import RECIPES
    from harsanyi.games.maskers import Patches

    dataset = datasets.mnist()
    network = cached_fit(RECIPES["mnist"], dataset).network
    sample, target = torch.from_numpy(dataset.x_test[0]), int(dataset.y_test[0])
    masker = Patches((3, 4), players=range(n))  # on the mean colour, since on black blank patches are null
    inputs = masker.bind(sample).batch(np.arange(1 << n))

    def logits() -> npt.NDArray[np.float64]:
        with torch.inference_mode():
            return np.asarray(network(inputs), dtype=np.float64)

    return SimpleNamespace(
        network=network, sample=sample, target=target, masker=masker, inputs=inputs, logits=logits, details={}
    )


def _explain(data: Data) -> Callable[[], Any]:
    from harsanyi.explanation import explain
    from harsanyi.games.outputs import log_odds

    return partial(
        explain, data.network, data.sample, masker=data.masker, output=log_odds(data.target), sparse=False
    )


def _forward(data: Data) -> Callable[[], Any]:
    import torch

    def passes(batch_size: int) -> list[Any]:
        with torch.inference_mode():
            return [data.network(part) for part in data.inputs.split(batch_size)]

    def seconds(batch_size: int) -> float:
        start = perf_counter()
        passes(batch_size)
        return perf_counter() - start

    sizes = [1 << k for k in range(5, len(data.inputs).bit_length())] or [len(data.inputs)]
    passes(sizes[-1])  # warms up
    first = {size: seconds(size) for size in sizes}
    best = min(sorted(sizes, key=first.__getitem__)[:3], key=lambda size: min(first[size], seconds(size)))
    data.details["best_batch_size"] = best
    return partial(passes, best)


def _log_odds(data: Data) -> npt.NDArray[np.float64]:
    """`z[y] - log(sum over c != y of exp(z[c]))` for the logits z of each masked version."""
    z = data.logits()
    others = np.delete(z, data.target, axis=1)
    top = others.max(axis=1)
    odds: npt.NDArray[np.float64] = (
        z[:, data.target] - top - np.log(np.exp(others - top[:, None]).sum(axis=1))
    )
    return odds
