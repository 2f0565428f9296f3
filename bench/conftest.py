"""Feeds the suites from the table of cases that `harsanyi bench` measures.

    pytest bench/ --benchmark-only [--quick] [--slow] [-k mobius-f64-n20]

Cases that need a process of their own (import, memory) are measured by `harsanyi bench` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from time import perf_counter
from typing import Any

import pytest
from harsanyi.bench import cases, timing
from harsanyi.config import set_num_threads

_ROUND_SECONDS = 1.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="lattice vectors of up to 20 players only")
    parser.addoption("--slow", action="store_true", help="what takes minutes, too")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each series of each case of the suite's group that can run here."""
    if "series" not in metafunc.fixturenames:
        return
    slow = metafunc.config.getoption("--slow")
    chosen = [
        pytest.param((case, series), id=f"{case.name}-{series.name.replace(' ', '_')}")
        for case in cases.select([metafunc.module.GROUP], quick=metafunc.config.getoption("--quick"))
        if not case.reported
        for series in (case.ours, *case.rivals)
        if not timing.unavailable(series, slow=slow)
    ]
    metafunc.parametrize("series", chosen, indirect=True)


@lru_cache(maxsize=1)
def _data(case: cases.Case) -> Any:
    return case.setup(case.n)


@pytest.fixture
def series(request: pytest.FixtureRequest, benchmark: Any) -> Iterator[Callable[[], None]]:
    """Measures one series, with the case's data restored, untimed, before every call."""
    case, chosen = request.param
    with timing.one_thread():
        data = _data(case)
        call = chosen.prepare(data)
        set_num_threads(chosen.threads)

        def restore() -> None:
            if case.restore is not None:
                case.restore(data)

        def measure() -> None:
            rounds = 1
            if not chosen.slow:
                restore()
                call()
                restore()
                start = perf_counter()
                call()
                rounds = min(max(int(_ROUND_SECONDS / (perf_counter() - start)), 3), 1000)
            benchmark.group = case.name
            benchmark.extra_info.update(n=case.n, dtype=case.dtype, threads=chosen.threads)
            benchmark.pedantic(call, setup=restore, rounds=rounds)

        yield measure
