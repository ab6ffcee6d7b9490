"""The nodes of a Ray cluster as workers (needs the extra `ray`).

Each value is a Ray object, each application a task of one core. Ray tries a task again whose process or node was lost, and
gives tasks to nodes that join; values live where this process does, and go from there to whoever lacks them.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import ray
import torch
from ray.exceptions import RayError, RayTaskError
from ray.util import register_serializer

from darlr.cluster.connecting import cores, line_of
from darlr.cluster.nodes import versions, where_alike
from darlr.errors import RunError

AHEAD = 2
"""Tasks that are given out for each core: one that works, and one that waits while the first one's result is fetched."""

V = TypeVar("V")
C = TypeVar("C")
R = TypeVar("R")


class RayWorkers:
    """The nodes of the cluster that this process is connected to."""

    def __init__(self) -> None:
        _send_tensors_as_arrays()
        self._task = ray.remote(num_cpus=1, max_retries=-1)(_applied)
        self._versions = versions()

    def hold(self, values: Sequence[V]) -> Sequence[Any]:
        """See `Workers`."""
        return [ray.put(value) for value in values]

    def apply(self, function: Callable[[V, C], R], held: Sequence[Any], common: C) -> Iterator[R]:
        """See `Workers`. Raises what `function` raises; `RunError` where the cluster fails."""
        shared = common if isinstance(common, ray.ObjectRef) else ray.put(common)
        waiting, given = deque(held), deque[Any]()
        while waiting or given:
            while waiting and len(given) < AHEAD * max(1, cores()):
                given.append(self._task.remote(self._versions, function, waiting.popleft(), shared))
            try:
                result = ray.get(given.popleft())
            except RayTaskError as error:
                raise error.cause from error
            except RayError as error:
                raise RunError(f"the cluster has failed: {line_of(error)}") from error
            yield result


def _applied(expected: dict[str, str], function: Callable[[V, C], R], value: V, common: C) -> R:
    _send_tensors_as_arrays()
    return where_alike(expected, None, function, value, common)


def _send_tensors_as_arrays() -> None:
    """Let tensors travel as arrays, whose memory processes of one machine share; torch's own way copies them twice."""
    register_serializer(torch.Tensor, serializer=_array, deserializer=_tensor)


def _array(tensor: torch.Tensor) -> "np.ndarray[Any, Any]":
    return tensor.numpy()


def _tensor(array: "np.ndarray[Any, Any]") -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
