"""The fits of opponents on disk: each is made once for a data set and a seed, and shared by all runs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from darlr._version import __version__
from darlr.agents.acting import Scorer
from darlr.artifacts.locks import sole_writer
from darlr.artifacts.schema import require_finite, restoring
from darlr.artifacts.tensors import read_tensors, write_tensors
from darlr.cluster.workers import HERE, Workers
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import stable_hash, to_mapping
from darlr.data.dataset import Dataset
from darlr.evaluation.opponents import Sources
from darlr.evaluation.supervised import Build, Fit, Fits
from darlr.run.world_models import list_factors
from darlr.seeding import numpy_generator
from darlr.world_model.model import WorldModel

OPPONENT_FITS = "opponents"
"""The folder of a data set's fits, in a results folder."""


def opponent_sources(
    out: Path,
    config: ExperimentConfig,
    dataset: Dataset,
    device: torch.device,
    notice: Callable[[str], None],
    own: tuple[WorldModel, Mapping[str, Any]] | None = None,
    workers: Workers = HERE,
) -> Sources:
    """The sources of opponents, read from the results folder `out` or fitted into it.

    Args:
        out: the results folder.
        config: the settings.
        dataset: training data.
        device: device of the factor model.
        notice: receives messages that the user should see.
        own: see `list_factors`.
    """
    factors = list_factors(out, config, dataset, device, notice, own, workers)
    return Sources(factors, stored_fits(out, config, dataset, notice), notice)


def stored_fits(out: Path, config: ExperimentConfig, dataset: Dataset, notice: Callable[[str], None]) -> Fits:
    """Fits below `out`. If several processes need one, one makes the fit and the others wait."""

    def obtain(name: str, fit: Fit, build: Build) -> Scorer:
        path = _path(out, name, config, dataset)
        if not path.is_file():
            with sole_writer(path, lambda: notice(f"another process fits the opponent '{name}': waiting for it")):
                if not path.is_file():
                    write_tensors(path, fit(numpy_generator(config.seed, "opponents", name)), {"opponent": name})
        learned, _ = read_tensors(path)
        with restoring(path):
            require_finite(learned)
            return build(learned)

    return obtain


def _path(out: Path, name: str, config: ExperimentConfig, dataset: Dataset) -> Path:
    """The fit's file. Its name depends on the rows that are learned from, and on the seed."""
    key = stable_hash(
        {
            "darlr": __version__,
            "opponent": name,
            "data": dict(dataset.hashes),
            "reading": to_mapping(config.data),
            "rows": len(dataset.log),
            "split": config.evaluation.split,
        }
    )
    return out / dataset.name / OPPONENT_FITS / f"{name}-{key}-s{config.seed}.safetensors"
