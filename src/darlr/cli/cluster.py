"""The option `--ray`, and what a command needs before it works on a cluster."""

from typing import Any

from darlr.cli.options import option
from darlr.cluster.installed import require_ray
from darlr.errors import InputError


def ray_option(shares: str) -> Any:
    """The option `--ray` of a command whose nodes share what `shares` says."""
    return option(f"work on this Ray cluster, HOST:PORT or auto; {shares}", "ADDRESS", "this machine")


def require_cluster_of_cpus(device: str) -> None:
    """Raise `InputError` where Ray is missing, or where `device` is a GPU, which is not what nodes compute on."""
    if device == "cuda":
        raise InputError("--device is 'cuda', but nodes of a Ray cluster compute on their CPUs; expected 'cpu' or 'auto'")
    require_ray()
