"""A belief's expected rewards and their parts, worked by hand, and its scores against the matrix of all responses."""

import pytest
import torch

from darlr.agents.acting import Reasons
from darlr.agents.believing.belief import Belief
from darlr.agents.believing.factors import FactorBelief
from darlr.agents.believing.policy import BayesAdaptivePolicy
from darlr.agents.believing.tables import Certainty, CorrectedTable
from darlr.world.window import Window
from darlr.world_model.factors.responses import FactorResponses, ResponseScale
from tests.worlds import draws, window_of

START = 3
ANSWERS = window_of([[START, 0, 1]], [[1.0, 0.5, 1.0]])
"""Item 0 gave 2, then item 1 gave 4."""
ITEMS = torch.tensor([[2, 0, 1]])


def responses() -> FactorResponses:
    """One user with one factor ~ N(0, 1), and items of intercepts 0, 1 and 2 and loading 1; rewards from 0 to 4 are y."""
    return FactorResponses(
        intercepts=torch.tensor([0.0, 1.0, 2.0]),
        loadings=torch.ones(3, 1),
        noise=torch.ones(3),
        log_noise=1.0,
        user_means=torch.zeros(1, 1),
        user_covariances=torch.ones(1, 1, 1),
        scale=ResponseScale("identity", 0.0, 4.0, 0.0, 0.0, 1.0),
    )


def reasons_of(belief: Belief, window: Window = ANSWERS, category_window: int = 1) -> Reasons | None:
    """Items 0 and 1 share a category, and such items count 0.5 less."""
    membership = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    policy = BayesAdaptivePolicy(belief, membership, category_window, 10, (0.0, 4.0), 4, draws(0))
    with torch.no_grad():
        policy.shared_category_weight.fill_(-0.5)
    return policy.scorer().reasons(torch.tensor([0]), window, ITEMS)


def test_the_reasons_of_a_belief_worked_by_hand() -> None:
    """The mean of the factor is 0, then 2 / 2 after the answer 2, then (2 + 3) / 3 after 3 above item 1's intercept."""
    reasons = reasons_of(FactorBelief(responses(), (1.0,)))
    assert reasons is not None
    assert reasons.estimates.tolist() == [[2.0, 0.0, 1.0]]
    torch.testing.assert_close(reasons.changes, torch.tensor([[[0.0] * 3, [1.0] * 3, [2 / 3] * 3]]))
    torch.testing.assert_close(reasons.penalties, torch.tensor([[0.0, 0.5, 0.5]]))


def test_what_users_cannot_give_is_cut_off() -> None:
    """Item 2 is expected to give 2, 3 and 11 / 3; with an intercept 1 higher that is 3, 4 and 4, since nobody gives more."""
    higher = responses()
    higher.intercepts[2] += 1
    reasons = reasons_of(FactorBelief(higher, (1.0,)))
    assert reasons is not None
    torch.testing.assert_close(reasons.changes[0, :, 0], torch.tensor([0.0, 1.0, 0.0]))


def test_the_reasons_of_a_corrected_table_worked_by_hand() -> None:
    """The table says 3, 1 and 2. The answers are 1 less and 3 more than it says: the factor's mean is -1 / 2, then 2 / 3."""
    ids = torch.tensor([0])
    belief = CorrectedTable(Certainty(ids, 3), FactorBelief(responses(), (1.0,)))
    belief.learn(torch.tensor([[3.0, 1.0, 2.0]]))
    reasons = reasons_of(belief)
    assert reasons is not None
    torch.testing.assert_close(reasons.estimates, torch.tensor([[2.0, 3.0, 1.0]]))
    steps = torch.tensor([0.0, -0.5, 0.5 + 2 / 3])
    torch.testing.assert_close(reasons.changes, steps[None, :, None].expand(1, 3, 3))
    torch.testing.assert_close(reasons.penalties, torch.tensor([[0.0, 0.5, 0.5]]))


@pytest.mark.parametrize("category_window", [0, 1])
def test_before_any_answer_there_is_nothing_but_the_estimate(category_window: int) -> None:
    reasons = reasons_of(FactorBelief(responses(), (1.0,)), window_of([[4, START]], [[0.0, 1.0]]), category_window)
    assert reasons is not None
    assert not reasons.changes.any()
    assert not reasons.penalties.any()


def test_a_table_on_a_scale_of_its_own_has_no_reasons() -> None:
    assert reasons_of(Certainty(torch.tensor([0]), 3)) is None


def beliefs() -> list[Belief]:
    ids = torch.tensor([0])
    table, corrected = Certainty(ids, 3), CorrectedTable(Certainty(ids, 3), FactorBelief(responses(), (1.0,)))
    for belief in (table, corrected):
        belief.learn(torch.tensor([[3.0, 1.0, 2.0]]))
    return [FactorBelief(responses(), (0.5, 2.0)), table, corrected]


@pytest.mark.parametrize("belief", beliefs(), ids=lambda belief: type(belief).__name__)
def test_responses_to_some_items_are_those_among_all(belief: Belief) -> None:
    believed = belief.begin(torch.tensor([0])).observe(ANSWERS)
    torch.testing.assert_close(believed.expect_of(ITEMS), believed.expect()[0].gather(1, ITEMS))


def test_expected_rewards_worked_by_hand() -> None:
    """The factor's mean is (2 + 3) / 3 after both answers, and nobody gives more than 4; see above."""
    scorer = BayesAdaptivePolicy(FactorBelief(responses(), (1.0,)), torch.zeros(3, 0), 0, 10, (0.0, 4.0), 4, draws(0)).scorer()
    expected = scorer.expected_rewards(torch.tensor([0]), ANSWERS, torch.tensor([[2, 0]]))
    assert expected is not None
    torch.testing.assert_close(expected, torch.tensor([[2 + 5 / 3, 5 / 3]]))


@pytest.mark.parametrize("window", [ANSWERS, window_of([[4, 4, START]], [[0.0, 0.0, 1.0]])], ids=["answers", "start"])
def test_scores_are_the_logits_of_the_belief(window: Window) -> None:
    """At the start, too, where the scorer leaves out categories, since no item can share one with an earlier item."""
    policy = BayesAdaptivePolicy(FactorBelief(responses(), (1.0,)), torch.eye(3), 2, 10, (0.0, 4.0), 4, draws(0))
    users = torch.tensor([0])
    with torch.no_grad():
        policy.shared_category_weight.fill_(-0.5)
        policy.log_sharpness.fill_(0.7)
        logits = policy.logits(policy.belief.begin(users).observe(window), window)[0]
    assert torch.equal(policy.scorer()(users, window), logits)
