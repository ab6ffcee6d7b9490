"""What an exported file says of itself beside its graph: ids, categories, the coding of features, and where it comes from."""

import hashlib
from typing import Any

import torch
from torch import Tensor

from darlr._version import __version__
from darlr.artifacts import RunFolder
from darlr.run.saved import POLICY, SavedPolicy
from darlr.serving.export.inference import Inference
from darlr.world_model.factors.model import FactorModel, Population

KEY = "darlr"
"""The file's metadata entry that holds it all, as JSON."""

FORMAT = 1


def metadata_of(folder: RunFolder, saved: SavedPolicy, inference: Inference) -> dict[str, Any]:
    """Plain values; docs/export.md says what each is."""
    config, policy = saved.config, folder.path / f"{POLICY}.safetensors"
    with policy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "format": FORMAT,
        "darlr": __version__,
        "torch": torch.__version__,
        "run": folder.path.absolute().name,
        "policy_sha256": digest,
        "dataset": config.dataset,
        "method": config.method,
        "seed": config.seed,
        "epoch": saved.epoch,
        "reward_range": list(saved.reward_range),
        "lookback": inference.lookback,
        "outputs": list(inference.outputs),
        "users": saved.user_ids.tolist(),
        "items": saved.item_ids[saved.world_items].tolist(),
        "categories": _categories(saved.membership),
        "features": _columns(saved.model.users) if inference.features and isinstance(saved.model, FactorModel) else [],
    }


def _categories(membership: Tensor) -> list[list[int]]:
    """The numbers of the categories of each item, given (n_items, C) bool."""
    return [row.nonzero().flatten().tolist() for row in membership]


def _columns(users: Population) -> list[dict[str, int]]:
    """What each column of the features stands for: a code among all coded features' values, or a numeric feature."""
    columns = len(users.column_means)
    coded = {int(column): code for code, column in enumerate(users.of_code[:-1].tolist()) if column < columns}
    return [{"code": coded[column]} if column in coded else {"number": column - len(coded)} for column in range(columns)]
