"""Decision Transformer: what it reads of an episode, what it asks for, and that an item does not see itself."""

from dataclasses import replace

import pytest
import torch

from darlr.agents.learning import EpochLog
from darlr.agents.offline.learner import OfflineLearner
from darlr.agents.offline.policy import Moments
from darlr.agents.offline.replay import Replay
from darlr.agents.settings import OfflineConfig, PolicyConfig
from darlr.methods.decision_transformer import DecisionTransformer, DecisionTransformerConfig, sequence_loss
from darlr.world.window import Window
from tests.agents.offline.policies import tracker_of
from tests.worlds import draws

N_ITEMS, START, ABSENT = 6, 6, 7
NOTHING = float("-inf")
REPLAY = Replay(
    users=torch.zeros(7, dtype=torch.long),
    items=torch.tensor([0, 1, 2, 3, 4, 0, 5]),
    rewards=torch.tensor([5.0, 1.0, 3.0, 5.0, 2.0, 1.0, 3.0]),
    seen=torch.tensor([1.0, 0.0, 0.5, 1.0, 0.25, 0.0, 0.5]),
    step=torch.tensor([0, 1, 2, 3, 0, 1, 0]),
    n_items=N_ITEMS,
)
"""Three episodes, which bring 2.5, 0.25 and 0.5."""


def policy(asked: float = 1.0, context: int = 3) -> DecisionTransformer:
    settings = DecisionTransformerConfig(context=context, width=8, layers=2, heads=2, asked=asked)
    generator = draws()
    tracker = tracker_of(N_ITEMS, generator)
    return DecisionTransformer(PolicyConfig(hidden_sizes=()), tracker, N_ITEMS, settings, 4, generator)


def learner(of: DecisionTransformer, allow_repeats: bool = False) -> OfflineLearner:
    config = OfflineConfig(learning_rate=0.01, n_step=100, discount=1.0, batch_size=6)
    return OfflineLearner(of, REPLAY, config, allow_repeats)


@pytest.mark.parametrize(("quantile", "expected"), [(1.0, 2.5), (0.5, 0.5), (0.0, 0.25), (0.75, 1.5)])
def test_asks_for_a_quantile_of_what_logged_episodes_brought(quantile: float, expected: float) -> None:
    of = policy(quantile)
    learner(of)
    assert float(of.scale) == 2.5
    assert float(of.asked * of.scale) == pytest.approx(expected)


def test_what_is_still_asked_is_less_what_was_given() -> None:
    of = policy()
    learner(of)
    items = torch.tensor([[ABSENT, ABSENT, START], [START, 0, 1], [0, 1, 2]])
    still = of._still_asked(Window(items, torch.tensor([[0.0, 0.0, 1.0], [1.0, 1.0, 0.5], [1.0, 1.0, 1.0]])))
    # All of 2.5 at the start, whose own reward counts nothing; less 1.5; less 3.0, but a step's share, 2.5 / 4, is asked for.
    assert (still * of.scale).tolist() == pytest.approx([2.5, 1.0, 0.625])


def test_training_and_acting_see_the_same() -> None:
    """Asked for the return of the log's episode, the newest choice equals the one in the loss, at every step."""
    of = policy()
    agent = learner(of)
    batch = agent.logged.batch(torch.arange(4))
    episode, whole = batch.now.window, float(agent.logged.returns[0] / of.scale)
    of.asked.fill_(whole)
    logits = of.heads["actor"](of._hidden(batch.now.users, episode, batch.returns / of.scale, batch.items))
    assert logits.shape == (4, 3, N_ITEMS)
    acting = of.scores(Moments(batch.now.users, episode, None))
    # Step 3 has 1.0 to come, more than a step's share, so nothing is raised.
    torch.testing.assert_close(logits[:, -1], acting)
    # The earlier steps of a sequence are the newest of those before it: from the start on, where nothing was left out.
    torch.testing.assert_close(logits[1, -2], acting[0])
    torch.testing.assert_close(logits[2, 0], acting[0])
    torch.testing.assert_close(logits[2, 1], acting[1])


def test_a_choice_does_not_see_its_item_but_the_earlier_ones() -> None:
    of = policy()
    agent = learner(of)
    batch = agent.logged.batch(torch.tensor([3]))
    window, still = batch.now.window, batch.returns / of.scale
    first, second = (of._hidden(batch.now.users, window, still, torch.tensor([item])) for item in (3, 5))
    torch.testing.assert_close(first, second)
    other = window.items.clone()
    other[0, -1] = 4
    changed = of._hidden(batch.now.users, Window(other, window.rewards), still, batch.items)
    assert torch.equal(changed[:, :2], first[:, :2])
    assert not torch.equal(changed[:, 2], first[:, 2])


def test_every_step_blocks_what_came_before_it() -> None:
    of = policy()
    agent = learner(of)
    window = agent.logged.batch(torch.tensor([3, 0])).now.window
    blocked = of._blocked_before(window, of._ends(window)) == NOTHING
    rows = [[row.nonzero().flatten().tolist() for row in episode] for episode in blocked]
    assert rows == [[[0], [0, 1], [0, 1, 2]], [[], [], []]]
    part = of.losses(agent.logged.batch(torch.tensor([3])), of)[1]["likelihood"]
    free = of.losses(learner(of, allow_repeats=True).logged.batch(torch.tensor([3])), of)[1]["likelihood"]
    assert part < free


def test_a_batch_is_as_many_logged_steps_in_sequences() -> None:
    agent = learner(policy())
    agent.config = replace(agent.config, updates_per_epoch=2)
    assert agent.epoch(0, 0, draws()).steps == 2 * 6  # two sequences of three steps an update


def test_learns_nothing_of_steps_before_the_start() -> None:
    of = policy()
    agent, log = learner(of), EpochLog()
    agent.update(torch.tensor([6]), log)  # an episode of one step
    assert of.embed_item.weight.grad is not None
    assert of.embed_item.weight.grad.abs().sum() == 0  # nothing was taken before
    assert log.metrics()["loss/likelihood"] > 0


def test_the_loss_by_hand() -> None:
    logits = torch.tensor([[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    items, present = torch.tensor([[0, 1], [2, 0]]), torch.tensor([[False, True], [True, True]])
    e = torch.e
    expected = torch.tensor([(e + 2) / e, 3.0, 3.0]).log().mean()
    torch.testing.assert_close(sequence_loss(logits, items, present, None), expected)
    blocking = torch.zeros(2, 2, 3)
    blocking[1, 1, 2] = NOTHING
    expected = torch.tensor([(e + 2) / e, 3.0, 2.0]).log().mean()
    torch.testing.assert_close(sequence_loss(logits, items, present, blocking), expected)
