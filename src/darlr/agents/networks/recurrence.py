"""A gated recurrent unit over a window (Cho et al., EMNLP 2014); state tracker and GRU4Rec share it."""

import torch
from torch import Tensor, nn


def gated_cell(inputs: int, width: int, generator: torch.Generator) -> nn.GRUCell:
    """A cell with torch's own initial weights, drawn from `generator`."""
    cell = nn.GRUCell(inputs, width)
    for parameter in cell.parameters():
        nn.init.uniform_(parameter, -(width**-0.5), width**-0.5, generator=generator)
    return cell


def recurrent_states(cell: nn.GRUCell, inputs: Tensor, present: Tensor) -> list[Tensor]:
    """w states (B, width) of `inputs` (B, w, d), from the oldest position on; one that is not `present` changes nothing."""
    state = inputs.new_zeros(inputs.shape[0], cell.hidden_size)  # len() would fix the batch of an exported graph
    states = []
    for position in range(inputs.shape[1]):
        state = torch.where(present[:, position, None], cell(inputs[:, position], state), state)
        states.append(state)
    return states
