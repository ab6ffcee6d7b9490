"""Checks that Ray is installed. Only the modules beside this one import Ray."""

from importlib import import_module

from darlr.errors import InputError


def require_ray() -> None:
    """Raise `InputError` if Ray is not installed."""
    try:
        import_module("ray")
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError("--ray needs the package ray; install it by: pip install 'darlr[ray]'") from error
