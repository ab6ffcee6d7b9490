"""First and cached load of the large data sets, and their peak memory: `python -m benchmarks.loading`.

Files in the official formats and with the published counts are generated first (2 GB; `--keep FOLDER` keeps them for the
next time). Every load runs in its own process and ends with a data set that is ready for learning; imports are left out.
The first load starts with an empty cache, but the system still caches the new files. The table has CPU time besides wall
time, which other work on the machine prolongs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from tests.official_files.__main__ import FORMATS

from darlr.config.experiment import ExperimentConfig
from darlr.data.origin.cache import Cache, cache_directory
from darlr.data.registry import SOURCES


@dataclass(frozen=True)
class Target:
    """The limits for a data set: seconds of the first and of a cached load, GiB of memory."""

    first: float
    cached: float
    memory: float


TARGETS = {"kuairec": Target(30, 3, 2.5), "kuairand": Target(30, 3, 2.5)}
LOADS = ("first", "second", "third")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="*", default=list(TARGETS), choices=TARGETS)
    parser.add_argument("--keep", type=Path, help="where generated files are kept, and looked for (default: nowhere)")
    parser.add_argument("--one", help=argparse.SUPPRESS, choices=TARGETS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        data = options.keep or Path(temporary) / "data"
        if options.one:
            print(json.dumps(_load(options.one, data)))
            return
        print(f"{'data set':10} {'load':7} {'seconds':>8} {'target':>7} {'CPU s':>7} {'GiB':>6} {'target':>7}")
        for name in options.datasets:
            generate(name, data / name)
            environment = {**os.environ, "DARLR_CACHE": str(Path(temporary) / "cache")}
            command = [sys.executable, "-m", "benchmarks.loading", "--one", name, "--keep", str(data)]
            for load in LOADS:
                told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
                seconds, processor, memory = json.loads(told)
                target = TARGETS[name]
                limit = target.first if load == "first" else target.cached
                print(
                    f"{name:10} {load:7} {seconds:8.1f} {limit:7.0f} {processor:7.1f} {memory:6.2f} {target.memory:7.1f}",
                    flush=True,
                )


def generate(name: str, folder: Path) -> None:
    if not (folder / FORMATS[name].root).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        FORMATS[name].write(folder, True, 0)


def _load(name: str, data: Path) -> tuple[float, float, float]:
    """Return seconds, CPU seconds, and peak memory in GiB."""
    source = SOURCES[name]
    started, processor = time.perf_counter(), time.process_time()
    source.read(ExperimentConfig(dataset=name), data / source.folder, Cache(cache_directory()))
    used = time.perf_counter() - started, time.process_time() - processor
    return *used, getrusage(RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
