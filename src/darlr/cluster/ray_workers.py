"""The nodes of a Ray cluster as workers (needs the extra `ray`).

Each value is a Ray object, and each application is a task of one core. Ray retries a task whose process or node was lost,
and gives tasks to nodes that join. Values live on this process's machine, and nodes that lack them fetch them from there.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, TypeVarTuple

import numpy as np
import ray
import torch
from ray.exceptions import RayError, RayTaskError
from ray.util import register_serializer

from darlr.cluster.connecting import cores, line_of
from darlr.cluster.nodes import versions, where_alike
from darlr.errors import RunError

AHEAD = 2
"""Number of tasks that are submitted for each core. One works, and one waits while the first one's result is fetched."""

V = TypeVar("V")
Common = TypeVarTuple("Common")
R = TypeVar("R")


class RayWorkers:
    """The nodes of the cluster that this process is connected to."""

    def __init__(self) -> None:
        _send_tensors_as_arrays()
        self._task = ray.remote(num_cpus=1, max_retries=-1)(_applied)
        self._versions = versions()

    def hold(self, values: Sequence[V]) -> Sequence[Any]:
        """Put the values into Ray's object store; see `Workers`."""
        return [ray.put(value) for value in values]

    def apply(self, function: Callable[[V, *Common], R], held: Sequence[Any], *common: *Common) -> Iterator[R]:
        """Apply a function on the nodes; see `Workers`.

        Raises:
            RunError: if the cluster fails. Errors of `function` are raised as they are.
        """
        shared = [value if isinstance(value, ray.ObjectRef) else ray.put(value) for value in common]
        waiting, given, most = deque(held), deque[Any](), AHEAD * max(1, cores())
        while waiting or given:
            while waiting and len(given) < most:
                given.append(self._task.remote(self._versions, function, waiting.popleft(), *shared))
            try:
                result = ray.get(given.popleft())
            except RayTaskError as error:
                raise error.cause from error
            except RayError as error:
                raise RunError(f"the cluster has failed: {line_of(error)}") from error
            yield result


def _applied(expected: dict[str, str], function: Callable[[V, *Common], R], value: V, *common: *Common) -> R:
    _send_tensors_as_arrays()
    return where_alike(expected, None, function, value, *common)


def _send_tensors_as_arrays() -> None:
    """Let tensors travel as arrays: processes of one machine share an array's memory, while torch's own way copies it twice."""
    register_serializer(torch.Tensor, serializer=_array, deserializer=_tensor)


def _array(tensor: torch.Tensor) -> "np.ndarray[Any, Any]":
    return tensor.numpy()


def _tensor(array: "np.ndarray[Any, Any]") -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
