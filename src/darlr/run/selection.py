"""Lines about users' selection of items: before a run, after the fit of its world model, and by `darlr check`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from darlr.agents.static.lists import shrunk_means
from darlr.config.experiment import ExperimentConfig
from darlr.data.dataset import Dataset
from darlr.world_model.factors.problem import is_implicit
from darlr.world_model.factors.selection import NO_LAW, from_activity
from darlr.world_model.factors.settings import SelectionConfig
from darlr.world_model.kinds import WORLD_MODELS


def selection_found(fit: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `Selection` from the fit of a world model; empty if its kind does not estimate selection."""
    return dict(fit.get("selection", {}))


def fit_notices(fit: Mapping[str, Any]) -> list[str]:
    """Return the same as one line of text, or none."""
    found = selection_found(fit)
    return [f"selection.exponent {found['exponent']:.3g}: {found['reason']}"] if found else []


def unread_ratings(config: ExperimentConfig, dataset: Dataset) -> list[str]:
    """Return a line if there are ratings of randomly shown items that the run does not read."""
    if dataset.randomised is None:
        return []
    kind, exponent = config.world_model.kind, config.own(SelectionConfig).exponent
    if SelectionConfig not in WORLD_MODELS[kind].reads:
        return [f"a world model of the kind '{kind}' does not read the ratings of randomly shown items (no effect)"]
    if exponent is not None:
        return [f"selection.exponent is set to {exponent:g}, so the ratings of randomly shown items are not read (no effect)"]
    return []


def selection_lines(dataset: Dataset, config: ExperimentConfig) -> list[str]:
    """Return lines about selection in the data set without a fit; items' mean rewards replace the estimates of a world
    model.
    """
    log, exponent = dataset.log, config.own(SelectionConfig).exponent
    if exponent is not None:
        return [f"selection: the exponent is set to {exponent:g} (selection.exponent)"]
    if is_implicit(log):
        return [f"selection: exponent 0; {NO_LAW}"]
    found = from_activity(shrunk_means(log).astype(np.float64), log)
    lines = [f"selection, by the log: exponent {found.exponent:.3g}; {found.reason}"]
    if dataset.randomised is not None:
        shown, chosen = (float(rows.rewards.mean(dtype=np.float64)) for rows in (dataset.randomised, log))
        means = f"they got {shown:.3g} on average, logged ones {chosen:.3g}"
        lines.append(f"selection, by randomly shown items: {means}; runs go by this")
    return lines
