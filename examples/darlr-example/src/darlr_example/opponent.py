"""A custom opponent, which is shown next to every method: the items that most users have rated, liked or not."""

import numpy as np
import torch

from darlr.agents.static.scorers import TableScorer
from darlr.evaluation.opponents import OpponentParts


def most_rated(parts: OpponentParts) -> TableScorer:
    """Make the scorer. A table of (1, n_items) scores serves all users alike; (n_users, n_items) gives each a list."""
    log, world = parts.dataset.log, parts.dataset.world
    counts = np.bincount(log.items, minlength=log.n_items)[world.items]
    return TableScorer(torch.from_numpy(counts.astype(np.float32))[None].to(parts.device))
