"""Runs with the reference code's slips: all methods support them, imposed settings are reported, and the default has no
slip.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from darlr.agents.policy import ActorCritic, Policy
from darlr.agents.settings import SelectorConfig
from darlr.artifacts import RunFolder
from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import merge, value_at
from darlr.config.yaml_text import read_yaml
from darlr.data.source import LoadedDataset
from darlr.data.truth import Truth
from darlr.errors import InputError
from darlr.methods.parts import PolicyParts
from darlr.methods.registry import METHODS
from darlr.methods.world import LearningWorld
from darlr.references.imposed import imposed_settings
from darlr.references.simulator import NormalisedStart, WrappedWindow
from darlr.references.world_model import fit_as_references
from darlr.rewards.estimates.kept import KeptEstimates
from darlr.rewards.estimates.predicted import Predicted
from darlr.rewards.kinds import REWARDS, RewardParts
from darlr.rewards.table import TableReward
from darlr.run.choosing import ways_of
from darlr.run.resolution import resolve
from darlr.run.world_models import world_model_path
from darlr.run.worlds import lookback_of, true_world
from darlr.simulator.leave import SharedCategory
from darlr.simulator.simulator import Simulator
from darlr.world.settings import LeaveConfig
from darlr.world.world import World
from darlr.world_model.ensemble import EnsembleModel
from tests.runs import Listener, results, train_small
from tests.worlds import CPU, catalog_of, dataset_of, log_of

QUICK: Mapping[str, Any] = {
    "dataset": "planted",
    "reference_quirks": True,
    "world_model": {"max_epochs": 2, "embedding_size": 4},
    "offline": {"batch_size": 32, "updates_per_epoch": 3},
    "training": {"epochs": 1, "steps_per_epoch": 30},
}


def quick(method: str) -> dict[str, Any]:
    values: dict[str, Any] = {**QUICK, "method": method}
    if SelectorConfig in METHODS[method].reads:
        values["selector"] = {"references": 3, "pool": 6, "width": 16}
    if SelectorConfig in METHODS[method].reads or method == "roler":
        values["neighbours"] = {"users": 3}
    return values


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where runs lie; methods share their world models."""
    return tmp_path_factory.mktemp("runs")


def test_a_method_that_the_references_cannot_fit_is_refused(planted: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"'world_model\.kind' is 'deepfm', but method 'bayes-adaptive' is defined by 'factors'"
    ):
        train_small(tmp_path, quick("bayes-adaptive"), planted)


def runs_as_references(method: str) -> bool:
    fixed = METHODS[method].fixed
    return "reference_quirks" not in fixed and ("world_model.kind" not in fixed or method == "ips")


def test_a_method_that_the_references_have_not_is_refused(planted: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'reference_quirks' is True, but method 'dqn' is defined by False"):
        train_small(tmp_path, quick("dqn"), planted)


@pytest.mark.parametrize("method", [name for name in METHODS if runs_as_references(name)])
def test_every_method_runs_and_tells_what_was_set(method: str, planted: Path, out: Path) -> None:
    told = Listener()
    finished = train_small(out, quick(method), planted, told)
    written = read_yaml(finished.path / "config.yaml")
    assert written["reference_quirks"] is True
    for key, value in imposed_settings(method, "planted").fixed.items():
        assert value_at(finished.config, key) == value
        section, name = key.split(".")
        assert written[section][name] == value
    assert "with the references' slips (reference_quirks): for comparison with published numbers alone" in told.notices
    assert RunFolder.open(finished.path).metrics()[-1]["nx_0/sampled/length"] == 10


def test_a_run_repeats_its_numbers_and_resumes(planted: Path, tmp_path: Path) -> None:
    values = merge(quick("roler"), {"training": {"epochs": 2}})
    whole = train_small(tmp_path / "whole", values, planted)
    train_small(tmp_path / "parts", quick("roler"), planted)
    parts = train_small(tmp_path / "parts", values, planted)
    first, second = (results(run.path) for run in (whole, parts))
    assert first["metrics"] == second["metrics"]
    assert first["policy.safetensors"] == second["policy.safetensors"]


def world(rewards: tuple[float, float] = (1.0, 5.0), name: str = "mine") -> LoadedDataset:
    """A log of two users, twelve items of three categories and a truth of 0..4."""
    log = log_of([(0, 0, rewards[0]), (1, 1, rewards[1]), (1, 2, rewards[0])], 2, 12)
    dataset = dataset_of(log, catalog_of([[item % 3] for item in range(12)]), name=name, leave=LeaveConfig(max_steps=5))
    truth = (np.arange(24, dtype=np.float32) % 5).reshape(2, 12)
    return LoadedDataset(dataset, Truth(dataset.world, truth))


def config(method: str, quirks: bool = True, **values: Any) -> ExperimentConfig:
    neighbours = {"neighbours": {"users": 2}} if method == "roler" else {}
    return resolve({"method": method, "reference_quirks": quirks, **neighbours, **values}, world())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"method": "dorl", "training": {"allow_repeats": False}},
            "config key 'training.allow_repeats' is False, but 'reference_quirks' sets it to True",
        ),
        (
            {"method": "ips", "world_model": {"loss": "logged"}},
            "'world_model.loss' is 'logged', but 'reference_quirks' sets it",
        ),
        ({"method": "gt", "leave": {"window": 4}}, "'leave.window' is 4, but 'reference_quirks' sets it to 1"),
        (
            {"method": "roler", "tracker": {"item_vectors": "world_model"}},
            "'tracker.item_vectors' is 'world_model', but 'reference_quirks' sets it to 'random'",
        ),
    ],
)
def test_refuses_what_contradicts_it(values: dict[str, Any], message: str) -> None:
    accepted: dict[str, Any] = {"neighbours": {"users": 2}} if values["method"] == "roler" else {}
    resolve({**accepted, **values}, world())
    with pytest.raises(InputError, match=message):
        resolve({**accepted, **values, "reference_quirks": True}, world())


def test_offline_states_need_logged_rewards_that_differ() -> None:
    for method in ("dorl", "sqn"):
        resolve({"method": method}, world((1.0, 1.0)))
    resolve({"method": "dorl", "reference_quirks": True}, world((1.0, 1.0)))
    with pytest.raises(InputError, match="rewards normalised by the log's range, but every logged reward is the same"):
        resolve({"method": "sqn", "reference_quirks": True}, world((1.0, 1.0)))


def test_a_truth_that_lacks_items_is_refused() -> None:
    dataset = world().dataset
    truth = Truth(World(np.arange(2), np.arange(11)), np.zeros((2, 11), np.float32))
    assert true_world(config("dorl", quirks=False), dataset, truth, dataset.world.items, CPU).n_allowed == 11
    with pytest.raises(InputError, match="the truth lacks items that the policy may recommend, but the references' masks"):
        true_world(config("dorl"), dataset, truth, dataset.world.items, CPU)


def test_published_sizes_are_defaults_that_may_be_changed() -> None:
    assert (config("mbpo").world_model.max_epochs, config("mbpo", quirks=False).world_model.max_epochs) == (5, 20)
    assert config("mbpo", world_model={"max_epochs": 7}).world_model.max_epochs == 7
    assert (config("ips").world_model.members, config("ips").world_model.max_epochs) == (1, 200)


@pytest.mark.parametrize(
    ("method", "quirks", "expected"),
    [
        ("dorl", True, (0.0, 4.0)),  # the truth's own range: the leak
        ("sqn", True, (1.0, 5.0)),  # what occurs in the log
        ("dorl", False, (0.0, 5.0)),  # what the log declares
        ("sqn", False, (0.0, 5.0)),
    ],
)
def test_what_normalises_the_states_of_tests(method: str, quirks: bool, expected: tuple[float, float]) -> None:
    loaded = world()
    assert loaded.truth is not None
    tested = true_world(config(method, quirks), loaded.dataset, loaded.truth, loaded.dataset.world.items, CPU)
    assert (tested.rewards.low, tested.rewards.high) == expected
    assert tested.simulator is (NormalisedStart if quirks else Simulator)
    assert isinstance(tested.leave, WrappedWindow if quirks else SharedCategory)


def estimated(*tables: torch.Tensor) -> Predicted:
    return Predicted(*map(KeptEstimates, tables))


def paid(chosen: ExperimentConfig, predicted: Predicted, learned: Predicted) -> TableReward:
    method = METHODS[chosen.method]
    parts = RewardParts(world().dataset, predicted, learned, None, method.weights(chosen))
    reward = ways_of(chosen).paid(REWARDS[chosen.reward.kind].build(parts), parts, method.reward == "truth")
    assert isinstance(reward, TableReward)
    return reward


@pytest.mark.parametrize(
    ("method", "quirks", "bounds", "shift"),
    [
        ("roler", True, (0.0, 4.0), 2.0),  # of what was predicted: 2 to 6
        ("roler", False, (0.0, 2.0), 3.0),  # of what is learned from: 3 to 5
        ("gt", True, (0.0, 4.0), 0.0),  # the truth is paid as it is
        ("gt", False, (0.0, 2.0), 3.0),
    ],
)
def test_what_shifts_and_normalises_rewards_of_learning(
    method: str, quirks: bool, bounds: tuple[float, float], shift: float
) -> None:
    predicted = estimated(torch.tensor([[2.0, 6.0], [3.0, 4.0]]), torch.zeros(2, 2))
    learned = estimated(torch.tensor([[3.0, 5.0], [3.0, 4.0]]), torch.zeros(2, 2))
    reward = paid(config(method, quirks), predicted, learned)
    assert torch.equal(reward.table, learned.rewards.table())
    assert ((reward.low, reward.high), reward.shift) == (bounds, shift)


def test_penalties_of_the_unshaped_model_count_for_the_range_too() -> None:
    predicted = estimated(torch.tensor([[2.0, 6.0]]), torch.tensor([[1.0, 3.0]]))
    learned = estimated(torch.tensor([[3.0, 5.0]]), torch.zeros(1, 2))
    chosen = config("roler", reward={"uncertainty_weight": 0.5})
    reward = paid(chosen, predicted, learned)
    assert (reward.shift, reward.high) == (2 - 1.5, (6 - 0.5) - (2 - 1.5))
    assert torch.equal(reward.table, learned.rewards.table())  # the shaped estimates have no penalty


def learning_world(chosen: ExperimentConfig) -> tuple[LearningWorld, EnsembleModel]:
    loaded = world()
    model, _ = fit_as_references(loaded.dataset, chosen.world_model, 0, CPU)
    truth = None if loaded.truth is None else loaded.truth.rewards
    method, ways = METHODS[chosen.method], ways_of(chosen)
    return method.learning_world(chosen, ways, loaded.dataset, truth, model, CPU), model


def test_the_simulator_that_is_learned_in() -> None:
    chosen = config("roler", world_model={"max_epochs": 1})
    parts, _ = learning_world(chosen)
    simulator = parts.simulator(chosen, parts.reward, ways_of(chosen), lookback_of(chosen))
    assert isinstance(simulator, NormalisedStart)
    assert simulator.allow_repeats
    assert isinstance(parts.leave, WrappedWindow)
    assert (parts.leave.window, lookback_of(chosen)) == (1, 3)


def policy_of(chosen: ExperimentConfig, model: EnsembleModel, world: LearningWorld) -> Policy:
    users, items = np.arange(2), np.arange(12)
    parts = PolicyParts(chosen, ways_of(chosen), model, users, items, world.membership, None, (0.0, 5.0), CPU)
    return METHODS[chosen.method].policy(parts)


def test_item_vectors_are_drawn_where_that_is_asked_for() -> None:
    drawn, taken, plain = config("roler"), config("dorl"), config("dorl", quirks=False)
    parts, model = learning_world(config("dorl", world_model={"max_epochs": 1}))
    vectors = {}
    for name, chosen in (("drawn", drawn), ("taken", taken), ("plain", plain)):
        policy = policy_of(chosen, model, parts)
        assert isinstance(policy, ActorCritic)
        vectors[name] = policy.tracker.item_vectors[:12].detach()
    assert torch.equal(vectors["taken"], model.network.item_vectors())
    assert torch.equal(vectors["plain"], vectors["taken"])
    assert 0.005 < float(vectors["drawn"].std()) < 0.02
    again = policy_of(drawn, model, parts)
    assert isinstance(again, ActorCritic)
    assert torch.equal(again.tracker.item_vectors[:12], vectors["drawn"])


def test_world_models_are_not_shared_with_fair_runs(tmp_path: Path) -> None:
    fair = {"world_model": config("mbpo").world_model.__dict__}
    assert config("mbpo", quirks=False, **fair).world_model == config("mbpo").world_model
    paths = {world_model_path(tmp_path, config("mbpo", quirks, **fair), world().dataset) for quirks in (True, False)}
    assert len(paths) == 2
