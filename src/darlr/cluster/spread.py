"""From an address, or none, to who works."""

from collections.abc import Iterator
from contextlib import contextmanager

from darlr.cluster.installed import require_ray
from darlr.cluster.workers import HERE, Workers


@contextmanager
def workers_at(address: str | None) -> Iterator[Workers]:
    """The nodes of the Ray cluster at `address` (HOST:PORT, or `auto` for the one of this machine); None: this machine.

    Raises: InputError: in one line where Ray is missing, no cluster answers, or its nodes have other versions.
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
