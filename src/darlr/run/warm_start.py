"""A warm start: a run that starts from an earlier run's learned state, on a log that has grown or changed since
(docs/retraining.md).
"""

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
"""The keys that must not differ, besides those of tracker and policy: parameters only fit into the same networks."""
READING = ("dataset", "data", "synthetic")
"""The keys that say which data are read, and how."""


@dataclass(frozen=True)
class WarmStart:
    """A finished run whose world model and policy another run starts from.

    Attributes:
        path: its folder.
        settings: its resolved settings, as nested mappings.
        saved: its policy.
        names: the names of its numbers.
        fit: figures about the fit of its world model.
        fingerprint: the fingerprint of its learned state, see `saved.fingerprint`.
    """

    path: Path
    settings: Mapping[str, Any]
    saved: SavedPolicy
    names: Names
    fit: Mapping[str, Any]
    fingerprint: str

    @classmethod
    def of(cls, run: Path, device: torch.device) -> Self:
        """Open the run.

        Raises:
            InputError: for a folder that is not a finished run, and for a run that does not support a warm start.
        """
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
        """The entry about it in environment.json of the new run."""
        return {"run": "/".join(self.path.resolve().parts[-3:]), "fingerprint": self.fingerprint}

    def defaults(self, values: Mapping[str, Any], dataset: str | None) -> dict[str, Any]:
        """Return `values`, completed by this run's own settings.

        Args:
            values: nested settings.
            dataset: the data set's name; if it is this run's, it is also read in the same way.
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
        """Return lines that a user must know about a run that starts from this one."""
        if specified.held_out is None or held_out_alike(specified.config, self.saved.config):
            return []
        return [
            f"the rows that judge may be rows that {self.path} learned from, so they flatter this run; expected both runs with "
            "'evaluation.split' pair and the same seed"
        ]

    def former(self, dataset: Dataset) -> Former:
        """Return its world model, and the places of the users, items and features of `dataset` in its log.

        Raises:
            InputError: for a log that shares no user or no item with its own, or has other features or feedback.
        """
        try:
            places = Places.of(Names.of(dataset), self.names)
        except InputError as error:
            raise InputError(f"{self.path}: cannot be started from: {error}") from error
        return Former(self.saved.model, self.fit, places)

    def continue_policy(self, policy: Policy, dataset: Dataset, places: Places) -> None:
        """Copy this run's learned parameters into the new `policy` of the world of `dataset`, in place."""
        columns = World(self.saved.world_users, self.saved.world_items).columns(len(self.saved.item_ids))
        place = places.items[dataset.world.items]
        items = np.where(place == ABSENT, ABSENT, columns[place])
        size = self.saved.membership.shape[1]
        categories = places.categories
        width = world_membership(dataset, dataset.world.items[:1], torch.device("cpu")).shape[1]
        if width > len(categories):  # untagged items share the last category
            categories = np.append(categories, size - 1 if size > len(self.names.categories) else ABSENT)
        rows = {"items": torch.from_numpy(items), "categories": torch.from_numpy(categories)}
        try:
            continue_policy(policy, self.saved.learned, rows, {"items": len(self.saved.world_items), "categories": size})
        except InputError as error:
            raise InputError(f"{self.path}: cannot be started from: {error}") from error
