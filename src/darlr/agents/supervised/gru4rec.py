"""GRU4Rec (Hidasi et al., ICLR 2016; Hidasi and Karatzoglou, CIKM 2018): a recurrent unit over a user's liked items.

    z_t = sigma(W_z x_t + U_z h_{t-1}),  h_t = (1 - z_t) h_{t-1} + z_t h'_t                           (2016, Eqs. 2 and 3)
    h'_t = tanh(W x_t + U (r_t * h_{t-1})),  r_t = sigma(W_r x_t + U_r h_{t-1})                       (Eqs. 4 and 5)

`networks/recurrence.py` has the cell, which the state tracker `gru` shares; `sequences.py` the training.
docs/methods/gru4rec.md lists the differences from the papers.
"""

import numpy as np
import torch
from torch import Tensor, nn

from darlr.agents.acting import Scorer
from darlr.agents.networks.recurrence import gated_cell, recurrent_states
from darlr.agents.networks.self_attention import Dropping, keep
from darlr.agents.supervised.sequences import WIDTH, fit_sequences, sequence_scorer, sequence_unfit
from darlr.agents.supervised.supervised import Learned, Played, Supervised
from darlr.data.dataset import Dataset

DROPOUTS = (0.0, 0.3)
"""The rates that are tried."""


class RecurrentEncoder(nn.Module):
    """One recurrent layer, with dropout of its inputs and of its outputs."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.cell = gated_cell(WIDTH, WIDTH, generator)

    def forward(self, inputs: Tensor, present: Tensor, drop: Dropping = keep) -> Tensor:
        """The states (B, w, WIDTH) after each position of `inputs` (B, w, WIDTH)."""
        return drop(torch.stack(recurrent_states(self.cell, drop(inputs), present), dim=1))


def _fit(dataset: Dataset, generator: np.random.Generator) -> dict[str, Tensor]:
    return fit_sequences(dataset, RecurrentEncoder, DROPOUTS, generator)


def _scorer(learned: Learned, played: Played) -> Scorer:
    return sequence_scorer(learned, played, RecurrentEncoder)


GRU4REC = Supervised(_fit, _scorer, sequence_unfit, lambda dataset: True)
