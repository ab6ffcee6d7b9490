"""The base of the policies that learn from a replay: exploration."""

import torch
from torch import Tensor

from darlr.agents.acting import draw_items
from darlr.agents.offline.policy import Moments, OfflinePolicy, without_blocked


class ExploringPolicy(OfflinePolicy):
    """Recommends its best item; while it learns, it sometimes recommends a random one."""

    def exploring_scores(self, moments: Moments, generator: torch.Generator) -> Tensor:
        """The scores (B, n_items) by which the best item is chosen while learning, -inf where blocked.

        They are the `scores`, unless a policy adds noise.
        """
        return self.scores(moments)

    def explore(self, moments: Moments, epsilon: float, generator: torch.Generator) -> Tensor:
        """Choose items (B,): with probability `epsilon` a random one that is not blocked, else the best."""
        best = self.exploring_scores(moments, generator).argmax(dim=1)
        random = random_items(moments, self.n_items, generator)
        exploring = torch.rand(len(best), generator=generator, device=best.device) < epsilon
        return torch.where(exploring, random, best)


def random_items(moments: Moments, n_items: int, generator: torch.Generator) -> Tensor:
    """Items (B,) drawn uniformly from those that are not blocked."""
    equal = torch.zeros(len(moments.users), n_items, device=moments.users.device)
    return draw_items(without_blocked(equal, moments.blocking).exp(), generator)
