"""The nodes of a Ray cluster as workers (needs the extra `ray`).

Each held value is a Ray object or a pair of them, and each application is a task of one core. Ray retries a task whose
process or node was lost, and gives tasks to nodes that join. Values that were held from here live on this process's machine,
and results that are kept live on the nodes that made them. Nodes that lack a value fetch it from another. If a node is lost,
Ray makes the results that it kept anew, from their arguments.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, TypeVarTuple

import numpy as np
import ray
import torch
from ray import ObjectRef
from ray.exceptions import RayError, RayTaskError
from ray.util import register_serializer

from darlr.cluster.connecting import cores, line_of
from darlr.cluster.nodes import versions, where_alike
from darlr.cluster.workers import Summand
from darlr.errors import RunError

AHEAD = 2
"""Number of tasks that are submitted for each core. One works, and one waits while the first one's result is fetched."""

V = TypeVar("V")
Common = TypeVarTuple("Common")
R = TypeVar("R")
S = TypeVar("S", bound=Summand)


class RayWorkers:
    """The nodes of the cluster that this process is connected to."""

    def __init__(self) -> None:
        _send_tensors_as_arrays()
        self._task = ray.remote(num_cpus=1, max_retries=-1)(_applied)
        self._versions = versions()

    def hold(self, values: Iterable[V]) -> Sequence[Any]:
        """Put the values into Ray's object store; see `Workers`."""
        return [ray.put(value) for value in values]

    def keep(self, function: Callable[[V, *Common], R], values: Iterable[V], *common: *Common) -> Sequence[Any]:
        """Call a function on the nodes; see `Workers`."""
        shared = _held(common)
        return [self._submit(function, ray.put(value), shared) for value in values]

    def pairs(self, firsts: Sequence[Any], seconds: Sequence[Any]) -> Sequence[Any]:
        """See `Workers`."""
        return list(zip(firsts, seconds, strict=True))

    def apply(self, function: Callable[[V, *Common], R], held: Sequence[Any], *common: *Common) -> Iterator[R]:
        """Apply a function on the nodes; see `Workers`.

        Raises:
            RunError: if the cluster fails. Errors of `function` are raised as they are.
        """
        shared = _held(common)
        waiting, given, most = deque(held), deque[Any](), AHEAD * max(1, cores())
        while waiting or given:
            while waiting and len(given) < most:
                given.append(self._submit(function, waiting.popleft(), shared))
            yield _fetched(given.popleft())

    def add_up(
        self, function: Callable[[V, *Common], tuple[R, Sequence[S]]], held: Sequence[Any], sums: int, *common: *Common
    ) -> tuple[Sequence[R], Sequence[Any]]:
        """Apply a function on the nodes, and add up there; see `Workers`.

        Summands go from node to node, and a task adds those of one place.

        Raises:
            RunError: if the cluster fails. Errors of `function` are raised as they are.
        """
        shared = _held(common)
        tasks = [self._submit(_flat, value, [function, *shared], 1 + sums) for value in held]
        places = list(zip(*(task[1:] for task in tasks), strict=True))
        totals = [self._submit(_total, summands, []) for summands in places] if len(tasks) > 1 else places[0]
        return [_fetched(task[0]) for task in tasks], totals

    def _submit(self, function: Callable[..., Any], value: Any, shared: Sequence[Any], results: int = 1) -> Any:
        """Submit a task with a held value, or several in a tuple; gives the object of its result, or those of several."""
        several = len(value) if isinstance(value, tuple) else 0
        task = self._task.options(num_returns=results)
        return task.remote(self._versions, function, several, *(value if several else (value,)), *shared)


def _held(values: Sequence[Any]) -> list[ObjectRef]:
    return [value if isinstance(value, ObjectRef) else ray.put(value) for value in values]


def _fetched(result: ObjectRef) -> Any:
    try:
        return ray.get(result)
    except RayTaskError as error:
        raise error.cause from error
    except RayError as error:
        raise RunError(f"the cluster has failed: {line_of(error)}") from error


def _applied(expected: dict[str, str], function: Callable[..., Any], several: int, *values: Any) -> Any:
    """Call a function on a node, with the first values in a tuple if they are `several` (0 if not)."""
    _send_tensors_as_arrays()
    given = (values[:several], *values[several:]) if several else values
    return where_alike(expected, None, function, *given)


def _flat(value: V, function: Callable[[V, *Common], tuple[R, Sequence[S]]], *common: *Common) -> tuple[R | S, ...]:
    """The result of a function and its summands, as objects of their own."""
    result, summands = function(value, *common)
    return (result, *summands)


def _total(summands: Sequence[S]) -> S:
    first, *others = summands
    for other in others:
        first.add(other)
    return first


def _send_tensors_as_arrays() -> None:
    """Let tensors travel as arrays: processes of one machine share an array's memory, while torch's own way copies it twice."""
    register_serializer(torch.Tensor, serializer=_array, deserializer=_tensor)


def _array(tensor: torch.Tensor) -> "np.ndarray[Any, Any]":
    return tensor.numpy()


def _tensor(array: "np.ndarray[Any, Any]") -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
