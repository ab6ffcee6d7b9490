"""Further tests of a finished run's policy: in other modes, on more users, or against another truth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import torch

from darlr.artifacts import RunFolder
from darlr.artifacts.beginning import WARM_START
from darlr.config.constraints import require_between
from darlr.config.experiment import ExperimentConfig
from darlr.data.log import InteractionLog
from darlr.data.parsing.vocabulary import Vocabulary
from darlr.data.readers.folder import read_folder, read_truth_folder
from darlr.data.registry import load
from darlr.data.source import LoadedDataset
from darlr.errors import InputError
from darlr.evaluation.held_out import held_out_rows, judge_by_group
from darlr.evaluation.modes import MODES, POLICIES, SAMPLED
from darlr.evaluation.opponents import OpponentParts, opponent_scorers
from darlr.evaluation.table import Values, tabulated
from darlr.evaluation.user_groups import UserGroups, require_feature
from darlr.memory import require_fits
from darlr.methods.experiment import experiment_config
from darlr.methods.world import world_membership
from darlr.report.analysis.off_policy import OFF_POLICY
from darlr.report.analysis.user_groups import BY_GROUP, POLICY
from darlr.report.rendering.table import Cell, Quantity, Table
from darlr.rewards.estimates.predicted import Predicted
from darlr.run.needs import of_test
from darlr.run.opponent_sources import opponent_sources
from darlr.run.saved import SavedPolicy
from darlr.run.specification import SpecifiedRun
from darlr.run.without_truth import judge_by_log
from darlr.run.world_models import WORLD_MODEL, load_world_model
from darlr.run.worlds import lookback_of, true_world
from darlr.seeding import numpy_generator, torch_generator
from darlr.world.window import Window

ByMode = Mapping[str, Mapping[str, Values]]
"""mode -> policy -> metric -> value, in the order of a run's summary."""
MOST_USERS = 100_000_000
"""The largest number of users of a test."""


def data_set_at(run: Path, place: Path, data_dir: Path | None) -> LoadedDataset:
    """The data set of `run`, whose folder lies at `place` by now; raises `InputError` where there is none.

    Whether it is still what the run learned from is checked by `require_unchanged`.
    """
    config = experiment_config(RunFolder.open(run).config())
    return load(replace(config, dataset=str(place)), data_dir)


def _data_set_of(config: ExperimentConfig, data_dir: Path | None) -> LoadedDataset:
    """Load the data set that the settings name."""
    if Path(config.dataset).is_absolute() and not Path(config.dataset).exists():
        raise InputError(
            f"{config.dataset}: no such folder; the run's data set was there; if it was moved, name its place (--dataset)"
        )
    return load(config, data_dir)


@dataclass(frozen=True)
class OpenedRun:
    """A run with its policy and its data, which have not changed since."""

    path: Path
    saved: SavedPolicy
    loaded: LoadedDataset
    device: torch.device

    @classmethod
    def of(cls, run: Path, data_dir: Path | None, device: torch.device, loaded: LoadedDataset | None = None) -> "OpenedRun":
        """Open a run.

        Args:
            run: its folder.
            data_dir: the folder of data sets.
            device: the device that computes.
            loaded: its data set, if it is already loaded.

        Raises:
            InputError: for a run without a policy, and for data that changed since the run.
        """
        folder = RunFolder.open(run)
        saved = SavedPolicy(folder, device)
        loaded = _data_set_of(saved.config, data_dir) if loaded is None else loaded
        require_unchanged(folder, loaded.dataset.hashes)
        return cls(folder.path, saved, loaded, device)

    @property
    def has_truth(self) -> bool:
        """Whether its data set has a truth."""
        return self.loaded.truth is not None


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
    """Test the policy of `run` (from the epoch that did best in the simulator).

    Args:
        run: its folder.
        mode: one of `MODES`, or "all".
        policy: "sampled", "greedy" or "both".
        users: number of users drawn with replacement; None tests every user of the truth once.
        truth_folder: a truth in the folder format that replaces the data set's own; its users may be any of the log's.
        seed: the seed of the test.
        data_dir: the folder of data sets.
        device: the device that computes.

    Raises:
        InputError: for a run without a policy, data that changed since the run or have no truth, or a truth with users or
            items that the run does not know.
    """
    return evaluate_opened(OpenedRun.of(run, data_dir, device), mode, policy, users, truth_folder, seed)


def evaluate_opened(run: OpenedRun, mode: str, policy: str, users: int | None, truth_folder: Path | None, seed: int) -> ByMode:
    """Test an open run; for the arguments see `evaluate_run`."""
    saved, loaded, device = run.saved, run.loaded, run.device
    truth = (
        loaded.truth if truth_folder is None else read_truth_folder(truth_folder, loaded.dataset.log, loaded.dataset.paid_range)
    )
    if truth is None:
        raise InputError(
            f"{run.path}: its data set '{loaded.dataset.name}' has no truth; give one with --truth FOLDER, or let a log judge"
        )
    if users is not None:
        require_between("the number of users", users, 1, MOST_USERS)
        require_fits([of_test(users, saved.config, f"the number of users is {users:,}")])
    world = replace(true_world(saved.config, loaded.dataset, truth, saved.world_items, device), seed=seed)
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


def evaluate_by_log(
    run: Path, log_folder: Path | None, seed: int, data_dir: Path | None, device: torch.device, by_group: str | None = None
) -> Mapping[str, Any]:
    """Judge the policy of `run` and its opponents by a log; return the entry `off_policy` of a summary.

    Args:
        run: its folder.
        log_folder: a log in the folder format, newer than the run; None uses the rows that were held out of the run's own log.
        seed: the seed of the resamples and of the fitted logging policy.
        data_dir: the folder of data sets.
        device: the device that computes.
        by_group: a feature of users, by which held-out metrics are also given under `by_group`; None uses the run's setting.

    Raises:
        InputError: for a run without a policy, data that changed since the run, a log without any of its users and items,
            and a data set with a truth if no log is given.
    """
    return judge_opened(OpenedRun.of(run, data_dir, device), log_folder, seed, by_group)


def judge_opened(run: OpenedRun, log_folder: Path | None, seed: int, by_group: str | None = None) -> Mapping[str, Any]:
    """Judge an open run; for the arguments see `evaluate_by_log`."""
    saved, loaded, device = run.saved, run.loaded, run.device
    specified = SpecifiedRun.with_config(saved.config, loaded)
    config, dataset = saved.config, specified.dataset
    feature = config.evaluation.by_group if by_group is None else by_group
    if feature:
        require_feature(dataset.user_features, feature)
    judging, notes = (specified.held_out, []) if log_folder is None else newer_rows(log_folder, dataset.log)
    if judging is None:
        raise InputError(
            f"{run.path}: its data set '{dataset.name}' has a truth; expected a log to judge by, with --log FOLDER"
        )
    own = load_world_model(run.path / f"{WORLD_MODEL}.safetensors", device)
    world = dataset.world
    estimates = Predicted.of(own[0], world.users, world.items, device, config.reward.table_cells).rewards
    membership = world_membership(dataset, dataset.world.items, device)
    with TemporaryDirectory(prefix="darlr-") as scratch:
        results = run.path.parents[2]
        shared = results if (results / dataset.name / "world-models").is_dir() else Path(scratch)
        started_afresh = WARM_START not in RunFolder.open(run.path).environment()
        sources = opponent_sources(shared, config, dataset, device, notes.append, None if started_afresh else own)
        parts = OpponentParts(dataset, estimates, numpy_generator(seed, "opponents"), dataset.paid_range, sources)
        opponents = opponent_scorers(parts, config.leave, membership, config.evaluation.opponents)
    try:
        ranking = held_out_rows(dataset.log, judging, dataset.world, device)
    except InputError as error:  # the value needs no ranking
        ranking = None
        notes.append(str(error))
    start = Window.at_start(dataset.world.n_items, lookback_of(config), device)
    scorer = saved.network(dataset.world.users).scorer()
    generator = numpy_generator(seed, OFF_POLICY)
    found = judge_by_log(dataset, judging, scorer, opponents, estimates, start, ranking, generator).to_dict()
    groups = {}
    if feature and ranking is not None:
        users = dataset.world.users[ranking.users.cpu().numpy()]
        chosen = UserGroups.of(dataset.user_features, feature, users)
        groups[BY_GROUP] = judge_by_group(ranking, chosen, {POLICY: scorer, **opponents}, start)
    return {**found, **groups, "notes": [*notes, *found["notes"]]}


def newer_rows(folder: Path, log: InteractionLog) -> tuple[InteractionLog, list[str]]:
    """Return the rows of a folder's log about users and items of `log`, in its indices, and notes on the other rows."""
    newer = read_folder(folder).dataset.log
    if newer.reward_range != log.reward_range:
        raise InputError(
            f"{folder}: rewards are {newer.reward_range[0]:g}..{newer.reward_range[1]:g}; expected the run's, "
            f"{log.reward_range[0]:g}..{log.reward_range[1]:g}"
        )
    places = [
        Vocabulary.of(known).find(pl.Series(ids[rows].astype(str)))
        for known, ids, rows in (
            (log.user_ids, newer.user_ids, newer.users),
            (log.item_ids, newer.item_ids, newer.items),
        )
    ]
    known = (places[0] >= 0) & (places[1] >= 0)
    if not known.any():
        raise InputError(f"{folder}: no row is about a user and an item that the run knows; expected some")
    rows = newer.rows(known)
    left_out = [] if known.all() else [f"{int((~known).sum()):,} rows are about users or items that the run does not know"]
    users, items = (place[known].astype(np.int32) for place in places)
    return replace(rows, users=users, items=items, user_ids=log.user_ids, item_ids=log.item_ids), left_out


def require_unchanged(folder: RunFolder, hashes: Mapping[str, str]) -> None:
    """Raise `InputError` if the `hashes` of the data are not those that the run learned from."""
    before = folder.environment()["data"]
    changed = sorted(name for name in before.keys() | hashes.keys() if before.get(name) != hashes.get(name))
    if changed:
        raise InputError(f"{folder.path}: '{changed[0]}' has changed since this run; restore the file or train again")


def results_table(run: Path, results: ByMode) -> Table:
    """Return a table with rows for mode and policy and a column for each metric."""
    measured = {name for policies in results.values() for values in policies.values() for name in values}
    metrics = list(dict.fromkeys(metric for mode in results for metric in tabulated(mode) if metric.name in measured))
    rows: list[tuple[Cell, ...]] = []
    for mode, policies in results.items():
        for policy, values in policies.items():
            cells = [None if (value := values.get(metric.name)) is None else Quantity(value) for metric in metrics]
            rows.append((mode, policy, *cells))
    return Table(f"{run}", ("mode", "policy", *(metric.label for metric in metrics)), tuple(rows))
