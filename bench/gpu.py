"""Checks and times every CUDA kernel on a device: time over floor as a table, and all of it as JSON.

    python bench/gpu.py [CASE ...] [--json FILE] [--repeats K] [--device I] [--build-dir FOLDER] [--list]

CASE is a name or a pattern like 'mobius-f64-*'. The plugin is built first if none is beside libharsanyi.so.
The floor of a kernel is the fewest bytes that it must move through the device's memory, over the bandwidth of
a copy by torch that is measured in the same process. Buffers exceed the second-level cache, and times come
from events. The exit status is 1 if a result is wrong, and 2 without a device or the plugin.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from fnmatch import fnmatch
from math import ceil
from pathlib import Path
from typing import Any

import harsanyi as hs
import torch
from gpu_cases import table
from gpu_job import Case, agreement, launcher
from harsanyi import _core
from harsanyi.bench.machine import environment
from harsanyi.bench.report import format_value

ROOT = Path(__file__).parents[1]
FORMAT = "harsanyi-gpu-1"
SAMPLE_SECONDS = 2e-3  # of one sample: as many calls as that takes
COPY_BYTES = 1 << 30
COLUMNS = ("case", "batch", "passes", "time", "GB/s", "over floor", "differs from the CPU", "from f64")


class MissingError(Exception):
    """What the measurement cannot do without."""


# ---- device and plugin ----


def device_or_raise(index: int) -> torch.device:
    """The device to measure."""
    if not torch.cuda.is_available():
        raise MissingError(f"no CUDA device: {_why()}")
    if not 0 <= index < torch.cuda.device_count():
        raise MissingError(f"no CUDA device: {index} was asked for, of {torch.cuda.device_count()}")
    torch.cuda.set_device(index)
    return torch.device("cuda", index)


def _why() -> str:
    try:
        torch.cuda.init()
    except (AssertionError, RuntimeError) as error:
        return str(error).splitlines()[0]
    return "torch finds none"


def provide_plugin(device: torch.device, folder: Path | None) -> str:
    """The path of the plugin: HARSANYI_CUDA_PLUGIN, or beside the library, or else built now."""
    beside = Path(hs.get_cmake_dir()).parents[1] / "libharsanyi_cuda.so"
    if not os.environ.get("HARSANYI_CUDA_PLUGIN") and not beside.is_file():
        # The loader reads this at the first call to the plugin, which is still to come.
        os.environ["HARSANYI_CUDA_PLUGIN"] = str(build_plugin(device, folder))
    if not _core.cuda_available():
        raise MissingError(f"no plugin: {_core.cuda_absence().removeprefix('cuda: ')}")
    return os.environ.get("HARSANYI_CUDA_PLUGIN") or str(beside)


def build_plugin(device: torch.device, folder: Path | None) -> Path:
    """Compiles the plugin of this clone for this device alone."""
    major, minor = torch.cuda.get_device_capability(device)
    target = folder or Path(tempfile.mkdtemp(prefix="harsanyi-cuda-"))
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    architecture = f"-DCMAKE_CUDA_ARCHITECTURES={major}{minor}-real"
    configure = ["cmake", "-S", str(ROOT), "-B", str(target), *generator, "-DHARSANYI_CUDA=ON", architecture]
    print(f"building the plugin in {target} ...", flush=True)
    for command in (configure, ["cmake", "--build", str(target), "--target", "harsanyi_cuda"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise MissingError(f"no plugin: {error}") from error
        if done.returncode != 0:
            raise MissingError(f"no plugin: {' '.join(command)} failed\n{done.stdout}{done.stderr}")
    return target / "csrc" / "libharsanyi_cuda.so"


# ---- measuring ----


def time_with_events(run: Callable[[], None], repeats: int) -> list[float]:
    """Seconds of a call, `repeats` times, each the mean of as many calls as SAMPLE_SECONDS take."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def seconds(calls: int) -> float:
        start.record()
        for _ in range(calls):
            run()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1e3 / calls

    seconds(1)  # loads kernels, and wakes the device
    calls = max(1, ceil(SAMPLE_SECONDS / max(seconds(1), 1e-6)))
    if calls > 1:
        calls = max(1, ceil(SAMPLE_SECONDS / max(seconds(calls), 1e-6)))
    return [seconds(calls) for _ in range(repeats)]


def copy_bandwidth(device: torch.device, measure: Callable[[Callable[[], None]], list[float]]) -> float:
    """Bytes a second that a copy by torch moves, read and written ones counted."""
    source = torch.ones(COPY_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)

    def copy() -> None:
        target.copy_(source)

    return 2 * COPY_BYTES / statistics.median(measure(copy))


def measured(
    case: Case,
    device: torch.device,
    total: int,
    bandwidth: float,
    measure: Callable[[Callable[[], None]], list[float]],
) -> dict[str, Any]:
    """The record of a case. A wrong result is not timed; of what does not fit the device, a note says so."""
    torch.manual_seed(0)
    try:
        job = case.prepare(device, total)
        run = launcher(job)
        found = agreement(job, run)
        samples = measure(run) if found.passed else []
    except torch.OutOfMemoryError:
        return {"case": case.name, "note": "does not fit"}
    return {
        "case": case.name,
        "batch": job.batch,
        "passes": job.passes,
        "bytes": job.nbytes,
        "floor": job.nbytes / bandwidth,
        "agreement": asdict(found),
        "samples": samples,
        "median": statistics.median(samples) if samples else None,
    }


# ---- reporting ----


def row(record: dict[str, Any]) -> tuple[str, ...]:
    """The entries of COLUMNS."""
    if "note" in record:
        return (record["case"], record["note"], *[""] * (len(COLUMNS) - 2))
    found, seconds = record["agreement"], record["median"]
    wrong = "" if found["passed"] else " WRONG"
    return (
        record["case"],
        str(record["batch"]),
        str(record["passes"]),
        format_value(seconds, "s") if seconds else "",
        f"{record['bytes'] / seconds / 1e9:.0f}" if seconds else "",
        f"{seconds / record['floor']:.2f}" if seconds else "",
        ("no bit" if found["bits"] else f"{found['error']:.1e}") + wrong,
        f"{found['float64_error']:.1e}",
    )


def line(cells: Sequence[str]) -> str:
    """A row of the table."""
    widths = (28, 9, 6, 9, 7, 10, 20, 8)
    return "  ".join(f"{cell:<{w}}" for cell, w in zip(cells, widths, strict=True)).rstrip()


def device_facts(device: torch.device) -> dict[str, Any]:
    """What a figure of this device means nothing without."""
    properties = torch.cuda.get_device_properties(device)
    facts = {
        "name": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "memory": properties.total_memory,
        "multiprocessors": properties.multi_processor_count,
        "l2_cache": properties.L2_cache_size,
        "torch_cuda": torch.version.cuda,
    }
    query = "driver_version,clocks.sm,clocks.mem,power.limit,temperature.gpu"
    command = ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader", f"--id={device.index}"]
    return facts | dict(zip(query.split(","), _output(command).split(", "), strict=False))


def commit() -> str:
    """The commit of this clone, and whether something in it was changed."""
    found = _output(["git", "-C", str(ROOT), "rev-parse", "HEAD"])
    changed = _output(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"])
    return f"{found or 'unknown'}{' with changes' if changed else ''}"


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names or patterns; all without any")
    parser.add_argument("--json", type=Path, default=Path("gpu.json"), help="where to write (gpu.json)")
    parser.add_argument("--repeats", type=int, default=20, help="samples of each case (20)")
    parser.add_argument("--device", type=int, default=0, help="index of the device (0)")
    parser.add_argument("--build-dir", type=Path, help="where to build the plugin (a temporary folder)")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    chosen = parser.parse_args(arguments)
    if chosen.repeats < 1:
        parser.error(f"--repeats: got {chosen.repeats}, it must be at least 1")
    return chosen


def select(patterns: Sequence[str]) -> list[Case]:
    """The cases that one of the patterns fits; all without patterns."""
    cases = list(table())
    unknown = [pattern for pattern in patterns if not any(fnmatch(case.name, pattern) for case in cases)]
    if unknown:
        raise MissingError(f"no case is called {unknown[0]}; --list shows their names")
    return [case for case in cases if not patterns or any(fnmatch(case.name, p) for p in patterns)]


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    try:
        cases = select(options.cases)
        if options.list:
            print("\n".join(case.name for case in cases))
            return 0
        device = device_or_raise(options.device)
        plugin = provide_plugin(device, options.build_dir)
    except MissingError as missing:
        print(missing, file=sys.stderr)
        return 2

    def measure(run: Callable[[], None]) -> list[float]:
        return time_with_events(run, options.repeats)

    facts = device_facts(device)
    bandwidth = copy_bandwidth(device, measure)
    total = max(1 << 28, 1 << (4 * facts["l2_cache"] - 1).bit_length())
    print(f"{facts['name']}: a copy moves {bandwidth / 1e9:.0f} GB/s\n{line(COLUMNS)}")
    records = []
    for case in cases:
        records.append(measured(case, device, total, bandwidth, measure))
        print(line(row(records[-1])), flush=True)
    document = {
        "format": FORMAT,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [sys.executable, __file__, *arguments],
        "commit": commit(),
        "plugin": plugin,
        "device": facts,
        "environment": environment(),
        "copy_bandwidth": bandwidth,
        "buffer_bytes": total,
        "results": records,
    }
    options.json.write_text(json.dumps(document, indent=1) + "\n")
    wrong = [r["case"] for r in records if "agreement" in r and not r["agreement"]["passed"]]
    print(
        f"{options.json} written" + (f"; WRONG: {', '.join(wrong)}" if wrong else "; every result is right")
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
