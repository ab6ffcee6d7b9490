"""BPR (Rendle et al., UAI 2009, "BPR: Bayesian Personalized Ranking from Implicit Feedback"): factors of users and items.

    minimise sum over (u, i, j) of -ln sigma(s_ui - s_uj) + lambda ||Theta||^2       (BPR-OPT, section 4.1)
    with s_ui = q_u . p_i + b_i, where u liked i and not j.

`pairwise.py` has the loss and the training; docs/methods/bpr.md lists the differences from the paper.
"""

import numpy as np
from torch import Tensor

from darlr.agents.supervised.pairwise import Described, fit_pairwise, pairwise_scorer, pairwise_unfit
from darlr.agents.supervised.supervised import Supervised
from darlr.data.dataset import Dataset


def _fit(dataset: Dataset, generator: np.random.Generator) -> dict[str, Tensor]:
    users, items = (Described.by_identity(n) for n in (dataset.log.n_users, dataset.log.n_items))
    return fit_pairwise(dataset, users, items, generator)


BPR = Supervised(_fit, pairwise_scorer, pairwise_unfit, lambda dataset: True)
