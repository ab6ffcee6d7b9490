"""The metadata of an exported file: ids, categories, the coding of features, and its origin."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from darlr._version import __version__
from darlr.data.catalog import Features
from darlr.run.saved import POLICY, SavedPolicy
from darlr.serving.export.inference import Inference
from darlr.world_model.factors.model import FactorModel, Population

KEY = "darlr"
"""The file's metadata entry with the whole metadata, as JSON."""

FORMAT = 1


def metadata_of(run: Path, saved: SavedPolicy, inference: Inference, described: Features | None) -> dict[str, Any]:
    """Return the metadata as plain values, which docs/export.md explains.

    Args:
        run: the run's folder.
        saved: its policy.
        inference: the exported module.
        described: as in `Inference`.
    """
    columns: list[dict[str, str | float]] = []
    if inference.features and described is not None and isinstance(saved.model, FactorModel):
        columns = _columns(saved.model.users, described)
    config, policy = saved.config, run / f"{POLICY}.safetensors"
    with policy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "format": FORMAT,
        "darlr": __version__,
        "torch": torch.__version__,
        "run": run.absolute().name,
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
        "category_names": [] if saved.names is None else list(saved.names.categories),
        "knows_log": inference.acting.policy.knows_log,
        "features": columns,
    }


def _categories(membership: Tensor) -> list[list[int]]:
    """Return the numbers of the categories of each item, from (n_items, C) bool."""
    return [row.nonzero().flatten().tolist() for row in membership]


def _columns(users: Population, described: Features) -> list[dict[str, str | float]]:
    """Return the meaning of each column of the features: a value of a coded feature, or a numeric feature and its scale."""
    columns = len(users.column_means)
    texts = described.code_values or [tuple(map(str, range(size))) for size in described.code_sizes]
    values = [(name, text) for name, known in zip(described.code_names, texts, strict=True) for text in known]
    coded = {column: values[code] for code, column in enumerate(users.of_code[:-1].tolist()) if column < columns}
    scales = described.numeric_scales or [(0.0, 1.0)] * len(described.numeric_names)
    found: list[dict[str, str | float]] = [{"feature": name, "value": text} for _, (name, text) in sorted(coded.items())]
    for name, (centre, spread) in zip(described.numeric_names, scales, strict=True):
        found.append({"feature": name, "centre": centre, "spread": spread or 1.0})
    return found
