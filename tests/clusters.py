"""Clusters of nodes on this machine, for tests."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

MEMORY = {"object_store_memory": 80 * 2**20}


@contextmanager
def local_cluster(nodes: int = 2) -> Iterator[Any]:
    """A Ray cluster of so many nodes of one core each, and a head without any."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **MEMORY})
    try:
        for _ in range(nodes):
            add_node(cluster)
        yield cluster
    finally:
        cluster.shutdown()


def add_node(cluster: Any) -> Any:
    """One more node of one core."""
    return cluster.add_node(num_cpus=1, **MEMORY)


class NamespacedCluster:
    """Nodes in network namespaces of their own, as machines on one network; each has a cable that can be cut.

    The head has no core. Needs the right to make namespaces.
    """

    PORT = 6379

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = f"d{uuid.uuid4().hex[:6]}"
        self._nodes = 0
        self.address = f"{self._host(0)}:{self.PORT}"

    def __enter__(self) -> Self:
        try:
            head = self._space(0)
            _ip("netns", "add", head)
            _ip("-n", head, "link", "set", "lo", "up")
            _ip("-n", head, "link", "add", "bridge", "type", "bridge")
            _ip("-n", head, "addr", "add", f"{self._host(0)}/24", "dev", "bridge")
            _ip("-n", head, "link", "set", "bridge", "up")
            options = ["--head", "--port", str(self.PORT), "--num-cpus", "0", "--include-dashboard", "false"]
            self._start(0, [*options, "--temp-dir", str(self._folder)])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for space in [self._space(number) for number in range(self._nodes + 1)]:
            listed = subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True, check=False).stdout
            for process in listed.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)
            subprocess.run(["ip", "netns", "delete", space], capture_output=True, check=False)

    def join(self) -> int:
        """One more node of one core; its number."""
        self._nodes = number = self._nodes + 1
        head, space, cable = self._space(0), self._space(number), self._cable(number)
        _ip("netns", "add", space)
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("-n", space, "link", "add", "wire", "type", "veth", "peer", "name", cable, "netns", head)
        _ip("-n", space, "addr", "add", f"{self._host(number)}/24", "dev", "wire")
        _ip("-n", space, "link", "set", "wire", "up")
        _ip("-n", head, "link", "set", cable, "master", "bridge", "up")
        self._start(number, ["--address", self.address, "--num-cpus", "1"])
        return number

    def cut(self, number: int) -> None:
        """Cut the cable of a node, which continues its work."""
        _ip("-n", self._space(0), "link", "set", self._cable(number), "down")

    def python(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        """A script that runs on the head's machine."""
        command = ["ip", "netns", "exec", self._space(0), sys.executable, "-c", script, *arguments]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def _start(self, number: int, options: list[str]) -> None:
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--node-ip-address", self._host(number), *options]
        ray += ["--disable-usage-stats", "--object-store-memory", str(MEMORY["object_store_memory"])]
        subprocess.run(["ip", "netns", "exec", self._space(number), *ray], check=True, capture_output=True)

    def _space(self, number: int) -> str:
        return f"{self._name}-{number}"

    def _cable(self, number: int) -> str:
        return f"cable{number}"

    def _host(self, number: int) -> str:
        return f"10.77.0.{number + 1}"


def namespaces() -> bool:
    """Whether this machine lets tests make network namespaces."""
    if shutil.which("ip") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    name = f"d{uuid.uuid4().hex[:6]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode == 0
    if made:
        _ip("netns", "delete", name)
    return made


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
