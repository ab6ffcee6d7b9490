"""A run that starts from what an earlier one has learned, on a log that has grown or changed since (docs/retraining.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from darlr.agents.continuing import continue_policy
from darlr.agents.policy import Policy
from darlr.artifacts import RunFolder
from darlr.artifacts.run_folder import SUMMARY
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import merge, to_mapping, value_at
from darlr.data.dataset import Dataset
from darlr.data.names import Names, Places
from darlr.errors import InputError
from darlr.methods.world import world_membership
from darlr.run.saved import SavedPolicy, fingerprint
from darlr.run.specification import SpecifiedRun, held_out_alike
from darlr.run.world_models import WORLD_MODEL, load_world_model
from darlr.world.world import ABSENT, World
from darlr.world_model.continuing import Former

SAME = (
    "method",
    "reference_quirks",
    "world_model.kind",
    "world_model.members",
    "world_model.embedding_size",
    "world_model.hidden_sizes",
)
"""The keys that have to be as they were, with those of tracker and policy: what was learned means nothing in other networks."""
READING = ("dataset", "data", "synthetic")
"""The keys that say what is read, and how."""


@dataclass(frozen=True)
class WarmStart:
    """A finished run whose world model and policy another run starts from.

    Attributes:
        path: its folder.
        settings: its resolved settings, as nested mappings.
        saved: its policy.
        names: what its numbers stand for.
        fit: how the fit of its world model went.
        fingerprint: of what it learned, see `saved.fingerprint`.
    """

    path: Path
    settings: Mapping[str, Any]
    saved: SavedPolicy
    names: Names
    fit: Mapping[str, Any]
    fingerprint: str

    @classmethod
    def of(cls, run: Path, device: torch.device) -> Self:
        """Raises `InputError` for what is no finished run, and for one that cannot be started from."""
        folder = RunFolder.open(run)
        if not folder.has_json(SUMMARY):
            raise InputError(f"{folder.path}: this run is not finished; expected one to start from that is")
        saved = SavedPolicy(folder, device)
        if saved.names is None:
            raise InputError(
                f"{folder.path}: was made before darlr kept the names of categories; train it once more from the start"
            )
        if saved.config.reference_quirks:
            raise InputError(f"{folder.path}: is with 'reference_quirks', whose runs start afresh; expected another run")
        _, fit = load_world_model(folder.path / f"{WORLD_MODEL}.safetensors", device)
        return cls(folder.path, folder.config(), saved, saved.names, fit, fingerprint(folder))

    @property
    def origin(self) -> dict[str, str]:
        """How environment.json of the new run names it."""
        return {"run": "/".join(self.path.resolve().parts[-3:]), "fingerprint": self.fingerprint}

    def defaults(self, values: Mapping[str, Any], dataset: str | None) -> dict[str, Any]:
        """`values`, with this run's own settings where they are not given.

        Args:
            dataset: the data set's name; how it is read is this run's way, too, if it has the name of this run's.
        """
        inherited = () if dataset == self.settings["dataset"] else READING
        own = {key: value for key, value in self.settings.items() if key != "dataset" and key not in inherited}
        return merge(own, values)

    def require_same(self, config: ExperimentConfig, dataset: Dataset) -> None:
        """Raise `InputError` for another method, other networks or other rewards."""
        networks = (f"{section}.{name}" for section in ("tracker", "policy") for name in to_mapping(value_at(config, section)))
        for key in (*SAME, *networks):
            now, before = (value_at(each, key) for each in (config, self.saved.config))
            if now != before:
                raise InputError(f"{self.path}: has '{key}' {before!r}, and {now!r} is asked for; expected the same")
        if self.saved.reward_range != dataset.paid_range:
            (low, high), (now_low, now_high) = self.saved.reward_range, dataset.paid_range
            raise InputError(
                f"{self.path}: its rewards are {low:g}..{high:g}, those of '{dataset.name}' {now_low:g}..{now_high:g}; "
                "expected the same"
            )

    def notices(self, specified: SpecifiedRun) -> list[str]:
        """What a user must know of the run that starts from this one, in lines."""
        if specified.held_out is None or held_out_alike(specified.config, self.saved.config):
            return []
        return [
            f"the rows that judge may be rows that {self.path} learned from, so they flatter this run; expected both runs with "
            "'evaluation.split' pair and the same seed"
        ]

    def former(self, dataset: Dataset) -> Former:
        """Its world model, and where the users, items and features of `dataset` stood in its log.

        Raises `InputError` for a log that shares no user or no item with its own, or has other features or feedback.
        """
        try:
            places = Places.of(Names.of(dataset), self.names)
        except InputError as error:
            raise InputError(f"{self.path}: cannot be started from: {error}") from error
        return Former(self.saved.model, self.fit, places)

    def continue_policy(self, policy: Policy, dataset: Dataset, places: Places) -> None:
        """Give the fresh `policy` of the world of `dataset`, in place, what this run has learned."""
        columns = World(self.saved.world_users, self.saved.world_items).columns(len(self.saved.item_ids))
        place = places.items[dataset.world.items]
        items = np.where(place == ABSENT, ABSENT, columns[place])
        size = self.saved.membership.shape[1]
        categories = places.categories
        width = world_membership(dataset, dataset.world.items[:1], torch.device("cpu")).shape[1]
        if width > len(categories):  # untagged items share a category of their own, the last
            categories = np.append(categories, size - 1 if size > len(self.names.categories) else ABSENT)
        rows = {"items": torch.from_numpy(items), "categories": torch.from_numpy(categories)}
        try:
            continue_policy(policy, self.saved.learned, rows, {"items": len(self.saved.world_items), "categories": size})
        except InputError as error:
            raise InputError(f"{self.path}: cannot be started from: {error}") from error
