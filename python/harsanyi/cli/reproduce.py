"""`harsanyi reproduce`: trains real networks on real data and says whether a paper's finding holds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harsanyi.errors import ArgumentError, HarsanyiError, MissingDependencyError

if TYPE_CHECKING:
    from harsanyi.experiments.finding import Size
    from harsanyi.experiments.runner import Outcome

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Each finding is one claim of a paper. Networks are trained (once; they are kept
in the cache folder), their interactions computed, and a statistic compared with
the direction that the paper claims: it holds, or it does not hold here. The
figure, the numbers and all settings are written to a folder."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "reproduce",
        help="test the papers' findings on networks trained here",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", help="a finding (--list shows them)")
    parser.add_argument("--list", action="store_true", help="show the findings and run nothing")
    parser.add_argument("--all", action="store_true", help="run every finding")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small networks, few samples: seconds each")
    size.add_argument("--full", action="store_true", help="the papers' own settings: hours")
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=_seed, metavar="S", help="one seed instead of the finding's own")
    seeds.add_argument("--seeds", type=_seeds, metavar="S,S,...", help="these seeds")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("harsanyi-reproduce"),
        metavar="DIR",
        help="default: ./harsanyi-reproduce",
    )
    parser.add_argument(
        "--format", choices=("svg", "pdf"), help="write the figure in this format, too, beside PNG"
    )
    parser.add_argument("--quiet", action="store_true", help="print only name and verdict")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand; a finding that does not hold is a result, not a failure.

    Of several findings, one that fails does not stop the others.

    Raises:
        ArgumentError: a finding that does not exist, none at all, or a folder that cannot be written.
        MissingDependencyError: a package of the extra `reproduce` is not installed.
    """
    from harsanyi.experiments import findings

    if args.list:
        width = max(map(len, findings.SUMMARIES))
        for name, words in findings.SUMMARIES.items():
            print(f"{name:{width}}  {words}")
        return 0
    if bool(args.name) == args.all:
        got = "both" if args.all else "neither"
        raise ArgumentError("NAME or --all", got, f"one of them; findings: {', '.join(findings.SUMMARIES)}")
    try:
        import matplotlib  # noqa: F401
        import safetensors  # noqa: F401
        import torch  # noqa: F401
        import tqdm  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f'harsanyi reproduce needs {error.name}: pip install "harsanyi[reproduce]"'
        ) from error
    from harsanyi.experiments import runner

    names = list(findings.SUMMARIES) if args.all else list(dict.fromkeys(args.name))
    chosen = [findings.load(name) for name in names]  # all of them, before the first one takes its time
    size: Size = "quick" if args.quick else "full" if args.full else "default"
    seeds = args.seeds if args.seed is None else (args.seed,)
    progress = not args.quiet and sys.stderr.isatty()
    verdicts: dict[str, str] = {}
    failed = 0
    for finding in chosen:
        try:
            with _writing(args.out):  # before the run, so that its time is not lost
                args.out.mkdir(parents=True, exist_ok=True)
            outcome = runner.reproduce(finding, size=size, seeds=seeds, progress=progress)
            with _writing(args.out):
                formats = ("png", args.format) if args.format else ("png",)
                written = runner.save(outcome, args.out, formats=formats)
        except HarsanyiError as error:
            if len(chosen) == 1:
                raise
            failed += 1  # the others may have hours of work before them
            print(f"harsanyi reproduce: {finding.name}: {' '.join(str(error).split())}", file=sys.stderr)
            verdicts[finding.name] = "failed"
            continue
        verdicts[finding.name] = outcome.verdict
        if args.quiet:
            print(f"{finding.name}: {outcome.verdict}", flush=True)
        else:
            _print(outcome, written)
    if len(chosen) > 1 and not args.quiet:
        width = max(map(len, verdicts))
        print("\n".join(f"{name:{width}}  {words}" for name, words in verdicts.items()))
    return 2 if failed else 0


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turns what the file system refuses into an error that names the option."""
    try:
        yield
    except OSError as error:
        raise ArgumentError(
            "--out", f"{folder} ({error.strerror or error})", "a folder to write to"
        ) from error


def _print(outcome: Outcome, written: list[Path]) -> None:
    finding, measurement = outcome.finding, outcome.measurement
    print(f"{finding.name}: {finding.claim}")
    print(f"  source     {finding.source}")
    print(f"  uses       {finding.interactions}")
    print(f"  size       {outcome.size}, seeds {', '.join(map(str, outcome.seeds))}, {outcome.seconds:.0f} s")
    for statistic in finding.statistics:
        claimed = "no claim" if statistic.claimed is None else f"claimed: {statistic.claimed}"
        print(f"  {statistic.name}: {statistic.meaning}; {claimed}")
        series = measurement.statistics[statistic.name]
        width = max(map(len, series))
        for name, values in series.items():
            holds = finding.holds(measurement, statistic, name)
            words = {None: "", True: "  holds", False: "  does not hold here"}[holds]
            print(f"    {name:{width}}  {_number(values)}{words}")
    print(f"  verdict    {outcome.verdict}")
    for path in written:
        print(f"wrote {path}")
    print(flush=True)


def _number(values: Sequence[float]) -> str:
    """The mean over the seeds, and from the least to the greatest."""
    import numpy as np

    known = np.array([x for x in values if x == x])
    if not len(known):
        return "undefined"
    spread = f"  ({known.min():.4g} to {known.max():.4g} over {len(known)} seeds)" if len(known) > 1 else ""
    return f"{known.mean():.4g}{spread}"


def _seed(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is below 0")
    return number


def _seeds(text: str) -> tuple[int, ...]:
    numbers = tuple(map(_seed, text.split(",")))
    if len(set(numbers)) < len(numbers):
        raise argparse.ArgumentTypeError(f"{text} repeats a seed")
    return numbers
