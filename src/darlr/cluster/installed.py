"""Whether this machine can work on a Ray cluster; Ray itself is imported by the modules beside this one alone."""

from importlib import import_module

from darlr.errors import InputError


def require_ray() -> None:
    """Raise `InputError` where Ray is not installed."""
    try:
        import_module("ray")
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InputError("--ray needs the package ray; install it by: pip install 'darlr[ray]'") from error
