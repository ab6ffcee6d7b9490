"""A gated recurrent unit over a window (Cho et al., EMNLP 2014). The state tracker `gru` and the opponent GRU4Rec share it."""

import torch
from torch import Tensor, nn


def gated_cell(inputs: int, width: int, generator: torch.Generator) -> nn.GRUCell:
    """A cell with torch's own distribution of initial weights, drawn from `generator`."""
    cell = nn.GRUCell(inputs, width)
    for parameter in cell.parameters():
        nn.init.uniform_(parameter, -(width**-0.5), width**-0.5, generator=generator)
    return cell


def recurrent_states(cell: nn.GRUCell, inputs: Tensor, present: Tensor) -> list[Tensor]:
    """The states after each of w positions, oldest first: w tensors (B, width).

    Args:
        cell: the recurrent unit.
        inputs: (B, w, d).
        present: (B, w) bool; a position that is not present leaves the state as it is.
    """
    state = inputs.new_zeros(inputs.shape[0], cell.hidden_size)  # len() would fix the batch of an exported graph
    states = []
    for position in range(inputs.shape[1]):
        state = torch.where(present[:, position, None], cell(inputs[:, position], state), state)
        states.append(state)
    return states
