"""Checks the nodes of a cluster before they work: they must have this machine's versions and see the same files."""

import platform
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import ray
import torch
from ray.exceptions import RayError, TaskUnschedulableError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from darlr._version import __version__
from darlr.artifacts import environment
from darlr.artifacts.locks import is_locked
from darlr.cluster.connecting import line_of
from darlr.cluster.folders import SharedFolder
from darlr.errors import InputError

SECONDS_TO_LOOK = 120.0  # time to start a process, which loads torch, on every node
SAME = ("darlr", "git_revision", "python", "torch", "numpy")
ONCE = {"max_calls": 1, "max_retries": 0}
"""Options of a task whose process is not used again and that Ray does not retry."""

P = ParamSpec("P")
R = TypeVar("R")


def require_alike(results: SharedFolder | None, needed: Mapping[Path, str]) -> None:
    """Refuse a cluster without a node that has a core, and a cluster with a node that lacks files or versions of this machine.

    Args:
        results: the folder that nodes write to; None if they write nothing.
        needed: files and folders that nodes must see, each with the words for it in messages.

    Raises:
        InputError: in one line that names the node.
    """
    nodes = {node["NodeID"]: node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1}
    look = ray.remote(num_cpus=0, **ONCE)(_look)
    mark = None if results is None else results.mark
    looks = {
        name: look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(name, soft=False)).remote(mark, list(needed))
        for name in nodes
    }
    own = {key: environment("cpu")[key] for key in SAME}
    usable = 0
    for name, task in looks.items():
        address = nodes[name]["NodeManagerAddress"]
        try:
            seen = ray.get(task, timeout=SECONDS_TO_LOOK)
        except TaskUnschedulableError:  # it left a moment ago, and Ray still counts it
            continue
        except RayError as error:
            raise InputError(f"--ray: node {address} cannot work: {line_of(error)}") from error
        require_same(address, seen, own, results, needed)
        usable += 1
    if not usable:
        raise InputError("--ray: the cluster has no node with a core to work on")


def require_same(
    node: str, seen: Mapping[str, Any], own: Mapping[str, Any], results: SharedFolder | None, needed: Mapping[Path, str]
) -> None:
    """Refuse a node that does not see all folders, or that has other versions.

    Args:
        node: the node's name, for messages.
        seen: the result of `_look` on the node.
        own: the result of `_look` on this machine.
        results: the folder that nodes write to, or None.
        needed: files and folders that nodes must see, each with the words for it in messages.
    """
    if results is not None and not seen["results"]:
        raise InputError(results.unseen(node))
    if results is not None and not seen["locks"]:
        raise InputError(
            f"--ray: node {node} does not see other machines' locks in {results.path}; expected a file system that shares them"
        )
    for path, expected in needed.items():
        if path not in seen["paths"]:
            raise InputError(f"--ray: node {node} does not see {path}; expected {expected}")
    for key, version in own.items():
        if seen["versions"][key] != version:
            raise InputError(f"--ray: node {node} has {key} {seen['versions'][key]}, this machine {version}; expected the same")


def versions() -> dict[str, str]:
    """The versions that numbers depend on. They are quick to find, because a task checks them before it works."""
    return {"darlr": __version__, "python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}


def where_alike(
    expected: Mapping[str, str], results: SharedFolder | None, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Call a function on one thread, after a check of this node's versions.

    Args:
        expected: the versions that the node must have; it may have joined after `require_alike`.
        results: the folder that nodes write to, or None.
        function: is called with the other arguments.

    Raises:
        InputError: if the node has other versions or does not see the folder.
    """
    node = socket.gethostname()
    for key, version in versions().items():
        if version != expected[key]:
            raise InputError(f"--ray: node {node} has {key} {version}; expected {expected[key]}")
    if results is not None and not results.mark.is_file():
        raise InputError(results.unseen(node))
    torch.set_num_threads(1)
    return function(*args, **kwargs)


def _look(mark: Path | None, needed: list[Path]) -> dict[str, Any]:
    """The folders that a node sees, and its versions."""
    return {
        "results": mark is not None and mark.is_file(),
        "locks": mark is not None and is_locked(mark),
        "paths": [path for path in needed if path.exists()],
        "versions": {key: environment("cpu")[key] for key in SAME},
    }
