"""The bar that long work shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harsanyi.errors import MissingDependencyError

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(
    total: int, show: bool, *, what: str = "evaluate", unit: str = "subset"
) -> Iterator[Callable[[int], object]]:
    """A function to call with the count of what has just been done; without `show` it does nothing."""
    if not show:
        yield lambda count: None
        return
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise MissingDependencyError("progress=True needs tqdm, which harsanyi[torch] brings") from error
    with tqdm(total=total, unit=unit, unit_scale=True, desc=what) as bar:
        yield bar.update
