"""Working on cells as tasks of a Ray cluster, each in a fresh process of one core (needs the extra `ray`).

A task is a generator of the cell's events, so Ray carries the progress, and a process or machine that dies ends the generator
with an error. Run folders lie in a folder that all nodes share; its locks, not Ray, see to it that no cell is done twice.
"""

import contextlib
import fcntl
import logging
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import RayError, TaskUnschedulableError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from darlr.artifacts import environment
from darlr.artifacts.locks import is_locked
from darlr.errors import InputError
from darlr.sweep.plan import Cell
from darlr.sweep.running import Told
from darlr.sweep.worker import ENDS, work

AUTO = "auto"
SECONDS_TO_CONNECT = 5.0
SECONDS_TO_ANSWER = 15.0
SECONDS_TO_LOOK = 120.0  # starting a process on every node, which loads torch
SAME = ("darlr", "git_revision", "python", "torch", "numpy")
MARK = ".sweep-"
# A process is not used again: its peak memory and CPU time are the cell's. Trying again is the sweep's affair, not Ray's.
ONCE = {"max_calls": 1, "max_retries": 0}


class RayCluster:
    """An executor (`darlr.sweep.running`) on the cluster at `address` (HOST:PORT, or `auto` for the one of this machine).

    At most `most` cells run at a time, as many as the cluster has cores if that is None. Entering it raises `InputError` for an
    address where no cluster answers, and for nodes that do not share `out` and `data_dir` or have other versions.
    """

    def __init__(self, address: str, most: int | None, data_dir: Path, out: Path, device: str) -> None:
        self._address = address
        self._most = most
        self._data_dir, self._out = data_dir.absolute(), out.absolute()
        self._job = {"data_dir": str(self._data_dir), "out": str(self._out), "device": device}
        self._tasks: dict[Any, Cell] = {}
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> Self:
        _require_cluster(self._address)
        with contextlib.ExitStack() as ends:
            ends.enter_context(_connected(self._address))
            mark = ends.enter_context(_mark(self._out))
            self._job["mark"] = mark.name
            _require_fit(mark, self._data_dir)
            # What Ray tells of a node or process that was lost, its log, would go there; the sweep tells it in a line.
            ends.enter_context(contextlib.redirect_stdout(ends.enter_context(Path(os.devnull).open("w"))))
            self._ends = ends.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for task in self._tasks:
            ray.cancel(task, force=True)
        self._ends.close()

    @property
    def slots(self) -> int:
        return int(ray.cluster_resources().get("CPU", 0)) if self._most is None else self._most

    def start(self, cell: Cell) -> None:
        task = ray.remote(num_cpus=1, num_returns="streaming", **ONCE)(_events)
        self._tasks[task.remote(self._job, dict(cell.values))] = cell

    def stop(self, cell: Cell) -> None:
        for task in [task for task, own in self._tasks.items() if own is cell]:  # none, if it has ended meanwhile
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
            event = {"event": "lost", "error": f"its process or node was lost ({_line(error).split('. ')[0]})"}
        if event["event"] in ENDS:
            del self._tasks[task]
        return cell, event


def _events(job: Mapping[str, str], values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The events of a cell, as `darlr.sweep.worker` tells them; the work itself is done in a thread beside."""
    out = Path(job["out"])
    if not (out / job["mark"]).is_file():  # a node that came later
        yield {"event": "failed", "error": _unshared(socket.gethostname(), out), "traceback": None}
        return
    events: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: events.put(work(values, Path(job["data_dir"]), out, job["device"], events.put)), daemon=True
    ).start()
    event: Mapping[str, Any] = {"event": ""}
    while event["event"] not in ENDS:
        event = events.get()
        yield event


def _look(mark: Path, data_dir: Path) -> dict[str, Any]:
    """What a node sees of the folders, and which versions it has."""
    return {
        "out": mark.is_file(),
        "locks": is_locked(mark),
        "data": data_dir.is_dir(),
        "versions": {key: environment("cpu")[key] for key in SAME},
    }


def _require_cluster(address: str) -> None:
    """Refuse an address where no cluster answers: Ray itself would go on trying for minutes."""
    if address != AUTO:
        host, _, port = address.rpartition(":")
        if not host or "/" in host or not port.isdigit() or not 0 < int(port) < 2**16:
            raise InputError(
                f"--ray is '{address}'; expected HOST:PORT of a running cluster (as `ray start` tells it), or auto"
            )
        try:
            socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_CONNECT).close()
        except OSError as error:
            raise InputError(f"--ray: nothing answers at {address} ({error.strerror or error})") from error
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--skip-version-check", "--address", address]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS_TO_ANSWER)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"--ray: what answers at {address} is no Ray cluster") from error
    except subprocess.CalledProcessError as error:
        place = "on this machine" if address == AUTO else f"at {address}"
        raise InputError(f"--ray: no Ray cluster runs {place}") from error


@contextlib.contextmanager
def _connected(address: str) -> Iterator[None]:
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (RayError, ConnectionError, RuntimeError, ValueError) as error:
        hint = "expected a cluster of the same versions that this machine is a node of"
        raise InputError(f"--ray: cannot join the cluster at {address}: {_line(error)}; {hint}") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _mark(out: Path) -> Iterator[Path]:
    """A locked file in `out` by which nodes are known to see the same folder and its locks; older ones are cleared away.

    A folder that is made for it and stays empty is removed again.
    """
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for old in out.glob(f"{MARK}*"):
            if not is_locked(old):
                old.unlink(missing_ok=True)
        mark = out / f"{MARK}{uuid.uuid4().hex}"
        held = mark.open("xb")
    except OSError as error:
        raise InputError(f"{out}: cannot be used for results ({error.strerror})") from error
    with held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield mark
        finally:
            mark.unlink(missing_ok=True)
            if made:
                with contextlib.suppress(OSError):
                    out.rmdir()


def _require_fit(mark: Path, data_dir: Path) -> None:
    """Refuse a cluster without a node that has a core, or with one that has but cannot do what this machine does."""
    nodes = {node["NodeID"]: node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1}
    look = ray.remote(num_cpus=0, **ONCE)(_look)
    looks = {
        name: look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(name, soft=False)).remote(mark, data_dir)
        for name in nodes
    }
    own = {key: environment("cpu")[key] for key in SAME}
    usable = 0
    for name, task in looks.items():
        address = nodes[name]["NodeManagerAddress"]
        try:
            seen = ray.get(task, timeout=SECONDS_TO_LOOK)
        except TaskUnschedulableError:  # it left a moment ago, and Ray counted it until now
            continue
        except RayError as error:
            raise InputError(f"--ray: node {address} cannot work on cells: {_line(error)}") from error
        _require_same(address, seen, own, mark.parent, data_dir)
        usable += 1
    if not usable:
        raise InputError("--ray: the cluster has no node with a core to work on")


def _require_same(node: str, seen: Mapping[str, Any], own: Mapping[str, Any], out: Path, data_dir: Path) -> None:
    """Refuse a node that has `seen` (what `_look` returned) too little of the folders, or other versions than `own`."""
    if not seen["out"]:
        raise InputError(_unshared(node, out))
    if not seen["locks"]:
        raise InputError(
            f"--ray: node {node} does not see other machines' locks in {out}; expected a file system that shares them"
        )
    if data_dir.is_dir() and not seen["data"]:
        raise InputError(f"--ray: node {node} does not see {data_dir}; expected data sets that all nodes share (--data-dir)")
    for key, version in own.items():
        if seen["versions"][key] != version:
            raise InputError(f"--ray: node {node} has {key} {seen['versions'][key]}, this machine {version}; expected the same")


def _unshared(node: str, out: Path) -> str:
    return f"--ray: node {node} does not see the results folder {out}; expected one that all nodes share (--out)"


def _line(error: BaseException) -> str:
    """The first line that says something; of an error on a node, the error itself."""
    cause = getattr(error, "cause", None)
    return next((line.strip() for line in str(cause or error).splitlines() if line.strip()), type(error).__name__)
