"""Clusters of nodes on this machine, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
