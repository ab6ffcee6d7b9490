"""The referee: plain estimates of a world model that the policy did not learn from."""

from pathlib import Path

import pytest
import torch

from darlr.artifacts import RunFolder
from darlr.config.loading import merge
from darlr.data.registry import load
from darlr.methods.experiment import experiment_config
from darlr.rewards.table import TableReward
from darlr.run.choosing import ways_of
from darlr.run.referee import Referee
from darlr.run.specification import SpecifiedRun
from darlr.run.world_models import load_world_model
from tests.runs import SMALL, SMALL_WORLD, Listener, TrainedOnce, train_small
from tests.worlds import CPU

JUDGED = {"evaluation": {"referee": True, "episodes": 10}}


def test_every_epoch_is_judged_and_nothing_else_changes(trained_once: TrainedOnce, tmp_path: Path) -> None:
    plain = trained_once(tmp_path)
    judged = train_small(tmp_path, JUDGED)
    records = [RunFolder.open(run.path).metrics() for run in (judged, plain)]
    for with_referee, without in zip(*records, strict=True):
        same = {name for name in without if not name.startswith("seconds/")}
        assert {name: with_referee[name] for name in same} == {name: without[name] for name in same}
        assert with_referee.keys() - without.keys() == {"referee/sampled/r_tra", "referee/sampled/length"}
    assert judged.summary["referee"]["sampled"]["r_tra"]["last20"]["mean"] == records[0][-1]["referee/sampled/r_tra"]
    assert len(list((tmp_path / "synthetic" / "world-models").glob("*.safetensors"))) == 3  # its own, both runs', the lists'


def test_it_pays_plain_estimates_of_another_world_model_whatever_is_learned_from(tmp_path: Path) -> None:
    worlds = []
    for settings in ({"method": "mbpo"}, {"method": "mopo", "reward": {"uncertainty_weight": 3.0}}):
        values = merge(merge(SMALL, SMALL_WORLD), settings)
        specified = SpecifiedRun.of(values, load(experiment_config(values), None))
        config, dataset = specified.config, specified.dataset
        membership = torch.from_numpy(dataset.items.membership())
        listener = Listener()
        referee = Referee.of(config, dataset, ways_of(config), membership, tmp_path, CPU, listener, listener.notices.append)
        assert isinstance(referee.world.rewards, TableReward)
        worlds.append(referee.world.rewards)
    [file] = (tmp_path / "synthetic" / "world-models").glob("*.safetensors")
    assert file != specified.world_model_path(tmp_path)
    model, _ = load_world_model(file, CPU)
    estimates, _ = model.predict(torch.from_numpy(dataset.world.users), torch.from_numpy(dataset.world.items))
    for rewards in worlds:
        assert torch.equal(rewards.table, estimates)
        assert rewards.shift == 0
        assert (rewards.low, rewards.high) == pytest.approx(dataset.log.reward_range)
