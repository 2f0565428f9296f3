"""`harsanyi bench`: measures this machine and says which targets it reaches."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from harsanyi.errors import ArgumentError

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "bench",
        help="measure transforms, masked batches and explanations on this machine",
        description="Medians over interleaved repeats in one process, each beside what it is a ratio of.",
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options; `bench/run.py` has them, too."""
    parser.add_argument(
        "group", nargs="*", help="a group, or names of cases with * and ? (default: everything)"
    )
    parser.add_argument("--list", action="store_true", help="show the cases and measure nothing")
    parser.add_argument("--quick", action="store_true", help="up to 20 players, few repeats: a minute or two")
    parser.add_argument("--slow", action="store_true", help="measure what takes minutes, too, once")
    parser.add_argument(
        "--repeats", type=int, metavar="K", help="samples a series (default: 11, with --quick 5)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write samples, settings and versions to FILE"
    )
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="draw gap against time of the group decompose into FILE"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown, for the README")


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand; a missed target is a result, not a failure.

    Raises:
        ArgumentError: a group that does not exist, no repeats, a file that cannot be written, or a figure
            without the group.
        MissingDependencyError: a figure without matplotlib.
    """
    from harsanyi.bench import cases, report, timing
    from harsanyi.plot._style import new_figure

    chosen = cases.select(args.group, quick=args.quick)
    if args.list:
        for case in chosen:
            print(case.name, f"[{case.group}]", "beside", ", ".join(series.name for series in case.rivals))
        return 0
    if args.quick:
        settings = timing.Settings.quick(repeats=args.repeats, slow=args.slow)
    elif args.repeats is not None:
        settings = timing.Settings(repeats=args.repeats, slow=args.slow)
    else:
        settings = timing.Settings(slow=args.slow)
    if args.json is not None:
        _check_file("--json", args.json, Path.touch)
    if args.figure is not None:
        if not any(case.group == "decompose" for case in chosen):
            raise ArgumentError("--figure", str(args.figure), "left out without the group decompose")
        _check_file("--figure", args.figure, new_figure(1, 1).savefig)
    results = []
    for number, case in enumerate(chosen, start=1):
        if sys.stderr.isatty():
            print(f"\r\x1b[K{number}/{len(chosen)} {case.name}", end="", file=sys.stderr, flush=True)
        results.append(timing.measure(case, settings))
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    document = report.document(results, settings, sys.argv)
    if args.figure is not None:
        from harsanyi.bench import gap_figure

        panels = gap_figure.measure(quick=args.quick)
        document["gap_against_time"] = [asdict(panel) for panel in panels]
        gap_figure.draw(panels).savefig(args.figure, dpi=150)
    if args.json is not None:
        args.json.write_text(f"{json.dumps(document, indent=1)}\n", encoding="utf-8")
    if args.markdown:
        print(report.markdown(results))
    else:
        report.print_table(results)
    return 0


def _check_file(option: str, path: Path, write: Callable[[Path], object]) -> None:
    """Writes something there, to fail now rather than after minutes of measuring."""
    try:
        write(path)
    except (OSError, ValueError) as error:  # the latter: no kind of picture has that suffix
        reason = getattr(error, "strerror", None) or error
        raise ArgumentError(option, str(path), f"a file that can be written ({reason})") from error
