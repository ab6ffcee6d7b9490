"""The design of a study: the settings that its trials share, the space, the seeds and the budget of each trial."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import merge, stable_hash, to_mapping, with_settings
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.evaluation.modes import REFEREE
from darlr.run.choosing import method_of
from darlr.run.further_judges import require_judge
from darlr.run.resolution import resolve
from darlr.run.specification import SpecifiedRun
from darlr.tuning.measure import JUDGES, RANKING, measure_of
from darlr.tuning.space import Space

NO_LEARNING = {
    "training": {"epochs": 1, "steps_per_epoch": 1, "environments": 1},
    "offline": {"updates_per_epoch": 1},
}
"""The least learning that a run allows, for studies of the world model."""

SEEDS_OF_THE_SWEEP = [0, 1, 2, 3, 4]


@dataclass(frozen=True)
class Design:
    """A study before its first trial.

    Attributes:
        values: settings of all trials, including data set and method, without seed and space (keys of `ExperimentConfig`).
        config: the same, resolved.
        space: the search space, fitted to the method and the data.
        seeds: each trial is trained with every seed; the first one also seeds the search.
        pruning: whether bad trials stop early.
        judge: the judge of trials, one of `JUDGES`.
        dataset: the data set's name.
        hashes: the hashes of its files.
    """

    values: Mapping[str, Any]
    config: ExperimentConfig
    space: Space
    seeds: tuple[int, ...]
    pruning: bool
    judge: str
    dataset: str
    hashes: Mapping[str, str]

    @classmethod
    def of(
        cls,
        values: Mapping[str, Any],
        space: str | None,
        seeds: Sequence[int],
        pruning: bool,
        loaded: LoadedDataset,
        judge: str = JUDGES[0],
    ) -> Self:
        """Design the study of the method that `values` name.

        Args:
            values: nested settings.
            space: a file or a built-in space; None: that of the method.
            seeds: the seeds of each trial.
            pruning: whether bad trials stop early.
            loaded: the data set.
            judge: the judge of trials.

        Raises:
            InputError: for settings, a method, a space or a judge that cannot be used.
        """
        shared = {key: value for key, value in values.items() if key != "seed"}
        config = resolve(shared, loaded)
        if method_of(config).reward == "truth":
            raise InputError(f"method '{config.method}' learns from the truth, which must not tune settings; expected another")
        name, hashes = loaded.dataset.name, loaded.dataset.hashes
        found = Space.of_table(config.method, name) if space is None else Space.find(space, name)
        fitted = found.fitted(shared, loaded)
        if fitted.of_world_model and "training" in values and "epochs" in values["training"]:
            raise InputError(
                "the epochs of learning are given, but a space of the world model alone is measured by its fit; leave them out"
            )
        if fitted.of_world_model and judge != JUDGES[0]:
            raise InputError(
                f"judge '{judge}' is given, but a space of the world model alone is measured by its fit; leave it out"
            )
        if judge != JUDGES[0]:
            require_judge(SpecifiedRun.of(merge(shared, _judged_by(judge)), loaded))
        return cls(shared, config, fitted, tuple(seeds), pruning and not fitted.of_world_model, judge, name, hashes)

    @property
    def measure(self) -> str:
        """The measure of trials: the name of the judge's number in records, or `RANKING`."""
        return RANKING if self.space.of_world_model else measure_of(self.judge)

    @property
    def epochs(self) -> int:
        """The largest number of epochs of a trial."""
        return 1 if self.space.of_world_model else self.config.training.epochs

    def folder(self, out: Path) -> Path:
        """Return the study's folder below `out`; its name depends on everything that determines its trials."""
        decisive = {
            "settings": to_mapping(self.config),
            "space": self.space.described(),
            "seeds": list(self.seeds),
            "pruning": self.pruning,
            "judge": self.judge,
            "data": dict(self.hashes),
        }
        return out / self.dataset / self.config.method / f"study-{stable_hash(decisive)}"

    def trial(self, point: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Return the settings of the run of one trial and seed; `point` has the space's settings by dotted key."""
        measured = NO_LEARNING if self.space.of_world_model else _judged_by(self.judge)
        return merge(merge(with_settings(self.values, point), measured), {"seed": seed})

    def chosen(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings for `darlr train --config` to train with the settings `point`; epochs and seed are left to
        the user.
        """
        values = {"dataset": self.values["dataset"], "method": self.config.method, **with_settings(self.values, point)}
        training = {key: value for key, value in values.pop("training", {}).items() if key != "epochs"}
        return {**values, "training": training} if training else values

    def sweep(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """Return a grid for `darlr sweep` over five seeds with the settings `point`."""
        values = self.chosen(point)
        settings = {key: value for key, value in values.items() if key not in ("dataset", "method")}
        grid = {"datasets": values["dataset"], "methods": self.config.method, "seeds": SEEDS_OF_THE_SWEEP}
        return {**grid, "set": _as_single_choices(settings)}


def _judged_by(judge: str) -> dict[str, Any]:
    """Return the settings of a run whose records have the judge's number."""
    return {"evaluation": {"referee": True} if judge == REFEREE else {"judge": judge}}


def _as_single_choices(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Wrap list-valued settings, because a list in a grid is a list of choices."""
    return {
        key: _as_single_choices(value) if isinstance(value, Mapping) else [value] if isinstance(value, list | tuple) else value
        for key, value in settings.items()
    }
