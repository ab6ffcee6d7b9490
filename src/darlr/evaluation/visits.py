"""Several visits of the same users: the value of a policy within some days, if content users come back sooner."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from darlr.agents.acting import Scorer
from darlr.errors import InputError
from darlr.evaluation.modes import NX_0
from darlr.evaluation.protocol import EvaluationWorld
from darlr.seeding import torch_generator
from darlr.world.returns import RETURN_FEATURES, ReturnLaw

HOURS = 24
MOST_VISITS = 1_000
"""The largest number of visits of a user within the days; more are refused."""


@dataclass(frozen=True)
class VisitsTest:
    """A test of policies over several visits of every user of a world.

    All users begin their first visit at once. Every visit is an episode of NX_0: nothing is shown twice in it, but the next
    visit may show it again. The time that a visit takes is not counted. All draws depend on the seed, the user and the number
    of the visit alone, so that policies meet users with the same habits.

    Attributes:
        world: the world.
        law: the hours between visits, for the log's users.
        users: (n_users,) the world's users, as indices into the log's.
        days: the length of the test.
        seed: the seed of the draws.
    """

    world: EvaluationWorld
    law: ReturnLaw
    users: Tensor
    days: float
    seed: int

    @torch.no_grad()
    def value(self, scorer: Scorer) -> Mapping[str, float]:
        """Return the means over users: `visits`, `r_total` (return of all visits), and `r_visit` (their ratio).

        Raises:
            InputError: if users come back too often.
        """
        hours = torch.zeros(self.world.n_users, dtype=torch.float64, device=self.world.device)
        visits, total = torch.zeros_like(hours), torch.zeros_like(hours)
        habits = self._habits()
        for number in range(MOST_VISITS + 1):
            here = (hours < HOURS * self.days).nonzero()[:, 0]
            if len(here) == 0:
                return {
                    "visits": float(visits.mean()),
                    "r_total": float(total.mean()),
                    "r_visit": float(total.sum() / visits.sum()),
                }
            features, returns = self._visit(here, scorer, number)
            visits[here] += 1
            total[here] += returns
            weights = torch.tensor(self.law.weights, device=hours.device)
            chance = self.law.scale * self._normal(str(number))[here]
            hours[here] += (features @ weights + habits[here] + chance).exp()
        raise InputError(
            f"config key 'evaluation.horizon' is {self.days:g}, in which users come back more than {MOST_VISITS:,} times; "
            "expected fewer days"
        )

    def _visit(self, users: Tensor, scorer: Scorer, number: int) -> tuple[Tensor, Tensor]:
        """Play a visit of `users` (B,); returns its features (B, G) and returns (B,), float64."""
        episodes = self.world.episodes(NX_0, users, scorer, None, number)
        rewards, low, high = episodes.rewards.double(), self.world.rewards.low, self.world.rewards.high
        seen = (((rewards - low) / (high - low)).clamp(0.0, 1.0) * episodes.taken).sum(dim=1)
        lengths = episodes.lengths.double()
        columns = {"intercept": torch.ones_like(lengths), "satisfaction": seen / lengths, "log_length": lengths.log()}
        return torch.stack([columns[name] for name in RETURN_FEATURES], dim=1), rewards.sum(dim=1)

    def _habits(self) -> Tensor:
        """Return (n_users,) the users' own parts c_u of the logarithm of the hours, drawn from their law."""
        effects, deviations = (
            torch.from_numpy(values).to(self.users.device)[self.users] for values in (self.law.effects, self.law.deviations)
        )
        return effects + deviations * self._normal("habits")

    def _normal(self, name: str) -> Tensor:
        """Return (n_users,) standard normal numbers of this name."""
        generator = torch_generator(self.seed, "return", name, device=self.users.device)
        return torch.randn(len(self.users), generator=generator, dtype=torch.float64, device=self.users.device)
