from collections.abc import Callable, Sequence
from typing import Any

def version() -> str: ...
def compiler() -> str: ...
def build_type() -> str: ...
def isa() -> str: ...
def isas() -> list[str]: ...
def set_isa(name: str) -> None: ...
def num_threads() -> int: ...
def set_num_threads(count: int) -> None: ...

# A buffer is a contiguous numpy array or the address of contiguous memory; None stands for a null pointer.
def transform(kind: int, dtype: int, n: int, batch: int, src: Any, dst: Any) -> None: ...
def kronecker(matrix: Sequence[float], dtype: int, n: int, batch: int, src: Any, dst: Any) -> None: ...
def reduce_orders(
    dtype: int,
    n: int,
    batch: int,
    src: Any,
    thresholds: Any,
    salient_only: bool,
    sum: Any,
    absolute: Any,
    positive: Any,
    negative: Any,
    count: Any,
) -> None: ...
def player_sums(dtype: int, n: int, batch: int, src: Any, weights: Any, out: Any) -> None: ...
def pair_sums(dtype: int, n: int, batch: int, src: Any, out: Any) -> None: ...
def pair_sums_adjoint(n: int, batch: int, src: Any, out: Any) -> None: ...
def binomial(n: int, k: int) -> int: ...
def subsets_of_order(n: int, k: int, out: Any) -> None: ...
def rank_subsets(count: int, subsets: Any, ranks: Any) -> None: ...
def unrank_subsets(n: int, k: int, count: int, ranks: Any, subsets: Any) -> None: ...
def orders(n: int, out: Any) -> None: ...
def sample_masks(
    n: int, players: Any, candidates: int, size: int, count: int, seed: int, first: int, masks: Any
) -> None: ...
def sample_subsets(
    n: int, players: Any, candidates: int, size: int, count: int, seed: int, first: int, subsets: Any
) -> None: ...
def masks_from_subsets(n: int, count: int, subsets: Any, masks: Any) -> None: ...
def subsets_from_masks(n: int, count: int, masks: Any, subsets: Any) -> None: ...
def masked_batch(
    element_bytes: int,
    elements: int,
    sample: Any,
    baseline: Any,
    player: Any,
    n: int,
    rows: int,
    subsets: Any,
    out: Any,
) -> None: ...
def masked_batch_from_masks(
    element_bytes: int,
    elements: int,
    sample: Any,
    baseline: Any,
    player: Any,
    n: int,
    rows: int,
    masks: Any,
    out: Any,
) -> None: ...
def decompose(
    n: int,
    batch: int,
    options: dict[str, Any],
    progress: Callable[[int], object] | None,
    v: Any,
    zetas: Any,
    and_: Any,
    or_: Any,
    delta: Any,
    dual: Any,
    reports: Any,
    workspace: Any,
    workspace_bytes: int,
) -> None: ...
def decompose_workspace(n: int, batch: int, with_noise: bool, options: dict[str, Any]) -> int: ...

# The CUDA plugin: whether it is loaded and has a device, and if not, why.
def cuda_available() -> bool: ...
def cuda_absence() -> str: ...
def cuda_subsets_of_order(device: int, stream: int, n: int, k: int, out: int) -> None: ...
def cuda_rank_subsets(device: int, stream: int, count: int, subsets: int, ranks: int) -> None: ...
def cuda_unrank_subsets(
    device: int, stream: int, n: int, k: int, count: int, ranks: int, subsets: int
) -> None: ...
def cuda_orders(device: int, stream: int, n: int, out: int) -> None: ...
def cuda_sample_masks(
    device: int,
    stream: int,
    n: int,
    players: int,
    candidates: int,
    size: int,
    count: int,
    seed: int,
    first: int,
    masks: int,
) -> None: ...
def cuda_sample_subsets(
    device: int,
    stream: int,
    n: int,
    players: int,
    candidates: int,
    size: int,
    count: int,
    seed: int,
    first: int,
    subsets: int,
) -> None: ...
def cuda_masks_from_subsets(
    device: int, stream: int, n: int, count: int, subsets: int, masks: int
) -> None: ...
def cuda_subsets_from_masks(
    device: int, stream: int, n: int, count: int, masks: int, subsets: int
) -> None: ...
def cuda_masked_batch(
    device: int,
    stream: int,
    element_bytes: int,
    elements: int,
    sample: int,
    baseline: int,
    player: int,
    n: int,
    rows: int,
    subsets: int,
    out: int,
) -> None: ...
def cuda_masked_batch_from_masks(
    device: int,
    stream: int,
    element_bytes: int,
    elements: int,
    sample: int,
    baseline: int,
    player: int,
    n: int,
    rows: int,
    masks: int,
    out: int,
) -> None: ...
def cuda_reduce_orders_workspace(dtype: int, n: int, batch: int) -> int: ...
def cuda_reduce_orders(
    device: int,
    stream: int,
    dtype: int,
    n: int,
    batch: int,
    src: int,
    thresholds: int,
    salient_only: bool,
    sum: int,
    absolute: int,
    positive: int,
    negative: int,
    count: int,
    workspace: int,
    workspace_bytes: int,
) -> None: ...
def cuda_player_sums_workspace(dtype: int, n: int, batch: int) -> int: ...
def cuda_player_sums(
    device: int,
    stream: int,
    dtype: int,
    n: int,
    batch: int,
    src: int,
    weights: int,
    out: int,
    workspace: int,
    workspace_bytes: int,
) -> None: ...

# On device memory: `stream` is the address of a cudaStream_t, and buffers are addresses on `device`.
def cuda_transform(
    device: int, stream: int, kind: int, dtype: int, n: int, batch: int, src: int, dst: int
) -> None: ...
def cuda_kronecker(
    device: int, stream: int, matrix: Sequence[float], dtype: int, n: int, batch: int, src: int, dst: int
) -> None: ...
def cuda_pair_sums_workspace(n: int, batch: int) -> int: ...
def cuda_pair_sums(
    device: int,
    stream: int,
    dtype: int,
    n: int,
    batch: int,
    src: int,
    out: int,
    workspace: int,
    workspace_bytes: int,
) -> None: ...
def cuda_pair_sums_adjoint(device: int, stream: int, n: int, batch: int, src: int, out: int) -> None: ...
def cuda_decompose_plan(n: int, noise: bool, weights: Any) -> bytes: ...
def cuda_decompose_workspace(device: int, n: int, batch: int, noise: bool, named: dict[str, Any]) -> int: ...
def cuda_decompose(
    device: int,
    stream: int,
    n: int,
    batch: int,
    named: dict[str, Any],
    v: int,
    zetas: int | None,
    and_: int,
    or_: int,
    delta: int | None,
    dual: int,
    reports: int,
    plan: int,
    workspace: int,
    workspace_bytes: int,
) -> None: ...
