"""DARLR's selector: an agent that picks reference users, one after the other, for a user who gets a recommendation.

A *selection step* picks one user from the pool of the current user's nearest users. It never picks the user itself, and
picks nobody twice. The selector sees the recommender's state and the predicted rows of the current user and of the picks so
far (Eqs. 7 and 8). It scores a candidate by content: by the product of its query with a projection of the candidate's row.
Hence its size does not grow with the number of users. It learns by advantage actor-critic from an intrinsic reward (Eq.
12).
"""

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darlr.agents.acting import sample_items
from darlr.agents.actor_critic import actor_critic_loss, descend
from darlr.agents.learning import EpochLog
from darlr.agents.networks.encoder import NewestEncoder, initialise_linear
from darlr.agents.returns import generalised_advantages
from darlr.agents.settings import A2CConfig, SelectorConfig
from darlr.rewards.estimates.interface import Estimates
from darlr.rewards.estimates.kept import KeptEstimates, estimates_of
from darlr.rewards.nearest import find_nearest, unit_rows
from darlr.rewards.neighbours import Cosines
from darlr.rewards.settings import NeighbourConfig
from darlr.rewards.sketches import sketches

SCORES_AT_ONCE = 4_000_000
"""The largest number of candidates' scores in memory while selecting; it bounds the memory in a world of many users."""
MANY_USERS = 20_000
"""In a world of more users, only those who can be picked for a visit at hand get keys and tokens."""


@dataclass(frozen=True)
class Selections:
    """The selector's trajectories: the reference users that it picked for n visits.

    Attributes:
        users: (n,) int64, the users who got recommendations.
        states: (n, state_size) the recommender's states, without gradients.
        places: (n, K) int64, the place of each pick in the user's pool.
        references: (n, K) int64, the picked users.
        similarity: (n, K) r_s of each pick (Eq. 10).
        diversity: (n, K) r_d of each pick (Eq. 11).
    """

    users: Tensor
    states: Tensor
    places: Tensor
    references: Tensor
    similarity: Tensor
    diversity: Tensor

    def __len__(self) -> int:
        return len(self.users)

    def rows(self, chosen: Tensor) -> "Selections":
        """Return the selections of the visits `chosen` (m,)."""
        return Selections(*(getattr(self, field.name)[chosen] for field in fields(self)))


class SelectorNetwork(nn.Module):
    """The selector's actor and critic. Their input is w_sel tokens, one for each of the last picks."""

    def __init__(self, config: SelectorConfig, state_size: int, n_items: int, generator: torch.Generator) -> None:
        super().__init__()
        self.state_part = nn.Linear(state_size, config.width)
        self.row_part = nn.Linear(n_items, config.width, bias=False)
        self.candidate = nn.Linear(n_items, config.width, bias=False)
        self.encoder = NewestEncoder(config.width, config.window, config.layers, config.heads, generator)
        self.query = nn.Linear(config.width, config.width)
        self.critic = nn.Linear(config.width, 1)
        for linear in (self.state_part, self.row_part, self.candidate, self.query, self.critic):
            initialise_linear(linear, generator)

    def forward(self, tokens: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Return queries (B, width), whose products with candidates' keys are their scores, and values (B,).

        Args:
            tokens: (B, w_sel, width), newest last.
            present: (B, w_sel) bool, False before the first pick.
        """
        summary = self.encoder(tokens, present)
        return self.query(summary) * summary.shape[1] ** -0.5, self.critic(summary).squeeze(1)


class Selector:
    """Picks reference users, and learns which ones to pick.

    Attributes:
        pool: (n_users, P) int64, the nearest users of each user.
        search: figures about the search for them, unless it was exact.
    """

    def __init__(
        self,
        config: SelectorConfig,
        learning: A2CConfig,
        estimates: Estimates | Tensor,
        state_size: int,
        generator: torch.Generator,
        neighbours: NeighbourConfig | None = None,
    ) -> None:
        """
        Args:
            config: sizes and weights of the selector.
            learning: settings of the actor-critic, the same as the recommender's.
            estimates: (n_users, n_items) the world model's predicted rows p_u. Without a table of them, sketches of the
                rows are used.
            state_size: size of the recommender's state.
            generator: draws the network's initial weights.
            neighbours: says how nearest users are searched; None: as by default.
        """
        asked, n_users = estimates_of(estimates), len(estimates)
        rows = asked.table() if isinstance(asked, KeptEstimates) else sketches(asked)
        self.config, self._learning = config, learning
        pool = max(config.pool, 2 * config.references) if config.pool else n_users - 1
        nearest = find_nearest(unit_rows(rows, config.centred), min(pool, n_users - 1), False, neighbours or NeighbourConfig())
        self.pool, self.search = nearest.users, nearest.search
        self.cosines = Cosines(rows, config.centred)
        self._rows, self._mean = rows, rows.mean(dim=0)
        centred = rows - self._mean
        self._spread = centred.std().clamp_min(1e-12)
        self._everybody = centred.div_(self._spread) if n_users <= MANY_USERS else None
        self.network = SelectorNetwork(config, state_size, rows.shape[1], generator).to(rows.device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=learning.learning_rate, fused=True)

    @torch.no_grad()
    def select(self, users: Tensor, states: Tensor, generator: torch.Generator) -> Selections:
        """Pick K_sel references for each of n visits (Eq. 9), all visits at once.

        Args:
            users: (n,) rows of the world.
            states: (n, state_size) the recommender's states.
            generator: draws the picks.
        """
        rows, own, pool = self._within_reach(users)
        row_tokens, keys = self.network.row_part(rows), self.network.candidate(rows)
        contexts = self.network.state_part(states)
        chunk = max(1, SCORES_AT_ONCE // len(keys))
        visits = zip(*(torch.split(each, chunk) for each in (own, pool, contexts)), strict=True)
        parts = [self._pick(some, pools, context, row_tokens, keys, generator) for some, pools, context in visits]
        return self._selections(users, states, torch.cat(parts))

    def _within_reach(self, users: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the users who can be picked for visits of `users` (n,), or all users.

        Returns:
            rows: (m, s) of these users.
            own, pool: (n,), (n, P) the places of the visits' users, and of their pools, in these rows.
        """
        pool = self.pool[users]
        if self._everybody is not None:
            return self._everybody, users, pool
        near, places = torch.unique(torch.cat([users[:, None], pool], dim=1), return_inverse=True)
        return (self._rows[near] - self._mean) / self._spread, places[:, 0], places[:, 1:]

    def _pick(
        self, users: Tensor, pool: Tensor, contexts: Tensor, row_tokens: Tensor, keys: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return (n, K) the picked places of the `pool` (n, P) of `users` (n,); both say which row is whose."""
        places = torch.empty(len(users), self.config.references, dtype=torch.int64, device=users.device)
        taken = torch.zeros(pool.shape, device=users.device)  # -inf at places picked before: adding is faster than masking
        window = self.config.window
        tokens = contexts.new_zeros(len(users), window, contexts.shape[1])
        present = torch.zeros(len(users), window, dtype=torch.bool, device=users.device)
        newest = users
        for step in range(self.config.references):
            tokens = torch.cat([tokens[:, 1:], (contexts + row_tokens[newest])[:, None]], dim=1)
            present[:, max(0, window - 1 - step)] = True
            queries, _ = self.network(tokens, present)
            logits = (queries @ keys.T).gather(1, pool).add_(taken)
            place = sample_items(logits, generator)[:, None]
            places[:, step : step + 1] = place
            taken.scatter_(1, place, float("-inf"))
            newest = pool.gather(1, place).squeeze(1)
        return places

    def _selections(self, users: Tensor, states: Tensor, places: Tensor) -> Selections:
        references = self.pool[users].gather(1, places)
        similarity = self.cosines.between(users[:, None], references).squeeze(1)
        diversity = diversity_gains(self.cosines.between(references, references))
        return Selections(users, states.detach(), places, references, similarity, diversity)

    def update(self, selections: Selections, rewards: Tensor, log: EpochLog, generator: torch.Generator) -> None:
        """Make one step of the optimiser on all selection steps of a random sample of visits; most visits are alike, so a
        sample suffices.

        Args:
            selections: the picks.
            rewards: (n, K) rewards of the picks (Eq. 12).
            log: gets the losses.
            generator: draws the visits to learn from.
        """
        config, learning = self.config, self._learning
        limit = config.training_visits or len(selections)
        chosen = torch.randperm(len(selections), generator=generator, device=rewards.device)[:limit]
        selections, rewards = selections.rows(chosen), rewards[chosen]
        logits, values = self._replay(selections)
        lengths = torch.full_like(selections.users, config.references)
        advantages = generalised_advantages(rewards, values.detach(), lengths, learning.discount, learning.gae_lambda)
        loss, terms = actor_critic_loss(
            logits.flatten(0, 1),
            values.flatten(),
            selections.places.flatten(),
            advantages.flatten(),
            (advantages + values.detach()).flatten(),
            learning,
        )
        descend(loss, self.network, self.optimiser, learning.max_gradient_norm)
        for name, term in terms.items():
            log.add(f"loss/selector_{name}", term)
        log.add("selector/reward", rewards.mean())

    def _replay(self, selections: Selections) -> tuple[Tensor, Tensor]:
        """Return logits over the pool (m, K, pool) and values (m, K) of every selection step, with gradients."""
        rows, users, pool = self._within_reach(selections.users)
        m, steps = selections.places.shape
        window, references = self.config.window, pool.gather(1, selections.places)
        row_tokens, keys = self.network.row_part(rows), self.network.candidate(rows)
        newest = torch.cat([users[:, None], references[:, :-1]], dim=1)  # (m, K) the user whose row was added last
        tokens = self.network.state_part(selections.states)[:, None] + row_tokens[newest]
        padded = F.pad(tokens, (0, 0, window - 1, 0))
        windows = padded.unfold(1, window, 1).transpose(2, 3).reshape(m * steps, window, -1)
        age = torch.arange(window - 1, -1, -1, device=users.device)
        present = (age <= torch.arange(steps, device=users.device)[:, None]).repeat(m, 1)
        queries, values = self.network(windows, present)
        logits = queries.view(m, steps, -1) @ keys[pool].transpose(1, 2)
        taken = F.one_hot(selections.places, pool.shape[1]).cumsum(dim=1)
        earlier = torch.cat([torch.zeros_like(taken[:, :1]), taken[:, :-1]], dim=1)
        return logits.masked_fill(earlier > 0, float("-inf")), values.view(m, steps)


def diversity_gains(pairwise: Tensor) -> Tensor:
    """Return r_d of every pick (Eq. 11), (n, K): its mean 1 - cosine to the picks before it, 0 for the first.

    Args:
        pairwise: (n, K, K) cosines between the picks of a visit.
    """
    earlier = torch.arange(pairwise.shape[1], device=pairwise.device)
    before = earlier - torch.einsum("nkl,kl->nk", pairwise, (earlier < earlier[:, None]).to(pairwise.dtype))
    return before / earlier.clamp(min=1)
