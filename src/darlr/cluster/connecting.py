"""Joins the Ray cluster at an address, or says in one line why that is impossible."""

import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import ray
from ray.exceptions import RayError

from darlr.errors import InputError

AUTO = "auto"
LEVEL = "RAY_BACKEND_LOG_LEVEL"
SECONDS_TO_CONNECT = 5.0
SECONDS_TO_ANSWER = 15.0


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """Be part of a Ray cluster while the block runs.

    Ray's output about lost nodes and processes is hidden: the caller reports a loss in one line.

    Args:
        address: HOST:PORT, or `auto` for the cluster of this machine.

    Raises:
        InputError: if no cluster answers, or this machine is not one of its nodes.
    """
    _require_cluster(address)
    with contextlib.ExitStack() as ends:
        try:
            with _quiet_core():
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (RayError, ConnectionError, RuntimeError, ValueError) as error:
            hint = "expected a cluster of the same versions that this machine is a node of"
            raise InputError(f"--ray: cannot join the cluster at {address}: {line_of(error)}; {hint}") from error
        ends.callback(ray.shutdown)
        ends.enter_context(contextlib.redirect_stdout(ends.enter_context(Path(os.devnull).open("w"))))
        yield


@contextlib.contextmanager
def _quiet_core() -> Iterator[None]:
    """Let Ray's core, which starts in the block, log to its files alone, and not tell on standard error that it was so told.

    It takes the level from the environment, and writes past Python to the file that standard error is.
    """
    before, kept = os.environ.get(LEVEL), os.dup(2)
    os.environ[LEVEL] = "fatal"
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        del os.environ[LEVEL]
        if before is not None:
            os.environ[LEVEL] = before


def cores() -> int:
    """The number of cores of all nodes together."""
    return int(ray.cluster_resources().get("CPU", 0))


def line_of(error: BaseException) -> str:
    """The first line of an error that is not empty. For an error on a node, the first line of its cause."""
    cause = getattr(error, "cause", None)
    return next((line.strip() for line in str(cause or error).splitlines() if line.strip()), type(error).__name__)


def _require_cluster(address: str) -> None:
    """Refuse an address where no cluster answers; Ray itself would keep trying for minutes."""
    if address != AUTO:
        host, _, port = address.rpartition(":")
        if not host or "/" in host or not port.isdigit() or not 0 < int(port) < 2**16:
            raise InputError(
                f"--ray is '{address}'; expected HOST:PORT of a running cluster (as `ray start` tells it), or auto"
            )
        try:
            socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_CONNECT).close()
        except OSError as error:
            raise InputError(f"--ray: nothing answers at {address} ({error.strerror or error})") from error
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--skip-version-check", "--address", address]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS_TO_ANSWER)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"--ray: what answers at {address} is no Ray cluster") from error
    except subprocess.CalledProcessError as error:
        place = "on this machine" if address == AUTO else f"at {address}"
        raise InputError(f"--ray: no Ray cluster runs {place}") from error
