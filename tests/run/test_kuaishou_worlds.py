"""Effects of reading options on runs: scales of rewards, masked cells, videos without a tag."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from darlr.config.loading import from_mapping
from darlr.data.origin.cache import Cache
from darlr.data.readers.kuairand import read_kuairand
from darlr.data.readers.kuairec import read_kuairec
from darlr.data.settings import DataConfig
from darlr.data.source import LoadedDataset
from darlr.data.statistics import describe
from darlr.evaluation.protocol import EvaluationWorld
from darlr.methods.world import world_membership
from darlr.run.notices import notices
from darlr.run.resolution import resolve
from darlr.run.world_models import world_model_path
from darlr.run.worlds import true_world
from darlr.simulator.leave import leave_rule
from tests.official_files.kuairand import write_kuairand
from tests.official_files.kuairec import KuaiRec, write_kuairec
from tests.worlds import CPU


def kuairec(folder: Path, **choices: str) -> tuple[KuaiRec, LoadedDataset, EvaluationWorld]:
    made = write_kuairec(folder)
    loaded = read_kuairec(made.folder, from_mapping(DataConfig, choices), Cache(folder / "cache"))
    config = resolve({"dataset": "kuairec", "method": "mbpo", "data": choices}, loaded)
    assert loaded.truth is not None
    return made, loaded, true_world(config, loaded.dataset, loaded.truth, loaded.dataset.world.items, CPU)


def test_the_test_world_pays_ratios_whatever_is_learned(tmp_path: Path) -> None:
    made, loaded, world = kuairec(tmp_path, reward="normalised")
    assert loaded.dataset.log.reward_range[1] == 10
    np.testing.assert_array_equal(world.table.numpy(), made.truth.astype(np.float32))
    assert (world.rewards.low, world.rewards.high) == (0.0, 5.0)
    assert world.forbidden is None


def test_masked_cells_are_forbidden(tmp_path: Path) -> None:
    made, _, world = kuairec(tmp_path, missing_truth="masked")
    assert world.forbidden is not None
    np.testing.assert_array_equal(world.forbidden.numpy(), made.missing)


def test_another_reading_is_another_world_model(tmp_path: Path) -> None:
    _, loaded, _ = kuairec(tmp_path)
    paths = {
        world_model_path(tmp_path, resolve({"dataset": "kuairec", "data": choices}, loaded), loaded.dataset)
        for choices in ({}, {"reward": "normalised"}, {"features": "all"})
    }
    assert len(paths) == 3


def test_users_leave_at_the_second_video_without_a_tag(tmp_path: Path) -> None:
    made = write_kuairand(tmp_path)
    loaded = read_kuairand(made.folder, DataConfig(), Cache(tmp_path / "cache"))
    dataset = loaded.dataset
    membership = world_membership(dataset, dataset.world.items, CPU)
    rule = leave_rule(dataset.leave, membership, torch.zeros(dataset.world.n_users, dataset.world.n_items))
    one, other, *_ = (item for item, tags in made.tags.items() if not tags)
    tagged = next(item for item, tags in made.tags.items() if tags)
    start = dataset.world.n_items
    recent = torch.tensor([[start + 1, start + 1, start, one], [start + 1, start + 1, start, tagged]])
    assert rule.leaves(torch.tensor([other, other]), recent).tolist() == [True, False]


def test_a_truth_that_can_be_completed_is_told_of(tmp_path: Path) -> None:
    made = write_kuairand(tmp_path)
    loaded = read_kuairand(made.folder, DataConfig(), Cache(tmp_path / "cache"))
    texts = notices(resolve({"dataset": "kuairand", "method": "mbpo"}, loaded), loaded)
    assert any(text.endswith("held-out log rows only; `darlr complete kuairand` makes one") for text in texts)
    assert dict(describe(loaded))["truth"].endswith("; `darlr complete kuairand` makes one")
    without = replace(loaded, exposed=None)
    assert "the data set has no truth, so the policy is judged on held-out log rows only" in notices(
        resolve({"dataset": "kuairand", "method": "mbpo"}, without), without
    )
