"""Whether two logs belong to one shop, and whose world model judges."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from darlr.run.comparing_logs import FEWEST_PAIRS, agreement, knows_better, served_estimates
from darlr.run.history import History
from darlr.run.saved import SavedPolicy
from darlr.world.world import ABSENT
from tests.worlds import log_of

USERS, ITEMS = 5, 6
ROWS = [(user, item, float(1 + (user * 2 + item * 3) % 5)) for user in range(USERS) for item in range(ITEMS)]


def former(users: list[str], items: list[str]) -> SavedPolicy:
    return cast(SavedPolicy, SimpleNamespace(user_ids=np.array(users, object), item_ids=np.array(items, object)))


def test_the_agreement_of_logs_is_over_their_shared_pairs_by_raw_id() -> None:
    log = log_of(ROWS, USERS, ITEMS)
    ids = [f"u{user}" for user in range(USERS)], [f"i{item}" for item in range(ITEMS)]
    log = replace(log, user_ids=np.array(ids[0], object), item_ids=np.array(ids[1], object))
    same = History.of(log)
    assert agreement(log, former(*ids), same) == pytest.approx(1)
    turned = History.of(replace(log, rewards=6 - log.rewards))
    assert agreement(log, former(*ids), turned) == pytest.approx(-1)
    others = former([f"v{user}" for user in range(USERS)], ids[1])
    assert agreement(log, others, turned) == 1.0
    few = replace(log, users=log.users[: FEWEST_PAIRS - 1], items=log.items[:19], rewards=log.rewards[:19])
    assert agreement(few, former(*ids), turned) == 1.0
    alike = replace(log, rewards=np.full_like(log.rewards, 3))
    assert agreement(alike, former(*ids), turned) == 1.0


class Says:
    """A world model of constants."""

    def __init__(self, table: list[list[float]]) -> None:
        self._table = torch.tensor(table)

    def predict(self, users: torch.Tensor, items: torch.Tensor) -> tuple[torch.Tensor, None]:
        return self._table[users][:, items], None


def test_the_model_that_is_nearer_to_the_rows_that_judge_is_asked() -> None:
    """The served run knows user 1 as its user 0, and item 0 as its item 2; of the others it says what is usual."""
    log = log_of([(0, 0, 1.0), (1, 0, 5.0), (1, 1, 4.0)], 2, 2)
    log = replace(log, user_ids=np.array(["a", "b"], object), item_ids=np.array(["x", "y"], object))
    dataset: Any = SimpleNamespace(log=log, world=SimpleNamespace(users=np.arange(2), items=np.arange(2), n_users=2, n_items=2))
    served: Any = SimpleNamespace(
        model=Says([[9.0, 9.0, 4.5], [9.0, 9.0, 9.0]]),
        device=torch.device("cpu"),
        user_ids=np.array(["b", "c"], object),
        world_users=np.arange(2),
        world_items=np.array([2]),
    )
    columns = np.array([0, ABSENT])
    near: Any = SimpleNamespace(model=Says([[9.0, 9.0], [4.9, 9.0]]), device=torch.device("cpu"))
    far: Any = SimpleNamespace(model=Says([[1.0, 9.0], [5.6, 4.0]]), device=torch.device("cpu"))
    assert not knows_better(served, near, dataset, log, columns)
    assert knows_better(served, far, dataset, log, columns)
    nobody = np.array([ABSENT, ABSENT])
    assert not knows_better(served, far, dataset, log, nobody)
    assert served_estimates(served, dataset, columns).tolist() == [[4.5, 4.5], [4.5, 4.5]]
