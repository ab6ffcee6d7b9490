"""A run before it starts: its whole config, the data that it learns from, and the place of its results."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import stable_hash, to_mapping
from darlr.data.dataset import Dataset
from darlr.data.log import InteractionLog
from darlr.data.registry import canonical_name
from darlr.data.source import LoadedDataset
from darlr.evaluation.held_out import split_log
from darlr.evaluation.settings import EvaluationConfig
from darlr.methods.experiment import experiment_config
from darlr.run.resolution import resolve
from darlr.run.world_models import world_model_path
from darlr.seeding import numpy_generator


def with_canonical_dataset(values: Mapping[str, Any], data_dir: Path | None) -> dict[str, Any]:
    """Return settings whose data set has the name that runs store, so that it is found again from any working directory."""
    return {**values, "dataset": canonical_name(experiment_config(values).dataset, data_dir)}


@dataclass(frozen=True)
class SpecifiedRun:
    """Everything that determines a run.

    Attributes:
        config: every setting, resolved.
        dataset: the data to learn from: the data set without `held_out`.
        held_out: rows of the log that judge the policy; None if there is a truth and no judge needs them.
        starts_from: the fingerprint of the run that it starts from; None if it starts afresh.
    """

    config: ExperimentConfig
    dataset: Dataset
    held_out: InteractionLog | None
    starts_from: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any], loaded: LoadedDataset) -> Self:
        """Return the run that `values` (keys of `ExperimentConfig`) describe on `loaded`.

        Raises:
            InputError: as `resolve`.
        """
        return cls.with_config(resolve(values, loaded), loaded)

    @classmethod
    def with_config(cls, config: ExperimentConfig, loaded: LoadedDataset) -> Self:
        """Return the run with settings that are already resolved, like those in a run folder."""
        learned, held_out = rows_of(loaded, config.evaluation, config.seed)
        whole = None if held_out is None else loaded.dataset.log
        return cls(config, replace(loaded.dataset, log=learned, session_log=whole), held_out)

    def path(self, out: Path) -> Path:
        """Return the run's folder below `out`; its name depends on the seed and on all other settings.

        The name of a run that starts from another one also depends on that run and on the data, so that each day's run has
        its own.
        """
        settings = to_mapping(self.config)
        del settings["seed"]
        name = f"{stable_hash(settings)}-s{self.config.seed}"
        if self.starts_from is not None:
            name += f"-w{stable_hash([self.starts_from, dict(self.dataset.hashes)])}"
        return out / self.dataset.name / self.config.method / name

    def world_model_path(self, out: Path) -> Path:
        """Return the file, below `out`, of the world model that the run shares with others."""
        return world_model_path(out, self.config, self.dataset, self.starts_from)


def held_out_alike(config: ExperimentConfig, before: ExperimentConfig) -> bool:
    """Return whether runs with `before` have held out all rows that runs with `config` hold out, even if their logs differ."""
    judging, former = config.evaluation, before.evaluation
    return judging.split == former.split == "pair" and config.seed == before.seed and judging.held_out <= former.held_out


def rows_of(loaded: LoadedDataset, judging: EvaluationConfig, seed: int) -> tuple[InteractionLog, InteractionLog | None]:
    """Return the rows that runs of a seed learn from, and the rows held out of the log (`split_log`); None if no judge
    needs them.
    """
    log = loaded.dataset.log
    if loaded.truth is not None and not judging.by_log:
        return log, None
    return split_log(log, judging.held_out, numpy_generator(seed, "held_out"), judging.split)
