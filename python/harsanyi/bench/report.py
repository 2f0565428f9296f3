"""Results as a table in the terminal, as Markdown, and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

from harsanyi.bench.case import Case
from harsanyi.bench.cases import GROUPS
from harsanyi.bench.machine import cpu_name, environment
from harsanyi.bench.timing import Measurement, Result, Settings, figure, reached
from harsanyi.config import build_config

__all__ = ["FORMAT", "describe", "document", "format_value", "markdown", "print_table", "rows"]

FORMAT = "harsanyi-bench-1"
COLUMNS = ("case", "n", "dtype", "median", "rate", "figure", "target", "reached")


def format_value(value: float, unit: str) -> str:
    """A measurement with three digits and a fitting prefix.

    Args:
        value: seconds or bytes.
        unit: "s" or "B".

    Example:
        >>> from harsanyi.bench.report import format_value
        >>> format_value(0.000283, "s"), format_value(2.5e9, "B")
        ('283 us', '2.5 GB')
    """
    scales = (
        ((1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
        if unit == "s"
        else ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B"))
    )
    scale, name = next(((s, name) for s, name in scales if value >= 0.9995 * s), scales[-1])
    return f"{value / scale:.3g} {name}"


def describe(result: Result, of: Measurement) -> str:
    """The figure of a series in words that say what it is a ratio of, or why there is none."""
    if of.note:
        return of.note
    value = figure(result.ours, of)
    if value is None:
        return "no figure"
    if of.series.quantity == "value":
        return format_value(value, result.case.unit)
    number = f"{value:.2g}" if value < 0.1 else f"{value:.2f}" if value < 100 else f"{value:,.0f}"
    what = "speed" if of.series.quantity == "speed" else "time" if result.case.unit == "s" else "size"
    return f"{number} x the {what} of {of.series.name}"


def _target(case: Case, of: Measurement) -> str:
    series = of.series
    if series.target is None:
        return ""
    if series.quantity == "value":
        return f"<= {format_value(series.target, case.unit)}"
    return f"{'>=' if series.quantity == 'speed' else '<='} {series.target:g}"


def _reached(result: Result, of: Measurement) -> str:
    if of.series.target is None:
        return ""
    return {True: "yes", False: "no", None: "not measured"}[reached(result.ours, of)]


def rows(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    """One row a figure, with the entries of COLUMNS; what the rows of a case share stands in the first."""
    for result in results:
        case, seconds = result.case, result.ours.median
        median = "" if seconds is None else format_value(seconds, case.unit)
        rate = f"{format_value(case.nbytes / seconds, 'B')}/s" if seconds and case.nbytes else ""
        head: tuple[str, ...] = (case.name, str(case.n) if case.n else "", case.dtype, median, rate)
        for of in (result.ours, *result.rivals):
            found = _found(result, of)
            if of is result.ours and of.series.target is None and not (of.note or found) and result.rivals:
                continue  # the median says it all
            text = describe(result, of) + found
            if of.note or of is result.ours:  # the others name their series themselves
                text = f"{of.series.name}: {text}"
            yield (*head, text, _target(case, of), _reached(result, of))
            head = ("",) * len(head)


def print_table(results: Sequence[Result]) -> None:
    """Prints the table: with rich where it is installed, else as Markdown."""
    if find_spec("rich") is None:
        print(markdown(results, headlines=False))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:  # nobody can widen a file
        console = Console(width=max(console.width, 120))
    for group, title in GROUPS.items():
        chosen = [result for result in results if result.case.group == group]
        if not chosen:
            continue
        table = Table(title=f"{group}: {title}", box=box.SIMPLE_HEAD, title_justify="left")
        lines = list(rows(chosen))
        shown = [i for i in range(len(COLUMNS)) if any(row[i] for row in lines)]
        for name in (COLUMNS[i] for i in shown):
            number = name in ("n", "median", "rate")
            table.add_column(name, justify="right" if number else "left", no_wrap=name != "figure")
        for row in lines:
            style = {"yes": "green", "no": "red"}.get(row[-1], "")
            cells = (*row[:-1], f"[{style}]{row[-1]}[/]" if style else row[-1])
            table.add_row(*(cells[i] for i in shown))
        console.print(table)
    console.print(summary(results), highlight=False)


def markdown(results: Sequence[Result], *, headlines: bool = True) -> str:
    """The results as Markdown: a table for each group with a column for each rival.

    Args:
        results: what was measured.
        headlines: leave out the sizes between the usual ones. The last line still counts every target and
            names every one that was missed.
    """
    build = build_config()
    lines = [f"{cpu_name()}, {build['isa']}, {build['compiler']}, harsanyi {build['version']}."]
    for group, title in GROUPS.items():
        chosen = [r for r in results if r.case.group == group and (r.case.headline or not headlines)]
        if not chosen:
            continue
        rivals = list(dict.fromkeys(of.series.name for r in chosen for of in r.rivals if of.samples))
        header = ["case", "median", *rivals]
        lines += ["", f"**{group}**: {title}", "", _line(header), _line(["---"] * len(header))]
        for result in chosen:
            cells = {of.series.name: _cell(result, of) for of in result.rivals}
            others = (cells.get(name, "") for name in rivals)
            lines.append(_line([result.case.name, _cell(result, result.ours), *others]))
    return "\n".join([*lines, "", summary(results)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(result: Result, of: Measurement) -> str:
    text = describe(result, of).removesuffix(f" of {of.series.name}")
    text += _found(result, of)
    target = _target(result.case, of)
    return f"{text} ({target}: {_reached(result, of)})" if target else text


def _found(result: Result, of: Measurement) -> str:
    """What a solver found, to follow its figure: in which time which l1 norm, how far from the optimum."""
    found = result.details.get("found", {}).get(of.series.name)
    if not found or of.median is None:
        return ""
    time = "" if of is result.ours else f": {format_value(of.median, result.case.unit)}"
    return f"{time}, l1 {found['l1']:.4g}, gap {found['gap']:.2g}"


def summary(results: Sequence[Result]) -> str:
    """How many targets were reached, which were missed, and which could not be measured."""
    named = [
        (f"{result.case.name} ({describe(result, of)})", reached(result.ours, of))
        for result in results
        for of in (result.ours, *result.rivals)
        if of.series.target is not None
    ]
    text = f"Targets: {sum(verdict is True for _, verdict in named)} of {len(named)} reached."
    for verdict, label in ((False, "Missed"), (None, "Not measured")):
        names = [name for name, value in named if value is verdict]
        text += f" {label}: {'; '.join(names)}." if names else ""
    return text


def document(results: Sequence[Result], settings: Settings, command: Sequence[str]) -> dict[str, Any]:
    """Everything that was measured, and what the figures mean nothing without, as JSON takes it.

    Args:
        results: what was measured.
        settings: how.
        command: the command line.

    Returns:
        A dictionary with "format", "date" (UTC, ISO 8601), "command", "settings", "environment" and
        "results": for each case its series, each with all samples in the case's unit, so that every figure
        can be computed again.
    """
    return {
        "format": FORMAT,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "settings": asdict(settings),
        "environment": environment(),
        "results": [
            {
                "case": result.case.name,
                "group": result.case.group,
                "n": result.case.n,
                "dtype": result.case.dtype,
                "unit": result.case.unit,
                "bytes": result.case.nbytes,
                "details": result.details,
                "series": [_entry(result, of) for of in (result.ours, *result.rivals)],
            }
            for result in results
        ],
    }


def _entry(result: Result, of: Measurement) -> dict[str, Any]:
    ours, name = result.ours.series.name, of.series.name
    formulas = {"value": name, "cost": f"{ours} / {name}", "speed": f"{name} / {ours}"}
    return {
        "name": name,
        "median": of.median,
        "samples": list(of.samples),
        "calls_per_sample": of.calls,
        "threads": of.series.threads,
        "note": of.note,
        "figure": {
            "quantity": of.series.quantity,
            "of": formulas[of.series.quantity],
            "value": figure(result.ours, of),
            "target": of.series.target,
            "bound": "at least" if of.series.quantity == "speed" else "at most",
            "reached": reached(result.ours, of),
        },
    }
