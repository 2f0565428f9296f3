"""What `harsanyi explain` prints: a header, the strongest interactions, the strength of every order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harsanyi.games.masking import host_array
from harsanyi.plot._style import JOINED, MINUS
from harsanyi.reductions import reduce_orders

if TYPE_CHECKING:
    from harsanyi.explanation import Explanation, Interaction

__all__ = ["decimals", "print_report", "signed"]

_KINDS: tuple[Literal["and", "or"], ...] = ("and", "or")
_TITLES = {
    "and": ("AND interactions (Harsanyi dividends)", "present only while all of their players are kept"),
    "or": ("OR interactions", "present while any of their players is kept"),
}
_STRENGTH = (
    "Strength per order",
    "sums of the positive and of the negative interactions, number of salient ones",
)
_SALIENT = 0.05  # of the largest interaction of both kinds


def _console() -> Console:
    """Stdout; at least 100 columns where that is no terminal, since nobody can widen a file."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=max(out.width, 100))


def print_report(explanation: Explanation, facts: dict[str, str], *, top: int) -> None:
    """Header, strongest interactions, strength per order, salient interactions, matching error, on stdout.

    Args:
        explanation: of one sample.
        facts: lines of the header, name and text.
        top: how many interactions of each kind.
    """
    out = _console()
    header = Table.grid(padding=(0, 2))
    header.add_column(style="bold")
    header.add_column(overflow="fold")
    for name, text in facts.items():
        header.add_row(name, Text(text))
    out.print(header)
    for kind in _KINDS:
        out.print(f"\n[bold]{_TITLES[kind][0]}[/]  {_TITLES[kind][1]}")
        out.print(_strongest(explanation, kind, explanation.top(top, kind=kind)))
    out.print(f"\n[bold]{_STRENGTH[0]}[/]  {_STRENGTH[1]}")
    out.print(_per_order(explanation))
    counts = {kind: len(explanation.salient(_SALIENT, kind=kind)) for kind in _KINDS}
    out.print(
        f"\n{counts['and']} AND and {counts['or']} OR interactions of {(1 << explanation.n) - 1} each "
        f"are salient: |I| > {_threshold(explanation):.3g}, {_SALIENT:.0%} of the largest."
    )
    errors = explanation.matching_error
    out.print(
        f"Universal matching: the AND interactions reproduce all {1 << explanation.n} outputs "
        f"to {errors['and']:.1e} of the largest, the OR interactions to {errors['or']:.1e}.\n"
    )


def decimals(*values: float) -> int:
    """How many decimals give the largest of the values four significant digits."""
    largest = max(map(abs, values))
    return max(0, 3 - math.floor(math.log10(largest))) if largest > 0 else 3


def signed(value: float, places: int) -> str:
    """A value with its sign and so many decimals, without the sign if they are all zero."""
    text = f"{abs(value):.{places}f}"
    return text if float(text) == 0 else f"{'+' if value > 0 else MINUS}{text}"


def _vector(explanation: Explanation, kind: str) -> Any:
    return host_array(explanation.dividends if kind == "and" else explanation.or_interactions)


def _strongest(explanation: Explanation, kind: str, found: Sequence[Interaction]) -> Table:
    total = float(np.abs(_vector(explanation, kind)[1:]).sum())
    table = _table()
    table.add_column("players", overflow="fold")
    for name in ("order", "value", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    places = decimals(found[0].value)
    for one in found:
        share = f"{abs(one.value) / total if total > 0 else 0.0:.1%}"
        table.add_row(Text(JOINED[kind].join(one.names)), str(one.order), _coloured(one.value, places), share)
    return table


def _per_order(explanation: Explanation) -> Table:
    table = _table()
    table.add_column("order", justify="right")
    table.add_column("subsets", justify="right")
    for kind in _KINDS:
        for name in ("+", MINUS, "salient"):
            table.add_column(f"{kind.upper()} {name}", justify="right", no_wrap=True)
    threshold = _threshold(explanation)
    sums = [reduce_orders(_vector(explanation, kind), threshold=threshold) for kind in _KINDS]
    places = decimals(*(float(part[1:].max()) for one in sums for part in (one.positive, one.negative)))
    for order in range(1, explanation.n + 1):
        cells: list[str | Text] = []
        for one in sums:
            cells += [
                _coloured(float(one.positive[order]), places),
                _coloured(-float(one.negative[order]), places),
                str(int(one.count[order])),
            ]
        table.add_row(str(order), str(math.comb(explanation.n, order)), *cells)
    return table


def _threshold(explanation: Explanation) -> float:
    return _SALIENT * max(float(np.abs(_vector(explanation, kind)[1:]).max()) for kind in _KINDS)


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim")


def _coloured(value: float, places: int) -> Text:
    text = signed(value, places)
    return Text(text, style={"+": "red", MINUS: "blue"}.get(text[0], "dim"))
