"""Reads what ptxas says of the CUDA kernels; fails if one keeps more in local memory than it may.

Arrays never, registers no kernel but the solver's, a few.

The log that it takes, from its one argument or from standard input, is what `cmake --build` of a new folder
prints that was configured with -DHARSANYI_CUDA=ON -DCMAKE_CUDA_FLAGS=-Xptxas=-v.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

# Bytes of registers that a kernel may keep in local memory: what it holds of a sample for thousands of steps.
_ALLOWED = {"decompose_samples": 96}
_ENTRY = re.compile(r"Compiling entry function '(\S+)' for '(\w+)'")
_FUNCTION = re.compile(r"Function properties for (\S+)")
_MEMORY = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_REGISTERS = re.compile(r"Used (\d+) registers")


class Function(NamedTuple):
    """One function for one architecture: bytes of local memory and registers of a thread."""

    name: str
    architecture: str
    stack: int
    stores: int
    loads: int
    registers: int = 0

    def complaint(self) -> str:
        """What is wrong with it, or nothing."""
        allowed = max((bytes_ for kernel, bytes_ in _ALLOWED.items() if kernel in self.name), default=0)
        found = [
            f"{count} bytes {what}"
            for count, what in (
                (self.stack, "stack frame"),
                (self.stores, "spill stores"),
                (self.loads, "spill loads"),
            )
            if count > allowed
        ]
        return ", ".join(found)


def read(lines: Iterable[str]) -> list[Function]:
    """All functions of a build's output."""
    functions: list[Function] = []
    name = architecture = ""
    for line in lines:
        if found := _ENTRY.search(line):
            architecture = found[2]
        elif found := _FUNCTION.search(line):
            name = found[1]
        elif found := _MEMORY.search(line):
            stack, stores, loads = map(int, found.groups())
            functions.append(Function(name, architecture, stack, stores, loads))
        elif (found := _REGISTERS.search(line)) and functions:
            functions[-1] = functions[-1]._replace(registers=int(found[1]))
    return functions


def demangled(names: Sequence[str]) -> list[str]:
    """The names as they are written in the sources, if c++filt is there."""
    if shutil.which("c++filt") is None or not names:
        return list(names)
    done = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    return [
        re.sub(r"(\(anonymous namespace\)|_GLOBAL__N_\w+)::|harsanyi::|cuda::", "", line) for line in lines
    ]


def table(functions: Sequence[Function]) -> list[str]:
    """A line for each kernel and architecture: how many instances, and the most registers of one."""
    groups: dict[tuple[str, str], list[int]] = {}
    for function, name in zip(functions, demangled([f.name for f in functions]), strict=True):
        kernel = re.split(r"[<(]", name.removeprefix("void "))[0]
        groups.setdefault((kernel, function.architecture), []).append(function.registers)
    width = max(len(kernel) for kernel, _ in groups)
    return [
        f"{kernel:{width}}  {architecture:6}  {len(counts):4} instances, at most {max(counts)} registers"
        for (kernel, architecture), counts in sorted(groups.items())
    ]


def main(arguments: Sequence[str]) -> int:
    """Checks the log that the one argument names, or standard input."""
    lines = Path(arguments[0]).read_text().splitlines() if arguments else sys.stdin.readlines()
    functions = read(lines)
    if not functions:
        print("no kernel in this log: was it built from scratch, with -Xptxas=-v?", file=sys.stderr)
        return 1
    print("\n".join(table(functions)))
    bad = [function for function in functions if function.complaint()]
    for function, name in zip(bad, demangled([f.name for f in bad]), strict=True):
        print(f"{name} for {function.architecture}: {function.complaint()}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
