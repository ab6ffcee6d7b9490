"""Chooses workers: the nodes of a cluster at an address, or this machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from darlr.cluster.installed import require_ray
from darlr.cluster.workers import HERE, Workers
from darlr.errors import InputError


def device_beside(address: str | None, device: str) -> str:
    """The device of this process beside the nodes of a cluster, if there is one: as theirs, a CPU.

    Raises: InputError: for a GPU beside a cluster.
    """
    if address is None:
        return device
    if device == "cuda":
        raise InputError("--device is 'cuda', but nodes of a Ray cluster compute on their CPUs; expected 'cpu' or 'auto'")
    return "cpu"


@contextmanager
def workers_at(address: str | None) -> Iterator[Workers]:
    """The workers at an address.

    Args:
        address: HOST:PORT of a Ray cluster, or `auto` for the cluster of this machine. None: this machine alone.

    Raises:
        InputError: in one line if Ray is missing, no cluster answers, or its nodes have other versions.
    """
    if address is None:
        yield HERE
        return
    require_ray()
    from darlr.cluster.connecting import connected  # noqa: PLC0415
    from darlr.cluster.nodes import require_alike  # noqa: PLC0415
    from darlr.cluster.ray_workers import RayWorkers  # noqa: PLC0415

    with connected(address):
        require_alike(None, {})
        yield RayWorkers()
