"""Collections that are played in groups of episodes, on this machine or on several, with the same result.

Each group draws its users and items from a stream of its own, which follows from the seed, the epoch, the collection and the
group. So a group can be played anywhere, and again if a machine is lost. Only the number of groups changes the result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.func import functional_call

from darlr.agents.playing import Player, Rollout
from darlr.cluster.workers import Workers
from darlr.seeding import derive_seed
from darlr.simulator.simulator import Episodes

R = TypeVar("R", bound=Rollout)


@dataclass(frozen=True)
class Group:
    """Some episodes of a collection: their number, the seed of their stream, and the device that plays them."""

    episodes: int
    seed: int
    device: torch.device


class Divided(Generic[R]):
    """Plays collections in a fixed number of groups, which workers share."""

    def __init__(self, player: Player[R], groups: int, workers: Workers) -> None:
        """
        Args:
            player: plays each group.
            groups: number of groups of a collection; at most its number of episodes.
            workers: the machines that play the groups.
        """
        self._player, self._groups, self._workers = player, groups, workers

    @cached_property
    def _held(self) -> Any:
        """The player, at the place where groups are played; everything but its parameters stays the same from then on."""
        [held] = self._workers.hold([self._player.anew()])
        return held

    def sample(self, episodes: int, generator: torch.Generator, number: int) -> R:
        """Play a collection with the player's present parameters.

        Args:
            episodes: number of episodes.
            generator: its initial seed, which follows from the run's seed and the epoch, decides all draws; it is not drawn
                from.
            number: the collection's number in its epoch.
        """
        sizes = [episodes // self._groups + (group < episodes % self._groups) for group in range(self._groups)]
        seed = generator.initial_seed()
        groups = [Group(size, derive_seed(seed, str(number), str(place)), generator.device) for place, size in enumerate(sizes)]
        parameters = {name: parameter.detach() for name, parameter in self._player.named_parameters()}
        played: list[R] = list(self._workers.apply(play, self._workers.hold(groups), self._held, parameters))
        return joined(played)


def play(group: Group, player: Player[R], parameters: Mapping[str, Tensor]) -> R:
    """Play a group with the `parameters` of `player`, by name."""
    generator = torch.Generator(group.device).manual_seed(group.seed)
    played: R = functional_call(player, dict(parameters), (group.episodes, generator))
    # The simulator's next episodes overwrite its memory.
    own = {field.name: getattr(played.episodes, field.name) for field in fields(Episodes)}
    copies = {name: tensor.clone() for name, tensor in own.items() if tensor is not None}
    return replace(played, episodes=Episodes(**copies))


def joined(parts: Sequence[R]) -> R:
    """Return the episodes of all parts as one collection, in their order."""
    episodes = Episodes(**_together([part.episodes for part in parts], (field.name for field in fields(Episodes))))
    others = (field.name for field in fields(parts[0]) if field.name != "episodes")
    return replace(parts[0], episodes=episodes, **_together(parts, others))


def _together(parts: Sequence[Any], names: Iterable[str]) -> dict[str, Tensor]:
    """Return the tensors with these names, one part after the other along the first dimension."""
    first = parts[0]
    return {name: torch.cat([getattr(part, name) for part in parts]) for name in names if getattr(first, name) is not None}
