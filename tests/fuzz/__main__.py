"""`python -m tests.fuzz --seconds 600 --cases 20000`: fuzz all input of darlr, and report the results.

It runs until both limits are reached. A case depends on the seed, its target and its number alone, so `--seed S --only N`
repeats it.
"""

import argparse
import json
import os
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

PATIENCE = 30.0
"""Seconds without a line after which a worker counts as hanging in code that no signal interrupts."""


class Worker:
    """A process that works on every `step`-th case from `first` on; restarted after a case that ended it."""

    def __init__(self, seed: int, first: int, step: int, scratch: Path, home: Path) -> None:
        self._arguments = (seed, step, scratch, home)
        self.lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.case, self.target, self.heard = first - step, "", time.monotonic()
        self._begin(first)

    def _begin(self, first: int) -> None:
        seed, step, scratch, home = self._arguments
        command = [sys.executable, "-m", "tests.fuzz.worker", *map(str, (seed, first, step, scratch, home))]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, args=(self._process, self.lines), daemon=True).start()
        self.started, self.heard = False, time.monotonic()

    @staticmethod
    def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[dict[str, Any] | None]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(json.loads(line))
        lines.put(None)

    def ended(self) -> list[tuple[int, str, str]]:
        """Return the cases that ended since the last call: number, target, and result."""
        found: list[tuple[int, str, str]] = []
        while True:
            try:
                line = self.lines.get_nowait()
            except queue.Empty:
                break
            self.heard = time.monotonic()
            if line is None:
                self._process.wait()
                assert self._process.stderr is not None
                last = self._process.stderr.read().strip().splitlines()[-1:]
                if not self.started:
                    raise SystemExit(f"a worker does not start: {last}")
                return [*found, self._lost(f"broken: ends the process ({self._process.returncode}) {last}")]
            self.started, self.case, self.target = True, line["case"], line["target"]
            if "ended" in line:
                found.append((self.case, self.target, line["ended"]))
        if self.started and time.monotonic() - self.heard > PATIENCE:
            self.stop()
            found.append(self._lost(f"broken: hangs for more than {PATIENCE:g} s"))
        return found

    def _lost(self, how: str) -> tuple[int, str, str]:
        case, target = self.case, self.target
        self._begin(case + self._arguments[1])
        return case, target, how

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Print the numbers of cases and of passes, and every failure; exit code 1 if there is one."""
    options = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("--seconds", type=float, default=600.0)
    options.add_argument("--cases", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=None)
    options.add_argument("--workers", type=int, default=os.cpu_count())
    options.add_argument("--only", type=int, default=None, metavar="CASE")
    chosen = options.parse_args()
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="darlr-fuzz-") as name:
        broken = fuzz(seed, chosen, Path(name))
    sys.exit(1 if broken else 0)


def fuzz(seed: int, chosen: argparse.Namespace, scratch: Path) -> int:
    """Return the number of failures."""
    prepare = "from pathlib import Path; from tests.fuzz.targets import targets; import sys; targets(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", prepare, str(scratch / "home")], check=True, stdout=subprocess.DEVNULL)
    first, count = (0, chosen.workers) if chosen.only is None else (chosen.only, 1)
    workers = [Worker(seed, first + place, count, scratch, scratch / "home") for place in range(count)]
    tried: Counter[str] = Counter()
    used: Counter[str] = Counter()
    broken: list[tuple[int, str, str]] = []
    began, told = time.monotonic(), time.monotonic()
    try:
        while (
            tried.total() < 1
            if chosen.only is not None
            else time.monotonic() - began < chosen.seconds or tried.total() < chosen.cases
        ):
            time.sleep(0.2)
            for case, target, how in (ended for worker in workers for ended in worker.ended()):
                tried[target] += 1
                used[target] += how == "used"
                if how.startswith("broken"):
                    broken.append((case, target, how))
                    print(f"case {case} ({target}): {how}"[:1500], flush=True)
            if time.monotonic() - told > 60:
                told = time.monotonic()
                print(f"{told - began:.0f} s: {tried.total()} tried, {tried.total() - len(broken)} held", flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        for worker in workers:
            worker.stop()
    for target, number in sorted(tried.items()):
        print(f"  {target}: {number} tried, {used[target]} used, {sum(one == target for _, one, _ in broken)} broken")
    print(f"tried {tried.total()}, held {tried.total() - len(broken)}, in {time.monotonic() - began:.0f} s (seed {seed})")
    return len(broken)


if __name__ == "__main__":
    main()
