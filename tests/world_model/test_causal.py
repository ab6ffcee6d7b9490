"""The causal user model: exposure and loss on numbers that were worked by hand, and what it tells apart."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
import torch

from darlr.config.experiment import ExperimentConfig
from darlr.config.loading import merge
from darlr.data.dataset import Dataset
from darlr.errors import InputError, RunError
from darlr.methods.experiment import experiment_config
from darlr.world.similarity import SharedCategories
from darlr.world_model.causal import CausalConfig, CausalModel, causal_loss, fit_causal, logged_exposure, overexposure
from darlr.world_model.kinds import WORLD_MODELS
from tests.worlds import CPU, catalog_of, dataset_of, log_of, membership_of

# Items 0 and 1 share one of two categories, 2 has one of its own.
MEMBERSHIP = membership_of([[0], [0, 1], [2]])


def test_like_items_shown_lately_add_up() -> None:
    similarity = torch.tensor([[0.5, 1.0, 0.0], [0.0, 0.0, 0.0]])
    ago = torch.tensor([[3.0, 2.0, 1.0]])
    # Distances 2 and 1; nothing in common adds nothing.
    assert overexposure(similarity, ago, 4.0).tolist() == pytest.approx([exp(-6 / 4) + exp(-2 / 4), 0.0])


def test_the_logs_exposure_is_each_users_own() -> None:
    rows = [(0, 0, 1.0), (1, 0, 1.0), (0, 1, 1.0), (0, 2, 1.0), (0, 0, 1.0)]
    log_ = log_of(rows, 2, 3, times=[10, 11, 12, 12, 5])
    similarity = SharedCategories(MEMBERSHIP)
    # User 0 has item 0 at 5, item 0 at 10, then items 1 and 2 at 12.
    expected = [exp(-5 / 4), 0.0, exp(-7 * 2 / 4) + exp(-2 * 2 / 4), 0.0, 0.0]
    assert logged_exposure(log_, similarity, 4.0, 50).tolist() == pytest.approx(expected)
    newest = logged_exposure(log_, similarity, 4.0, 1).tolist()
    assert newest == pytest.approx([exp(-5 / 4), 0.0, exp(-2 * 2 / 4), 0.0, 0.0])
    at_once = log_of([(0, 0, 1.0), (0, 0, 1.0)], 1, 3, times=[7, 7])
    assert logged_exposure(at_once, similarity, 4.0, 50).tolist() == pytest.approx([0.0, exp(-1 / 4)])
    assert logged_exposure(log_of(rows, 2, 3), similarity, 4.0, 50).tolist() == [0.0] * 5  # no time, no order


def test_the_loss_by_hand() -> None:
    config = CausalConfig(ranking_weight=0.5, sensitivity_weight=2.0)
    tensors = ([3.0, 4.0], [3.0, 4.0 - log(3.0)], [1.0, 3.0], [1.0, 2.0], [1.0, 2.0], [2.0, 0.5])
    interest, unlike, exposure, rewards, alpha, beta = map(torch.tensor, tensors)
    # Satisfaction 3 / (1 + 2) and 4 / (1 + 3); the item at random is put last with 1/2 and 3/4.
    satisfied = (0.0 + 1.0) / 2
    ranked = (log(2) + log(4 / 3)) / 2
    away = (0 + 1) / 2 + (1 + 0.25) / 2
    found = causal_loss(interest, unlike, exposure, rewards, alpha, beta, config)
    assert float(found) == pytest.approx(satisfied + 0.5 * ranked + 2 * away)


TAU = 2.0


def dulled_world(seed: int = 0) -> tuple[Dataset, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """60 users who see 24 items of two categories; the first is worth 4 to all, the second 2, less what exposure takes.

    Three of four items that they see are of the first category, so that it is dulled the more.
    """
    random = np.random.default_rng(seed)
    categories = [[int(item >= 18)] for item in range(24)]
    interest = np.where(np.arange(24) < 18, 4.0, 2.0)
    shown = [(user, int(item)) for user in range(60) for item in random.permutation(24)]
    times = [float(number) for number in range(len(shown))]
    plain = log_of([(*pair, 1.0) for pair in shown], 60, 24, times=times)
    exposure = logged_exposure(plain, SharedCategories(membership_of(categories)), TAU, 50).numpy()
    rewards = interest[plain.items] / (1 + exposure)
    rows = [(*pair, float(reward)) for pair, reward in zip(shown, rewards, strict=True)]
    return dataset_of(log_of(rows, 60, 24, times=times), catalog_of(categories)), interest


def settings(**own: float) -> ExperimentConfig:
    model = {"kind": "causal", "hidden_sizes": [8], "max_epochs": 40, "learning_rate": 0.02, "batch_size": 256}
    values = {"world_model": model, "causal": {"tau": TAU, "ranking_weight": 0.0}}
    return experiment_config(merge(values, {"causal": own}))


def interests(model: CausalModel) -> list[float]:
    """Mean estimates of the two categories."""
    estimate, uncertainty = model.predict(torch.arange(60), torch.arange(24))
    assert (uncertainty >= 0).all()
    return [float(estimate[:, :18].mean()), float(estimate[:, 18:].mean())]


def test_interest_is_told_apart_from_what_was_shown() -> None:
    dataset, interest = dulled_world()
    model, report = fit_causal(dataset, settings(), CPU, None)
    assert interests(model) == pytest.approx([4.0, 2.0], abs=0.15)
    assert report["alpha"] == pytest.approx(1.0, abs=0.1)
    # Who takes satisfaction for interest, as with an exposure of nothing, thinks less of what was shown often.
    taken, _ = fit_causal(dataset, settings(tau=1e-6), CPU, None)
    assert interests(taken)[0] < 3.0
    assert len(interest) == 24


def test_a_fit_repeats_and_is_restored() -> None:
    dataset, _ = dulled_world()
    config = replace(settings(), world_model=replace(settings().world_model, max_epochs=2))
    (first, report), (second, again) = (fit_causal(dataset, config, CPU, None) for _ in range(2))
    assert report == again
    restored = WORLD_MODELS["causal"].restore(first.tensors(), first.state(), CPU)
    assert isinstance(restored, CausalModel)
    for model in (second, restored):
        assert torch.equal(model.alpha, first.alpha)
        assert torch.equal(model.beta, first.beta)
        assert torch.equal(
            model.predict(torch.arange(3), torch.arange(4))[0], first.predict(torch.arange(3), torch.arange(4))[0]
        )
    broken = {name: tensor for name, tensor in first.tensors().items() if name != "sensitivity.items"}
    with pytest.raises(InputError, match=r"tensor 'sensitivity\.items' is missing"):
        WORLD_MODELS["causal"].restore(broken, first.state(), CPU)


def test_a_loss_that_is_not_finite_stops_the_fit() -> None:
    dataset, _ = dulled_world()
    config = replace(settings(), world_model=replace(settings().world_model, learning_rate=1e30, max_epochs=3))
    with pytest.raises(RunError, match="the causal user model's loss is"):
        fit_causal(dataset, config, CPU, None)
