"""The supervised recommenders among the opponents. Each is fitted once for a data set and a seed, or left out if it cannot
be.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.supervised.bpr import BPR
from darlr.agents.supervised.ease import EASE
from darlr.agents.supervised.feature_factorisation import FEATURE_FACTORISATION
from darlr.agents.supervised.gru4rec import GRU4REC
from darlr.agents.supervised.implicit_als import IMPLICIT_ALS
from darlr.agents.supervised.item_knn import ITEM_KNN
from darlr.agents.supervised.lin_ucb import LIN_UCB
from darlr.agents.supervised.linear_thompson import LINEAR_THOMPSON
from darlr.agents.supervised.sasrec import SASREC
from darlr.agents.supervised.supervised import Learned, Played, Supervised
from darlr.world.window import Window

SUPERVISED: Mapping[str, Supervised] = MappingProxyType(
    {
        "ease": EASE,
        "item_knn": ITEM_KNN,
        "implicit_als": IMPLICIT_ALS,
        "bpr": BPR,
        "feature_factorisation": FEATURE_FACTORISATION,
        "sasrec": SASREC,
        "gru4rec": GRU4REC,
        "lin_ucb": LIN_UCB,
        "linear_thompson": LINEAR_THOMPSON,
    }
)

Fit = Callable[[np.random.Generator], Mapping[str, Tensor]]
Build = Callable[[Learned], Scorer]
Fits = Callable[[str, Fit, Build], Scorer]
"""Builds the scorer of the named opponent from the parameters of a stored fit, or else of a new one."""


def fit_now(generator: np.random.Generator) -> Fits:
    """Fits that are made whenever they are asked for, with the numbers of `generator`."""
    return lambda name, fit, build: build(fit(generator))


def supervised_scorer(name: str, played: Played, fits: Fits, notice: Callable[[str], None]) -> Scorer | None:
    """The scorer of the opponent `name`. If the data set cannot be fitted it is None, and `notice` receives the reason."""
    kind = SUPERVISED[name]
    if reason := kind.unfit(played.dataset):
        notice(f"the opponent '{name}' is left out: {reason}")
        return None
    return fits(name, lambda generator: kind.fit(played.dataset, generator), lambda learned: _tried(kind, learned, played))


def _tried(kind: Supervised, learned: Learned, played: Played) -> Scorer:
    """The scorer of `learned`; raises `ValueError` if it cannot score the last user: it may come from a file."""
    world = played.dataset.world
    scorer = kind.scorer(learned, played)
    last = torch.tensor([world.n_users - 1], device=played.device)
    scores = scorer(last, Window.at_start(world.n_items, 1, played.device))
    if scores.shape != (1, world.n_items) or not bool(scores.isfinite().all()):
        raise ValueError(f"its scores have shape {tuple(scores.shape)}, or are not finite; expected (1, {world.n_items})")
    return scorer
