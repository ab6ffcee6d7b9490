"""From the published files to a judged policy: planted episodes, entropies and dominant tags; every method runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from darlr.agents.static.scorers import TableScorer
from darlr.artifacts import RunFolder
from darlr.config.experiment import ExperimentConfig
from darlr.data.completion.settings import CompletingConfig
from darlr.data.completion.truths import complete_truth
from darlr.data.origin.cache import Cache, cache_directory
from darlr.data.registry import SOURCES, load
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.methods.registry import METHODS
from darlr.methods.world import world_membership
from darlr.rewards.entropy import EntropyTerm
from darlr.rewards.table import TableReward
from darlr.run.training import Finished
from darlr.run.worlds import true_world
from darlr.serving.messages import Request
from darlr.serving.recommender import Recommender
from darlr.simulator.leave import leave_rule
from darlr.simulator.simulator import Simulator, roll_out
from tests.official_files.coat import write_coat
from tests.official_files.kuairand import KuaiRand, write_kuairand
from tests.official_files.kuairec import KuaiRec, write_kuairec
from tests.official_files.movielens import write_1m, write_100k
from tests.official_files.stories import ENTROPY, EPISODES
from tests.official_files.yahoo import write_yahoo
from tests.runs import train_small
from tests.worlds import CPU

Made = KuaiRec | KuaiRand
TOLD: Mapping[str, Callable[[Path], Made]] = {"kuairec": write_kuairec, "kuairand": write_kuairand}
"""The data sets whose files contain the stories."""

WRITERS: Mapping[str, Callable[[Path], object]] = {
    **TOLD,
    "coat": write_coat,
    "yahoo": write_yahoo,
    "movielens-100k": write_100k,
    "movielens-1m": write_1m,
}

SMALLEST: Mapping[str, Any] = {
    "world_model": {"hidden_sizes": [4], "max_epochs": 1},
    "training": {"epochs": 1, "steps_per_epoch": 40, "environments": 4},
    "offline": {"batch_size": 32, "updates_per_epoch": 3},
    "evaluation": {"episodes": 4},
}
REPRESENTATIVE = ("darlr", "gt")
"""The methods that the quick tests run on every data set; the others run on `MOST_OF_ALL` alone."""
MOST_OF_ALL = "kuairec"  # has categories, times, a world smaller than its log, and blanks


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def written(data_dir: Path) -> Mapping[str, Any]:
    return {name: write(data_dir / name) for name, write in WRITERS.items()}


@dataclass(frozen=True)
class Told:
    """A data set that contains the stories, as it was written and as it was read."""

    made: Made
    loaded: LoadedDataset

    def columns(self, letters: str) -> list[int]:
        """Columns of the world of the letters' items."""
        dataset = self.loaded.dataset
        columns = {int(dataset.log.item_ids[item]): column for column, item in enumerate(dataset.world.items)}
        return [columns[self.made.letters[letter]] for letter in letters]


@pytest.fixture(scope="module", params=TOLD)
def told(request: pytest.FixtureRequest, written: Mapping[str, Any], data_dir: Path) -> Told:
    return Told(written[request.param], load(ExperimentConfig(dataset=request.param), data_dir))


def lengths(loaded: LoadedDataset, columns: list[list[int]], max_steps: int) -> list[int]:
    """Return the lengths of episodes that recommend these columns, one list for each episode; the last column is repeated."""
    dataset = loaded.dataset
    nothing = torch.zeros(dataset.world.n_users, dataset.world.n_items)
    rule = leave_rule(dataset.leave, world_membership(dataset, dataset.world.items, CPU), nothing)
    simulator = Simulator(TableReward(nothing, 0.0, 1.0), rule, dataset.world.n_items, max_steps, 1, allow_repeats=True)
    plan = torch.tensor([own + own[-1:] * (max_steps - len(own)) for own in columns])
    users = torch.arange(len(columns)) % dataset.world.n_users
    return roll_out(simulator, users, lambda at: plan[at.rows, at.step_number]).lengths.tolist()


def test_users_leave_when_planted(told: Told) -> None:
    found = lengths(told.loaded, [told.columns(letters) for letters in EPISODES], max_steps=10)
    assert dict(zip(EPISODES, found, strict=True)) == EPISODES
    assert lengths(told.loaded, [told.columns("ABCDFE")], max_steps=6) == [6]  # to the limit, nobody left


def test_videos_without_a_tag_are_alike(written: Mapping[str, Any], data_dir: Path) -> None:
    loaded, tags = load(ExperimentConfig(dataset="kuairand"), data_dir), written["kuairand"].tags
    first, second, *_ = (item for item, own in tags.items() if not own)
    tagged = next(item for item, own in tags.items() if own)
    assert lengths(loaded, [[first, second], [tagged, first, second]], max_steps=5) == [2, 3]


@pytest.mark.parametrize("letters", ENTROPY)
def test_entropies_as_worked_by_hand(told: Told, letters: str) -> None:
    dataset = told.loaded.dataset
    term = EntropyTerm.fit(dataset.log, dataset.world, (1, 2), CPU)
    start, absent = dataset.world.n_items, dataset.world.n_items + 1
    *before, now = told.columns(letters)
    window = torch.tensor([[absent, absent, start, *before]])
    assert term.value(torch.tensor([now]), window).item() == pytest.approx(ENTROPY[letters], abs=1e-6)


def test_mcd_counts_the_planted_tags(told: Told) -> None:
    dataset, made = told.loaded.dataset, told.made
    truth = told.loaded.truth or Truth(dataset.world, np.zeros((dataset.world.n_users, dataset.world.n_items), np.float32))
    world = true_world(ExperimentConfig(leave=dataset.leave), dataset, truth, dataset.world.items, CPU)
    items = dataset.log.item_ids[dataset.world.items].tolist()
    planted = [bool(set(made.tags[item]) & set(made.dominant)) for item in items]
    assert world.dominated is not None
    assert world.dominated.tolist() == planted
    in_order = TableScorer(torch.arange(len(items), 0.0, -1.0)[None])
    assert world.measure("nx_10", torch.arange(3), in_order, None)["mcd"] == pytest.approx(np.mean(planted[:10]))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of runs, shared so that a world model is fitted once for each data set."""
    return tmp_path_factory.mktemp("runs")


def cells() -> list[Any]:
    """Return every method on every data set; most of them are slow."""
    quick = {(name, method) for name in WRITERS for method in METHODS if name == MOST_OF_ALL or method in REPRESENTATIVE}
    return [
        pytest.param(name, method, marks=() if (name, method) in quick else pytest.mark.slow)
        for name in WRITERS
        for method in METHODS
    ]


@pytest.mark.parametrize(("name", "method"), cells())
def test_every_method_runs(name: str, method: str, written: Mapping[str, Any], data_dir: Path, runs: Path) -> None:
    assert name in written
    settings = {**SMALLEST, "dataset": name, "method": method}
    loaded = load(ExperimentConfig(dataset=name), data_dir)
    if METHODS[method].reward == "truth" and loaded.truth is None:
        with pytest.raises(InputError, match=f"method '{method}' learns from the truth, but the data set has none"):
            train_small(runs, settings, data_dir)
        return
    finished = train_small(runs, settings, data_dir)
    [record] = RunFolder.open(finished.path).metrics()
    assert all(np.isfinite(value) for value in record.values() if isinstance(value, float))
    if loaded.truth is None:
        assert 0 <= record["held_out/greedy/ndcg_10"] <= 1
    else:
        require_possible(record, loaded, loaded.truth)
    require_raw_ids(finished, loaded)


@pytest.mark.parametrize("name", ["kuairand", "yahoo", "movielens-1m"])
@pytest.mark.parametrize(
    "method", [pytest.param(method, marks=() if method == "gt" else pytest.mark.slow) for method in METHODS]
)
def test_every_method_runs_in_a_completed_truth(
    name: str, method: str, written: Mapping[str, Any], data_dir: Path, runs: Path
) -> None:
    source = SOURCES[name]
    tested = replace(source.completion, factors=(3,), factor_penalties=(5.0,), bias_penalties=(4.0,), sweeps=2, folds_tested=1)
    complete_truth(source, CompletingConfig(DataConfig(), tested), data_dir / name, Cache(cache_directory()), lambda *_: None)
    finished = train_small(runs / "completed", {**SMALLEST, "dataset": name, "method": method}, data_dir)
    [record] = RunFolder.open(finished.path).metrics()
    loaded = load(ExperimentConfig(dataset=name), data_dir)
    assert loaded.truth is not None
    assert isinstance(loaded.truth.rewards, np.memmap)
    require_possible(record, loaded, loaded.truth)


def require_possible(record: Mapping[str, Any], loaded: LoadedDataset, truth: Truth) -> None:
    """Check that rewards and lengths are possible under the truth and the leave rule."""
    low, high = float(truth.rewards.min()), float(truth.rewards.max())
    for mode, most in (("nx_0", loaded.dataset.leave.max_steps), ("fb", loaded.dataset.leave.max_steps), ("nx_10", 10)):
        for policy in ("sampled", "greedy"):
            assert low <= record[f"{mode}/{policy}/r_each"] <= high
            assert 1 <= record[f"{mode}/{policy}/length"] <= most
            if loaded.dataset.items.n_categories:
                assert 0 <= record[f"{mode}/{policy}/mcd"] <= 1


def require_raw_ids(finished: Finished, loaded: LoadedDataset) -> None:
    """Check that recommendations use the ids of the files."""
    log, world = loaded.dataset.log, loaded.dataset.world
    user = log.user_ids[world.users[-1]].item()
    [answer] = Recommender.load(finished.path).recommend([Request(user)], count=5)
    offered = [recommendation.item for recommendation in answer]
    assert len(set(offered)) == 5
    assert set(offered) <= set(log.item_ids[world.items].tolist())
