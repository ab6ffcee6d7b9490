"""All state trackers by name."""

import torch
from torch import Tensor

from darlr.agents.networks.trackers.caser import CaserTracker
from darlr.agents.networks.trackers.gru import GRUTracker
from darlr.agents.networks.trackers.mean import MeanTracker
from darlr.agents.networks.trackers.nextitnet import NextItNetTracker
from darlr.agents.networks.trackers.sasrec import SASRecTracker
from darlr.agents.networks.trackers.tracker import StateTracker
from darlr.agents.networks.trackers.transformer import TransformerTracker
from darlr.agents.settings import TrackerConfig
from darlr.registry import Registry

TRACKERS: Registry[type[StateTracker]] = Registry(
    "tracker",
    lambda: {
        "mean": MeanTracker,
        "gru": GRUTracker,
        "transformer": TransformerTracker,
        "caser": CaserTracker,
        "sasrec": SASRecTracker,
        "nextitnet": NextItNetTracker,
    },
)


def register_tracker(name: str, kind: type[StateTracker]) -> type[StateTracker]:
    """Add a state tracker, which `tracker.kind` may then name; raises `InputError` if the name is taken."""
    return TRACKERS.register(name, kind)


def state_tracker(
    config: TrackerConfig, item_vectors: Tensor, user_vectors: Tensor, generator: torch.Generator
) -> StateTracker:
    """The tracker that `config` names.

    Args:
        config: the tracker's settings.
        item_vectors: (n_items, d).
        user_vectors: (n_users, d_u).
        generator: draws the initial weights.
    """
    return TRACKERS[config.kind](config, item_vectors, user_vectors, generator)
