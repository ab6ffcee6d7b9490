"""The load of the cores in a sweep: 60 short runs with two processes (`python -m benchmarks.sweep`; Linux).

A worker is busy while it runs or waits for a core that another program has. It is idle while it waits for a file or its
parent, or does not exist. So the figure does not depend on other work on the machine.
"""

import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darlr.sweep.grid import Grid
from darlr.sweep.plan import Cell, plan
from darlr.sweep.pool import LocalPool
from darlr.sweep.running import Outcome, run_cells

WORKERS = 2
SECONDS_BETWEEN_LOOKS = 0.1
GRID = """
datasets: synthetic
methods: [mbpo, mopo, dorl, roler]
seeds: [0, 1, 2, 3, 4]
set:
  synthetic: {users: 100, items: 100}
  world_model: {members: 2, hidden_sizes: [16], max_epochs: 3}
  neighbours.users: 0
  training: {epochs: 5, steps_per_epoch: 5000}
  a2c.discount: [0.5, 0.8, 0.9]
for:
  - {methods: roler, set: {neighbours.users: 10}}
"""


class Looker:
    """A watcher that samples the workers' scheduler statistics all the time."""

    def __init__(self) -> None:
        self.nanoseconds: dict[int, tuple[int, int]] = {}
        self.failed = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def started(self, cell: Cell) -> None:
        pass

    def event(self, cell: Cell, event: Mapping[str, Any]) -> None:
        pass

    def put_back(self, cell: Cell, reason: str) -> None:
        pass

    def ended(self, outcome: Outcome) -> None:
        self.failed += outcome.error is not None

    def tick(self) -> None:
        pass

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        own = Path("/proc/self/task")
        while not self._over.wait(SECONDS_BETWEEN_LOOKS):
            children = {int(word) for task in own.iterdir() for word in (task / "children").read_text().split()}
            for child in children:
                try:
                    running, waiting, _ = map(int, Path(f"/proc/{child}/schedstat").read_text().split())
                except (FileNotFoundError, ProcessLookupError):
                    continue
                self.nanoseconds[child] = (running, waiting)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "grid.yaml"
        file.write_text(GRID)
        cells = plan(Grid.read(file).points(), None, Path(folder))
        looker = Looker()
        started = time.monotonic()
        with LocalPool(WORKERS, None, Path(folder), "cpu") as pool:
            run_cells(cells, pool, looker)
        seconds = time.monotonic() - started
        looker.stop()
    running, waiting = (sum(times) / 1e9 for times in zip(*looker.nanoseconds.values(), strict=True))
    print(f"{len(cells)} cells, {looker.failed} failed, {WORKERS} workers: {seconds:.0f} s, {running:.0f} s of CPU time")
    print(f"busy {(running + waiting) / WORKERS / seconds:.1%} of the time ({waiting:.0f} s of it waiting for other programs)")


if __name__ == "__main__":
    main()
