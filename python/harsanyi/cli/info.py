"""`harsanyi info`: what this build is, what it runs on, and where its headers and CMake package lie."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser(
        "info",
        help="show this build, this machine and the folders that a C++ project needs",
        description="What this build is, what it runs on, and where its headers and CMake package lie.",
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--include", action="store_true", help="print the folder of the C headers alone")
    only.add_argument(
        "--cmake-dir", action="store_true", help="print the folder of harsanyiConfig.cmake alone"
    )
    only.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand."""
    from harsanyi.config import get_cmake_dir, get_include

    if args.include or args.cmake_dir:
        print(get_include() if args.include else get_cmake_dir())
        return 0
    from harsanyi.bench.machine import environment

    facts = {**environment(), "include": get_include(), "cmake_dir": get_cmake_dir()}
    print(json.dumps(facts, indent=1) if args.json else "\n".join(_lines(facts)))
    return 0


def _lines(facts: Mapping[str, object]) -> list[str]:
    """Aligned "name  value" lines."""
    from harsanyi._arrays import format_bytes

    def text(name: str, value: object) -> str:
        if value is None:
            return "unknown"
        if name in ("memory", "available_memory") and isinstance(value, int):
            return format_bytes(value)
        if name == "caches" and isinstance(value, Mapping):
            return ", ".join(f"{level} {format_bytes(size)}" for level, size in value.items()) or "unknown"
        if name == "packages" and isinstance(value, Mapping):
            return ", ".join(
                f"{package} {version or '(not installed)'}" for package, version in value.items()
            )
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    width = max(map(len, facts))
    return [f"{name.replace('_', ' '):{width}}  {text(name, value)}" for name, value in facts.items()]
