"""A policy on disk: the learned parameters, and the raw ids of its users and items."""

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from darlr.agents.learning import below
from darlr.agents.policy import Policy
from darlr.artifacts import RunFolder
from darlr.artifacts.schema import (
    Check,
    Keys,
    Shape,
    list_of,
    number,
    optional,
    require,
    require_alike,
    require_finite,
    require_indices,
    require_tensors,
    restoring,
    shapes_of,
    text,
    whole,
)
from darlr.config.loading import stable_hash
from darlr.data.dataset import Dataset
from darlr.data.log import Ids, text_ids
from darlr.data.names import NAMES, Names
from darlr.errors import InputError, RunError
from darlr.methods.experiment import experiment_config
from darlr.methods.parts import PolicyParts
from darlr.methods.world import world_membership
from darlr.run.choosing import method_of, ways_of
from darlr.run.world_models import WORLD_MODEL, load_world_model
from darlr.world_model.factors.model import FactorModel

POLICY = "policy"
CHECKPOINT = "checkpoint"
STATES: Mapping[str, Check] = {
    POLICY: Keys(
        {"epoch": whole(1), "reward_range": list_of(number, 2), "config": text},
        {"user_ids": list_of(text), "item_ids": list_of(text), "names": NAMES},
    ),
    CHECKPOINT: Keys({"epoch": whole(1), "steps": whole(), "best": optional(number), "config": text}),
}
"""Checks of the plain values that are stored with the tensors."""


def save_policy(folder: RunFolder, policy: Policy, dataset: Dataset, epoch: int) -> None:
    """Write `policy.safetensors`: the learned parameters after `epoch`, the world's users and items, all raw ids and names."""
    tensors = {
        **{f"policy.{name}": tensor for name, tensor in policy.state_dict().items()},
        **{f"average.{name}": tensor for name, tensor in policy.average_user().items()},
        "users": torch.from_numpy(dataset.world.users),
        "items": torch.from_numpy(dataset.world.items),
        "membership": world_membership(dataset, dataset.world.items, torch.device("cpu")),
    }
    state: dict[str, Any] = {
        "epoch": epoch,
        "reward_range": list(dataset.paid_range),
        "names": Names.of(dataset).to_dict(),
    }
    for name, ids in (("user_ids", dataset.log.user_ids), ("item_ids", dataset.log.item_ids)):
        if np.issubdtype(ids.dtype, np.integer):
            tensors[name] = torch.from_numpy(ids)
        else:
            state[name] = ids.tolist()
    save_learned(folder, POLICY, tensors, state)


def save_learned(folder: RunFolder, name: str, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write `<name>.safetensors`, marked as this run's."""
    folder.save_tensors(name, tensors, {**state, "config": stable_hash(folder.config())})


def load_learned(folder: RunFolder, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file that `save_learned` wrote.

    Raises:
        InputError: for a damaged file, and for one of another run.
    """
    tensors, state = folder.load_tensors(name)
    place = f"{folder.path / name}.safetensors"
    require(state, STATES[name], place)
    with restoring(Path(place)):
        require_finite(tensors)
    if state["config"] != stable_hash(folder.config()):
        raise InputError(f"{place}: made by a run of another config; put back the file that was here")
    return tensors, state


def fingerprint(folder: RunFolder) -> str:
    """Return twelve hexadecimal digits that identify a run's learned state: a hash of its policy and its world model."""
    content = [hashlib.sha256((folder.path / f"{name}.safetensors").read_bytes()).hexdigest() for name in (POLICY, WORLD_MODEL)]
    return stable_hash(content)


class SavedPolicy:
    """The policy of a run, ready to act for any users of its log.

    Attributes:
        config: the run's settings.
        user_ids, item_ids: the log's raw ids.
        world_users, world_items: the world it learned in, as indices into the log's vocabularies.
        model: the world model.
        device: the device that computes.
        membership: (n_items, C) bool, whether an item of the world has a category.
        average_user: rows of the average user, see `Policy.average_user`.
        reward_range: bounds of a reward that a user can give.
        epoch: the epoch at which it was chosen.
        learned: its parameters and persistent buffers, by name.
        names: names of its users, items, categories and features; None in runs from before these were stored.
    """

    def __init__(self, folder: RunFolder, device: torch.device) -> None:
        """Load the policy of a run.

        Raises:
            InputError: if the run has no policy yet, or its files are damaged.
        """
        if not folder.has_tensors(POLICY):
            raise InputError(f"{folder.path}: this run has no policy yet; train at least one epoch")
        tensors, state = load_learned(folder, POLICY)
        self.config = experiment_config(folder.config())
        self._path = folder.path / f"{POLICY}.safetensors"
        with restoring(self._path):
            _require_world(tensors, state)
        self.model, _ = load_world_model(folder.path / f"{WORLD_MODEL}.safetensors", device)
        self.device = device
        self.learned = below("policy.", tensors)
        self.average_user = {name: row.to(device) for name, row in below("average.", tensors).items()}
        self.membership: Tensor = tensors["membership"]
        self.world_users: NDArray[np.int64] = tensors["users"].numpy()
        self.world_items: NDArray[np.int64] = tensors["items"].numpy()
        self.user_ids, self.item_ids = (_ids(name, tensors, state) for name in ("user_ids", "item_ids"))
        self.reward_range: tuple[float, float] = tuple(state["reward_range"])
        self.epoch: int = state["epoch"]
        self.names = Names.restore(self.user_ids, self.item_ids, state["names"]) if "names" in state else None

    def network(self, users: NDArray[np.int64]) -> Policy:
        """Return the policy with rows for `users` (n,), indices into the log's users, in that order, and then for the
        average user.
        """
        policy = self._fresh(users)
        with restoring(self._path):
            require_tensors(self.learned, policy.saved_shapes())
            require_alike(self.average_user, policy.average_user())
            policy.load_state_dict(self.learned)
        policy.append_user(self.average_user)
        return policy.eval()

    def _fresh(self, users: NDArray[np.int64]) -> Policy:
        """Return the policy before learning."""
        parts = PolicyParts(
            config=self.config,
            ways=ways_of(self.config),
            model=self.model,
            users=users,
            items=self.world_items,
            membership=self.membership,
            estimates=None,
            paid_range=self.reward_range,
            device=self.device,
        )
        return method_of(self.config).policy(parts)

    def with_items(self, ids: Ids, means: Tensor, covariances: Tensor, membership: Tensor) -> "SavedPolicy":
        """Return the same policy in a world with m more items, known only by beliefs about their factors.

        Args:
            ids: (m,) raw ids that the log lacks, of the same kind.
            means, covariances: (m, d), (m, d, d).
            membership: (m, C) bool.

        Raises:
            InputError: if the policy has learned parameters for each item, or its world model has no factors.
        """
        if not isinstance(self.model, FactorModel):
            raise InputError(f"the world model is of the kind '{self.config.world_model.kind}', which has no prior for items")
        known = len(self.item_ids)
        wider = copy.copy(self)
        wider.model = self.model.with_items(means, covariances)
        wider.item_ids = np.concatenate([self.item_ids, ids])
        wider.world_items = np.concatenate([self.world_items, np.arange(known, known + len(ids))])
        wider.membership = torch.cat([self.membership, membership])
        wider.names = None if self.names is None else replace(self.names, items=wider.item_ids)
        fresh = wider._fresh(np.zeros(0, np.int64))
        for shapes, learned in ((fresh.saved_shapes(), self.learned), (shapes_of(fresh.average_user()), self.average_user)):
            for name, (_, sizes) in shapes.items():
                found = list(learned[name].shape) if name in learned else []
                if any(isinstance(size, int) and size != have for size, have in zip(sizes, found, strict=False)):
                    raise InputError(f"{self.config.method} has learned something of each item ('{name}')")
        return wider

    def newcomer_rows(self, means: Tensor, covariances: Tensor) -> dict[str, Tensor]:
        """Return the rows that `Policy.append_user` takes, for m users outside the log, from beliefs about their factors.

        Rows that do not depend on a user's factors are the average user's.

        Args:
            means, covariances: (m, d), (m, d, d).

        Raises:
            RunError: if the world model has no factors.
        """
        estimates = self.newcomer_estimates(means)
        scale = self.model.scale
        rows = {
            "user_means": means,
            "user_covariances": covariances,
            "user_vectors": means,
            "estimates": estimates,
            "prior": (estimates - scale.centre) / scale.spread,
        }
        return {name: rows.get(name, row.expand(means.shape[0], *row.shape[1:])) for name, row in self.average_user.items()}

    def newcomer_estimates(self, means: Tensor) -> Tensor:
        """Return (m, n_items) the expected rewards of users with factors `means` (m, d) for the world's items."""
        if not isinstance(self.model, FactorModel):
            raise RunError(f"the world model is a {type(self.model).__name__}; expected one of the kind 'factors'")
        responses = self.model.responses
        items = torch.from_numpy(self.world_items).to(self.device)
        return responses.to_reward(torch.addmm(responses.intercepts[items], means, responses.loadings[items].T))


def _require_world(tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Raise `InputError` unless ids, world and categories of a saved policy are consistent."""
    world: dict[str, Shape] = {
        "users": (torch.int64, ["users"]),
        "items": (torch.int64, ["items"]),
        "membership": (torch.bool, ["items", "categories"]),
    }
    for name in ("user_ids", "item_ids"):
        if name not in state:
            world[name] = (tensors[name].dtype if name in tensors else torch.int64, [name])
    require_tensors({name: tensor for name, tensor in tensors.items() if "." not in name}, world)
    for name, ids in (("users", "user_ids"), ("items", "item_ids")):
        known = len(state[ids]) if ids in state else len(tensors[ids])
        require_indices(tensors[name], name, known)
        if len(set(tensors[name].tolist())) != len(tensors[name]):
            raise InputError(f"tensor '{name}' has an index twice")
    low, high = state["reward_range"]
    if not low < high:
        raise InputError(f"'reward_range' is {[low, high]}; expected the lower bound first")


def _ids(name: str, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> Ids:
    ids: Ids = tensors[name].numpy() if name in tensors else text_ids(state[name])
    return ids
