from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from darlr.data.dataset import Dataset
from darlr.errors import InputError, RunError
from darlr.run.world_models import load_world_model, save_world_model
from darlr.world_model.ensemble import EnsembleModel
from darlr.world_model.fitting import (
    FitReport,
    fit_world_model,
    resolve_batch_size,
    resolve_epochs,
    resolve_fit,
    resolve_loss,
    unlogged_reward,
)
from darlr.world_model.ranking import pairwise_accuracy
from darlr.world_model.settings import WorldModelConfig
from darlr.world_model.training import one_cycle
from tests.workers import Elsewhere
from tests.worlds import CPU, dataset_of, log_of, low_rank_world

SMALL = WorldModelConfig(
    members=3,
    embedding_size=4,
    hidden_sizes=(16,),
    batch_size=32,
    learning_rate=1e-2,
    schedule="constant",
    weight_decay=1e-3,
    max_epochs=100,
)


def fit(dataset: Dataset, seed: int = 0, **changes: Any) -> tuple[EnsembleModel, FitReport]:
    return fit_world_model(dataset, replace(SMALL, **changes), seed, CPU)


@pytest.fixture(scope="module")
def world() -> Dataset:
    return low_rank_world(12, 15)[0]


def test_same_seed_same_weights(world: Dataset) -> None:
    first, again, other = (fit(world, seed, max_epochs=2)[0].network.state_dict() for seed in (5, 5, 6))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["table"], other["table"])


def test_members_differ(world: Dataset) -> None:
    model, _ = fit(world, max_epochs=3)
    users, items = torch.arange(12).repeat_interleave(15), torch.arange(15).repeat(12)
    with torch.no_grad():
        mean, _ = model.network(users.expand(3, -1), items.expand(3, -1))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert float((mean[one] - mean[other]).abs().mean()) > 1e-3


def test_early_stopping_restores_each_members_best_epoch(world: Dataset) -> None:
    model, report = fit(world, patience=3, max_epochs=60, learning_rate=3e-2, weight_decay=0.0)
    assert max(report.best_epochs) + 3 == report.epochs < 60  # so the last epochs were no better, and are not what is kept
    for member, epoch in enumerate(report.best_epochs):
        stopped, _ = fit(world, patience=3, max_epochs=epoch, learning_rate=3e-2, weight_decay=0.0)
        for name, parameter in model.network.named_parameters():
            assert torch.equal(parameter[member], stopped.network.get_parameter(name)[member]), name


@pytest.mark.parametrize("changes", [{}, {"loss": "negatives", "schedule": "one_cycle"}])
def test_members_that_are_trained_apart_are_the_same_but_for_rounding(world: Dataset, changes: dict[str, Any]) -> None:
    together, told = fit(world, max_epochs=4, patience=2, **changes)
    apart, told_apart = fit(world, max_epochs=4, patience=2, members_apart=True, **changes)
    for name, tensor in together.network.state_dict().items():
        torch.testing.assert_close(apart.network.state_dict()[name], tensor, rtol=1e-5, atol=1e-5)
    assert told_apart.best_epochs == told.best_epochs
    assert told_apart.held_out_loss == pytest.approx(told.held_out_loss, rel=1e-5)


@pytest.mark.parametrize("apart", [True, False])
def test_no_bit_depends_on_who_trains_the_members(world: Dataset, apart: bool) -> None:
    config = replace(SMALL, max_epochs=3, loss="negatives", members_apart=apart)
    here, told = fit_world_model(world, config, 0, CPU)
    elsewhere, told_elsewhere = fit_world_model(world, config, 0, CPU, workers=Elsewhere())
    for name, tensor in here.network.state_dict().items():
        assert torch.equal(elsewhere.network.state_dict()[name], tensor), name
    assert told_elsewhere == told


def test_a_fit_that_was_stopped_goes_on_elsewhere(world: Dataset) -> None:
    kept = Kept()
    config = replace(SMALL, max_epochs=3, members_apart=True)
    apart, _ = fit_world_model(world, config, 0, CPU, checkpoint=kept, workers=Elsewhere())
    again = Kept(kept.saved[0])
    resumed, _ = fit_world_model(world, config, 0, CPU, checkpoint=again, workers=Elsewhere())
    assert [state["epoch"] for _, state in kept.saved] == [1, 2, 3]
    assert [state["epoch"] for _, state in again.saved] == [2, 3]
    for name, tensor in apart.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], tensor), name


def test_a_planted_world_is_ranked_well() -> None:
    dataset, truth = low_rank_world(40, 40)
    model, report = fit(dataset, max_epochs=40)
    estimate, _ = model.predict(torch.arange(40), torch.arange(40))
    unseen = np.ones_like(truth, bool)
    unseen[dataset.log.users, dataset.log.items] = False
    users, items = np.nonzero(unseen)
    assert pairwise_accuracy(users, truth[users, items], estimate.numpy()[users, items]) > 0.8
    assert report.held_out_ranking is not None
    assert report.held_out_ranking > 0.75


@pytest.mark.parametrize(("reward", "bounds"), [(4.0, (1.0, 5.0)), (3.0, (-2.0, 3.0))])
def test_negatives_are_worth_the_smallest_reward(reward: float, bounds: tuple[float, float]) -> None:
    """A constant log of half the pairs: they are worth the reward, and the others the smallest that a user can give."""
    logged = np.array([[user % 2 == item % 2 for item in range(12)] for user in range(12)])
    rows = [(int(user), int(item), reward) for user, item in np.argwhere(logged)]
    dataset = dataset_of(log_of(rows, 12, 12, reward_range=bounds))
    assert unlogged_reward(SMALL, dataset) == bounds[0]
    estimates = (
        fit(dataset, members=1, max_epochs=40, learning_rate=3e-2)[0].predict(torch.arange(12), torch.arange(12))[0].numpy()
    )
    middle = (reward + bounds[0]) / 2
    assert estimates[~logged].mean() == pytest.approx(bounds[0], abs=0.5)
    assert estimates[logged].mean() > middle
    assert estimates.min() > bounds[0] - 1


def test_a_log_of_the_smallest_reward_alone_is_refused() -> None:
    dataset = dataset_of(log_of([(0, 0, 1.0), (1, 1, 1.0)], 2, 2, reward_range=(1.0, 5.0)))
    for loss in ("auto", "negatives", "logged"):
        with pytest.raises(
            InputError, match=r"^every logged reward is 1, the smallest that a user can give, like pairs without"
        ):
            resolve_loss(WorldModelConfig(loss=loss), dataset)


def test_negatives_tell_the_logged_from_the_rest() -> None:
    # Users and items of the same half meet in the log, the others never; every reward is 1.
    rows = [(user, item, 1.0) for user in range(12) for item in range(12) if user % 2 == item % 2 and (user + item) % 5]
    dataset = dataset_of(log_of(rows, 12, 12))
    model, report = fit(dataset, max_epochs=60)
    estimate, _ = model.predict(torch.arange(12), torch.arange(12))
    same_half = torch.arange(12)[:, None] % 2 == torch.arange(12) % 2
    assert float(estimate[same_half].mean()) > float(estimate[~same_half].mean()) + 0.2
    assert report.held_out_ranking is not None
    assert report.held_out_ranking > 0.7


class Told:
    """A monitor that records its events."""

    def __init__(self) -> None:
        self.shares: list[tuple[int, float]] = []
        self.losses: list[tuple[int, float]] = []

    def fitting(self, epoch: int, epochs: int, share: float) -> None:
        assert epochs == 3
        self.shares.append((epoch, share))

    def fitted(self, epoch: int, epochs: int, loss: float) -> None:
        assert epochs == 3
        self.losses.append((epoch, loss))


def test_every_epoch_is_told(world: Dataset) -> None:
    told = Told()
    _, report = fit_world_model(world, replace(SMALL, max_epochs=3), 0, CPU, told)
    assert [epoch for epoch, _ in told.losses] == list(range(1, report.epochs + 1))
    assert np.isfinite([loss for _, loss in told.losses]).all()
    assert told.shares == []  # such epochs are over before anybody asks


@pytest.mark.parametrize(("loss", "pairs_of_a_row"), [("logged", 1), ("negatives", 6)])
def test_long_epochs_are_told_while_they_last(
    world: Dataset, monkeypatch: pytest.MonkeyPatch, loss: Any, pairs_of_a_row: int
) -> None:
    monkeypatch.setattr("darlr.world_model.training.PAIRS_OF_A_ROUND", 20 * pairs_of_a_row)
    told = Told()
    fit_world_model(world, replace(SMALL, max_epochs=3, patience=3, batch_size=10, loss=loss), 0, CPU, told)
    rows = len(world.log) - round(0.1 * len(world.log))
    expected = [done / rows for done in range(20, rows + 1, 20)]
    for epoch in (1, 2, 3):
        assert [share for number, share in told.shares if number == epoch] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        *[
            (1, 256),
            (6_960, 256),
            (132_520, 256),
            (311_704, 512),
            (1_141_112, 2_048),
        ],  # Coat, KuaiRec's positives, Yahoo, KuaiRand
        *[(12_530_806, 8_192), (10**9, 8_192)],  # KuaiRec
    ],
)
def test_large_logs_have_large_batches(rows: int, size: int) -> None:
    assert resolve_batch_size(WorldModelConfig(), rows) == size
    assert resolve_batch_size(WorldModelConfig(batch_size=17), rows) == 17


@pytest.mark.parametrize(
    ("pairs", "epochs"),
    # Coat, the built-in world, KuaiRec's positives with their negatives, kuairec-rewatched likewise, KuaiRec
    [(1, 20), (6_960, 19), (39_917, 8), (795_120, 2), (5_077_524, 1), (75_000_000, 1)],
)
def test_large_logs_are_read_fewer_times(pairs: int, epochs: int) -> None:
    assert resolve_epochs(WorldModelConfig(), pairs) == epochs
    assert resolve_epochs(WorldModelConfig(max_epochs=17), pairs) == 17


def test_negatives_count_as_pairs_of_an_epoch() -> None:
    rows = [(user, item, 1.0) for user in range(250) for item in range(200)]
    dataset = dataset_of(log_of(rows, 250, 200))  # 50,000 rows and 250,000 negatives
    assert resolve_fit(WorldModelConfig(), dataset).max_epochs == 3
    assert resolve_fit(WorldModelConfig(negatives_per_row=1), dataset).max_epochs == 5


def test_one_cycle_rises_for_a_tenth_and_falls_to_nothing() -> None:
    assert [one_cycle(done) for done in (0.0, 0.05, 0.1, 0.55, 1.0)] == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])


def test_one_cycle_learns_a_planted_world_in_fewer_epochs() -> None:
    dataset, _ = low_rank_world(40, 40)
    shared: dict[str, Any] = {"max_epochs": 12, "learning_rate": 2e-2}
    cycle, slow = fit(dataset, schedule="one_cycle", **shared)[1], fit(dataset, max_epochs=12, learning_rate=1e-3)[1]
    assert cycle.held_out_loss is not None
    assert slow.held_out_loss is not None
    assert cycle.held_out_loss < slow.held_out_loss - 0.05


class Kept:
    """A checkpoint in memory, which stores every state."""

    def __init__(self, start: tuple[dict[str, Tensor], dict[str, Any]] | None = None) -> None:
        self.start = start
        self.saved: list[tuple[dict[str, Tensor], dict[str, Any]]] = []

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        return self.start

    def due(self) -> bool:
        return True

    def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        self.saved.append(({name: tensor.detach().clone() for name, tensor in tensors.items()}, state))


@pytest.mark.parametrize("loss", ["logged", "negatives"])
@pytest.mark.parametrize("schedule", ["one_cycle", "constant"])
def test_a_fit_goes_on_from_any_checkpoint_to_the_same_weights(
    world: Dataset, monkeypatch: pytest.MonkeyPatch, loss: Any, schedule: Any
) -> None:
    monkeypatch.setattr("darlr.world_model.training.PAIRS_OF_A_ROUND", 20)
    config = replace(SMALL, max_epochs=3, batch_size=5, loss=loss, schedule=schedule)
    kept = Kept()
    undisturbed, report = fit_world_model(world, config, 0, CPU, checkpoint=kept)
    assert [(state["epoch"], state["rounds"]) for _, state in kept.saved][-1] == (3, 0)
    assert any(state["rounds"] > 0 for _, state in kept.saved)
    for start in [*kept.saved[::4], kept.saved[-1]]:
        told = Told()
        resumed, again = fit_world_model(world, config, 0, CPU, told, Kept(start))
        assert [epoch for epoch, _ in told.losses] == list(range(start[1]["epoch"] + 1, 4))
        assert again == report
        for name, parameter in undisturbed.network.named_parameters():
            assert torch.equal(parameter, resumed.network.get_parameter(name)), name


def test_auto_batches_are_those_it_stands_for(world: Dataset) -> None:
    auto, same, other = (fit(world, batch_size=size, max_epochs=1)[0].network.table for size in (0, 256, 32))
    assert torch.equal(auto, same)
    assert not torch.equal(auto, other)


@pytest.mark.filterwarnings("error")
def test_no_pair_to_rank_is_none_and_is_saved(tmp_path: Path) -> None:
    dataset = dataset_of(log_of([(user, user % 3, float(user % 2)) for user in range(12)], 12, 3))  # a row a user
    model, report = fit(dataset, max_epochs=1)
    assert report.held_out_ranking is None
    save_world_model(tmp_path / "model.safetensors", "deepfm", model, asdict(report))
    assert load_world_model(tmp_path / "model.safetensors", CPU)[1]["held_out_ranking"] is None


def test_auto_takes_the_loss_that_suits_the_log() -> None:
    ratings = dataset_of(log_of([(0, 0, 1.0), (1, 1, 4.0)], 2, 2))
    constant = dataset_of(log_of([(0, 0, 1.0), (1, 1, 1.0)], 2, 2))
    positives = dataset_of(log_of([(0, 0, 1.0), (1, 1, 4.0)], 2, 2, positive_only=True))
    assert [resolve_loss(WorldModelConfig(), dataset) for dataset in (ratings, constant, positives)] == [
        "logged",
        "negatives",
        "negatives",
    ]
    assert resolve_loss(WorldModelConfig(loss="logged"), positives) == "logged"
    with pytest.raises(InputError, match=r"'world_model.loss' is 'logged', but every logged reward is the same"):
        resolve_loss(WorldModelConfig(loss="logged"), constant)


def test_refuses_a_log_that_is_too_small() -> None:
    with pytest.raises(InputError, match="the log has 1 rows; expected enough to hold out"):
        fit(dataset_of(log_of([(0, 0, 1.0)], 1, 1)))


def test_stops_at_a_loss_that_is_not_finite(world: Dataset) -> None:
    with pytest.raises(RunError, match=r"world model, epoch 1: the held-out loss is \["):
        fit(world, learning_rate=1e30)


def test_rare_items_weigh_as_much_as_common_ones_by_inverse_counts() -> None:
    # 90 rows say 0 of a common item, 10 say 5 of a rare one, which a strong penalty on weights silences.
    rows = [(user, 0, 0.0) for user in range(90)] + [(user, 1, 5.0) for user in range(10)]
    dataset = dataset_of(log_of(rows, 90, 2))
    shared: dict[str, Any] = {"error": "squared", "weight_decay": 0.3, "max_epochs": 30, "members": 1}
    equal, inverse = (
        float(fit(dataset, weighting=weighting, **shared)[0].predict(torch.arange(90), torch.tensor([1]))[0].mean())
        for weighting in ("equal", "inverse_count")
    )
    assert equal < 2.5 < inverse


def test_with_squared_errors_the_variance_is_not_fitted(world: Dataset) -> None:
    squared, gaussian = (
        fit(world, error=error, max_epochs=5, weight_decay=0.0)[0].network.head[:, :, 1] for error in ("squared", "gaussian")
    )
    initial = fit(world, error="squared", max_epochs=1, learning_rate=1e-12, weight_decay=0.0)[0].network.head[:, :, 1]
    torch.testing.assert_close(squared, initial)
    assert (gaussian - initial).abs().max().item() > 1e-3
