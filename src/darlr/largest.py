"""A search for the largest numbers of long rows."""

import torch
from torch import Tensor

GROUP = 16
"""The number of numbers of which only the largest is looked at first."""


def largest_places(numbers: Tensor, count: int) -> Tensor:
    """Return (k, count) the places of the largest of `numbers` (k, n), largest first.

    They lie in the `count` groups with the largest maxima: every number outside these groups has `count` numbers that are
    larger or equal. A `topk` among the groups and another one among their members are faster than one among all. It may
    choose others of equal numbers than `topk` does.

    Args:
        numbers: (k, n).
        count: at most n.
    """
    n = numbers.shape[1]
    width = n // GROUP
    if width <= count:
        return numbers.topk(count, dim=1).indices
    within = torch.arange(GROUP, device=numbers.device).unsqueeze(1) * width
    groups = numbers[:, : GROUP * width].view(-1, GROUP, width).amax(dim=1).topk(count, dim=1).indices
    rest = torch.arange(GROUP * width, n, device=numbers.device).expand(len(numbers), -1)
    places = torch.cat([(groups.unsqueeze(1) + within).flatten(1), rest], dim=1)
    return places.gather(1, numbers.gather(1, places).topk(count, dim=1).indices)
