"""What a supervised recommender offers: a fit to a data set, and a scorer made of what the fit learned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.data.dataset import Dataset

Learned = Mapping[str, Tensor]
"""What a fit learned, by name, on the CPU: all that is kept of it."""


@dataclass(frozen=True)
class Played:
    """Where a scorer plays.

    Attributes:
        dataset: what was fitted; its world is the tested one.
        seen_range: smallest and largest reward of the tested world, by which windows normalise rewards.
        device: where it computes.
    """

    dataset: Dataset
    seen_range: tuple[float, float]
    device: torch.device


@dataclass(frozen=True)
class Supervised:
    """A supervised recommender.

    Attributes:
        fit: learns from a data set; all that is random is drawn from the generator.
        scorer: orders the items of the world by what a fit learned.
        unfit: why a data set cannot be fitted, in words; empty if it can.
        dear: whether a fit to the data set takes so long that it is made by request alone.
    """

    fit: Callable[[Dataset, np.random.Generator], dict[str, Tensor]]
    scorer: Callable[[Learned, Played], Scorer]
    unfit: Callable[[Dataset], str]
    dear: Callable[[Dataset], bool]
