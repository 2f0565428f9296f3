"""`harsanyi explain`: the interactions a network uses on one sample, as a table, a picture and a record."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harsanyi.errors import ArgumentError, MissingDependencyError

if TYPE_CHECKING:
    from harsanyi.cli._subjects import Subject
    from harsanyi.explanation import Explanation

__all__ = ["add_parser", "run"]

_DESCRIPTION = """\
Without options: trains a LeNet on 4000 handwritten digits (once; it is kept in
the cache folder), cuts one test image into the 12 patches of a 4x4 grid without
its corners, and shows which of them the network uses together: the sparsest AND
and OR interactions that add up to its outputs, with proof that there are hardly
any sparser ones. With --model and --sample: the same for your own network."""
_OUTPUTS = {"log_odds": "log-odds", "logit": "logit", "log_prob": "log-probability"}
_NOISE, _GAP, _MAX_STEPS = 0.02, 1e-3, 20_000
_TWO_ACCOUNTS = (
    "AND interactions alone add up to this output, and so do OR interactions alone: two accounts of it."
)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "explain",
        help="show the AND and OR interactions that a network uses on one sample",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    demo = parser.add_argument_group("demo")
    demo.add_argument("--data", choices=("mnist", "breast-cancer"), help="data set (default: mnist)")
    demo.add_argument("--index", type=int, metavar="I", help="which test sample (default: 0)")
    demo.add_argument("--seed", type=int, metavar="S", help="of the training (default: 0)")
    demo.add_argument(
        "--epochs", type=_positive, metavar="E", help="of the training (default: 12 mnist, 20 breast-cancer)"
    )
    demo.add_argument("--no-cache", action="store_true", help="train anew and keep nothing")

    own = parser.add_argument_group("your own network")
    own.add_argument(
        "--model", type=Path, metavar="FILE", help="TorchScript (.pt) or exported program (.pt2)"
    )
    own.add_argument(
        "--sample",
        type=Path,
        metavar="FILE",
        help="one sample as the network takes it, without batch axis (.npy)",
    )
    own.add_argument(
        "--kind", choices=("image", "tabular"), help="default: image if the sample has 2 or 3 axes"
    )

    what = parser.add_argument_group("what is explained")
    what.add_argument(
        "--grid", type=_grid, metavar="R[xC]", help="rows and columns of patches (default: 4x4)"
    )
    what.add_argument(
        "--players",
        metavar="LIST",
        help="comma-separated: patches as r1c2, features by name or number, or 'all' "
        "(default: all; of mnist's 4x4 grid, all but the corners)",
    )
    what.add_argument(
        "--baseline",
        metavar="B",
        help="what replaces a masked player: a number, 'mean' (the image's mean colour) or a .npy file "
        "(default: 0; for your own image, mean)",
    )
    what.add_argument("--target", type=int, metavar="C", help="class index (default: the predicted class)")
    what.add_argument(
        "--output", choices=("log_odds", "logit", "log_prob"), default="log_odds", help="default: log_odds"
    )

    pair = parser.add_argument_group("the sparse pair of AND and OR interactions")
    pair.add_argument(
        "--noise",
        type=_share,
        metavar="X",
        help="bound of the noise term, as a share of what all players together change; 0 for none "
        f"(default: {_NOISE:g})",
    )
    pair.add_argument(
        "--gap",
        type=_share,
        metavar="G",
        help=f"proven bound on how much sparser another pair may be, as a share (default: {_GAP:g})",
    )
    pair.add_argument(
        "--max-steps",
        type=_positive,
        metavar="K",
        help=f"steps to reach that in (default: {_MAX_STEPS:,})",
    )
    pair.add_argument(
        "--plain",
        action="store_true",
        help="no sparse pair: AND interactions alone (Harsanyi dividends), and OR interactions alone",
    )

    how = parser.add_argument_group("how")
    how.add_argument(
        "--top",
        type=_positive,
        metavar="K",
        help="interactions of each kind shown (default: 10, in the picture 5)",
    )
    how.add_argument(
        "--batch-size",
        type=_positive,
        metavar="N",
        help="masked samples in one forward pass (default: from memory)",
    )
    how.add_argument(
        "--threads",
        type=_positive,
        metavar="N",
        help="for network and transforms (training always takes one)",
    )
    how.add_argument(
        "--output-dir",
        type=Path,
        default=Path("harsanyi-explain"),
        metavar="DIR",
        help="default: ./harsanyi-explain",
    )
    how.add_argument("--no-plot", action="store_true", help="write no picture")
    how.add_argument("--quiet", action="store_true", help="print only the paths of the files written")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand.

    Raises:
        ArgumentError: an option that does not fit the data, the model, the sample or another option; a file
            that is missing or unreadable.
        MissingDependencyError: a package of the extra `demo` is not installed.
        NonFiniteError, NotEnoughMemoryError: from the evaluation.
    """
    try:
        import rich  # noqa: F401
        import safetensors  # noqa: F401
        import torch  # noqa: F401
        import tqdm  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f'harsanyi explain needs {error.name}: pip install "harsanyi[demo]"'
        ) from error
    from harsanyi.cli import _report, _subjects
    from harsanyi.explanation import explain
    from harsanyi.games import outputs

    for option in ("noise", "gap", "max_steps"):
        if args.plain and getattr(args, option) is not None:
            name = f"--{option.replace('_', '-')}"
            raise ArgumentError(name, getattr(args, option), "left out with --plain")
    with _threads(args.threads):
        subject = _subjects.own_subject(args) if args.model or args.sample else _subjects.demo_subject(args)
        with _writing(args.output_dir):  # before the evaluation, so that its time is not lost
            args.output_dir.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        explanation = explain(
            subject.model,
            subject.sample,
            masker=subject.masker,
            output=getattr(outputs, args.output)(args.target),
            sparse=False,
            batch_size=subject.batch_size,
            progress=not args.quiet and sys.stderr.isatty(),
        )
        seconds = time.perf_counter() - start
        transforms = _transform_seconds(explanation)
        times = _times(subject.training_seconds, seconds - transforms, transforms, explanation.n)
        if not args.plain:
            start = time.perf_counter()
            explanation = _with_pair(explanation, args)
            times += f", decomposition {time.perf_counter() - start:.2f} s"
    facts = {
        **subject.facts,
        **_output_facts(explanation, subject, args.output),
        **({} if args.plain else _report.pair_facts(explanation, _gap(args))),
        "time": times,
    }
    written = [args.output_dir / "explanation.safetensors"]
    with _writing(args.output_dir):  # before anything is printed: whoever reads that may have seen enough
        explanation.save(written[0])
        if not args.no_plot:
            from harsanyi import plot

            accounts = (_TWO_ACCOUNTS,) if args.plain else _report.account(explanation)
            figure = plot.interactions(
                explanation,
                top=args.top or 5,
                title=subject.title,
                sparse=not args.plain,
                notes=[facts["output"] + ".", *accounts],
            )
            written.append(args.output_dir / "interactions.png")
            figure.savefig(written[1], dpi=150)
    if not args.quiet:
        _report.print_report(explanation, facts, top=args.top or 10)
    for path in written:
        print(path if args.quiet else f"wrote {path}")
    return 0


def _with_pair(explanation: Explanation, args: argparse.Namespace) -> Explanation:
    """With its sparse pair: not by `explain`, whose warning the header says in its own words."""
    from harsanyi.cli._report import TIE_BREAK
    from harsanyi.sparse import decompose

    noise = _NOISE if args.noise is None else args.noise
    steps = _MAX_STEPS if args.max_steps is None else args.max_steps
    found = decompose(explanation.v, noise=noise, gap=_gap(args), tie_break=TIE_BREAK, max_steps=steps)
    return dataclasses.replace(explanation, decomposition=found)


def _gap(args: argparse.Namespace) -> float:
    return _GAP if args.gap is None else float(args.gap)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turns what the file system refuses into an error that names the option."""
    try:
        yield
    except OSError as error:
        raise ArgumentError(
            "--output-dir", f"{folder} ({error.strerror or error})", "a folder to write to"
        ) from error


def _output_facts(explanation: Explanation, subject: Subject, output: str) -> dict[str, str]:
    from harsanyi.cli._report import decimals, signed

    first, last, n = float(explanation.v[0]), float(explanation.v[-1]), explanation.n
    places = decimals(first, last)
    target = "" if explanation.target is None else f" of {subject.class_name(explanation.target)}"
    return {
        "players": f"{n}: {', '.join(explanation.names)}",
        "output": f"{_OUTPUTS[output]}{target}: {signed(last, places)} for the sample, "
        f"{signed(first, places)} with every player masked",
    }


def _times(training: float | None, evaluation: float, transforms: float, n: int) -> str:
    trained = [] if training is None else [f"training {training:.1f} s"]
    return ", ".join(
        [
            *trained,
            f"evaluation of {1 << n} masked samples {evaluation:.2f} s",
            f"transforms {1e3 * transforms:.2f} ms",
        ]
    )


def _transform_seconds(explanation: Explanation) -> float:
    """What the two transforms took: they are quick enough to be run again for that."""
    from harsanyi.lattice import mobius, or_transform

    v: Any = explanation.v
    start = time.perf_counter()
    mobius(v)
    or_transform(v)
    return time.perf_counter() - start


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Torch and the kernels on `count` threads inside the block, and as before after it."""
    import torch

    from harsanyi.config import get_num_threads, set_num_threads

    if count is None:
        yield
        return
    before = torch.get_num_threads(), get_num_threads()
    torch.set_num_threads(count)
    set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        set_num_threads(before[1])


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not at least 1")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 up")
    return number


def _grid(text: str) -> tuple[int, int]:
    rows, _, columns = text.partition("x")
    return _positive(rows), _positive(columns or rows)
