"""SASRec (Kang and McAuley, ICDM 2018): self-attention over a user's liked items predicts the next one.

`networks/self_attention.py` has the blocks with their equations, which the state tracker `sasrec` shares. `sequences.py`
has the training. docs/methods/sasrec.md lists the differences from the paper.
"""

import numpy as np
import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.agents.networks.self_attention import SelfAttentionEncoder
from darlr.agents.supervised.sequences import LENGTH, WIDTH, fit_sequences, sequence_scorer, sequence_unfit
from darlr.agents.supervised.supervised import Learned, Played, Supervised
from darlr.data.dataset import Dataset

BLOCKS, HEADS = 2, 1
DROPOUTS = (0.2, 0.5)
"""The rates that are tried."""


def _encoder(generator: torch.Generator) -> SelfAttentionEncoder:
    return SelfAttentionEncoder(WIDTH, LENGTH, BLOCKS, HEADS, generator)


def _fit(dataset: Dataset, generator: np.random.Generator) -> dict[str, Tensor]:
    return fit_sequences(dataset, _encoder, DROPOUTS, generator)


def _scorer(learned: Learned, played: Played) -> Scorer:
    return sequence_scorer(learned, played, _encoder)


SASREC = Supervised(_fit, _scorer, sequence_unfit, lambda dataset: True)
