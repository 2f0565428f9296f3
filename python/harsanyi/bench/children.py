"""What has to be measured in a fresh process: the time of an import, the peak memory of a call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harsanyi.errors import HarsanyiError

__all__ = ["ChildError", "import_seconds", "peak_growth", "resident", "run_child"]

_STATUS = Path("/proc/self/status")

_IMPORT = """
import time
start = time.perf_counter()
import numpy
middle = time.perf_counter()
{statement}
print(middle - start, time.perf_counter() - middle)
"""

# 5 sets the peak back to what is resident now, so that what the setup took for a while hides nothing.
_PEAK = """
from pathlib import Path
from harsanyi.bench.children import resident
{setup}
Path("/proc/self/clear_refs").write_text("5")
before = resident("VmRSS")
{call}
print(resident("VmHWM") - before)
"""


class ChildError(HarsanyiError, RuntimeError):
    """A measurement in a process of its own failed; holds what the process wrote."""


def run_child(code: str) -> list[float]:
    """The numbers that a fresh Python process prints when it runs `code`.

    Raises:
        ChildError: the process failed.

    Example:
        >>> from harsanyi.bench import children
        >>> children.run_child("print(1, 2.5)")
        [1.0, 2.5]
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ChildError(f"a child process failed with status {done.returncode}:\n{done.stderr.strip()}")
    return [float(number) for number in done.stdout.split()]


def import_seconds(statement: str) -> tuple[float, float]:
    """Seconds that `import numpy` takes in a fresh process, and that `statement` takes after it."""
    numpy_import, rest = run_child(_IMPORT.format(statement=statement))
    return numpy_import, rest


def peak_growth(setup: str, call: str) -> float:
    """Bytes by which a fresh process grows at most while it runs `call`, after `setup`; to within about 1 MB.

    Example:
        >>> from harsanyi.bench import children
        >>> 60 < children.peak_growth("import numpy", "x = numpy.ones(8_000_000)") / 1e6 < 68
        True
    """
    (growth,) = run_child(_PEAK.format(setup=setup, call=call))
    return max(growth, 0.0)  # the kernel counts pages in batches, so nothing may come out below nothing


def resident(key: str) -> int:
    """Bytes of this process that are resident now ("VmRSS") or were at its peak ("VmHWM").

    Not `getrusage`: the peak that it gives is inherited from the parent, however small the child is.
    """
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise ChildError(f"{_STATUS} has no line {key}")
