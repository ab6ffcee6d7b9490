"""What a run tells of its settings before it begins."""

from typing import Any

import pytest

from darlr.data.source import LoadedDataset
from darlr.experiment.assembly import notices
from darlr.methods import resolve
from tests.worlds import dataset_of, log_of

LOADED = LoadedDataset(dataset_of(log_of([(user, user, user / 8) for user in range(40)], 40, 40), name="small"), None)


@pytest.mark.parametrize(
    ("method", "values", "idle"),
    [
        ("roler", {"neighbours": {"uncertainty": "none"}}, True),
        ("roler", {"neighbours": {"uncertainty": "variance"}}, False),
        ("roler", {"neighbours": {"uncertainty": "none"}, "reward": {"uncertainty_weight": 0}}, False),
        ("darlr-static-penalty", {}, True),
        ("darlr-static-penalty", {"neighbours": {"users": 0}}, False),
        ("darlr", {}, False),
        ("mopo", {}, False),
    ],
)
def test_a_weight_of_no_uncertainty_is_told(method: str, values: dict[str, Any], idle: bool) -> None:
    config = resolve({"method": method, **values}, LOADED)
    weight = f"(reward.uncertainty_weight {config.reward.uncertainty_weight:g} has no effect)"
    text = f"neighbours.uncertainty is 'none', so no uncertainty is penalised {weight}"
    assert [told for told in notices(config, LOADED) if "uncertainty" in told] == ([text] if idle else [])
