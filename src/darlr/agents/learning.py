"""What all learning agents share: the interface, an epoch's log, and their state on disk."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from darlr.agents.policy import Policy
from darlr.artifacts.schema import require_alike, require_tensors
from darlr.errors import RunError
from darlr.rewards.estimates.interface import Estimates
from darlr.simulator.simulator import Visits

MOMENTS = ("exp_avg", "exp_avg_sq")
"""What Adam keeps of every parameter, beside the step's number."""


class Learner(Protocol):
    """Learns a recommendation policy epoch by epoch."""

    @property
    def policy(self) -> Policy:
        """What is learned."""
        ...

    @property
    def reward_table(self) -> Estimates | Tensor | None:
        """(n_users, n_items) the rewards r' that are learned from as they stand, without penalties; learning may rewrite them.

        None where nothing is learned in the simulator, or where it pays from no table.
        """
        ...

    def epoch(self, environments: int, steps: int, generator: torch.Generator) -> "EpochLog":
        """Learn from at least `steps` recommendations in a simulator, `environments` episodes at a time.

        Agents that play in no simulator have a schedule of their own and leave both alone.
        """
        ...

    def tensors(self) -> dict[str, Tensor]:
        """All that goes on with learning, by name."""
        ...

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors()` gave."""
        ...


class EpochLog:
    """Gathers an epoch's figures; `metrics()` gives the means that are recorded.

    Attributes:
        steps, episodes: recommendations that were learned from, and episodes played for them, so far.
        counts: how often each figure was added.
    """

    def __init__(self) -> None:
        self.steps = self.episodes = 0
        self.counts: dict[str, int] = {}
        self._sums: dict[str, Tensor] = {}
        self._seconds: dict[str, float] = {}
        self._return = 0.0
        self._visited: list[Tensor] = []

    def add(self, name: str, value: Tensor) -> None:
        """Add a figure (a scalar tensor) whose mean is recorded as `name`; it stays on its device until asked for."""
        self._sums[name] = self._sums[name] + value.detach() if name in self._sums else value.detach().clone()
        self.counts[name] = self.counts.get(name, 0) + 1

    @contextmanager
    def timed(self, phase: str, device: torch.device) -> Iterator[None]:
        """Add the time that the block takes on `device` to `seconds/<phase>`."""
        started = time.perf_counter()
        yield
        if device.type == "cuda":  # which only queued the work
            torch.cuda.synchronize(device)
        self._seconds[phase] = self._seconds.get(phase, 0.0) + time.perf_counter() - started

    def count(self, visits: Visits, episodes: int, rewards: Tensor) -> None:
        """Count a finished collection of `episodes` with what it was paid; raises `RunError` if a loss is not finite."""
        self.require_finite_losses()
        self.steps += len(visits.items)
        self.episodes += episodes
        self._return += float(rewards.sum())
        self._visited.append(torch.stack([visits.users, visits.items]))

    def require_finite_losses(self) -> None:
        """Raise `RunError` if the mean of a loss so far is not finite."""
        for name, total in self._sums.items():
            if name.startswith("loss/") and not math.isfinite(total):
                raise RunError(f"the {name.removeprefix('loss/')} loss is {float(total) / self.counts[name]}; stopped")

    def visited(self) -> tuple[Tensor, Tensor]:
        """Users and items of all recommendations that were made in the epoch's episodes, (steps,) each."""
        users, items = torch.cat(self._visited, dim=1)
        return users, items

    def metrics(self) -> dict[str, float]:
        """The epoch's figures by their names in metrics.jsonl."""
        played: dict[str, float] = {}
        if self.episodes:
            played = {"train/r_tra": self._return / self.episodes, "train/length": self.steps / self.episodes}
        return {
            "train/steps": self.steps,
            **played,
            **{name: float(total) / self.counts[name] for name, total in self._sums.items()},
            **{f"seconds/{phase}": seconds for phase, seconds in self._seconds.items()},
        }


def learned_tensors(network: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """A network's parameters (`policy.*`) and its optimiser's moments (`optimiser.*`)."""
    moments = optimiser.state_dict()["state"]
    return {
        **{f"policy.{name}": tensor for name, tensor in network.state_dict().items()},
        **{f"optimiser.{index}.{name}": tensor for index, state in moments.items() for name, tensor in state.items()},
    }


def restore_learned(tensors: Mapping[str, Tensor], network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Put what `learned_tensors` gave back, on the network's device; raises `InputError` for tensors of another kind."""
    device = next(network.parameters()).device
    learned = below("policy.", tensors)
    require_alike(learned, network.state_dict())
    network.load_state_dict(learned)
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in below("optimiser.", tensors).items():
        index, name = key.split(".")
        moments.setdefault(int(index), {})[name] = tensor.to(device)
    for place, state in moments.items():
        own = parameters[place].dtype, list(parameters[place].shape)
        require_tensors(state, {"step": (torch.float32, []), **dict.fromkeys(MOMENTS, own)})
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})


def below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
