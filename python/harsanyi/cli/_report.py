"""What `harsanyi explain` prints: a header, the strongest interactions, the strength of every order.

Of the sparse pair where there is one, beside what the plain interactions of either kind alone would take.
"""

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

__all__ = ["TIE_BREAK", "account", "decimals", "pair_facts", "print_report", "signed"]

TIE_BREAK = 0.01  # what each player beyond the first adds to the weight of an interaction
_KINDS: tuple[Literal["and", "or"], ...] = ("and", "or")
_TITLES = {
    "and": ("AND interactions", "present only while all of their players are kept"),
    "or": ("OR interactions", "present while any of their players is kept"),
}
_WHICH = {
    True: {"and": " of the sparse pair", "or": " of the sparse pair"},
    False: {"and": " (Harsanyi dividends)", "or": ""},
}
_STRENGTH = (
    "Strength per order",
    "sums of the positive and of the negative interactions, number of salient ones",
)
_PARTS = ("What the sample's output adds up from", "every part in full, and as far as it is shown above")
_SALIENT = 0.05  # of the largest interaction of both kinds


def _console() -> Console:
    """Stdout; at least 100 columns where that is no terminal, since nobody can widen a file."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=max(out.width, 100))


def print_report(explanation: Explanation, facts: dict[str, str], *, top: int) -> None:
    """Header, strongest interactions, strength per order, salient interactions, matching error, on stdout.

    Args:
        explanation: of one sample; of its sparse pair if it has one.
        facts: lines of the header, name and text.
        top: how many interactions of each kind.
    """
    sparse = explanation.decomposition is not None
    out = _console()
    header = Table.grid(padding=(0, 2))
    header.add_column(style="bold")
    header.add_column(overflow="fold")
    for name, text in facts.items():
        header.add_row(name, Text(text))
    out.print(header)
    norms = _norms(explanation, sparse)
    for kind in _KINDS:
        out.print(f"\n[bold]{_TITLES[kind][0]}{_WHICH[sparse][kind]}[/]  {_TITLES[kind][1]}")
        found = explanation.top(top, kind=kind, sparse=sparse)
        out.print(_strongest(found, sum(norms.values()) if sparse else norms[kind]))
    out.print(f"\n[bold]{_STRENGTH[0]}[/]  {_STRENGTH[1]}")
    out.print(_per_order(explanation, sparse))
    if sparse:
        out.print(f"\n[bold]{_PARTS[0]}[/]  {_PARTS[1]}")
        out.print(_parts(explanation, top))
    counts, threshold = _counts(explanation, sparse), _threshold(explanation, sparse)
    out.print(
        f"\n{counts['and']} AND and {counts['or']} OR interactions of {(1 << explanation.n) - 1} each "
        f"are salient: |I| > {threshold:.3g}, {_SALIENT:.0%} of the largest."
    )
    if sparse:
        alone = {kind: len(explanation.salient(threshold, kind=kind, relative=False)) for kind in _KINDS}
        out.print(
            f"As strong as that are {alone['and']} of the AND interactions alone (Harsanyi dividends), "
            f"and {alone['or']} of the OR interactions alone."
        )
    out.print(_matching(explanation) + "\n")


def pair_facts(explanation: Explanation, asked: float) -> dict[str, str]:
    """Lines of the header: the sparse pair, its certificate, and its noise term.

    Args:
        explanation: with a decomposition, found with the tie-break `TIE_BREAK`.
        asked: the gap that it was to reach.
    """
    found = explanation.decomposition
    norms = _norms(explanation, False)
    l1, plain_gap = float(found.l1), float(found.l1 - found.l1_lower_bound)
    if found.status == "optimal":
        reached = f"optimal: at most {_percent(asked)} asked for"
    else:
        reached = f"the {_percent(asked)} asked for was NOT reached"
    facts = {
        "sparse pair": f"l1 norm {l1:.4g}, of AND interactions alone {norms['and']:.4g}, "
        f"of OR interactions alone {norms['or']:.4g}",
        "certified": f"gap {_percent(float(found.gap))} ({reached}; {int(found.steps)} steps): "
        f"no pair has a norm smaller by more than that, m players weighing 1 + {TIE_BREAK:g} (m {MINUS} 1), "
        f"or an l1 norm smaller by more than {_percent(_ratio(plain_gap, l1))}",
        "noise term": "none",
    }
    if found.zeta > 0:
        size = float(np.abs(host_array(found.delta)).mean())
        effect = float(np.abs(host_array(explanation.v) - float(explanation.v[0])).mean())
        facts["noise term"] = (
            f"within ±{float(found.zeta):.3g}; its mean size {size:.3g} is {_percent(_ratio(size, effect))} "
            "of the mean change that the players make"
        )
    return facts


def account(explanation: Explanation) -> tuple[str, str]:
    """Two sentences for the picture: what the sparse pair is, and how far it is proven."""
    found = explanation.decomposition
    return (
        "AND and OR interactions share this output between them: "
        f"l1 norm {float(found.l1):.4g}, of AND alone {_norms(explanation, False)['and']:.4g}.",
        f"Certified to be within {_percent(float(found.gap))} of the sparsest such pair, "
        f"each further player weighing {_percent(TIE_BREAK)} more.",
    )


def _matching(explanation: Explanation) -> str:
    """How exactly each account of the outputs adds up to them."""
    errors = explanation.matching_error
    words = f"Universal matching of all {1 << explanation.n} outputs, the error as a share of the largest: "
    if "sparse" in errors:
        words += f"the sparse pair with its noise term {errors['sparse']:.1e}, "
    return words + f"AND interactions alone {errors['and']:.1e}, OR interactions alone {errors['or']:.1e}."


def decimals(*values: float) -> int:
    """How many decimals give the largest of the values four significant digits."""
    largest = max(map(abs, values))
    return max(0, 3 - math.floor(math.log10(largest))) if largest > 0 else 3


def signed(value: float, places: int) -> str:
    """A value with its sign and so many decimals, without the sign if they are all zero."""
    text = f"{abs(value):.{places}f}"
    return text if float(text) == 0 else f"{'+' if value > 0 else MINUS}{text}"


def _vector(explanation: Explanation, kind: str, sparse: bool) -> Any:
    if sparse:
        return host_array(explanation.and_ if kind == "and" else explanation.or_)
    return host_array(explanation.dividends if kind == "and" else explanation.or_interactions)


def _norms(explanation: Explanation, sparse: bool) -> dict[str, float]:
    return {kind: float(np.abs(_vector(explanation, kind, sparse)[1:]).sum()) for kind in _KINDS}


def _counts(explanation: Explanation, sparse: bool) -> dict[str, int]:
    return {kind: len(explanation.salient(_SALIENT, kind=kind, sparse=sparse)) for kind in _KINDS}


def _strongest(found: Sequence[Interaction], total: float) -> Table:
    table = _table()
    table.add_column("players", overflow="fold")
    for name in ("order", "value", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    places = decimals(found[0].value)
    for one in found:
        share = f"{_ratio(abs(one.value), total):.1%}"
        joined = JOINED[one.kind].join(one.names)
        table.add_row(Text(joined), str(one.order), _coloured(one.value, places), share)
    return table


def _per_order(explanation: Explanation, sparse: bool) -> Table:
    table = _table()
    table.add_column("order", justify="right")
    table.add_column("subsets", justify="right")
    for kind in _KINDS:
        for name in ("+", MINUS, "salient"):
            table.add_column(f"{kind.upper()} {name}", justify="right", no_wrap=True)
    threshold = _threshold(explanation, sparse)
    sums = [reduce_orders(_vector(explanation, kind, sparse), threshold=threshold) for kind in _KINDS]
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


def _parts(explanation: Explanation, top: int) -> Table:
    """The sample's output as the sum of what every part of the sparse account adds to it."""
    vectors = {kind: _vector(explanation, kind, True)[1:] for kind in _KINDS}
    sums = {kind: float(x.sum()) for kind, x in vectors.items()}
    delta, v = host_array(explanation.decomposition.delta), host_array(explanation.v)
    noise = float(delta[-1] - delta[0])
    places = decimals(float(v[0]), float(v[-1]), noise, *sums.values())
    norms = _norms(explanation, True)
    table = _table()
    table.add_column("part")
    for name in ("value", "l1 norm", "shown above", "share of its norm"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row("every player masked", _coloured(float(v[0]), places))
    for kind in _KINDS:
        shown = [one.value for one in explanation.top(top, kind=kind, sparse=True)]
        share = f"{_ratio(sum(map(abs, shown)), norms[kind]):.1%}"
        norm = f"{norms[kind]:.{places}f}"
        value, seen = _coloured(sums[kind], places), _coloured(sum(shown), places)
        table.add_row(f"{kind.upper()} interactions", value, norm, seen, share)
    table.add_row("noise term", _coloured(noise, places))
    table.add_row("the sample", _coloured(float(v[-1]), places))
    return table


def _threshold(explanation: Explanation, sparse: bool) -> float:
    return _SALIENT * max(float(np.abs(_vector(explanation, kind, sparse)[1:]).max()) for kind in _KINDS)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _percent(share: float) -> str:
    return f"{100 * max(share, 0.0):.2g}%"  # rounding may put a bound above what it bounds


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), header_style="dim")


def _coloured(value: float, places: int) -> Text:
    text = signed(value, places)
    return Text(text, style={"+": "red", MINUS: "blue"}.get(text[0], "dim"))
