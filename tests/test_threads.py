"""Same bits on every number of threads and every tier; processes, threads and settings around them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import harsanyi as hs
import numpy as np
import pytest
from harsanyi.errors import ArgumentError, ArgumentTypeError

NAMES = (
    "zeta",
    "mobius",
    "superset_zeta",
    "superset_mobius",
    "or_transform",
    "or_inverse",
    "walsh_hadamard",
)
CALLS: dict[str, Callable[..., Any]] = {
    **{name: getattr(hs, name) for name in NAMES},
    "kronecker": lambda x, **options: hs.kronecker(x, [[0.3, -1.25], [2.0, 0.7]], **options),
}
THREADS = (1, 2, 3, 5)


def isas() -> list[str]:
    found = hs.build_config()["isas"]
    assert isinstance(found, list)
    return found


def vectors(shape: tuple[int, ...], dtype: Any) -> Any:
    """Random numbers, a quarter of them 0.0 and -0.0: signs of zero are bits, too."""
    generator = np.random.default_rng(0)
    if dtype == np.int64:
        return generator.integers(-(2**63), 2**63 - 1, shape, endpoint=True)
    x = generator.standard_normal(shape, dtype=dtype)
    x[..., ::8] = 0.0
    x[..., 3::8] = -0.0
    return x


def check_same_bits(call: Callable[..., Any], x: Any, settings: list[tuple[str, int]]) -> None:
    """Out of place and in place, each setting against the first."""
    expected = None
    for isa, threads in settings:
        hs.set_isa(isa)
        hs.set_num_threads(threads)
        found = call(x)
        if expected is None:
            expected = found.view(np.uint8)
        assert np.array_equal(found.view(np.uint8), expected), (isa, threads)
        np.copyto(found, x)
        call(found, out=found)
        assert np.array_equal(found.view(np.uint8), expected), (isa, threads, "in place")


@pytest.mark.parametrize("n", [*range(14), 15, 16, 17])
@pytest.mark.parametrize("name", CALLS)
def test_tiers_and_threads_give_the_same_bits(name: str, n: int, kernel_settings: None) -> None:
    for dtype in (np.float32, np.float64, np.int64):
        if dtype == np.int64 and name == "kronecker":
            continue
        settings = [(isa, threads) for isa in isas() for threads in (THREADS if n > 12 else (1, 3))]
        check_same_bits(CALLS[name], vectors((3, 1 << n) if n < 14 else (1 << n,), dtype), settings)


@pytest.mark.parametrize(
    ("name", "n", "dtype"),
    [
        ("mobius", 18, np.float64),
        ("mobius", 20, np.float64),
        *((name, 22, np.float64) for name in CALLS),
        ("zeta", 22, np.int64),
        ("walsh_hadamard", 23, np.float32),
    ],
)
def test_large_vectors_give_the_same_bits(name: str, n: int, dtype: Any, kernel_settings: None) -> None:
    """From 2**18 float64 on a vector is cut in tiles, which from 2**22 on go through scratch memory."""
    settings = [(isa, 1) for isa in isas()] + [(isas()[-1], threads) for threads in (2, 3, 5)]
    check_same_bits(CALLS[name], vectors((1 << n,), dtype), settings)


def test_the_largest_cut_gives_the_same_bits(kernel_settings: None) -> None:
    """From 2**26 float64 on the AVX-512 tier stores its tiles past the caches."""
    x = np.random.default_rng(26).random(1 << 26)
    hs.set_isa("baseline")
    expected = hs.mobius(x)
    hs.set_isa(isas()[-1])
    hs.set_num_threads(2)
    assert np.array_equal(hs.mobius(x, out=x), expected)


def test_a_large_vector_is_what_its_halves_make_it(kernel_settings: None) -> None:
    """One level of the definition at a size that no dense matrix reaches: y = (y_low, y_low + y_high)."""
    x = vectors((1 << 20,), np.int64)
    for threads in THREADS:
        hs.set_num_threads(threads)
        whole = hs.zeta(x)
        low, high = hs.zeta(x[: 1 << 19]), hs.zeta(x[1 << 19 :])
        np.testing.assert_array_equal(whole, np.concatenate([low, low + high]))
        spread = hs.zeta(np.ascontiguousarray(x.reshape(1 << 10, 1 << 10).T)).T  # the upper ten bits
        np.testing.assert_array_equal(hs.zeta(np.ascontiguousarray(spread)).ravel(), whole)
        np.testing.assert_array_equal(hs.mobius(whole), x)


def test_a_large_batch_is_what_its_rows_make_it(kernel_settings: None) -> None:
    x = vectors((1500, 256), np.float64)
    expected = np.stack([hs.or_transform(row) for row in x])
    for threads in THREADS:
        hs.set_num_threads(threads)
        assert hs.or_transform(x).tobytes() == expected.tobytes()


def test_concurrent_calls_do_not_disturb_each_other(kernel_settings: None) -> None:
    """Python threads share the pool: one of them has it, the others work alone."""
    hs.set_num_threads(3)
    inputs = [vectors((1 << n,), np.float64) * (i + 1) for i, n in enumerate([10, 14, 17, 18, 18, 17])]
    expected = [hs.mobius(x) for x in inputs]
    failures: list[int] = []
    start = threading.Barrier(len(inputs))

    def work(i: int) -> None:
        start.wait()
        for _ in range(20):
            if hs.mobius(inputs[i]).tobytes() != expected[i].tobytes():
                failures.append(i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []


def test_the_interpreter_runs_while_a_kernel_does(kernel_settings: None) -> None:
    """Kernels release the lock of the interpreter: another thread counts on during a long transform."""
    hs.set_num_threads(1)
    x = np.zeros((64, 1 << 16))
    stop, counted = threading.Event(), [0]

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1
            time.sleep(1e-5)

    counter = threading.Thread(target=count)
    counter.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)  # the interpreter itself would not hand over in time
    try:
        before = counted[0]
        for _ in range(20):
            hs.zeta(x, out=x)
        during = counted[0] - before
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        counter.join()
    assert during > 0


def run(code: str, **environment: str) -> str:
    """The standard output of a fresh interpreter, which must succeed and say nothing else."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HARSANYI_", "OMP_NUM_THREADS"))}
    command = [sys.executable, "-W", "error", "-c", code]
    variables = {**inherited, **environment}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_a_forked_child_computes_with_its_own_threads() -> None:
    code = """
import os, sys
import numpy as np
import harsanyi as hs
hs.set_num_threads(4)
x = np.random.default_rng(0).normal(size=1 << 18)
expected = hs.mobius(x)
for generation in range(3):
    child = os.fork()
    if child == 0:  # has the memory of the pool and none of its threads
        same = np.array_equal(hs.mobius(x), expected)
        grandchild = os.fork()
        if grandchild == 0:
            os._exit(0 if np.array_equal(hs.mobius(x), expected) else 1)
        same = same and os.waitpid(grandchild, 0)[1] == 0
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(hs.mobius(x), expected)
print("same")
"""
    if sys.version_info >= (3, 12):  # which warns of a fork beside threads, on purpose here
        code = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n" + code
    assert run(code) == "same"


@pytest.mark.parametrize("isa", isas())
def test_the_environment_chooses_the_tier(isa: str) -> None:
    assert run("import harsanyi as hs; print(hs.build_config()['isa'])", HARSANYI_ISA=isa) == isa


def test_an_unknown_tier_in_the_environment_leaves_the_best() -> None:
    code = "import harsanyi as hs; print(hs.build_config()['isa'], hs.zeta([1.0, 2.0])[1])"
    assert run(code, HARSANYI_ISA="sse9") == f"{isas()[-1]} 3.0"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HARSANYI_NUM_THREADS": "3"}, "3"),
        ({"OMP_NUM_THREADS": "2"}, "2"),
        ({"HARSANYI_NUM_THREADS": "3", "OMP_NUM_THREADS": "2"}, "3"),
        ({"HARSANYI_NUM_THREADS": "0", "OMP_NUM_THREADS": "2"}, "2"),
        ({"HARSANYI_NUM_THREADS": "many", "OMP_NUM_THREADS": "5"}, "5"),
        ({}, str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())),
    ],
)
def test_the_environment_chooses_the_threads(environment: dict[str, str], expected: str) -> None:
    assert run("import harsanyi as hs; print(hs.get_num_threads())", **environment) == expected


def test_settings_are_kept(kernel_settings: None) -> None:
    for threads in (1, 7, 1024):
        hs.set_num_threads(threads)
        assert hs.get_num_threads() == hs.build_config()["num_threads"] == threads
    for isa in isas():
        hs.set_isa(isa)
        assert hs.build_config()["isa"] == isa


@pytest.mark.parametrize("count", [0, -1, 1025])
def test_numbers_of_threads_out_of_range_are_named(count: int) -> None:
    with pytest.raises(ArgumentError, match=f"count: got {count}, .* from 1 to 1024"):
        hs.set_num_threads(count)


@pytest.mark.parametrize("count", [1.0, "2", True, None])
def test_numbers_of_threads_of_other_types_are_named(count: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="count: got"):
        hs.set_num_threads(count)


@pytest.mark.parametrize("name", ["sse9", "", "AVX2", 3])
def test_unknown_tiers_are_named(name: Any) -> None:
    with pytest.raises(ArgumentError, match=f"name: got {name}, .* one of baseline"):
        hs.set_isa(name)
