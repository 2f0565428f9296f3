"""Makes the README's table: Markdown on stdout, and all that is behind it in results.json beside this file.

    python bench/run.py [group ...] [--quick] [--slow] [--repeats K] [--json FILE] [--figure FILE]

The same code and options as `harsanyi bench`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from harsanyi.cli import bench


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    bench.add_arguments(parser)
    parser.set_defaults(markdown=True, json=Path(__file__).with_name("results.json"))
    return bench.run(parser.parse_args())


if __name__ == "__main__":
    raise SystemExit(main())
