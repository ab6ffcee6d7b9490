import torch
from torch import Tensor

from darlr.agents.acting import Scorer, mask_logits
from darlr.agents.translated import TranslatedScorer
from darlr.world.window import Window
from tests.worlds import window_of

NEVER = float("-inf")
COLUMNS = torch.tensor([3, -1, 0])
"""The policy knows the first of three items as its last of four, and the third as its first."""


class Remembering(Scorer):
    """Scores column c of user u as 10 u + c, and remembers its windows."""

    def __call__(self, users: Tensor, window: Window, blocked: Tensor | None = None) -> Tensor:
        self.window = window
        return mask_logits(10.0 * users[:, None] + torch.arange(4.0), blocked)


def test_users_and_items_are_asked_for_by_the_policys_own_numbers() -> None:
    inner = Remembering()
    scorer = TranslatedScorer(inner, torch.tensor([5, 2]), COLUMNS, 4)
    # Columns 3 and 4 of three items are the start and absence: 4 and 5 of four.
    scores = scorer(torch.tensor([1, 0]), window_of([[4, 3, 0], [1, 2, 1]], [[0, 1, 0.5], [0.2, 0.3, 0.4]]))
    assert scores.tolist() == [[23, NEVER, 20], [53, NEVER, 50]]
    assert inner.window.items.tolist() == [[5, 4, 3], [5, 0, 5]]
    torch.testing.assert_close(inner.window.rewards, torch.tensor([[0, 1, 0.5], [0, 0.3, 0]]))


def test_blocked_items_stay_blocked_and_a_user_without_any_known_one_may_get_any() -> None:
    scorer = TranslatedScorer(Remembering(), torch.tensor([0, 0]), COLUMNS, 4)
    blocked = torch.tensor([[True, False, False], [True, False, True]])
    scores = scorer(torch.tensor([0, 1]), window_of([[3], [3]]), blocked)
    assert scores.tolist() == [[NEVER, NEVER, 0], [NEVER, 0, NEVER]]
    assert scorer.probabilities(scores).tolist() == [[0, 0, 1], [0, 1, 0]]
