"""A warm start: a new policy takes over the parameters of a policy of its kind that was learned on other items."""

from collections.abc import Mapping

import torch
from torch import Tensor

from darlr.agents.policy import Policy, Rows
from darlr.errors import InputError
from darlr.world.world import ABSENT


@torch.no_grad()
def continue_policy(
    policy: Policy, former: Mapping[str, Tensor], places: Mapping[str, Tensor], sizes: Mapping[str, int]
) -> None:
    """Copy parameters from `former` into `policy`, in place; buffers are not copied, because they are computed from the log.

    Rows of items and categories are matched one by one. Rows of new items and categories keep the values of the new policy.

    Args:
        policy: the new policy.
        former: parameters of the other policy, by name.
        places: for "items" and "categories", (n,) int64 the former place of each row, `ABSENT` for a new one.
        sizes: the former numbers of items and of categories.

    Raises:
        InputError: for a parameter that the other policy lacks, or has in another size.
    """
    rows = policy.entity_rows()
    for name, parameter in policy.named_parameters():
        values = former.get(name)
        if values is None:
            raise InputError(f"the run's policy has no '{name}'; expected the same networks")
        if name in rows:
            whose = rows[name].whose
            values = _matched(parameter, values.to(parameter), places[whose].to(parameter.device), rows[name], sizes[whose])
        if values is None or values.shape != parameter.shape:
            sizes_of = [list(tensor.shape) for tensor in (former[name], parameter)]
            raise InputError(
                f"the run's '{name}' has the size {sizes_of[0]}, and {sizes_of[1]} is needed; expected the same networks"
            )
        parameter.copy_(values)


def _matched(fresh: Tensor, former: Tensor, places: Tensor, rows: Rows, size: int) -> Tensor | None:
    """Return `fresh` with the matched rows of `former` and the rows after them; None if the sizes differ."""
    count, before = len(places) * rows.each, size * rows.each
    if fresh.shape[1:] != former.shape[1:] or len(fresh) - count != len(former) - before:
        return None
    known = places != ABSENT
    own, theirs = (part.view(-1, rows.each, *fresh.shape[1:]) for part in (fresh[:count].clone(), former[:before]))
    own[known] = theirs[places[known]]
    return torch.cat([own.view(count, *fresh.shape[1:]), former[before:]])
