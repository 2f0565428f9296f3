"""The `harsanyi` command: each module of this package is one subcommand, or a part of one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from harsanyi.errors import HarsanyiError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: its arguments; None for those of the process.

    Returns:
        The exit code: 0, 2 for input that cannot be used (one line on stderr says why), 130 for an interrupt.

    Raises:
        SystemExit: from argparse, for --help, --version and options that it refuses.

    Example:
        >>> from harsanyi.cli import main
        >>> main(["explain", "--data", "breast-cancer", "--index", "5000"])
        2
    """
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args))
    except HarsanyiError as error:
        print(f"harsanyi {args.command}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"harsanyi {args.command}: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    import harsanyi
    from harsanyi.cli import bench, explain, info, reproduce

    parser = argparse.ArgumentParser(
        prog="harsanyi", description="Shows which combinations of inputs a network uses."
    )
    parser.add_argument("--version", action="version", version=f"harsanyi {harsanyi.__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="command", required=True)
    for command in (explain, reproduce, bench, info):
        command.add_parser(subparsers)
    return parser
