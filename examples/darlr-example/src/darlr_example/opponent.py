"""An opponent of one's own, which every method is shown beside: what most of the users have rated, liked or not."""

import numpy as np
import torch

from darlr.agents.static.scorers import TableScorer
from darlr.evaluation.opponents import OpponentParts


def most_rated(parts: OpponentParts) -> TableScorer:
    """A table of (1, n_items) scores serves all users alike; (n_users, n_items) gives each a list."""
    log, world = parts.dataset.log, parts.dataset.world
    counts = np.bincount(log.items, minlength=log.n_items)[world.items]
    return TableScorer(torch.from_numpy(counts.astype(np.float32))[None].to(parts.device))
