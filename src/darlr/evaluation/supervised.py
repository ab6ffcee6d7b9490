"""The supervised recommenders among the opponents: fitted once for a data set and a seed, and left out where they cannot be."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
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
Fits = Callable[[str, Fit], Learned]
"""Gives what the fit of the named opponent learned: of a former time, if it is kept, else by making the fit."""


def supervised_scorer(name: str, played: Played, fits: Fits, notice: Callable[[str], None]) -> Scorer | None:
    """The opponent `name`; None where the data set cannot be fitted, and `notice` is told why."""
    kind = SUPERVISED[name]
    if reason := kind.unfit(played.dataset):
        notice(f"the opponent '{name}' is left out: {reason}")
        return None
    return kind.scorer(fits(name, lambda generator: kind.fit(played.dataset, generator)), played)
