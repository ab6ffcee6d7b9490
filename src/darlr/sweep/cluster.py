"""Works on cells as tasks of a Ray cluster, each in a fresh process of one core (needs the extra `ray`).

A task is a generator of the cell's events. Ray carries the progress, and a process or machine that dies ends the generator
with an error. Run folders lie in a folder that all nodes share. Its locks, not Ray, ensure that no cell is done twice.
"""

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import RayError

from darlr.cluster.connecting import connected, cores, line_of
from darlr.cluster.folders import SharedFolder, shared
from darlr.cluster.nodes import ONCE, require_alike
from darlr.sweep.plan import Cell
from darlr.sweep.running import Told
from darlr.sweep.worker import ENDS, work

OUT = "--out"
DATA = "data sets that all nodes share (--data-dir)"
"""The words for the data sets in messages about nodes that do not see them."""


class RayCluster:
    """An executor (`darlr.sweep.running`) on a Ray cluster.

    Entering it raises `InputError` if no cluster answers at the address. The same holds for nodes that do not share `out`
    and `data_dir`, or that have other versions.
    """

    def __init__(self, address: str, most: int | None, data_dir: Path, out: Path, device: str) -> None:
        """
        Args:
            address: HOST:PORT, or `auto` for the cluster of this machine.
            most: largest number of cells at a time; None for the number of cores of the cluster.
            data_dir: the data sets' folder.
            out: the results' folder.
            device: device of the computation on the nodes.
        """
        self._address = address
        self._most = most
        self._data_dir, self._out = data_dir.absolute(), out.absolute()
        self._job = {"data_dir": str(self._data_dir), "out": str(self._out), "device": device}
        self._tasks: dict[Any, Cell] = {}
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as ends:
            ends.enter_context(connected(self._address))
            folder = ends.enter_context(shared(self._out, OUT))
            self._job["mark"] = str(folder.mark)
            require_alike(folder, {self._data_dir: DATA} if self._data_dir.is_dir() else {})
            self._ends = ends.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for task in self._tasks:
            ray.cancel(task, force=True)
        self._ends.close()

    @property
    def slots(self) -> int:
        return cores() if self._most is None else self._most

    def start(self, cell: Cell) -> None:
        # A process is not used again, so that its peak memory and CPU time are the cell's. The sweep retries, not Ray.
        task = ray.remote(num_cpus=1, num_returns="streaming", **ONCE)(_events)
        self._tasks[task.remote(self._job, dict(cell.values))] = cell

    def stop(self, cell: Cell) -> None:
        # no task is left if it has ended in the meantime
        for task in [task for task, own in self._tasks.items() if own is cell]:
            ray.cancel(task, force=True)
            del self._tasks[task]

    def heard(self, seconds: float) -> list[Told]:
        tasks = list(self._tasks)
        if not tasks:
            time.sleep(seconds)
            return []
        ray.wait(tasks, num_returns=1, timeout=seconds)
        ready, _ = ray.wait(tasks, num_returns=len(tasks), timeout=0)
        return [self._next(task) for task in ready]

    def _next(self, task: Any) -> Told:
        """The next event of a task that has one."""
        cell = self._tasks[task]
        try:
            event = ray.get(next(task))
        except RayError as error:
            event = {"event": "lost", "error": f"its process or node was lost ({line_of(error).split('. ')[0]})"}
        if event["event"] in ENDS:
            del self._tasks[task]
        return cell, event


def _events(job: Mapping[str, str], values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The events of a cell, as `darlr.sweep.worker` yields them; a thread does the work."""
    out = Path(job["out"])
    folder = SharedFolder(Path(job["mark"]), OUT)
    if not folder.mark.is_file():  # a node that joined later
        yield {"event": "failed", "error": folder.unseen(socket.gethostname()), "traceback": None}
        return
    events: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: events.put(work(values, Path(job["data_dir"]), out, job["device"], events.put)), daemon=True
    ).start()
    event: Mapping[str, Any] = {"event": ""}
    while event["event"] not in ENDS:
        event = events.get()
        yield event
