"""The interface of supervised recommenders: a fit to a data set, and a scorer built from the fit's parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.data.dataset import Dataset

Learned = Mapping[str, Tensor]
"""The parameters of a fit by name, on the CPU; nothing else is kept."""


@dataclass(frozen=True)
class Played:
    """The world in which a scorer acts.

    Attributes:
        dataset: the fitted data set; its world is the tested one.
        seen_range: smallest and largest reward of the tested world, by which windows normalise rewards.
        device: device of the computation.
    """

    dataset: Dataset
    seen_range: tuple[float, float]
    device: torch.device


@dataclass(frozen=True)
class Supervised:
    """A supervised recommender.

    Attributes:
        fit: learns from a data set; all random numbers come from the generator.
        scorer: orders the items of the world by the parameters of a fit.
        unfit: the reason why a data set cannot be fitted; empty if it can.
        dear: whether a fit to the data set takes so long that it is made on request alone.
    """

    fit: Callable[[Dataset, np.random.Generator], dict[str, Tensor]]
    scorer: Callable[[Learned, Played], Scorer]
    unfit: Callable[[Dataset], str]
    dear: Callable[[Dataset], bool]
