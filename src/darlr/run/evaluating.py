"""Testing the policy of a finished run again: in other modes, on more users, or against another truth."""

from collections.abc import Mapping
from pathlib import Path

import torch

from darlr.artifacts import RunFolder
from darlr.data.readers.folder import read_truth_folder
from darlr.data.registry import load
from darlr.errors import InputError
from darlr.evaluation.modes import MODES, POLICIES, SAMPLED
from darlr.evaluation.table import Values, tabulated
from darlr.report.rendering.table import Cell, Quantity, Table
from darlr.run.saved import SavedPolicy
from darlr.run.worlds import true_world
from darlr.seeding import torch_generator

ByMode = Mapping[str, Mapping[str, Values]]
"""mode > policy > metric -> value, in the order of a run's summary."""


def evaluate_run(
    run: Path,
    mode: str,
    policy: str,
    users: int | None,
    truth_folder: Path | None,
    seed: int,
    data_dir: Path | None,
    device: torch.device,
) -> ByMode:
    """Test the policy of `run` (the epoch that did best in the simulator).

    Args:
        mode: one of `MODES`, or "all".
        policy: "sampled", "greedy" or "both".
        users: how many users to draw with replacement; None tests every user of the truth once.
        truth_folder: a truth in the folder format instead of the data set's own; its users may be any of the log's.

    Raises:
        InputError: for a run without a policy, data that changed since the run or have no truth, or a truth with users or items
            that the run does not know.
    """
    folder = RunFolder.open(run)
    saved = SavedPolicy(folder, device)
    loaded = load(saved.config, data_dir)
    require_unchanged(folder, loaded.dataset.hashes)
    truth = (
        loaded.truth if truth_folder is None else read_truth_folder(truth_folder, loaded.dataset.log, loaded.dataset.paid_range)
    )
    if truth is None:
        raise InputError(f"{run}: its data set '{loaded.dataset.name}' has no truth; give one with --truth FOLDER")
    if users is not None and users < 1:
        raise InputError(f"the number of users is {users}; expected at least 1")
    world = true_world(saved.config, loaded.dataset, truth, saved.world_items, device)
    scorer = saved.network(truth.world.users).scorer()
    generator = torch_generator(seed, "evaluate", device=device)
    rows = world.every_user if users is None else world.draw_users(users, generator)
    return {
        name: {
            chosen: world.measure(name, rows, scorer, generator if chosen == SAMPLED else None)
            for chosen in (POLICIES if policy == "both" else (policy,))
        }
        for name in (MODES if mode == "all" else (mode,))
    }


def require_unchanged(folder: RunFolder, hashes: Mapping[str, str]) -> None:
    """Raise `InputError` if the data, known by their `hashes`, are not those that the run learned from."""
    before = folder.environment()["data"]
    changed = sorted(name for name in before.keys() | hashes.keys() if before.get(name) != hashes.get(name))
    if changed:
        raise InputError(f"{folder.path}: '{changed[0]}' has changed since this run; restore the file or train again")


def results_table(run: Path, results: ByMode) -> Table:
    """Rows: mode and policy; columns: the metrics."""
    metrics = list(dict.fromkeys(metric for mode in results for metric in tabulated(mode)))
    rows: list[tuple[Cell, ...]] = []
    for mode, policies in results.items():
        for policy, values in policies.items():
            cells = [None if (value := values.get(metric.name)) is None else Quantity(value) for metric in metrics]
            rows.append((mode, policy, *cells))
    return Table(f"{run}", ("mode", "policy", *(metric.label for metric in metrics)), tuple(rows))
