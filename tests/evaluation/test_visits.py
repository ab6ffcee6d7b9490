"""The test over several visits, worked by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from darlr.agents.static.scorers import TableScorer
from darlr.errors import InputError
from darlr.evaluation.protocol import EvaluationWorld
from darlr.evaluation.visits import VisitsTest
from darlr.rewards.table import TableReward
from darlr.simulator.leave import Never
from darlr.world.returns import ReturnLaw

TABLE = torch.tensor([[5.0, 1.0, 0.0], [5.0, 1.0, 0.0]])
WORLD = EvaluationWorld.of_table(TableReward(TABLE, 0.0, 5.0), Never(), max_steps=2, lookback=1)
BEST, WORST = (TableScorer(torch.tensor([order])) for order in ([2.0, 1.0, 0.0], [0.0, 1.0, 2.0]))


def law(intercept: float, satisfaction: float = 0.0, log_length: float = 0.0, scale: float = 0.0) -> ReturnLaw:
    weights = np.array([intercept, satisfaction, log_length])
    return ReturnLaw(weights, np.array([9.0, 0.0, np.log(3.0)]), np.zeros(3), scale)


def visits(returns: ReturnLaw, days: float, world: EvaluationWorld = WORLD) -> VisitsTest:
    return VisitsTest(world, returns, torch.tensor([1, 2]), days, seed=0)


def test_users_come_back_until_the_days_are_over() -> None:
    """One comes back every 10 hours, the other every 30; visits of two items pay 6."""
    found = visits(law(np.log(10.0)), days=2).value(BEST)
    assert found == {"visits": (5 + 2) / 2, "r_total": 6 * (5 + 2) / 2, "r_visit": pytest.approx(6.0)}


def test_the_first_visit_counts_however_few_the_days() -> None:
    assert visits(law(0.0), days=0.01).value(BEST)["visits"] == 1


def test_content_users_come_back_sooner() -> None:
    """The mean rewards are 0.6 and 0.1; with the weight log(4) / 0.5 the worse list makes pauses four times as short."""
    of = law(np.log(9.0) - np.log(4.0) / 0.5 * 0.6, np.log(4.0) / 0.5)
    assert visits(of, days=1).value(BEST)["visits"] == (3 + 1) / 2
    assert visits(of, days=1).value(WORST)["visits"] == (11 + 4) / 2
    by_length = law(0.0, log_length=np.log(9.0) / np.log(2.0))
    assert visits(by_length, days=1).value(BEST)["visits"] == (3 + 1) / 2


def test_policies_meet_users_with_the_same_habits() -> None:
    random = replace(law(2.0, scale=0.8), deviations=np.full(3, 0.5))
    one, other = (visits(random, days=30).value(scorer) for scorer in (BEST, WORST))
    assert one["visits"] == other["visits"]
    assert one["visits"] != replace(visits(random, days=30), seed=1).value(BEST)["visits"]


def test_refuses_users_who_hardly_leave() -> None:
    with pytest.raises(InputError, match=r"'evaluation.horizon' is 30, in which users come back more than 1,000 times"):
        visits(law(-5.0), days=30).value(BEST)
