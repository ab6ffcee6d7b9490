"""Settings that `reference_quirks` imposes where there is an option (docs/reference_quirks.md; protocol sections 4 and 8)."""

from typing import Any

from darlr.methods.ways import Imposed

_BATCH_SIZES = {"kuairec": 4096, "kuairand": 4096, "coat": 1024, "yahoo": 128}
_ONE_NETWORK_TESTED_AS_IT_LEARNS = ("ucb", "epsilon-greedy")
_SINGLE_NETWORKS = ("ips", *_ONE_NETWORK_TESTED_AS_IT_LEARNS)


def imposed_settings(method: str, dataset: str) -> Imposed:
    """Return the settings for a method and a data set, by their names in darlr, for example `roler` and `coat`."""
    fixed: dict[str, Any] = {"world_model.kind": "deepfm", "training.allow_repeats": True, "world_model.loss": "negatives"}
    published: dict[str, Any] = {
        "world_model": {
            "embedding_size": 4 if dataset == "kuairand" else 8,
            "negatives_per_row": 3 if dataset == "kuairec" else 5,
            "batch_size": _BATCH_SIZES.get(dataset, 0),
            "hidden_sizes": [128, 128],
            "learning_rate": 1e-3,
            "schedule": "constant",
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
    return Imposed(fixed, published)
