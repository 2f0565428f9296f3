"""`harsanyi bench`: measures this machine and says which targets it reaches."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from harsanyi.errors import ArgumentError

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "bench",
        help="measure transforms, masked batches and whole explanations on this machine",
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
    parser.add_argument("--quick", action="store_true", help="up to 20 players, few repeats: under a minute")
    parser.add_argument("--slow", action="store_true", help="measure what takes minutes, too, once")
    parser.add_argument(
        "--repeats", type=int, metavar="K", help="samples a series (default: 11, with --quick 5)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write samples, settings and versions to FILE"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown, for the README")


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand; a missed target is a result, not a failure.

    Raises:
        ArgumentError: a group that does not exist, no repeats, or a file that cannot be written.
    """
    from harsanyi.bench import cases, report, timing

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
        try:
            args.json.touch()  # fails now rather than after minutes of measuring
        except OSError as error:
            raise ArgumentError(
                "--json", str(args.json), f"a file that can be written ({error.strerror})"
            ) from error
    results = []
    for number, case in enumerate(chosen, start=1):
        if sys.stderr.isatty():
            print(f"\r\x1b[K{number}/{len(chosen)} {case.name}", end="", file=sys.stderr, flush=True)
        results.append(timing.measure(case, settings))
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if args.json is not None:
        text = json.dumps(report.document(results, settings, sys.argv), indent=1)
        args.json.write_text(f"{text}\n", encoding="utf-8")
    if args.markdown:
        print(report.markdown(results))
    else:
        report.print_table(results)
    return 0
