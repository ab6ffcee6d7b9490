"""The option `--ray`, and the checks of a command before it works on a cluster."""

from typing import Any

from darlr.cli.options import option
from darlr.cluster.installed import require_ray
from darlr.cluster.spread import device_beside


def ray_option(shares: str) -> Any:
    """The option `--ray` of a command; `shares` names the part of the work, or the files, that the nodes share."""
    return option(f"work on this Ray cluster, HOST:PORT or auto; {shares}", "ADDRESS", "this machine")


def require_cluster_of_cpus(device: str) -> None:
    """Raise `InputError` where Ray is missing, or where `device` is a GPU, which is not what nodes compute on."""
    device_beside("auto", device)
    require_ray()
