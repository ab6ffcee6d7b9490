"""How long `import darlr` and the command line take to start: `python -m benchmarks.startup`.

Processor seconds of fresh processes less those of Python alone, since a machine that others use tells little by the clock. The
figure to keep below is 0.3 s. docs/scaling.md has what was measured.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

LIMIT = 0.3
STARTS = {
    "import darlr": ["-c", "import darlr"],
    "darlr --version": ["-m", "darlr.cli.main", "--version"],
    "darlr --help": ["-m", "darlr.cli.main", "--help"],
    "darlr report --help": ["-m", "darlr.cli.main", "report", "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=7, help="processes each, of which the median counts (default: 7)")
    options = parser.parse_args()
    empty = median(seconds(["-c", "pass"]) for _ in range(options.times))
    print(f"Python alone: {empty:.3f} s")
    found = {name: median(seconds(words) for _ in range(options.times)) - empty for name, words in STARTS.items()}
    for name, more in found.items():
        print(f"{name}: {more:.3f} s more")
    if found["import darlr"] > LIMIT:
        sys.exit(f"import darlr takes {found['import darlr']:.3f} s; expected at most {LIMIT} s")


def seconds(words: Sequence[str]) -> float:
    """Processor seconds of a Python process with these arguments."""
    before = os.times()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    main()
