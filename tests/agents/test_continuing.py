from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from darlr.agents.continuing import continue_policy
from darlr.agents.policy import Policy, Rows
from darlr.errors import InputError

PLACES = {"items": torch.tensor([2, -1, 0]), "categories": torch.tensor([-1, 1])}
"""The second of three items is new, and the first of two categories."""
SIZES = {"items": 3, "categories": 2}


class Small(Policy):
    """Three items of one row and two quantiles each, two rows behind them, two categories, and a layer of its own."""

    def __init__(self, value: float, layer: int = 2) -> None:
        super().__init__()
        self.vectors = nn.Parameter(value + torch.arange(5.0)[:, None])
        self.quantiles = nn.Parameter(value + torch.arange(6.0))
        self.categories = nn.Parameter(value + torch.arange(2.0)[:, None])
        self.layer = nn.Parameter(torch.full((layer,), value))
        self.register_buffer("made_of_the_log", torch.full((1,), value))

    def entity_rows(self) -> Mapping[str, Rows]:
        return {"vectors": Rows("items"), "quantiles": Rows("items", 2), "categories": Rows("categories")}


def continued(fresh: Small, former: Mapping[str, Tensor]) -> dict[str, list[float]]:
    continue_policy(fresh, former, PLACES, SIZES)
    return {name: tensor.flatten().tolist() for name, tensor in fresh.state_dict().items()}


def test_rows_move_with_their_items_and_categories_and_new_ones_stay_fresh() -> None:
    assert continued(Small(100.0), Small(0.0).state_dict()) == {
        "vectors": [2, 101, 0, 3, 4],  # the last two belong to no item
        "quantiles": [4, 5, 102, 103, 0, 1],
        "categories": [100, 1],
        "layer": [0, 0],
        "made_of_the_log": [100],
    }


def test_takes_rows_from_a_policy_with_more_items() -> None:
    former = Small(0.0).state_dict()
    former["vectors"] = torch.arange(6.0)[:, None]
    former["quantiles"] = torch.arange(8.0)
    fresh = Small(100.0)
    continue_policy(fresh, former, {**PLACES, "items": torch.tensor([3, 3, -1])}, {**SIZES, "items": 4})
    assert fresh.vectors.flatten().tolist() == [3, 3, 102, 4, 5]
    assert fresh.quantiles.tolist() == [6, 7, 6, 7, 104, 105]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer": torch.zeros(3)}, r"the run's 'layer' has the size \[3\], and \[2\] is needed"),
        ({"vectors": torch.zeros(5, 2)}, r"the run's 'vectors' has the size \[5, 2\], and \[5, 1\] is needed"),
        ({"quantiles": torch.zeros(9)}, r"the run's 'quantiles' has the size \[9\], and \[6\] is needed"),
    ],
)
def test_refuses_other_networks(changes: Mapping[str, Tensor], message: str) -> None:
    with pytest.raises(InputError, match=message):
        continued(Small(100.0), {**Small(0.0).state_dict(), **changes})


def test_refuses_a_policy_that_lacks_a_parameter() -> None:
    former = Small(0.0).state_dict()
    del former["layer"]
    with pytest.raises(InputError, match="the run's policy has no 'layer'"):
        continued(Small(100.0), former)
