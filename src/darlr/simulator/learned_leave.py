"""Users who leave at random, by a hazard that depends on the last items and their rewards."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import estimates_of
from darlr.world.categories import CategoryMemory
from darlr.world.hazard import LeaveHazard
from darlr.world.shown import Shown, features


@dataclass(frozen=True)
class Tempers:
    """The random numbers of the users of B episodes, drawn before they begin.

    Attributes:
        patience: (B,) float32, exponential with mean 1; what is left of it is written here.
        effects: (B,) float32, standard normal: how far the user's effect b_u lies from its mean, in standard deviations.
    """

    patience: Tensor
    effects: Tensor

    @classmethod
    def draw(cls, count: int, generator: torch.Generator) -> "Tempers":
        """Draw the tempers of `count` episodes, on the generator's device.

        The patience is drawn by strata: one episode has a patience among the lowest 1/count of the distribution, and so on.
        Each is exponential, and means over the episodes vary less.
        """
        device = generator.device
        order = torch.randperm(count, generator=generator, device=device)
        shares = (order + torch.rand(count, generator=generator, device=device)) / count
        return cls(-torch.log1p(-shares), torch.randn(count, generator=generator, device=device))


class LearnedLeave:
    """Uses up the patience of users: they leave once their steps have used it up.

    A user begins an episode with a patience E that is exponentially distributed with mean 1. A step with the hazard h uses
    up -log(1 - h) of it. So the user stays with probability 1 - h at each step, which is the law, and numbers that are drawn
    before an episode determine it. Policies that are tested with the same numbers meet equally patient users.

    The hazard sees expected rewards, not those that an agent is paid: an agent's rewards have penalties, and another scale.

    Attributes:
        window: N, the number of previous items that it looks at.
    """

    def __init__(
        self,
        hazard: LeaveHazard,
        users: Tensor,
        membership: Tensor,
        rewards: Estimates | Tensor,
        bounds: tuple[float, float],
    ) -> None:
        """
        Args:
            hazard: the law.
            users: (n_users,) int64, the world's users as indices into the log's.
            membership: (n_items, C) bool, whether an item of the world has a category.
            rewards: (n_users, n_items) the world model's estimates while learning, the truth when testing.
            bounds: smallest and largest reward on their scale.
        """
        self.window = hazard.window
        self._rewards, (self._low, self._high) = estimates_of(rewards), bounds
        self._categories = CategoryMemory(membership)
        device = membership.device
        self._weights = torch.tensor(hazard.weights, dtype=torch.float32, device=device)
        self._effects, self._deviations = (
            torch.tensor(values, dtype=torch.float32, device=device)[users] for values in (hazard.effects, hazard.deviations)
        )

    def leaves(
        self, users: Tensor, items: Tensor, recent: Tensor, steps: Tensor | int, tempers: Tempers, place: Tensor | slice
    ) -> Tensor:
        """Return (B,) bool, and take from the patience of `tempers` what the step uses up.

        Args:
            users, items, recent, steps: as for `logits`.
            tempers: of all episodes.
            place: (B,) or a slice, those that take the step.
        """
        logits = self.logits(users, items, recent, steps) + self._deviations[users] * tempers.effects[place]
        tempers.patience[place] -= F.softplus(logits)  # -log(1 - h)
        return tempers.patience[place] < 0

    def logits(self, users: Tensor, items: Tensor, recent: Tensor, steps: Tensor | int) -> Tensor:
        """Return (B,) the hazard's logit, with the mean of the user's effect.

        Args:
            users: (B,) rows of the world.
            items: (B,) the items that they are recommended.
            recent: (B, N) the columns before them, newest last, start and absence included.
            steps: (B,) or one for all, the number of the step, from 1 on.
        """
        known = recent < len(self._categories.membership)
        shown = Shown(
            items=items,
            rewards=self._seen(users, items),
            recent=recent,
            recent_rewards=self._seen(users[:, None], torch.where(known, recent, 0)),
            steps=torch.as_tensor(steps, device=items.device).expand(len(items)),
        )
        return features(shown, self._categories) @ self._weights + self._effects[users]

    def _seen(self, users: Tensor, items: Tensor) -> Tensor:
        """Return the rewards of users and items, whose shapes are broadcast, from 0 to 1."""
        return ((self._rewards.cells(users, items) - self._low) / (self._high - self._low)).clamp(0.0, 1.0)
