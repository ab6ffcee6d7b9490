"""The published test protocol (section 3): episodes of a policy in a world, in three modes.

FB: repeats allowed, users leave. NX_0: no repeats, users leave. NX_10: no repeats, exactly ten steps, no user leaves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from darlr.agents.acting import Among, Scorer, greedy, greedy_slates, sampled, sampled_slates
from darlr.config.loading import stable_hash
from darlr.errors import InputError, RunError
from darlr.evaluation.metrics import FinishedEpisodes
from darlr.evaluation.modes import GREEDY, MODES, NX_0, SAMPLED
from darlr.evaluation.table import Values, values_of
from darlr.rewards.source import RewardSource
from darlr.rewards.table import TableReward
from darlr.seeding import torch_generator
from darlr.simulator.learned_leave import LearnedLeave
from darlr.simulator.leave import LeaveRule, Never
from darlr.simulator.simulator import Episodes, Simulator, roll_out
from darlr.simulator.slates import SlateRules, SlateSimulator
from darlr.world.window import Window

USERS_AT_ONCE = 1024
"""The number of episodes tested at once; it bounds the memory of a test on all users."""


@dataclass(frozen=True)
class EvaluationWorld:
    """A world to play policies in: the true one, or the simulated one for choosing an epoch without the truth.

    Attributes:
        rewards: the source of its rewards.
        n_users, n_items: its size.
        leave: when its users quit.
        max_steps: longest episode of FB and NX_0.
        lookback: number of positions of windows, unless the tested policy needs more of the episode.
        dominated: (n_items,) bool, the items with a dominant category, or None if items have no categories.
        forbidden: (n_items,) bool, items that this world does not have, or (n_users, n_items) bool, such cells; or None.
        simulator: the class that runs its episodes.
        device: the device of the episodes.
        slates: the rules of slates; None for single recommendations.
        seed: seed of the users' chance: when they leave, and which items they choose from slates. The same users meet the
            same draws, whichever policy is tested.
    """

    rewards: RewardSource
    n_users: int
    n_items: int
    leave: LeaveRule | LearnedLeave
    max_steps: int
    lookback: int
    dominated: Tensor | None = None
    forbidden: Tensor | None = None
    simulator: type[Simulator] = Simulator
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    slates: SlateRules | None = None
    seed: int = 0

    @classmethod
    def of_table(
        cls, rewards: TableReward, leave: LeaveRule | LearnedLeave, max_steps: int, lookback: int, **others: Any
    ) -> Self:
        """Make a world that pays estimates (n_users, n_items), which give its size and device; `others` are fields of the
        class.
        """
        of = rewards.estimates
        return cls(rewards, of.n_users, of.n_items, leave, max_steps, lookback, device=of.device, **others)

    @property
    def table(self) -> Tensor:
        """(n_users, n_items) its rewards.

        Raises:
            RunError: if they are not a table.
        """
        if not isinstance(self.rewards, TableReward):
            raise RunError(f"the world pays by a {type(self.rewards).__name__}; expected a table")
        return self.rewards.table

    @property
    def n_allowed(self) -> int:
        """The number of items that at least one user may be recommended."""
        return self.n_items if self.forbidden is None else int((~self.forbidden.view(-1, self.n_items)).any(dim=0).sum())

    @property
    def fewest_allowed(self) -> int:
        """The number of allowed items of the user who has the fewest."""
        return self.n_items if self.forbidden is None else int((~self.forbidden).sum(dim=-1).min())

    @property
    def longest(self) -> int:
        """The number of steps of the longest episode of any mode."""
        return max(self.max_steps, *(mode.steps or 0 for mode in MODES.values()))

    def _begin(self, mode: str, lookback: int) -> Simulator:
        """Make the simulator for episodes of `mode`, for a scorer with `lookback`.

        Raises:
            InputError: if the world has fewer items than an episode of the mode recommends.
        """
        settings = MODES[mode]
        steps = settings.steps or self.max_steps
        most = (1 if settings.allow_repeats else steps) * (1 if self.slates is None else self.slates.size)
        if (not settings.allow_repeats or self.slates is not None) and self.fewest_allowed < most:
            raise InputError(
                f"the test world has {self.fewest_allowed} items, but an episode of mode '{mode}' recommends up to {most} and "
                "none twice; expected at least as many items"
            )
        leave = self.leave if settings.users_leave else Never()
        shown = max(self.lookback, min(lookback, steps))
        game = self.rewards, leave, self.n_items, steps, shown, settings.allow_repeats
        return self.simulator(*game) if self.slates is None else SlateSimulator(*game, self.slates)

    def redrawn(self, generator: torch.Generator) -> Self:
        """Return the world with another seed of choices from slates, by `generator`; single recommendations draw nothing."""
        if self.slates is None:
            return self
        return replace(self, seed=int(torch.randint(2**62, (), generator=generator, device=generator.device)))

    def measure(self, mode: str, users: Tensor, scorer: Scorer, generator: torch.Generator | None) -> dict[str, float | None]:
        """Return the metrics of `scorer` in `mode`, from one episode for each of `users` (B,).

        Args:
            mode: one of `MODES`.
            users: (B,) rows of the world.
            scorer: the policy.
            generator: draws the items with the scorer's probabilities; None acts greedily.
        """
        return values_of(self.episodes(mode, users, scorer, generator), mode)

    def measure_as(self, mode: str, users: Tensor, scorer: Scorer, generator: torch.Generator) -> dict[str, float | None]:
        """Return `mode/sampled/metric` -> value for `users` (B,) by the rules of NX_0, for a world named `mode`, such as
        the simulator.
        """
        values = values_of(self.episodes(NX_0, users, scorer, generator), mode)
        return {f"{mode}/{SAMPLED}/{metric}": value for metric, value in values.items()}

    def recommended(self, mode: str, users: Tensor, scorer: Scorer, generator: torch.Generator | None) -> Tensor:
        """Return (n,) the items that `scorer` recommends, one entry for each recommendation; for the arguments see
        `measure`.
        """
        return self.episodes(mode, users, scorer, generator).recommended

    def episodes(
        self, mode: str, users: Tensor, scorer: Scorer, generator: torch.Generator | None, visit: int = 0
    ) -> FinishedEpisodes:
        """Return the finished episodes in `mode`, one for each of `users` (B,).

        Args:
            mode, users, scorer, generator: as for `measure`.
            visit: the number of the users' visit. Users who leave at random have the same chances only at the same visit.
        """
        allowed = scorer if self.forbidden is None else _Restricted(scorer, self.forbidden)
        choose = self._choosing(allowed, generator)
        simulator = self._begin(mode, scorer.lookback)
        # Allocated before the first block. Otherwise these arrays would lie between the blocks' scores, and memory would
        # fragment.
        tested = self._empty(len(users), simulator.max_steps, users.device)
        by_chance = self.slates is not None or isinstance(simulator.leave, LearnedLeave)
        chance = self._chance(users, visit) if by_chance else None
        for start in range(0, len(users), USERS_AT_ONCE):
            block = slice(start, start + USERS_AT_ONCE)
            _write(tested, block, roll_out(simulator, users[block], choose, chance))
        return tested

    def _chance(self, users: Tensor, visit: int) -> torch.Generator:
        """Return a generator that draws the same numbers for the same `visit` of the same `users` (B,), whatever is tested."""
        return torch_generator(self.seed, "leave", str(visit), stable_hash(users.tolist()), device=users.device)

    def _choosing(self, scorer: Scorer, generator: torch.Generator | None) -> Callable[[Simulator], Tensor]:
        if self.slates is None:
            return greedy(scorer) if generator is None else sampled(scorer, generator)
        size = self.slates.size
        return greedy_slates(scorer, size) if generator is None else sampled_slates(scorer, size, generator)

    def _empty(self, episodes: int, steps: int, device: torch.device) -> FinishedEpisodes:
        shape = (episodes, steps)
        return FinishedEpisodes(
            lengths=torch.empty(episodes, dtype=torch.int64, device=device),
            rewards=torch.empty(shape, device=device),
            actions=torch.empty(shape, dtype=torch.int64, device=device),
            taken=torch.empty(shape, dtype=torch.bool, device=device),
            slates=None if self.slates is None else torch.empty(*shape, self.slates.size, dtype=torch.int64, device=device),
            n_allowed=self.n_allowed,
            dominated=self.dominated,
        )

    @property
    def every_user(self) -> Tensor:
        """(n_users,) all users, each once."""
        return torch.arange(self.n_users, device=self.device)

    def draw_users(self, episodes: int, generator: torch.Generator) -> Tensor:
        """Draw (episodes,) users uniformly with replacement, as the protocol says."""
        return torch.randint(self.n_users, (episodes,), generator=generator, device=generator.device)


def _write(tested: FinishedEpisodes, block: slice, episodes: Episodes) -> None:
    """Copy finished `episodes`, whose buffers will be reused, to the places `block` of `tested`."""
    for name in ("lengths", "rewards", "actions", "taken"):
        getattr(tested, name)[block] = getattr(episodes, name)
    if tested.slates is not None and episodes.slates is not None:
        tested.slates[block] = episodes.slates


class _Restricted(Scorer):
    """A scorer that never recommends a forbidden item; forbidden: (n_items,) or (n_users, n_items) bool."""

    def __init__(self, scorer: Scorer, forbidden: Tensor) -> None:
        self._scorer, self._forbidden = scorer, forbidden
        self.lookback = scorer.lookback

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        forbidden = self._forbidden.expand(len(users), -1) if self._forbidden.ndim == 1 else self._forbidden[users]
        return self._scorer(users, window, forbidden if blocked is None else blocked | forbidden)

    def listed(self, users: Tensor, scores: Tensor, count: int) -> Tensor:
        return self._scorer.listed(users, scores, count)

    def drawn(self, users: Tensor, scores: Tensor, count: int, generator: torch.Generator) -> Tensor:
        return self._scorer.drawn(users, scores, count, generator)

    def among(self, users: Tensor, window: Window) -> Among | None:
        if (among := self._scorer.among(users, window)) is None:
            return None
        forbidden = self._forbidden
        return among.without(forbidden[among.items] if forbidden.ndim == 1 else forbidden[users[:, None], among.items])

    def probabilities(self, scores: Tensor) -> Tensor:
        return self._scorer.probabilities(scores)


@dataclass(frozen=True)
class FullTest:
    """The value of a policy on every user of a world.

    Attributes:
        modes: mode -> metric -> value.
        returns: (n_users,) returns in NX_0, by the world's rows; None if users have no episodes.
    """

    modes: Mapping[str, Values]
    returns: Tensor | None


@torch.no_grad()
def run_full_test(
    world: EvaluationWorld, scorer: Scorer, generator: torch.Generator | None = None, unhurried: Scorer | None = None
) -> FullTest:
    """Play one episode of every mode for every user of the world.

    Args:
        world: the world.
        scorer: the policy.
        generator: draws the items with the scorer's probabilities; None acts greedily and draws nothing.
        unhurried: acts instead of `scorer` in modes in which no user leaves.
    """
    modes: dict[str, Values] = {}
    for mode, settings in MODES.items():
        acting = scorer if settings.users_leave or unhurried is None else unhurried
        episodes = world.episodes(mode, world.every_user, acting, generator)
        modes[mode] = values_of(episodes, mode)
        if mode == NX_0:
            returns = episodes.rewards.sum(dim=1)
    return FullTest(modes, returns)


@torch.no_grad()
def run_test(world: EvaluationWorld, scorer: Scorer, episodes: int, generator: torch.Generator) -> dict[str, float | None]:
    """Test a policy in every mode, sampled and greedy, with the same `episodes` users; return `mode/policy/metric` -> value.

    The users, and what they choose from slates, are drawn first, so policies that are tested with the same `generator` meet
    the same users and draws.
    """
    users, world = world.draw_users(episodes, generator), world.redrawn(generator)
    record: dict[str, float | None] = {}
    for mode in MODES:
        for policy, draws in ((SAMPLED, generator), (GREEDY, None)):
            for metric, value in world.measure(mode, users, scorer, draws).items():
                record[f"{mode}/{policy}/{metric}"] = value
    return record
