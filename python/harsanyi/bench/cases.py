"""The table of benchmark cases: what is measured, beside what, and which figure is to be reached."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from harsanyi.bench import analysis_cases, decompose_cases, lattice_cases, model_cases, sampling_cases
from harsanyi.bench.case import Case, Series
from harsanyi.errors import ArgumentError

__all__ = ["GROUPS", "Case", "Series", "select", "table"]

GROUPS = {
    "transforms": "one lattice vector, in place, one thread",
    "batch": "4096 lattice vectors of 10 players, in place, two threads against one",
    "tables": "a table game, call to return from Python, one thread",
    "masking": "masked batches written into a given buffer, one thread",
    "decompose": "sparse AND-OR pairs to a gap of 1e-3, one thread; many at once on two",
    "analyses": "what the papers compute from interactions, start to end",
    "end_to_end": "an explanation without its sparse pair, the import, and the peak memory",
}


def table(*, quick: bool = False) -> tuple[Case, ...]:
    """All cases, in the order in which they are shown.

    Args:
        quick: lattice vectors of up to 20 players only, and decompositions of up to 10.

    Example:
        >>> from harsanyi.bench import cases
        >>> cases.table()[0].name
        'mobius-f64-n8'
    """
    sizes = range(8, 21, 2) if quick else range(8, 27)
    transforms = [
        make(n, dtype)
        for make in (lattice_cases.mobius, lattice_cases.walsh_hadamard)
        for dtype in ("float64", "float32")
        for n in sizes
    ]
    return (
        *transforms,
        *(lattice_cases.batch(dtype) for dtype in ("float64", "float32")),
        *(lattice_cases.table_mobius(n) for n in (10, 16)),
        lattice_cases.table_shapley(14),
        model_cases.image_masking(224, channels=3, rows=64),
        model_cases.image_masking(28, channels=1, rows=4096),
        model_cases.tabular_masking(128, rows=8192),
        model_cases.masking_memory(224, channels=3, rows=64),
        *decompose_cases.table(quick=quick),
        analysis_cases.decay(16 if quick else 20),
        analysis_cases.multi_order(16 if quick else 20),
        analysis_cases.disentangle(10),
        *(() if quick else (analysis_cases.noise_variance(10), analysis_cases.full_analysis(10))),
        model_cases.explanation(12),
        sampling_cases.sampled_orders(256),
        model_cases.import_time("import-time"),
        model_cases.import_time("import-time-first-use", use="harsanyi.mobius"),
        model_cases.transform_memory(24),
    )


def select(patterns: Sequence[str], *, quick: bool = False) -> tuple[Case, ...]:
    """The cases of some groups or names, in the order of the table.

    Args:
        patterns: groups, or names with the wildcards of a shell; none means all.
        quick: as for `table`.

    Raises:
        ArgumentError: a pattern that fits no case.

    Example:
        >>> from harsanyi.bench import cases
        >>> [case.name for case in cases.select(["mobius-f32-n1[01]"])]
        ['mobius-f32-n10', 'mobius-f32-n11']
    """
    every = table(quick=quick)
    for pattern in patterns:
        if not any(_fits(case, pattern) for case in every):
            groups = ", ".join(GROUPS)
            raise ArgumentError("group", pattern, f"one of {groups}, or fit the name of a case (see --list)")
    return tuple(case for case in every if not patterns or any(_fits(case, pattern) for pattern in patterns))


def _fits(case: Case, pattern: str) -> bool:
    return case.group == pattern or fnmatchcase(case.name, pattern)
