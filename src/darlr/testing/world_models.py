"""The contract of every world model: it learns users' tastes, can be restored, and returns the shapes that others read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from darlr.artifacts.tensors import read_tensors, write_tensors
from darlr.data.dataset import Dataset
from darlr.methods.experiment import default_config
from darlr.testing.demands import blaming, demand, demand_alike, demand_tensor, run_checks
from darlr.testing.planted import planted_world, scratch
from darlr.world_model.kinds import WorldModelKind
from darlr.world_model.model import WorldModel
from darlr.world_model.settings import WorldModelConfig

CPU = torch.device("cpu")
SMALL = WorldModelConfig(members=2, hidden_sizes=(8,), max_epochs=5, learning_rate=0.01)


@dataclass(frozen=True)
class FittedKind:
    """A kind of world model, fitted on the planted world.

    Attributes:
        report: figures about the fit.
        estimate, uncertainty: (U, I) predictions for the whole log.
    """

    kind: WorldModelKind
    config: WorldModelConfig
    dataset: Dataset
    model: WorldModel
    report: dict[str, Any]
    estimate: Tensor
    uncertainty: Tensor


WorldModelCheck = Callable[[FittedKind], None]


def fit_kind(kind: WorldModelKind, config: WorldModelConfig = SMALL) -> FittedKind:
    """Fit `kind` on the planted world with seed 0."""
    dataset = planted_world().dataset
    resolved = kind.resolve(replace(config, kind=kind.name), dataset)
    model, report = kind.fit(dataset, replace(default_config(), world_model=resolved), CPU, None)
    return FittedKind(kind, resolved, dataset, model, report, *_predict(model, dataset))


def predicts_every_pair(subject: FittedKind) -> None:
    """Estimates are (n, m) float32, variances are never negative, and a pair's numbers do not depend on other pairs."""
    shape = subject.dataset.log.n_users, subject.dataset.log.n_items
    demand_tensor(subject.estimate, shape, "the estimate")
    demand_tensor(subject.uncertainty, shape, "the uncertainty")
    demand(bool((subject.uncertainty >= 0).all()), "an uncertainty is negative; expected a variance")
    users, items = torch.tensor([3, 0]), torch.tensor([7, 1, 5])
    for part, whole, name in zip(
        subject.model.predict(users, items), (subject.estimate, subject.uncertainty), ("estimate", "uncertainty"), strict=True
    ):
        demand_alike(part, whole[users][:, items], f"the {name} of a pair depends on the other pairs that are asked for")


def learns_what_is_liked(subject: FittedKind) -> None:
    """Items that all users like have higher estimates than items that no user likes."""
    liked = torch.tensor([int(str(raw)[1:]) % 2 == 1 for raw in subject.dataset.log.item_ids])
    above = subject.estimate[:, liked].mean() - subject.estimate[:, ~liked].mean()
    demand(bool(above > 1), f"liked items are estimated {float(above):.3g} above others; expected more than 1 of the true 4")


def tells_of_users_and_items(subject: FittedKind) -> None:
    """The model has one vector for every user and item of the log, and a scale, for policies to read."""
    log, model = subject.dataset.log, subject.model
    for name, vectors, rows in (("user", model.user_vectors(), log.n_users), ("item", model.item_vectors(), log.n_items)):
        demand(
            vectors.ndim == 2 and len(vectors) == rows,
            f"{name}_vectors() has shape {tuple(vectors.shape)}; expected ({rows}, d)",
        )
        demand_tensor(vectors, tuple(vectors.shape), f"{name}_vectors()")
        demand(vectors.shape[1] > 0, f"{name}_vectors() have no columns")
    demand(model.scale.spread > 0, f"scale.spread is {model.scale.spread:g}; expected above 0")


def is_restored_whole(subject: FittedKind) -> None:
    """`tensors()` and `state()` go through a file, and the restored model has the same predictions, vectors and scale."""
    with scratch() as folder:
        file = folder / "model.safetensors"
        write_tensors(file, subject.model.tensors(), {**subject.model.state(), "fit": subject.report})
        tensors, state = read_tensors(file)
    again = subject.kind.restore(tensors, state, CPU)
    for found, expected in zip(_predict(again, subject.dataset), (subject.estimate, subject.uncertainty), strict=True):
        demand_alike(found, expected, "it predicts otherwise after it was saved and restored")
    demand_alike(again.item_vectors(), subject.model.item_vectors(), "item_vectors() differ after it was restored")
    demand_alike(again.user_vectors(), subject.model.user_vectors(), "user_vectors() differ after it was restored")
    demand(again.scale == subject.model.scale, "its scale differs after it was restored")


def repeats_its_numbers(subject: FittedKind) -> None:
    """The same seed fits the same model."""
    again = fit_kind(subject.kind, subject.config)
    demand_alike(again.estimate, subject.estimate, "two fits with one seed differ; draw from generators of the seed alone")


WORLD_MODEL_CHECKS: tuple[WorldModelCheck, ...] = (
    predicts_every_pair,
    learns_what_is_liked,
    tells_of_users_and_items,
    is_restored_whole,
    repeats_its_numbers,
)


def check_world_model(kind: WorldModelKind, config: WorldModelConfig = SMALL) -> None:
    """Raise `AssertionError` unless `kind`, registered or not, is a world model that rewards and policies can rely on.

    Args:
        kind: the kind of world model.
        config: settings to fit the planted world with.
    """
    what = f"world model '{kind.name}'"
    with blaming(what):
        fitted = fit_kind(kind, config)
    run_checks(WORLD_MODEL_CHECKS, fitted, what)


def _predict(model: WorldModel, dataset: Dataset) -> tuple[Tensor, Tensor]:
    return model.predict(torch.arange(dataset.log.n_users), torch.arange(dataset.log.n_items))
