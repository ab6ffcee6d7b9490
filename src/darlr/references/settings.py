"""What `reference_quirks` sets where there is an option for it (docs/reference_quirks.md; protocol sections 4 and 8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BATCH_SIZES = {"kuairec": 4096, "kuairand": 4096, "coat": 1024, "yahoo": 128}
_ONE_NETWORK_TESTED_AS_IT_LEARNS = ("ucb", "epsilon-greedy")
_SINGLE_NETWORKS = ("ips", *_ONE_NETWORK_TESTED_AS_IT_LEARNS)


@dataclass(frozen=True)
class QuirkSettings:
    """Settings of a method's published runs on a data set.

    Attributes:
        fixed: by dotted key, what makes the quirks; another value is refused.
        published: sizes and schedules, nested; defaults that may be changed.
    """

    fixed: Mapping[str, Any]
    published: Mapping[str, Any]


def quirk_settings(method: str, dataset: str) -> QuirkSettings:
    """Both are our names: a method as `roler`, a data set as `coat`."""
    fixed: dict[str, Any] = {"training.allow_repeats": True, "world_model.loss": "negatives"}
    published: dict[str, Any] = {
        "world_model": {
            "embedding_size": 4 if dataset == "kuairand" else 8,
            "negatives_per_row": 3 if dataset == "kuairec" else 5,
            "batch_size": _BATCH_SIZES.get(dataset, 0),
            "weight_decay": 0.2,
            "max_epochs": 200 if method in _SINGLE_NETWORKS else 5,
        }
    }
    if method in ("roler", "gt"):
        fixed["leave.window"] = 1
        fixed["tracker.item_vectors"] = "world_model" if (method, dataset) == ("gt", "yahoo") else "random"
    if method == "gt" and dataset in ("kuairec", "coat"):
        published["tracker"] = {"kind": "transformer"}
    if method in _ONE_NETWORK_TESTED_AS_IT_LEARNS:
        published["evaluation"] = {"episodes": 200}
    return QuirkSettings(fixed, published)
