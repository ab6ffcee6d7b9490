from typing import Any

import pytest

from darlr.references.imposed import imposed_settings

ALWAYS = {"world_model.kind": "deepfm", "training.allow_repeats": True, "world_model.loss": "negatives"}


@pytest.mark.parametrize(
    ("method", "dataset", "fixed"),
    [
        ("dorl", "coat", {}),
        ("roler", "kuairand", {"leave.window": 1, "tracker.item_vectors": "random"}),
        ("gt", "coat", {"leave.window": 1, "tracker.item_vectors": "random"}),
        ("gt", "yahoo", {"leave.window": 1, "tracker.item_vectors": "world_model"}),
    ],
)
def test_what_is_fixed(method: str, dataset: str, fixed: dict[str, Any]) -> None:
    assert imposed_settings(method, dataset).fixed == {**ALWAYS, **fixed}


@pytest.mark.parametrize(
    ("method", "dataset", "sizes"),
    [
        ("mbpo", "coat", (8, 5, 1024, 5)),
        ("sqn", "yahoo", (8, 5, 128, 5)),
        ("dorl", "kuairec", (8, 3, 4096, 5)),
        ("mopo", "kuairand", (4, 5, 4096, 5)),
        ("ips", "coat", (8, 5, 1024, 200)),
        ("ucb", "mine", (8, 5, 0, 200)),
    ],
)
def test_published_sizes_of_the_world_model(method: str, dataset: str, sizes: tuple[int, ...]) -> None:
    model = imposed_settings(method, dataset).published["world_model"]
    assert tuple(model[key] for key in ("embedding_size", "negatives_per_row", "batch_size", "max_epochs")) == sizes


def test_what_else_was_published() -> None:
    assert imposed_settings("gt", "coat").published["tracker"] == {"kind": "transformer"}
    assert "tracker" not in imposed_settings("gt", "yahoo").published
    assert imposed_settings("epsilon-greedy", "coat").published["evaluation"] == {"episodes": 200}
    assert "evaluation" not in imposed_settings("ips", "coat").published
